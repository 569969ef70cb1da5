/* Conclusions g to i: layers against each other. */
#include "report/conclude.h"
#include <math.h>

enum { MOST_LAYERS = 256 };

typedef struct fp_layers {
    const fp_findings *findings;
    const fp_course *course;
    fp_ends ends;
} fp_layers;

static const fp_numbers *at(const fp_layers *l, size_t seed, size_t layer) {
    return fp_course_at(l->findings, l->course, seed, l->ends.last, layer);
}

/* Mean movement of the sampled labels' centroids at the end. */
static double movement(const fp_layers *l, size_t seed, size_t layer, const size_t *labels, size_t n_labels) {
    const fp_numbers *u = at(l, seed, layer);
    double sum = 0, n = 0;
    for (size_t i = 0; u && i < n_labels; i++) {
        double x = fp_quantity_movement(u, fp_sampled(labels, i));
        if (!isnan(x)) {
            sum += x;
            n++;
        }
    }
    return n > 0 ? sum / n : NAN;
}

/* ---- g ---- */

static double movement_over_layers(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    const fp_layers *l = context;
    double layers[MOST_LAYERS], movements[MOST_LAYERS];
    size_t n = l->course->n_layers < MOST_LAYERS ? l->course->n_layers : MOST_LAYERS;
    for (size_t i = 0; i < n; i++) {
        layers[i] = l->course->layers[i];
        movements[i] = movement(l, seed, i, labels, n_labels);
    }
    return fp_spearman(layers, movements, n);
}

/* The courses that have two layers or more, before and after. */
static int has_layers(const fp_findings *r, size_t course, fp_layers *out) {
    *out = (fp_layers){.findings = r, .course = &r->courses[course]};
    return fp_course_ends(out->course, &out->ends) == 0 && out->course->n_layers >= 2;
}

/* One case and one effect a course: STATISTIC, which holds on SIDE of the part's border. */
static int add_all(const fp_findings *r, fp_part *part, fp_statistic *statistic, fp_error *error) {
    char name[FP_CASE_NAME];
    for (size_t i = 0; i < r->n_own; i++) {
        fp_layers l;
        double value = NAN;
        if (!has_layers(r, i, &l))
            continue;
        if (fp_add_effect(part, l.course, statistic, &l, &value, error) < 0)
            return -1;
        int holds = part->side > 0 ? value > part->border : value < part->border;
        if (!isnan(value) &&
            fp_add_case(part, holds, value, error, "%s", fp_course_name(r, l.course, name)) < 0)
            return -1;
    }
    return 0;
}

#define ALL_LAYERS "layers: all\ncheckpoints: first-last"

int fp_conclude_g(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    (void)choices;
    fp_part *part = fp_add_part(conclusion,
                                "Spearman's rank correlation of the layer and the mean movement of the "
                                "labels' centroids at the last step",
                                "", "A model and task holds when the correlation is above 0.",
                                "mean correlation", ALL_LAYERS);
    return add_all(r, part, movement_over_layers, error);
}

/* ---- h ---- */

static double similarity(const fp_layers *l, size_t seed, size_t step, size_t layer) {
    const fp_numbers *u = fp_course_at(l->findings, l->course, seed, step, layer);
    return u ? fp_quantity_similarity(u, 0) : NAN;
}

/* The probed step nearest to half of the run, neither the first nor the last; 0 without one. */
static size_t halfway(const fp_layers *l) {
    size_t best = 0;
    for (size_t s = 1; s < l->ends.last; s++) {
        double half = l->course->updates / 2.0;
        if (best == 0 || fabs(l->course->steps[s] - half) < fabs(l->course->steps[best] - half))
            best = s;
    }
    return best;
}

/* How much more the similarity falls in the first half of the run than in the second. */
static double fall_in_halves(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    (void)labels, (void)n_labels;
    const fp_layers *l = context;
    size_t half = halfway(l);
    if (half == 0)
        return NAN;
    double middle = similarity(l, seed, half, l->ends.top);
    double first = similarity(l, seed, 0, l->ends.top) - middle;
    double second = middle - similarity(l, seed, l->ends.last, l->ends.top);
    return first > 0 || isnan(first) ? first - second : first;
}

