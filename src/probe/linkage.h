/* linkage.h: centroid linkage of one label's clusters, a step at a time, with steps that can be taken back.
 *
 * Slots are the label's points in order; a cluster lives in the slot of its first point. Squared distances of
 * centroids follow from those before the merge (Lance and Williams), so they are exact up to rounding; a
 * refused pair's distance is infinite, and so is that of all pairs that hold it. Memory: 4 n^2 bytes. */
#ifndef FINEPROBE_PROBE_LINKAGE_H
#define FINEPROBE_PROBE_LINKAGE_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct fp_linkage_change {
    uint32_t slot, nearest;
    double distance;
} fp_linkage_change;

typedef struct fp_linkage_step {
    uint32_t kept, gone, alive_at; /* GONE stood at ALIVE_AT */
    size_t saved, changed;         /* where its parts of the log begin */
} fp_linkage_step;

typedef struct fp_linkage {
    size_t n, n_alive;
    double *distance;              /* packed lower triangle: (i, j), j < i, at i (i - 1) / 2 + j */
    uint32_t *alive;               /* [n_alive] ascending */
    uint32_t *size;                /* [n] points of the slot's cluster */
    uint32_t *nearest;             /* [n] the closest alive slot before this one */
    double *nearest_distance;      /* [n] infinite: none */
    uint32_t next_kept, next_gone; /* the closest pair */
    double next_distance;          /* infinite: no pair is left */
    double *saved;                 /* log: distances of the kept slot */
    fp_linkage_change *changes;    /* log: nearest neighbours */
    fp_linkage_step *steps;
    size_t n_saved, n_changes, n_steps, saved_capacity, changes_capacity, steps_capacity;
} fp_linkage;

/* POINT[i]: row of the i-th slot's point; FROZEN[i] (indexed by point): never merges. */
int fp_linkage_create(fp_linkage *linkage, const float *points, size_t d, const uint32_t *point, size_t n,
                      const unsigned char *frozen, fp_error *error);
void fp_linkage_destroy(fp_linkage *linkage);

/* Merges the closest pair. Equal distances: the pair whose later cluster has the lowest first point, then the
 * earlier one's. */
int fp_linkage_merge(fp_linkage *linkage, fp_error *error);
void fp_linkage_undo(fp_linkage *linkage);   /* the last merge that is not committed */
void fp_linkage_commit(fp_linkage *linkage); /* all merges for good */
void fp_linkage_refuse(fp_linkage *linkage); /* the closest pair, for good; only when all is committed */

#endif
