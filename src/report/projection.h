/* projection.h: centroids in the plane (principal components). */
#ifndef FINEPROBE_SRC_PROJECTION_H
#define FINEPROBE_SRC_PROJECTION_H

#include "report/findings.h"

/* The training set's centroids of LABELS [n] over the course's steps, with its first seed, projected together
 * on their first two components: OUT [n, steps, 2], NaN where a step or a label is missing; SHARE [2]: of the
 * variance along them. */
int fp_project_paths(const fp_findings *findings, const fp_course *course, size_t layer, const size_t *labels,
                     size_t n, double *out, double share[2], fp_error *error);

/* The differences of all labels' centroids, last step minus original, with the first seed: OUT [labels, 2].
 * Returns 1 without numbers when the sweep has not both. */
int fp_project_directions(const fp_findings *findings, const fp_course *course, size_t layer, double *out,
                          double share[2], fp_error *error);

/* The lowest layer from 1 up (the first layer of the encoder), or the lowest. Index among the layers. */
size_t fp_first_layer(const fp_course *course);

#endif