/* The least similarity of the layers below the top minus the top layer's. */
static double below_the_rest(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    (void)labels, (void)n_labels;
    const fp_layers *l = context;
    double least = NAN;
    for (size_t i = 0; i < l->ends.top; i++)
        least = fmin(least, similarity(l, seed, l->ends.last, i));
    return least - similarity(l, seed, l->ends.last, l->ends.top);
}

static double similarity_at_the_end(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    (void)labels, (void)n_labels;
    const fp_layers *l = context;
    return similarity(l, seed, l->ends.last, l->ends.top);
}

static int add_plain(const fp_findings *r, fp_part *part, size_t layers, fp_statistic *statistic,
                     fp_error *error) {
    char name[FP_CASE_NAME];
    for (size_t i = 0; i < r->n_own; i++) {
        fp_layers l = {.findings = r, .course = &r->courses[i]};
        double value = NAN;
        if (fp_course_ends(l.course, &l.ends) < 0 || l.course->n_layers < layers)
            continue;
        if (fp_add_plain_effect(part, l.course, statistic, &l, &value, error) < 0 ||
            (!isnan(value) && fp_add_case(part, value > part->border, value, error, "%s",
                                          fp_course_name(r, l.course, name)) < 0))
            return -1;
    }
    return 0;
}

#define DEFINED "It is defined where the labels are linearly separable in both."

int fp_conclude_h(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    (void)choices;
    fp_part *levels = fp_add_part(conclusion,
                                  "fall of the top layer's similarity to the original in the first half of "
                                  "the updates minus that in the "
                                  "second half",
                                  "",
                                  "A model and task holds when the similarity falls in the first half, and "
                                  "by more than in the second. The "
                                  "half is the probed step nearest to it. " DEFINED,
                                  "mean difference",
                                  "layers that are linear before and after, and\ncheckpoints: {every: 25}");
    if (add_plain(r, levels, 1, fall_in_halves, error) < 0)
        return -1;
    fp_part *lowest = fp_add_part(
        conclusion, "least similarity to the original of the lower layers minus the top layer's, last step",
        "", "A model and task holds when the difference is above 0. " DEFINED, "mean difference",
        "layers that are linear before and after, and\n" ALL_LAYERS);
    if (add_plain(r, lowest, 2, below_the_rest, error) < 0)
        return -1;
    fp_part *above = fp_add_part(conclusion, "similarity of the top layer to the original, last step", "",
                                 "A model and task holds when it is above 0.5. " DEFINED, "mean similarity",
                                 "layers that are linear before and after, and\ncheckpoints: first-last");
    above->border = 0.5;
    return add_plain(r, above, 1, similarity_at_the_end, error);
}

/* ---- i ---- */

static double movement_ratio(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    const fp_layers *l = context;
    double top = movement(l, seed, l->ends.top, labels, n_labels);
    return top > 0 ? movement(l, seed, l->ends.low, labels, n_labels) / top : NAN;
}

static double cosine_difference(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    const fp_layers *l = context;
    size_t all = l->course->n_labels;
    return fp_mean_cosine(at(l, seed, l->ends.low), all, labels, n_labels) -
           fp_mean_cosine(at(l, seed, l->ends.top), all, labels, n_labels);
}

int fp_conclude_i(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    (void)choices;
    fp_part *little = fp_add_part(
        conclusion,
        "mean movement of the labels' centroids in the lowest layer, as a share of the top layer's", "",
        "A model and task holds when the share is below 0.5.", "mean share", ALL_LAYERS);
    little->border = 0.5;
    little->side = -1;
    if (add_all(r, little, movement_ratio, error) < 0)
        return -1;
    fp_part *spread = fp_add_part(conclusion,
                                  "mean cosine between the directions in which two labels' centroids move: "
                                  "lowest layer minus top layer",
                                  "", "A model and task holds when the difference is above 0.",
                                  "mean difference", ALL_LAYERS);
    return add_all(r, spread, cosine_difference, error);
}
