/* starter.h: starts pieces of work on behalf of a rank. Open MPI and the fabrics under it do not survive a
 * fork after MPI_Init, so each rank forks one small starter before it, and asks that one to fork and exec. */
#ifndef FINEPROBE_SRC_STARTER_H
#define FINEPROBE_SRC_STARTER_H

#include "fineprobe/sweep.h" /* fp_starter_create, fp_starter_destroy */
#include <sys/types.h>

/* Starts this executable as `fineprobe piece` with SPECIFICATION on its standard input, THREADS for its BLAS
 * and at most MEMORY bytes of its own (0: no limit). *REPORTS: a pipe to read its reports from (close() by
 * the caller); *PIECE: its process. */
int fp_starter_start(fp_starter *starter, const char *specification, int threads, double memory, int *reports,
                     pid_t *piece, fp_error *error);
enum {
    FP_STARTER_GONE = -2
}; /* its answer when neither this piece nor any other can be started on this rank */

/* 1 when the starter has died. */
int fp_starter_is_gone(const fp_starter *starter);

/* A piece that ended. */
typedef struct fp_ended {
    pid_t piece;
    int status;                  /* as of waitpid */
    double seconds, peak_memory; /* of the processor; bytes */
} fp_ended;

/* 1 and *OUT when a piece has ended, 0 when none has, -1 when the starter is gone. */
int fp_starter_ended(fp_starter *starter, fp_ended *out, fp_error *error);

/* Readable when fp_starter_ended has news. */
int fp_starter_descriptor(const fp_starter *starter);

#endif
