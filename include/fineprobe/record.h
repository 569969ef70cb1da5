/* record.h: what one piece of work hands in: rows and arrays, in memory (no MPI, no HDF5). A piece writes its
 * record to a file in scratch; its rank reads it from there and puts it into the result file. */
#ifndef FINEPROBE_RECORD_H
#define FINEPROBE_RECORD_H

#include "fineprobe/error.h"
#include "fineprobe/table.h"

/* One (model, probed task): the sizes of its arrays, which lie in results/MODEL/TASK. */
typedef struct fp_group {
    char name[FP_PATH];  /* results/MODEL/TASK */
    int32_t model, task; /* indices */
    size_t rows, labels, width, train_instances, test_instances, clusters;
    size_t certificates, support; /* places for certificates of a split, and for points in them */
} fp_group;

/* The arrays of a group, whose first axis is a row of what they belong to. A new one is a line in fp_results,
 * whose axes make its shape, and a member of its record. */
typedef enum fp_result {
    FP_LABEL_DISTANCES, /* of a unit's record, in the order in which its CRC takes them */
    FP_MINIMUM_DISTANCES,
    FP_CENTROIDS,
    FP_CLUSTER_OF,
    FP_CLUSTERS,
    FP_CERTIFICATES,
    FP_SUPPORT_POINTS,
    FP_SUPPORT_WEIGHTS,
    FP_CENTROID_MOVEMENT, /* derived: no part of a record */
    FP_N_RESULTS
} fp_result;
extern const fp_array fp_results[FP_N_RESULTS];

/* Shape of a result of GROUP; returns the number of axes. */
int fp_result_shape(const fp_group *group, fp_result result, size_t shape[FP_MAX_AXES]);
/* Entries of one row of it, and bytes of an entry in memory. */
size_t fp_result_entries(const fp_group *group, fp_result result);
size_t fp_result_size(fp_result result);

/* A kind of record: a struct that begins with its row and points to its arrays. */
typedef struct fp_record_kind {
    const char *name; /* in messages */
    const fp_table *table;
    size_t size;           /* of the struct */
    fp_result first, last; /* its arrays, both included */
} fp_record_kind;

/* Arrays for GROUP and a row that hold nothing yet: NaN, -1, no clusters. */
int fp_record_alloc(const fp_record_kind *kind, const fp_group *group, void *record, fp_error *error);
void fp_record_free(const fp_record_kind *kind, void *record);
void *fp_record_array(const void *record, fp_result result);
/* Over the row as the file holds it, without its last field "crc", and the arrays in their order. */
uint32_t fp_record_crc(const fp_record_kind *kind, const fp_group *group, const void *record);
/* The file in scratch (safetensors). Reading allocates, and fails when the shapes are not GROUP's. */
int fp_record_save(const char *path, const fp_record_kind *kind, const fp_group *group, const void *record,
                   fp_error *error);
int fp_record_load(const char *path, const fp_record_kind *kind, const fp_group *group, void *record,
                   fp_error *error);

/* One unit; [] as in fp_results without the row. */
typedef struct fp_unit_record {
    fp_unit_row row;
    double *label_distances, *minimum_distances;
    float *centroids;
    int32_t *cluster_of;
    fp_cluster_row *clusters;
    fp_certificate_row *certificates;
    int32_t *support_points;
    double *support_weights;
} fp_unit_record;
extern const fp_record_kind fp_unit_records;

/* As above, for fp_unit_records. */
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

int fp_checkpoint_record_save(const char *path, const fp_checkpoint_record *record, fp_error *error);
int fp_checkpoint_record_load(const char *path, fp_checkpoint_record *record,
                              fp_error *error); /* LOSSES: free() */

#endif
