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

/* What the file tells at the start of a session, and what follows from it. */
typedef struct fp_beginning {
    unsigned char *probings, *checkpoints, *available;
    fp_provenance_row *probing_rows, *checkpoint_rows;
    int32_t *attempts; /* [probings, then checkpoints] */
    fp_costs *costs;
    size_t *nodes; /* [ranks] */
    size_t n_nodes;
} fp_beginning;

static void beginning_free(fp_beginning *b) {
    free(b->probings);
    free(b->checkpoints);
    free(b->available);
    free(b->probing_rows);
    free(b->checkpoint_rows);
    free(b->attempts);
    free(b->nodes);
    fp_costs_destroy(b->costs);
}

static void forgive(unsigned char *status, size_t n) {
    for (size_t i = 0; i < n; i++)
        status[i] = status[i] == FP_FAILED ? FP_WAITING : status[i];
}

static int read_beginning(const fp_session *session, fp_store *store, const fp_sweep_options *options,
                          fp_beginning *b, fp_error *error) {
    const fp_plan *plan = session->plan;
    size_t probings = plan->n_probings, checkpoints = plan->layout.n_checkpoints;
    b->probings = fp_alloc(probings, 1, "status", error);
    b->checkpoints = fp_alloc(checkpoints, 1, "status", error);
    b->probing_rows = fp_alloc(probings, sizeof *b->probing_rows, "provenance", error);
    b->checkpoint_rows = fp_alloc(checkpoints, sizeof *b->checkpoint_rows, "provenance", error);
    b->attempts = fp_alloc(probings + checkpoints, sizeof *b->attempts, "attempts", error);
    b->available = fp_session_available(plan, error);
    b->costs = fp_costs_create(plan, error);
    if (!b->probings || !b->checkpoints || !b->probing_rows || !b->checkpoint_rows || !b->attempts ||
        !b->available || !b->costs ||
        fp_session_probings(plan, store, b->probings, b->probing_rows, error) < 0 ||
        fp_store_read_checkpoint_status(store, b->checkpoints, b->checkpoint_rows, error) < 0)
        return -1;
    fp_costs_learn_history(b->costs, b->probings, b->probing_rows, b->checkpoints, b->checkpoint_rows);
    for (size_t i = 0; i < probings; i++)
        b->attempts[i] = b->probing_rows[i].attempts;
    for (size_t i = 0; i < checkpoints; i++)
        b->attempts[probings + i] = b->checkpoint_rows[i].attempts;
    if (options->retry_failed) {
        forgive(b->probings, probings);
        forgive(b->checkpoints, checkpoints);
    }
    return 0;
}

static fp_schedule *make_schedule(const fp_session *session, const fp_beginning *b, fp_error *error) {
    const fp_grid_limits *limits = &session->grid->limits;
    fp_schedule_start start = {.probings = b->probings,
                               .checkpoints = b->checkpoints,
                               .available = b->available,
                               .attempts = limits->attempts,
                               .nodes = b->n_nodes,
                               .node_memory = limits->node_memory,
                               .costs = b->costs};
    return fp_schedule_create(session->plan, &start, error);
}

static void say(const fp_sweep_options *options, char *text) {
    if (text && options->message)
        options->message(options->context, text);
    free(text);
}

/* A grid that changed: what is no longer in it is not lost. A file that was damaged: what was in there comes
 * again. */
