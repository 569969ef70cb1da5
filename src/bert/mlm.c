#include "bert/mlm.h"

#include "bert/head.h"
#include <string.h>

enum { CHUNK = 128 };

void fp_mlm_lay(fp_mlm *mlm, const fp_bert_config *config, fp_arena *arena, size_t rows) {
    size_t chunk = rows < CHUNK ? rows : CHUNK, n = chunk * config->hidden, real = sizeof(float);
    mlm->rows = fp_arena_take(arena, rows, sizeof *mlm->rows);
    mlm->labels = fp_arena_take(arena, rows, sizeof *mlm->labels);
    mlm->hidden = fp_arena_take(arena, n, real);
    mlm->dense = fp_arena_take(arena, n, real);
    mlm->active = fp_arena_take(arena, n, real);
    mlm->normed = fp_arena_take(arena, n, real);
    mlm->inverse = fp_arena_take(arena, chunk, real);
    mlm->out = fp_arena_take(arena, n, real);
    mlm->d_out = fp_arena_take(arena, n, real);
    mlm->d_hidden = fp_arena_take(arena, n, real);
    mlm->logits = fp_arena_take(arena, chunk * fp_logits_row(config->vocab_size), real);
}

static int is_special(const fp_special_pieces *special, int32_t piece) {
    return piece == special->cls || piece == special->sep || piece == special->pad;
}

static void mask_row(fp_mlm *mlm, const fp_encoder *encoder, fp_batch *batch, size_t row) {
    const fp_dropout *stream = &encoder->dropout;
    mlm->rows[mlm->n] = row;
    mlm->labels[mlm->n++] = batch->pieces[row];
    double how = fp_rng_uniform(fp_rng_key_of(stream->seed, FP_RNG_MASKING, stream->update, 1), row);
    fp_rng_key any = fp_rng_key_of(stream->seed, FP_RNG_MASKING, stream->update, 2);
    if (how < 0.8)
        batch->pieces[row] = mlm->special.mask;
    else if (how < 0.9)
        batch->pieces[row] = (int32_t)fp_rng_below(any, row, encoder->config->vocab_size);
}

void fp_mlm_mask(fp_mlm *mlm, const fp_encoder *encoder, fp_batch *batch) {
    const fp_dropout *stream = &encoder->dropout;
    fp_rng_key key = fp_rng_key_of(stream->seed, FP_RNG_MASKING, stream->update, 0);
    mlm->n = 0;
    for (size_t r = 0; r < batch->rows; r++)
        if (!is_special(&mlm->special, batch->pieces[r]) && fp_rng_uniform(key, r) < 0.15)
            mask_row(mlm, encoder, batch, r);
    for (size_t r = 0; mlm->n == 0 && r < batch->rows; r++) /* a batch of a few words: guess one at least */
        if (!is_special(&mlm->special, batch->pieces[r]))
            mask_row(mlm, encoder, batch, r);
}

/* hidden -> dense -> active -> normed -> out -> logits, all of N rows. */
static void forward(const fp_mlm *mlm, const fp_encoder *encoder, size_t n) {
    const fp_mlm_at *at = &encoder->layout->mlm;
    const fp_bert_config *config = encoder->config;
    const float *p = encoder->parameters;
    size_t width = config->hidden, row = fp_logits_row(config->vocab_size);
    fp_gemm(encoder->team, &(fp_product){.m = n,
                                         .n = width,
                                         .k = width,
                                         .a = {mlm->hidden, width},
                                         .b = {p + at->dense, width},
                                         .b_turned = 1,
                                         .bias = p + at->dense_bias,
                                         .y = mlm->dense,
                                         .stride = width});
    encoder->kernels->activate(config->activation, n, width, width, mlm->dense, mlm->active);
    fp_norm_forward norm = {
        .gain = p + at->norm_gain, .shift = p + at->norm_shift, .epsilon = (float)config->layer_norm_eps};
    encoder->kernels->norm(&norm, n, width, mlm->active, mlm->normed, mlm->inverse, mlm->out);
    fp_gemm(encoder->team, &(fp_product){.m = n,
                                         .n = config->vocab_size,
                                         .k = width,
                                         .a = {mlm->out, width},
                                         .b = {p + encoder->layout->embeddings.word, width},
                                         .b_turned = 1,
                                         .bias = p + at->decoder_bias,
                                         .y = mlm->logits,
                                         .stride = row});
}

