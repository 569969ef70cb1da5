/* All of this rests on IEEE rounding of every single operation: no contraction, no reordering (the build's
 * settings). Products are split by fma, in hardware where the processor has it. */
#include "twice.h"

#include <math.h>

#define INLINE __attribute__((always_inline)) static inline
enum { LANES = 8 };

/* sum + error = a + b, exactly (Knuth). */
INLINE double two_sum(double a, double b, double *error) {
    double sum = a + b, part = sum - a;
    *error = (a - (sum - part)) + (b - part);
    return sum;
}

void fp_add_twice(double *high, double *low, double x) {
    double error;
    *high = two_sum(*high, x, &error);
    *low += error;
}

INLINE void combine_twice_of(double *const *rows, const double *weight, const double *rest, size_t count,
                             size_t d, double *out) {
    for (size_t from = 0; from < d; from += LANES) {
        size_t n = d - from < LANES ? d - from : LANES;
        double sum[LANES] = {0}, error[LANES] = {0};
        for (size_t i = 0; i < count; i++) {
            const double *x = rows[i] + from;
            for (size_t k = 0; k < n; k++) {
                double product = weight[i] * x[k], lost;
                double split = fma(weight[i], x[k], -product);
                sum[k] = two_sum(sum[k], product, &lost);
                error[k] += lost + (split + rest[i] * x[k]);
            }
        }
        for (size_t k = 0; k < n; k++)
            out[from + k] = sum[k] + error[k];
    }
}

INLINE void scores_twice_of(const float *points, const uint32_t *index, size_t count, size_t d,
                            const double *w, double *out) {
    for (size_t i = 0; i < count; i++) {
        const float *x = points + (index ? index[i] : i) * d;
        double sum[LANES] = {0}, error[LANES] = {0}, low = 0;
        for (size_t from = 0; from < d; from += LANES) {
            size_t n = d - from < LANES ? d - from : LANES;
            for (size_t k = 0; k < n; k++) {
                double factor = x[from + k], product = w[from + k] * factor, lost;
                double split = fma(w[from + k], factor, -product);
                sum[k] = two_sum(sum[k], product, &lost);
                error[k] += lost + split;
            }
        }
        double total = 0;
        for (size_t k = 0; k < LANES; k++) {
            low += error[k];
            fp_add_twice(&total, &low, sum[k]);
        }
        out[i] = total + low;
    }
}

#if defined(__x86_64__)
#define DISPATCH(name, parameters, arguments)                                                                \
    __attribute__((target("avx2,fma"))) static void name##_fma parameters {                                  \
        name##_of arguments;                                                                                 \
    }                                                                                                        \
    void fp_##name parameters {                                                                              \
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))                                 \
            name##_fma arguments;                                                                            \
        else                                                                                                 \
            name##_of arguments;                                                                             \
    }
#else
#define DISPATCH(name, parameters, arguments)                                                                \
    void fp_##name parameters {                                                                              \
        name##_of arguments;                                                                                 \
    }
#endif

DISPATCH(combine_twice,
         (double *const *rows, const double *weight, const double *rest, size_t count, size_t d, double *out),
         (rows, weight, rest, count, d, out))
DISPATCH(scores_twice,
         (const float *points, const uint32_t *index, size_t count, size_t d, const double *w, double *out),
         (points, index, count, d, w, out))
