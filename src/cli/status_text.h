/* status_text.h: how a sweep stands, for people and for programs, on standard output. */
#ifndef FINEPROBE_SRC_STATUS_TEXT_H
#define FINEPROBE_SRC_STATUS_TEXT_H

#include "report/standing.h"

void fp_status_print(const char *file, const fp_standing *standing, double now);
void fp_status_print_json(const char *file, const fp_standing *standing);

#endif
