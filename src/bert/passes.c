/* Passes over rows by a team of threads. */
#include "bert/encoder.h"

#include <string.h>

enum {
    COLUMNS_AT_ONCE = 64, /* that one thread sums */
    NUMBERS_AT_ONCE = 64 * FP_DROPOUT_GROUP
};

static size_t parts_of(size_t n, size_t part) {
    return (n + part - 1) / part;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

typedef struct norm_pass {
    const fp_encoder *encoder;
    const fp_norm_forward *with;
    size_t rows;
    const float *x;
    float *normed, *inverse, *y;
} norm_pass;

static void norm_block(void *context, size_t part, int thread) {
    (void)thread;
    const norm_pass *pass = context;
    size_t row = part * FP_BLOCK_ROWS, columns = pass->encoder->config->hidden, at = row * columns;
    fp_norm_forward with = *pass->with;
    with.residual = with.residual ? with.residual + at : NULL;
    with.keep = with.keep ? with.keep + at : NULL;
    pass->encoder->kernels->norm(&with, smaller(FP_BLOCK_ROWS, pass->rows - row), columns, pass->x + at,
                                 pass->normed + at, pass->inverse + row, pass->y + at);
}

void fp_encoder_norm(const fp_encoder *encoder, const fp_norm_forward *with, size_t rows, const float *x,
                     float *normed, float *inverse, float *y) {
    norm_pass pass = {encoder, with, rows, x, normed, inverse, y};
    fp_team_run(encoder->team, parts_of(rows, FP_BLOCK_ROWS), norm_block, &pass);
}

typedef struct norm_back_pass {
    const fp_encoder *encoder;
    const fp_norm_backward *with;
    size_t rows;
    float *d, *d_x;
} norm_back_pass;

static void norm_back_block(void *context, size_t part, int thread) {
    (void)thread;
    const norm_back_pass *pass = context;
    size_t row = part * FP_BLOCK_ROWS, columns = pass->encoder->config->hidden, at = row * columns;
    fp_norm_backward with = *pass->with;
    float *sums = pass->encoder->work.sums + part * 3 * columns;
    memset(sums, 0, 3 * columns * sizeof *sums);
    with.normed += at;
    with.inverse += row;
    with.keep = with.keep ? with.keep + at : NULL;
    with.d_gain = sums;
    with.d_shift = sums + columns;
    with.d_bias = with.d_bias ? sums + 2 * columns : NULL;
    pass->encoder->kernels->norm_back(&with, smaller(FP_BLOCK_ROWS, pass->rows - row), columns, pass->d + at,
                                      pass->d_x + at);
}

void fp_encoder_norm_back(const fp_encoder *encoder, const fp_norm_backward *with, size_t rows, float *d,
                          float *d_x) {
    norm_back_pass pass = {encoder, with, rows, d, d_x};
    size_t blocks = parts_of(rows, FP_BLOCK_ROWS), columns = encoder->config->hidden;
    fp_team_run(encoder->team, blocks, norm_back_block, &pass);
    const float *sums = encoder->work.sums;
    encoder->kernels->add_rows(blocks, columns, 3 * columns, sums, with->d_gain);
    encoder->kernels->add_rows(blocks, columns, 3 * columns, sums + columns, with->d_shift);
    if (with->d_bias)
        encoder->kernels->add_rows(blocks, columns, 3 * columns, sums + 2 * columns, with->d_bias);
}

typedef struct drop_pass {
    const fp_encoder *encoder;
    size_t n;
    const float *x;
    const int8_t *keep;
    float scale;
    float *y;
} drop_pass;

static void drop_block(void *context, size_t part, int thread) {
    (void)thread;
    const drop_pass *pass = context;
    size_t at = part * NUMBERS_AT_ONCE;
    pass->encoder->kernels->drop(smaller(NUMBERS_AT_ONCE, pass->n - at), pass->x + at, pass->keep + at,
                                 pass->scale, pass->y + at);
}

void fp_encoder_drop(const fp_encoder *encoder, size_t n, const float *x, const int8_t *keep, float scale,
                     float *y) {
    drop_pass pass = {encoder, n, x, keep, scale, y};
    fp_team_run(encoder->team, parts_of(n, NUMBERS_AT_ONCE), drop_block, &pass);
}

typedef struct sum_pass {
    const fp_encoder *encoder;
    size_t rows, columns;
    const float *x;
    float *sum;
} sum_pass;

static void sum_block(void *context, size_t part, int thread) {
    (void)thread;
    const sum_pass *pass = context;
    size_t at = part * COLUMNS_AT_ONCE;
    pass->encoder->kernels->add_rows(pass->rows, smaller(COLUMNS_AT_ONCE, pass->columns - at), pass->columns,
                                     pass->x + at, pass->sum + at);
}

void fp_encoder_add_rows(const fp_encoder *encoder, size_t rows, size_t columns, const float *x, float *sum) {
    sum_pass pass = {encoder, rows, columns, x, sum};
    fp_team_run(encoder->team, parts_of(columns, COLUMNS_AT_ONCE), sum_block, &pass);
}

typedef struct keep_pass {
    const fp_encoder *encoder;
    fp_rng_key key;
    size_t n;
    uint32_t threshold;
    int8_t *keep;
} keep_pass;

static void keep_block(void *context, size_t part, int thread) {
    (void)thread;
    const keep_pass *pass = context;
    size_t at = part * NUMBERS_AT_ONCE;
    pass->encoder->kernels->keep(pass->key, at, smaller(NUMBERS_AT_ONCE, pass->n - at), pass->threshold,
                                 pass->keep + at);
}

void fp_encoder_keep(const fp_encoder *encoder, size_t place, size_t n, uint32_t threshold, int8_t *keep) {
    const fp_dropout *dropout = &encoder->dropout;
    keep_pass pass = {encoder, fp_rng_key_of(dropout->seed, FP_RNG_DROPOUT, dropout->update, place), n,
                      threshold, keep};
    fp_team_run(encoder->team, parts_of(n, NUMBERS_AT_ONCE), keep_block, &pass);
}
