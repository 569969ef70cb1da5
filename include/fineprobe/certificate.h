/* certificate.h: why the verdicts and distances of a partition hold, small enough to be stored.
 *
 * A certificate is a convex combination of points on either side. Of two clusters that are apart: the nearest
 * points of their hulls; what leads from one to the other is the normal of a hyperplane between them, and its
 * length their distance. Of two clusters with one label that cannot be merged: a point of the hull of their
 * union and a point of a third cluster's hull, with another label, that are no further apart than the
 * resolution (hull.h). */
#ifndef FINEPROBE_CERTIFICATE_H
#define FINEPROBE_CERTIFICATE_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct fp_certificate {
    int32_t first, second; /* clusters: of two labels, apart; or of one, not to be merged */
    int32_t third;         /* which the union of the two meets; -1: they are apart */
    int32_t n_first;       /* points of the first side (of the union, when there is a third) */
    int32_t n_support;     /* points of both sides */
    int64_t begin;         /* the first of them in POINTS and WEIGHTS */
    double distance;       /* of the two combinations */
} fp_certificate;

typedef struct fp_certificates {
    size_t n, n_support, capacity, support_capacity;
    fp_certificate *items; /* [n] */
    int32_t *points;       /* [n_support] rows of the data */
    double *weights;       /* [n_support] sums to 1 on either side */
    uint64_t left_out;     /* verdicts whose certificate found no room */
} fp_certificates;

int fp_certificates_create(fp_certificates *certificates, size_t capacity, size_t support_capacity,
                           fp_error *error);
void fp_certificates_free(fp_certificates *certificates);

/* What the certificates are about. CLUSTER_OF [n] in 0 .. n_clusters-1, LABELS [n]. */
typedef struct fp_partition {
    size_t n, d, n_labels, n_clusters;
    const float *points;
    const int32_t *labels, *cluster_of;
    double gap; /* relative, up to which distances were computed */
} fp_partition;

/* How a check of certificates went; FIRST_BAD: what is wrong with the first one that does not hold. */
typedef struct fp_certificates_check {
    size_t checked, bad;
    double largest_gap; /* of distances: 1 - (what the hyperplane proves) / (length of the combination) */
    fp_error first_bad;
} fp_certificates_check;

/* Checks every certificate on the points alone, in double precision and twice that, without the solver: -1
 * when the check itself could not be made. Counts into CHECK. */
int fp_certificates_verify(const fp_certificates *certificates, const fp_partition *partition,
                           fp_certificates_check *check, fp_error *error);

#endif
