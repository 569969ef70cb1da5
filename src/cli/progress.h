/* progress.h: a sweep's progress for people: a bar with an estimate on a terminal, a plain line now and then
 * in a log. */
#ifndef FINEPROBE_SRC_PROGRESS_H
#define FINEPROBE_SRC_PROGRESS_H

#include "fineprobe/sweep.h"

typedef struct fp_progress_view {
    int terminal; /* 1: standard error is one */
    int quiet;
    double next_line; /* log: seconds at which the next line is due */
} fp_progress_view;

fp_progress_view fp_progress_view_make(int quiet);
void fp_progress_show(void *view, const fp_sweep_state *state); /* fp_sweep_options.state */
void fp_progress_say(void *view, const char *text);             /* fp_sweep_options.message */

/* A single piece of work: a bar on a terminal, in a log a line now and then when it takes long. */
typedef struct fp_bar {
    const char *what;
    int terminal, lines;
    double last;               /* share shown; below 0: nothing yet */
    double started, next_line; /* seconds of the monotonic clock; since then */
} fp_bar;

fp_bar fp_bar_make(const char *what, int quiet);
void fp_bar_show(void *bar, double share);
void fp_bar_end(fp_bar *bar); /* leaves an empty line to write on */

#endif
