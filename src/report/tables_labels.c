/* Tables of distances and movements: labels, tasks across, layers. */
#include "report/projection.h"
#include "report/tables.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- minimum distances ---- */

static const fp_label_row *label_row(const fp_report *report, const fp_course *c, size_t label) {
    const fp_layout *l = &report->findings.standing.layout;
    for (size_t i = 0; i < l->n_labels; i++)
        if ((size_t)l->labels[i].index == label && strcmp(l->labels[i].task, l->tasks[c->probed].name) == 0)
            return &l->labels[i];
    return NULL;
}

static int holds(const size_t *labels, size_t n, size_t label) {
    for (size_t i = 0; i < n; i++)
        if (labels[i] == label)
            return 1;
    return 0;
}

static int put_labels(fp_sheet *sheet, const fp_report *report, const fp_course *c, fp_error *error) {
    int original = fp_course_original(c);
    size_t top = c->n_layers - 1, n_closest, closest[FP_MOST_SELECTED];
    fp_growth growth;
    fp_select_growth(&report->findings, c, &report->options->selections, &growth);
    if (fp_select_closest(&report->findings, c, &report->options->selections, closest, &n_closest, error) < 0)
        return -1;
    for (size_t i = 0; i < c->n_labels; i++) {
        const fp_label_row *row = label_row(report, c, i);
        double before = fp_value_at(report, c, original, top, fp_quantity_minimum, i);
        double after = fp_value_at(report, c, fp_tuned_step(c), top, fp_quantity_minimum, i);
        fp_put_names(sheet, report, c);
        fp_sheet_text(sheet, row ? row->label : "");
        fp_sheet_number(sheet, row ? row->train_instances : NAN);
        fp_sheet_number(sheet, before);
        fp_sheet_number(sheet, after);
        fp_sheet_number(sheet, after - before);
        fp_sheet_print(sheet, "%s%s",
                       holds(growth.most, growth.n_most, i)     ? growth.chosen ? "chosen" : "grows most"
                       : holds(growth.least, growth.n_least, i) ? "grows least"
                                                                : "",
                       growth.chosen || !holds(closest, n_closest, i) ? ""
                       : holds(growth.most, growth.n_most, i) || holds(growth.least, growth.n_least, i)
                           ? ", among the closest"
                           : "among the closest");
    }
    return 0;
}

int fp_make_minimum(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},    {"task", "task", FP_SHOWN_TEXT},
        {"label", "label", FP_SHOWN_TEXT},    {"train_instances", "training instances", FP_SHOWN_COUNT},
        {"before", "before", FP_SHOWN_SHORT}, {"after", "after", FP_SHOWN_SHORT},
        {"change", "change", FP_SHOWN_SHORT}, {"shown", "in figures", FP_SHOWN_TEXT},
    };
    fp_sheet_begin(
        out, "minimum_distances", "Minimum distances of the labels before and after fine-tuning",
        "Distance of a label to the nearest other one on the training set, top layer; mean over seeds.",
        FP_COLUMNS(columns));
    for (size_t i = 0; i < report->findings.n_own; i++) {
        const fp_course *c = &report->findings.courses[i];
        if (fp_is_wanted(c, only) && c->n_units && put_labels(out, report, c, error) < 0)
            return -1;
    }
    return fp_sheet_check(out, error);
}

/* ---- across tasks ---- */

static void put_cross(fp_sheet *sheet, const fp_report *report, const fp_course *c, int step,
                      const char *relation) {
    const fp_layout *l = &report->findings.standing.layout;
    fp_changes changes = step > 0 ? fp_changes_of(report, c) : (fp_changes){NAN, NAN, NAN};
    fp_sheet_text(sheet, l->models[c->model].name);
    fp_sheet_text(sheet, l->tasks[c->probed].name);
    fp_sheet_text(sheet, step > 0 ? l->tasks[c->tuned].name : "(original)");
    fp_sheet_text(sheet, relation);
    fp_sheet_number(sheet, changes.risen);
    fp_sheet_number(sheet, changes.fallen);
    fp_sheet_number(sheet, changes.mean);
    fp_sheet_number(sheet, fp_accuracy_at(report, c, step, c->n_layers - 1));
}

