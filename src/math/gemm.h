/* gemm.h: matrix products by a team of threads, named by what they compute in a linear layer; row-major
 * float32. The numbers are the same for any number of threads: every element is one and the same sum wherever
 * the cuts between threads fall.
 *
 * One thread reaches the rate of OpenBLAS on large matrices and needs far less to get going on small ones; in
 * a part of other work, call fp_kernels' product with the thread's own room. */
#ifndef FINEPROBE_MATH_GEMM_H
#define FINEPROBE_MATH_GEMM_H

#include "math/team.h"

/* y[m, n] = a[m, k] b[n, k]^T, or y += it: the forward pass of a linear layer with weights b[out, in]. */
void fp_gemm_nt(fp_team *team, size_t m, size_t n, size_t k, fp_block a, fp_block b, int add, float *y,
                size_t stride);
/* y[m, n] = a[m, k] b[k, n], or y += it: the gradient of its input. */
void fp_gemm_nn(fp_team *team, size_t m, size_t n, size_t k, fp_block a, fp_block b, int add, float *y,
                size_t stride);
/* y[m, n] = a[k, m]^T b[k, n], or y += it: the gradient of its weights. */
void fp_gemm_tn(fp_team *team, size_t m, size_t n, size_t k, fp_block a, fp_block b, int add, float *y,
                size_t stride);

/* Any product; by columns alone when what finishes it sums over rows. */
void fp_gemm(fp_team *team, const fp_product *product);

#endif
