/* face.h: the points that carry weight in a nearest-points problem: affinely independent, with the Cholesky
 * factor of their Gram matrix.
 *
 * With x_i the points, s_i = +1 or -1 their sides and weights that sum to one on either side, the difference
 * of the nearest points is w = sum s_i weight_i x_i. Adding SIGMA to the Gram entries of one side changes
 * |w|^2 by a constant and makes the matrix positive definite as long as the points are affinely independent.
 * It is the Gram matrix of the points s_i x_i with sqrt(SIGMA) in one more dimension for either side
 * ("lifted" below). Where forming it would lose what keeps nearly dependent points apart, the factor's new
 * row comes from the points themselves, as in a QR factorization. */
#ifndef FINEPROBE_PROBE_FACE_H
#define FINEPROBE_PROBE_FACE_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct fp_face {
    size_t d, capacity, count;
    double sigma;
    int twice;            /* 1: weights and w in twice the precision of double */
    double *origin;       /* [d] subtracted from all points; single-precision numbers */
    double **x;           /* [capacity] centred points */
    double *store;        /* [capacity, d] what X points into */
    double *factor;       /* [capacity, capacity] lower triangle L by columns, L L' = Gram + SIGMA */
    double *weight;       /* [capacity] */
    double *wanted;       /* [capacity] weights of the affine optimum */
    double *rest[2];      /* [capacity] low-order parts of WEIGHT and WANTED; 0 unless TWICE */
    double *ones[2];      /* [capacity] L^-1 times the indicator of either side */
    double *row, *change; /* [capacity] */
    double *w;            /* [d] */
    double *outside;      /* [d] scratch */
    uint32_t *point;      /* [capacity] which row of the data */
    unsigned char *side;  /* [capacity] 0: first set, 1: second */
} fp_face;

int fp_face_create(fp_face *face, size_t d, fp_error *error);
void fp_face_destroy(fp_face *face);

/* Starts anew with one point of either side. REACH: about how far points are from each other. */
void fp_face_start(fp_face *face, const float *points, double reach, uint32_t a, uint32_t b);

/* Gives equal weights to all points of a side. */
void fp_face_spread(fp_face *face);

/* 1 when POINT entered (with weight 0), 0 when it depends affinely on those that are there. */
int fp_face_enter(fp_face *face, const float *points, uint32_t point, int side);

/* Moves the weights to the optimum over the face, points that would get negative weight leaving; updates w.
 * In twice the precision from when the nearest points are close to each other on, or when TWICE is set. */
void fp_face_settle(fp_face *face);

double fp_face_norm2(const fp_face *face); /* |w|^2 */

/* w times either side's heaviest point; at the optimum over the face the same for all points of a side. */
void fp_face_levels(const fp_face *face, const float *points, double level[2]);

#endif
