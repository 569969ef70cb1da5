/* What the passes of kernels.h mean, in plain loops with libm and double precision inside. */
#include "math/kernels.h"

#include <math.h>
#include <string.h>

/* Piece by piece of the inner dimension would be the same but for rounding. */
static void product(const fp_product *p, fp_area part, float *room) {
    (void)room;
    for (size_t r = part.row; r < part.row + part.rows; r++)
        for (size_t c = part.column; c < part.column + part.columns; c++) {
            double sum = p->add ? p->y[r * p->stride + c] : p->bias ? p->bias[c] : 0;
            for (size_t k = 0; k < p->k; k++)
                sum += (double)p->a.at[p->a_turned ? k * p->a.stride + r : r * p->a.stride + k] *
                       p->b.at[p->b_turned ? c * p->b.stride + k : k * p->b.stride + c];
            p->y[r * p->stride + c] = (float)sum;
        }
    if (p->finish)
        p->finish(p->context, part);
}

static double activation(fp_activation kind, double u) {
    switch (kind) {
    case FP_GELU_ERF:
        return u * 0.5 * erfc(-u / M_SQRT2);
    case FP_GELU_TANH:
        return 0.5 * u * (1 + tanh(sqrt(2 / M_PI) * (u + 0.044715 * u * u * u)));
    case FP_RELU:
        break;
    }
    return u > 0 ? u : 0;
}

static double activation_slope(fp_activation kind, double u) {
    if (kind == FP_GELU_ERF)
        return 0.5 * erfc(-u / M_SQRT2) + u * exp(-0.5 * u * u) / sqrt(2 * M_PI);
    if (kind == FP_GELU_TANH) {
        double t = tanh(sqrt(2 / M_PI) * (u + 0.044715 * u * u * u));
        return 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * u * u);
    }
    return u > 0 ? 1 : 0;
}

static void activate(fp_activation kind, size_t rows, size_t columns, size_t stride, const float *u,
                     float *y) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = r * stride; i < r * stride + columns; i++)
            y[i] = (float)activation(kind, u[i]);
}

static void activate_back(fp_activation kind, size_t rows, size_t columns, size_t stride, const float *u,
                          float *d, float *y, float *d_bias) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0, i = r * stride; c < columns; c++, i++) {
            y[i] = (float)activation(kind, u[i]);
            d[i] = (float)(d[i] * activation_slope(kind, u[i]));
            d_bias[c] += d[i];
        }
}

static void norm(const fp_norm_forward *with, size_t rows, size_t columns, const float *x, float *normed,
                 float *inverse, float *y) {
    for (size_t r = 0; r < rows; r++) {
        double sum = 0, squares = 0;
        for (size_t c = 0; c < columns; c++) {
            size_t i = r * columns + c;
            double v = x[i] + (with->bias ? with->bias[c] : 0);
            if (with->keep)
                v = with->keep[i] ? v * with->scale : 0;
            v += with->residual ? with->residual[i] : 0;
            normed[i] = (float)v;
            sum += v;
        }
        double mean = sum / (double)columns;
        for (size_t c = 0; c < columns; c++)
            squares += pow(normed[r * columns + c] - mean, 2);
        inverse[r] = (float)(1 / sqrt(squares / (double)columns + with->epsilon));
        for (size_t c = 0; c < columns; c++) {
            size_t i = r * columns + c;
            normed[i] = (float)((normed[i] - mean) * inverse[r]);
            y[i] = normed[i] * with->gain[c] + with->shift[c];
        }
    }
}

static void norm_back(const fp_norm_backward *with, size_t rows, size_t columns, float *d, float *d_x) {
    for (size_t r = 0; r < rows; r++) {
        double mean = 0, slope = 0;
        for (size_t c = 0; c < columns; c++) {
            size_t i = r * columns + c;
            with->d_gain[c] += d[i] * with->normed[i];
            with->d_shift[c] += d[i];
            mean += (double)d[i] * with->gain[c] / (double)columns;
            slope += (double)d[i] * with->gain[c] * with->normed[i] / (double)columns;
        }
        for (size_t c = 0; c < columns; c++) {
            size_t i = r * columns + c;
            double dn = (double)d[i] * with->gain[c];
            d[i] = (float)(with->inverse[r] * (dn - mean - with->normed[i] * slope));
            d_x[i] = with->keep ? (with->keep[i] ? d[i] * with->scale : 0) : d[i];
            if (with->d_bias)
                with->d_bias[c] += d_x[i];
        }
    }
}

static void softmax(size_t rows, size_t columns, size_t padded, float scale, float *x) {
    for (size_t r = 0; r < rows; r++, x += padded) {
        double top = x[0], sum = 0;
        for (size_t c = 0; c < columns; c++)
            top = x[c] > top ? x[c] : top;
        for (size_t c = 0; c < columns; c++)
            sum += exp((x[c] - top) * scale);
        for (size_t c = 0; c < padded; c++)
            x[c] = c < columns ? (float)(exp((x[c] - top) * scale) / sum) : 0;
    }
}

static void softmax_back(size_t rows, size_t columns, size_t padded, float score_scale, const float *p,
                         const int8_t *keep, float scale, float *d) {
    for (size_t r = 0; r < rows; r++, p += padded, d += padded) {
        double dot = 0;
        for (size_t c = 0; c < columns; c++) {
            if (keep)
                d[c] = keep[r * padded + c] ? d[c] * scale : 0;
            dot += (double)d[c] * p[c];
        }
        for (size_t c = 0; c < padded; c++)
            d[c] = c < columns ? (float)(p[c] * (d[c] - dot) * score_scale) : 0;
    }
}

static void drop(size_t n, const float *x, const int8_t *keep, float scale, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] = keep[i] ? x[i] * scale : 0;
}

static void keep_mask(fp_rng_key key, size_t first, size_t n, uint32_t threshold, int8_t *keep) {
    for (size_t i = 0, e = first; i < n; i++, e++) {
        uint32_t block[4];
        size_t half = e % FP_DROPOUT_GROUP / 16;
        fp_rng_block(key, e / FP_DROPOUT_GROUP * 16 + e % 16, block);
        keep[i] = (block[half / 2] >> (half % 2 * 16) & 0xFFFF) >= threshold ? -1 : 0;
    }
}

static void add(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void add_rows(size_t rows, size_t columns, size_t stride, const float *x, float *sum) {
    for (size_t r = 0; r < rows; r++)
        add(columns, x + r * stride, sum);
}

static double square_sum(size_t n, const float *x) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return sum;
}

static void adamw(const fp_adamw *w, size_t n, const float *g, float *m, float *v, float *p) {
    for (size_t i = 0; i < n; i++) {
        double gradient = ((double)g[i] + (double)w->ridge * p[i]) * w->clip;
        m[i] = (float)((double)w->beta1 * m[i] + w->rest1 * gradient);
        v[i] = (float)((double)w->beta2 * v[i] + w->rest2 * gradient * gradient);
        p[i] = (float)((double)p[i] * w->shrink -
                       (double)w->step * m[i] / (sqrt((double)v[i]) * w->root + w->epsilon));
    }
}

const fp_kernels fp_kernels_reference = {.name = "reference",
                                         .product = product,
                                         .activate = activate,
                                         .activate_back = activate_back,
                                         .norm = norm,
                                         .norm_back = norm_back,
                                         .softmax = softmax,
                                         .softmax_back = softmax_back,
                                         .drop = drop,
                                         .keep = keep_mask,
                                         .add = add,
                                         .add_rows = add_rows,
                                         .square_sum = square_sum,
                                         .adamw = adamw};
