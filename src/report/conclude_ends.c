/* Conclusions a to d: the top layer before and after fine-tuning. */
#include "fineprobe/compare.h"
#include "fineprobe/memory.h"
#include "report/conclude.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDS "checkpoints: first-last"

/* A number of the top layer, before and after. */
typedef struct fp_change {
    const fp_findings *findings;
    const fp_course *course;
    fp_ends ends;
    fp_quantity *quantity;
} fp_change;

static double change_of(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    (void)labels, (void)n_labels;
    const fp_change *c = context;
    const fp_numbers *before = fp_course_at(c->findings, c->course, seed, c->ends.original, c->ends.top);
    const fp_numbers *after = fp_course_at(c->findings, c->course, seed, c->ends.last, c->ends.top);
    return before && after ? c->quantity(after, 0) - c->quantity(before, 0) : NAN;
}

/* ---- a ---- */

/* Label distances [2, labels, labels] of the top layer: of the original, then of every seed's end. */
typedef struct fp_matrices {
    const fp_course *course;
    double **of; /* [1 + seeds]; NULL where a split is not linear */
} fp_matrices;

/* The correlation of two distance matrices over the pairs of a sample of labels. */
static double sampled_similarity(const double *distances, const size_t *labels, size_t n, size_t n_labels) {
    const double *train = distances, *test = distances + n_labels * n_labels;
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, count = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) {
            size_t a = fp_sampled(labels, i), b = fp_sampled(labels, k);
            double x = train[a * n_labels + b], y = test[a * n_labels + b];
            if (a == b || isnan(x) || isnan(y))
                continue;
            sx += x;
            sy += y;
            sxx += x * x;
            syy += y * y;
            sxy += x * y;
            count++;
        }
    double vx = sxx - sx * sx / count, vy = syy - sy * sy / count;
    return count > 2 && vx > 0 && vy > 0 ? (sxy - sx * sy / count) / sqrt(vx * vy) : NAN;
}

static double similarity_change(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    const fp_matrices *m = context;
    if (!m->of[0] || !m->of[1 + seed])
        return NAN;
    return sampled_similarity(m->of[1 + seed], labels, n_labels, m->course->n_labels) -
           sampled_similarity(m->of[0], labels, n_labels, m->course->n_labels);
}

static int read_matrix(const fp_findings *r, const fp_numbers *unit, size_t n_labels, double **out,
                       fp_error *error) {
    *out = NULL;
    if (!unit || isnan(unit->row->train_test_similarity))
        return 0;
    fp_unit_record record;
    if (fp_findings_record(r, (size_t)unit->row->unit, &record, error) < 0)
        return -1;
    *out = fp_alloc(2 * n_labels * n_labels, sizeof **out, "label distances", error);
    if (*out)
        memcpy(*out, record.label_distances, 2 * n_labels * n_labels * sizeof **out);
    fp_unit_record_free(&record);
    return *out ? 0 : -1;
}

static int add_similarity_change(const fp_findings *r, const fp_course *c, const fp_ends *ends, fp_part *part,
                                 fp_error *error) {
    char name[FP_CASE_NAME];
    fp_change change = {r, c, *ends, fp_quantity_train_test};
    fp_matrices matrices = {c, fp_alloc(1 + c->n_seeds, sizeof(double *), "label distances", error)};
    int rc = matrices.of ? 0 : -1;
    for (size_t i = 0; rc == 0 && i <= c->n_seeds; i++)
        rc = read_matrix(r, fp_course_at(r, c, i ? i - 1 : 0, i ? ends->last : ends->original, ends->top),
                         c->n_labels, &matrices.of[i], error);
    if (rc == 0)
        rc = fp_add_effect(part, c, similarity_change, &matrices, NULL, error);
    for (size_t i = 0; matrices.of && i <= c->n_seeds; i++)
        free(matrices.of[i]);
    free(matrices.of);
    double value = fp_over_seeds(c, change_of, &change, NULL, 0);
    if (rc == 0 && !isnan(value))
        rc = fp_add_case(part, value < 0, value, error, "%s", fp_course_name(r, c, name));
    return rc;
}

