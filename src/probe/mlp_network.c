/* The passes: gather, forward, loss, backward, update. */
#include "probe/mlp_network.h"

#include <float.h>
#include <math.h>
#include <string.h>

void fp_mlp_gather(fp_mlp *mlp, const fp_mlp_data *data, const uint32_t *rows, size_t m) {
    for (size_t i = 0; i < m; i++) {
        memcpy(mlp->x + i * mlp->width, data->points + rows[i] * mlp->width, mlp->width * sizeof *mlp->x);
        mlp->target[i] = mlp->class_of[data->labels[rows[i]]];
    }
}

static int is_last(const fp_mlp *mlp, size_t layer) {
    return layer + 1 == mlp->n_layers;
}

/* Whether the layer's activations of all slots lie side by side: the first, unless it is the output. */
static int is_shared(const fp_mlp *mlp, size_t layer) {
    return layer == 0 && !is_last(mlp, 0);
}

/* Activations of SLOT in LAYER for COUNT slots in use; rows are STRIDE apart. */
static float *activations(const fp_mlp *mlp, size_t layer, size_t slot, size_t count, size_t *stride) {
    const fp_mlp_layer_memory *l = &mlp->layers[layer];
    if (is_shared(mlp, layer)) {
        *stride = count * l->out;
        return l->y + slot * l->out;
    }
    *stride = l->stride;
    return l->y + slot * mlp->room * l->stride;
}

/* What goes into LAYER for SLOT. */
static fp_block input(const fp_mlp *mlp, size_t layer, size_t slot, size_t count) {
    fp_block in = {mlp->x, mlp->width};
    if (layer)
        in.at = activations(mlp, layer - 1, slot, count, &in.stride);
    return in;
}

/* y = input W^T + b for COUNT slots side by side, then ReLU but for outputs. */
static void forward_product(fp_mlp *mlp, size_t layer, size_t m, size_t slot, size_t count, fp_block in,
                            float *y, size_t stride) {
    const fp_mlp_layer_memory *l = &mlp->layers[layer];
    size_t out = count * l->out;
    fp_gemm(mlp->team, &(fp_product){.m = m,
                                     .n = out,
                                     .k = l->in,
                                     .a = in,
                                     .b = {l->w + slot * l->out * l->in, l->in},
                                     .b_turned = 1,
                                     .bias = l->b + slot * l->stride,
                                     .y = y,
                                     .stride = stride});
    if (!is_last(mlp, layer))
        mlp->kernels->activate(FP_RELU, m, out, stride, y, y);
}

