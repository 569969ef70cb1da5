#include "report/conclusion.h"

#include "fineprobe/memory.h"
#include "report/conclude.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char fp_verdict_rule[] =
    "A part of a conclusion holds when at least 95 in 100 of its cases do and the interval of its effect, "
    "where "
    "there is one, lies wholly on the statement's side; it holds mostly when more than half of its cases do; "
    "otherwise it does not hold; without a case it is not testable here. A conclusion gets the least verdict "
    "of "
    "its testable parts. The effect is a mean over models and tasks; its interval holds the central 95 % of "
    "1000 bootstrap samples, drawn from the seeds where every model and task has three or more, else from "
    "the "
    "labels, else, where labels do not enter, from the cases (three or more).";

const char *fp_verdict_text(fp_verdict verdict) {
    static const char *const texts[] = {"not testable here", "does not hold", "holds mostly", "holds"};
    return texts[verdict];
}

/* ---- parts ---- */

fp_part *fp_add_part(fp_conclusion *conclusion, const char *measure, const char *unit, const char *rule,
                     const char *effect_is, const char *wanted) {
    fp_part *part = &conclusion->parts[conclusion->n_parts++];
    *part = (fp_part){.measure = measure,
                      .unit = unit,
                      .rule = rule,
                      .effect_is = effect_is,
                      .wanted = wanted,
                      .side = 1,
                      .effect = NAN,
                      .low = NAN,
                      .high = NAN,
                      .over = ""};
    return part;
}

int fp_add_case(fp_part *part, int holds, double value, fp_error *error, const char *format, ...) {
    if (fp_grow((void **)&part->cases, &part->cases_capacity, part->n_cases + 1, sizeof *part->cases, error) <
        0)
        return -1;
    fp_case *at = &part->cases[part->n_cases++];
    *at = (fp_case){.value = value, .holds = holds};
    part->held += holds != 0;
    va_list args;
    va_start(args, format);
    vsnprintf(at->name, sizeof at->name, format, args);
    va_end(args);
    return 0;
}

/* ---- effects ---- */

