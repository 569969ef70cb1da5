#include "report/export.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const states[] = {"waiting", "running", "done", "failed"};

/* ---- columns ---- */

void fp_export_unit_names(fp_csv *csv) {
    static const char *const names[] = {"unit", "model", "finetuned_on", "probed_on",
                                        "seed", "step",  "layer",        NULL};
    fp_csv_names(csv, names);
}

void fp_export_unit(fp_csv *csv, const fp_unit_row *unit) {
    fp_csv_integer(csv, unit->unit);
    fp_csv_text(csv, unit->model);
    fp_csv_text(csv, unit->finetuned_on);
    fp_csv_text(csv, unit->probed_on);
    fp_csv_integer(csv, unit->seed);
    fp_csv_integer(csv, unit->step);
    fp_csv_integer(csv, unit->layer);
}

/* COUNT rows of TABLE; INDEX, if any, heads a column with their numbers; STATUS, if any, tells which are
 * done, and only those are written. */
static void put_table(fp_csv *csv, const fp_table *table, const void *rows, size_t count, const char *index,
                      const unsigned char *status) {
    if (index)
        fp_csv_text(csv, index);
    fp_csv_field_names(csv, table, 0, table->n_fields);
    fp_csv_end_row(csv);
    for (size_t i = 0; i < count; i++) {
        if (status && status[i] != FP_DONE)
            continue;
        if (index)
            fp_csv_integer(csv, (int64_t)i);
        fp_csv_fields(csv, table, 0, table->n_fields, (const char *)rows + i * table->row_size);
        fp_csv_end_row(csv);
    }
}

/* ---- tables ---- */

static int put_models(fp_exporter *x, fp_csv *csv, fp_error *error) {
    (void)error;
    put_table(csv, &fp_table_models, x->layout.models, x->layout.n_models, NULL, NULL);
    return 0;
}

static int put_tasks(fp_exporter *x, fp_csv *csv, fp_error *error) {
    (void)error;
    put_table(csv, &fp_table_tasks, x->layout.tasks, x->layout.n_tasks, NULL, NULL);
    return 0;
}

static int put_labels(fp_exporter *x, fp_csv *csv, fp_error *error) {
    (void)error;
    put_table(csv, &fp_table_labels, x->layout.labels, x->layout.n_labels, NULL, NULL);
    return 0;
}

static int put_data(fp_exporter *x, fp_csv *csv, fp_error *error) {
    (void)error;
    put_table(csv, &fp_table_data, x->layout.data, x->layout.n_data, NULL, NULL);
    return 0;
}

static int put_runs(fp_exporter *x, fp_csv *csv, fp_error *error) {
    (void)error;
    put_table(csv, &fp_table_runs, x->layout.runs, x->layout.n_runs, "run", NULL);
    return 0;
}

/* The originals are always there. */
static int put_checkpoints(fp_exporter *x, fp_csv *csv, fp_error *error) {
    unsigned char *done = fp_alloc(x->layout.n_checkpoints, 1, "checkpoints", error);
    if (!done)
        return -1;
    for (size_t i = 0; i < x->layout.n_checkpoints; i++)
        done[i] = x->layout.checkpoints[i].run < 0 ? FP_DONE : x->checkpoints[i];
    put_table(csv, &fp_table_checkpoints, x->layout.checkpoints, x->layout.n_checkpoints, "checkpoint", done);
    free(done);
    return 0;
}

static int put_units(fp_exporter *x, fp_csv *csv, fp_error *error) {
    (void)error;
    put_table(csv, &fp_table_units, x->layout.units, x->layout.n_units, NULL, x->units);
    return 0;
}

/* Whether a unit has been compared with its original. */
static int is_derived(const fp_exporter *x, size_t unit) {
    return x->units[unit] == FP_DONE && x->derived[unit].original >= 0;
}

