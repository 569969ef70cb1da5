/* 32-byte vectors: x86-64 CPUs since 2013. */
#include "math/vector_includes.h"

#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define LANES 8
#define TABLE fp_kernels_avx2
#define TABLE_NAME "avx2"
#define WIDE_PRODUCT(a, b) (wide_v) _mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#include "math/kernels_template.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
extern int fp_no_avx2_here; /* a translation unit must declare something */
#endif
