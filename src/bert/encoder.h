/* encoder.h: the encoder on one packed batch, forward and backward. Arrays in, numbers out. */
#ifndef FINEPROBE_BERT_ENCODER_H
#define FINEPROBE_BERT_ENCODER_H

#include "bert/batch.h"
#include "bert/layout.h"
#include "math/gemm.h"

/* What a layer leaves for its backward pass. R: rows of the batch. */
typedef struct fp_layer_store {
    float *qkv;                         /* [R, 3 H] queries, keys, values */
    float *probs;                       /* per sentence and head [pieces, padded pieces], before dropout */
    float *context;                     /* [R, H] attention's output */
    float *normed1, *inverse1;          /* [R, H], [R] of the first layer norm */
    float *middle;                      /* [R, H] its output */
    float *up;                          /* [R, I] before the activation */
    float *normed2, *inverse2;          /* of the second layer norm; its output is the layer's hidden state */
    int8_t *keep_probs, *keep1, *keep2; /* dropout, NULL when there is none */
} fp_layer_store;

typedef struct fp_workspace {
    fp_layer_store *layers; /* [layers]; without training all share one */
    float **hidden;         /* [layers + 1] hidden states [R, H]; without training two take turns */
    float *normed0, *inverse0;
    int8_t *keep0;
    float *wide;          /* [R, I]: activations */
    size_t score_numbers; /* room for one head's scores of the longest sentence */
    float *score;         /* for each thread, one head's probabilities after dropout */
    /* Training only: */
    float *d_hidden, *d_dense, *d_context; /* [R, H] */
    float *d_wide;                         /* [R, I] */
    float *d_qkv;                          /* [R, 3 H] */
    float *d_score;                        /* for each thread, one head's */
    float *sums;                           /* [blocks of rows, 3, H]: column sums of a block */
} fp_workspace;

/* Dropout of one pass; thresholds as in kernels.h, 0: none. */
typedef struct fp_dropout {
    uint64_t seed, update;
    uint32_t hidden, attention;
} fp_dropout;

typedef struct fp_encoder {
    const fp_bert_config *config;
    const fp_tensor_layout *layout;
    fp_team *team;
    const fp_kernels *kernels; /* the team's */
    int threads;               /* of the team */
    const float *parameters;
    float
        *gradients; /* training; as the parameters. Rows of the word embedding must be 0 when a pass starts */
    int training;
    fp_dropout dropout;
    fp_workspace work;
} fp_encoder;

/* Threads that work, which the caller keeps. */
void fp_encoder_employ(fp_encoder *encoder, fp_team *team);
/* Hands out the workspace for batches within LIMITS. */
void fp_encoder_lay(fp_encoder *encoder, fp_arena *arena, const fp_batch_limits *limits);

/* Fills work.hidden[0 .. layers]; SEEN (may be NULL) is called with each as soon as it is there. */
typedef void fp_hidden_seen(void *context, size_t layer, const float *hidden);
void fp_encoder_forward(fp_encoder *encoder, const fp_batch *batch, fp_hidden_seen *seen, void *context);

/* From the gradient of the last hidden state in work.d_hidden to the gradients of all parameters. */
void fp_encoder_backward(fp_encoder *encoder, const fp_batch *batch);

/* The parts. D: in the gradient of the part's output, out that of its input. */
void fp_embeddings_forward(fp_encoder *encoder, const fp_batch *batch);
void fp_embeddings_backward(fp_encoder *encoder, const fp_batch *batch, float *d);
void fp_layer_forward(fp_encoder *encoder, const fp_batch *batch, size_t layer);
void fp_layer_backward(fp_encoder *encoder, const fp_batch *batch, size_t layer, float *d);
void fp_attention_forward(fp_encoder *encoder, const fp_batch *batch, const fp_layer_store *store);
/* From d_context [R, H], to d_qkv. */
void fp_attention_backward(fp_encoder *encoder, const fp_batch *batch, const fp_layer_store *store);

/* Passes over rows, shared out among the threads in blocks of this many: sums over rows are sums of the
 * blocks' sums, in their order, for any number of threads. */
enum { FP_BLOCK_ROWS = 32 };
void fp_encoder_norm(const fp_encoder *encoder, const fp_norm_forward *with, size_t rows, const float *x,
                     float *normed, float *inverse, float *y);
void fp_encoder_norm_back(const fp_encoder *encoder, const fp_norm_backward *with, size_t rows, float *d,
                          float *d_x);
void fp_encoder_drop(const fp_encoder *encoder, size_t n, const float *x, const int8_t *keep, float scale,
                     float *y);
/* sum[columns] += column sums of X [rows, columns] */
void fp_encoder_add_rows(const fp_encoder *encoder, size_t rows, size_t columns, const float *x, float *sum);

/* Dropout masks: one stream for every place where numbers are dropped. */
enum { FP_DROP_ATTENTION, FP_DROP_MIX, FP_DROP_DOWN, FP_DROPS_PER_LAYER };
void fp_encoder_keep(const fp_encoder *encoder, size_t place, size_t n, uint32_t threshold, int8_t *keep);

#endif
