/* store.h: the result file: one HDF5 file, written by all ranks at once.
 *
 * Its rules come from measurements (README, "The result file"): every dataset has its final shape before the
 * first unit starts; the file is built under a temporary name, closed, synced and renamed; during a sweep
 * there are only independent raw writes, a record first, then (after the rank's own fsync) its status byte.
 * No filters, no resizing, no attribute writes. Growing is copy and rename.
 *
 * Datasets: see README; arrays of a unit are in results/MODEL/TASK, first axis = the unit's row. */
#ifndef FINEPROBE_STORE_H
#define FINEPROBE_STORE_H

#include "fineprobe/error.h"
#include "fineprobe/record.h"
#include "fineprobe/table.h"
#include <mpi.h>

typedef enum fp_status { FP_WAITING = 0, FP_RUNNING = 1, FP_DONE = 2, FP_FAILED = 3 } fp_status;

/* Everything that is fixed before the first unit starts: the tables with their identity columns. */
typedef struct fp_layout {
    char *grid;       /* the grid file's text */
    char *settings;   /* what decides runs and units, in words, for telling later what changed; may be NULL */
    char *provenance; /* JSON: program and library versions, host, date, how it was built */
    size_t n_models, n_tasks, n_labels, n_data, n_runs, n_checkpoints, n_units, n_groups;
    size_t n_classifiers, n_controls, n_codes, n_memorisations, n_classifier_seeds;
    size_t n_losses; /* updates of all runs */
    fp_model_row *models;
    fp_task_row *tasks;
    fp_label_row *labels;
    fp_data_row *data;
    fp_run_row *runs;
    fp_checkpoint_row *checkpoints;
    fp_unit_row *units;
    fp_classifier_row *classifiers;
    fp_control_row *controls;
    fp_code_row *codes;
    fp_memorisation_row *memorisations;
    fp_classifier_seeds_row *classifier_seeds;
    fp_group *groups;
    int32_t *unit_group; /* [n_units] */
} fp_layout;

void fp_layout_free(fp_layout *layout);
/* Rows of a kind, and how many; they begin with an fp_probe_identity. */
size_t fp_layout_count(const fp_layout *layout, fp_product_kind kind);
fp_probe_identity *fp_layout_identity(const fp_layout *layout, fp_product_kind kind, size_t index);
/* The group with this name; -1: none. */
int32_t fp_layout_group(const fp_layout *layout, const char *name);

/* One row, rewritten every few seconds by rank 0: the sweep's pulse. */
typedef enum fp_ending {
    FP_SWEEP_GOES_ON = 0, /* or was killed */
    FP_SWEEP_ENDED = 1,   /* with every unit done or failed */
    FP_SWEEP_STOPPED = 2  /* early, with everything saved */
} fp_ending;

typedef struct fp_progress_row {
    int64_t incarnation;
    int32_t ranks;
    char host[FP_NAME], job[FP_NAME];
    double started, heartbeat, expected_end; /* seconds since 1970; 0: not known */
    double work_done, work_total; /* seconds of one core: spent on pieces of work; with what is to come */
    int64_t updates;              /* steps of the runs under way, added up */
    int32_t finished;             /* an fp_ending */
} fp_progress_row;
extern const fp_table fp_table_progress;

/* Makes a new file with every unit and checkpoint WAITING. One process alone calls it (no MPI inside). FROM
 * (may be NULL): a file whose finished units and checkpoints with equal digests are carried over, their CRC
 * checked. KEPT (may be NULL): how many units came along. */
int fp_store_create(const char *path, const fp_layout *layout, const char *from, size_t *kept,
                    fp_error *error);

/* The same with the N files FROM, in this order; what several of them have finished is taken from the first.
 */
int fp_store_join(const char *path, const fp_layout *layout, const char *const *from, size_t n, size_t *kept,
                  fp_error *error);

/* PATH, a file of this layout whose structure is so damaged that HDF5 does not read it, made anew with all
 * that is whole in it: a layout has its datasets always in the same places. -1, with PATH as it was, when no
 * unit is. */
int fp_store_salvage(const char *path, const fp_layout *layout, size_t *kept, fp_error *error);

typedef struct fp_store fp_store;

/* For writing, by all ranks of COMM together. They agree on the outcome. */
fp_store *fp_store_open(const char *path, MPI_Comm comm, fp_error *error);
/* For reading, by one process, also while a sweep writes. */
fp_store *fp_store_open_read(const char *path, fp_error *error);
/* The opposite of either; collective after fp_store_open. */
int fp_store_close(fp_store *store, fp_error *error);

