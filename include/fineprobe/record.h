/* record.h: what one piece of work hands in: rows and arrays, in memory (no MPI, no HDF5). A piece writes its
 * record to a file in scratch; its rank reads it from there and puts it into the result file. */
#ifndef FINEPROBE_RECORD_H
#define FINEPROBE_RECORD_H

#include "fineprobe/error.h"
#include "fineprobe/table.h"

/* Arrays of the units of one (model, probed task): results/MODEL/TASK/NAME, first axis ROWS.
 *   label_distances   f8 [rows, 2, labels, labels]  (axis 1: train, test)
 *   minimum_distances f8 [rows, 2, labels]
 *   centroids         f4 [rows, 2, labels, width]
 *   cluster_of        i4 [rows, train_instances + test_instances]
 *   clusters          fp_cluster_row [rows, 2, clusters]  largest clusters first
 *   centroid_movement f8 [rows, 2, labels]  (derived) */
typedef struct fp_group {
    char name[FP_PATH];  /* results/MODEL/TASK */
    int32_t model, task; /* indices */
    size_t rows, labels, width, train_instances, test_instances, clusters;
} fp_group;

/* The arrays of one unit, in the order and shapes given at fp_group; ROW's results filled in. */
typedef struct fp_unit_record {
    fp_unit_row row;
    double *label_distances, *minimum_distances;
    float *centroids;
    int32_t *cluster_of;
    fp_cluster_row *clusters;
} fp_unit_record;

/* Arrays for GROUP, with every entry open: NaN, cluster_of -1, no clusters. */
int fp_unit_record_alloc(const fp_group *group, fp_unit_record *out, fp_error *error);
void fp_unit_record_free(fp_unit_record *record);
uint32_t fp_unit_record_crc(const fp_group *group, const fp_unit_record *record);
/* 0 when ROW.crc is the record's CRC, else -1. */
int fp_unit_record_check(const fp_group *group, const fp_unit_record *record, fp_error *error);

typedef struct fp_checkpoint_record {
    fp_checkpoint_row row;
    int64_t losses_at; /* place in the dataset losses */
    size_t n_losses;
    float *losses;
} fp_checkpoint_record;

uint32_t fp_checkpoint_record_crc(const fp_checkpoint_record *record);
/* ROW.train_loss of these losses: their sum in order in float64, divided by their number; NaN without any. */
double fp_losses_mean(const float *losses, size_t n);

/* The files in scratch (safetensors). Reading fails when the shapes are not GROUP's. */
int fp_unit_record_save(const char *path, const fp_group *group, const fp_unit_record *record,
                        fp_error *error);
int fp_unit_record_load(const char *path, const fp_group *group, fp_unit_record *record, fp_error *error);
int fp_checkpoint_record_save(const char *path, const fp_checkpoint_record *record, fp_error *error);
int fp_checkpoint_record_load(const char *path, fp_checkpoint_record *record,
                              fp_error *error); /* LOSSES: free() */

#endif
