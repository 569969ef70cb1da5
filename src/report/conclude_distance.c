/* Conclusions e and f: what fine-tuning does to the labels' minimum distances. */
#include "report/conclude.h"
#include <math.h>
#include <string.h>

/* Minimum distances of the top layer's training set. */
typedef struct fp_distances {
    const fp_findings *findings;
    const fp_course *course;
    fp_ends ends;
} fp_distances;

static double change_of_label(const fp_distances *d, size_t seed, size_t label) {
    const fp_numbers *before = fp_course_at(d->findings, d->course, seed, d->ends.original, d->ends.top);
    const fp_numbers *after = fp_course_at(d->findings, d->course, seed, d->ends.last, d->ends.top);
    return before && after ? after->minimum[0][label] - before->minimum[0][label] : NAN;
}

/* Of the sampled labels: those that rose minus those that fell, as a share. */
static double net_share(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    double sum = 0, n = 0;
    for (size_t i = 0; i < n_labels; i++) {
        double change = change_of_label(context, seed, fp_sampled(labels, i));
        if (isnan(change))
            continue;
        sum += (change > 0) - (change < 0);
        n++;
    }
    return n > 0 ? sum / n : NAN;
}

static double mean_change(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    double sum = 0, n = 0;
    for (size_t i = 0; i < n_labels; i++) {
        double change = change_of_label(context, seed, fp_sampled(labels, i));
        if (isnan(change))
            continue;
        sum += change;
        n++;
    }
    return n > 0 ? sum / n : NAN;
}

/* ---- e ---- */

static int add_labels(const fp_distances *d, fp_part *part, fp_error *error) {
    char name[FP_CASE_NAME];
    const fp_course *c = d->course;
    fp_course_name(d->findings, c, name);
    for (size_t label = 0; label < c->n_labels; label++) {
        double change = fp_over_seeds(c, mean_change, d, &label, 1);
        if (!isnan(change) && fp_add_case(part, change > 0, change, error, "%s: %s", name,
                                          d->findings->labels[c->probed][label]) < 0)
            return -1;
    }
    return fp_add_effect(part, c, net_share, d, NULL, error);
}

