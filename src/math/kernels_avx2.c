/* 32-byte vectors: x86-64 CPUs since 2013. */
#include "math/vector_includes.h"

#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define LANES 8
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define TABLE fp_kernels_avx2
#define TABLE_NAME "avx2"
#define WIDE_PRODUCT(a, b) (wide_v) _mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#define FIRST_LANES(n)                                                                                       \
    _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define LOAD_SOME(p, n) (real_v) _mm256_maskload_ps(p, FIRST_LANES(n))
#define STORE_SOME(p, n, x) _mm256_maskstore_ps(p, FIRST_LANES(n), (__m256)(x))
#include "math/kernels_template.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
extern int fp_no_avx2_here; /* a translation unit must declare something */
#endif
