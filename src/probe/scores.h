/* scores.h: float rows times a double vector, in double precision. */
#ifndef FINEPROBE_PROBE_SCORES_H
#define FINEPROBE_PROBE_SCORES_H

#include <stddef.h>
#include <stdint.h>

/* OUT[i] = row INDEX[i] (i when INDEX is NULL) of POINTS [?, d] times W. */
void fp_scores(const float *points, const uint32_t *index, size_t count, size_t d, const double *w,
               double *out);

/* The squared distance of two rows. */
double fp_squared_distance(const float *x, const float *y, size_t d);

#endif
