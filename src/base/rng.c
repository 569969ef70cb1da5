#include "fineprobe/rng.h"

#include <math.h>

/* The constants of Philox4x32 as published. */
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u

static void philox(uint32_t counter[4], const uint32_t key[2]) {
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)MULTIPLIER_0 * counter[0];
        uint64_t p1 = (uint64_t)MULTIPLIER_1 * counter[2];
        uint32_t c1 = counter[1], c3 = counter[3];
        counter[0] = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        counter[1] = (uint32_t)p1;
        counter[2] = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        counter[3] = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
}

fp_rng_key fp_rng_key_of(uint64_t seed, fp_rng_purpose purpose, uint64_t a, uint64_t b) {
    /* Two rounds of the generator itself mix the parts; the purpose keeps the streams apart. */
    uint32_t block[4] = {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b, (uint32_t)(b >> 32)};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    philox(block, key);
    uint32_t second[2] = {block[0] ^ (uint32_t)purpose, block[1]};
    uint32_t rest[4] = {block[2], block[3], (uint32_t)purpose, 0};
    philox(rest, second);
    return (fp_rng_key){{rest[0], rest[1]}};
}

void fp_rng_block(fp_rng_key key, uint64_t position, uint32_t out[4]) {
    out[0] = (uint32_t)position;
    out[1] = (uint32_t)(position >> 32);
    out[2] = 0;
    out[3] = 0;
    philox(out, key.word);
}

static double to_unit(uint32_t high, uint32_t low) {
    return (double)(((uint64_t)high << 32 | low) >> 11) * 0x1p-53;
}

double fp_rng_uniform(fp_rng_key key, uint64_t position) {
    uint32_t block[4];
    fp_rng_block(key, position, block);
    return to_unit(block[0], block[1]);
}

double fp_rng_normal(fp_rng_key key, uint64_t position) {
    uint32_t block[4];
    fp_rng_block(key, position, block);
    double radius = sqrt(-2 * log(1 - to_unit(block[0], block[1])));
    return radius * cos(2 * M_PI * to_unit(block[2], block[3]));
}

uint64_t fp_rng_below(fp_rng_key key, uint64_t position, uint64_t n) {
    uint32_t block[4];
    fp_rng_block(key, position, block);
    /* The high half of a 64 x 64 bit product; its bias is below n / 2^64. */
    return (uint64_t)(((unsigned __int128)((uint64_t)block[0] << 32 | block[1]) * n) >> 64);
}

void fp_rng_permutation(fp_rng_key key, size_t n, uint32_t *out) {
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = fp_rng_below(key, i, i);
        uint32_t swap = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swap;
    }
}
