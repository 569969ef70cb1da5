/* simulate.h: a sweep carried out by the schedule's policy on any number of ranks, without doing the work:
 * discrete events, each piece taking the time that is expected of it. */
#ifndef FINEPROBE_SRC_SIMULATE_H
#define FINEPROBE_SRC_SIMULATE_H

#include "schedule.h"

typedef struct fp_forecast {
    long ranks;
    double seconds;    /* makespan */
    double bound;      /* no schedule can be faster: the work divided by the ranks, or the longest chain */
    double efficiency; /* BOUND / SECONDS; 1 when there is nothing to do */
    double scratch;    /* bytes, at the worst moment */
    double endless_seconds, endless_scratch; /* the same if scratch had no bound */
} fp_forecast;

/* Fills FORECAST for its ranks, from START on. */
int fp_simulate(const fp_plan *plan, const fp_schedule_start *start, fp_forecast *forecast, fp_error *error);

#endif
