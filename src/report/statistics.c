#include "report/statistics.h"

#include "fineprobe/compare.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double fp_mean_of(const double *x, size_t n) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            count++;
        }
    return count ? sum / (double)count : NAN;
}

enum { MOST_RANKED = 256 };

/* Mean rank of every entry, from 1. */
static void rank(const double *x, size_t n, double *out) {
    for (size_t i = 0; i < n; i++) {
        size_t below = 0, equal = 0;
        for (size_t k = 0; k < n; k++) {
            below += x[k] < x[i];
            equal += x[k] == x[i];
        }
        out[i] = (double)below + ((double)equal + 1) / 2;
    }
}

double fp_spearman(const double *x, const double *y, size_t n) {
    double a[MOST_RANKED], b[MOST_RANKED], ranks_a[MOST_RANKED], ranks_b[MOST_RANKED];
    size_t count = 0;
    for (size_t i = 0; i < n && count < MOST_RANKED; i++)
        if (!isnan(x[i]) && !isnan(y[i])) {
            a[count] = x[i];
            b[count++] = y[i];
        }
    rank(a, count, ranks_a);
    rank(b, count, ranks_b);
    return fp_pearson(ranks_a, ranks_b, count);
}

double fp_quantile(const double *sorted, size_t n, double q) {
    if (n == 0)
        return NAN;
    double place = q * (double)(n - 1);
    size_t below = (size_t)place;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t fp_sort_numbers(double *x, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            x[count++] = x[i];
    if (count)
        qsort(x, count, sizeof *x, ascending);
    return count;
}

void fp_central_interval(const double replicates[FP_REPLICATES], double *low, double *high) {
    double sorted[FP_REPLICATES];
    memcpy(sorted, replicates, sizeof sorted);
    size_t n = fp_sort_numbers(sorted, FP_REPLICATES);
    int enough = n * 20 >= (size_t)FP_REPLICATES * 19;
    *low = enough ? fp_quantile(sorted, n, 0.025) : NAN;
    *high = enough ? fp_quantile(sorted, n, 0.975) : NAN;
}

void fp_sample_again(fp_rng_key key, size_t b, size_t n, size_t *out) {
    for (size_t i = 0; i < n; i++)
        out[i] = (size_t)fp_rng_below(key, b * n + i, n);
}

int fp_replicate_mean(fp_rng_key key, const double *items, size_t n, double replicates[FP_REPLICATES]) {
    size_t *sample = malloc((n ? n : 1) * sizeof *sample);
    double *drawn = malloc((n ? n : 1) * sizeof *drawn);
    int rc = sample && drawn ? 0 : -1;
    for (size_t b = 0; rc == 0 && b < FP_REPLICATES; b++) {
        fp_sample_again(key, b, n, sample);
        for (size_t i = 0; i < n; i++)
            drawn[i] = items[sample[i]];
        replicates[b] = fp_mean_of(drawn, n);
    }
    free(sample);
    free(drawn);
    return rc;
}
