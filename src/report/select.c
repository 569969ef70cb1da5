#include "report/select.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char fp_growth_rule[] =
    "The labels whose minimum distance on the training set grows most, and least, from the original to the "
    "last "
    "step, in the top layer, as a mean over seeds; of equals, the first in the order of the labels.";

const char fp_closest_rule[] =
    "The three labels with the smallest sum of their three label distances on the training set, in the top "
    "layer of "
    "the original.";

/* ---- chosen ---- */

static int label_at(const fp_findings *r, size_t task, size_t n_labels, const char *name) {
    for (size_t i = 0; i < n_labels; i++)
        if (strcmp(r->labels[task][i], name) == 0)
            return (int)i;
    return -1;
}

static size_t labels_of(const fp_findings *r, size_t task) {
    const fp_layout *l = &r->standing.layout;
    size_t n = 0;
    for (size_t i = 0; i < l->n_labels; i++)
        n += strcmp(l->labels[i].task, l->tasks[task].name) == 0;
    return n;
}

/* The labels chosen for the course's task; 0: none. */
static size_t chosen(const fp_findings *r, const fp_course *c, const fp_selections *s,
                     size_t out[FP_MOST_SELECTED]) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_choices; i++) {
        if (strcmp(s->choices[i].task, r->standing.layout.tasks[c->probed].name) != 0)
            continue;
        for (size_t k = 0; k < s->choices[i].n && n < FP_MOST_SELECTED; k++) {
            int label = label_at(r, c->probed, c->n_labels, s->choices[i].labels[k]);
            if (label >= 0)
                out[n++] = (size_t)label;
        }
    }
    return n;
}

const char *fp_unknown_choice(const fp_findings *r, const fp_selections *s) {
    const fp_layout *l = &r->standing.layout;
    for (size_t i = 0; i < s->n_choices; i++) {
        size_t task = 0;
        while (task < l->n_tasks && strcmp(l->tasks[task].name, s->choices[i].task) != 0)
            task++;
        if (task == l->n_tasks)
            return s->choices[i].task;
        for (size_t k = 0; k < s->choices[i].n; k++)
            if (label_at(r, task, labels_of(r, task), s->choices[i].labels[k]) < 0)
                return s->choices[i].labels[k];
    }
    return NULL;
}

/* ---- growth ---- */

/* Up to N labels of the largest (SIGN 1) or smallest (SIGN -1) growth. */
static size_t extremes(const double *growth, size_t n_labels, double sign, size_t n, size_t *out) {
    size_t found = 0;
    for (; found < n; found++) {
        size_t best = n_labels;
        for (size_t i = 0; i < n_labels; i++) {
            int taken = isnan(growth[i]);
            for (size_t k = 0; k < found; k++)
                taken |= out[k] == i;
            if (!taken && (best == n_labels || sign * growth[i] > sign * growth[best]))
                best = i;
        }
        if (best == n_labels)
            break;
        out[found] = best;
    }
    return found;
}

void fp_select_growth(const fp_findings *r, const fp_course *c, const fp_selections *s, fp_growth *out) {
    *out = (fp_growth){0};
    int original = fp_course_original(c), last = fp_course_last(c);
    out->n_most = chosen(r, c, s, out->most);
    out->chosen = out->n_most > 0;
    if (out->chosen || original < 0 || last <= 0)
        return;
    double *growth = malloc((c->n_labels + 1) * sizeof *growth);
    size_t defined = 0, top = c->n_layers - 1;
    for (size_t i = 0; growth && i < c->n_labels; i++) {
        growth[i] = fp_course_value(r, c, (size_t)last, top, fp_quantity_minimum, i).mean -
                    fp_course_value(r, c, (size_t)original, top, fp_quantity_minimum, i).mean;
        defined += !isnan(growth[i]);
    }
    size_t n = s->number < FP_MOST_SELECTED ? s->number : FP_MOST_SELECTED;
    size_t most = n < (defined + 1) / 2 ? n : (defined + 1) / 2, least = n < defined / 2 ? n : defined / 2;
    out->n_most = growth ? extremes(growth, c->n_labels, 1, most, out->most) : 0;
    out->n_least = growth ? extremes(growth, c->n_labels, -1, least, out->least) : 0;
    free(growth);
}

/* ---- the closest three ---- */

static size_t closest_three(const double *distances, size_t n, size_t out[3]) {
    double least = INFINITY;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++)
            for (size_t c = b + 1; c < n; c++) {
                double sum = distances[a * n + b] + distances[a * n + c] + distances[b * n + c];
                if (sum < least) {
                    least = sum;
                    out[0] = a;
                    out[1] = b;
                    out[2] = c;
                }
            }
    return least < INFINITY ? 3 : 0;
}

int fp_select_closest(const fp_findings *r, const fp_course *c, const fp_selections *s,
                      size_t out[FP_MOST_SELECTED], size_t *n, fp_error *error) {
    *n = chosen(r, c, s, out);
    if (*n || fp_course_original(c) < 0)
        return 0;
    const fp_numbers *original = fp_course_at(r, c, 0, 0, c->n_layers - 1);
    fp_unit_record record;
    if (!original)
        return 0;
    if (fp_findings_record(r, (size_t)original->row->unit, &record, error) < 0)
        return -1;
    *n = closest_three(record.label_distances, c->n_labels, out);
    fp_unit_record_free(&record);
    return 0;
}
