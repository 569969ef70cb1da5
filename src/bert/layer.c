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
    fp_encoder_norm(encoder, &with, rows, place.normed, place.normed, place.inverse, y);
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
    fp_encoder_norm_back(encoder, &with, rows, d, d_dense);
}

static void draw_masks(const fp_encoder *encoder, const fp_batch *batch, size_t layer,
                       const fp_layer_store *store) {
    size_t place = 1 + layer * FP_DROPS_PER_LAYER, n = batch->rows * encoder->config->hidden;
    size_t scores = encoder->config->heads * batch->score_at[batch->n_sentences];
    if (store->keep_probs)
        fp_encoder_keep(encoder, place + FP_DROP_ATTENTION, scores, encoder->dropout.attention,
                        store->keep_probs);
    if (store->keep1) {
        fp_encoder_keep(encoder, place + FP_DROP_MIX, n, encoder->dropout.hidden, store->keep1);
        fp_encoder_keep(encoder, place + FP_DROP_DOWN, n, encoder->dropout.hidden, store->keep2);
    }
}

/* activation(up) goes to WIDE part by part as the product is there. */
typedef struct activate_part {
    const fp_encoder *encoder;
    const float *up;
    float *wide;
} activate_part;

static void activate(void *context, fp_area part) {
    const activate_part *a = context;
    const fp_bert_config *config = a->encoder->config;
    size_t at = part.row * config->intermediate + part.column;
    a->encoder->kernels->activate(config->activation, part.rows, part.columns, config->intermediate,
                                  a->up + at, a->wide + at);
}

void fp_layer_forward(fp_encoder *encoder, const fp_batch *batch, size_t layer) {
    const fp_layer_at *at = &encoder->layout->layer;
    fp_team *team = encoder->team;
    fp_workspace *work = &encoder->work;
    const fp_layer_store *store = &work->layers[layer];
    size_t start = fp_layer_start(encoder->layout, layer);
    const float *p = encoder->parameters + start, *x = work->hidden[layer];
    size_t rows = batch->rows, hidden = encoder->config->hidden, wide = encoder->config->intermediate;
    float *up = store->up ? store->up : work->wide;

    draw_masks(encoder, batch, layer, store);
    fp_gemm(team, &(fp_product){.m = rows,
                                .n = 3 * hidden,
                                .k = hidden,
                                .a = {x, hidden},
                                .b = {p + at->qkv, hidden},
                                .b_turned = 1,
                                .bias = p + at->qkv_bias,
                                .y = store->qkv,
                                .stride = 3 * hidden});
    fp_attention_forward(encoder, batch, store);
    fp_gemm_nt(team, rows, hidden, hidden, (fp_block){store->context, hidden},
               (fp_block){p + at->mix, hidden}, 0, store->normed1, hidden);
    add_and_norm(encoder, rows, first_norm(at, start, store), x, store->middle);

    fp_gemm(team, &(fp_product){.m = rows,
                                .n = wide,
                                .k = hidden,
                                .a = {store->middle, hidden},
                                .b = {p + at->up, hidden},
                                .b_turned = 1,
                                .bias = p + at->up_bias,
                                .y = up,
                                .stride = wide,
                                .finish = activate,
                                .context = &(activate_part){encoder, up, work->wide}});
    fp_gemm_nt(team, rows, hidden, wide, (fp_block){work->wide, wide}, (fp_block){p + at->down, wide}, 0,
               store->normed2, hidden);
    add_and_norm(encoder, rows, second_norm(at, start, store), store->middle, work->hidden[layer + 1]);
}

/* From d activation(up) to d up, part by part, and activation(up) again. */
typedef struct activate_back_part {
    const fp_encoder *encoder;
    const float *up;
    float *d, *wide, *d_bias;
} activate_back_part;

static void activate_back(void *context, fp_area part) {
    const activate_back_part *a = context;
    const fp_bert_config *config = a->encoder->config;
    size_t at = part.row * config->intermediate + part.column;
    a->encoder->kernels->activate_back(config->activation, part.rows, part.columns, config->intermediate,
                                       a->up + at, a->d + at, a->wide + at, a->d_bias + part.column);
}

/* The feed-forward half. D: of the layer's output in, of MIDDLE out. */
static void feed_forward_back(fp_encoder *encoder, size_t rows, size_t start, const fp_layer_store *store,
                              float *d) {
    const fp_layer_at *at = &encoder->layout->layer;
    fp_team *team = encoder->team;
    const fp_workspace *work = &encoder->work;
    const float *p = encoder->parameters + start;
    float *g = encoder->gradients + start;
    size_t hidden = encoder->config->hidden, wide = encoder->config->intermediate;
    fp_block d_dense = {work->d_dense, hidden}, d_wide = {work->d_wide, wide};
    add_and_norm_back(encoder, rows, second_norm(at, start, store), d, work->d_dense);
    activate_back_part finish = {encoder, store->up, work->d_wide, work->wide, g + at->up_bias};
    fp_gemm(team, &(fp_product){.m = rows,
                                .n = wide,
                                .k = hidden,
                                .a = d_dense,
                                .b = {p + at->down, wide},
                                .y = work->d_wide,
                                .stride = wide,
                                .finish = activate_back,
                                .context = &finish,
                                .sums_columns = 1});
    fp_gemm_tn(team, hidden, wide, rows, d_dense, (fp_block){work->wide, wide}, 0, g + at->down, wide);
    fp_gemm_tn(team, wide, hidden, rows, d_wide, (fp_block){store->middle, hidden}, 0, g + at->up, hidden);
    fp_gemm_nn(team, rows, hidden, wide, d_wide, (fp_block){p + at->up, hidden}, 1, d, hidden);
}

void fp_layer_backward(fp_encoder *encoder, const fp_batch *batch, size_t layer, float *d) {
    const fp_layer_at *at = &encoder->layout->layer;
    fp_team *team = encoder->team;
    const fp_workspace *work = &encoder->work;
    const fp_layer_store *store = &work->layers[layer];
    size_t start = fp_layer_start(encoder->layout, layer), rows = batch->rows;
    const float *p = encoder->parameters + start;
    float *g = encoder->gradients + start;
    size_t hidden = encoder->config->hidden;
    feed_forward_back(encoder, rows, start, store, d);

    fp_block d_dense = {work->d_dense, hidden}, d_qkv = {work->d_qkv, 3 * hidden};
    add_and_norm_back(encoder, rows, first_norm(at, start, store), d, work->d_dense);
    fp_gemm_tn(team, hidden, hidden, rows, d_dense, (fp_block){store->context, hidden}, 0, g + at->mix,
               hidden);
    fp_gemm_nn(team, rows, hidden, hidden, d_dense, (fp_block){p + at->mix, hidden}, 0, work->d_context,
               hidden);
    fp_attention_backward(encoder, batch, store);
    fp_gemm_tn(team, 3 * hidden, hidden, rows, d_qkv, (fp_block){work->hidden[layer], hidden}, 0, g + at->qkv,
               hidden);
    fp_encoder_add_rows(encoder, rows, 3 * hidden, work->d_qkv, g + at->qkv_bias);
    /* A key's bias shifts all scores of a query alike and softmax does not see it: its gradient is 0, and
     * what rounding leaves there must not reach Adam, which would make steps of it. */
    memset(g + at->qkv_bias + hidden, 0, hidden * sizeof(float));
    fp_gemm_nn(team, rows, hidden, 3 * hidden, d_qkv, (fp_block){p + at->qkv, hidden}, 1, d, hidden);
}
