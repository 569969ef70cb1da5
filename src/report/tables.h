/* tables.h: what the makers of tables share. */
#ifndef FINEPROBE_SRC_TABLES_H
#define FINEPROBE_SRC_TABLES_H

#include "report/report.h"

#define FP_COLUMNS(columns) (columns), sizeof(columns) / sizeof *(columns)

/* Whether COURSE belongs into a table of ONLY (NULL: of all). */
int fp_is_wanted(const fp_course *course, const fp_course *only);
/* The cells "model" and "task". */
void fp_put_names(fp_sheet *sheet, const fp_report *report, const fp_course *course);
/* "(64, 32)", "(64)", "linear" */
void fp_put_hidden(fp_sheet *sheet, int32_t first, int32_t second);
/* Mean over seeds; NaN at a step index of -1. */
double fp_value_at(const fp_report *report, const fp_course *course, int step, size_t layer,
                   fp_quantity *quantity, size_t label);
/* The same of the classifiers' accuracy. */
double fp_accuracy_at(const fp_report *report, const fp_course *course, int step, size_t layer);
/* The index of the last step, or -1 when it is the original, or not probed. */
int fp_tuned_step(const fp_course *course);

/* Test accuracy of a run's own head at STEP; NaN: not finished, or without a head. */
double fp_head_accuracy(const fp_findings *findings, int32_t run, int32_t step);
/* Whether any model is fine-tuned with more than one seed. */
int fp_has_seeds(const fp_report *report);

/* Minimum distances of the top layer, last step minus original: labels that rise, that fall, the mean. NaN:
 * the sweep has not both. */
typedef struct fp_changes {
    double risen, fallen, mean;
} fp_changes;
fp_changes fp_changes_of(const fp_report *report, const fp_course *course);

#endif
