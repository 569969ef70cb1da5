#include "ranks.h"
#include "wire.h"

#include <stdlib.h>
#include <time.h>

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The piece that runs is asked to stop, and killed when that takes too long; what it hands in is passed on.
 */
static void end_piece(fp_supervisor *supervisor, MPI_Comm comm) {
    fp_patience patience = {0};
    double until = seconds() + FP_GRACE;
    fp_supervisor_ask(supervisor);
    while (fp_supervisor_busy(supervisor)) {
        fp_outcome outcome;
        int news = fp_supervisor_poll(supervisor, &outcome, NULL);
        if (news > 0)
            fp_wire_send_outcome(comm, &outcome);
        if (news < 0 || seconds() > until)
            fp_supervisor_stop(supervisor);
        fp_wire_wait(&patience, supervisor, news > 0);
    }
}

int fp_follow(fp_supervisor *supervisor, MPI_Comm comm, volatile int *stop, fp_error *error) {
    fp_patience patience = {0};
    fp_inbox inbox = {0};
    int told = 0, rc = 0;
    for (;;) {
        fp_outcome outcome;
        int happened = 0;
        char *work = fp_wire_receive_work(comm, &inbox);
        if (work && !work[0]) {
            free(work);
            break;
        }
        if (work) {
            fp_supervisor_start(supervisor, work);
            free(work);
            happened = 1;
        }
        int news = rc == 0 ? fp_supervisor_poll(supervisor, &outcome, error) : 0;
        if (news > 0)
            fp_wire_send_outcome(comm, &outcome);
        if (news < 0)
            rc = -1; /* this rank has lost its starter: it asks for the end, and waits to be sent home */
        if (!told && (rc < 0 || (stop && *stop))) {
            fp_wire_send_outcome(comm, &(fp_outcome){.kind = FP_OUTCOME_STOP});
            told = 1;
        }
        fp_wire_wait(&patience, supervisor, happened || news > 0);
    }
    end_piece(supervisor, comm);
    fp_wire_send_outcome(comm, &(fp_outcome){.kind = FP_OUTCOME_GOODBYE});
    return rc;
}
