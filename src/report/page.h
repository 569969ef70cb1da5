/* page.h: parts of the page. */
#ifndef FINEPROBE_SRC_PAGE_H
#define FINEPROBE_SRC_PAGE_H

#include "report/report.h"

/* The list of models and tasks, and a section for each pair. */
int fp_page_courses(const fp_report *report, const fp_report_outcome *outcome, fp_text *out, fp_error *error);

#endif
