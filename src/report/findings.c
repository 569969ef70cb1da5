#include "report/findings.h"

#include "fineprobe/compare.h"
#include "fineprobe/memory.h"
#include "report/findings_make.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

static int read_again(fp_findings *r, fp_error *error) {
    fp_layout *layout = &r->standing.layout;
    size_t units = layout->n_units, checkpoints = layout->n_checkpoints;
    fp_layout_free(layout);
    *layout = (fp_layout){0};
    r->store = fp_store_open_read(r->path, error);
    if (!r->store || fp_store_layout(r->store, layout, error) < 0)
        return -1;
    if (layout->n_units != units || layout->n_checkpoints != checkpoints)
        return fp_fail(error, "%s was made anew while it was being read: try again", r->path);
    r->derived = fp_alloc(units, sizeof *r->derived, "derived", error);
    r->losses = fp_alloc(layout->n_losses, sizeof *r->losses, "losses", error);
    r->numbers = fp_alloc(units, sizeof *r->numbers, "units", error);
    if (!r->derived || !r->losses || !r->numbers || fp_store_read_derived(r->store, r->derived, error) < 0)
        return -1;
    return fp_store_read_losses(r->store, r->losses, error);
}

static int name_labels(fp_findings *r, fp_error *error) {
    const fp_layout *layout = &r->standing.layout;
    r->labels = fp_alloc(layout->n_tasks, sizeof *r->labels, "labels", error);
    for (size_t t = 0; r->labels && t < layout->n_tasks; t++) {
        size_t n = 0;
        for (size_t i = 0; i < layout->n_labels; i++)
            n += strcmp(layout->labels[i].task, layout->tasks[t].name) == 0;
        r->labels[t] = fp_alloc(n, sizeof **r->labels, "labels", error);
        if (!r->labels[t])
            return -1;
        for (size_t i = 0; i < layout->n_labels; i++) {
            const fp_label_row *row = &layout->labels[i];
            if (strcmp(row->task, layout->tasks[t].name) == 0 && row->index >= 0 && (size_t)row->index < n)
                r->labels[t][row->index] = row->label;
        }
    }
    return r->labels ? 0 : -1;
}

/* ---- units ---- */

int fp_findings_record(const fp_findings *r, size_t unit, fp_unit_record *out, fp_error *error) {
    const fp_layout *layout = &r->standing.layout;
    const fp_group *group = &layout->groups[layout->unit_group[unit]];
    int rc = fp_store_read_unit(r->store, group, unit, (size_t)layout->units[unit].row, out, error);
    if (rc == 0 && fp_unit_record_check(group, out, error) < 0) {
        fp_unit_record_free(out);
        rc = -1;
    }
    return rc < 0 ? fp_error_context(error, "unit %zu", unit) : 0;
}

/* The differences of two units' centroids on the training set, as far as both have the label. */
static double *differences(const fp_group *g, const fp_unit_record *a, const fp_unit_record *b,
                           fp_error *error) {
    double *out = fp_alloc(g->labels * g->width, sizeof *out, "centroids", error);
    for (size_t i = 0; out && i < g->labels * g->width; i++)
        out[i] = (double)a->centroids[i] - (double)b->centroids[i];
    return out;
}

static int compare_centroids(const fp_group *g, const double *difference, int with_directions,
                             fp_numbers *out, fp_error *error) {
    size_t n = g->labels;
    out->movement = fp_alloc(n, sizeof *out->movement, "movements", error);
    out->directions = with_directions ? fp_alloc(n * n, sizeof *out->directions, "directions", error) : NULL;
    if (!out->movement || (with_directions && !out->directions))
        return -1;
    for (size_t a = 0; a < n; a++)
        for (size_t b = with_directions ? 0 : a; b <= a; b++) {
            double sum = 0;
            for (size_t d = 0; d < g->width; d++)
                sum += difference[a * g->width + d] * difference[b * g->width + d];
            if (a == b)
                out->movement[a] = sqrt(sum);
            if (with_directions)
                out->directions[a * n + b] = out->directions[b * n + a] = sum;
        }
    return 0;
}

static int is_linear(const fp_unit_row *row) {
    return strcmp(row->train.state, "linear") == 0;
}

