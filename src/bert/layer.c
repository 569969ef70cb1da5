/* One layer of the encoder: attention and the feed-forward block, each with its dropout, residual and layer
 * norm.
 *
 *     qkv = x Wqkv^T + b        context = attention(qkv)
 *     middle = norm1(dropout(context Wmix^T + b) + x)
 *     up = middle Wup^T + b     y = norm2(dropout(activation(up) Wdown^T + b) + middle) */
#include "bert/encoder.h"

#include <string.h>

typedef struct norm_place {
    size_t gain, shift, bias; /* offsets in the parameters */
    float *normed, *inverse;
    int8_t *keep;
} norm_place;

static norm_place first_norm(const fp_layer_at *at, size_t start, const fp_layer_store *store) {
    return (norm_place){start + at->norm1_gain, start + at->norm1_shift, start + at->mix_bias,
                        store->normed1,         store->inverse1,         store->keep1};
}

static norm_place second_norm(const fp_layer_at *at, size_t start, const fp_layer_store *store) {
    return (norm_place){start + at->norm2_gain, start + at->norm2_shift, start + at->down_bias,
                        store->normed2,         store->inverse2,         store->keep2};
}

/* y = norm(dropout(x + bias) + residual), x being where the normed rows go. */
static void add_and_norm(const fp_encoder *encoder, size_t rows, norm_place place, const float *residual,
                         float *y) {
    const float *p = encoder->parameters;
    fp_norm_forward with = {.bias = p + place.bias,
                            .residual = residual,
                            .keep = place.keep,
                            .scale = fp_dropout_scale(encoder->dropout.hidden),
                            .gain = p + place.gain,
                            .shift = p + place.shift,
                            .epsilon = (float)encoder->config->layer_norm_eps};
    encoder->kernels->norm(&with, rows, encoder->config->hidden, place.normed, place.normed, place.inverse,
                           y);
}

/* D: of y in, of the residual out; D_DENSE: of x. */
static void add_and_norm_back(const fp_encoder *encoder, size_t rows, norm_place place, float *d,
                              float *d_dense) {
    float *g = encoder->gradients;
    fp_norm_backward with = {.normed = place.normed,
                             .inverse = place.inverse,
                             .gain = encoder->parameters + place.gain,
                             .keep = place.keep,
                             .scale = fp_dropout_scale(encoder->dropout.hidden),
                             .d_gain = g + place.gain,
                             .d_shift = g + place.shift,
                             .d_bias = g + place.bias};
    encoder->kernels->norm_back(&with, rows, encoder->config->hidden, d, d_dense);
}

static void draw_masks(const fp_encoder *encoder, const fp_batch *batch, size_t layer,
                       const fp_layer_store *store) {
    size_t place = 1 + layer * FP_DROPS_PER_LAYER, n = batch->rows * encoder->config->hidden, scores = 0;
    for (size_t s = 0; store->keep_probs && s < batch->n_sentences; s++)
        scores += encoder->config->heads * fp_scores_of(batch->row_at[s + 1] - batch->row_at[s]);
    if (store->keep_probs)
        fp_encoder_keep(encoder, place + FP_DROP_ATTENTION, scores, encoder->dropout.attention,
                        store->keep_probs);
    if (store->keep1) {
        fp_encoder_keep(encoder, place + FP_DROP_MIX, n, encoder->dropout.hidden, store->keep1);
        fp_encoder_keep(encoder, place + FP_DROP_DOWN, n, encoder->dropout.hidden, store->keep2);
    }
}

