/* twice.h: sums of products as if in twice the precision of double, rounded at the end (error-free
 * transformations; Ogita, Rump and Oishi 2005). For hulls that nearly touch: there what remains of a sum is
 * smaller than the rounding of its parts. */
#ifndef FINEPROBE_PROBE_TWICE_H
#define FINEPROBE_PROBE_TWICE_H

#include <stddef.h>
#include <stdint.h>

/* Adds X to HIGH + LOW. */
void fp_add_twice(double *high, double *low, double x);

/* OUT = sum of (WEIGHT[i] + REST[i]) ROWS[i] [d]. */
void fp_combine_twice(double *const *rows, const double *weight, const double *rest, size_t count, size_t d,
                      double *out);

/* OUT[i] = row INDEX[i] (i when INDEX is NULL) of POINTS [?, d] times W. */
void fp_scores_twice(const float *points, const uint32_t *index, size_t count, size_t d, const double *w,
                     double *out);

#endif