/* Unit UNIT against its original: the sweep's own comparison is written at its end alone. */
static int compare(const fp_findings *r, size_t unit, const fp_unit_record *record, int last, fp_numbers *out,
                   fp_error *error) {
    const fp_group *g = &r->standing.layout.groups[r->standing.layout.unit_group[unit]];
    fp_unit_record original;
    if (fp_findings_record(r, (size_t)out->original, &original, error) < 0)
        return -1;
    if (is_linear(&record->row) && is_linear(&original.row))
        out->similarity = fp_spatial_similarity(record->label_distances, original.label_distances, g->labels);
    double *difference = differences(g, record, &original, error);
    int rc = difference ? compare_centroids(g, difference, last, out, error) : -1;
    free(difference);
    fp_unit_record_free(&original);
    return rc;
}

static int32_t original_of(const fp_findings *r, size_t unit) {
    const fp_layout *layout = &r->standing.layout;
    const fp_unit_row *row = &layout->units[unit];
    for (size_t i = 0; i < layout->n_units && layout->units[i].run < 0; i++)
        if (layout->unit_group[i] == layout->unit_group[unit] && layout->units[i].layer == row->layer)
            return r->standing.probes[FP_UNIT][i] == FP_DONE ? (int32_t)i : -1;
    return -1;
}

static int read_unit(fp_findings *r, size_t unit, fp_error *error) {
    const fp_layout *layout = &r->standing.layout;
    const fp_unit_row *row = &layout->units[unit];
    size_t n = layout->groups[layout->unit_group[unit]].labels;
    fp_numbers *out = &r->numbers[unit];
    *out = (fp_numbers){.original = original_of(r, unit), .similarity = NAN};
    fp_unit_record record;
    if (fp_findings_record(r, unit, &record, error) < 0)
        return -1;
    int rc = 0;
    for (size_t s = 0; s < 2 && rc == 0; s++) {
        out->minimum[s] = fp_alloc(n, sizeof(double), "minimum distances", error);
        if (out->minimum[s])
            memcpy(out->minimum[s], record.minimum_distances + s * n, n * sizeof(double));
        else
            rc = -1;
    }
    if (rc == 0 && out->original >= 0 && row->run >= 0)
        rc = compare(r, unit, &record, row->step == layout->runs[row->run].updates, out, error);
    if (rc == 0)
        out->row = row;
    fp_unit_record_free(&record);
    return rc;
}

/* ---- the whole ---- */

int fp_findings_read(const char *file, double now, fp_findings *out, fp_error *error) {
    *out = (fp_findings){.path = fp_strdup(file, error)};
    /* A sweep may be writing: the status first, then the rows from a file opened afresh, so that what is said
     * to be done is there. */
    int rc = out->path ? fp_standing_read(file, now, &out->standing, error) : -1;
    if (rc == 0 && (read_again(out, error) < 0 || name_labels(out, error) < 0))
        rc = -1;
    for (size_t u = 0; rc == 0 && u < out->standing.layout.n_units; u++)
        if (out->standing.probes[FP_UNIT][u] == FP_DONE)
            rc = read_unit(out, u, error);
    if (rc == 0)
        rc = fp_findings_classifiers(out, error);
    if (rc == 0)
        rc = fp_findings_courses(out, error);
    if (rc < 0)
        fp_findings_free(out);
    return rc;
}

static void free_numbers(fp_findings *r) {
    for (size_t u = 0; r->numbers && u < r->standing.layout.n_units; u++) {
        free(r->numbers[u].minimum[0]);
        free(r->numbers[u].minimum[1]);
        free(r->numbers[u].movement);
        free(r->numbers[u].directions);
    }
    free(r->numbers);
}

void fp_findings_free(fp_findings *r) {
    free_numbers(r);
    for (size_t t = 0; r->labels && t < r->standing.layout.n_tasks; t++)
        free(r->labels[t]);
    free(r->labels);
    fp_courses_free(r->courses, r->n_courses);
    if (r->store)
        fp_store_close(r->store, NULL);
    free(r->derived);
    free(r->compared);
    free(r->accuracies);
    free(r->losses);
    fp_standing_free(&r->standing);
    free(r->path);
    *r = (fp_findings){0};
}
