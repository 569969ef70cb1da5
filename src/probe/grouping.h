/* grouping.h: clusters with their points side by side. */
#ifndef FINEPROBE_PROBE_GROUPING_H
#define FINEPROBE_PROBE_GROUPING_H

#include "fineprobe/error.h"
#include "fineprobe/hull.h"

typedef struct fp_grouping {
    const float *points;
    size_t n_points, d, n_clusters;
    size_t *begin;     /* [n_clusters + 1] into MEMBERS */
    uint32_t *members; /* [n_points] */
    double *centroids; /* [n_clusters, d] */
} fp_grouping;

/* CLUSTER_OF [n] in 0 .. n_clusters-1. */
int fp_grouping_create(fp_grouping *grouping, const float *points, size_t n, size_t d,
                       const uint32_t *cluster_of, size_t n_clusters, fp_error *error);
void fp_grouping_destroy(fp_grouping *grouping);

static inline size_t fp_grouping_size(const fp_grouping *g, size_t cluster) {
    return g->begin[cluster + 1] - g->begin[cluster];
}

static inline fp_hull_set fp_grouping_set(const fp_grouping *g, size_t cluster) {
    return (fp_hull_set){g->points, g->members + g->begin[cluster], fp_grouping_size(g, cluster)};
}

#endif
