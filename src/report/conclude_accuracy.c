/* What the classifier probes say, for conclusions b and f. */
#include "report/conclude.h"

#include <math.h>

typedef struct fp_accuracies {
    const fp_findings *findings;
    const fp_course *course;
    fp_ends ends;
    double sign;
} fp_accuracies;

static const fp_accuracy *accuracy(const fp_accuracies *a, size_t seed, size_t step) {
    return fp_course_accuracy_at(a->findings, a->course, seed, step, a->ends.top);
}

static double change(const void *context, size_t seed, const size_t *labels, size_t n_labels) {
    (void)labels, (void)n_labels;
    const fp_accuracies *a = context;
    const fp_accuracy *before = accuracy(a, seed, a->ends.original), *after = accuracy(a, seed, a->ends.last);
    return before && after ? a->sign * (after->mean - before->mean) : NAN;
}

/* Mean accuracy of as many initialisations, drawn with replacement. */
static double drawn(const fp_accuracy *a, fp_rng_key key, size_t b) {
    size_t sample[FP_MOST_TESTS];
    double sum = 0;
    fp_sample_again(key, b, a->n_tests, sample);
    for (size_t i = 0; i < a->n_tests; i++)
        sum += a->tests[sample[i]];
    return sum / (double)a->n_tests;
}

/* 1, or 0 where a side has fewer than two initialisations. */
static int replicate(const fp_accuracies *a, size_t effect, double out[FP_REPLICATES]) {
    for (size_t s = 0; s < a->course->n_seeds; s++) {
        const fp_accuracy *before = accuracy(a, s, a->ends.original), *after = accuracy(a, s, a->ends.last);
        if (before && after && (before->n_tests < 2 || after->n_tests < 2))
            return 0;
    }
    for (size_t b = 0; b < FP_REPLICATES; b++) {
        double sum = 0, n = 0;
        for (size_t s = 0; s < a->course->n_seeds; s++) {
            const fp_accuracy *before = accuracy(a, s, a->ends.original),
                              *after = accuracy(a, s, a->ends.last);
            if (!before || !after)
                continue;
            sum += drawn(after, fp_rng_key_of(s, FP_RNG_PROBE, effect, 3), b) -
                   drawn(before, fp_rng_key_of(0, FP_RNG_PROBE, effect, 2), b);
            n++;
        }
        out[b] = a->sign * sum / n;
    }
    return 1;
}

int fp_add_accuracy(fp_part *part, const fp_findings *r, const fp_course *c, const fp_ends *ends, double sign,
                    double *value, fp_error *error) {
    fp_accuracies a = {r, c, *ends, sign};
    double replicates[FP_REPLICATES], effect = fp_over_seeds(c, change, &a, NULL, 0);
    if (value)
        *value = sign * effect;
    if (isnan(effect))
        return 0;
    if (c->n_seeds >= FP_SEEDS_TO_SAMPLE || !replicate(&a, part->n_effects, replicates))
        return fp_add_plain_effect(part, c, change, &a, NULL, error);
    return fp_add_replicated(part, effect, replicates, FP_OVER_INITIALISATIONS, error);
}
