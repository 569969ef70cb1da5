#include "scores.h"

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

INLINE double distance_of(const float *x, const float *y, size_t d) {
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

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void scores_avx2(const float *points, const uint32_t *index,
                                                        size_t count, size_t d, const double *w,
                                                        double *out) {
    scores_of(points, index, count, d, w, out);
}

__attribute__((target("avx2"))) static double distance_avx2(const float *x, const float *y, size_t d) {
    return distance_of(x, y, d);
}

static int have_avx2(void) {
    return __builtin_cpu_supports("avx2");
}
#else
#define scores_avx2 scores_of
#define distance_avx2 distance_of
static int have_avx2(void) {
    return 0;
}
#endif

void fp_scores(const float *points, const uint32_t *index, size_t count, size_t d, const double *w,
               double *out) {
    if (have_avx2())
        scores_avx2(points, index, count, d, w, out);
    else
        scores_of(points, index, count, d, w, out);
}

double fp_squared_distance(const float *x, const float *y, size_t d) {
    return have_avx2() ? distance_avx2(x, y, d) : distance_of(x, y, d);
}
