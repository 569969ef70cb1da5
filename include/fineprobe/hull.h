/* hull.h: are the convex hulls of two point sets apart, and how far? With a certificate.
 *
 * An active-set method on the nearest points of the hulls: the points of both sides that carry weight are
 * kept affinely independent with a Cholesky factor of their Gram matrix, the nearest points of their affine
 * hulls are found exactly, points with negative weight leave, the point that lies furthest on the wrong side
 * enters. The distance falls with every round, so no face comes twice and the method ends. Everything that
 * decides is computed in double precision, and in twice that where the hulls nearly touch.
 *
 * Two hulls are apart when their distance is more than the RESOLUTION, which is 2^-24 (6e-8) of the EXTENT,
 * the diagonal of the box that holds both; otherwise they overlap. That is what single-precision numbers can
 * tell: rounding the coordinates of two points in a box about the origin brings them nearer to each other by
 * up to 2^-24 of its diagonal. Nearer hulls are apart or not by the accident of rounding. With one extent for
 * all questions about parts of two sets, overlap is monotone: what overlaps keeps overlapping as points are
 * added.
 */
#ifndef FINEPROBE_HULL_H
#define FINEPROBE_HULL_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

/* Rows of a float matrix [?, d]: those that INDEX names, or the first COUNT when INDEX is NULL. */
typedef struct fp_hull_set {
    const float *points;
    const uint32_t *index;
    size_t count; /* at least 1 */
} fp_hull_set;

typedef enum fp_hull_verdict { FP_HULL_APART, FP_HULL_OVERLAP, FP_HULL_UNDECIDED } fp_hull_verdict;

typedef struct fp_hull_settings {
    double gap;       /* relative gap wanted of the distance; 0: the verdict is enough */
    double extent;    /* which the resolution is a share of; 0: of the two sets */
    double longest;   /* a bound on the length of all rows, for bounds on rounding; 0: computed every time */
    size_t max_steps; /* points entered before the question is given up as undecided; 0: by dimension */
} fp_hull_settings;

fp_hull_settings fp_hull_defaults(void); /* the verdict alone, extents as the sets have them */

double fp_hull_extent(size_t d, fp_hull_set a, fp_hull_set b);
double fp_hull_resolution(double extent);

/* Arrays belong to the solver and last until its next call. */
typedef struct fp_hull_answer {
    fp_hull_verdict verdict;
    double lower, upper; /* of the distance; UPPER is infinite where a direction proved "apart" at once */
    const double
        *normal;      /* [d] unit vector; NORMAL . a - NORMAL . b >= LOWER for all a, b (unless overlap) */
    size_t n_first;   /* weights of the first set's points come first */
    size_t n_support; /* 0 when a direction proved "apart" */
    const uint32_t *support; /* [n_support] rows of POINTS */
    const double *weight;    /* [n_support] convex combination on either side */
    size_t steps;
} fp_hull_answer;

/* Where to begin: what is known from a similar question. All optional. */
typedef struct fp_hull_start {
    const double
        *directions; /* [n_directions, d] that may separate the sets (any length but 0), tried first */
    size_t n_directions;
    const uint32_t *support; /* [n_support] rows that carried weight, N_FIRST of them in the first set */
    size_t n_first, n_support;
} fp_hull_start;

typedef struct fp_hull_solver fp_hull_solver;

fp_hull_solver *fp_hull_create(size_t d, fp_error *error);
void fp_hull_destroy(fp_hull_solver *solver);

/* START may be NULL. */
int fp_hull_solve(fp_hull_solver *solver, fp_hull_set a, fp_hull_set b, const fp_hull_start *start,
                  const fp_hull_settings *settings, fp_hull_answer *answer, fp_error *error);

/* Does the certificate hold? Looks at the points only, not at the solver: 1 when the normal keeps the sets
 * further apart than the resolution (apart), or the convex combinations are ones and meet within it
 * (overlap). EXTENT as in the settings. Undecided: 0. */
int fp_hull_check(size_t d, fp_hull_set a, fp_hull_set b, const fp_hull_answer *answer, double extent);

#endif
