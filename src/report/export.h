/* export.h: a result file as flat tables: comma-separated values, one row an observation. */
#ifndef FINEPROBE_SRC_EXPORT_H
#define FINEPROBE_SRC_EXPORT_H

#include "fineprobe/store.h"
#include "report/csv.h"

/* The tables by name, ended by NULL; each becomes NAME.csv. */
extern const char *const fp_export_tables[];

typedef struct fp_export_options {
    char *const *only; /* tables wanted */
    size_t n_only;     /* 0: all */
    /* told the share done; may be NULL */
    void (*progress)(void *context, double share);
    void *context;
} fp_export_options;

typedef struct fp_export_counts {
    size_t files, units, units_done;
    uint64_t bytes;
} fp_export_counts;

/* Writes the tables of the result file FILE, also while a sweep writes it, into FOLDER, which is made when it
 * is missing. Only finished units and checkpoints are taken. Each file appears whole or not at all. */
int fp_export(const char *file, const char *folder, const fp_export_options *options, fp_export_counts *out,
              fp_error *error);

/* An export under way. */
typedef struct fp_exporter {
    const char *folder;
    const fp_export_options *options;
    fp_store *store;
    fp_layout layout;
    unsigned char *units, *checkpoints;   /* fp_status */
    unsigned char *probes[FP_N_PRODUCTS]; /* fp_status of those that train classifiers */
    fp_derived_row *derived;              /* [n_units] */
    fp_export_counts counts;
} fp_exporter;

int fp_export_wanted(const fp_exporter *exporter, const char *table);

/* The tables that come from the arrays of units; all of them in one pass. */
int fp_export_arrays(fp_exporter *exporter, fp_error *error);

/* Tables of the probes that train classifiers: rows of KIND, what compares classifiers, entries of an array.
 */
int fp_export_probe_rows(fp_exporter *exporter, fp_csv *csv, fp_product_kind kind);
int fp_export_classifier_derived(fp_exporter *exporter, fp_csv *csv, fp_error *error);
int fp_export_classifier_seeds(fp_exporter *exporter, fp_csv *csv, fp_error *error);
int fp_export_probe_array(fp_exporter *exporter, fp_csv *csv, fp_result result, fp_error *error);

/* The columns that say which unit a row belongs to. */
void fp_export_unit_names(fp_csv *csv);
void fp_export_unit(fp_csv *csv, const fp_unit_row *unit);

#endif
