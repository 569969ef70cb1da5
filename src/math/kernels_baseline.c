/* 16-byte vectors: SSE2 on x86-64, NEON on ARM. */
#include "math/vector_includes.h"

#define LANES 4
#if defined(__aarch64__) /* 32 registers */
#define TILE_ROWS 8
#define TILE_VECTORS 3
#else
#define TILE_ROWS 6
#define TILE_VECTORS 2
#endif
#define TABLE fp_kernels_baseline
#define TABLE_NAME "baseline"
#define WIDE_PRODUCT(a, b) (((a)&0xFFFFFFFFu) * ((b)&0xFFFFFFFFu))
#include "math/kernels_template.h"
