/* findings_make.h: parts of fp_findings_read. */
#ifndef FINEPROBE_SRC_FINDINGS_MAKE_H
#define FINEPROBE_SRC_FINDINGS_MAKE_H

#include "report/findings.h"

/* Reads the accuracies of the finished classifiers. */
int fp_findings_classifiers(fp_findings *findings, fp_error *error);

/* Orders the units into courses; RESULTS has its tables and numbers. */
int fp_findings_courses(fp_findings *findings, fp_error *error);
void fp_courses_free(fp_course *courses, size_t count);

#endif
