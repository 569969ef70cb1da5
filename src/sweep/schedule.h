/* schedule.h: which piece of work comes next. The policy alone: no MPI, no clock, no files; the live sweep
 * drives it, and a simulation can.
 *
 * Three kinds of work in one graph: a run reaches checkpoints; a checkpoint that is there can be embedded for
 * each task probed on it (a representation); a representation's units can be probed. The piece on the longest
 * expected path goes first. What lies in scratch is bounded: a representation is started, a run carried on,
 * only when its files fit, unless nothing else could be done. */
#ifndef FINEPROBE_SRC_SCHEDULE_H
#define FINEPROBE_SRC_SCHEDULE_H

#include "fineprobe/piece.h"
#include "fineprobe/plan.h"

typedef struct fp_schedule fp_schedule;

/* What is there already; arrays over the plan's units and checkpoints. */
typedef struct fp_schedule_start {
    const unsigned char *units, *checkpoints; /* fp_status: done ones are kept, failed ones stay so */
    const unsigned char *available;           /* 1: the checkpoint's model is on disk (originals always) */
    int attempts;                             /* times a piece may be tried */
} fp_schedule_start;

typedef struct fp_assignment {
    fp_piece_kind kind;
    size_t index;           /* run, representation or unit */
    size_t first, last;     /* finetune: checkpoints of the layout to reach, both included */
    double seconds, memory; /* expected */
} fp_assignment;

fp_schedule *fp_schedule_create(const fp_plan *plan, const fp_schedule_start *start, fp_error *error);
void fp_schedule_destroy(fp_schedule *schedule);

/* 1 and the next piece of work, now somebody's; 0 when nothing can be started at the moment. */
int fp_schedule_next(fp_schedule *schedule, fp_assignment *out);

/* News: a running run has saved CHECKPOINT; a piece has ended, well or not. */
void fp_schedule_checkpoint(fp_schedule *schedule, size_t checkpoint);
void fp_schedule_ended(fp_schedule *schedule, const fp_assignment *piece, int succeeded);

/* Consequences, to be taken one by one after any news: files that nobody needs any more, work that cannot be
 * done. */
typedef enum fp_consequence_kind {
    FP_REMOVE_VECTORS,    /* of representation INDEX */
    FP_REMOVE_CHECKPOINT, /* the folder of checkpoint INDEX: embedded for all its tasks */
    FP_FAIL_UNIT,         /* tried too often, or what it needs has failed */
    FP_FAIL_CHECKPOINT
} fp_consequence_kind;
typedef struct fp_consequence {
    fp_consequence_kind kind;
    size_t index;
} fp_consequence;
int fp_schedule_consequence(fp_schedule *schedule, fp_consequence *out);

typedef struct fp_schedule_counts {
    size_t units, units_kept, units_done, units_failed, units_running;
    size_t checkpoints, checkpoints_done, checkpoints_failed;
    size_t running;                     /* pieces of all kinds */
    double seconds_total, seconds_done; /* expected work of this session, and how much of it is over */
    double scratch;                     /* bytes taken or promised */
} fp_schedule_counts;
fp_schedule_counts fp_schedule_count(const fp_schedule *schedule);

/* 1 when everything is done or failed. */
int fp_schedule_over(const fp_schedule *schedule);

#endif
