/* kernels_template.h: the passes of kernels.h for one instruction set; kernels_reference.c says in plain
 * loops what each means. Included once per instruction set with LANES, TILE_ROWS, TILE_VECTORS, TABLE,
 * TABLE_NAME and WIDE_PRODUCT defined. */

#include "math/vector.h"

#include "math/product_template.h"

/* activation(u) and its derivative. KIND is a constant at every call, so the choice costs nothing. */
INLINE real_v activation(fp_activation kind, real_v u) {
    if (kind == FP_RELU)
        return where(u > all(0), u);
    if (kind == FP_GELU_ERF)
        return u * normal_cdf_v(u);
    real_v t = tanh_v(all(0.79788456f) * (u + all(0.044715f) * u * u * u));
    return all(0.5f) * u * (all(1) + t);
}

INLINE real_v activation_slope(fp_activation kind, real_v u, real_v *y) {
    if (kind == FP_RELU) {
        *y = where(u > all(0), u);
        return where(u > all(0), all(1));
    }
    if (kind == FP_GELU_ERF) {
        real_v cdf = normal_cdf_v(u), density = all(0.3989422804f) * exp_v(all(-0.5f) * u * u);
        *y = u * cdf;
        return cdf + u * density;
    }
    real_v t = tanh_v(all(0.79788456f) * (u + all(0.044715f) * u * u * u));
    real_v inner = all(0.79788456f) * (all(1) + all(0.134145f) * u * u);
    *y = all(0.5f) * u * (all(1) + t);
    return all(0.5f) * (all(1) + t) + all(0.5f) * u * (all(1) - t * t) * inner;
}

INLINE void activate_as(fp_activation kind, size_t rows, size_t columns, size_t stride, const float *u,
                        float *y) {
    for (size_t r = 0; r < rows; r++, u += stride, y += stride)
        for (size_t c = 0; c < columns; c += LANES)
            store(y + c, columns - c, activation(kind, load(u + c, columns - c)));
}

static void activate(fp_activation kind, size_t rows, size_t columns, size_t stride, const float *u,
                     float *y) {
    switch (kind) {
    case FP_GELU_ERF:
        activate_as(FP_GELU_ERF, rows, columns, stride, u, y);
        break;
    case FP_GELU_TANH:
        activate_as(FP_GELU_TANH, rows, columns, stride, u, y);
        break;
    case FP_RELU:
        activate_as(FP_RELU, rows, columns, stride, u, y);
        break;
    }
}

INLINE void activate_back_as(fp_activation kind, size_t rows, size_t columns, size_t stride, const float *u,
                             float *d, float *y, float *d_bias) {
    for (size_t r = 0; r < rows; r++, u += stride, d += stride, y += stride)
        for (size_t c = 0; c < columns; c += LANES) {
            size_t left = columns - c;
            real_v value, slope = activation_slope(kind, load(u + c, left), &value);
            real_v dx = load(d + c, left) * slope;
            store(y + c, left, value);
            store(d + c, left, dx);
            store(d_bias + c, left, load(d_bias + c, left) + dx);
        }
}

static void activate_back(fp_activation kind, size_t rows, size_t columns, size_t stride, const float *u,
                          float *d, float *y, float *d_bias) {
    switch (kind) {
    case FP_GELU_ERF:
        activate_back_as(FP_GELU_ERF, rows, columns, stride, u, d, y, d_bias);
        break;
    case FP_GELU_TANH:
        activate_back_as(FP_GELU_TANH, rows, columns, stride, u, d, y, d_bias);
        break;
    case FP_RELU:
        activate_back_as(FP_RELU, rows, columns, stride, u, d, y, d_bias);
        break;
    }
}

/* One row: the sum to be normalised into NORMED, its mean returned. */
INLINE float norm_sum(const fp_norm_forward *with, size_t columns, const float *x, const float *residual,
                      const int8_t *keep, float *normed) {
    real_v sum = all(0);
    for (size_t c = 0; c < columns; c += LANES) {
        size_t left = columns - c;
        real_v v = load(x + c, left);
        if (with->bias)
            v += load(with->bias + c, left);
        if (keep)
            v = where(load_keep(keep + c, left), v) * all(with->scale);
        if (residual)
            v += load(residual + c, left);
        store(normed + c, left, v);
        sum += v;
    }
    return sum_lanes(sum) / (float)columns;
}

