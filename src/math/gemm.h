/* gemm.h: the matrix products of a linear layer, named by what they compute; row-major float32. */
#ifndef FINEPROBE_MATH_GEMM_H
#define FINEPROBE_MATH_GEMM_H

#include <stddef.h>

/* A block of a larger matrix: STRIDE numbers from one row to the next. */
typedef struct fp_block {
    const float *at;
    size_t stride;
} fp_block;

/* y[m, n] = a[m, k] b[n, k]^T + beta y: the forward pass of a linear layer with weights b[out, in]. */
void fp_gemm_nt(size_t m, size_t n, size_t k, fp_block a, fp_block b, float beta, float *y, size_t stride);
/* y[m, n] = a[m, k] b[k, n] + beta y: the gradient of its input. */
void fp_gemm_nn(size_t m, size_t n, size_t k, fp_block a, fp_block b, float beta, float *y, size_t stride);
/* y[m, n] = a[k, m]^T b[k, n] + beta y: the gradient of its weights. */
void fp_gemm_tn(size_t m, size_t n, size_t k, fp_block a, fp_block b, float beta, float *y, size_t stride);

#endif
