/* results_make.h: parts of fp_results_read. */
#ifndef FINEPROBE_SRC_RESULTS_MAKE_H
#define FINEPROBE_SRC_RESULTS_MAKE_H

#include "report/results.h"

/* Orders the units into courses; RESULTS has its tables and numbers. */
int fp_results_courses(fp_results *results, fp_error *error);
void fp_courses_free(fp_course *courses, size_t count);

#endif
