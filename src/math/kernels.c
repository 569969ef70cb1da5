#include "math/kernels.h"

#include <math.h>

size_t fp_kernels_usable(const fp_kernels *out[3]) {
    size_t n = 0;
    out[n++] = &fp_kernels_baseline;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        out[n++] = &fp_kernels_avx2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
            out[n++] = &fp_kernels_avx512;
    }
#endif
    return n;
}

const fp_kernels *fp_kernels_best(void) {
    const fp_kernels *usable[3];
    return usable[fp_kernels_usable(usable) - 1];
}

uint32_t fp_dropout_threshold(double chance) {
    return chance > 0 ? (uint32_t)lround(chance * 65536) : 0;
}

float fp_dropout_scale(uint32_t threshold) {
    return (float)(65536.0 / (65536.0 - threshold));
}
