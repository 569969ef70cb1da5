/* The table of seeds: of every number that fine-tuning has a say in, what several fine-tuning seeds make of
 * it.
 */
#include "fineprobe/memory.h"
#include "fineprobe/resample.h"
#include "report/tables.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the quantities ---- */

/* Of DirectProbe. What is a number a label elsewhere is a mean over labels here. */
static double mean_movement(const fp_numbers *u, size_t n_labels) {
    return u->movement ? fp_mean_of(u->movement, n_labels) : NAN;
}

static double mean_cosine(const fp_numbers *u, size_t n_labels) {
    return fp_mean_cosine(u, n_labels, NULL, n_labels);
}

static const struct {
    const char *name, *unit;
    fp_quantity *of; /* its second argument is the number of labels */
} of_units[] = {
    {"clusters", "", fp_quantity_clusters},
    {"mean minimum distance", "distance", fp_quantity_mean_minimum},
    {"similarity to the original", "", fp_quantity_similarity},
    {"train-test similarity", "", fp_quantity_train_test},
    {"mean movement", "distance", mean_movement},
    {"mean cosine of two labels", "", mean_cosine},
};

/* Of the probes that train classifiers. */
static const struct {
    const char *name, *unit;
    fp_product_kind kind;
    size_t at; /* of the number in a row of this kind */
} of_probes[] = {
    {"accuracy", "share", FP_CLASSIFIER, offsetof(fp_classifier_row, accuracy)},
    {"macro F1", "", FP_CLASSIFIER, offsetof(fp_classifier_row, macro_f1)},
    {"selectivity", "share", FP_CONTROL, offsetof(fp_control_row, selectivity)},
    {"description length", "bits", FP_CODE, offsetof(fp_code_row, codelength)},
    {"compression", "", FP_CODE, offsetof(fp_code_row, compression)},
    {"subtrain accuracy", "share", FP_MEMORISATION, offsetof(fp_memorisation_row, subtrain_accuracy)},
    {"subtest accuracy", "share", FP_MEMORISATION, offsetof(fp_memorisation_row, subtest_accuracy)},
    {"test accuracy after subtrain", "share", FP_MEMORISATION, offsetof(fp_memorisation_row, test_accuracy)},
};
enum { N_OF_UNITS = sizeof of_units / sizeof *of_units, N_OF_PROBES = sizeof of_probes / sizeof *of_probes };

/* ---- rows ---- */

typedef struct fp_seeds {
    const fp_report *report;
    const fp_course *course;
    fp_sheet *sheet;
    double *values; /* [seeds] of one row; NaN: not finished, or not defined */
} fp_seeds;

/* LAYER -1: of the whole model. */
static int put_row(const fp_seeds *s, size_t step, int layer, const char *quantity, const char *unit,
                   fp_error *error) {
    const fp_layout *l = &s->report->findings.standing.layout;
    fp_resampled r;
    if (fp_resample_mean(s->course->n_seeds, s->values, FP_RESAMPLE_SEED, &r, error) < 0)
        return -1;
    if (r.n == 0)
        return 0;
    fp_sheet_text(s->sheet, l->models[s->course->model].name);
    fp_sheet_text(s->sheet, l->tasks[s->course->tuned].name);
    fp_sheet_text(s->sheet, l->tasks[s->course->probed].name);
    fp_sheet_number(s->sheet, s->course->steps[step]);
    fp_sheet_number(s->sheet, layer < 0 ? NAN : s->course->layers[layer]);
    fp_sheet_text(s->sheet, quantity);
    fp_sheet_text(s->sheet, unit);
    fp_sheet_number(s->sheet, (double)r.n);
    fp_sheet_number(s->sheet, r.mean);
    fp_sheet_number(s->sheet, r.deviation);
    fp_sheet_number(s->sheet, r.low);
    fp_sheet_number(s->sheet, r.high);
    fp_sheet_text(s->sheet, r.n < FP_FEW_SEEDS ? "few seeds" : "");
    return 0;
}

static int put_heads(const fp_seeds *s, size_t step, fp_error *error) {
    const fp_course *c = s->course;
    if (c->tuned != c->probed)
        return 0;
    for (size_t k = 0; k < c->n_seeds; k++)
        s->values[k] = fp_head_accuracy(&s->report->findings, c->runs[k], c->steps[step]);
    return put_row(s, step, -1, "own head's accuracy", "share", error);
}

