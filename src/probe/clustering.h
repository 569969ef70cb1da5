/* clustering.h: DirectProbe's clusters.
 *
 * Overlap is monotone: what overlaps keeps overlapping as clusters grow. So merges are carried out unchecked,
 * many at a time; when all clusters of the state they lead to are apart, all of them were allowed. Otherwise
 * the first that was not is found by bisection, refused, and the search goes on from there. */
#ifndef FINEPROBE_PROBE_CLUSTERING_H
#define FINEPROBE_PROBE_CLUSTERING_H

#include "extents.h"
#include "fineprobe/directprobe.h"
#include "math/team.h"

typedef struct fp_clustering {
    size_t n_clusters;
    int linear;           /* 1: the hulls of all labels are apart */
    uint32_t *cluster_of; /* [n] clusters numbered by their first point */
    uint64_t solver_calls, undecided;
} fp_clustering;

int fp_clustering_run(size_t n, size_t d, const float *points, const int32_t *labels, size_t n_labels,
                      const fp_extents *extents, fp_team *team, fp_probe_progress *progress, void *context,
                      fp_clustering *out, fp_error *error);

#endif
