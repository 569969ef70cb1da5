/* wire.h: what travels between ranks, and how a rank waits. */
#ifndef FINEPROBE_SRC_WIRE_H
#define FINEPROBE_SRC_WIRE_H

#include "supervisor.h"
#include <mpi.h>

/* Rank 0 to another: a specification (taken over, whatever happens). It is on its way when this returns, for
 * the other may be busy writing. LETTER: one for each rank, zeroed before its first; keeps the text until it
 * has arrived. */
typedef struct fp_letter {
    char *text; /* NULL: nothing is on its way */
    MPI_Request request;
} fp_letter;
void fp_wire_send_work(MPI_Comm comm, int rank, char *specification, fp_letter *letter);
/* Waits until it has arrived. */
void fp_wire_end_letter(fp_letter *letter);
/* The same with nothing in it: the other leaves. */
void fp_wire_send_home(MPI_Comm comm, int rank);
/* The next specification in fresh memory (free()), "" to leave, or NULL when none has come. INBOX: of this
 * rank, zeroed at first; holds what is still arriving. */
typedef struct fp_inbox {
    char *text; /* NULL: nothing is arriving */
    MPI_Request request;
} fp_inbox;
char *fp_wire_receive_work(MPI_Comm comm, fp_inbox *inbox);

/* Another rank to rank 0. */
void fp_wire_send_outcome(MPI_Comm comm, const fp_outcome *outcome);
/* 1: an outcome and the rank that it is from; 0: none has come. */
int fp_wire_receive_outcome(MPI_Comm comm, int *rank, fp_outcome *out);

/* Sleeps until the supervisor has news, at most a few milliseconds: longer the longer nothing has happened.
 */
typedef struct fp_patience {
    int milliseconds;
} fp_patience;
void fp_wire_wait(fp_patience *patience, const fp_supervisor *supervisor, int something_happened);

#endif
