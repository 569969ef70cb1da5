/* Tables of the probes that train classifiers: their rows, and their arrays with one row an entry. */
#include "report/export.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

int fp_export_probe_rows(fp_exporter *x, fp_csv *csv, fp_product_kind kind) {
    const fp_table *table = fp_record_kinds[kind]->table;
    fp_csv_field_names(csv, table, 0, table->n_fields);
    fp_csv_end_row(csv);
    for (size_t i = 0; i < fp_layout_count(&x->layout, kind); i++)
        if (x->probes[kind][i] == FP_DONE) {
            fp_csv_fields(csv, table, 0, table->n_fields, fp_layout_identity(&x->layout, kind, i));
            fp_csv_end_row(csv);
        }
    return 0;
}

/* The columns that say which probe a row belongs to. */
static void put_identity_names(fp_csv *csv, fp_product_kind kind) {
    const char *const names[] = {
        fp_record_kinds[kind]->name, "model", "finetuned_on", "probed_on", "seed", "step", "layer", NULL};
    fp_csv_names(csv, names);
}

static void put_identity(fp_csv *csv, const fp_probe_identity *id) {
    fp_csv_integer(csv, id->index);
    fp_csv_text(csv, id->model);
    fp_csv_text(csv, id->finetuned_on);
    fp_csv_text(csv, id->probed_on);
    fp_csv_integer(csv, id->seed);
    fp_csv_integer(csv, id->step);
    fp_csv_integer(csv, id->layer);
}

int fp_export_classifier_derived(fp_exporter *x, fp_csv *csv, fp_error *error) {
    const fp_table *table = &fp_table_classifier_derived;
    size_t n = x->layout.n_classifiers;
    fp_classifier_derived_row *rows = fp_alloc(n, sizeof *rows, "derived rows", error);
    int rc = rows ? fp_store_read_classifier_derived(x->store, rows, error) : -1;
    put_identity_names(csv, FP_CLASSIFIER);
    fp_csv_field_names(csv, table, 1, table->n_fields);
    fp_csv_end_row(csv);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (rows[i].original >= 0) {
            put_identity(csv, &x->layout.classifiers[i].id);
            fp_csv_fields(csv, table, 1, table->n_fields, &rows[i]);
            fp_csv_end_row(csv);
        }
    free(rows);
    return rc;
}

int fp_export_classifier_seeds(fp_exporter *x, fp_csv *csv, fp_error *error) {
    const fp_table *table = &fp_table_classifier_seeds;
    (void)error;
    fp_csv_field_names(csv, table, 0, table->n_fields);
    fp_csv_end_row(csv);
    for (size_t i = 0; i < x->layout.n_classifier_seeds; i++)
        if (x->layout.classifier_seeds[i].seeds > 0) {
            fp_csv_fields(csv, table, 0, table->n_fields, &x->layout.classifier_seeds[i]);
            fp_csv_end_row(csv);
        }
    return 0;
}

/* ---- arrays ---- */

/* One column of a table of entries. */
typedef struct fp_axis {
    char name[32];
    size_t length;
} fp_axis;

typedef struct fp_array_view {
    const fp_layout *layout;
    const fp_group *group;
    fp_result result;
    const char *const *labels; /* [group->labels] */
    fp_axis axes[FP_MAX_AXES]; /* without the first, which is the record */
    int n_axes;
    int labelled; /* 1: the values are labels */
} fp_array_view;

static void find_axes(fp_array_view *v) {
    size_t shape[FP_MAX_AXES];
    const char *at = fp_results[v->result].axes;
    v->n_axes = fp_result_shape(v->group, v->result, shape) - 1;
    for (int i = 0; i < v->n_axes; i++) {
        at += strcspn(at, ",") + 1;
        snprintf(v->axes[i].name, sizeof v->axes[i].name, "%.*s", (int)strcspn(at, ","), at);
        v->axes[i].length = shape[i + 1];
    }
}

static int is_axis(const fp_array_view *v, const char *name) {
    for (int i = 0; i < v->n_axes; i++)
        if (strcmp(v->axes[i].name, name) == 0)
            return 1;
    return 0;
}

static void put_label(fp_csv *csv, const fp_array_view *v, int64_t label) {
    fp_csv_text(csv, label >= 0 && (size_t)label < v->group->labels ? v->labels[label] : "");
}

/* Positions on some axes have names. */
static void put_position(fp_csv *csv, const fp_array_view *v, const char *axis, size_t i) {
    static const char *const sets[] = {"subtrain", "subtest", "test"}, *const labellings[] = {"task",
                                                                                              "control"};
    if (strcmp(axis, "label") == 0 || strcmp(axis, "predicted") == 0)
        put_label(csv, v, (int64_t)i);
    else if (strcmp(axis, "set") == 0)
        fp_csv_text(csv, sets[i]);
    else if (strcmp(axis, "labelling") == 0)
        fp_csv_text(csv, labellings[i]);
    else
        fp_csv_integer(csv, (int64_t)i + (strcmp(axis, "epoch") == 0)); /* epochs are counted from 1 */
}

/* Fields of a table but those that an axis names already. */
static void put_fields(fp_csv *csv, const fp_array_view *v, const void *row) {
    const fp_table *table = fp_results[v->result].table;
    for (size_t i = 0; i < table->n_fields; i++) {
        if (is_axis(v, table->fields[i].name))
            continue;
        if (row)
            fp_csv_fields(csv, table, i, i + 1, row);
        else
            fp_csv_field_names(csv, table, i, i + 1);
    }
}

