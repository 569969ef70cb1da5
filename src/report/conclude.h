/* conclude.h: what the conclusions are made with; one function a conclusion. */
#ifndef FINEPROBE_SRC_CONCLUDE_H
#define FINEPROBE_SRC_CONCLUDE_H

#include "report/conclusion.h"

/* A new part with these words; the caller fills in the border and the side when they are not 0 and 1. */
fp_part *fp_add_part(fp_conclusion *conclusion, const char *measure, const char *unit, const char *rule,
                     const char *effect_is, const char *wanted);
int fp_add_case(fp_part *part, int holds, double value, fp_error *error, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* A number of one seed from a sample of the probed task's labels (LABELS NULL: all of them, N_LABELS); NaN:
 * not defined. */
typedef double fp_statistic(const void *context, size_t seed, const size_t *labels, size_t n_labels);
static inline size_t fp_sampled(const size_t *labels, size_t i) {
    return labels ? labels[i] : i;
}

/* Its mean over the course's seeds, as far as it is defined. */
double fp_over_seeds(const fp_course *course, fp_statistic *statistic, const void *context,
                     const size_t *labels, size_t n_labels);

/* The effect of one course: the mean of STATISTIC over its seeds, with bootstrap samples of the seeds where
 * there are three or more, else of the labels. What is not defined is left out. *VALUE (may be NULL). */
int fp_add_effect(fp_part *part, const fp_course *course, fp_statistic *statistic, const void *context,
                  double *value, fp_error *error);
enum { FP_SEEDS_TO_SAMPLE = 3 };
/* An effect that depends on no label: bootstrap samples of the seeds, or none. */
int fp_add_plain_effect(fp_part *part, const fp_course *course, fp_statistic *statistic, const void *context,
                        double *value, fp_error *error);

/* An effect with replicates of its own, FP_REPLICATES. */
typedef enum fp_over { FP_OVER_SEEDS, FP_OVER_LABELS, FP_OVER_INITIALISATIONS, FP_OVER_NOTHING } fp_over;
int fp_add_replicated(fp_part *part, double effect, const double *replicates, fp_over over, fp_error *error);

/* The course's name for people: "tiny / POS". OUT has FP_CASE_NAME bytes; returned. */
const char *fp_course_name(const fp_findings *findings, const fp_course *course, char *out);

/* Step indices that a comparison before and after needs; 0, or -1 where the sweep lacks one, or all layers.
 */
typedef struct fp_ends {
    size_t original, last, low, top; /* low, top: the lowest and the highest layer */
} fp_ends;
int fp_course_ends(const fp_course *course, fp_ends *out);

typedef int fp_conclude_one(const fp_findings *findings, const fp_choices *choices, fp_conclusion *conclusion,
                            fp_error *error);
/* The change of the classifier probe's accuracy in the top layer as an effect times SIGN: bootstrap samples
 * of the seeds where there are three or more, else of the initialisations. *VALUE (may be NULL): the change.
 */
int fp_add_accuracy(fp_part *part, const fp_findings *findings, const fp_course *course, const fp_ends *ends,
                    double sign, double *value, fp_error *error);

fp_conclude_one fp_conclude_a, fp_conclude_b, fp_conclude_c, fp_conclude_d, fp_conclude_e, fp_conclude_f,
    fp_conclude_g, fp_conclude_h, fp_conclude_i;

#endif
