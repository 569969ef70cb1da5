/* Word + position + type embeddings, layer norm, dropout. All pieces are of type 0. */
#include "bert/encoder.h"

void fp_embeddings_forward(fp_encoder *encoder, const fp_batch *batch) {
    const fp_embeddings_at *at = &encoder->layout->embeddings;
    const fp_kernels *kernels = encoder->kernels;
    const float *p = encoder->parameters;
    fp_workspace *work = &encoder->work;
    size_t hidden = encoder->config->hidden;
    for (size_t s = 0; s < batch->n_sentences; s++)
        for (size_t r = batch->row_at[s]; r < batch->row_at[s + 1]; r++) {
            const float *word = p + at->word + (size_t)batch->pieces[r] * hidden;
            const float *position = p + at->position + (r - batch->row_at[s]) * hidden;
            float *sum = work->normed0 + r * hidden;
            for (size_t c = 0; c < hidden; c++)
                sum[c] = word[c] + position[c] + p[at->type + c];
        }
    fp_norm_forward norm = {.gain = p + at->norm_gain,
                            .shift = p + at->norm_shift,
                            .epsilon = (float)encoder->config->layer_norm_eps};
    kernels->norm(&norm, batch->rows, hidden, work->normed0, work->normed0, work->inverse0, work->hidden[0]);
    if (work->keep0) {
        uint32_t threshold = encoder->dropout.hidden;
        fp_encoder_keep(encoder, 0, batch->rows * hidden, threshold, work->keep0);
        kernels->drop(batch->rows * hidden, work->hidden[0], work->keep0, fp_dropout_scale(threshold),
                      work->hidden[0]);
    }
}

void fp_embeddings_backward(fp_encoder *encoder, const fp_batch *batch, float *d) {
    const fp_embeddings_at *at = &encoder->layout->embeddings;
    const fp_kernels *kernels = encoder->kernels;
    const fp_workspace *work = &encoder->work;
    float *g = encoder->gradients;
    size_t hidden = encoder->config->hidden;
    if (work->keep0)
        kernels->drop(batch->rows * hidden, d, work->keep0, fp_dropout_scale(encoder->dropout.hidden), d);
    fp_norm_backward norm = {.normed = work->normed0,
                             .inverse = work->inverse0,
                             .gain = encoder->parameters + at->norm_gain,
                             .d_gain = g + at->norm_gain,
                             .d_shift = g + at->norm_shift};
    kernels->norm_back(&norm, batch->rows, hidden, d, d);
    for (size_t s = 0; s < batch->n_sentences; s++)
        for (size_t r = batch->row_at[s]; r < batch->row_at[s + 1]; r++) {
            kernels->add(hidden, d + r * hidden, g + at->word + (size_t)batch->pieces[r] * hidden);
            kernels->add(hidden, d + r * hidden, g + at->position + (r - batch->row_at[s]) * hidden);
        }
    kernels->add_rows(batch->rows, hidden, d, g + at->type);
}