void fp_layer_forward(fp_encoder *encoder, const fp_batch *batch, size_t layer) {
    const fp_layer_at *at = &encoder->layout->layer;
    const fp_kernels *kernels = encoder->kernels;
    fp_workspace *work = &encoder->work;
    const fp_layer_store *store = &work->layers[layer];
    size_t start = fp_layer_start(encoder->layout, layer);
    const float *p = encoder->parameters + start, *x = work->hidden[layer];
    size_t rows = batch->rows, hidden = encoder->config->hidden, wide = encoder->config->intermediate;

    draw_masks(encoder, batch, layer, store);
    kernels->fill_rows(rows, 3 * hidden, p + at->qkv_bias, store->qkv);
    fp_gemm_nt(rows, 3 * hidden, hidden, (fp_block){x, hidden}, (fp_block){p + at->qkv, hidden}, 1,
               store->qkv, 3 * hidden);
    fp_attention_forward(encoder, batch, store);
    fp_gemm_nt(rows, hidden, hidden, (fp_block){store->context, hidden}, (fp_block){p + at->mix, hidden}, 0,
               store->normed1, hidden);
    add_and_norm(encoder, rows, first_norm(at, start, store), x, store->middle);

    fp_gemm_nt(rows, wide, hidden, (fp_block){store->middle, hidden}, (fp_block){p + at->up, hidden}, 0,
               store->up, wide);
    kernels->activate(encoder->config->activation, rows, wide, p + at->up_bias, store->up, work->wide);
    fp_gemm_nt(rows, hidden, wide, (fp_block){work->wide, wide}, (fp_block){p + at->down, wide}, 0,
               store->normed2, hidden);
    add_and_norm(encoder, rows, second_norm(at, start, store), store->middle, work->hidden[layer + 1]);
}

/* The feed-forward half. D: of the layer's output in, of MIDDLE out. */
static void feed_forward_back(fp_encoder *encoder, size_t rows, size_t start, const fp_layer_store *store,
                              float *d) {
    const fp_layer_at *at = &encoder->layout->layer;
    const fp_workspace *work = &encoder->work;
    const float *p = encoder->parameters + start;
    float *g = encoder->gradients + start;
    size_t hidden = encoder->config->hidden, wide = encoder->config->intermediate;
    fp_block d_dense = {work->d_dense, hidden}, d_wide = {work->d_wide, wide};
    add_and_norm_back(encoder, rows, second_norm(at, start, store), d, work->d_dense);
    fp_gemm_nn(rows, wide, hidden, d_dense, (fp_block){p + at->down, wide}, 0, work->d_wide, wide);
    encoder->kernels->activate_back(encoder->config->activation, rows, wide, store->up, work->d_wide,
                                    work->wide, g + at->up_bias);
    fp_gemm_tn(hidden, wide, rows, d_dense, (fp_block){work->wide, wide}, 0, g + at->down, wide);
    fp_gemm_tn(wide, hidden, rows, d_wide, (fp_block){store->middle, hidden}, 0, g + at->up, hidden);
    fp_gemm_nn(rows, hidden, wide, d_wide, (fp_block){p + at->up, hidden}, 1, d, hidden);
}

void fp_layer_backward(fp_encoder *encoder, const fp_batch *batch, size_t layer, float *d) {
    const fp_layer_at *at = &encoder->layout->layer;
    const fp_workspace *work = &encoder->work;
    const fp_layer_store *store = &work->layers[layer];
    size_t start = fp_layer_start(encoder->layout, layer), rows = batch->rows;
    const float *p = encoder->parameters + start;
    float *g = encoder->gradients + start;
    size_t hidden = encoder->config->hidden;
    feed_forward_back(encoder, rows, start, store, d);

    fp_block d_dense = {work->d_dense, hidden}, d_qkv = {work->d_qkv, 3 * hidden};
    add_and_norm_back(encoder, rows, first_norm(at, start, store), d, work->d_dense);
    fp_gemm_tn(hidden, hidden, rows, d_dense, (fp_block){store->context, hidden}, 0, g + at->mix, hidden);
    fp_gemm_nn(rows, hidden, hidden, d_dense, (fp_block){p + at->mix, hidden}, 0, work->d_context, hidden);
    fp_attention_backward(encoder, batch, store);
    fp_gemm_tn(3 * hidden, hidden, rows, d_qkv, (fp_block){work->hidden[layer], hidden}, 0, g + at->qkv,
               hidden);
    encoder->kernels->add_rows(rows, 3 * hidden, work->d_qkv, g + at->qkv_bias);
    /* A key's bias shifts all scores of a query alike and softmax does not see it: its gradient is 0, and
     * what rounding leaves there must not reach Adam, which would make steps of it. */
    memset(g + at->qkv_bias + hidden, 0, hidden * sizeof(float));
    fp_gemm_nn(rows, hidden, 3 * hidden, d_qkv, (fp_block){p + at->qkv, hidden}, 1, d, hidden);
}
