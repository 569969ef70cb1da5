/* mlm.h: masked-language modelling: the objective and its head (dense, activation, layer norm, the word
 * embedding as decoder, a bias for each word). */
#ifndef FINEPROBE_BERT_MLM_H
#define FINEPROBE_BERT_MLM_H

#include "bert/encoder.h"
#include "fineprobe/wordpiece.h"

typedef struct fp_mlm {
    fp_special_pieces special;
    size_t n;        /* pieces to be guessed in this batch */
    size_t *rows;    /* [n] rows of the batch */
    int32_t *labels; /* [n] what was there */
    /* A chunk of them at a time; [chunk, H] or [chunk, padded vocabulary]. */
    float *hidden, *dense, *active, *normed, *inverse, *out, *d_out, *d_hidden, *logits;
} fp_mlm;

void fp_mlm_lay(fp_mlm *mlm, const fp_bert_config *config, fp_arena *arena, size_t rows);
/* Chooses 15 % of the pieces that are not special, and replaces them in the batch: 80 % by [MASK], 10 % by
 * any piece, 10 % not at all. */
void fp_mlm_mask(fp_mlm *mlm, const fp_encoder *encoder, fp_batch *batch);
/* Mean cross-entropy; gradients of the head, the word embedding (written, not added to) and, in D_HIDDEN, of
 * the hidden states. */
double fp_mlm_backward(fp_mlm *mlm, const fp_encoder *encoder, const fp_batch *batch, const float *hidden,
                       float *d_hidden);

#endif
