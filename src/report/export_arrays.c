/* Tables from the arrays of units: each unit is read once, and goes into all of them. */
#include "fineprobe/memory.h"
#include "report/export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const splits[2] = {"train", "test"};

/* One finished unit in memory. */
typedef struct fp_unit_view {
    const fp_unit_row *unit;
    const fp_group *group;
    const char *const *labels; /* names, [group->labels] */
    const fp_unit_record *record;
    const double *movement; /* [2, labels]; NULL: not compared with its original */
} fp_unit_view;

static void begin_row(fp_csv *csv, const fp_unit_view *view, int split) {
    fp_export_unit(csv, view->unit);
    fp_csv_text(csv, splits[split]);
}

/* ---- one function a table ---- */

static void put_label_distances(fp_csv *csv, const fp_unit_view *v) {
    size_t n = v->group->labels;
    for (int s = 0; s < 2; s++)
        for (size_t a = 0; a < n; a++)
            for (size_t b = a + 1; b < n; b++) {
                begin_row(csv, v, s);
                fp_csv_text(csv, v->labels[a]);
                fp_csv_text(csv, v->labels[b]);
                fp_csv_real(csv, v->record->label_distances[((size_t)s * n + a) * n + b]);
                fp_csv_end_row(csv);
            }
}

/* A number for every label: NUMBERS [2, labels]. */
static void put_per_label(fp_csv *csv, const fp_unit_view *v, const double *numbers) {
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < v->group->labels; i++) {
            begin_row(csv, v, s);
            fp_csv_text(csv, v->labels[i]);
            fp_csv_real(csv, numbers[(size_t)s * v->group->labels + i]);
            fp_csv_end_row(csv);
        }
}

static void put_minimum_distances(fp_csv *csv, const fp_unit_view *v) {
    put_per_label(csv, v, v->record->minimum_distances);
}

static void put_movements(fp_csv *csv, const fp_unit_view *v) {
    if (v->movement)
        put_per_label(csv, v, v->movement);
}

static void put_clusters(fp_csv *csv, const fp_unit_view *v) {
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < v->group->clusters; i++) {
            const fp_cluster_row *row = &v->record->clusters[(size_t)s * v->group->clusters + i];
            if (row->size <= 0)
                continue;
            int named = row->label >= 0 && (size_t)row->label < v->group->labels;
            begin_row(csv, v, s);
            fp_csv_integer(csv, row->cluster);
            fp_csv_text(csv, named ? v->labels[row->label] : "");
            fp_csv_integer(csv, row->size);
            fp_csv_real(csv, row->mean_distance);
            fp_csv_real(csv, row->largest_distance);
            fp_csv_end_row(csv);
        }
}

/* One row for every point of a certificate. */
static void put_certificates(fp_csv *csv, const fp_unit_view *v) {
    size_t places = v->group->certificates, room = v->group->support;
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < places; i++) {
            const fp_certificate_row *row = &v->record->certificates[(size_t)s * places + i];
            for (int32_t k = 0; k < row->n_support; k++) {
                size_t at = (size_t)row->begin + (size_t)k;
                if (row->begin < 0 || at >= room)
                    break;
                fp_csv_integer(csv, v->unit->unit);
                fp_csv_text(csv, splits[s]);
                fp_csv_integer(csv, row->first);
                fp_csv_integer(csv, row->second);
                fp_csv_integer(csv, row->third);
                fp_csv_real(csv, row->distance);
                fp_csv_integer(csv, k < row->n_first ? 1 : 2);
                fp_csv_integer(csv, v->record->support_points[(size_t)s * room + at]);
                fp_csv_real(csv, v->record->support_weights[(size_t)s * room + at]);
                fp_csv_end_row(csv);
            }
        }
}

static void put_points(fp_csv *csv, const fp_unit_view *v) {
    size_t train = v->group->train_instances, all = train + v->group->test_instances;
    for (size_t i = 0; i < all; i++) {
        int s = i >= train;
        fp_csv_integer(csv, v->unit->unit);
        fp_csv_text(csv, splits[s]);
        fp_csv_integer(csv, (int64_t)(s ? i - train : i));
        fp_csv_integer(csv, v->record->cluster_of[i]);
        fp_csv_end_row(csv);
    }
}

/* Labels without instances have no centroid, and no row. */
static void put_centroids(fp_csv *csv, const fp_unit_view *v) {
    size_t n = v->group->labels, width = v->group->width;
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < n; i++) {
            const float *centroid = v->record->centroids + ((size_t)s * n + i) * width;
            for (size_t d = 0; d < width && !isnan(centroid[0]); d++) {
                begin_row(csv, v, s);
                fp_csv_text(csv, v->labels[i]);
                fp_csv_integer(csv, (int64_t)d);
                fp_csv_float(csv, centroid[d]);
                fp_csv_end_row(csv);
            }
        }
}

enum { MAX_COLUMNS = 10 };

static const struct {
    const char *name;
    int identified; /* 1: the unit's columns come first; 0: its number alone */
    const char *columns[MAX_COLUMNS];
    void (*put)(fp_csv *csv, const fp_unit_view *view);
} tables[] = {
    {"label_distances", 1, {"split", "label_a", "label_b", "distance"}, put_label_distances},
    {"minimum_distances", 1, {"split", "label", "distance"}, put_minimum_distances},
    {"clusters", 1, {"split", "cluster", "label", "size", "mean_distance", "largest_distance"}, put_clusters},
    {"certificates",
     0,
     {"unit", "split", "first", "second", "third", "distance", "side", "instance", "weight"},
     put_certificates},
    {"points", 0, {"unit", "split", "instance", "cluster"}, put_points},
    {"centroids", 1, {"split", "label", "dimension", "value"}, put_centroids},
    {"movements", 1, {"split", "label", "movement"}, put_movements},
};
enum { N_TABLES = sizeof tables / sizeof *tables };

