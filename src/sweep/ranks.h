/* ranks.h: the ranks of a live sweep. Rank 0 leads: it schedules, hands out pieces of work, and works too;
 * the others follow. All look for messages with a probe and a short sleep: waiting costs no processor time.
 */
#ifndef FINEPROBE_SRC_RANKS_H
#define FINEPROBE_SRC_RANKS_H

#include "fineprobe/sweep.h"
#include "lock.h"
#include "schedule.h"
#include "supervisor.h"

/* What a rank > 0 does until rank 0 sends it home. */
int fp_follow(fp_supervisor *supervisor, MPI_Comm comm, volatile int *stop, fp_error *error);

/* What rank 0 does until everything is done or failed, or somebody was asked to stop. PROGRESS: the row to
 * keep fresh. */
typedef struct fp_lead_work {
    const fp_plan *plan;
    fp_schedule *schedule;
    fp_supervisor *supervisor;
    fp_store *store;
    const fp_sweep_options *options;
    fp_progress_row progress;
    const size_t *nodes;     /* [ranks] which node a rank is on */
    const int32_t *attempts; /* [probings, then checkpoints] earlier sessions' attempts */
    fp_lock *lock;
    const char *file;
    MPI_Comm comm;
} fp_lead_work;
int fp_lead(fp_lead_work *work, fp_sweep_outcome *outcome, fp_error *error);

#endif