static int put_units(const fp_seeds *s, size_t step, size_t layer, fp_error *error) {
    const fp_course *c = s->course;
    for (size_t q = 0; q < N_OF_UNITS; q++) {
        for (size_t k = 0; k < c->n_seeds; k++) {
            const fp_numbers *u = fp_course_at(&s->report->findings, c, k, step, layer);
            s->values[k] = u ? of_units[q].of(u, c->n_labels) : NAN;
        }
        if (put_row(s, step, (int)layer, of_units[q].name, of_units[q].unit, error) < 0)
            return -1;
    }
    return 0;
}

/* The number at AT in row INDEX of KIND, all of which begin with their identity. */
static double number_at(const fp_layout *l, fp_product_kind kind, int index, size_t at) {
    double number;
    memcpy(&number, (const char *)fp_layout_identity(l, kind, (size_t)index) + at, sizeof number);
    return number;
}

static int put_probes(const fp_seeds *s, size_t step, size_t layer, fp_error *error) {
    const fp_findings *r = &s->report->findings;
    const fp_course *c = s->course;
    for (size_t q = 0; q < N_OF_PROBES; q++) {
        for (size_t k = 0; k < c->n_seeds; k++) {
            int at = fp_findings_probe(r, of_probes[q].kind, c, k, c->steps[step], c->layers[layer]);
            s->values[k] =
                at < 0 ? NAN : number_at(&r->standing.layout, of_probes[q].kind, at, of_probes[q].at);
        }
        if (put_row(s, step, (int)layer, of_probes[q].name, of_probes[q].unit, error) < 0)
            return -1;
    }
    return 0;
}

/* From step index FIRST on; the original is the same for all seeds. */
static int put_course(const fp_seeds *s, size_t first, fp_error *error) {
    for (size_t step = first; step < s->course->n_steps; step++) {
        if (s->course->steps[step] == 0)
            continue;
        if (put_heads(s, step, error) < 0)
            return -1;
        for (size_t layer = 0; layer < s->course->n_layers; layer++)
            if (put_units(s, step, layer, error) < 0 || put_probes(s, step, layer, error) < 0)
                return -1;
    }
    return 0;
}

/* A model and task's own table has the tasks that it is also probed on, and the last step alone. */
int fp_make_seeds(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},         {"finetuned_on", "fine-tuned on", FP_SHOWN_TEXT},
        {"probed_on", "probed on", FP_SHOWN_TEXT}, {"step", "step", FP_SHOWN_COUNT},
        {"layer", "layer", FP_SHOWN_COUNT},        {"quantity", "quantity", FP_SHOWN_TEXT},
        {"unit", "unit", FP_SHOWN_TEXT},           {"seeds", "seeds", FP_SHOWN_COUNT},
        {"mean", "mean", FP_SHOWN_SHORT},          {"deviation", "deviation", FP_SHOWN_SHORT},
        {"low", "95 % from", FP_SHOWN_SHORT},      {"high", "to", FP_SHOWN_SHORT},
        {"caution", "caution", FP_SHOWN_TEXT},
    };
    fp_sheet_begin(
        out, "seeds", only ? "Fine-tuning seeds, last step" : "Fine-tuning seeds",
        "Seeds: those where the quantity is finished and defined. Deviation: of the sample (n - 1). "
        "Interval: "
        "percentiles of the mean in 10000 bootstrap samples of the seeds; of fewer than three (few seeds), "
        "no "
        "more than their range. Clusters, distances, similarity to the original, movement: training set; "
        "accuracies: test set, but for subtrain and subtest.",
        FP_COLUMNS(columns));
    for (size_t i = 0; i < report->findings.n_courses; i++) {
        const fp_course *c = &report->findings.courses[i];
        if (c->n_seeds < 2 || (only && (only->model != c->model || only->tuned != c->tuned)))
            continue;
        fp_seeds s = {report, c, out, fp_alloc(c->n_seeds, sizeof(double), "seeds", error)};
        int last = fp_course_last(c);
        int rc = s.values ? put_course(&s, only && last > 0 ? (size_t)last : 0, error) : -1;
        free(s.values);
        if (rc < 0)
            return -1;
    }
    return fp_sheet_check(out, error);
}

int fp_has_seeds(const fp_report *report) {
    for (size_t i = 0; i < report->findings.n_courses; i++)
        if (report->findings.courses[i].n_seeds > 1)
            return 1;
    return 0;
}
