/* kernels.h: the passes over activations between two matrix products, each fused so that it reads and writes
 * its rows once. One table per instruction set, the same template compiled for each; one more table holds the
 * plain references that say what a pass means. All matrices are row-major, float32, without gaps unless a
 * leading dimension is given. Outputs may be the inputs themselves, never overlap them otherwise.
 *
 * Errors: exp is within 2 units in the last place (arguments below -87 give 0); the normal distribution
 * function within 2e-7 absolute.
 *
 * Keep masks are bytes, -1 (kept) or 0 (dropped); a kept number is multiplied by SCALE. KEEP = NULL: nothing
 * is dropped, SCALE is not used. */
#ifndef FINEPROBE_MATH_KERNELS_H
#define FINEPROBE_MATH_KERNELS_H

#include "fineprobe/bert.h"
#include "fineprobe/rng.h"
#include <stddef.h>
#include <stdint.h>

typedef struct fp_norm_forward {
    const float *bias;         /* [columns]; NULL: none */
    const float *residual;     /* [rows, columns]; NULL: none */
    const int8_t *keep;        /* [rows, columns] on x + bias, before the residual; NULL: nothing dropped */
    float scale;               /* of what is kept */
    const float *gain, *shift; /* [columns] */
    float epsilon;
} fp_norm_forward;

typedef struct fp_norm_backward {
    const float *normed, *inverse; /* [rows, columns], [rows]: what the forward pass left */
    const float *gain;             /* [columns] */
    const int8_t *keep;            /* [rows, columns] as in the forward pass */
    float scale;
    float *d_gain, *d_shift; /* [columns], added to */
    float *d_bias;           /* [columns], added to; NULL: not wanted */
} fp_norm_backward;

typedef struct fp_adamw {
    float beta1, beta2, rest1, rest2; /* REST: 1 - beta, rounded once */
    float epsilon;
    float step;   /* rate / (1 - beta1^t) */
    float root;   /* 1 / sqrt(1 - beta2^t) */
    float shrink; /* 1 - rate x weight decay */
    float ridge;  /* this times p is added to the gradient: the slope of an L2 penalty */
    float clip;   /* the sum is multiplied by this */
} fp_adamw;

/* A block of a larger matrix: STRIDE numbers from one row to the next. */
typedef struct fp_block {
    const float *at;
    size_t stride;
} fp_block;

/* Rows and columns of a matrix. */
typedef struct fp_area {
    size_t row, rows, column, columns;
} fp_area;

/* y[m, n] = A[m, k] B[k, n] (+ y, or + bias). A lies there as [m, k] or [k, m], B as [k, n] or [n, k]. */
typedef struct fp_product {
    size_t m, n, k;
    fp_block a, b;
    int a_turned, b_turned; /* lies as [k, m]; as [n, k] */
    int add;                /* to what is in y; 0: y is written only */
    const float *bias;      /* [n] what every row starts from; NULL: 0. Not with ADD */
    float *y;
    size_t stride; /* of y */
    /* Called with each part of y that is complete, while it is in the caches; NULL: nothing to do. */
    void (*finish)(void *context, fp_area part);
    void *context;
    int sums_columns; /* FINISH sums over rows: it wants the rows of a column in turn */
} fp_product;

enum {
    FP_PRODUCT_ROOM = 384 * (384 + 16), /* floats, aligned to 64 bytes, that a product works in */
    FP_ATTENTION_PAD = 16,              /* rows of attention scores are padded to a multiple of this */
    FP_DROPOUT_GROUP = 128              /* numbers that share one group of 16 random blocks */
};

typedef struct fp_kernels {
    const char *name; /* of the instruction set */

    /* PART of a product. Every number of it is one and the same sum wherever the cuts fall. */
    void (*product)(const fp_product *, fp_area part, float *room);

    /* y = activation(u); rows of U and Y are STRIDE apart. */
    void (*activate)(fp_activation kind, size_t rows, size_t columns, size_t stride, const float *u,
                     float *y);
    /* y = activation(u) again, d *= activation'(u), d_bias += column sums of d. */
    void (*activate_back)(fp_activation kind, size_t rows, size_t columns, size_t stride, const float *u,
                          float *d, float *y, float *d_bias);

    /* x = dropout(x + bias) + residual; normed = (x - mean) / sqrt(variance + epsilon); y = normed x gain +
     * shift. NORMED may be X; INVERSE [rows] gets 1 / sqrt(variance + epsilon). */
    void (*norm)(const fp_norm_forward *, size_t rows, size_t columns, const float *x, float *normed,
                 float *inverse, float *y);
    /* D [rows, columns]: gradient of y in, of the sum that was normalised (so of the residual) out; D_X: of
     * x.
     */
    void (*norm_back)(const fp_norm_backward *, size_t rows, size_t columns, float *d, float *d_x);

    /* Attention: each row's first COLUMNS numbers become softmax(scale x row); the rest of its PADDED, 0. */
    void (*softmax)(size_t rows, size_t columns, size_t padded, float scale, float *x);
    /* D: gradient of the dropped-out probabilities in, of the unscaled scores out. */
    void (*softmax_back)(size_t rows, size_t columns, size_t padded, float score_scale, const float *p,
                         const int8_t *keep, float scale, float *d);

    /* y = keep ? x x scale : 0 */
    void (*drop)(size_t n, const float *x, const int8_t *keep, float scale, float *y);
    /* KEEP for numbers FIRST .. FIRST + N of a stream: number e of group g = e / 128 looks at halfword
     * (e % 128) / 16 of block 16 g + e % 16, and is dropped when it is below THRESHOLD (of 65536). FIRST is a
     * multiple of 128, KEEP has room for whole groups. */
    void (*keep)(fp_rng_key key, size_t first, size_t n, uint32_t threshold, int8_t *keep);

    void (*add)(size_t n, const float *x, float *y); /* y += x */
    /* sum += column sums of x, whose rows are STRIDE apart */
    void (*add_rows)(size_t rows, size_t columns, size_t stride, const float *x, float *sum);
    double (*square_sum)(size_t n, const float *x);
    /* g = clip (g + ridge p), m = beta1 m + rest1 g, v = beta2 v + rest2 g^2, p = shrink p - step m / (root
     * sqrt(v) + epsilon) */
    void (*adamw)(const fp_adamw *, size_t n, const float *g, float *m, float *v, float *p);
} fp_kernels;

extern const fp_kernels fp_kernels_reference; /* plain loops, libm, double precision inside */
extern const fp_kernels fp_kernels_baseline;  /* what every CPU of the architecture has */
#if defined(__x86_64__)
extern const fp_kernels fp_kernels_avx2, fp_kernels_avx512;
#endif

/* The fastest table that this CPU can run. */
const fp_kernels *fp_kernels_best(void);
/* All tables that this CPU can run but the reference; the number of them. */
size_t fp_kernels_usable(const fp_kernels *out[3]);

/* Chance of dropping to the threshold and the scale of the kernels: the scale is the inverse of the share
 * that THRESHOLD really keeps, so that the mean stays exact. */
uint32_t fp_dropout_threshold(double chance);
float fp_dropout_scale(uint32_t threshold);

#endif