static void forward_layer(fp_mlp *mlp, size_t layer, size_t m, size_t first, size_t count) {
    const fp_mlp_layer_memory *l = &mlp->layers[layer];
    if (is_shared(mlp, layer)) {
        forward_product(mlp, layer, m, first, count, input(mlp, 0, 0, count), l->y, count * l->out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        size_t stride;
        float *y = activations(mlp, layer, i, count, &stride);
        forward_product(mlp, layer, m, first + i, 1, input(mlp, layer, i, count), y, stride);
    }
}

void fp_mlp_forward(fp_mlp *mlp, size_t m, size_t first, size_t count) {
    for (size_t layer = 0; layer < mlp->n_layers; layer++)
        forward_layer(mlp, layer, m, first, count);
}

const float *fp_mlp_outputs(const fp_mlp *mlp, size_t slot, size_t *stride) {
    return activations(mlp, mlp->n_layers - 1, slot, 1, stride);
}

/* -log of a probability, kept off 0 and 1 by the spacing of float32 as scikit-learn does. */
static double log_loss(float p) {
    p = p < FLT_EPSILON ? FLT_EPSILON : p;
    p = p > 1 - FLT_EPSILON ? 1 - FLT_EPSILON : p;
    return -log((double)p);
}

static double softmax_loss(const fp_mlp *mlp, size_t m, float *y, size_t stride) {
    double sum = 0;
    mlp->kernels->softmax(m, mlp->n_classes, stride, 1, y);
    for (size_t i = 0; i < m; i++) {
        float *p = &y[i * stride + (size_t)mlp->target[i]];
        sum += log_loss(*p);
        *p -= 1;
    }
    return sum;
}

static double logistic_loss(const fp_mlp *mlp, size_t m, float *y, size_t stride) {
    double sum = 0;
    for (size_t i = 0; i < m; i++) {
        float p = 1 / (1 + expf(-y[i * stride]));
        int hit = mlp->target[i] == 1;
        sum += log_loss(hit ? p : 1 - p);
        y[i * stride] = hit ? p - 1 : p;
    }
    return sum;
}

double fp_mlp_penalty(const fp_mlp *mlp, size_t slot) {
    double sum = 0;
    for (size_t k = 0; k < mlp->n_layers; k++) {
        const fp_mlp_layer_memory *l = &mlp->layers[k];
        sum += mlp->kernels->square_sum(l->out * l->in, l->w + slot * l->out * l->in);
    }
    return 0.5 * mlp->l2[mlp->network[slot]] * sum;
}

void fp_mlp_loss(fp_mlp *mlp, size_t m) {
    for (size_t slot = 0; slot < mlp->active; slot++) {
        size_t stride;
        float *y = activations(mlp, mlp->n_layers - 1, slot, mlp->active, &stride);
        double loss = mlp->n_classes > 2 ? softmax_loss(mlp, m, y, stride) : logistic_loss(mlp, m, y, stride);
        mlp->sums[mlp->network[slot]] += loss + fp_mlp_penalty(mlp, slot);
    }
}

/* From the slopes of LAYER's activations: those of its weights for SLOT. */
static void slope_of_weights(fp_mlp *mlp, size_t layer, size_t m, size_t slot, fp_block slopes, size_t out) {
    fp_mlp_layer_memory *l = &mlp->layers[layer];
    fp_gemm_tn(mlp->team, out, l->in, m, slopes, input(mlp, layer, slot, mlp->active), 0,
               l->gw + slot * l->out * l->in, l->in);
}

/* The same for the layer before LAYER: of its activations. */
static void slope_of_input(fp_mlp *mlp, size_t layer, size_t m, size_t slot, fp_block slopes) {
    const fp_mlp_layer_memory *l = &mlp->layers[layer];
    fp_mlp_layer_memory *before = &mlp->layers[layer - 1];
    size_t stride;
    float *y = activations(mlp, layer - 1, slot, mlp->active, &stride);
    float *d = before->d + (y - before->y);
    fp_gemm_nn(mlp->team, m, l->in, l->out, slopes, (fp_block){l->w + slot * l->out * l->in, l->in}, 0, d,
               stride);
    if (!is_shared(mlp, layer - 1))
        mlp->kernels->activate_back(FP_RELU, m, before->out, stride, y, d, y,
                                    before->gb + slot * before->stride);
}

void fp_mlp_backward(fp_mlp *mlp, size_t m) {
    for (size_t layer = mlp->n_layers; layer-- > 0;) {
        fp_mlp_layer_memory *l = &mlp->layers[layer];
        if (layer)
            memset(mlp->layers[layer - 1].gb, 0, mlp->active * mlp->layers[layer - 1].stride * sizeof *l->gb);
        if (is_shared(mlp, layer)) {
            size_t out = mlp->active * l->out;
            mlp->kernels->activate_back(FP_RELU, m, out, out, l->y, l->d, l->y, l->gb);
            slope_of_weights(mlp, layer, m, 0, (fp_block){l->d, out}, out);
            continue;
        }
        for (size_t slot = 0; slot < mlp->active; slot++) {
            size_t stride;
            float *y = activations(mlp, layer, slot, mlp->active, &stride);
            fp_block slopes = {is_last(mlp, layer) ? y : l->d + (y - l->y), stride};
            if (is_last(mlp, layer)) {
                memset(l->gb + slot * l->stride, 0, l->stride * sizeof *l->gb);
                mlp->kernels->add_rows(m, stride, stride, y, l->gb + slot * l->stride);
            }
            slope_of_weights(mlp, layer, m, slot, slopes, l->out);
            if (layer)
                slope_of_input(mlp, layer, m, slot, slopes);
        }
    }
}

void fp_mlp_update(fp_mlp *mlp, size_t m, size_t t) {
    const fp_mlp_settings *s = &mlp->settings;
    double rate = s->learning_rate * sqrt(1 - pow(s->beta2, (double)t)) / (1 - pow(s->beta1, (double)t));
    fp_adamw with = {.beta1 = (float)s->beta1,
                     .beta2 = (float)s->beta2,
                     .rest1 = (float)(1 - s->beta1),
                     .rest2 = (float)(1 - s->beta2),
                     .epsilon = (float)s->epsilon,
                     .step = (float)rate,
                     .root = 1,
                     .shrink = 1,
                     .clip = 1 / (float)m};
    for (size_t slot = 0; slot < mlp->active; slot++)
        for (size_t layer = 0; layer < mlp->n_layers; layer++) {
            fp_mlp_layer_memory *l = &mlp->layers[layer];
            size_t w = slot * l->out * l->in, b = slot * l->stride;
            with.ridge = (float)mlp->l2[mlp->network[slot]];
            mlp->kernels->adamw(&with, l->out * l->in, l->gw + w, l->mw + w, l->vw + w, l->w + w);
            with.ridge = 0;
            mlp->kernels->adamw(&with, l->out, l->gb + b, l->mb + b, l->vb + b, l->b + b);
        }
}

static void exchange(float *a, float *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float keep = a[i];
        a[i] = b[i];
        b[i] = keep;
    }
}

void fp_mlp_exchange(fp_mlp *mlp, size_t a, size_t b) {
    if (a == b)
        return;
    for (size_t layer = 0; layer < mlp->n_layers; layer++) {
        fp_mlp_layer_memory *l = &mlp->layers[layer];
        float *const weights[] = {l->w, l->mw, l->vw}, *const biases[] = {l->b, l->mb, l->vb};
        size_t n = l->out * l->in;
        for (int i = 0; i < 3; i++) {
            exchange(weights[i] + a * n, weights[i] + b * n, n);
            exchange(biases[i] + a * l->stride, biases[i] + b * l->stride, l->stride);
        }
    }
    size_t keep = mlp->network[a];
    mlp->network[a] = mlp->network[b];
    mlp->network[b] = keep;
    mlp->slot[mlp->network[a]] = a;
    mlp->slot[mlp->network[b]] = b;
}
