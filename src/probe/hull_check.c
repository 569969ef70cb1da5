/* The check of a certificate: plain loops over the points, nothing of the solver. */
#include "fineprobe/hull.h"
#include "twice.h"
#include <float.h>
#include <math.h>

static const float *row_at(fp_hull_set set, size_t i, size_t d) {
    return set.points + (set.index ? set.index[i] : i) * d;
}

double fp_hull_extent(size_t d, fp_hull_set a, fp_hull_set b) {
    double sum = 0;
    for (size_t k = 0; k < d; k++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < a.count + b.count; i++) {
            double x = (i < a.count ? row_at(a, i, d) : row_at(b, i - a.count, d))[k];
            low = fmin(low, x);
            high = fmax(high, x);
        }
        sum += (high - low) * (high - low);
    }
    return sqrt(sum);
}

double fp_hull_resolution(double extent) {
    return 0x1p-24 * extent;
}

/* The lowest score along SIGN times NORMAL. */
static double lowest(size_t d, fp_hull_set set, const double *normal, double sign) {
    double least = INFINITY;
    for (size_t i = 0; i < set.count; i++) {
        double score;
        fp_scores_twice(row_at(set, i, d), NULL, 1, d, normal, &score);
        least = fmin(least, sign * score);
    }
    return least;
}

static int separates(size_t d, fp_hull_set a, fp_hull_set b, const fp_hull_answer *answer,
                     double resolution) {
    double length = 0;
    for (size_t k = 0; k < d; k++)
        length += answer->normal[k] * answer->normal[k];
    double between = lowest(d, a, answer->normal, 1) + lowest(d, b, answer->normal, -1);
    return fabs(length - 1) < 1e-9 && between > 0.99 * resolution;
}

static int belongs(fp_hull_set set, uint32_t row) {
    if (!set.index)
        return row < set.count;
    for (size_t i = 0; i < set.count; i++)
        if (set.index[i] == row)
            return 1;
    return 0;
}

static int combine(fp_hull_set a, fp_hull_set b, const fp_hull_answer *answer) {
    double sum[2] = {0, 0};
    for (size_t i = 0; i < answer->n_support; i++) {
        int second = i >= answer->n_first;
        if (!(answer->weight[i] >= 0) || !belongs(second ? b : a, answer->support[i]))
            return 0;
        sum[second] += answer->weight[i];
    }
    return fabs(sum[0] - 1) < 1e-12 && fabs(sum[1] - 1) < 1e-12;
}

static int meet(size_t d, const float *points, const fp_hull_answer *answer, double resolution) {
    double between = 0;
    const float *origin = points + answer->support[0] * d;
    for (size_t k = 0; k < d; k++) {
        double high = 0, low = 0;
        for (size_t i = 0; i < answer->n_support; i++) {
            double x = (double)points[answer->support[i] * d + k] - origin[k];
            fp_add_twice(&high, &low, (i < answer->n_first ? 1 : -1) * answer->weight[i] * x);
        }
        between += (high + low) * (high + low);
    }
    return sqrt(between) <= 1.01 * resolution; /* the solver's own rounding differs from this one's */
}

int fp_hull_check(size_t d, fp_hull_set a, fp_hull_set b, const fp_hull_answer *answer, double extent) {
    double resolution = fp_hull_resolution(extent > 0 ? extent : fp_hull_extent(d, a, b));
    switch (answer->verdict) {
    case FP_HULL_APART:
        return separates(d, a, b, answer, resolution);
    case FP_HULL_OVERLAP:
        return combine(a, b, answer) && meet(d, a.points, answer, resolution);
    default:
        return 0;
    }
}
