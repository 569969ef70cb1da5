/* table.h: the rows of the result file. Each table is a C struct of plain numbers and fixed-length text,
 * described once by its fields: the description makes the HDF5 type, the CSV header, the attributes and the
 * documentation. */
#ifndef FINEPROBE_TABLE_H
#define FINEPROBE_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum { FP_NAME = 48, FP_PATH = 256, FP_STATE = 16, FP_DIGEST = 33, FP_MESSAGE = 256 };

typedef enum fp_field_type {
    FP_FIELD_I32,
    FP_FIELD_U32,
    FP_FIELD_I64,
    FP_FIELD_F64,
    FP_FIELD_TEXT
} fp_field_type;

typedef struct fp_field {
    const char *name;
    fp_field_type type;
    size_t offset, size;
    const char *unit;    /* "" when it has none */
    const char *meaning; /* one sentence */
} fp_field;

typedef struct fp_table {
    const char *name; /* the dataset */
    const char *meaning;
    size_t row_size, n_fields;
    const fp_field *fields;
    void (*open)(void *row); /* makes ROW one that holds nothing yet; NULL: all zeros */
} fp_table;

typedef enum fp_element {
    FP_ELEMENT_F32,
    FP_ELEMENT_F64,
    FP_ELEMENT_I32,
    FP_ELEMENT_U8,
    FP_ELEMENT_ROW
} fp_element;

enum { FP_MAX_AXES = 4 };

/* An array of the result file. */
typedef struct fp_array {
    const char *name;
    fp_element element;
    const fp_table *table;      /* FP_ELEMENT_ROW only */
    const char *axes;           /* comma-separated */
    const char *unit, *meaning; /* MEANING "": the table's */
    size_t member;              /* of a record: where its struct points to it */
} fp_array;

typedef struct fp_model_row {
    char name[FP_NAME], folder[FP_PATH], digest[FP_DIGEST];
    int32_t layers, hidden, heads, intermediate, vocabulary, positions;
    int64_t parameters;
} fp_model_row;

typedef struct fp_task_row {
    char name[FP_NAME], kind[FP_STATE], reader[FP_NAME], train_file[FP_PATH], test_file[FP_PATH],
        digest[FP_DIGEST];
    int32_t labels, train_sentences, test_sentences, train_instances, test_instances;
    char majority_label[FP_NAME]; /* of the training set */
    double majority_accuracy;     /* of that label on the test set */
} fp_task_row;

typedef struct fp_label_row {
    char task[FP_NAME], label[FP_NAME];
    int32_t index; /* position on the label axes of the task's results */
    int32_t train_instances, test_instances;
} fp_label_row;

/* What the model's position limit and its tokeniser did to a task's data. */
typedef struct fp_data_row {
    char model[FP_NAME], task[FP_NAME], split[FP_STATE];
    int32_t sentences, pieces, longest, instances, cut_sentences, cut_words, cut_instances, empty_words;
} fp_data_row;

typedef struct fp_run_row {
    char model[FP_NAME], task[FP_NAME], objective[FP_STATE];
    int64_t seed;
    int32_t updates, batch;
    double learning_rate, warmup, weight_decay;
    int64_t losses_at; /* first of its UPDATES entries in the dataset losses */
    char digest[FP_DIGEST];
} fp_run_row;

/* A run's model after STEP updates. The originals (step 0, run -1) come first, one a model. */
typedef struct fp_checkpoint_row {
    int32_t run;                                /* index into runs; -1: the original */
    char model[FP_NAME], finetuned_on[FP_NAME]; /* "" for the original */
    int64_t seed;                               /* -1 for the original */
    int32_t step;
    char digest[FP_DIGEST];
    /* results of the run's own head; NaN until done, and for originals */
    double train_loss; /* mean over the updates since the checkpoint before */
    double test_loss, test_accuracy;
    uint32_t
        crc; /* CRC-32 of the packed row before this field, and of the losses since the checkpoint before */
} fp_checkpoint_row;

