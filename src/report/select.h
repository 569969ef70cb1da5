/* select.h: which labels a figure shows: written rules, and what options say instead. */
#ifndef FINEPROBE_SRC_SELECT_H
#define FINEPROBE_SRC_SELECT_H

#include "report/findings.h"

enum { FP_MOST_SELECTED = 12 };

typedef struct fp_label_choice { /* of the options */
    const char *task;
    char *const *labels;
    size_t n;
} fp_label_choice;

typedef struct fp_selections {
    size_t number; /* labels that grow most, and as many that grow least: 3 */
    size_t n_choices;
    const fp_label_choice *choices;
} fp_selections;

/* Labels of a course's probed task. Chosen ones fill MOST alone. */
typedef struct fp_growth {
    size_t n_most, n_least;
    size_t most[FP_MOST_SELECTED], least[FP_MOST_SELECTED];
    int chosen; /* 1: by the options */
} fp_growth;
extern const char fp_growth_rule[];
void fp_select_growth(const fp_findings *findings, const fp_course *course, const fp_selections *selections,
                      fp_growth *out);

/* Three labels (fewer where there are none, or as many as were chosen); -1: the file cannot be read. */
extern const char fp_closest_rule[];
int fp_select_closest(const fp_findings *findings, const fp_course *course, const fp_selections *selections,
                      size_t out[FP_MOST_SELECTED], size_t *n, fp_error *error);

/* The first name in the choices that is no task, or no label of it; NULL: all are. */
const char *fp_unknown_choice(const fp_findings *findings, const fp_selections *selections);

#endif
