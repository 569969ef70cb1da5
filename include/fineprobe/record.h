/* record.h: what one piece of work hands in: rows and arrays, in memory (no MPI, no HDF5). A piece writes its
 * record to a file in scratch; its rank reads it from there and puts it into the result file. */
#ifndef FINEPROBE_RECORD_H
#define FINEPROBE_RECORD_H

#include "fineprobe/classifier_rows.h"
#include "fineprobe/error.h"
#include "fineprobe/table.h"

/* One (model, probed task): the sizes of its arrays, which lie in results/MODEL/TASK. */
typedef struct fp_group {
    char name[FP_PATH];  /* results/MODEL/TASK */
    int32_t model, task; /* indices */
    size_t rows, labels, width, train_instances, test_instances, clusters;
    size_t certificates, support; /* places for certificates of a split, and for points in them */
    size_t classifiers, controls, codes, memorisations;                  /* rows, as ROWS are of units */
    size_t candidates, initialisations, control_initialisations, epochs; /* of them */
} fp_group;

/* The sizes of a group by name, for its attributes and the axes of its arrays. */
typedef struct fp_group_size {
    const char *name;
    size_t member;    /* offset in fp_group */
    const char *axis; /* of arrays; NULL: of none */
} fp_group_size;
enum { FP_GROUP_SIZES = 16 };
extern const fp_group_size fp_group_sizes[FP_GROUP_SIZES];
size_t *fp_group_member(fp_group *group, const fp_group_size *size);

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
    FP_CANDIDATES,        /* of a classifier's record */
    FP_INITIALISATIONS,
    FP_LABEL_SCORES,
    FP_CONFUSION,
    FP_PREDICTIONS,
    FP_TEST_LABELS,
    FP_CONTROL_ACCURACIES, /* of a control task's */
    FP_PORTION_ROWS,       /* of a code's */
    FP_CURVES,             /* of a memorisation's */
    FP_CURVE_LOSSES,
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
/* 0 when its row says so, else -1. */
int fp_record_check(const fp_record_kind *kind, const fp_group *group, const void *record, fp_error *error);
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

typedef struct fp_classifier_record {
    fp_classifier_row row;
    fp_candidate_row *candidates;
    fp_initialisation_row *initialisations;
    fp_label_score_row *label_scores;
    int32_t *confusion, *predictions, *test_labels;
} fp_classifier_record;

typedef struct fp_control_record {
    fp_control_row row;
    double *accuracies; /* [initialisations, 2] */
} fp_control_record;

typedef struct fp_code_record {
    fp_code_row row;
    fp_portion_row *portions;
} fp_code_record;

typedef struct fp_memorisation_record {
    fp_memorisation_row row;
    double *curves, *losses; /* [epochs, 3] */
} fp_memorisation_record;

/* All kinds of records that go into groups. */
typedef enum fp_product_kind {
    FP_UNIT,
    FP_CLASSIFIER,
    FP_CONTROL,
    FP_CODE,
    FP_MEMORISATION,
    FP_N_PRODUCTS
} fp_product_kind;
extern const fp_record_kind *const fp_record_kinds[FP_N_PRODUCTS];

extern const fp_record_kind fp_classifier_records, fp_control_records, fp_code_records,
    fp_memorisation_records;

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
