/* sweep.h: one grid carried out by any number of ranks. */
#ifndef FINEPROBE_SWEEP_H
#define FINEPROBE_SWEEP_H

#include "fineprobe/grid.h"
#include <mpi.h>

/* How the sweep stands; rank 0 is told a few times a second. */
typedef struct fp_sweep_state {
    const char *file; /* the result file */
    int ranks;
    size_t units, units_kept, units_done, units_failed, checkpoints, checkpoints_done, checkpoints_failed;
    size_t running;   /* pieces of work */
    double elapsed;   /* seconds since this session began */
    double busy;      /* seconds that all ranks together have spent on pieces */
    double share;     /* of this session's expected work, 0 .. 1 */
    double remaining; /* expected seconds; NaN while unknown */
    int over;         /* 1: the last call */
} fp_sweep_state;

typedef struct fp_sweep_options {
    const char *output;    /* result file instead of the grid's; NULL: the grid's */
    const char *models;    /* of the grid, with commas between; NULL: all */
    const char *rank_logs; /* folder where every rank keeps a log of its pieces of work; NULL: none */
    int retry_failed;      /* units that failed before are tried again */
    /* rank 0 only; may be NULL */
    void (*state)(void *context, const fp_sweep_state *state);
    void (*message)(void *context, const char *text); /* a piece that failed, and the like: one line */
    void *context;
    volatile int *stop; /* set by a signal handler: end soon, with everything saved; may be NULL */
} fp_sweep_options;

typedef enum fp_sweep_outcome {
    FP_SWEEP_COMPLETE,    /* every unit done */
    FP_SWEEP_FAILURES,    /* ended; some units failed */
    FP_SWEEP_INTERRUPTED, /* stopped early; run it again to go on */
    FP_SWEEP_BROKEN,      /* stopped early, because files cannot be written; the error says what to mend */
    FP_SWEEP_REFUSED,     /* nothing was started: see the problems or the error */
    FP_SWEEP_BUSY         /* nothing was started: another sweep holds the result file */
} fp_sweep_outcome;

typedef struct fp_starter fp_starter;

/* Forks this rank's starter of pieces of work. Call before MPI_Init, and before any thread exists. */
fp_starter *fp_starter_create(fp_error *error);
/* Ends it, and every piece of work that it still runs. */
void fp_starter_destroy(fp_starter *starter);

/* Carries out the grid at PATH (rank 0 reads it), or goes on with it. Collective over COMM; all ranks return
 * the same outcome. PROBLEMS: of the grid, on rank 0. ERROR: why it was refused, on every rank. */
fp_sweep_outcome fp_sweep_run(const char *path, const fp_sweep_options *options, fp_starter *starter,
                              MPI_Comm comm, fp_problems *problems, fp_error *error);

#endif