INLINE float norm_variance(size_t columns, const float *x, float mean) {
    real_v squares = all(0);
    size_t c = 0;
    for (; c + LANES <= columns; c += LANES) {
        real_v v = *(const real_u *)(x + c) - all(mean);
        squares += v * v;
    }
    float tail = 0;
    for (; c < columns; c++)
        tail += (x[c] - mean) * (x[c] - mean);
    return (sum_lanes(squares) + tail) / (float)columns;
}

static void norm(const fp_norm_forward *with, size_t rows, size_t columns, const float *x, float *normed,
                 float *inverse, float *y) {
    for (size_t r = 0; r < rows; r++, x += columns, normed += columns, y += columns) {
        float mean = norm_sum(with, columns, x, with->residual ? with->residual + r * columns : NULL,
                              with->keep ? with->keep + r * columns : NULL, normed);
        float scale = 1 / sqrtf(norm_variance(columns, normed, mean) + with->epsilon);
        inverse[r] = scale;
        for (size_t c = 0; c < columns; c += LANES) {
            size_t left = columns - c;
            real_v v = (load(normed + c, left) - all(mean)) * all(scale);
            store(normed + c, left, v);
            store(y + c, left, v * load(with->gain + c, left) + load(with->shift + c, left));
        }
    }
}

/* One row of norm_back; NORMED and KEEP are the row's own. */
INLINE void norm_back_row(const fp_norm_backward *with, size_t columns, const float *normed,
                          const int8_t *keep, float inverse, float *d, float *d_x) {
    real_v sum = all(0), dot = all(0);
    for (size_t c = 0; c < columns; c += LANES) {
        size_t left = columns - c;
        real_v dy = load(d + c, left), n = load(normed + c, left);
        store(with->d_gain + c, left, load(with->d_gain + c, left) + dy * n);
        store(with->d_shift + c, left, load(with->d_shift + c, left) + dy);
        dy *= load(with->gain + c, left);
        sum += dy;
        dot += dy * n;
    }
    float mean = sum_lanes(sum) / (float)columns, slope = sum_lanes(dot) / (float)columns;
    for (size_t c = 0; c < columns; c += LANES) {
        size_t left = columns - c;
        real_v dn = load(d + c, left) * load(with->gain + c, left);
        real_v ds = all(inverse) * (dn - all(mean) - load(normed + c, left) * all(slope));
        store(d + c, left, ds);
        if (keep)
            ds = where(load_keep(keep + c, left), ds) * all(with->scale);
        store(d_x + c, left, ds);
        if (with->d_bias)
            store(with->d_bias + c, left, load(with->d_bias + c, left) + ds);
    }
}

static void norm_back(const fp_norm_backward *with, size_t rows, size_t columns, float *d, float *d_x) {
    for (size_t r = 0; r < rows; r++)
        norm_back_row(with, columns, with->normed + r * columns, with->keep ? with->keep + r * columns : NULL,
                      with->inverse[r], d + r * columns, d_x + r * columns);
}

static void softmax(size_t rows, size_t columns, size_t padded, float scale, float *x) {
    for (size_t r = 0; r < rows; r++, x += padded) {
        real_v most = all(-INFINITY), sum = all(0);
        for (size_t c = 0; c < padded; c += LANES)
            most = larger(choose(valid_lanes(c, columns), *(real_u *)(x + c), all(-INFINITY)), most);
        float top = largest_lane(most);
        for (size_t c = 0; c < padded; c += LANES) {
            real_v e = exp_v((*(real_u *)(x + c) - all(top)) * all(scale));
            e = where(valid_lanes(c, columns), e);
            *(real_u *)(x + c) = e;
            sum += e;
        }
        float inverse = 1 / sum_lanes(sum);
        for (size_t c = 0; c < padded; c += LANES)
            *(real_u *)(x + c) *= all(inverse);
    }
}

