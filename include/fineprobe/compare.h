/* compare.h: representations compared through their distance vectors and centroids (paper, sections 4.1
 * to 4.3). */
#ifndef FINEPROBE_COMPARE_H
#define FINEPROBE_COMPARE_H

#include "fineprobe/error.h"
#include <stddef.h>

/* Pearson correlation of X and Y over the entries where both are numbers; NaN when fewer than 2 remain or one
 * of them is constant. */
double fp_pearson(const double *x, const double *y, size_t n);

/* Spatial similarity: Pearson correlation of the upper triangles of two label-distance matrices [labels,
 * labels]. NaN also when there is no memory. */
double fp_spatial_similarity(const double *a, const double *b, size_t n_labels);

/* Euclidean distance of each label's centroid in A and B [labels, d]; NaN where one is absent. */
void fp_centroid_movement(const double *a, const double *b, size_t n_labels, size_t d,
                          double *out /* [labels] */);

/* The first COMPONENTS principal components of ROWS [n, d]: coordinates about the mean, the variance (divided
 * by n - 1) along every component. A component points to where its coordinate of largest size is positive
 * (the first of equals). Rows that hold a NaN are left out, their coordinates NaN; components beyond the rank
 * are 0. */
int fp_principal_components(const double *rows, size_t n, size_t d, size_t components,
                            double *coordinates /* [n, components] */, double *variance /* [components] */,
                            fp_error *error);

#endif
