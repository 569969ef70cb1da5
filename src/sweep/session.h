/* session.h: what rank 0 prepares before any work starts: grid, plan, lock, result file. */
#ifndef FINEPROBE_SRC_SESSION_H
#define FINEPROBE_SRC_SESSION_H

#include "fineprobe/plan.h"
#include "fineprobe/sweep.h"
#include "lock.h"

typedef struct fp_session {
    fp_grid *grid;
    fp_plan *plan;
    fp_lock *lock;
    int busy; /* 1: another sweep holds the result file, and this one is refused */
    int64_t incarnation;
    size_t kept;        /* units of an earlier session */
    size_t left_behind; /* finished units that the changed grid no longer has; they stay in OLD_FILE */
    char *old_file;
    int salvaged;   /* 1: the structure of the result file was damaged; what was whole in it was kept */
    size_t damaged; /* places of the result file that were damaged; what they touched is computed again */
} fp_session;

/* The result file exists and holds this plan's units afterwards. 0; -1 with PROBLEMS of the grid or with
 * ERROR. */
int fp_session_prepare(const char *path, const fp_sweep_options *options, fp_session *out,
                       fp_problems *problems, fp_error *error);
void fp_session_free(fp_session *session);

/* Half-written files of processes that were killed: of earlier sessions at the beginning, of pieces at the
 * end. */
void fp_session_remove_leftovers(const fp_plan *plan);

/* For the schedule: 1 for every checkpoint whose model is on disk; free(). */
unsigned char *fp_session_available(const fp_plan *plan, fp_error *error);
/* The row that a probing hands in, or has a part in. */
const fp_probe_identity *fp_session_row(const fp_plan *plan, size_t probing);
/* What STORE, which holds this plan, tells of its probings: STATUS, ROWS [n_probings]. Parts are waiting. */
int fp_session_probings(const fp_plan *plan, fp_store *store, unsigned char *status, fp_provenance_row *rows,
                        fp_error *error);

#endif