static int put_derived(fp_exporter *x, fp_csv *csv, fp_error *error) {
    (void)error;
    fp_export_unit_names(csv);
    fp_csv_field_names(csv, &fp_table_derived, 1, fp_table_derived.n_fields);
    fp_csv_end_row(csv);
    for (size_t i = 0; i < x->layout.n_units; i++)
        if (is_derived(x, i)) {
            fp_export_unit(csv, &x->layout.units[i]);
            fp_csv_fields(csv, &fp_table_derived, 1, fp_table_derived.n_fields, &x->derived[i]);
            fp_csv_end_row(csv);
        }
    return 0;
}

/* Failures, too: their message is here. */
static void put_provenance(fp_csv *csv, const char *index, const fp_provenance_row *rows,
                           const unsigned char *status, size_t count) {
    const char *const names[] = {index, "status", NULL};
    fp_csv_names(csv, names);
    fp_csv_field_names(csv, &fp_table_provenance, 0, fp_table_provenance.n_fields);
    fp_csv_end_row(csv);
    for (size_t i = 0; i < count; i++) {
        if (status[i] != FP_DONE && status[i] != FP_FAILED)
            continue;
        fp_csv_integer(csv, (int64_t)i);
        fp_csv_text(csv, states[status[i]]);
        fp_csv_fields(csv, &fp_table_provenance, 0, fp_table_provenance.n_fields, &rows[i]);
        fp_csv_end_row(csv);
    }
}

static int put_probe_provenance(fp_exporter *x, fp_csv *csv, fp_product_kind kind,
                                const unsigned char *status, fp_error *error) {
    size_t n = fp_layout_count(&x->layout, kind);
    fp_provenance_row *rows = fp_alloc(n, sizeof *rows, "provenance", error);
    int rc = rows ? fp_store_read_record_provenance(x->store, kind, rows, error) : -1;
    if (rc == 0)
        put_provenance(csv, fp_record_kinds[kind]->name, rows, status, n);
    free(rows);
    return rc;
}

static int put_unit_provenance(fp_exporter *x, fp_csv *csv, fp_error *error) {
    return put_probe_provenance(x, csv, FP_UNIT, x->units, error);
}

static int put_checkpoint_provenance(fp_exporter *x, fp_csv *csv, fp_error *error) {
    size_t n = x->layout.n_checkpoints;
    unsigned char *status = fp_alloc(n, 1, "status", error); /* read anew, and not used */
    fp_provenance_row *rows = fp_alloc(n, sizeof *rows, "provenance", error);
    int rc = status && rows ? fp_store_read_checkpoint_status(x->store, status, rows, error) : -1;
    if (rc == 0)
        put_provenance(csv, "checkpoint", rows, x->checkpoints, n);
    free(status);
    free(rows);
    return rc;
}

#define PROBE(kind, plural)                                                                                  \
    static int put_##plural(fp_exporter *x, fp_csv *csv, fp_error *error) {                                  \
        (void)error;                                                                                         \
        return fp_export_probe_rows(x, csv, kind);                                                           \
    }                                                                                                        \
    static int put_##plural##_provenance(fp_exporter *x, fp_csv *csv, fp_error *error) {                     \
        return put_probe_provenance(x, csv, kind, x->probes[kind], error);                                   \
    }
PROBE(FP_CLASSIFIER, classifiers)
PROBE(FP_CONTROL, controls)
PROBE(FP_CODE, codes)
PROBE(FP_MEMORISATION, memorisations)

#define ARRAY(result, name)                                                                                  \
    static int put_##name(fp_exporter *x, fp_csv *csv, fp_error *error) {                                    \
        return fp_export_probe_array(x, csv, result, error);                                                 \
    }
ARRAY(FP_CANDIDATES, candidates)
ARRAY(FP_INITIALISATIONS, initialisations)
ARRAY(FP_LABEL_SCORES, label_scores)
ARRAY(FP_CONFUSION, confusion)
ARRAY(FP_PREDICTIONS, predictions)
ARRAY(FP_TEST_LABELS, test_labels)
ARRAY(FP_CONTROL_ACCURACIES, control_accuracies)
ARRAY(FP_PORTION_ROWS, portions)
ARRAY(FP_CURVES, curves)
ARRAY(FP_CURVE_LOSSES, curve_losses)