/* The rows of CROSS; before the first pair of its model and probed task, those they are compared with. */
static void put_pair(fp_sheet *sheet, const fp_report *report, size_t cross) {
    const fp_findings *r = &report->findings;
    const fp_course *c = &r->courses[cross];
    const fp_course *own = fp_course_of(r, c->model, c->probed, c->probed);
    int first = 1;
    for (size_t i = r->n_own; i < cross; i++)
        first &= r->courses[i].model != c->model || r->courses[i].probed != c->probed;
    if (first && fp_course_original(c) == 0)
        put_cross(sheet, report, c, 0, "");
    if (first && own && fp_course_last(own) > 0)
        put_cross(sheet, report, own, fp_course_last(own), "itself");
    if (fp_course_last(c) > 0)
        put_cross(sheet, report, c, fp_course_last(c),
                  fp_relation_of(r, &report->options->choices, c) == FP_RELATED ? "related" : "opposing");
}

int fp_make_cross(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},
        {"probed_on", "probed on", FP_SHOWN_TEXT},
        {"finetuned_on", "fine-tuned on", FP_SHOWN_TEXT},
        {"relation", "relation", FP_SHOWN_TEXT},
        {"labels_risen", "labels that rise", FP_SHOWN_COUNT},
        {"labels_fallen", "labels that fall", FP_SHOWN_COUNT},
        {"mean_change", "mean change", FP_SHOWN_SHORT},
        {"accuracy", "accuracy %", FP_SHOWN_PERCENT_2},
    };
    const fp_findings *r = &report->findings;
    fp_sheet_begin(
        out, "cross_task", "Fine-tuned on one task, probed on another (the paper's table 5)",
        "Minimum distances of the labels on the training set, top layer, last step minus original; mean over "
        "seeds, also before labels are counted. Accuracy: of the classifier probe on the test set, mean over "
        "seeds.",
        FP_COLUMNS(columns));
    for (size_t m = 0; m < r->standing.layout.n_models; m++)
        for (size_t t = 0; t < r->standing.layout.n_tasks; t++)
            for (size_t i = r->n_own; i < r->n_courses; i++) {
                const fp_course *c = &r->courses[i];
                if (c->model == m && c->probed == t && c->n_units + c->n_classifiers > 0 &&
                    fp_is_wanted(c, only))
                    put_pair(out, report, i);
            }
    return fp_sheet_check(out, error);
}

typedef int fp_put_layer(fp_sheet *sheet, const fp_report *report, const fp_course *c, size_t layer,
                         fp_error *error);

/* A row for each layer of every course that has moved: its original and a later step are there. */
static int put_moved(fp_sheet *sheet, const fp_report *report, const fp_course *only, fp_put_layer *put,
                     fp_error *error) {
    for (size_t i = 0; i < report->findings.n_own; i++) {
        const fp_course *c = &report->findings.courses[i];
        if (!fp_is_wanted(c, only) || !c->n_units || fp_course_original(c) < 0 || fp_course_last(c) <= 0)
            continue;
        for (size_t layer = 0; layer < c->n_layers; layer++)
            if (put(sheet, report, c, layer, error) < 0)
                return -1;
    }
    return fp_sheet_check(sheet, error);
}

/* ---- movement ---- */

static int put_movement(fp_sheet *sheet, const fp_report *report, const fp_course *c, size_t layer,
                        fp_error *error) {
    int last = fp_course_last(c);
    double *sorted = fp_alloc(c->n_labels, sizeof *sorted, "movements", error);
    if (!sorted)
        return -1;
    size_t furthest = 0;
    for (size_t i = 0; i < c->n_labels; i++) {
        sorted[i] = fp_value_at(report, c, last, layer, fp_quantity_movement, i);
        if (sorted[i] > sorted[furthest] || isnan(sorted[furthest]))
            furthest = i;
    }
    const char *name = isnan(sorted[furthest]) ? "" : report->findings.labels[c->probed][furthest];
    double mean = fp_mean_of(sorted, c->n_labels);
    size_t n = fp_sort_numbers(sorted, c->n_labels);
    fp_put_names(sheet, report, c);
    fp_sheet_number(sheet, c->layers[layer]);
    fp_sheet_number(sheet, mean);
    fp_sheet_number(sheet, fp_quantile(sorted, n, 0));
    fp_sheet_number(sheet, fp_quantile(sorted, n, 0.5));
    fp_sheet_number(sheet, fp_quantile(sorted, n, 1));
    fp_sheet_text(sheet, name);
    free(sorted);
    return 0;
}