double fp_over_seeds(const fp_course *course, fp_statistic *statistic, const void *context,
                     const size_t *labels, size_t n_labels) {
    double sum = 0;
    size_t n = 0;
    for (size_t s = 0; s < course->n_seeds; s++) {
        double x = statistic(context, s, labels, n_labels);
        if (!isnan(x)) {
            sum += x;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

enum { CASES_TO_SAMPLE = 3 };

static int sample_labels(fp_rng_key key, const fp_course *course, fp_statistic *statistic,
                         const void *context, double *out, fp_error *error) {
    size_t n = course->n_labels, *labels = fp_alloc(n, sizeof *labels, "labels", error);
    for (size_t b = 0; labels && b < FP_REPLICATES; b++) {
        fp_sample_again(key, b, n, labels);
        out[b] = fp_over_seeds(course, statistic, context, labels, n);
    }
    free(labels);
    return labels ? 0 : -1;
}

static int sample_seeds(fp_rng_key key, const fp_course *course, fp_statistic *statistic, const void *context,
                        double *out, fp_error *error) {
    double *values = fp_alloc(course->n_seeds, sizeof *values, "seeds", error);
    for (size_t s = 0; values && s < course->n_seeds; s++)
        values[s] = statistic(context, s, NULL, course->n_labels);
    int rc = values ? fp_replicate_mean(key, values, course->n_seeds, out) : -1;
    free(values);
    return rc;
}

static int grow(fp_part *part, fp_error *error) {
    size_t n = part->n_effects + 1;
    if (fp_grow((void **)&part->effects, &part->effects_capacity, n, sizeof(double), error) < 0)
        return -1;
    return fp_grow((void **)&part->replicates, &part->replicates_capacity, n * FP_REPLICATES, sizeof(double),
                   error);
}

int fp_add_replicated(fp_part *part, double effect, const double *replicates, fp_over over, fp_error *error) {
    if (grow(part, error) < 0)
        return -1;
    if (over != FP_OVER_NOTHING)
        memcpy(part->replicates + part->n_effects * FP_REPLICATES, replicates,
               FP_REPLICATES * sizeof *replicates);
    part->over_kinds[over]++;
    part->effects[part->n_effects++] = effect;
    return 0;
}

static int add_effect(fp_part *part, const fp_course *course, fp_statistic *statistic, const void *context,
                      int of_labels, double *value, fp_error *error) {
    double effect = fp_over_seeds(course, statistic, context, NULL, course->n_labels);
    double replicates[FP_REPLICATES];
    fp_rng_key key = fp_rng_key_of(0, FP_RNG_PROBE, part->n_effects, 0);
    if (value)
        *value = effect;
    if (isnan(effect))
        return 0;
    if (course->n_seeds >= FP_SEEDS_TO_SAMPLE)
        return sample_seeds(key, course, statistic, context, replicates, error) < 0
                   ? -1
                   : fp_add_replicated(part, effect, replicates, FP_OVER_SEEDS, error);
    if (of_labels)
        return sample_labels(key, course, statistic, context, replicates, error) < 0
                   ? -1
                   : fp_add_replicated(part, effect, replicates, FP_OVER_LABELS, error);
    return fp_add_replicated(part, effect, replicates, FP_OVER_NOTHING, error);
}

int fp_add_effect(fp_part *part, const fp_course *course, fp_statistic *statistic, const void *context,
                  double *value, fp_error *error) {
    return add_effect(part, course, statistic, context, 1, value, error);
}

int fp_add_plain_effect(fp_part *part, const fp_course *course, fp_statistic *statistic, const void *context,
                        double *value, fp_error *error) {
    return add_effect(part, course, statistic, context, 0, value, error);
}

/* ---- verdicts ---- */

static const char *over_text(const fp_part *part) {
    int seeds = part->over_kinds[FP_OVER_SEEDS] > 0, labels = part->over_kinds[FP_OVER_LABELS] > 0;
    int initialisations = part->over_kinds[FP_OVER_INITIALISATIONS] > 0;
    return seeds + labels + initialisations > 1 ? "seeds, else labels or initialisations"
           : seeds                              ? "seeds"
           : labels                             ? "labels"
                                                : "initialisations";
}

/* The mean effect in every bootstrap sample. */
static int find_interval(fp_part *part) {
    double mean[FP_REPLICATES];
    size_t n = part->n_effects;
    if (part->over_kinds[FP_OVER_NOTHING] == 0 && n > 0) {
        part->over = over_text(part);
        for (size_t b = 0; b < FP_REPLICATES; b++) {
            mean[b] = 0;
            for (size_t i = 0; i < n; i++)
                mean[b] += part->replicates[i * FP_REPLICATES + b];
            mean[b] /= (double)n;
        }
    } else if (n >= CASES_TO_SAMPLE) {
        part->over = "cases";
        if (fp_replicate_mean(fp_rng_key_of(n, FP_RNG_PROBE, 0, 1), part->effects, n, mean) < 0)
            return -1;
    } else {
        return 0;
    }
    fp_central_interval(mean, &part->low, &part->high);
    if (isnan(part->low))
        part->over = "";
    return 0;
}

static fp_verdict judge(const fp_part *part) {
    if (part->n_cases == 0)
        return FP_UNTESTABLE;
    int apart = isnan(part->low) || (part->side > 0 ? part->low > part->border : part->high < part->border);
    if (part->held * 20 >= part->n_cases * 19 && apart)
        return FP_HOLDS;
    return part->held * 2 > part->n_cases ? FP_HOLDS_MOSTLY : FP_DOES_NOT_HOLD;
}

static int finish(fp_conclusion *conclusion, fp_error *error) {
    conclusion->verdict = FP_UNTESTABLE;
    for (size_t i = 0; i < conclusion->n_parts; i++) {
        fp_part *part = &conclusion->parts[i];
        if (find_interval(part) < 0)
            return fp_fail_memory(error, "bootstrap samples", part->n_effects * sizeof(double));
        part->effect = fp_mean_of(part->effects, part->n_effects);
        part->verdict = judge(part);
        if (part->verdict != FP_UNTESTABLE &&
            (conclusion->verdict == FP_UNTESTABLE || part->verdict < conclusion->verdict))
            conclusion->verdict = part->verdict;
    }
    return 0;
}

/* ---- courses ---- */

const char *fp_course_name(const fp_findings *r, const fp_course *c, char *out) {
    const fp_layout *l = &r->standing.layout;
    if (c->tuned == c->probed)
        snprintf(out, FP_CASE_NAME, "%s / %s", l->models[c->model].name, l->tasks[c->probed].name);
    else
        snprintf(out, FP_CASE_NAME, "%s / %s, probed on %s", l->models[c->model].name,
                 l->tasks[c->tuned].name, l->tasks[c->probed].name);
    return out;
}

int fp_course_ends(const fp_course *c, fp_ends *out) {
    int original = fp_course_original(c), last = fp_course_last(c);
    if (original < 0 || last <= 0 || c->n_layers == 0)
        return -1;
    *out = (fp_ends){(size_t)original, (size_t)last, 0, c->n_layers - 1};
    return 0;
}

/* ---- all ---- */

int fp_conclude(const fp_findings *findings, const fp_choices *choices, fp_conclusion out[FP_N_CONCLUSIONS],
                fp_error *error) {
    static const struct {
        const char *statement;
        fp_conclude_one *conclude;
    } all[FP_N_CONCLUSIONS] = {
        {"Fine-tuning lowers the spatial similarity of training and test set in every model and task where "
         "it "
         "is defined.",
         fp_conclude_a},
        {"Fine-tuning nearly always raises the accuracy of a probe.", fp_conclude_b},
        {"Larger models are linear before fine-tuning; the smallest are not.", fp_conclude_c},
        {"Fine-tuning lowers the number of clusters towards the number of labels.", fp_conclude_d},
        {"Fine-tuning raises the minimum distance of nearly all labels.", fp_conclude_e},
        {"Fine-tuning on a related task raises the distances less, on an opposing task lowers them, and "
         "accuracy "
         "follows.",
         fp_conclude_f},
        {"Higher layers move further than lower ones.", fp_conclude_g},
        {"Similarity to the original falls first and then levels off; it is lowest in the top layer, yet "
         "above "
         "0.5.",
         fp_conclude_h},
        {"Lower layers move little and in similar directions; higher layers in spread directions.",
         fp_conclude_i},
    };
    memset(out, 0, FP_N_CONCLUSIONS * sizeof *out);
    for (size_t i = 0; i < FP_N_CONCLUSIONS; i++) {
        out[i].letter = (char)('a' + i);
        out[i].statement = all[i].statement;
        if (all[i].conclude(findings, choices, &out[i], error) < 0 || finish(&out[i], error) < 0)
            return fp_error_context(error, "conclusion %c", out[i].letter);
    }
    return 0;
}

void fp_conclusions_free(fp_conclusion conclusions[FP_N_CONCLUSIONS]) {
    for (size_t i = 0; i < FP_N_CONCLUSIONS; i++)
        for (size_t p = 0; p < conclusions[i].n_parts; p++) {
            free(conclusions[i].parts[p].cases);
            free(conclusions[i].parts[p].effects);
            free(conclusions[i].parts[p].replicates);
        }
    memset(conclusions, 0, FP_N_CONCLUSIONS * sizeof *conclusions);
}
