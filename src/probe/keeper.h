/* keeper.h: chooses which certificates of a partition are kept when there is no room for all: of clusters
 * that cannot be merged, the largest; then of clusters that are apart, the nearest. */
#ifndef FINEPROBE_PROBE_KEEPER_H
#define FINEPROBE_PROBE_KEEPER_H

#include "extents.h"
#include "fineprobe/directprobe.h"
#include "fineprobe/hull.h"
#include "grouping.h"

/* An answer with its support, copied. */
typedef struct fp_kept {
    uint32_t first, second;
    int32_t third;
    double distance;
    size_t n_first, n_support;
    uint32_t *points; /* [n_support], to be freed */
    double *weights;  /* [n_support], to be freed */
} fp_kept;

int fp_kept_copy(const fp_hull_answer *answer, fp_kept *out, fp_error *error);
void fp_kept_free(fp_kept *kept);

typedef struct fp_keeper {
    size_t room, n;   /* of certificates that clusters are apart */
    fp_kept *nearest; /* [n] ascending by distance */
    uint64_t offered;
} fp_keeper;

int fp_keeper_create(fp_keeper *keeper, size_t room, fp_error *error);
void fp_keeper_destroy(fp_keeper *keeper);

/* Takes KEPT over, or frees it when ROOM nearer ones are there. */
void fp_keeper_offer(fp_keeper *keeper, fp_kept *kept);

/* Writes RESULT's certificates, finding those of clusters that cannot be merged. */
int fp_keeper_finish(fp_keeper *keeper, const fp_grouping *grouping, const fp_extents *extents,
                     fp_hull_solver *solver, fp_directprobe_result *result, fp_error *error);

#endif
