/* 16-byte vectors: SSE2 on x86-64, NEON on ARM. */
#include "math/vector_includes.h"

#define LANES 4
#define TABLE fp_kernels_baseline
#define TABLE_NAME "baseline"
#define WIDE_PRODUCT(a, b) (((a)&0xFFFFFFFFu) * ((b)&0xFFFFFFFFu))
#include "math/kernels_template.h"
