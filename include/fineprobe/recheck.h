/* recheck.h: the certificates of a result file against the vectors, which are made again from the checkpoints
 * that are there. Nothing is solved again. */
#ifndef FINEPROBE_RECHECK_H
#define FINEPROBE_RECHECK_H

#include "fineprobe/grid.h"

typedef struct fp_recheck_options {
    const char *grid; /* its file; NULL: the one that the result file names */
    size_t sample;    /* units to check, spread evenly over those that can be; 0: all */
    /* Told one line at a time: certificates that do not hold, checkpoints that are not there. */
    void (*found)(void *context, const char *what);
    void (*progress)(void *context, double share); /* may be NULL */
    void *context;
} fp_recheck_options;

typedef struct fp_recheck {
    size_t done, possible, units,
        bad_units;            /* units that are done; that can be checked; that were; of these */
    size_t certificates, bad; /* checked; of these do not hold */
    uint64_t left_out;        /* verdicts of the checked units whose certificate is not stored */
    double largest_gap;       /* of a distance that was checked */
} fp_recheck;

/* -1: the check could not be made (PROBLEMS: of the grid). */
int fp_recheck_run(const char *file, const fp_recheck_options *options, fp_recheck *out,
                   fp_problems *problems, fp_error *error);

#endif