int fp_conclude_e(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    (void)choices;
    fp_part *part =
        fp_add_part(conclusion, "minimum distance after fine-tuning minus before, training set, top layer",
                    "distance", "A label of a model and task holds when its change is above 0.",
                    "share of labels that rise minus share that fall, mean over models and tasks",
                    "checkpoints: first-last");
    for (size_t i = 0; i < r->n_own; i++) {
        fp_distances d = {.findings = r, .course = &r->courses[i]};
        if (fp_course_ends(d.course, &d.ends) == 0 && add_labels(&d, part, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- f ---- */

const char fp_relation_rule[] =
    "Two tasks are related when they label the same instances (the same files and the same numbers of "
    "instances); "
    "other pairs count as opposing. --related and --opposing say otherwise.";

fp_relation fp_relation_of(const fp_findings *r, const fp_choices *choices, const fp_course *course) {
    const fp_task_row *tuned = &r->standing.layout.tasks[course->tuned];
    const fp_task_row *probed = &r->standing.layout.tasks[course->probed];
    for (size_t i = 0; i < choices->n_relations; i++)
        if (strcmp(choices->relations[i].tuned, tuned->name) == 0 &&
            strcmp(choices->relations[i].probed, probed->name) == 0)
            return choices->relations[i].relation;
    int same = strcmp(tuned->train_file, probed->train_file) == 0 &&
               strcmp(tuned->test_file, probed->test_file) == 0 &&
               tuned->train_instances == probed->train_instances &&
               tuned->test_instances == probed->test_instances;
    return same ? FP_RELATED : FP_OPPOSING;
}

typedef struct fp_across {
    fp_distances own, cross;
} fp_across;

/* How much less the distances rise than with fine-tuning on the probed task itself. */
static double shortfall(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    const fp_across *a = context;
    size_t own_seed = seed < a->own.course->n_seeds ? seed : 0;
    return mean_change(&a->own, own_seed, labels, n_labels) - mean_change(&a->cross, seed, labels, n_labels);
}

static double change_of_all(const fp_distances *d) {
    return fp_over_seeds(d->course, mean_change, d, NULL, d->course->n_labels);
}

static int add_related(const fp_across *a, const char *name, fp_part *part, fp_error *error) {
    double own = a->own.course ? change_of_all(&a->own) : NAN;
    double cross = change_of_all(&a->cross);
    if (isnan(own) || isnan(cross))
        return 0;
    if (fp_add_case(part, cross > 0 && cross < own, cross, error, "%s", name) < 0)
        return -1;
    return fp_add_effect(part, a->cross.course, shortfall, a, NULL, error);
}

static int add_opposing(const fp_across *a, const char *name, fp_part *part, fp_error *error) {
    double cross = change_of_all(&a->cross);
    if (isnan(cross))
        return 0;
    if (fp_add_case(part, cross < 0, cross, error, "%s", name) < 0)
        return -1;
    return fp_add_effect(part, a->cross.course, mean_change, &a->cross, NULL, error);
}

/* Mean accuracy of the top layer at step index STEP. */
static double accuracy_at(const fp_distances *d, size_t step) {
    return fp_course_accuracy(d->findings, d->course, step, d->ends.top).mean;
}

static int add_accuracy(const fp_across *a, fp_relation relation, const char *name, fp_part *part,
                        fp_error *error) {
    double before = accuracy_at(&a->cross, a->cross.ends.original);
    double after = accuracy_at(&a->cross, a->cross.ends.last);
    double own = a->own.course ? accuracy_at(&a->own, a->own.ends.last) : NAN;
    if (isnan(after - before) || (relation == FP_RELATED && isnan(own)))
        return 0;
    int holds = relation == FP_RELATED ? after > before && after < own : after < before;
    if (fp_add_case(part, holds, after - before, error, "%s", name) < 0)
        return -1;
    return fp_add_accuracy(part, a->cross.findings, a->cross.course, &a->cross.ends,
                           relation == FP_RELATED ? 1 : -1, NULL, error);
}

static int add_pair(const fp_findings *r, const fp_choices *choices, const fp_course *cross,
                    fp_conclusion *conclusion, fp_error *error) {
    char name[FP_CASE_NAME];
    fp_across a = {
        .cross = {.findings = r, .course = cross},
        .own = {.findings = r, .course = fp_course_of(r, cross->model, cross->probed, cross->probed)}};
    if (fp_course_ends(cross, &a.cross.ends) < 0)
        return 0;
    if (a.own.course && fp_course_ends(a.own.course, &a.own.ends) < 0)
        a.own.course = NULL;
    fp_relation relation = fp_relation_of(r, choices, cross);
    fp_course_name(r, cross, name);
    if (relation == FP_RELATED ? add_related(&a, name, &conclusion->parts[0], error) < 0
                               : add_opposing(&a, name, &conclusion->parts[1], error) < 0)
        return -1;
    return add_accuracy(&a, relation, name, &conclusion->parts[2], error);
}

#define PAIRS "cross_task: [{finetune: TASK, probe: OTHER}]\ncheckpoints: first-last"

int fp_conclude_f(const fp_findings *r, const fp_choices *choices, fp_conclusion *conclusion,
                  fp_error *error) {
    fp_add_part(
        conclusion,
        "mean change of the minimum distances with fine-tuning on a related task, training set, top layer",
        "distance",
        "A model and pair of related tasks holds when the change is above 0 and below that of fine-tuning "
        "on the probed task itself.",
        "change with fine-tuning on the probed task itself minus change with the related task", PAIRS);
    fp_part *opposing = fp_add_part(
        conclusion,
        "mean change of the minimum distances with fine-tuning on an opposing task, training set, top layer",
        "distance", "A model and pair of opposing tasks holds when the change is below 0.", "mean change",
        PAIRS);
    opposing->side = -1;
    fp_add_part(conclusion, "change of the classifier probe's test accuracy, top layer", "",
                "A model and pair holds when accuracy rises with a related task, but stays below that of "
                "fine-tuning on the probed task itself, or falls with an opposing task.",
                "change in the expected direction", "probes: {directprobe: {}, classifier: {}}\n" PAIRS);
    for (size_t i = r->n_own; i < r->n_courses; i++)
        if (add_pair(r, choices, &r->courses[i], conclusion, error) < 0)
            return -1;
    return 0;
}
