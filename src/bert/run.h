/* run.h: what a fine-tuning run is inside. */
#ifndef FINEPROBE_BERT_RUN_H
#define FINEPROBE_BERT_RUN_H

#include "bert/head.h"
#include "bert/mlm.h"
#include "bert/model.h"
#include "bert/optimiser.h"

struct fp_finetune {
    fp_finetune_settings settings;
    const fp_encoded *data;
    fp_bert *model;         /* its parameters are the run's */
    fp_team *team;          /* its threads */
    fp_encoder encoder;     /* parameters, gradients, activations */
    fp_optimiser optimiser; /* the same parameters, moments */
    fp_head head;           /* FP_OBJECTIVE_CLASSIFY */
    fp_mlm mlm;             /* FP_OBJECTIVE_MLM */
    size_t step, total;     /* updates */
    uint32_t *order;        /* [n_sentences] of this epoch */
    size_t epoch;           /* that ORDER belongs to */
    fp_batch batch;
    fp_arena arena; /* everything above that is not in MODEL */
};

/* The halves of an update. The first leaves the gradients of all parameters in encoder.gradients. */
double fp_finetune_gradient(fp_finetune *run);
void fp_finetune_apply(fp_finetune *run);

/* Numbers of the head's matrix, and of matrix and bias. */
size_t fp_finetune_head_numbers(const fp_finetune *run);

#endif
