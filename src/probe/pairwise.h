/* pairwise.h: nearest points of hulls that are well apart: weight moves from one point to another of its
 * side, two at a time, on the Gram matrix in single precision. Quick where many points carry weight and the
 * active set would grow long; the caller checks what comes out in double precision. */
#ifndef FINEPROBE_PROBE_PAIRWISE_H
#define FINEPROBE_PROBE_PAIRWISE_H

#include "fineprobe/error.h"
#include "fineprobe/hull.h"

typedef struct fp_pairwise {
    float *rows, *gram;
    double *scores, *weight; /* WEIGHT: [a.count + b.count] */
    size_t rows_capacity, gram_capacity, scores_capacity, weight_capacity;
} fp_pairwise;

void fp_pairwise_destroy(fp_pairwise *pairwise);

/* SCALE: brings all rows into the unit ball or so, lest single precision overflow.
 * 1: the weights reach GAP as far as single precision tells, 0: they do not within a bounded number of steps.
 */
int fp_pairwise_solve(fp_pairwise *pairwise, size_t d, fp_hull_set a, fp_hull_set b, double scale, double gap,
                      fp_error *error);

#endif
