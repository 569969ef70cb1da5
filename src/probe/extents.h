/* extents.h: the extent of every two labels' points, which decides how near clusters of them may come. */
#ifndef FINEPROBE_PROBE_EXTENTS_H
#define FINEPROBE_PROBE_EXTENTS_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct fp_extents {
    size_t n_labels;
    double *of_pair; /* [n_labels, n_labels] diagonal of the box that holds both labels' points */
    double longest;  /* length of the longest row */
} fp_extents;

int fp_extents_create(fp_extents *extents, const float *points, const int32_t *labels, size_t n, size_t d,
                      size_t n_labels, fp_error *error);
void fp_extents_destroy(fp_extents *extents);

#endif
