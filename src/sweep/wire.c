#include "wire.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_WORK = 1, TAG_OUTCOME = 2, LONGEST_WAIT = 10 };

/* NOLINTBEGIN(clang-analyzer-optin.mpi.MPI-Checker): a message begins in one call and ends in another */

void fp_wire_end_letter(fp_letter *letter) {
    if (letter->text)
        MPI_Wait(&letter->request, MPI_STATUS_IGNORE);
    free(letter->text);
    letter->text = NULL;
}

void fp_wire_send_work(MPI_Comm comm, int rank, char *specification, fp_letter *letter) {
    fp_wire_end_letter(letter); /* it has answered the last one: no wait */
    letter->text = specification;
    MPI_Isend(specification, (int)strlen(specification), MPI_CHAR, rank, TAG_WORK, comm, &letter->request);
}

void fp_wire_send_home(MPI_Comm comm, int rank) {
    MPI_Send("", 0, MPI_CHAR, rank, TAG_WORK, comm);
}

/* 1: something arrives. A message for which there is no memory stays where it is: the next look may find
 * some. */
static int begin_to_receive(MPI_Comm comm, fp_inbox *inbox) {
    int there, length;
    MPI_Status status;
    MPI_Iprobe(0, TAG_WORK, comm, &there, &status);
    if (!there)
        return 0;
    MPI_Get_count(&status, MPI_CHAR, &length);
    inbox->text = calloc((size_t)length + 1, 1);
    if (!inbox->text)
        return 0;
    MPI_Irecv(inbox->text, length, MPI_CHAR, 0, TAG_WORK, comm, &inbox->request);
    return 1;
}

char *fp_wire_receive_work(MPI_Comm comm, fp_inbox *inbox) {
    int arrived = 0;
    if (inbox->text || begin_to_receive(comm, inbox))
        MPI_Test(&inbox->request, &arrived, MPI_STATUS_IGNORE);
    if (!arrived)
        return NULL;
    char *text = inbox->text;
    inbox->text = NULL;
    return text;
}

/* NOLINTEND(clang-analyzer-optin.mpi.MPI-Checker) */

void fp_wire_send_outcome(MPI_Comm comm, const fp_outcome *outcome) {
    MPI_Send(outcome, (int)sizeof *outcome, MPI_BYTE, 0, TAG_OUTCOME, comm);
}

int fp_wire_receive_outcome(MPI_Comm comm, int *rank, fp_outcome *out) {
    int there;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, TAG_OUTCOME, comm, &there, &status);
    if (!there)
        return 0;
    *rank = status.MPI_SOURCE;
    MPI_Recv(out, (int)sizeof *out, MPI_BYTE, *rank, TAG_OUTCOME, comm, MPI_STATUS_IGNORE);
    return 1;
}

void fp_wire_wait(fp_patience *patience, const fp_supervisor *supervisor, int something_happened) {
    if (something_happened) {
        patience->milliseconds = 0;
        return;
    }
    patience->milliseconds = patience->milliseconds ? 2 * patience->milliseconds : 1;
    if (patience->milliseconds > LONGEST_WAIT)
        patience->milliseconds = LONGEST_WAIT;
    int fds[2], n = fp_supervisor_descriptors(supervisor, fds);
    struct pollfd watched[2];
    for (int i = 0; i < n; i++)
        watched[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    poll(watched, (nfds_t)n, patience->milliseconds);
}