int fp_make_movement(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},        {"task", "task", FP_SHOWN_TEXT},
        {"layer", "layer", FP_SHOWN_COUNT},       {"mean", "mean", FP_SHOWN_SHORT},
        {"smallest", "smallest", FP_SHOWN_SHORT}, {"median", "median", FP_SHOWN_SHORT},
        {"largest", "largest", FP_SHOWN_SHORT},   {"furthest_label", "furthest label", FP_SHOWN_TEXT},
    };
    fp_sheet_begin(out, "movement", "How far the labels' centroids move, by layer",
                   "Euclidean distance between a label's centroid on the training set before and after "
                   "fine-tuning, over "
                   "labels; mean over seeds.",
                   FP_COLUMNS(columns));
    return put_moved(out, report, only, put_movement, error);
}

/* ---- similarity to the original ---- */

int fp_make_similarity(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},
        {"task", "task", FP_SHOWN_TEXT},
        {"layer", "layer", FP_SHOWN_COUNT},
        {"step", "step", FP_SHOWN_COUNT},
        {"similarity", "similarity to the original", FP_SHOWN_FIXED_3},
        {"seeds", "seeds", FP_SHOWN_COUNT},
    };
    fp_sheet_begin(
        out, "similarity", "Spatial similarity of each layer to its own original, over updates",
        "Pearson's correlation of the label distances on the training set; defined where the labels are "
        "linearly separable in both; mean over seeds.",
        FP_COLUMNS(columns));
    for (size_t i = 0; i < report->findings.n_own; i++) {
        const fp_course *c = &report->findings.courses[i];
        if (!fp_is_wanted(c, only) || !c->n_units || fp_course_original(c) < 0)
            continue;
        for (size_t layer = 0; layer < c->n_layers; layer++)
            for (size_t step = 1; step < c->n_steps; step++) {
                fp_value value =
                    fp_course_value(&report->findings, c, step, layer, fp_quantity_similarity, 0);
                fp_put_names(out, report, c);
                fp_sheet_number(out, c->layers[layer]);
                fp_sheet_number(out, c->steps[step]);
                fp_sheet_number(out, value.mean);
                fp_sheet_number(out, (double)value.n);
            }
    }
    return fp_sheet_check(out, error);
}

/* ---- directions ---- */

static int put_directions(fp_sheet *sheet, const fp_report *report, const fp_course *c, size_t layer,
                          fp_error *error) {
    double share[2] = {NAN, NAN}, cosine = 0, n = 0;
    double *coordinates = fp_alloc(2 * c->n_labels, sizeof *coordinates, "directions", error);
    int rc = coordinates ? fp_project_directions(&report->findings, c, layer, coordinates, share, error) : -1;
    free(coordinates);
    if (rc < 0)
        return -1;
    for (size_t s = 0; s < c->n_seeds; s++) {
        double x = fp_mean_cosine(fp_course_at(&report->findings, c, s, (size_t)fp_course_last(c), layer),
                                  c->n_labels, NULL, c->n_labels);
        if (!isnan(x)) {
            cosine += x;
            n++;
        }
    }
    fp_put_names(sheet, report, c);
    fp_sheet_number(sheet, c->layers[layer]);
    fp_sheet_number(sheet, n > 0 ? cosine / n : NAN);
    fp_sheet_number(sheet, share[0]);
    fp_sheet_number(sheet, share[1]);
    return 0;
}

int fp_make_directions(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},
        {"task", "task", FP_SHOWN_TEXT},
        {"layer", "layer", FP_SHOWN_COUNT},
        {"mean_cosine", "mean cosine of two labels", FP_SHOWN_FIXED_3},
        {"variance_1", "variance in component 1", FP_SHOWN_FIXED_3},
        {"variance_2", "component 2", FP_SHOWN_FIXED_3},
    };
    fp_sheet_begin(
        out, "directions", "In which directions the labels' centroids move, by layer",
        "Cosine between the movements of two labels' centroids on the training set, mean over pairs and "
        "seeds: 1 when all move alike. Variance: shares of the first two principal components of the "
        "movements, first seed.",
        FP_COLUMNS(columns));
    return put_moved(out, report, only, put_directions, error);
}
