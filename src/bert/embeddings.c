/* Word + position + type embeddings, layer norm, dropout. All pieces are of type 0. */
#include "bert/encoder.h"

typedef struct gather_pass {
    const fp_encoder *encoder;
    const fp_batch *batch;
    const float *d;
} gather_pass;

/* The sums of one sentence. */
static void gather_sentence(void *context, size_t s, int thread) {
    (void)thread;
    const gather_pass *pass = context;
    const fp_embeddings_at *at = &pass->encoder->layout->embeddings;
    const float *p = pass->encoder->parameters;
    size_t hidden = pass->encoder->config->hidden, first = pass->batch->row_at[s];
    for (size_t r = first; r < pass->batch->row_at[s + 1]; r++) {
        const float *word = p + at->word + (size_t)pass->batch->pieces[r] * hidden;
        const float *position = p + at->position + (r - first) * hidden;
        float *sum = pass->encoder->work.normed0 + r * hidden;
        for (size_t c = 0; c < hidden; c++)
            sum[c] = word[c] + position[c] + p[at->type + c];
    }
}

void fp_embeddings_forward(fp_encoder *encoder, const fp_batch *batch) {
    const fp_embeddings_at *at = &encoder->layout->embeddings;
    const float *p = encoder->parameters;
    fp_workspace *work = &encoder->work;
    size_t hidden = encoder->config->hidden;
    gather_pass pass = {encoder, batch, NULL};
    fp_team_run(encoder->team, batch->n_sentences, gather_sentence, &pass);
    fp_norm_forward norm = {.gain = p + at->norm_gain,
                            .shift = p + at->norm_shift,
                            .epsilon = (float)encoder->config->layer_norm_eps};
    fp_encoder_norm(encoder, &norm, batch->rows, work->normed0, work->normed0, work->inverse0,
                    work->hidden[0]);
    if (work->keep0) {
        uint32_t threshold = encoder->dropout.hidden;
        fp_encoder_keep(encoder, 0, batch->rows * hidden, threshold, work->keep0);
        fp_encoder_drop(encoder, batch->rows * hidden, work->hidden[0], work->keep0,
                        fp_dropout_scale(threshold), work->hidden[0]);
    }
}

enum { COLUMNS_AT_ONCE = 64 };

/* Some columns of all rows, so that rows of the same piece do not meet in two threads. */
static void scatter_columns(void *context, size_t part, int thread) {
    (void)thread;
    const gather_pass *pass = context;
    const fp_batch *batch = pass->batch;
    const fp_embeddings_at *at = &pass->encoder->layout->embeddings;
    size_t hidden = pass->encoder->config->hidden, first = part * COLUMNS_AT_ONCE;
    size_t columns = hidden - first < COLUMNS_AT_ONCE ? hidden - first : COLUMNS_AT_ONCE;
    float *g = pass->encoder->gradients + first;
    for (size_t s = 0; s < batch->n_sentences; s++)
        for (size_t r = batch->row_at[s]; r < batch->row_at[s + 1]; r++) {
            const float *d = pass->d + r * hidden + first;
            pass->encoder->kernels->add(columns, d, g + at->word + (size_t)batch->pieces[r] * hidden);
            pass->encoder->kernels->add(columns, d, g + at->position + (r - batch->row_at[s]) * hidden);
        }
}

void fp_embeddings_backward(fp_encoder *encoder, const fp_batch *batch, float *d) {
    const fp_embeddings_at *at = &encoder->layout->embeddings;
    const fp_workspace *work = &encoder->work;
    float *g = encoder->gradients;
    size_t hidden = encoder->config->hidden;
    if (work->keep0)
        fp_encoder_drop(encoder, batch->rows * hidden, d, work->keep0,
                        fp_dropout_scale(encoder->dropout.hidden), d);
    fp_norm_backward norm = {.normed = work->normed0,
                             .inverse = work->inverse0,
                             .gain = encoder->parameters + at->norm_gain,
                             .d_gain = g + at->norm_gain,
                             .d_shift = g + at->norm_shift};
    fp_encoder_norm_back(encoder, &norm, batch->rows, d, d);
    gather_pass pass = {encoder, batch, d};
    fp_team_run(encoder->team, (hidden + COLUMNS_AT_ONCE - 1) / COLUMNS_AT_ONCE, scatter_columns, &pass);
    fp_encoder_add_rows(encoder, batch->rows, hidden, d, g + at->type);
}
