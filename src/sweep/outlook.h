/* outlook.h: what carrying out a plan would mean: what an earlier session has done already, the work that is
 * left, and what it takes. Estimates; nothing is started, nothing is written. */
#ifndef FINEPROBE_SRC_OUTLOOK_H
#define FINEPROBE_SRC_OUTLOOK_H

#include "changes.h"
#include "fineprobe/piece.h"
#include "fineprobe/plan.h"
#include "simulate.h"

typedef struct fp_outlook_work {
    size_t all, open;             /* pieces of work; finetune: runs */
    double seconds, open_seconds; /* expected, of one core */
    double memory;                /* bytes of the largest piece */
} fp_outlook_work;

typedef struct fp_outlook {
    fp_outlook_work work[FP_PIECE_KINDS]; /* by fp_piece_kind */
    size_t updates, open_updates;
    size_t checkpoints, open_checkpoints; /* of runs */
    double longest;                       /* seconds of the longest chain of open pieces */
    double memory;                        /* bytes of the largest piece of all */
    double vectors, largest_vectors;      /* bytes: all open representations at once; one of them */
    double kept_checkpoints;              /* bytes that stay after the sweep */
    double result;                        /* bytes of the result file */
    int exists;                           /* 1: there is a result file */
    size_t units_kept, units_changed; /* finished ones that serve; whose model, data or settings changed */
    fp_changes changes;               /* why they come again */
    size_t units_failed;              /* of the plan, that failed before */
    size_t units_gone;                /* finished ones that the grid does not want any more */
} fp_outlook;

/* An existing result file that cannot be read is an error. ANEW: as if nothing were done yet; what it took is
 * still learned from. FORECASTS: filled for their ranks. */
int fp_outlook_make(const fp_plan *plan, int anew, fp_forecast *forecasts, size_t n_forecasts,
                    fp_outlook *out, fp_error *error);

/* No number of ranks can be faster than this. */
double fp_outlook_seconds(const fp_outlook *outlook, long ranks);

/* With more ranks than this the longest chain of work decides, and ranks only wait. */
long fp_outlook_useful_ranks(const fp_outlook *outlook);

#define FP_RANK_MEMORY 1.5e8 /* bytes of a rank itself, beside the piece of work that it looks after */

#endif
