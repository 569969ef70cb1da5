/* directprobe.h: DirectProbe (Zhou & Srikumar, NAACL 2021) as PROTOCOL.md defines it, exact and certified.
 *
 * Starting from one cluster per point, the closest pair of clusters with one label is merged when the convex
 * hull of the union is disjoint from the hull of every cluster with another label, until no pair is left. */
#ifndef FINEPROBE_DIRECTPROBE_H
#define FINEPROBE_DIRECTPROBE_H

#include "fineprobe/certificate.h"
#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct fp_directprobe_settings {
    double gap; /* relative duality gap of distances; default 1e-5 */
    size_t
        small; /* clusters of this many points or fewer are left out of distances; default 0 (published: 5) */
    int threads;                  /* default 1; the same bits for any value */
    size_t certificates, support; /* most certificates to keep, and points in them all; default 0 */
} fp_directprobe_settings;

fp_directprobe_settings fp_directprobe_defaults(void);

typedef struct fp_cluster {
    int32_t label;
    uint32_t size;
    double mean_distance, max_distance; /* of its points to its centroid */
} fp_cluster;

typedef struct fp_directprobe_result {
    size_t n_points, n_labels, n_clusters, dimension;
    size_t n_present;          /* labels that have points */
    int linear;                /* 1: the hulls of all labels are apart: one cluster a label */
    uint32_t *cluster_of;      /* [n_points]; clusters numbered by their first point */
    fp_cluster *clusters;      /* [n_clusters] */
    double *label_distances;   /* [n_labels, n_labels] mean over cluster pairs; NaN: diagonal, label absent */
    double *minimum_distances; /* [n_labels] distance to the nearest other label; NaN: absent or alone */
    double *centroids;         /* [n_labels, dimension] mean of the label's points; NaN: absent */
    double *cluster_distances; /* [n_clusters, n_clusters] between hulls, other labels only (NaN elsewhere);
                                  NULL when there are more than 1024 clusters */
    uint64_t solver_calls;     /* hull questions that no filter answered */
    uint64_t undecided;        /* verdicts that stayed open; each counted as "overlap" */
    uint64_t touching;  /* cluster pairs no further apart than the resolution (hull.h): single points on, or
                           nearly on, one another */
    double largest_gap; /* relative duality gap of the distances between the others */
    fp_certificates
        certificates; /* of verdicts that the points do not show at once: clusters of more than one
                         point that are apart, the nearest first; before them clusters of one label
                         that cannot be merged, the largest first, up to a quarter of the room */
} fp_directprobe_result;

/* POINTS [n, d], LABELS [n] in 0 .. n_labels-1. Errors: no points, a label out of range, NaN or infinite
 * numbers (named by row and column). PROGRESS may be NULL. */
typedef void fp_probe_progress(void *context, double share);
int fp_directprobe(size_t n, size_t d, const float *points, const int32_t *labels, size_t n_labels,
                   const fp_directprobe_settings *settings, fp_probe_progress *progress, void *context,
                   fp_directprobe_result *out, fp_error *error);
void fp_directprobe_free(fp_directprobe_result *result);

#endif