static int put_losses(fp_exporter *x, fp_csv *csv, fp_error *error) {
    static const char *const names[] = {"run", "model", "task", "seed", "update", "loss", NULL};
    float *losses = fp_alloc(x->layout.n_losses, sizeof *losses, "losses", error);
    int rc = losses ? fp_store_read_losses(x->store, losses, error) : -1;
    fp_csv_names(csv, names);
    fp_csv_end_row(csv);
    for (size_t r = 0; rc == 0 && r < x->layout.n_runs; r++) {
        const fp_run_row *run = &x->layout.runs[r];
        for (int32_t u = 0; u < run->updates; u++) {
            float loss = losses[run->losses_at + u];
            if (isnan(loss))
                continue;
            fp_csv_integer(csv, (int64_t)r);
            fp_csv_text(csv, run->model);
            fp_csv_text(csv, run->task);
            fp_csv_integer(csv, run->seed);
            fp_csv_integer(csv, u);
            fp_csv_float(csv, loss);
            fp_csv_end_row(csv);
        }
    }
    free(losses);
    return rc;
}

static const struct {
    const char *name;
    int (*put)(fp_exporter *exporter, fp_csv *csv, fp_error *error);
} flat_tables[] = {
    {"models", put_models},
    {"tasks", put_tasks},
    {"labels", put_labels},
    {"data", put_data},
    {"runs", put_runs},
    {"checkpoints", put_checkpoints},
    {"units", put_units},
    {"derived", put_derived},
    {"losses", put_losses},
    {"unit_provenance", put_unit_provenance},
    {"checkpoint_provenance", put_checkpoint_provenance},
    {"classifiers", put_classifiers},
    {"controls", put_controls},
    {"codes", put_codes},
    {"memorisations", put_memorisations},
    {"classifier_derived", fp_export_classifier_derived},
    {"classifier_seeds", fp_export_classifier_seeds},
    {"candidates", put_candidates},
    {"initialisations", put_initialisations},
    {"label_scores", put_label_scores},
    {"confusion", put_confusion},
    {"predictions", put_predictions},
    {"test_labels", put_test_labels},
    {"control_accuracies", put_control_accuracies},
    {"portions", put_portions},
    {"curves", put_curves},
    {"curve_losses", put_curve_losses},
    {"classifier_provenance", put_classifiers_provenance},
    {"control_provenance", put_controls_provenance},
    {"code_provenance", put_codes_provenance},
    {"memorisation_provenance", put_memorisations_provenance},
};

const char *const fp_export_tables[] = {"models",
                                        "tasks",
                                        "labels",
                                        "data",
                                        "runs",
                                        "checkpoints",
                                        "units",
                                        "derived",
                                        "losses",
                                        "label_distances",
                                        "minimum_distances",
                                        "clusters",
                                        "certificates",
                                        "points",
                                        "centroids",
                                        "movements",
                                        "unit_provenance",
                                        "checkpoint_provenance",
                                        "classifiers",
                                        "controls",
                                        "codes",
                                        "memorisations",
                                        "classifier_derived",
                                        "classifier_seeds",
                                        "candidates",
                                        "initialisations",
                                        "label_scores",
                                        "confusion",
                                        "predictions",
                                        "test_labels",
                                        "control_accuracies",
                                        "portions",
                                        "curves",
                                        "curve_losses",
                                        "classifier_provenance",
                                        "control_provenance",
                                        "code_provenance",
                                        "memorisation_provenance",
                                        NULL};

/* ---- the whole ---- */

int fp_export_wanted(const fp_exporter *x, const char *table) {
    for (size_t i = 0; i < x->options->n_only; i++)
        if (strcmp(x->options->only[i], table) == 0)
            return 1;
    return x->options->n_only == 0;
}

