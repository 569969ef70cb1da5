/* statistics.h: the few statistics that the report states. */
#ifndef FINEPROBE_SRC_STATISTICS_H
#define FINEPROBE_SRC_STATISTICS_H

#include "fineprobe/rng.h"
#include <stddef.h>

enum { FP_REPLICATES = 1000 }; /* of a bootstrap */

/* Mean of the numbers among X; NaN without any. */
double fp_mean_of(const double *x, size_t n);

/* Spearman's rank correlation (equal values share their rank) over the entries where both are numbers; NaN
 * when fewer than two remain or one side is constant. N is at most 256. */
double fp_spearman(const double *x, const double *y, size_t n);

/* The quantile Q in [0, 1] of SORTED, which is ascending: between its neighbours in a straight line (type 7).
 * NaN for N = 0. */
double fp_quantile(const double *sorted, size_t n, double q);

/* Ascending, without what is not a number; returns how many remain. */
size_t fp_sort_numbers(double *x, size_t n);

/* The central 95 % of the FP_REPLICATES replicates; NaN where more than 5 in 100 of them are not defined. */
void fp_central_interval(const double replicates[FP_REPLICATES], double *low, double *high);

/* Sample B of N out of N with replacement. */
void fp_sample_again(fp_rng_key key, size_t b, size_t n, size_t *out /* [n] */);

/* REPLICATES of the mean of ITEMS. 0, or -1 without memory. */
int fp_replicate_mean(fp_rng_key key, const double *items, size_t n, double replicates[FP_REPLICATES]);

#endif