/* From the gradient of the logits to mlm->d_hidden; ADD: 0 in the first chunk, then 1. */
static void backward(const fp_mlm *mlm, const fp_encoder *encoder, size_t n, int add) {
    const fp_mlm_at *at = &encoder->layout->mlm;
    const fp_bert_config *config = encoder->config;
    const float *p = encoder->parameters;
    float *g = encoder->gradients;
    size_t width = config->hidden, words = config->vocab_size, row = fp_logits_row(words);
    size_t word = encoder->layout->embeddings.word;
    fp_block d_logits = {mlm->logits, row}, d = {mlm->d_out, width};
    encoder->kernels->add_rows(n, words, row, mlm->logits, g + at->decoder_bias);
    fp_gemm_tn(encoder->team, words, width, n, d_logits, (fp_block){mlm->out, width}, add, g + word, width);
    fp_gemm_nn(encoder->team, n, width, words, d_logits, (fp_block){p + word, width}, 0, mlm->d_out, width);
    fp_norm_backward norm = {.normed = mlm->normed,
                             .inverse = mlm->inverse,
                             .gain = p + at->norm_gain,
                             .d_gain = g + at->norm_gain,
                             .d_shift = g + at->norm_shift};
    encoder->kernels->norm_back(&norm, n, width, mlm->d_out, mlm->d_out);
    encoder->kernels->activate_back(config->activation, n, width, width, mlm->dense, mlm->d_out, mlm->active,
                                    g + at->dense_bias);
    fp_gemm_tn(encoder->team, width, width, n, d, (fp_block){mlm->hidden, width}, add, g + at->dense, width);
    fp_gemm_nn(encoder->team, n, width, width, d, (fp_block){p + at->dense, width}, 0, mlm->d_hidden, width);
}

static void clear(const fp_mlm *mlm, const fp_encoder *encoder) {
    const fp_tensor_layout *layout = encoder->layout;
    float *g = encoder->gradients;
    memset(g + layout->encoder_numbers, 0, (layout->numbers - layout->encoder_numbers) * sizeof *g);
    if (mlm->n == 0)
        memset(g + layout->embeddings.word, 0,
               encoder->config->vocab_size * encoder->config->hidden * sizeof *g);
}

double fp_mlm_backward(fp_mlm *mlm, const fp_encoder *encoder, const fp_batch *batch, const float *hidden,
                       float *d_hidden) {
    size_t width = encoder->config->hidden, bytes = width * sizeof(float);
    double sum = 0;
    clear(mlm, encoder);
    memset(d_hidden, 0, batch->rows * bytes);
    for (size_t first = 0; first < mlm->n; first += CHUNK) {
        size_t n = mlm->n - first < CHUNK ? mlm->n - first : CHUNK;
        for (size_t i = 0; i < n; i++)
            memcpy(mlm->hidden + i * width, hidden + mlm->rows[first + i] * width, bytes);
        forward(mlm, encoder, n);
        sum += fp_cross_entropy(encoder->kernels, n, encoder->config->vocab_size, mlm->labels + first,
                                1 / (float)mlm->n, mlm->logits);
        backward(mlm, encoder, n, first ? 1 : 0);
        for (size_t i = 0; i < n; i++)
            memcpy(d_hidden + mlm->rows[first + i] * width, mlm->d_hidden + i * width, bytes);
    }
    return mlm->n ? sum / (double)mlm->n : 0;
}
