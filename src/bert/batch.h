/* batch.h: some sentences of a split, their pieces packed end to end: one row of the activations each. */
#ifndef FINEPROBE_BERT_BATCH_H
#define FINEPROBE_BERT_BATCH_H

#include "bert/arena.h"
#include "fineprobe/bert.h"
#include "fineprobe/encode.h"

/* An instance, its spans as rows of the batch. */
typedef struct fp_batch_instance {
    size_t begin[2], end[2]; /* first word (or [CLS]), and for pairs the second */
    int32_t label;
} fp_batch_instance;

typedef struct fp_batch {
    size_t n_sentences, rows, n_instances;
    size_t *row_at;   /* [n_sentences + 1] first row of each sentence */
    size_t *score_at; /* [n_sentences + 1] and first of its attention scores, one head's of all sentences in
                         turn */
    int32_t *pieces;  /* [rows] */
    fp_batch_instance *instances;
    int spans; /* vectors side by side in an instance: 2 for pairs, else 1 */
} fp_batch;

/* The most that a set of batches needs of each. */
typedef struct fp_batch_limits {
    size_t sentences, rows, instances;
    size_t longest; /* pieces of a sentence */
    size_t scores;  /* numbers in the attention scores of one head, all sentences of the batch together */
} fp_batch_limits;

/* Numbers in one head's padded scores of a sentence of PIECES. */
size_t fp_scores_of(size_t pieces);
/* A row of those scores. */
size_t fp_scores_row(size_t pieces);

void fp_batch_lay(fp_batch *batch, fp_arena *arena, const fp_batch_limits *limits);
/* Raises LIMITS to what the batch of SENTENCES [n] needs. */
void fp_batch_measure(const fp_encoded *data, const uint32_t *sentences, size_t n, fp_batch_limits *limits);
void fp_batch_fill(fp_batch *batch, const fp_encoded *data, const uint32_t *sentences, size_t n);

/* Piece ids within the vocabulary, sentences within the positions. */
int fp_batch_check(const fp_encoded *data, const fp_bert_config *config, fp_error *error);

/* Instance vectors [n_instances, spans x H] from hidden states [rows, H], and the way back: the gradient of
 * the vectors spread over D_HIDDEN [rows, H], which is overwritten. */
void fp_batch_pool(const fp_batch *batch, size_t width, const float *hidden, float *vectors);
void fp_batch_pool_back(const fp_batch *batch, size_t width, const float *d_vectors, float *d_hidden);

#endif