/* What one probe saw on one split. */
typedef struct fp_probe_columns {
    char state[FP_STATE]; /* "linear", "not linear", "undecided", "one label"; "" until done */
    int32_t points, labels_present, clusters;
    double smallest_distance, mean_distance; /* of the labels' minimum distances */
    double largest_gap;                      /* relative duality gap of the distances */
    int64_t solver_calls, undecided;
    int64_t touching; /* cluster pairs nearer than the resolution */
    int64_t certificates, certificates_left_out;
} fp_probe_columns;

typedef struct fp_unit_row {
    /* identity, written when the file is made */
    int32_t unit, checkpoint, run;
    char model[FP_NAME], finetuned_on[FP_NAME], probed_on[FP_NAME]; /* finetuned_on "" : the original */
    int64_t seed;
    int32_t step, layer;
    char results[FP_PATH]; /* the group that holds its arrays */
    int32_t row;           /* its place on the first axis of those arrays */
    char digest[FP_DIGEST];
    /* results; zero or NaN until done */
    fp_probe_columns train, test;
    double train_test_similarity; /* NaN: not defined */
    uint32_t
        crc; /* CRC-32 of the packed row before this field, and of its arrays in their documented order */
} fp_unit_row;

/* How a unit or checkpoint came about: not part of its result, and not the same from one sweep to the next.
 */
typedef struct fp_provenance_row {
    int32_t rank, attempts;
    int64_t incarnation;
    char host[FP_NAME], job[FP_NAME];
    double started, finished; /* seconds since 1970 */
    double seconds;           /* of computing */
    double peak_memory;       /* bytes */
    char message[FP_MESSAGE]; /* why it failed */
} fp_provenance_row;

/* Written when the sweep ends: a unit against the same (model, probed task, layer) at step 0. */
typedef struct fp_derived_row {
    int32_t unit, original; /* ORIGINAL: the unit it is compared with; -1: not in this sweep */
    double train_similarity, test_similarity; /* spatial similarity to the original; NaN: not defined */
    double train_movement, test_movement;     /* mean over labels of the distance between centroids */
} fp_derived_row;

typedef struct fp_cluster_row {
    int32_t cluster, label;
    int32_t size;                           /* points; 0: no cluster in this place */
    double mean_distance, largest_distance; /* of its points to its centroid */
} fp_cluster_row;

/* Why two clusters are apart, or why two of one label were not merged: certificate.h. */
typedef struct fp_certificate_row {
    int32_t first, second, third;
    int32_t n_first, n_support; /* N_SUPPORT 0: no certificate in this place */
    int32_t begin;              /* in support_points and support_weights */
    double distance;
} fp_certificate_row;

extern const fp_table fp_table_models, fp_table_tasks, fp_table_labels, fp_table_data, fp_table_runs,
    fp_table_checkpoints, fp_table_units, fp_table_provenance, fp_table_derived, fp_table_clusters,
    fp_table_certificates;

/* A row as the file holds it: its fields end to end without gaps, text filled up with zeros. Unpacked text
 * always ends, whatever the file holds. */
size_t fp_table_packed_size(const fp_table *table);
/* Where the field NAME lies in a packed row, and (may be NULL) the field; the packed size when there is none.
 * Rows of what is computed have a field "digest", the last of their identity, and end with a "crc". */
size_t fp_table_packed_offset(const fp_table *table, const char *name, const fp_field **field);
void fp_table_pack(const fp_table *table, const void *row, void *packed);
void fp_table_unpack(const fp_table *table, const void *packed, void *row);

/* Results still open: NaN in every F64 field behind the identity, so that an unfinished row cannot be taken
 * for one. */
void fp_checkpoint_row_open(fp_checkpoint_row *row);
void fp_unit_row_open(fp_unit_row *row);
void fp_derived_row_open(fp_derived_row *row);
/* A row that holds nothing yet, as TABLE says. */
void fp_table_open(const fp_table *table, void *row);

#endif
