#include "fineprobe/sweep.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "places.h"
#include "ranks.h"
#include "session.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What every rank must know before it can open the result file. */
typedef struct fp_opening {
    int ok, busy;
    int64_t incarnation;
    char file[4096];
    fp_error error;
} fp_opening;

static fp_provenance_row rank_row(MPI_Comm comm, int64_t incarnation) {
    fp_provenance_row row = {.incarnation = incarnation};
    char host[FP_NAME] = "";
    const char *job = getenv("SLURM_JOB_ID");
    MPI_Comm_rank(comm, &row.rank);
    if (gethostname(host, sizeof host - 1) == 0)
        fp_copy_text(row.host, sizeof row.host, host);
    fp_copy_text(row.job, sizeof row.job, job ? job : "");
    return row;
}

static fp_schedule *make_schedule(const fp_session *session, fp_store *store, const fp_sweep_options *options,
                                  fp_error *error) {
    const fp_layout *layout = &session->plan->layout;
    unsigned char *units = fp_alloc(layout->n_units, 1, "status", error);
    unsigned char *checkpoints = fp_alloc(layout->n_checkpoints, 1, "status", error);
    unsigned char *available = fp_session_available(session->plan, error);
    fp_schedule *schedule = NULL;
    if (units && checkpoints && available && fp_store_read_status(store, units, checkpoints, error) == 0) {
        for (size_t i = 0; options->retry_failed && i < layout->n_units; i++)
            units[i] = units[i] == FP_FAILED ? FP_WAITING : units[i];
        for (size_t i = 0; options->retry_failed && i < layout->n_checkpoints; i++)
            checkpoints[i] = checkpoints[i] == FP_FAILED ? FP_WAITING : checkpoints[i];
        fp_schedule_start start = {units, checkpoints, available, 2};
        schedule = fp_schedule_create(session->plan, &start, error);
    }
    free(units);
    free(checkpoints);
    free(available);
    return schedule;
}

static void say(const fp_sweep_options *options, char *text) {
    if (text && options->message)
        options->message(options->context, text);
    free(text);
}

/* A grid that changed: what is no longer in it is not lost. A file that was damaged: what was in there comes
 * again. */
static void say_what_became_of_the_file(const fp_session *session, const fp_sweep_options *options) {
    if (session->damaged)
        say(options,
            fp_format(NULL, "the result file was damaged in %zu place%s; what that touched is computed again",
                      session->damaged, session->damaged == 1 ? "" : "s"));
    if (session->left_behind)
        say(options,
            fp_format(NULL, "the grid has changed: %zu finished units are no longer in it, they stay in %s",
                      session->left_behind, session->old_file));
}

/* What the models' position limits took away is said, not only stored. */
static void say_what_was_cut(const fp_session *session, const fp_sweep_options *options) {
    const fp_layout *layout = &session->plan->layout;
    for (size_t i = 0; i < layout->n_data; i++) {
        const fp_data_row *row = &layout->data[i];
        if (row->cut_sentences > 0)
            say(options, fp_format(NULL,
                                   "%s reads %s (%s): %d sentences are longer than its positions and were "
                                   "cut, %d words and %d instances fell away",
                                   row->model, row->task, row->split, row->cut_sentences, row->cut_words,
                                   row->cut_instances));
    }
}

static int all_ready(int ready, MPI_Comm comm) {
    int all;
    MPI_Allreduce(&ready, &all, 1, MPI_INT, MPI_MIN, comm);
    return all;
}

/* Rank 0, with the file open: the sweep itself. */
static int lead(const fp_session *session, fp_store *store, const fp_sweep_options *options,
                fp_starter *starter, MPI_Comm comm, fp_sweep_outcome *outcome, fp_error *error) {
    fp_provenance_row self = rank_row(comm, session->incarnation);
    fp_lead_work work = {.plan = session->plan,
                         .store = store,
                         .options = options,
                         .file = session->grid->output,
                         .comm = comm};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    work.progress.incarnation = session->incarnation;
    work.progress.started = (double)now.tv_sec;
    MPI_Comm_size(comm, &work.progress.ranks);
    memcpy(work.progress.host, self.host, sizeof self.host);
    memcpy(work.progress.job, self.job, sizeof self.job);
    say_what_became_of_the_file(session, options);
    say_what_was_cut(session, options);
    work.schedule = make_schedule(session, store, options, error);
    work.supervisor = work.schedule ? fp_supervisor_create(starter, store, &self, error) : NULL;
    int ready = all_ready(work.supervisor != NULL, comm);
    if (!ready && work.supervisor)
        fp_fail(error, "another rank could not start; its message says why");
    int rc = ready ? fp_lead(&work, outcome, error) : -1;
    fp_supervisor_destroy(work.supervisor);
    fp_schedule_destroy(work.schedule);
    return rc;
}

