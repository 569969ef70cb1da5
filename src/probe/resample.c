#include "fineprobe/resample.h"

#include "fineprobe/memory.h"
#include "fineprobe/rng.h"
#include <math.h>
#include <stdlib.h>

enum { STREAM_SPLIT = 1, STREAM_BOOTSTRAP = 2 };

/* ---- parts ---- */

/* Instances label by label, at random within a label. */
static uint32_t *by_label(size_t n, const int32_t *labels, size_t n_labels, uint64_t seed, fp_error *error) {
    uint32_t *shuffled = fp_alloc(n, sizeof *shuffled, "an order of instances", error);
    uint32_t *order = fp_alloc(n, sizeof *order, "an order of instances", error);
    size_t *next = fp_alloc(n_labels + 1, sizeof *next, "labels", error);
    if (shuffled && order && next) {
        fp_rng_permutation(fp_rng_key_of(seed, FP_RNG_PROBE, STREAM_SPLIT, 0), n, shuffled);
        for (size_t i = 0; i < n; i++)
            next[labels[i] + 1]++;
        for (size_t y = 0; y < n_labels; y++)
            next[y + 1] += next[y];
        for (size_t i = 0; i < n; i++)
            order[next[labels[shuffled[i]]]++] = shuffled[i];
    } else {
        free(order);
        order = NULL;
    }
    free(shuffled);
    free(next);
    return order;
}

int fp_resample_folds(size_t n, const int32_t *labels, size_t n_labels, size_t folds, uint64_t seed,
                      int32_t *fold_of, fp_error *error) {
    if (folds < 2 || folds > n)
        return fp_fail(error, "%zu instances cannot be split into %zu folds: choose 2 to %zu", n, folds, n);
    uint32_t *order = by_label(n, labels, n_labels, seed, error);
    for (size_t i = 0; order && i < n; i++)
        fold_of[order[i]] = (int32_t)(i % folds);
    free(order);
    return order ? 0 : -1;
}

int fp_resample_hold_out(size_t n, const int32_t *labels, size_t n_labels, double share, uint64_t seed,
                         int32_t *fold_of, fp_error *error) {
    if (n < 2)
        return fp_fail(error, "%zu instances cannot be split in two", n);
    uint32_t *order = by_label(n, labels, n_labels, seed, error);
    double held = fmin(fmax(round(share * (double)n), 1), (double)n - 1);
    for (size_t i = 0; order && i < n; i++) {
        double before = floor((double)i * held / (double)n),
               after = floor((double)(i + 1) * held / (double)n);
        fold_of[order[i]] = after > before ? 0 : 1;
    }
    free(order);
    return order ? 0 : -1;
}

/* ---- bootstrap ---- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The mean of N values drawn with replacement; four draws a block. */
static double drawn_mean(size_t n, const double *values, fp_rng_key key, size_t resample) {
    uint64_t position = (uint64_t)resample << 32;
    double sum = 0;
    for (size_t i = 0; i < n; position++) {
        uint32_t word[4];
        fp_rng_block(key, position, word);
        for (int k = 0; k < 4 && i < n; k++, i++)
            sum += values[(uint64_t)word[k] * n >> 32];
    }
    return sum / (double)n;
}

static int bootstrap(size_t n, const double *values, uint64_t seed, fp_resampled *out, fp_error *error) {
    double *means = fp_alloc(FP_RESAMPLES, sizeof *means, "resampled means", error);
    if (!means)
        return -1;
    fp_rng_key key = fp_rng_key_of(seed, FP_RNG_PROBE, STREAM_BOOTSTRAP, n);
    size_t as_far = 0;
    for (size_t i = 0; i < FP_RESAMPLES; i++) {
        means[i] = drawn_mean(n, values, key, i);
        as_far += fabs(means[i] - out->mean) >= fabs(out->mean);
    }
    qsort(means, FP_RESAMPLES, sizeof *means, ascending);
    out->low = means[(size_t)(0.025 * FP_RESAMPLES)];
    out->high = means[FP_RESAMPLES - 1 - (size_t)(0.025 * FP_RESAMPLES)];
    out->p = (double)(1 + as_far) / (FP_RESAMPLES + 1);
    free(means);
    return 0;
}

void fp_mean_deviation(size_t n, const double *values, double *mean, double *deviation) {
    double sum = 0, squares = 0;
    size_t numbers = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            numbers++;
        }
    *mean = numbers ? sum / (double)numbers : NAN;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            squares += (values[i] - *mean) * (values[i] - *mean);
    *deviation = numbers > 1 ? sqrt(squares / (double)(numbers - 1)) : NAN;
}

int fp_resample_mean(size_t n, const double *values, uint64_t seed, fp_resampled *out, fp_error *error) {
    double *numbers = fp_alloc(n, sizeof *numbers, "values", error);
    *out = (fp_resampled){.low = NAN, .high = NAN, .p = NAN};
    if (!numbers)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            numbers[out->n++] = values[i];
    fp_mean_deviation(out->n, numbers, &out->mean, &out->deviation);
    int rc = out->n > 1 ? bootstrap(out->n, numbers, seed, out, error) : 0;
    free(numbers);
    return rc;
}
