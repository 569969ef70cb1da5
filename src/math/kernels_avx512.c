/* 64-byte vectors. */
#include "math/vector_includes.h"

#if defined(__x86_64__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"))),         \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,prefer-vector-width=512")
#endif
#define LANES 16
#define TILE_ROWS 14
#define TILE_VECTORS 2
#define TABLE fp_kernels_avx512
#define TABLE_NAME "avx512"
#define WIDE_PRODUCT(a, b) (wide_v) _mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#define LOAD_SOME(p, n) (real_v) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p)
#define STORE_SOME(p, n, x) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), (__m512)(x))
#include "math/kernels_template.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
extern int fp_no_avx512_here; /* a translation unit must declare something */
#endif