static int follow(fp_store *store, const fp_opening *opening, const fp_sweep_options *options,
                  fp_starter *starter, MPI_Comm comm, fp_error *error) {
    fp_provenance_row self = rank_row(comm, opening->incarnation);
    fp_supervisor *supervisor = fp_supervisor_create(starter, store, &self, error);
    int ready = all_ready(supervisor != NULL, comm);
    if (!ready && supervisor)
        fp_fail(error, "another rank could not start; its message says why");
    int rc = ready ? fp_follow(supervisor, comm, options->stop, error) : -1;
    fp_supervisor_destroy(supervisor);
    return rc;
}

/* Removes FOLDER, and those above it up to TOP as far as they are empty. */
static void remove_with_parents(char *folder, const char *top) {
    fp_folder_remove(folder, NULL);
    for (char *slash = strrchr(folder, '/'); slash && strlen(folder) > strlen(top);
         slash = strrchr(folder, '/')) {
        *slash = '\0';
        if (rmdir(folder) < 0)
            return;
    }
}

/* After a complete sweep: scratch, the states of the runs, and with keep: none the runs' folders. Folders
 * that the user named go only when nothing is left in them. */
static void clean_up(const fp_session *session) {
    const fp_grid *grid = session->grid;
    char *scratch = fp_place_scratch(grid, NULL);
    if (scratch)
        fp_folder_remove(scratch, NULL);
    free(scratch);
    rmdir(grid->scratch);
    for (size_t i = 0; i < session->plan->layout.n_runs; i++) {
        char *folder = fp_place_run(session->plan, i, NULL);
        char *state = folder ? fp_path_join(folder, "state.safetensors", NULL) : NULL;
        if (state)
            unlink(state);
        if (folder && grid->keep == FP_KEEP_NONE)
            remove_with_parents(folder, grid->checkpoints);
        free(state);
        free(folder);
    }
}

static fp_sweep_outcome carry_out(int rank, const fp_session *session, const fp_opening *opening,
                                  const fp_sweep_options *options, fp_starter *starter, MPI_Comm comm,
                                  fp_error *error) {
    fp_sweep_outcome outcome = FP_SWEEP_REFUSED;
    fp_store *store = fp_store_open(opening->file, comm, error);
    if (!store)
        return FP_SWEEP_REFUSED;
    int rc = rank == 0 ? lead(session, store, options, starter, comm, &outcome, error)
                       : follow(store, opening, options, starter, comm, error);
    if (fp_store_close(store, rc == 0 ? error : NULL) < 0)
        rc = -1;
    int failed = rc < 0, any;
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, comm);
    int code = (int)outcome;
    MPI_Bcast(&code, 1, MPI_INT, 0, comm);
    outcome = any && code != FP_SWEEP_REFUSED ? FP_SWEEP_INTERRUPTED : (fp_sweep_outcome)code;
    if (rank == 0 && outcome == FP_SWEEP_COMPLETE)
        clean_up(session);
    return outcome;
}

fp_sweep_outcome fp_sweep_run(const char *path, const fp_sweep_options *options, fp_starter *starter,
                              MPI_Comm comm, fp_problems *problems, fp_error *error) {
    int rank;
    fp_session session = {0};
    fp_opening *opening = fp_alloc(1, sizeof *opening, "the opening", error);
    MPI_Comm_rank(comm, &rank);
    if (!opening) {
        MPI_Abort(comm, 1); /* no memory for 6 KB: nothing can be agreed on */
        return FP_SWEEP_REFUSED;
    }
    if (rank == 0) {
        opening->ok = fp_session_prepare(path, options, &session, problems, &opening->error) == 0;
        opening->busy = session.busy;
        opening->incarnation = session.incarnation;
        if (opening->ok && strlen(session.grid->output) >= sizeof opening->file)
            opening->ok = fp_fail(&opening->error, "the result file's path is too long") == 0;
        if (opening->ok)
            fp_copy_text(opening->file, sizeof opening->file, session.grid->output);
    }
    MPI_Bcast(opening, (int)sizeof *opening, MPI_BYTE, 0, comm);
    fp_sweep_outcome outcome = opening->busy ? FP_SWEEP_BUSY : FP_SWEEP_REFUSED;
    if (opening->ok)
        outcome = carry_out(rank, &session, opening, options, starter, comm, error);
    else
        *error = opening->error;
    fp_session_free(&session);
    free(opening);
    return outcome;
}
