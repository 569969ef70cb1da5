#include "report/projection.h"

#include "fineprobe/compare.h"
#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>

size_t fp_first_layer(const fp_course *c) {
    return c->n_layers > 1 && c->layers[0] == 0 ? 1 : 0;
}

/* Row LABEL of the unit's centroids into OUT [width]. */
static void copy_centroid(const fp_unit_record *record, size_t label, size_t width, double *out) {
    for (size_t d = 0; d < width; d++)
        out[d] = record->centroids[label * width + d];
}

/* ROWS [n, width] on their first two components. */
static int project(const double *rows, size_t n, size_t width, double *out, double share[2],
                   fp_error *error) {
    double total = 0, variance[2], count = 0;
    if (fp_principal_components(rows, n, width, 2, out, variance, error) < 0)
        return -1;
    for (size_t d = 0; d < width; d++) {
        double sum = 0, squares = 0;
        count = 0;
        for (size_t i = 0; i < n; i++)
            if (!isnan(rows[i * width])) {
                sum += rows[i * width + d];
                count++;
            }
        for (size_t i = 0; i < n; i++)
            if (!isnan(rows[i * width]))
                squares += (rows[i * width + d] - sum / count) * (rows[i * width + d] - sum / count);
        total += count > 1 ? squares / (count - 1) : 0;
    }
    share[0] = total > 0 ? variance[0] / total : NAN;
    share[1] = total > 0 ? variance[1] / total : NAN;
    return 0;
}

int fp_project_paths(const fp_findings *r, const fp_course *c, size_t layer, const size_t *labels, size_t n,
                     double *out, double share[2], fp_error *error) {
    size_t width = c->group->width;
    double *rows = fp_alloc(n * c->n_steps * width, sizeof *rows, "centroids", error);
    int rc = rows ? 0 : -1;
    for (size_t s = 0; rc == 0 && s < c->n_steps; s++) {
        const fp_numbers *u = fp_course_at(r, c, 0, s, layer);
        fp_unit_record record = {0};
        if (u && fp_findings_record(r, (size_t)u->row->unit, &record, error) < 0)
            rc = -1;
        for (size_t i = 0; rc == 0 && i < n; i++) {
            double *row = rows + (i * c->n_steps + s) * width;
            if (u)
                copy_centroid(&record, labels[i], width, row);
            else
                for (size_t d = 0; d < width; d++)
                    row[d] = NAN;
        }
        fp_unit_record_free(&record);
    }
    if (rc == 0)
        rc = project(rows, n * c->n_steps, width, out, share, error);
    free(rows);
    return rc;
}

int fp_project_directions(const fp_findings *r, const fp_course *c, size_t layer, double *out,
                          double share[2], fp_error *error) {
    int last = fp_course_last(c);
    const fp_numbers *after = last > 0 ? fp_course_at(r, c, 0, (size_t)last, layer) : NULL;
    const fp_numbers *before = fp_course_original(c) == 0 ? fp_course_at(r, c, 0, 0, layer) : NULL;
    if (!after || !before)
        return 1;
    size_t n = c->n_labels * c->group->width;
    fp_unit_record a = {0}, b = {0};
    double *rows = fp_alloc(n, sizeof *rows, "centroids", error);
    int rc = -1;
    if (rows && fp_findings_record(r, (size_t)after->row->unit, &a, error) == 0 &&
        fp_findings_record(r, (size_t)before->row->unit, &b, error) == 0) {
        for (size_t i = 0; i < n; i++)
            rows[i] = (double)a.centroids[i] - (double)b.centroids[i];
        rc = project(rows, c->n_labels, c->group->width, out, share, error);
    }
    fp_unit_record_free(&a);
    fp_unit_record_free(&b);
    free(rows);
    return rc;
}
