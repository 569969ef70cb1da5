/* Checks of certificates: plain loops over the points, nothing of the solver. */
#include "fineprobe/certificate.h"

#include "extents.h"
#include "fineprobe/hull.h"
#include "fineprobe/memory.h"
#include "grouping.h"
#include "twice.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Share of a distance that vectors which were computed again may differ by. */
static const double SLACK = 1e-6;

int fp_certificates_create(fp_certificates *c, size_t capacity, size_t support_capacity, fp_error *error) {
    *c = (fp_certificates){.capacity = capacity, .support_capacity = support_capacity};
    c->items = fp_alloc(capacity, sizeof *c->items, "certificates", error);
    c->points = fp_alloc(support_capacity, sizeof *c->points, "certificates", error);
    c->weights = fp_alloc(support_capacity, sizeof *c->weights, "certificates", error);
    if (c->items && c->points && c->weights)
        return 0;
    fp_certificates_free(c);
    return -1;
}

void fp_certificates_free(fp_certificates *c) {
    free(c->items);
    free(c->points);
    free(c->weights);
    *c = (fp_certificates){0};
}

typedef struct checking {
    const fp_partition *partition;
    fp_grouping grouping;
    fp_extents extents;
    double *w; /* [d] */
} checking;

static int32_t label_of(const checking *k, int32_t cluster) {
    return k->partition->labels[k->grouping.members[k->grouping.begin[cluster]]];
}

static int is_cluster(const checking *k, int32_t cluster) {
    return cluster >= 0 && (size_t)cluster < k->grouping.n_clusters;
}

/* Clusters and labels as the kind of certificate wants them. */
static int names_clusters(const checking *k, const fp_certificate *c, fp_error *why) {
    int there = is_cluster(k, c->first) && is_cluster(k, c->second) && c->first != c->second &&
                (c->third == -1 || is_cluster(k, c->third));
    if (!there)
        return fp_fail(why, "clusters %d, %d and %d", c->first, c->second, c->third);
    int32_t a = label_of(k, c->first), b = label_of(k, c->second);
    if (c->third < 0)
        return a != b ? 0 : fp_fail(why, "two clusters of one label");
    return a == b && label_of(k, c->third) != a
               ? 0
               : fp_fail(why, "clusters of labels %d, %d and %d", a, b, label_of(k, c->third));
}

/* Weights of at least 0 that sum to 1 on either side, on points of the right clusters. */
static int combines(const checking *k, const fp_certificates *all, const fp_certificate *c, fp_error *why) {
    double sum[2] = {0, 0};
    if (c->n_first < 1 || c->n_support <= c->n_first || c->begin < 0 ||
        c->begin > (int64_t)all->n_support - c->n_support)
        return fp_fail(why, "%d of %d points from %lld on", c->n_first, c->n_support, (long long)c->begin);
    for (int32_t i = 0; i < c->n_support; i++) {
        int32_t point = all->points[c->begin + i];
        double weight = all->weights[c->begin + i];
        if (point < 0 || (size_t)point >= k->partition->n || !(weight >= 0))
            return fp_fail(why, "point %d with weight %g", point, weight);
        int32_t cluster = k->partition->cluster_of[point];
        int right = i < c->n_first ? cluster == c->first || (c->third >= 0 && cluster == c->second)
                                   : cluster == (c->third >= 0 ? c->third : c->second);
        if (!right)
            return fp_fail(why, "point %d is in cluster %d", point, cluster);
        sum[i >= c->n_first] += weight;
    }
    if (fabs(sum[0] - 1) > 1e-12 || fabs(sum[1] - 1) > 1e-12)
        return fp_fail(why, "weights that sum to %.17g and %.17g", sum[0], sum[1]);
    return 0;
}

/* W = what leads from the second combination to the first; returns its length. */
static double between(const checking *k, const fp_certificates *all, const fp_certificate *c) {
    const fp_partition *p = k->partition;
    const float *origin = p->points + (size_t)all->points[c->begin] * p->d;
    double length = 0;
    for (size_t j = 0; j < p->d; j++) {
        double high = 0, low = 0;
        for (int32_t i = 0; i < c->n_support; i++) {
            double x = (double)p->points[(size_t)all->points[c->begin + i] * p->d + j] - origin[j];
            fp_add_twice(&high, &low, (i < c->n_first ? 1 : -1) * all->weights[c->begin + i] * x);
        }
        k->w[j] = high + low;
        length += k->w[j] * k->w[j];
    }
    return sqrt(length);
}