static void put_value(fp_csv *csv, const fp_array_view *v, const void *entries, size_t i) {
    const fp_array *array = &fp_results[v->result];
    if (array->element == FP_ELEMENT_ROW)
        put_fields(csv, v, (const char *)entries + i * array->table->row_size);
    else if (array->element == FP_ELEMENT_F64)
        fp_csv_real(csv, ((const double *)entries)[i]);
    else if (v->labelled)
        put_label(csv, v, ((const int32_t *)entries)[i]);
    else
        fp_csv_integer(csv, ((const int32_t *)entries)[i]);
}

/* Nothing happened there: a pair of labels that was never taken for each other, an epoch that was not
 * trained. */
static int is_void(const fp_array_view *v, const void *entries, size_t i) {
    if (v->result == FP_CONFUSION)
        return ((const int32_t *)entries)[i] == 0;
    return fp_results[v->result].element == FP_ELEMENT_F64 && isnan(((const double *)entries)[i]);
}

static void put_entries(fp_csv *csv, const fp_array_view *v, const fp_probe_identity *id,
                        const void *entries) {
    size_t n = fp_result_entries(v->group, v->result);
    for (size_t i = 0; i < n; i++) {
        if (is_void(v, entries, i))
            continue;
        size_t rest = n, left = i;
        put_identity(csv, id);
        for (int a = 0; a < v->n_axes; a++) {
            rest /= v->axes[a].length;
            put_position(csv, v, v->axes[a].name, left / rest);
            left %= rest;
        }
        put_value(csv, v, entries, i);
        fp_csv_end_row(csv);
    }
}

static const struct {
    fp_result result;
    fp_product_kind kind;
    const char *value; /* the column of a plain number */
    int labelled;      /* which is a label */
} arrays[] = {
    {FP_CANDIDATES, FP_CLASSIFIER, NULL, 0},
    {FP_INITIALISATIONS, FP_CLASSIFIER, NULL, 0},
    {FP_LABEL_SCORES, FP_CLASSIFIER, NULL, 0},
    {FP_CONFUSION, FP_CLASSIFIER, "count", 0},
    {FP_PREDICTIONS, FP_CLASSIFIER, "predicted", 1},
    {FP_TEST_LABELS, FP_CLASSIFIER, "label", 1},
    {FP_CONTROL_ACCURACIES, FP_CONTROL, "accuracy", 0},
    {FP_PORTION_ROWS, FP_CODE, NULL, 0},
    {FP_CURVES, FP_MEMORISATION, "accuracy", 0},
    {FP_CURVE_LOSSES, FP_MEMORISATION, "loss", 0},
};

static int put_record(fp_exporter *x, fp_csv *csv, fp_array_view *v, fp_product_kind kind, size_t i,
                      fp_error *error) {
    union {
        fp_classifier_record classifier;
        fp_control_record control;
        fp_code_record code;
        fp_memorisation_record memorisation;
    } record;
    const fp_probe_identity *id = fp_layout_identity(&x->layout, kind, i);
    if (fp_store_read_record(x->store, kind, v->group, i, (size_t)id->row, &record, error) < 0)
        return -1;
    int rc = fp_record_check(fp_record_kinds[kind], v->group, &record, error);
    if (rc == 0)
        put_entries(csv, v, id, fp_record_array(&record, v->result));
    fp_record_free(fp_record_kinds[kind], &record);
    return rc;
}

static void put_header(fp_csv *csv, const fp_array_view *v, fp_product_kind kind, const char *value) {
    put_identity_names(csv, kind);
    for (int i = 0; i < v->n_axes; i++)
        fp_csv_text(csv, v->axes[i].name);
    if (value)
        fp_csv_text(csv, value);
    else
        put_fields(csv, v, NULL);
    fp_csv_end_row(csv);
}

/* The labels of GROUP's task by index, in memory that is used again. */
static int name_labels(const fp_exporter *x, const fp_group *group, const char ***names, size_t *capacity,
                       fp_error *error) {
    const fp_layout *l = &x->layout;
    if (fp_grow((void **)names, capacity, group->labels, sizeof **names, error) < 0)
        return -1;
    for (size_t i = 0; i < group->labels; i++)
        (*names)[i] = "";
    for (size_t i = 0; i < l->n_labels; i++)
        if (l->labels[i].index >= 0 && (size_t)l->labels[i].index < group->labels &&
            strcmp(l->labels[i].task, l->tasks[group->task].name) == 0)
            (*names)[l->labels[i].index] = l->labels[i].label;
    return 0;
}

int fp_export_probe_array(fp_exporter *x, fp_csv *csv, fp_result result, fp_error *error) {
    size_t which = 0, capacity = 0;
    while (arrays[which].result != result)
        which++;
    fp_product_kind kind = arrays[which].kind;
    const fp_group none = {0};
    const char **labels = NULL;
    fp_array_view v = {&x->layout, &none, result, NULL, {{{0}, 0}}, 0, arrays[which].labelled};
    int rc = 0;
    find_axes(&v);
    put_header(csv, &v, kind, arrays[which].value);
    for (size_t i = 0; rc == 0 && i < fp_layout_count(&x->layout, kind); i++) {
        if (x->probes[kind][i] != FP_DONE)
            continue;
        int32_t group = fp_layout_group(&x->layout, fp_layout_identity(&x->layout, kind, i)->results);
        const fp_group *now = &x->layout.groups[group];
        if (now != v.group) {
            v.group = now;
            find_axes(&v);
            rc = name_labels(x, now, &labels, &capacity, error);
            v.labels = labels;
        }
        if (rc == 0)
            rc = put_record(x, csv, &v, kind, i, error);
    }
    free((void *)labels);
    return rc;
}
