/* plan_text.h: a plan and its outlook, for people and for programs, on standard output. */
#ifndef FINEPROBE_SRC_PLAN_TEXT_H
#define FINEPROBE_SRC_PLAN_TEXT_H

#include "sweep/outlook.h"

void fp_plan_print(const fp_plan *plan, const fp_outlook *outlook, const fp_forecast *forecasts, size_t n);
void fp_plan_print_json(const fp_plan *plan, const fp_outlook *outlook, const fp_forecast *forecasts,
                        size_t n);

#endif
