/* contents.h: which datasets a result file holds, and an open file. */
#ifndef FINEPROBE_STORE_CONTENTS_H
#define FINEPROBE_STORE_CONTENTS_H

#include "fineprobe/store.h"
#include "rows.h"

enum { FP_FORMAT_VERSION = 3 };

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
    FP_CLASSIFIERS,
    FP_CLASSIFIER_STATUS,
    FP_CLASSIFIER_PROVENANCE,
    FP_CONTROLS,
    FP_CONTROL_STATUS,
    FP_CONTROL_PROVENANCE,
    FP_CODES,
    FP_CODE_STATUS,
    FP_CODE_PROVENANCE,
    FP_MEMORISATIONS,
    FP_MEMORISATION_STATUS,
    FP_MEMORISATION_PROVENANCE,
    FP_CLASSIFIER_DERIVED,
    FP_CLASSIFIER_SEEDS,
    FP_N_DATASETS
} fp_dataset;

extern const fp_array fp_datasets[FP_N_DATASETS]; /* all have one axis */

/* The tables that are fixed when the file is made, and where a layout has them. */
typedef struct fp_fixed_table {
    fp_dataset dataset;
    size_t rows, count; /* members of fp_layout: the pointer, the number */
} fp_fixed_table;
enum { FP_N_FIXED = 11 };
extern const fp_fixed_table fp_fixed_tables[FP_N_FIXED];
void *fp_fixed_rows(const fp_layout *layout, const fp_fixed_table *table);
size_t *fp_fixed_count(fp_layout *layout, const fp_fixed_table *table);

/* Rows of a dataset in a file with this layout. */
size_t fp_dataset_rows(const fp_layout *layout, fp_dataset dataset);

/* What pieces of work hand in and groups hold: a table whose rows name their group ("results") and their
 * place in it ("row"), with a status byte and a provenance for each, and arrays. Carrying over, checking and
 * joining know nothing more of it. */
typedef struct fp_product {
    const fp_record_kind *record;
    fp_dataset rows, status, provenance;
} fp_product;
extern const fp_product fp_products[FP_N_PRODUCTS];

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
/* A file whose structure is damaged, taken to have the same layout as LIKE, byte for byte; for carrying over.
 */
fp_store *fp_store_open_plain(const char *path, const fp_store *like, fp_error *error);

/* Everything that later code takes for granted: names, indices, ranges. */
int fp_layout_check(const fp_layout *layout, fp_error *error);
int fp_layout_check_runs(const fp_layout *layout, fp_error *error); /* as far as losses need it */
/* Updates that a checkpoint's losses cover: COUNT entries of losses from AT. */
void fp_layout_losses(const fp_layout *layout, size_t checkpoint, size_t *at, size_t *count);

/* The open datasets of GROUP, whose shape must be the file's. */
fp_store_group *fp_store_find_group(fp_store *store, const fp_group *group, fp_error *error);
fp_store_group *fp_store_named_group(fp_store *store, const char *name, fp_error *error);
/* A record's arrays, row and provenance, without sync and status, INDEX being its row in its table and ROW
 * that in its group's arrays. */
int fp_store_put_record(fp_store *store, const fp_product *product, const fp_store_group *group, size_t index,
                        size_t row, const void *record, const fp_provenance_row *provenance, fp_error *error);
int fp_store_get_record(fp_store *store, const fp_product *product, const fp_store_group *group, size_t index,
                        size_t row, void *out, fp_error *error);

/* A record as the file holds it: the row, then the arrays in their order. */
typedef struct fp_raw {
    size_t row_size, size, capacity;
    char *bytes;
} fp_raw;
/* The row at INDEX of PRODUCT's table (ROW, as the file holds it) and its arrays, read into OUT, whose memory
 * is used again; free(OUT->bytes) in the end. */
int fp_raw_read(fp_store *store, const fp_product *product, const char *row, fp_raw *out, fp_error *error);
int fp_raw_write(fp_store *store, const fp_product *product, size_t index, const fp_raw *raw,
                 fp_error *error);
uint32_t fp_raw_crc(const fp_raw *raw);        /* of what it holds */
uint32_t fp_raw_stored_crc(const fp_raw *raw); /* what its row says */
void fp_raw_set_crc(const fp_raw *raw);        /* makes the row say what is */

/* CRC of the columns that are fixed when the file is made, kept in the attribute "fixed_crc" of a table. */
int fp_fixed_crc(fp_store *store, const fp_fixed_table *table, uint32_t *out, fp_error *error);

/* Copies what is finished in FROM into the new file TO, whose layout is LAYOUT. */
int fp_store_carry(fp_store *from, fp_store *to, const fp_layout *layout, size_t *kept, fp_error *error);

#endif
