/* contents.h: which datasets a result file holds, and an open file. */
#ifndef FINEPROBE_STORE_CONTENTS_H
#define FINEPROBE_STORE_CONTENTS_H

#include "fineprobe/store.h"
#include "rows.h"

enum { FP_FORMAT_VERSION = 1 };

typedef enum fp_dataset {
    FP_MODELS,
    FP_TASKS,
    FP_LABELS,
    FP_DATA,
    FP_RUNS,
    FP_CHECKPOINTS,
    FP_UNITS,
    FP_DERIVED,
    FP_UNIT_PROVENANCE,
    FP_CHECKPOINT_PROVENANCE,
    FP_PROGRESS,
    FP_LOSSES,
    FP_UNIT_STATUS,
    FP_CHECKPOINT_STATUS,
    FP_N_DATASETS
} fp_dataset;

/* In the order in which a unit's CRC takes them; the last is derived and not part of it. */
typedef enum fp_result {
    FP_LABEL_DISTANCES,
    FP_MINIMUM_DISTANCES,
    FP_CENTROIDS,
    FP_CLUSTER_OF,
    FP_CLUSTERS,
    FP_CENTROID_MOVEMENT,
    FP_N_RESULTS
} fp_result;

extern const fp_array fp_datasets[FP_N_DATASETS]; /* all have one axis */
extern const fp_array fp_results[FP_N_RESULTS];

/* Shape of a result of GROUP; returns the number of axes. */
int fp_result_shape(const fp_group *group, fp_result result, hsize_t shape[FP_MAX_AXES]);
/* Rows of a dataset in a file with this layout. */
size_t fp_dataset_rows(const fp_layout *layout, fp_dataset dataset);
/* A record's arrays in the order of fp_result, without the derived one. */
void fp_record_arrays(const fp_unit_record *record, void *out[FP_CENTROID_MOVEMENT]);

typedef struct fp_store_group {
    fp_group group;
    fp_rows results[FP_N_RESULTS];
} fp_store_group;

struct fp_store {
    char *path;
    hid_t file, transfer;
    int fd;        /* of its own, for syncing; -1 when opened for reading */
    int parallel;  /* opened by fp_store_open */
    uint64_t size; /* bytes of the file */
    MPI_Comm comm;
    fp_rows datasets[FP_N_DATASETS];
    size_t n_groups;
    fp_store_group *groups;
};

/* Opens all datasets of STORE's file; both opens share it. */
int fp_store_open_datasets(fp_store *store, fp_error *error);
void fp_store_close_datasets(fp_store *store);

/* Everything that later code takes for granted: names, indices, ranges. */
int fp_layout_check(const fp_layout *layout, fp_error *error);
/* Updates that a checkpoint's losses cover: COUNT entries of losses from AT. */
void fp_layout_losses(const fp_layout *layout, size_t checkpoint, size_t *at, size_t *count);

/* The open datasets of GROUP, whose shape must be the file's. */
fp_store_group *fp_store_find_group(fp_store *store, const fp_group *group, fp_error *error);
/* A unit's arrays, row and provenance, without sync and status; ROW.unit and ROW.row say where. */
int fp_store_put_unit(fp_store *store, const fp_store_group *group, const fp_unit_record *record,
                      const fp_provenance_row *provenance, fp_error *error);
int fp_store_get_unit(fp_store *store, const fp_store_group *group, size_t unit, size_t row,
                      fp_unit_record *out, fp_error *error);

/* Copies what is finished in FROM into the new file TO, whose layout is LAYOUT. */
int fp_store_carry(fp_store *from, fp_store *to, const fp_layout *layout, size_t *kept, fp_error *error);

#endif
