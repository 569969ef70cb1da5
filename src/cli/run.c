#include "command.h"

#include "fineprobe/sweep.h"
#include "progress.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "Usage: fineprobe run [OPTION]... GRID.yaml\n"
    "       mpirun -n N fineprobe run [OPTION]... GRID.yaml\n"
    "       srun fineprobe run [OPTION]... GRID.yaml\n"
    "\n"
    "Carries out the sweep that GRID.yaml describes, or goes on with it: what the result file\n"
    "already holds, and what still has the same model, data and settings, is kept.\n"
    "\n"
    "Options:\n"
    "  -o, --output=FILE    the result file (default: the grid's output, else results/NAME.h5);\n"
    "                       scratch and checkpoints go beside it\n"
    "      --models=LIST    only these models of the grid, names with commas between: a part of\n"
    "                       the grid, with a result file of its own\n"
    "      --retry-failed   try units again that failed in an earlier session\n"
    "      --rank-logs=DIR  every rank keeps a log of its pieces of work in DIR\n"
    "  -q, --quiet          no progress; only what went wrong, and the summary\n"
    "      --help           this text\n"
    "\n"
    "The numbers are the same, bit for bit, for any number of ranks and interruptions on one\n"
    "type of processor. SIGTERM, SIGINT or SIGUSR1 to any rank end the sweep with everything\n"
    "saved and exit code 75; the same command goes on. Another one, two seconds later or more,\n"
    "ends it at once.\n"
    "\n"
    "One sweep at a time writes a result file; FILE.lock says which. What a sweep that is gone has\n"
    "left is taken over when that is certain: on its own host, and when its Slurm job is started\n"
    "again. FINEPROBE_GONE_JOB=ID in the environment says that the job ID has ended.\n"
    "\n"
    "Exit codes: 0 every unit done; 1 some failed; 2 wrong options or grid; 73 another sweep\n"
    "writes the result file; 75 run it again.\n"
    "\n"
    "Example:\n"
    "  mpirun -n 2 fineprobe run -o results/demo.h5 experiments/demo.yaml\n";

static volatile int stop_wanted;

/* Batch systems and mpirun both pass a signal on, so that one may come twice; a second one that is meant
 * comes later. */
static void on_signal(int signal) {
    static struct timespec first;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!stop_wanted)
        first = now;
    else if (now.tv_sec - first.tv_sec >= 2)
        _exit(128 + signal);
    stop_wanted = 1;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

static int summarise(fp_sweep_outcome outcome, const fp_sweep_state *last) {
    char elapsed[32];
    switch (outcome) {
    case FP_SWEEP_COMPLETE:
        printf("%s: every one of %zu units done (%zu kept) in %s on %d rank%s\n", last->file, last->units,
               last->units_kept, fp_duration(last->elapsed, elapsed), last->ranks,
               last->ranks == 1 ? "" : "s");
        return FP_EXIT_OK;
    case FP_SWEEP_FAILURES:
        printf(
            "%s: %zu of %zu units done, %zu failed; 'fineprobe status %s' says why, --retry-failed tries "
            "again\n",
            last->file, last->units_kept + last->units_done, last->units, last->units_failed, last->file);
        return FP_EXIT_FAILED;
    case FP_SWEEP_INTERRUPTED:
        printf("%s: stopped with %zu of %zu units done; the same command goes on\n", last->file,
               last->units_kept + last->units_done, last->units);
        return FP_EXIT_RESUME;
    case FP_SWEEP_BUSY:
        return FP_EXIT_BUSY;
    case FP_SWEEP_BROKEN:
        printf("%s: broken off with %zu of %zu units done\n", last->file, last->units_kept + last->units_done,
               last->units);
        return FP_EXIT_FAILED;
    case FP_SWEEP_REFUSED:
        break;
    }
    return FP_EXIT_FAILED;
}

/* The view, and the last state for the summary. */
typedef struct fp_watch {
    fp_progress_view view;
    fp_sweep_state last;
    char file[4096];
} fp_watch;

static void watch_state(void *context, const fp_sweep_state *state) {
    fp_watch *watch = context;
    watch->last = *state;
    snprintf(watch->file, sizeof watch->file, "%s", state->file);
    watch->last.file = watch->file;
    fp_progress_show(&watch->view, state);
}

static void watch_message(void *context, const char *text) {
    fp_progress_say(&((fp_watch *)context)->view, text);
}

static int sweep(const char *grid, fp_sweep_options *options, int quiet, fp_starter *starter) {
    int rank;
    fp_watch watch = {.view = fp_progress_view_make(quiet)};
    fp_problems problems = {0};
    fp_error error = {0};
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    options->state = watch_state;
    options->message = watch_message;
    options->context = &watch;
    options->stop = &stop_wanted;
    fp_sweep_outcome outcome = fp_sweep_run(grid, options, starter, MPI_COMM_WORLD, &problems, &error);
    int code = FP_EXIT_FAILED;
    if (rank == 0) {
        fp_complain_problems(&problems);
        if (error.text[0] && !problems.count)
            fp_complain(error.text);
        code = problems.count ? FP_EXIT_USAGE : summarise(outcome, &watch.last);
        fflush(stdout);
    } else if (error.text[0] && outcome != FP_SWEEP_REFUSED && outcome != FP_SWEEP_BUSY) {
        fp_complain(error.text);
    }
    fp_problems_free(&problems);
    MPI_Bcast(&code, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return code;
}

static int run(int argc, char **argv) {
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},    {"models", required_argument, NULL, 'm'},
        {"rank-logs", required_argument, NULL, 'l'}, {"retry-failed", no_argument, NULL, 'r'},
        {"quiet", no_argument, NULL, 'q'},           {0}};
    fp_sweep_options wanted = {0};
    int c, code = 0, quiet = 0;
    while ((c = fp_option(&fp_command_run, argc, argv, "o:q", options, &code)) != -1) {
        if (c == -2)
            return code;
        if (c == 'o')
            wanted.output = optarg;
        if (c == 'm')
            wanted.models = optarg;
        if (c == 'l')
            wanted.rank_logs = optarg;
        wanted.retry_failed |= c == 'r';
        quiet |= c == 'q';
    }
    const char *grid = fp_argument(&fp_command_run, argc, argv, "GRID.yaml");
    if (!grid)
        return FP_EXIT_USAGE;
    fp_error error = {0};
    fp_starter *starter = fp_starter_create(&error); /* before MPI_Init: no fork after it */
    if (!starter) {
        fp_complain(error.text);
        return FP_EXIT_FAILED;
    }
    MPI_Init(NULL, NULL);
    catch_signals();
    code = sweep(grid, &wanted, quiet, starter);
    MPI_Finalize();
    fp_starter_destroy(starter);
    return code;
}

const fp_command fp_command_run = {"run", "carry out a sweep, or go on with it", help, run};
