/* finetune.h: fine-tuning of one model on one task (paper, section 3.2; PROTOCOL: AdamW, linear warm-up and
 * decay).
 *
 * A run is a sequence of updates 0 .. total-1; update k depends on the weights and moments after update k-1
 * and on (seed, k) alone, so a run can be stopped after any update and go on elsewhere with the same bits. */
#ifndef FINEPROBE_FINETUNE_H
#define FINEPROBE_FINETUNE_H

#include "fineprobe/bert.h"
#include "fineprobe/encode.h"

typedef enum fp_objective {
    FP_OBJECTIVE_CLASSIFY, /* one linear layer on the instance's vector, cross-entropy, mean over the batch's
                              instances */
    FP_OBJECTIVE_MLM /* masked-language modelling: 15 % of the pieces; 80 % [MASK], 10 % random, 10 % kept */
} fp_objective;

typedef struct fp_finetune_settings {
    fp_objective objective;
    size_t batch;         /* sentences an update */
    size_t epochs;        /* ignored when UPDATES is given */
    size_t updates;       /* 0: epochs x ceil(sentences / batch) */
    double learning_rate; /* peak */
    double warmup; /* share of the updates: update k < w has rate peak x k / w, w = round(warmup x updates) */
    double weight_decay, beta1, beta2, epsilon, clip; /* CLIP: largest norm of the gradient; 0: none */
    double hidden_dropout, attention_dropout;         /* negative: as in the model's config */
    uint64_t seed;
    int threads;
} fp_finetune_settings;

/* PROTOCOL.md: batch 32, 10 epochs, 3e-4, 0.1, 0, 0.9, 0.999, 1e-8, no clipping, dropout of the config. */
fp_finetune_settings fp_finetune_defaults(void);
size_t fp_finetune_updates(const fp_finetune_settings *settings, size_t n_sentences);

typedef struct fp_finetune fp_finetune;

/* Takes over nothing: MODEL is copied, DATA must outlive the run. N_LABELS: classes of the head (0 for MLM).
 * SPECIAL: ids of special pieces, for MLM. The head starts normal(0, initializer range) from the seed, bias
 * 0. */
fp_finetune *fp_finetune_create(const fp_bert *model, const fp_encoded *data, size_t n_labels,
                                const fp_special_pieces *special, const fp_finetune_settings *settings,
                                fp_error *error);
void fp_finetune_destroy(fp_finetune *run);

/* Bytes that a run holds besides MODEL and DATA, before it is created: for P numbers of the encoder and head
 * 16 P (weights, gradients, two moments), and for the R pieces of the largest batch, H wide, I intermediate,
 * L layers, about 4 R (L (8 H + I) + 8 H + 2 I), 2 R L H of dropout masks, and 5 L bytes for every attention
 * score (heads x pieces x pieces rounded up to 16, for each sentence). Nothing is allocated later on. 0: an
 * error. */
size_t fp_finetune_memory(const fp_bert_config *config, const fp_encoded *data, size_t n_labels,
                          const fp_finetune_settings *settings, fp_error *error);

size_t fp_finetune_step(const fp_finetune *run);  /* updates done */
size_t fp_finetune_total(const fp_finetune *run); /* updates of the whole run */
const fp_bert *fp_finetune_model(const fp_finetune *run);
void fp_finetune_head(const fp_finetune *run, const float **weight /* [labels, width] */, const float **bias);

/* One update; *LOSS is its mean cross-entropy before the update. A loss that is not finite is an error. */
int fp_finetune_update(fp_finetune *run, double *loss, fp_error *error);

/* Learning rate of update K of TOTAL. */
double fp_learning_rate(const fp_finetune_settings *settings, size_t total, size_t k);

/* What the head says of DATA (no dropout): predicted labels [n_instances] and the mean cross-entropy. */
int fp_finetune_predict(fp_finetune *run, const fp_encoded *data, int32_t *predicted, double *loss,
                        fp_error *error);

/* Everything a run needs to go on, in one safetensors file: weights, head, moments, step. RESTORE is for a
 * run created with the same model shape, data and settings; others are refused. */
int fp_finetune_save(const fp_finetune *run, const char *path, fp_error *error);
int fp_finetune_restore(fp_finetune *run, const char *path, fp_error *error);

#endif