int fp_conclude_a(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    (void)choices;
    fp_part *part = fp_add_part(
        conclusion, "spatial similarity of training and test set after fine-tuning minus before, top layer",
        "",
        "A model and task holds when the change is below 0. The similarity is defined where the labels of "
        "both "
        "sets are linearly separable, before and after.",
        "mean change", "models and tasks that are linear before and after, and\n" ENDS);
    part->side = -1;
    for (size_t i = 0; i < r->n_own; i++) {
        fp_ends ends;
        if (fp_course_ends(&r->courses[i], &ends) == 0 &&
            add_similarity_change(r, &r->courses[i], &ends, part, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- b ---- */

/* Whether the courses whose accuracy fell are those of the lowest train-test similarity. */
static void remark_exceptions(const fp_findings *r, const fp_part *part, fp_conclusion *conclusion) {
    char name[FP_CASE_NAME], lowest_name[FP_CASE_NAME] = "";
    double lowest = INFINITY;
    for (size_t i = 0; i < r->n_own; i++) {
        fp_ends ends;
        if (fp_course_ends(&r->courses[i], &ends) < 0)
            continue;
        fp_value value = fp_course_value(r, &r->courses[i], ends.last, ends.top, fp_quantity_train_test, 0);
        if (value.mean < lowest) {
            lowest = value.mean;
            fp_course_name(r, &r->courses[i], lowest_name);
        }
    }
    for (size_t i = 0; i < part->n_cases; i++) {
        if (part->cases[i].holds || !lowest_name[0])
            continue;
        snprintf(name, sizeof name, "%s", part->cases[i].name);
        snprintf(
            conclusion->remark, sizeof conclusion->remark,
            strcmp(name, lowest_name) == 0
                ? "The exception %s has the lowest spatial similarity of training and test set after "
                  "fine-tuning (%.2f), as in the paper."
                : "In the paper, the exception has the lowest spatial similarity of training and test set "
                  "after fine-tuning; here that is %s (%.2f).",
            lowest_name, lowest);
    }
}

int fp_conclude_b(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    (void)choices;
    char name[FP_CASE_NAME];
    fp_part *part = fp_add_part(
        conclusion, "test accuracy of the classifier probe after fine-tuning minus before, top layer", "",
        "A model and task holds when the change is above 0.", "mean change",
        "probes: {directprobe: {}, classifier: {}}\n" ENDS);
    for (size_t i = 0; i < r->n_own; i++) {
        const fp_course *c = &r->courses[i];
        double value = NAN;
        fp_ends ends;
        if (fp_course_ends(c, &ends) < 0)
            continue;
        if (fp_add_accuracy(part, r, c, &ends, 1, &value, error) < 0 ||
            (!isnan(value) &&
             fp_add_case(part, value > 0, value, error, "%s", fp_course_name(r, c, name)) < 0))
            return -1;
    }
    remark_exceptions(r, part, conclusion);
    return 0;
}

/* ---- c ---- */

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Parameters of the smallest and of the median model; 0, or -1 when all are equally large. */
static int size_classes(const fp_layout *l, int64_t *smallest, int64_t *median, fp_error *error) {
    int64_t *sizes = fp_alloc(l->n_models, sizeof *sizes, "models", error);
    if (!sizes)
        return -1;
    for (size_t m = 0; m < l->n_models; m++)
        sizes[m] = l->models[m].parameters;
    qsort(sizes, l->n_models, sizeof *sizes, by_number);
    *smallest = l->n_models ? sizes[0] : 0;
    *median = l->n_models ? sizes[(l->n_models - 1) / 2] : 0;
    free(sizes);
    return 0;
}

typedef struct fp_linear_shares {
    double larger, smallest; /* 1: the labels are linearly separable before fine-tuning */
} fp_linear_shares;

static double share_difference(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    (void)seed, (void)labels, (void)n_labels;
    const fp_linear_shares *shares = context;
    return shares->larger - shares->smallest;
}

/* Every model on task TASK. A "course" without seeds of its own stands for the task. */
static int add_sizes(const fp_findings *r, size_t task, int64_t smallest, int64_t median, fp_part *part,
                     fp_error *error) {
    double linear[2] = {0, 0}, n[2] = {0, 0}; /* smallest, larger */
    const fp_course *any = NULL;
    char name[FP_CASE_NAME];
    for (size_t i = 0; i < r->n_own; i++) {
        const fp_course *c = &r->courses[i];
        int64_t size = r->standing.layout.models[c->model].parameters;
        if (c->probed != task || fp_course_original(c) < 0 || (size != smallest && size <= median))
            continue;
        const fp_numbers *u = fp_course_at(r, c, 0, 0, c->n_layers - 1);
        if (!u)
            continue;
        int larger = size > median, is_linear = strcmp(u->row->train.state, "linear") == 0;
        if (fp_add_case(part, is_linear == larger, is_linear, error, "%s", fp_course_name(r, c, name)) < 0)
            return -1;
        linear[larger] += is_linear;
        n[larger]++;
        any = c;
    }
    if (!any || n[0] == 0 || n[1] == 0)
        return 0;
    fp_linear_shares shares = {linear[1] / n[1], linear[0] / n[0]};
    fp_course task_alone = {.n_seeds = 1, .n_labels = any->n_labels};
    return fp_add_plain_effect(part, &task_alone, share_difference, &shares, NULL, error);
}

int fp_conclude_c(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    (void)choices;
    const fp_layout *l = &r->standing.layout;
    int64_t smallest, median;
    fp_part *part = fp_add_part(
        conclusion, "1 when the labels of the original are linearly separable in the top layer, else 0", "",
        "The smallest model is the one with the fewest parameters; larger models are those with more than "
        "the "
        "median model. A model and task holds when a larger model is linear, or the smallest is not.",
        "share of larger models that are linear minus that of the smallest, mean over tasks",
        "models: two or more, of different sizes\n" ENDS);
    if (size_classes(l, &smallest, &median, error) < 0)
        return -1;
    int sizes_differ = 0;
    for (size_t m = 0; m < l->n_models; m++)
        sizes_differ |= l->models[m].parameters > median;
    for (size_t t = 0; sizes_differ && t < l->n_tasks; t++)
        if (add_sizes(r, t, smallest, median, part, error) < 0)
            return -1;
    return 0;
}

/* ---- d ---- */

/* The share of the clusters beyond one a label that fine-tuning takes away; NaN when there are none. */
static double excess_removed(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    (void)labels, (void)n_labels;
    const fp_change *c = context;
    const fp_numbers *before = fp_course_at(c->findings, c->course, seed, c->ends.original, c->ends.top);
    const fp_numbers *after = fp_course_at(c->findings, c->course, seed, c->ends.last, c->ends.top);
    if (!before || !after)
        return NAN;
    double excess = before->row->train.clusters - before->row->train.labels_present;
    double left = after->row->train.clusters - after->row->train.labels_present;
    if (excess <= 0)
        return left > 0 ? -left : NAN;
    return (excess - left) / excess;
}

int fp_conclude_d(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    (void)choices;
    char name[FP_CASE_NAME];
    fp_part *part = fp_add_part(
        conclusion,
        "share of the clusters beyond one a label that fine-tuning takes away, training set, top layer", "",
        "A model and task holds when the share is above 0. One that had no such cluster before counts only "
        "if "
        "it has some afterwards, as one that does not hold.",
        "mean share", "models and tasks that are not linear before, and\n" ENDS);
    for (size_t i = 0; i < r->n_own; i++) {
        const fp_course *c = &r->courses[i];
        fp_change change = {.findings = r, .course = c};
        double value = NAN;
        if (fp_course_ends(c, &change.ends) < 0)
            continue;
        if (fp_add_plain_effect(part, c, excess_removed, &change, &value, error) < 0 ||
            (!isnan(value) &&
             fp_add_case(part, value > 0, value, error, "%s", fp_course_name(r, c, name)) < 0))
            return -1;
    }
    return 0;
}
