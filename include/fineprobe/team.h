/* team.h: threads that share independent items. What an item computes depends on the item alone and goes into
 * a place of its own, so results do not depend on the number of threads. */
#ifndef FINEPROBE_TEAM_H
#define FINEPROBE_TEAM_H

#include "fineprobe/error.h"
#include <stddef.h>

typedef struct fp_team fp_team;

/* WORKER: 0 .. threads-1, for what a thread owns; 0 is the thread that called fp_team_run. */
typedef void fp_team_job(void *context, size_t item, int worker);

/* THREADS of at least 1, the caller's own included. Threads that the system refuses are done without. */
fp_team *fp_team_create(int threads, fp_error *error);
void fp_team_destroy(fp_team *team);
int fp_team_threads(const fp_team *team);

/* Does items 0 .. N-1, handed out in ascending order; returns when all are done. One call at a time. */
void fp_team_run(fp_team *team, size_t n, fp_team_job *job, void *context);

#endif
