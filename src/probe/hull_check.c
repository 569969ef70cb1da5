/* The check of a certificate: plain loops over the points, nothing of the solver. */
#include "fineprobe/hull.h"
#include <float.h>
#include <math.h>

static const float *row_at(fp_hull_set set, size_t i, size_t d) {
    return set.points + (set.index ? set.index[i] : i) * d;
}

/* The lowest score along NORMAL, with what rounding may have added taken off. */
static double lowest(size_t d, fp_hull_set set, const double *normal, double sign) {
    double least = INFINITY;
    for (size_t i = 0; i < set.count; i++) {
        const float *x = row_at(set, i, d);
        double score = 0, size = 0;
        for (size_t k = 0; k < d; k++) {
            score += sign * normal[k] * x[k];
            size += fabs(normal[k] * x[k]);
        }
        least = fmin(least, score - (double)d * DBL_EPSILON * size);
    }
    return least;
}

static int separates(size_t d, fp_hull_set a, fp_hull_set b, const fp_hull_answer *answer) {
    double length = 0;
    for (size_t k = 0; k < d; k++)
        length += answer->normal[k] * answer->normal[k];
    return fabs(length - 1) < 1e-9 && lowest(d, a, answer->normal, 1) + lowest(d, b, answer->normal, -1) > 0;
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

static int meet(size_t d, const float *points, const fp_hull_answer *answer, double tolerance) {
    double between = 0, extent = 0;
    const float *origin = points + answer->support[0] * d;
    for (size_t k = 0; k < d; k++) {
        double difference = 0;
        for (size_t i = 0; i < answer->n_support; i++) {
            double x = (double)points[answer->support[i] * d + k] - origin[k];
            difference += (i < answer->n_first ? 1 : -1) * answer->weight[i] * x;
        }
        between += difference * difference;
    }
    for (size_t i = 0; i < answer->n_support; i++) {
        double sum = 0;
        for (size_t k = 0; k < d; k++) {
            double x = (double)points[answer->support[i] * d + k] - origin[k];
            sum += x * x;
        }
        extent = fmax(extent, sum);
    }
    /* The solver's own rounding differs from this one's. */
    return sqrt(between) <= 1.01 * tolerance * sqrt(extent);
}

int fp_hull_check(size_t d, fp_hull_set a, fp_hull_set b, const fp_hull_answer *answer, double tolerance) {
    switch (answer->verdict) {
    case FP_HULL_APART:
        return separates(d, a, b, answer);
    case FP_HULL_OVERLAP:
        return combine(a, b, answer) && meet(d, a.points, answer, tolerance);
    default:
        return 0;
    }
}
