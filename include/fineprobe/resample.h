/* resample.h: parts of a data set, and what resampling says of a mean. All of it is decided by the seed. */
#ifndef FINEPROBE_RESAMPLE_H
#define FINEPROBE_RESAMPLE_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

/* Stratified parts: the folds' sizes differ by one at most, and so do the numbers of every label in them. A
 * label with fewer instances than folds is missing in some. LABELS [n] in 0 .. n_labels-1; FOLD_OF [n] gets 0
 * .. folds-1. Error: fewer than two folds, or more than instances. */
int fp_resample_folds(size_t n, const int32_t *labels, size_t n_labels, size_t folds, uint64_t seed,
                      int32_t *fold_of, fp_error *error);
/* The same in two parts: SHARE of the instances, at least one and not all, get FOLD_OF 0, the rest 1. Error:
 * fewer than two instances. */
int fp_resample_hold_out(size_t n, const int32_t *labels, size_t n_labels, double share, uint64_t seed,
                         int32_t *fold_of, fp_error *error);

/* Of the values that are numbers; DEVIATION of the sample (n - 1), NaN below two. */
void fp_mean_deviation(size_t n, const double *values, double *mean, double *deviation);

/* Of a bootstrap; the seed of all that are reported; and of how few fine-tuning seeds it says little. */
enum { FP_RESAMPLES = 10000, FP_RESAMPLE_SEED = 1, FP_FEW_SEEDS = 3 };

typedef struct fp_resampled {
    size_t n;         /* values that are numbers */
    double mean;      /* NaN without any */
    double deviation; /* of the sample (n - 1); NaN below two */
    double low, high; /* 95 % of the resampled means lie between; NaN below two */
    double p; /* two-sided, of the mean being 0: how often a resampled mean is as far from the mean as that
                 is from 0; NaN below two */
} fp_resampled;

/* Bootstrap over VALUES [n]; NaN are left out. For a comparison in pairs, VALUES are the differences. */
int fp_resample_mean(size_t n, const double *values, uint64_t seed, fp_resampled *out, fp_error *error);

#endif
