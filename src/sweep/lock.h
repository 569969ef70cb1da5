/* lock.h: one sweep at a time on a result file: FILE.lock, made with link(2), holds host, process and job.
 * HDF5's own locking protects nothing here (README, "The result file"). */
#ifndef FINEPROBE_SRC_LOCK_H
#define FINEPROBE_SRC_LOCK_H

#include "fineprobe/error.h"
#include <stdint.h>

typedef struct fp_lock fp_lock;

/* Refused with the owner's name while another sweep holds it. A lock whose owner is gone is taken over: on
 * the same host, no such process; on another, an earlier start of the same Slurm job (SLURM_JOB_ID,
 * SLURM_RESTART_COUNT), or the job FINEPROBE_GONE_JOB, of which the caller has made certain that it has
 * ended, or anybody who gives no sign of life for WATCH seconds while this call waits for it. Such a one may
 * come back: its next fp_lock_beat tells it that it has lost the file. *INCARNATION: counts the sweeps that
 * had this file. */
enum { FP_LOCK_WATCH = 60 };
fp_lock *fp_lock_take(const char *file, double watch, int64_t *incarnation, fp_error *error);
/* A sign of life, every few seconds; -1 when somebody else has the lock. LOCK may be NULL: nobody needs one.
 */
int fp_lock_beat(fp_lock *lock, fp_error *error);
void fp_lock_release(fp_lock *lock);

/* Removes what processes of this host left that were killed while they took the lock of FILE. */
void fp_lock_clean(const char *file);

/* 1: there is a lock, whoever made it. */
int fp_lock_is_held(const char *file);

#endif
