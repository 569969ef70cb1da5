/* conclusion.h: what the paper concludes (PROTOCOL's statements a to i), each as a test on a sweep.
 *
 * A conclusion has parts. A part looks at cases (a model and a task, a label, a pair of tasks); a written
 * rule says when a case holds. Its effect is a mean over models and tasks; the interval holds the central 95
 * % of the effect in 1000 bootstrap samples: of the seeds where every case has three or more, else of the
 * labels, else of the cases. */
#ifndef FINEPROBE_SRC_CONCLUSION_H
#define FINEPROBE_SRC_CONCLUSION_H

#include "report/findings.h"
#include "report/statistics.h"

typedef enum fp_verdict { FP_UNTESTABLE, FP_DOES_NOT_HOLD, FP_HOLDS_MOSTLY, FP_HOLDS } fp_verdict;

/* "holds", "holds mostly", "does not hold", "not testable here" */
const char *fp_verdict_text(fp_verdict verdict);
/* The rule behind every verdict, in a few sentences. */
extern const char fp_verdict_rule[];

enum { FP_CASE_NAME = 4 * FP_NAME };

typedef struct fp_case {
    char name[FP_CASE_NAME];
    double value;
    int holds;
} fp_case;

typedef struct fp_part {
    const char *measure; /* what VALUE of a case is */
    const char *unit;    /* of it; "" when it has none */
    const char *rule;    /* when a case holds */
    const char *effect_is;
    double border; /* of the effect; the statement's side is above it for SIDE 1, below it for -1 */
    int side;
    const char *wanted; /* what a sweep needs for a case: grid lines */
    size_t n_cases, held, cases_capacity;
    fp_case *cases;
    double effect, low, high; /* NaN: not defined */
    const char *over;         /* what the interval is over; "" without one */
    fp_verdict verdict;
    /* on the way */
    size_t n_effects, effects_capacity;
    double *effects, *replicates; /* [n_effects], [n_effects, FP_REPLICATES] */
    size_t replicates_capacity;
    int over_kinds[4]; /* effects by what their replicates are over, see fp_over */
} fp_part;

enum { FP_MAX_PARTS = 3 };

typedef struct fp_conclusion {
    char letter;
    const char *statement;
    size_t n_parts;
    fp_part parts[FP_MAX_PARTS];
    fp_verdict verdict; /* the least of its testable parts */
    char remark[512];   /* "" when there is nothing to remark */
} fp_conclusion;

/* How two tasks of a cross-task pair stand to each other, for f. */
typedef enum fp_relation { FP_RELATED, FP_OPPOSING } fp_relation;

typedef struct fp_relation_choice { /* of the options; tasks by name */
    const char *tuned, *probed;
    fp_relation relation;
} fp_relation_choice;

typedef struct fp_choices {
    size_t n_relations;
    const fp_relation_choice *relations;
} fp_choices;

/* The rule, and what goes before it. */
fp_relation fp_relation_of(const fp_findings *findings, const fp_choices *choices, const fp_course *course);
extern const char fp_relation_rule[];

enum { FP_N_CONCLUSIONS = 9 };

/* All of them in order; to be freed with fp_conclusions_free, also after a failure. */
int fp_conclude(const fp_findings *findings, const fp_choices *choices, fp_conclusion out[FP_N_CONCLUSIONS],
                fp_error *error);
void fp_conclusions_free(fp_conclusion conclusions[FP_N_CONCLUSIONS]);

#endif
