#include "math/gemm.h"

#include <cblas.h>

static void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n, size_t k, fp_block a, fp_block b,
                 float beta, float *y, size_t stride) {
    if (m && n)
        cblas_sgemm(CblasRowMajor, ta, tb, (blasint)m, (blasint)n, (blasint)k, 1, a.at, (blasint)a.stride,
                    b.at, (blasint)b.stride, beta, y, (blasint)stride);
}

void fp_gemm_nt(size_t m, size_t n, size_t k, fp_block a, fp_block b, float beta, float *y, size_t stride) {
    gemm(CblasNoTrans, CblasTrans, m, n, k, a, b, beta, y, stride);
}

void fp_gemm_nn(size_t m, size_t n, size_t k, fp_block a, fp_block b, float beta, float *y, size_t stride) {
    gemm(CblasNoTrans, CblasNoTrans, m, n, k, a, b, beta, y, stride);
}

void fp_gemm_tn(size_t m, size_t n, size_t k, fp_block a, fp_block b, float beta, float *y, size_t stride) {
    gemm(CblasTrans, CblasNoTrans, m, n, k, a, b, beta, y, stride);
}