/* ---- all of them in one pass ---- */

typedef struct fp_array_export {
    fp_exporter *exporter;
    fp_csv *csv[N_TABLES]; /* NULL: not wanted */
    const char **names;    /* of the labels of the unit's task */
    size_t capacity;       /* of NAMES */
    int32_t group;         /* whose record is allocated; -1: none */
    double *movement;
} fp_array_export;

static int open_tables(fp_array_export *x, fp_error *error) {
    for (int t = 0; t < N_TABLES; t++) {
        if (!fp_export_wanted(x->exporter, tables[t].name))
            continue;
        fp_csv *csv = x->csv[t] = fp_csv_create(x->exporter->folder, tables[t].name, error);
        if (!csv)
            return -1;
        if (tables[t].identified)
            fp_export_unit_names(csv);
        fp_csv_names(csv, tables[t].columns);
        fp_csv_end_row(csv);
    }
    return 0;
}

static int close_tables(fp_array_export *x, fp_error *error) {
    for (int t = 0; t < N_TABLES; t++) {
        uint64_t bytes;
        fp_csv *csv = x->csv[t];
        if (!csv)
            continue;
        x->csv[t] = NULL;
        if (fp_csv_close(csv, &bytes, error) < 0)
            return -1;
        x->exporter->counts.files++;
        x->exporter->counts.bytes += bytes;
    }
    return 0;
}

static void name_labels(fp_array_export *x, const fp_group *group) {
    const fp_layout *layout = &x->exporter->layout;
    const char *task = layout->tasks[group->task].name;
    for (size_t i = 0; i < group->labels; i++)
        x->names[i] = "";
    for (size_t i = 0; i < layout->n_labels; i++) {
        const fp_label_row *row = &layout->labels[i];
        if (row->index >= 0 && (size_t)row->index < group->labels && strcmp(row->task, task) == 0)
            x->names[row->index] = row->label;
    }
}

/* Room for the labels of group G, and their names; kept while units of that group follow. */
static int enter_group(fp_array_export *x, int32_t g, fp_error *error) {
    const fp_group *group = &x->exporter->layout.groups[g];
    if (x->group == g)
        return 0;
    free(x->movement);
    x->group = -1;
    if (!(x->movement = fp_alloc(2 * group->labels, sizeof *x->movement, "movements", error)) ||
        fp_grow((void **)&x->names, &x->capacity, group->labels, sizeof *x->names, error) < 0)
        return -1;
    name_labels(x, group);
    x->group = g;
    return 0;
}

static int read_unit(fp_array_export *x, size_t unit, fp_unit_record *record, int derived, fp_error *error) {
    const fp_exporter *from = x->exporter;
    const fp_group *group = &from->layout.groups[x->group];
    size_t row = (size_t)from->layout.units[unit].row;
    if (fp_store_read_unit(from->store, group, unit, row, record, error) < 0 ||
        fp_unit_record_check(group, record, error) < 0 ||
        (derived && fp_store_read_movement(from->store, group, row, x->movement, error) < 0))
        return fp_error_context(error, "unit %zu", unit);
    return 0;
}

static int export_unit(fp_array_export *x, size_t unit, fp_error *error) {
    const fp_exporter *from = x->exporter;
    if (enter_group(x, from->layout.unit_group[unit], error) < 0)
        return -1;
    fp_unit_record record = {0};
    int derived = from->derived[unit].original >= 0;
    int rc = read_unit(x, unit, &record, derived, error);
    fp_unit_view view = {&from->layout.units[unit], &from->layout.groups[x->group], x->names, &record,
                         derived ? x->movement : NULL};
    for (int t = 0; rc == 0 && t < N_TABLES; t++)
        if (x->csv[t]) {
            tables[t].put(x->csv[t], &view);
            if (fp_csv_failed(x->csv[t]))
                rc = close_tables(x, error);
        }
    fp_unit_record_free(&record);
    return rc;
}

static int export_units(fp_array_export *x, fp_error *error) {
    const fp_exporter *from = x->exporter;
    size_t n = from->layout.n_units;
    for (size_t u = 0; u < n; u++) {
        if (from->units[u] == FP_DONE && export_unit(x, u, error) < 0)
            return -1;
        if (from->options->progress)
            from->options->progress(from->options->context, (double)(u + 1) / (double)n);
    }
    return 0;
}

int fp_export_arrays(fp_exporter *exporter, fp_error *error) {
    fp_array_export x = {.exporter = exporter, .group = -1};
    int any = 0;
    int rc = open_tables(&x, error);
    for (int t = 0; t < N_TABLES; t++)
        any |= x.csv[t] != NULL;
    if (rc == 0 && any)
        rc = export_units(&x, error);
    if (rc == 0)
        rc = close_tables(&x, error);
    for (int t = 0; t < N_TABLES; t++)
        fp_csv_abandon(x.csv[t]);
    free(x.movement);
    free(x.names);
    return rc;
}
