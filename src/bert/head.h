/* head.h: cross-entropy, and the linear layer that classifies instances. */
#ifndef FINEPROBE_BERT_HEAD_H
#define FINEPROBE_BERT_HEAD_H

#include "bert/encoder.h"

/* A row of LOGITS is padded for the kernels. */
static inline size_t fp_logits_row(size_t classes) {
    return fp_scores_row(classes);
}

/* Sum of -log softmax(logits)[label] over N rows. LOGITS [n, padded classes] become its gradient times SHARE.
 */
double fp_cross_entropy(const fp_kernels *kernels, size_t n, size_t classes, const int32_t *labels,
                        float share, float *logits);

/* W [classes, width], b [classes] in the parameters; N instances. */
typedef struct fp_head {
    size_t classes, width;
    size_t weight, bias; /* offsets in the parameters */
    float *vectors;      /* [n, width] */
    float *logits;       /* [n, padded classes] */
    float *d_vectors;    /* [n, width]; training only */
    int32_t *labels;     /* [n] */
} fp_head;

void fp_head_lay(fp_head *head, fp_arena *arena, size_t instances, int training);
/* Logits of the batch's instances from the last hidden states. */
void fp_head_forward(fp_head *head, const fp_encoder *encoder, const fp_batch *batch, const float *hidden);
/* Mean cross-entropy after fp_head_forward; gradients of the head and, in D_HIDDEN, of the hidden states. */
double fp_head_backward(fp_head *head, const fp_encoder *encoder, const fp_batch *batch, float *d_hidden);

#endif
