#include "bert/batch.h"

#include "math/kernels.h"
#include <string.h>

size_t fp_scores_row(size_t pieces) {
    return (pieces + FP_ATTENTION_PAD - 1) / FP_ATTENTION_PAD * FP_ATTENTION_PAD;
}

size_t fp_scores_of(size_t pieces) {
    return pieces * fp_scores_row(pieces);
}

void fp_batch_lay(fp_batch *batch, fp_arena *arena, const fp_batch_limits *limits) {
    batch->row_at = fp_arena_take(arena, limits->sentences + 1, sizeof *batch->row_at);
    batch->score_at = fp_arena_take(arena, limits->sentences + 1, sizeof *batch->score_at);
    batch->pieces = fp_arena_take(arena, limits->rows, sizeof *batch->pieces);
    batch->instances = fp_arena_take(arena, limits->instances, sizeof *batch->instances);
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

void fp_batch_measure(const fp_encoded *data, const uint32_t *sentences, size_t n, fp_batch_limits *limits) {
    size_t rows = 0, instances = 0, scores = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t s = sentences[i];
        size_t pieces = data->piece_at[s + 1] - data->piece_at[s];
        rows += pieces;
        scores += fp_scores_of(pieces);
        instances += data->instance_at[s + 1] - data->instance_at[s];
        limits->longest = larger(limits->longest, pieces);
    }
    limits->sentences = larger(limits->sentences, n);
    limits->rows = larger(limits->rows, rows);
    limits->instances = larger(limits->instances, instances);
    limits->scores = larger(limits->scores, scores);
}

void fp_batch_fill(fp_batch *batch, const fp_encoded *data, const uint32_t *sentences, size_t n) {
    batch->n_sentences = n;
    batch->n_instances = 0;
    batch->spans = data->kind == FP_KIND_PAIR ? 2 : 1;
    batch->score_at[0] = 0;
    size_t row = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t s = sentences[i];
        size_t first = data->piece_at[s], pieces = data->piece_at[s + 1] - first;
        batch->row_at[i] = row;
        batch->score_at[i + 1] = batch->score_at[i] + fp_scores_of(pieces);
        memcpy(batch->pieces + row, data->pieces + first, pieces * sizeof *batch->pieces);
        for (size_t k = data->instance_at[s]; k < data->instance_at[s + 1]; k++) {
            const fp_encoded_instance *in = &data->instances[k];
            batch->instances[batch->n_instances++] =
                (fp_batch_instance){.begin = {row + in->first.begin, row + in->second.begin},
                                    .end = {row + in->first.end, row + in->second.end},
                                    .label = in->label};
        }
        row += pieces;
    }
    batch->row_at[n] = row;
    batch->rows = row;
}

static int check_sentence(const fp_encoded *data, size_t s, const fp_bert_config *config, fp_error *error) {
    size_t pieces = data->piece_at[s + 1] - data->piece_at[s];
    if (pieces > config->positions)
        return fp_fail(error, "sentence %zu has %zu pieces; the model has %zu positions", s + 1, pieces,
                       config->positions);
    for (size_t i = data->piece_at[s]; i < data->piece_at[s + 1]; i++)
        if (data->pieces[i] < 0 || (size_t)data->pieces[i] >= config->vocab_size)
            return fp_fail(error,
                           "sentence %zu: piece %d is outside the model's vocabulary of %zu; "
                           "vocab.txt does not belong to these weights",
                           s + 1, data->pieces[i], config->vocab_size);
    return 0;
}

static int span_fits(fp_span span, size_t pieces) {
    return span.begin < span.end && span.end <= pieces;
}

int fp_batch_check(const fp_encoded *data, const fp_bert_config *config, fp_error *error) {
    for (size_t s = 0; s < data->n_sentences; s++) {
        if (check_sentence(data, s, config, error) < 0)
            return -1;
        size_t pieces = data->piece_at[s + 1] - data->piece_at[s];
        for (size_t i = data->instance_at[s]; i < data->instance_at[s + 1]; i++)
            if (!span_fits(data->instances[i].first, pieces) ||
                (data->kind == FP_KIND_PAIR && !span_fits(data->instances[i].second, pieces)))
                return fp_fail(error, "instance %zu reaches outside its sentence of %zu pieces", i + 1,
                               pieces);
    }
    return 0;
}

void fp_batch_pool(const fp_batch *batch, size_t width, const float *hidden, float *vectors) {
    for (size_t i = 0; i < batch->n_instances; i++)
        for (int k = 0; k < batch->spans; k++, vectors += width) {
            size_t begin = batch->instances[i].begin[k], end = batch->instances[i].end[k];
            memcpy(vectors, hidden + begin * width, width * sizeof *vectors);
            for (size_t r = begin + 1; r < end; r++)
                for (size_t c = 0; c < width; c++)
                    vectors[c] += hidden[r * width + c];
            for (size_t c = 0; end - begin > 1 && c < width; c++)
                vectors[c] /= (float)(end - begin);
        }
}

void fp_batch_pool_back(const fp_batch *batch, size_t width, const float *d_vectors, float *d_hidden) {
    memset(d_hidden, 0, batch->rows * width * sizeof *d_hidden);
    for (size_t i = 0; i < batch->n_instances; i++)
        for (int k = 0; k < batch->spans; k++, d_vectors += width) {
            size_t begin = batch->instances[i].begin[k], end = batch->instances[i].end[k];
            float share = 1 / (float)(end - begin);
            for (size_t r = begin; r < end; r++)
                for (size_t c = 0; c < width; c++)
                    d_hidden[r * width + c] += share * d_vectors[c];
        }
}