static void softmax_back(size_t rows, size_t columns, size_t padded, float score_scale, const float *p,
                         const int8_t *keep, float scale, float *d) {
    for (size_t r = 0; r < rows; r++, p += padded, d += padded) {
        const int8_t *kept = keep ? keep + r * padded : NULL;
        real_v dot = all(0);
        for (size_t c = 0; c < padded; c += LANES) {
            real_v dp = where(valid_lanes(c, columns), *(real_u *)(d + c));
            if (kept)
                dp = where(load_keep(kept + c, LANES), dp) * all(scale);
            *(real_u *)(d + c) = dp;
            dot += dp * *(const real_u *)(p + c);
        }
        real_v mean = all(sum_lanes(dot));
        for (size_t c = 0; c < padded; c += LANES)
            *(real_u *)(d + c) = *(const real_u *)(p + c) * (*(real_u *)(d + c) - mean) * all(score_scale);
    }
}

static void drop(size_t n, const float *x, const int8_t *keep, float scale, float *y) {
    for (size_t i = 0; i < n; i += LANES)
        store(y + i, n - i, where(load_keep(keep + i, n - i), load(x + i, n - i)) * all(scale));
}

enum { VECTORS = 16 / LANES }; /* that hold one word of 16 blocks */

/* Philox4x32-10 of rng.h on 16 neighbouring blocks at once. */
INLINE void philox_16(fp_rng_key key, uint64_t first, bits_v c[4][VECTORS]) {
    uint32_t k0 = key.word[0], k1 = key.word[1];
    const bits_v zero = {0};
    for (int v = 0; v < VECTORS; v++) {
        const bits_v lane = {EACH_LANE(LANE, 0)};
        c[0][v] = lane + (uint32_t)(v * LANES) +
                  (uint32_t)first; /* FIRST is a multiple of 16: no carry within the 16 */
        c[1][v] = zero + (uint32_t)(first >> 32);
        c[2][v] = c[3][v] = zero;
    }
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
        for (int v = 0; v < VECTORS; v++) {
            bits_v high0, low0, high2, low2;
            multiply(c[0][v], 0xD2511F53u, &high0, &low0);
            multiply(c[2][v], 0xCD9E8D57u, &high2, &low2);
            c[0][v] = high2 ^ c[1][v] ^ k0;
            c[2][v] = high0 ^ c[3][v] ^ k1;
            c[1][v] = low2;
            c[3][v] = low0;
        }
}

static void keep_mask(fp_rng_key key, size_t first, size_t n, uint32_t threshold, int8_t *keep) {
    for (size_t at = 0; at < n; at += FP_DROPOUT_GROUP) {
        bits_v c[4][VECTORS];
        philox_16(key, (first + at) / 8, c);
        for (int half = 0; half < 8; half++)
            for (int v = 0; v < VECTORS; v++) {
                int_v number = (int_v)((c[half / 2][v] >> (half % 2 * 16)) & 0xFFFFu);
                int8_t *to = keep + at + (size_t)(half * 16 + v * LANES);
                *(keep_u *)to = __builtin_convertvector(number >= (int32_t)threshold, keep_v);
            }
    }
}

static void add(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i += LANES)
        store(y + i, n - i, load(y + i, n - i) + load(x + i, n - i));
}

static void add_rows(size_t rows, size_t columns, size_t stride, const float *x, float *sum) {
    for (size_t r = 0; r < rows; r++)
        add(columns, x + r * stride, sum);
}

static double square_sum(size_t n, const float *x) {
    double part[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            part[k] += (double)x[i + (size_t)k] * x[i + (size_t)k];
    for (; i < n; i++)
        part[0] += (double)x[i] * x[i];
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

static void adamw(const fp_adamw *with, size_t n, const float *restrict g, float *restrict m,
                  float *restrict v, float *restrict p) {
    const fp_adamw w = *with;
    for (size_t i = 0; i < n; i++) {
        float gradient = (g[i] + w.ridge * p[i]) * w.clip;
        float first = w.beta1 * m[i] + w.rest1 * gradient;
        float second = w.beta2 * v[i] + w.rest2 * (gradient * gradient);
        m[i] = first;
        v[i] = second;
        p[i] = p[i] * w.shrink - w.step * first / (sqrtf(second) * w.root + w.epsilon);
    }
}

const fp_kernels TABLE = {.name = TABLE_NAME,
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
