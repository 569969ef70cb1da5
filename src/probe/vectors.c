#include "vectors.h"

#include <string.h>

/* Vectors of the compiler; a second build of the same code for AVX2 is chosen at run time. */
typedef float f4 __attribute__((vector_size(16)));
typedef double d4 __attribute__((vector_size(32)));
#define INLINE __attribute__((always_inline)) static inline

INLINE void row_dots(const float *const x[4], size_t d, const double *w, double out[4]) {
    d4 sum[4] = {{0}}, more[4] = {{0}};
    size_t k = 0;
    for (; k + 8 <= d; k += 8) {
        d4 wa, wb;
        memcpy(&wa, w + k, sizeof wa);
        memcpy(&wb, w + k + 4, sizeof wb);
        for (int r = 0; r < 4; r++) {
            f4 a, b;
            memcpy(&a, x[r] + k, sizeof a);
            memcpy(&b, x[r] + k + 4, sizeof b);
            sum[r] += __builtin_convertvector(a, d4) * wa;
            more[r] += __builtin_convertvector(b, d4) * wb;
        }
    }
    for (int r = 0; r < 4; r++) {
        d4 s = sum[r] + more[r];
        double total = (s[0] + s[1]) + (s[2] + s[3]);
        for (size_t t = k; t < d; t++)
            total += x[r][t] * w[t];
        out[r] = total;
    }
}

INLINE void scores_of(const float *points, const uint32_t *index, size_t count, size_t d, const double *w,
                      double *out) {
    for (size_t i = 0; i < count; i += 4) {
        const float *x[4];
        double four[4];
        size_t n = count - i < 4 ? count - i : 4;
        for (size_t r = 0; r < 4; r++) {
            size_t at = r < n ? i + r : i;
            x[r] = points + (index ? index[at] : at) * d;
        }
        row_dots(x, d, w, four);
        memcpy(out + i, four, n * sizeof *out);
    }
}

INLINE double squared_distance_of(const float *x, const float *y, size_t d) {
    d4 sum = {0}, more = {0};
    size_t k = 0;
    for (; k + 8 <= d; k += 8) {
        f4 a, b, c, e;
        memcpy(&a, x + k, sizeof a);
        memcpy(&b, y + k, sizeof b);
        memcpy(&c, x + k + 4, sizeof c);
        memcpy(&e, y + k + 4, sizeof e);
        d4 u = __builtin_convertvector(a, d4) - __builtin_convertvector(b, d4);
        d4 v = __builtin_convertvector(c, d4) - __builtin_convertvector(e, d4);
        sum += u * u;
        more += v * v;
    }
    sum += more;
    double total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    for (; k < d; k++)
        total += ((double)x[k] - y[k]) * ((double)x[k] - y[k]);
    return total;
}

INLINE double dot_of(const double *x, const double *y, size_t n) {
    d4 sum = {0}, more = {0};
    size_t k = 0;
    for (; k + 8 <= n; k += 8) {
        d4 a, b, c, e;
        memcpy(&a, x + k, sizeof a);
        memcpy(&b, y + k, sizeof b);
        memcpy(&c, x + k + 4, sizeof c);
        memcpy(&e, y + k + 4, sizeof e);
        sum += a * b;
        more += c * e;
    }
    sum += more;
    double total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    for (; k < n; k++)
        total += x[k] * y[k];
    return total;
}

INLINE void dots_of(double *const *rows, size_t count, size_t d, const double *x, double *out) {
    for (size_t i = 0; i < count; i++)
        out[i] = dot_of(rows[i], x, d);
}

INLINE void combine_of(double *const *rows, const double *weight, size_t count, size_t d, double *out) {
    memset(out, 0, d * sizeof *out);
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const double *p = rows[i], *q = rows[i + 1], *r = rows[i + 2], *t = rows[i + 3], *w = weight + i;
        for (size_t k = 0; k < d; k++)
            out[k] += (w[0] * p[k] + w[1] * q[k]) + (w[2] * r[k] + w[3] * t[k]);
    }
    for (; i < count; i++)
        for (size_t k = 0; k < d; k++)
            out[k] += weight[i] * rows[i][k];
}

INLINE void solve_lower_of(const double *factor, size_t stride, size_t n, double *restrict x) {
    for (size_t j = 0; j < n; j++) {
        const double *restrict column = factor + j * stride;
        double value = x[j] / column[j];
        x[j] = value;
        for (size_t i = j + 1; i < n; i++)
            x[i] -= value * column[i];
    }
}

INLINE void solve_upper_of(const double *factor, size_t stride, size_t n, double *x) {
    for (size_t i = n; i-- > 0;) {
        const double *column = factor + i * stride;
        x[i] = (x[i] - dot_of(column + i + 1, x + i + 1, n - i - 1)) / column[i];
    }
}

INLINE void rotate_up_of(double *restrict a, double *restrict b, size_t n, double c, double s) {
    for (size_t i = 0; i < n; i++) {
        double u = a[i + 1], v = b[i + 1];
        a[i] = c * u + s * v;
        b[i + 1] = c * v - s * u;
    }
}

/* NAME(parameters): the build for AVX2 where the processor has it. */
#if defined(__x86_64__)
#define DISPATCH(type, name, parameters, arguments)                                                          \
    __attribute__((target("avx2"))) static type name##_avx2 parameters {                                     \
        return name##_of arguments;                                                                          \
    }                                                                                                        \
    type fp_##name parameters {                                                                              \
        return __builtin_cpu_supports("avx2") ? name##_avx2 arguments : name##_of arguments;                 \
    }
#else
#define DISPATCH(type, name, parameters, arguments)                                                          \
    type fp_##name parameters {                                                                              \
        return name##_of arguments;                                                                          \
    }
#endif

DISPATCH(void, scores,
         (const float *points, const uint32_t *index, size_t count, size_t d, const double *w, double *out),
         (points, index, count, d, w, out))
DISPATCH(void, dots, (double *const *rows, size_t count, size_t d, const double *x, double *out),
         (rows, count, d, x, out))
DISPATCH(void, combine, (double *const *rows, const double *weight, size_t count, size_t d, double *out),
         (rows, weight, count, d, out))
DISPATCH(double, dot, (const double *x, const double *y, size_t n), (x, y, n))
DISPATCH(double, squared_distance, (const float *x, const float *y, size_t d), (x, y, d))
DISPATCH(void, solve_lower, (const double *factor, size_t stride, size_t n, double *x),
         (factor, stride, n, x))
DISPATCH(void, solve_upper, (const double *factor, size_t stride, size_t n, double *x),
         (factor, stride, n, x))
DISPATCH(void, rotate_up, (double *a, double *b, size_t n, double c, double s), (a, b, n, c, s))
