/* rng.h: counter-based random numbers (Philox4x32-10: Salmon, Moraes, Dror and Shaw, SC 2011).
 *
 * A number depends on its key and its position alone, not on how many were drawn before it. So any part of
 * the work can be done by any rank, in any order, again after an interruption, with the same bits.
 */
#ifndef FINEPROBE_RNG_H
#define FINEPROBE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct fp_rng_key {
    uint32_t word[2];
} fp_rng_key;

/* What a stream is for; part of its key, so that no two purposes share numbers. */
typedef enum fp_rng_purpose {
    FP_RNG_INIT,    /* initial weights; a = tensor */
    FP_RNG_ORDER,   /* order of the sentences; a = epoch */
    FP_RNG_DROPOUT, /* dropout masks; a = update, b = tensor */
    FP_RNG_MASKING, /* masked-language modelling; a = update */
    FP_RNG_PROBE,   /* probes; a, b as the probe says */
    FP_RNG_DATA     /* made-up data */
} fp_rng_purpose;

fp_rng_key fp_rng_key_of(uint64_t seed, fp_rng_purpose purpose, uint64_t a, uint64_t b);

/* Four independent 32-bit words at POSITION. */
void fp_rng_block(fp_rng_key key, uint64_t position, uint32_t out[4]);

/* Uniform in [0, 1), 53 bits, at POSITION. */
double fp_rng_uniform(fp_rng_key key, uint64_t position);

/* Standard normal at POSITION (Box-Muller on one block). */
double fp_rng_normal(fp_rng_key key, uint64_t position);

/* Uniform in 0 .. n-1 at POSITION; n >= 1. */
uint64_t fp_rng_below(fp_rng_key key, uint64_t position, uint64_t n);

/* A uniformly random permutation of 0 .. n-1 (Fisher-Yates). */
void fp_rng_permutation(fp_rng_key key, size_t n, uint32_t *out /* [n] */);

#endif