/* What became of a file's contents. Records: units and the like. */
typedef struct fp_store_check {
    size_t records, checkpoints;         /* that are marked as done, and were checked */
    size_t bad_records, bad_checkpoints; /* of these; and rows whose status makes no sense */
    size_t damaged;                      /* all that was found */
} fp_store_check;
typedef void fp_store_found(void *context, const char *what);
/* Checks structure, tables that are fixed, and the CRC of all that is done, also while a sweep writes. FOUND
 * (may be NULL) is told each damage in one line. -1: the file cannot be opened at all, for its structure is
 * damaged or it is none of ours. */
int fp_store_verify(const char *path, fp_store_found *found, void *context, fp_store_check *out,
                    fp_error *error);

/* The tables as the file holds them (with results); to be freed with fp_layout_free. */
int fp_store_layout(fp_store *store, fp_layout *out, fp_error *error);
/* The same of a file that may be damaged: nothing in them is sure. */
int fp_store_tables(fp_store *store, fp_layout *out, fp_error *error);

/* Independent writes by one rank: data, fsync, status byte. The CRC is computed here. A record goes into the
 * place its row names (UNIT and ROW; CHECKPOINT); its digest must be the one the file has there. */
int fp_store_write_unit(fp_store *store, const fp_group *group, fp_unit_record *record,
                        const fp_provenance_row *provenance, fp_error *error);
int fp_store_write_checkpoint(fp_store *store, size_t checkpoint, fp_checkpoint_record *record,
                              const fp_provenance_row *provenance, fp_error *error);
/* Running or failed (with the provenance's message); not synced when running. */
int fp_store_mark_unit(fp_store *store, size_t unit, fp_status status, const fp_provenance_row *provenance,
                       fp_error *error);
int fp_store_mark_checkpoint(fp_store *store, size_t checkpoint, fp_status status,
                             const fp_provenance_row *provenance, fp_error *error);
int fp_store_write_derived(fp_store *store, size_t unit, const fp_derived_row *row, const fp_group *group,
                           const double *centroid_movement /* [2, labels] */, fp_error *error);
int fp_store_write_progress(fp_store *store, const fp_progress_row *row, fp_error *error);

/* The same for any kind of record. */
int fp_store_write_record(fp_store *store, fp_product_kind kind, const fp_group *group, void *record,
                          const fp_provenance_row *provenance, fp_error *error);
int fp_store_mark(fp_store *store, fp_product_kind kind, size_t index, fp_status status,
                  const fp_provenance_row *provenance, fp_error *error);
int fp_store_write_classifier_derived(fp_store *store, size_t classifier,
                                      const fp_classifier_derived_row *row, fp_error *error);
int fp_store_write_classifier_seeds(fp_store *store, size_t index, const fp_classifier_seeds_row *row,
                                    fp_error *error);

/* Reads for any kind: a record to be freed with fp_record_free; STATUS and PROVENANCE of all its rows. */
int fp_store_read_record(fp_store *store, fp_product_kind kind, const fp_group *group, size_t index,
                         size_t row, void *out, fp_error *error);
int fp_store_read_record_status(fp_store *store, fp_product_kind kind, unsigned char *status,
                                fp_error *error);
int fp_store_read_record_provenance(fp_store *store, fp_product_kind kind, fp_provenance_row *rows,
                                    fp_error *error);
int fp_store_read_checkpoint_status(fp_store *store, unsigned char *status, fp_provenance_row *rows,
                                    fp_error *error);
int fp_store_read_classifier_derived(fp_store *store, fp_classifier_derived_row *rows, fp_error *error);
int fp_store_read_classifier_seeds(fp_store *store, fp_classifier_seeds_row *rows, fp_error *error);

/* Reads by any process, into the caller's arrays: STATUS [n_units], [n_checkpoints]. A unit's record is to be
 * freed; it is read as it stands: its CRC is checked by fp_unit_record_check, and means something only when
 * the status is FP_DONE. */
int fp_store_read_status(fp_store *store, unsigned char *units, unsigned char *checkpoints, fp_error *error);
int fp_store_read_unit(fp_store *store, const fp_group *group, size_t unit, size_t row, fp_unit_record *out,
                       fp_error *error);
int fp_store_read_provenance(fp_store *store, fp_provenance_row *units, fp_provenance_row *checkpoints,
                             fp_error *error);
int fp_store_read_derived(fp_store *store, fp_derived_row *rows, fp_error *error);
/* OUT: [2, labels] of the unit in ROW of GROUP's arrays. */
int fp_store_read_movement(fp_store *store, const fp_group *group, size_t row, double *out, fp_error *error);
int fp_store_read_losses(fp_store *store, float *losses, fp_error *error);
int fp_store_read_progress(fp_store *store, fp_progress_row *row, fp_error *error);

#endif
