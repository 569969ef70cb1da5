/* schedule.h: which piece of work comes next. The policy alone: no MPI, no clock, no files; the live sweep
 * drives it, and so does a simulation.
 *
 * One graph: a run reaches checkpoints; a checkpoint that is there can be embedded for each task probed on it
 * (a representation); a representation's probings can be done, some of them before others. The piece on the
 * longest expected path goes first, and among pieces of about the same length one whose vectors lie on the
 * node that asks. What lies in scratch is bounded (checkpoints on their way to vectors get half of it at
 * most), and the memory of a node: a representation is started, a run carried on, only when its files fit, a
 * piece only when its memory does, unless nothing else could be done. Expected times are corrected by those
 * measured. */
#ifndef FINEPROBE_SRC_SCHEDULE_H
#define FINEPROBE_SRC_SCHEDULE_H

#include "costs.h"
#include "fineprobe/piece.h"
#include "fineprobe/plan.h"

typedef struct fp_schedule fp_schedule;

/* What is there already, and what works on the rest. */
typedef struct fp_schedule_start {
    const unsigned char *probings, *checkpoints; /* fp_status of the plan's probings and checkpoints: done
                                                    ones are kept, failed ones stay so */
    const unsigned char *available;              /* 1: the checkpoint's model is on disk (originals always) */
    int attempts;                                /* times a piece may be tried */
    size_t nodes;                                /* that ranks are on */
    double node_memory;  /* bytes that pieces of one node may need together; 0: no bound */
    int local;           /* 1: vectors are on the node that made them, and nowhere else */
    int endless_scratch; /* 1: the grid's bound on scratch does not hold */
    fp_costs *costs;     /* learns what is measured */
} fp_schedule_start;

typedef struct fp_assignment {
    fp_piece_kind kind;
    size_t index;           /* run, representation, or what the probing is of (a unit) */
    size_t probing;         /* of the plan; other kinds: 0 */
    size_t first, last;     /* finetune: checkpoints of the layout to reach, both included */
    size_t node;            /* that it was given to */
    int attempt;            /* counted from 1 */
    double seconds, memory; /* expected */
} fp_assignment;

fp_schedule *fp_schedule_create(const fp_plan *plan, const fp_schedule_start *start, fp_error *error);
void fp_schedule_destroy(fp_schedule *schedule);

/* 1 and the next piece of work for a rank on NODE, now its own; 0 when nothing can be started there at the
 * moment. */
int fp_schedule_next(fp_schedule *schedule, size_t node, fp_assignment *out);

/* News: a running run has saved CHECKPOINT; a piece has ended, well or not. SECONDS: it took; 0: not known.
 */
void fp_schedule_checkpoint(fp_schedule *schedule, size_t checkpoint, double seconds);
void fp_schedule_ended(fp_schedule *schedule, const fp_assignment *piece, int succeeded, double seconds);

/* Consequences, to be taken one by one after any news: files that nobody needs any more, work that cannot be
 * done. */
typedef enum fp_consequence_kind {
    FP_REMOVE_VECTORS,    /* of representation INDEX */
    FP_REMOVE_CHECKPOINT, /* the folder of checkpoint INDEX: embedded for all its tasks */
    FP_FAIL_PROBING,      /* tried too often, or what it needs has failed */
    FP_FAIL_CHECKPOINT
} fp_consequence_kind;
typedef struct fp_consequence {
    fp_consequence_kind kind;
    size_t index;
    size_t node; /* FP_REMOVE_VECTORS: where they are */
} fp_consequence;
int fp_schedule_consequence(fp_schedule *schedule, fp_consequence *out);

/* Units: probings that no other waits for. */
typedef struct fp_schedule_counts {
    size_t units, units_kept, units_done, units_failed;
    size_t checkpoints, checkpoints_done, checkpoints_failed;
    size_t running, ended; /* pieces of all kinds, of this session */
    double scratch;        /* bytes taken or promised */
    double most_scratch;   /* the most so far */
} fp_schedule_counts;
fp_schedule_counts fp_schedule_count(const fp_schedule *schedule);

/* Expected seconds of one core that are left, running pieces included; and of the longest chain. */
double fp_schedule_left(const fp_schedule *schedule);
double fp_schedule_longest(const fp_schedule *schedule);

/* 1 when everything is done or failed. */
int fp_schedule_over(const fp_schedule *schedule);

#endif