static void say_what_became_of_the_file(const fp_session *session, const fp_sweep_options *options) {
    if (session->salvaged)
        say(options,
            fp_format(NULL,
                      "the structure of the result file was damaged: %zu finished units were recovered from "
                      "it, the rest is computed again; the damaged file stays beside it (.damaged)",
                      session->kept));
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

/* Collective: the host names of all ranks, on rank 0 (free()); NULL elsewhere, or without memory. */
static char *gather_hosts(MPI_Comm comm, fp_error *error) {
    int rank, size;
    char host[FP_NAME] = "";
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    gethostname(host, sizeof host - 1);
    char *all = rank == 0 ? fp_alloc((size_t)size, FP_NAME, "host names", error) : NULL;
    int ready = all_ready(rank != 0 || all, comm);
    if (ready)
        MPI_Gather(host, FP_NAME, MPI_CHAR, all, FP_NAME, MPI_CHAR, 0, comm);
    return all;
}

/* Numbers the nodes that ranks are on. */
static int number_nodes(const char *hosts, int ranks, fp_beginning *b, fp_error *error) {
    b->nodes = fp_alloc((size_t)ranks, sizeof *b->nodes, "nodes", error);
    for (int r = 0; b->nodes && r < ranks; r++) {
        int same = 0;
        while (strcmp(hosts + (size_t)same * FP_NAME, hosts + (size_t)r * FP_NAME) != 0)
            same++;
        b->nodes[r] = same < r ? b->nodes[same] : b->n_nodes++;
    }
    return b->nodes ? 0 : -1;
}

static fp_supervisor *make_supervisor(fp_starter *starter, fp_store *store, const fp_provenance_row *self,
                                      const fp_sweep_options *options, fp_error *error) {
    fp_rank_log *log = options->rank_logs ? fp_rank_log_open(options->rank_logs, self->rank, error) : NULL;
    if (options->rank_logs && !log)
        return NULL;
    fp_supervisor *supervisor = fp_supervisor_create(starter, store, self, error);
    if (supervisor)
        fp_supervisor_keep_log(supervisor, log);
    else
        fp_rank_log_close(log);
    return supervisor;
}

static fp_lead_work begin_work(const fp_session *session, fp_store *store, const fp_sweep_options *options,
                               const fp_provenance_row *self, MPI_Comm comm) {
    fp_lead_work work = {.plan = session->plan,
                         .store = store,
                         .options = options,
                         .lock = session->lock,
                         .file = session->grid->output,
                         .comm = comm};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    work.progress.incarnation = session->incarnation;
    work.progress.started = (double)now.tv_sec;
    MPI_Comm_size(comm, &work.progress.ranks);
    memcpy(work.progress.host, self->host, sizeof self->host);
    memcpy(work.progress.job, self->job, sizeof self->job);
    return work;
}

/* Rank 0, with the file open: the sweep itself. */
static int lead(const fp_session *session, fp_store *store, const fp_sweep_options *options,
                fp_starter *starter, MPI_Comm comm, fp_sweep_outcome *outcome, fp_error *error) {
    fp_provenance_row self = rank_row(comm, session->incarnation);
    fp_lead_work work = begin_work(session, store, options, &self, comm);
    fp_beginning b = {0};
    char *hosts = gather_hosts(comm, error);
    say_what_became_of_the_file(session, options);
    say_what_was_cut(session, options);
    if (hosts && number_nodes(hosts, work.progress.ranks, &b, error) == 0 &&
        read_beginning(session, store, options, &b, error) == 0)
        work.schedule = make_schedule(session, &b, error);
    work.nodes = b.nodes;
    work.attempts = b.attempts;
    work.supervisor = work.schedule ? make_supervisor(starter, store, &self, options, error) : NULL;
    int ready = all_ready(work.supervisor != NULL, comm);
    if (!ready && work.supervisor)
        fp_fail(error, "another rank could not start; its message says why");
    int rc = ready ? fp_lead(&work, outcome, error) : -1;
    fp_supervisor_destroy(work.supervisor);
    fp_schedule_destroy(work.schedule);
    beginning_free(&b);
    free(hosts);
    return rc;
}

static int follow(fp_store *store, const fp_opening *opening, const fp_sweep_options *options,
                  fp_starter *starter, MPI_Comm comm, fp_error *error) {
    fp_provenance_row self = rank_row(comm, opening->incarnation);
    gather_hosts(comm, error);
    fp_supervisor *supervisor = make_supervisor(starter, store, &self, options, error);
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
    fp_session_remove_leftovers(session->plan);
    for (size_t i = 0; i < session->plan->layout.n_runs; i++) {
        char *folder = fp_place_run(session->plan, i, NULL);
        char *state = folder ? fp_path_join(folder, "state.safetensors", NULL) : NULL;
        char *losses = state ? fp_format(NULL, "%s.losses", state) : NULL;
        if (losses) {
            unlink(state);
            unlink(losses);
        }
        if (folder && grid->keep == FP_KEEP_NONE)
            remove_with_parents(folder, grid->checkpoints);
        free(losses);
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
    int trouble[2] = {rc < 0, 0}, any[2]; /* a rank that could not go on; a file that did not take its data */
    trouble[1] = fp_store_close(store, rc == 0 ? error : NULL) < 0;
    MPI_Allreduce(trouble, any, 2, MPI_INT, MPI_MAX, comm);
    int code = (int)outcome;
    MPI_Bcast(&code, 1, MPI_INT, 0, comm);
    outcome = (fp_sweep_outcome)code;
    if (any[1] && outcome != FP_SWEEP_REFUSED)
        outcome = FP_SWEEP_BROKEN;
    else if (any[0] && outcome != FP_SWEEP_REFUSED && outcome != FP_SWEEP_BROKEN)
        outcome = FP_SWEEP_INTERRUPTED;
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
