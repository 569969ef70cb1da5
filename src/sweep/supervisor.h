/* supervisor.h: a rank's care of one piece of work at a time: starts it, follows its reports, puts its
 * records into the result file, and tells how it ended. */
#ifndef FINEPROBE_SRC_SUPERVISOR_H
#define FINEPROBE_SRC_SUPERVISOR_H

#include "fineprobe/piece.h"
#include "fineprobe/store.h"
#include "rank_log.h"
#include "starter.h"

typedef struct fp_supervisor fp_supervisor;

/* NULL PROVENANCE fields of the rank (rank, incarnation, host, job) are copied into every row. Owns nothing
 * it is given. */
fp_supervisor *fp_supervisor_create(fp_starter *starter, fp_store *store, const fp_provenance_row *rank,
                                    fp_error *error);
/* Kills a piece that still runs. */
void fp_supervisor_destroy(fp_supervisor *supervisor);

/* Tells LOG of every piece of work that starts and ends; the supervisor owns it from now on. */
void fp_supervisor_keep_log(fp_supervisor *supervisor, fp_rank_log *log);

int fp_supervisor_busy(const fp_supervisor *supervisor);

/* Starts the piece that SPECIFICATION describes; the supervisor must not be busy. When it cannot be started,
 * that is an outcome like any other. */
void fp_supervisor_start(fp_supervisor *supervisor, const char *specification);

/* What happened, in the words of whoever schedules. Plain bytes: it travels between ranks. */
typedef struct fp_outcome {
    enum {
        FP_OUTCOME_PROGRESS,
        FP_OUTCOME_CHECKPOINT,
        FP_OUTCOME_DONE,
        FP_OUTCOME_FAILED,
        FP_OUTCOME_LEFT,   /* the piece was asked to stop and did: neither done nor failed */
        FP_OUTCOME_BROKEN, /* files cannot be written; nothing here will do better */
        FP_OUTCOME_STOP,   /* this rank was asked to stop */
        FP_OUTCOME_GOODBYE /* this rank has stopped; its last message */
    } kind;
    int64_t checkpoint;       /* saved and recorded */
    double share, seconds;    /* progress of the piece; time it took */
    char message[FP_MESSAGE]; /* why it failed */
} fp_outcome;

/* 1 and the next outcome, or 0 when there is none at the moment. -1: this rank cannot go on (the starter is
 * gone). */
int fp_supervisor_poll(fp_supervisor *supervisor, fp_outcome *out, fp_error *error);

/* Descriptors that become readable with news, at most 2; how many. */
int fp_supervisor_descriptors(const fp_supervisor *supervisor, int out[2]);

/* Asks the piece that runs, if any, to stop: a run saves its state first, others have nothing to save. It is
 * over when the supervisor is no longer busy. */
void fp_supervisor_ask(fp_supervisor *supervisor);
enum { FP_GRACE = 12 }; /* seconds that it has for that before fp_supervisor_stop */

/* Kills the piece that runs, if any; what it had not handed in is computed again. */
void fp_supervisor_stop(fp_supervisor *supervisor);

#endif