static int write_flat_tables(fp_exporter *x, fp_error *error) {
    for (size_t i = 0; i < sizeof flat_tables / sizeof *flat_tables; i++) {
        if (!fp_export_wanted(x, flat_tables[i].name))
            continue;
        uint64_t bytes;
        fp_csv *csv = fp_csv_create(x->folder, flat_tables[i].name, error);
        if (!csv)
            return -1;
        if (flat_tables[i].put(x, csv, error) < 0) {
            fp_csv_abandon(csv);
            return -1;
        }
        if (fp_csv_close(csv, &bytes, error) < 0)
            return -1;
        x->counts.files++;
        x->counts.bytes += bytes;
    }
    return 0;
}

static int read_status(fp_exporter *x, fp_error *error) {
    x->units = fp_alloc(x->layout.n_units, 1, "status", error);
    x->checkpoints = fp_alloc(x->layout.n_checkpoints, 1, "status", error);
    if (!x->units || !x->checkpoints || fp_store_read_status(x->store, x->units, x->checkpoints, error) < 0)
        return -1;
    for (fp_product_kind kind = FP_CLASSIFIER; kind < FP_N_PRODUCTS; kind++)
        if (!(x->probes[kind] = fp_alloc(fp_layout_count(&x->layout, kind), 1, "status", error)) ||
            fp_store_read_record_status(x->store, kind, x->probes[kind], error) < 0)
            return -1;
    return 0;
}

static int close_file(fp_exporter *x, fp_error *error) {
    fp_layout_free(&x->layout);
    memset(&x->layout, 0, sizeof x->layout);
    int rc = x->store ? fp_store_close(x->store, error) : 0;
    x->store = NULL;
    return rc;
}

static int open_file(fp_exporter *x, const char *file, fp_error *error) {
    x->store = fp_store_open_read(file, error);
    return x->store ? fp_store_layout(x->store, &x->layout, error) : -1;
}

/* A sweep may be writing: the status is read first, and the rows from a file opened afresh, so that what is
 * said to be done is there. */
static int read_tables(fp_exporter *x, const char *file, fp_error *error) {
    if (open_file(x, file, error) < 0 || read_status(x, error) < 0)
        return -1;
    size_t units = x->layout.n_units, checkpoints = x->layout.n_checkpoints, probes[FP_N_PRODUCTS];
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        probes[kind] = fp_layout_count(&x->layout, kind);
    if (close_file(x, error) < 0 || open_file(x, file, error) < 0)
        return -1;
    int same = x->layout.n_checkpoints == checkpoints;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        same &= probes[kind] == fp_layout_count(&x->layout, kind);
    if (!same)
        return fp_fail(error, "%s was made over just now; try again", file);
    x->derived = fp_alloc(units, sizeof *x->derived, "derived rows", error);
    return x->derived ? fp_store_read_derived(x->store, x->derived, error) : -1;
}

int fp_export(const char *file, const char *folder, const fp_export_options *options, fp_export_counts *out,
              fp_error *error) {
    fp_exporter x = {.folder = folder, .options = options};
    int rc = read_tables(&x, file, error);
    if (rc == 0)
        rc = fp_folder_create(folder, error);
    if (rc == 0)
        rc = write_flat_tables(&x, error);
    if (rc == 0)
        rc = fp_export_arrays(&x, error);
    for (fp_product_kind kind = 0; rc == 0 && kind < FP_N_PRODUCTS; kind++) {
        size_t n = fp_layout_count(&x.layout, kind);
        const unsigned char *status = kind == FP_UNIT ? x.units : x.probes[kind];
        x.counts.units += n;
        for (size_t i = 0; i < n; i++)
            x.counts.units_done += status[i] == FP_DONE;
    }
    *out = x.counts;
    if (close_file(&x, rc == 0 ? error : NULL) < 0)
        rc = -1;
    free(x.units);
    free(x.checkpoints);
    free(x.derived);
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        free(x.probes[kind]);
    return rc;
}