/* The lowest score of a cluster along SIGN times W. */
static double lowest(const checking *k, int32_t cluster, double sign) {
    fp_hull_set set = fp_grouping_set(&k->grouping, (size_t)cluster);
    double least = INFINITY;
    for (size_t i = 0; i < set.count; i++) {
        double score;
        fp_scores_twice(set.points, set.index + i, 1, k->partition->d, k->w, &score);
        least = fmin(least, sign * score);
    }
    return least;
}

static int check_one(const checking *k, const fp_certificates *all, const fp_certificate *c,
                     double *largest_gap, fp_error *why) {
    if (names_clusters(k, c, why) < 0 || combines(k, all, c, why) < 0)
        return -1;
    int32_t other = c->third >= 0 ? c->third : c->second;
    size_t pair = (size_t)label_of(k, c->first) * k->extents.n_labels + (size_t)label_of(k, other);
    double resolution = fp_hull_resolution(k->extents.of_pair[pair]), upper = between(k, all, c);
    if (c->third >= 0)
        return upper <= 1.01 * resolution
                   ? 0
                   : fp_fail(why, "the points are %g apart, the resolution is %g", upper, resolution);
    double lower = upper > 0 ? (lowest(k, c->first, 1) + lowest(k, c->second, -1)) / upper : 0;
    /* Weights rounded to double precision tilt the normal by this much. */
    double reach = 0.25 * k->extents.of_pair[pair], tilt = DBL_EPSILON * reach * reach / upper;
    double slack = SLACK * c->distance;
    *largest_gap = fmax(*largest_gap, 1 - lower / upper);
    if (!(lower > 0.99 * resolution))
        return fp_fail(why, "the hyperplane proves a distance of %g, the resolution is %g", lower,
                       resolution);
    if (!(lower >= (1 - k->partition->gap) * upper - slack - tilt && fabs(upper - c->distance) <= slack))
        return fp_fail(why, "the distance is %g to %g, stored is %g", lower, upper, c->distance);
    return 0;
}

static int open_check(checking *k, fp_error *error) {
    const fp_partition *p = k->partition;
    for (size_t i = 0; i < p->n; i++)
        if (p->cluster_of[i] < 0 || (size_t)p->cluster_of[i] >= p->n_clusters || p->labels[i] < 0 ||
            (size_t)p->labels[i] >= p->n_labels)
            return fp_fail(error, "point %zu has label %d and lies in cluster %d", i, p->labels[i],
                           p->cluster_of[i]);
    k->w = fp_alloc(p->d, sizeof *k->w, "a normal", error);
    if (!k->w || fp_extents_create(&k->extents, p->points, p->labels, p->n, p->d, p->n_labels, error) < 0)
        return -1;
    if (fp_grouping_create(&k->grouping, p->points, p->n, p->d, (const uint32_t *)p->cluster_of,
                           p->n_clusters, error) < 0)
        return -1;
    for (size_t c = 0; c < p->n_clusters; c++)
        if (!fp_grouping_size(&k->grouping, c))
            return fp_fail(error, "cluster %zu is empty", c);
    for (size_t i = 0; i < p->n; i++)
        if (p->labels[i] != label_of(k, p->cluster_of[i]))
            return fp_fail(error, "cluster %d has points of several labels", p->cluster_of[i]);
    return 0;
}

int fp_certificates_verify(const fp_certificates *all, const fp_partition *partition,
                           fp_certificates_check *check, fp_error *error) {
    checking k = {.partition = partition};
    int status = open_check(&k, error);
    for (size_t i = 0; status == 0 && i < all->n; i++) {
        fp_error why = {0};
        const fp_certificate *c = all->items + i;
        check->checked++;
        if (check_one(&k, all, c, &check->largest_gap, &why) == 0)
            continue;
        fp_error_context(&why, "clusters %d and %d", c->first, c->second);
        if (check->bad++ == 0)
            check->first_bad = why;
    }
    free(k.w);
    fp_extents_destroy(&k.extents);
    fp_grouping_destroy(&k.grouping);
    return status;
}
