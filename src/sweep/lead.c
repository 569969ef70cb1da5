#include "ranks.h"

#include "derive.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "places.h"
#include "wire.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What rank 0 knows of one rank. */
typedef struct fp_hand {
    int busy, gone;
    fp_assignment piece;
    double share,
        credited; /* SHARE of the piece is done; seconds of it that the schedule has counted already */
} fp_hand;

typedef struct fp_leader {
    fp_lead_work *work;
    int ranks;
    fp_hand *hands;
    int stopping, underived;
    double started, last_state, last_pulse;
} fp_leader;

static double clock_seconds(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void say(const fp_leader *l, const char *text) {
    if (l->work->options->message)
        l->work->options->message(l->work->options->context, text);
}

/* ---- the state of things ---- */

static fp_sweep_state state_of(const fp_leader *l, int over) {
    fp_schedule_counts c = fp_schedule_count(l->work->schedule);
    double done = c.seconds_done;
    for (int r = 0; r < l->ranks; r++)
        if (l->hands[r].busy)
            done += fmax(l->hands[r].share * l->hands[r].piece.seconds - l->hands[r].credited, 0);
    double share = c.seconds_total > 0 ? fmin(done / c.seconds_total, 1) : 1;
    double elapsed = clock_seconds(CLOCK_MONOTONIC) - l->started;
    return (fp_sweep_state){.file = l->work->file,
                            .ranks = l->ranks,
                            .units = c.units,
                            .units_kept = c.units_kept,
                            .units_done = c.units_done,
                            .units_failed = c.units_failed,
                            .checkpoints = c.checkpoints,
                            .checkpoints_done = c.checkpoints_done,
                            .checkpoints_failed = c.checkpoints_failed,
                            .running = c.running,
                            .elapsed = elapsed,
                            .share = share,
                            .remaining = share > 0.01 ? elapsed * (1 - share) / share : NAN,
                            .over = over};
}

static void pulse(fp_leader *l, int over) {
    double now = clock_seconds(CLOCK_MONOTONIC), wall = clock_seconds(CLOCK_REALTIME);
    const fp_sweep_options *options = l->work->options;
    if (options->state && (over || now - l->last_state >= 0.2)) {
        fp_sweep_state state = state_of(l, over);
        options->state(options->context, &state);
        l->last_state = now;
    }
    if (over || now - l->last_pulse >= 5) {
        fp_sweep_state state = state_of(l, over);
        fp_schedule_counts counts = fp_schedule_count(l->work->schedule);
        fp_progress_row *row = &l->work->progress;
        row->heartbeat = wall;
        row->expected_end = isnan(state.remaining) ? 0 : wall + state.remaining;
        row->work_done = counts.seconds_done;
        row->work_total = counts.seconds_total;
        row->finished = fp_schedule_over(l->work->schedule) ? FP_SWEEP_ENDED
                        : over                              ? FP_SWEEP_STOPPED
                                                            : FP_SWEEP_GOES_ON;
        fp_store_write_progress(l->work->store, row, NULL); /* a pulse that fails harms nothing */
        l->last_pulse = now;
    }
}

/* ---- consequences ---- */

static void remove_vectors(const fp_leader *l, size_t i) {
    char *path = fp_place_vectors(l->work->plan, i, NULL);
    if (path)
        fp_folder_remove(path, NULL);
    free(path);
}

/* A checkpoint is embedded: its folder goes, unless the grid keeps it. A run's last leaves without the run's
 * state. */
static void remove_checkpoint(const fp_leader *l, size_t c) {
    const fp_plan *plan = l->work->plan;
    const fp_plan_run *run = &plan->runs[plan->layout.checkpoints[c].run];
    int last = c + 1 == run->first_checkpoint + run->n_checkpoints;
    fp_keep keep = plan->grid->keep;
    if (keep == FP_KEEP_ALL || (keep == FP_KEEP_LAST && last))
        return;
    char *path = fp_place_checkpoint(plan, c, NULL);
    char *gone = path ? fp_format(NULL, "%s.gone", path) : NULL;
    if (gone &&
        rename(path, gone) == 0) /* never a folder with a part of its files under a checkpoint's name */
        fp_folder_remove(gone, NULL);
    free(gone);
    free(path);
}

/* A piece of work that failed; its unit's row gives the reason alone, others name the piece as well. */
typedef struct fp_cause {
    const fp_assignment *piece;
    int rank;
    const char *what, *why;
} fp_cause;

static fp_provenance_row failure_row(const fp_cause *cause, const fp_consequence *c) {
    fp_provenance_row row = {.rank = -1, .message = "what it depends on failed in an earlier session"};
    if (!cause)
        return row;
    int own =
        c->kind == FP_FAIL_UNIT && cause->piece->kind == FP_PIECE_PROBE && cause->piece->index == c->index;
    row.rank = cause->rank;
    snprintf(row.message, sizeof row.message, "%s%s%s", own ? "" : cause->what, own ? "" : ": ", cause->why);
    return row;
}

/* CAUSE: what failed; NULL when nothing did. */
static void take_consequences(const fp_leader *l, const fp_cause *cause) {
    fp_consequence c;
    while (fp_schedule_consequence(l->work->schedule, &c)) {
        fp_provenance_row row = failure_row(cause, &c);
        if (c.kind == FP_REMOVE_VECTORS)
            remove_vectors(l, c.index);
        else if (c.kind == FP_REMOVE_CHECKPOINT)
            remove_checkpoint(l, c.index);
        else if (c.kind == FP_FAIL_UNIT)
            fp_store_mark_unit(l->work->store, c.index, FP_FAILED, &row, NULL);
        else
            fp_store_mark_checkpoint(l->work->store, c.index, FP_FAILED, &row, NULL);
    }
}

/* ---- handing out, taking in ---- */

/* What a piece is, in words. */
static void describe(const fp_plan *plan, const fp_assignment *piece, char out[256]) {
    const fp_layout *layout = &plan->layout;
    if (piece->kind == FP_PIECE_FINETUNE) {
        const fp_run_row *run = &layout->runs[piece->index];
        snprintf(out, 256, "fine-tuning %s on %s (seed %lld)", run->model, run->task, (long long)run->seed);
        return;
    }
    size_t representation =
        piece->kind == FP_PIECE_EMBED ? piece->index : plan->units[piece->index].representation;
    const fp_plan_representation *r = &plan->representations[representation];
    const fp_checkpoint_row *checkpoint = &layout->checkpoints[r->checkpoint];
    const char *on = checkpoint->finetuned_on;
    int n = snprintf(out, 256, "%s %s at %s%s%s, step %d",
                     piece->kind == FP_PIECE_EMBED ? "embedding" : "probing", layout->tasks[r->task].name,
                     checkpoint->model, *on ? "/" : "", on, checkpoint->step);
    if (piece->kind == FP_PIECE_PROBE && n > 0 && n < 256)
        snprintf(out + n, (size_t)(256 - n), ", layer %d", layout->units[piece->index].layer);
}

static void piece_ended(fp_leader *l, int rank, const fp_outcome *outcome) {
    fp_hand *hand = &l->hands[rank];
    char what[256], text[256 + FP_MESSAGE + 64];
    const fp_cause cause = {&hand->piece, rank, what, outcome->message};
    int failed = outcome->kind == FP_OUTCOME_FAILED;
    hand->busy = 0;
    if (failed) {
        describe(l->work->plan, &hand->piece, what);
        snprintf(text, sizeof text, "%s failed on rank %d: %s", what, rank, outcome->message);
        say(l, text);
    }
    fp_schedule_ended(l->work->schedule, &hand->piece, !failed);
    take_consequences(l, failed ? &cause : NULL);
}

static void take_outcome(fp_leader *l, int rank, const fp_outcome *outcome) {
    fp_hand *hand = &l->hands[rank];
    if (outcome->kind == FP_OUTCOME_PROGRESS) {
        hand->share = outcome->share;
    } else if (outcome->kind == FP_OUTCOME_CHECKPOINT) {
        double before = fp_schedule_count(l->work->schedule).seconds_done;
        fp_schedule_checkpoint(l->work->schedule, (size_t)outcome->checkpoint);
        hand->credited += fp_schedule_count(l->work->schedule).seconds_done - before;
    } else if (outcome->kind == FP_OUTCOME_STOP) {
        l->stopping = 1;
    } else if (outcome->kind == FP_OUTCOME_GOODBYE) {
        hand->gone = 1;
    } else if (hand->busy) {
        piece_ended(l, rank, outcome);
    }
    take_consequences(l, NULL);
}

/* 1: RANK has got something to do. */
static int give(fp_leader *l, int rank) {
    fp_hand *hand = &l->hands[rank];
    fp_error error = {0};
    if (hand->busy || !fp_schedule_next(l->work->schedule, &hand->piece))
        return 0;
    hand->busy = 1;
    hand->share = hand->credited = 0;
    char *text = fp_place_specify(l->work->plan, &hand->piece, &error);
    if (!text) {
        fp_outcome outcome = {.kind = FP_OUTCOME_FAILED};
        fp_copy_text(outcome.message, sizeof outcome.message, error.text);
        take_outcome(l, rank, &outcome);
    } else if (rank == 0) {
        fp_supervisor_start(l->work->supervisor, text);
    } else {
        fp_wire_send_work(l->work->comm, rank, text);
    }
    free(text);
    return 1;
}

/* One look at everything; 1 when something happened, -1 when this rank cannot go on. */
static int turn(fp_leader *l, fp_error *error) {
    fp_outcome outcome;
    int rank, happened = 0, news;
    while (fp_wire_receive_outcome(l->work->comm, &rank, &outcome)) {
        take_outcome(l, rank, &outcome);
        happened = 1;
    }
    while ((news = fp_supervisor_poll(l->work->supervisor, &outcome, error)) > 0) {
        take_outcome(l, 0, &outcome);
        happened = 1;
    }
    if (news < 0)
        return -1;
    if (l->work->options->stop && *l->work->options->stop)
        l->stopping = 1;
    for (int r = l->ranks - 1; r >= 0 && !l->stopping; r--) /* rank 0 last: it has the others to look after */
        happened |= give(l, r);
    return happened;
}

static void send_home(fp_leader *l) {
    fp_patience patience = {0};
    fp_supervisor_stop(l->work->supervisor);
    for (int r = 1; r < l->ranks; r++)
        fp_wire_send_work(l->work->comm, r, "");
    for (int left = l->ranks - 1; left > 0;) {
        fp_outcome outcome;
        int rank, there = fp_wire_receive_outcome(l->work->comm, &rank, &outcome);
        if (there && outcome.kind == FP_OUTCOME_GOODBYE)
            left--;
        fp_wire_wait(&patience, l->work->supervisor, there);
    }
}

/* Room for the hands; a failure ends the sweep, but the others must still be sent home. */
static int lead_to_end(fp_leader *l, fp_error *error) {
    fp_patience patience = {0};
    l->started = clock_seconds(CLOCK_MONOTONIC);
    take_consequences(l, NULL);
    while (!fp_schedule_over(l->work->schedule) && !l->stopping) {
        int happened = turn(l, error);
        if (happened < 0)
            return -1;
        pulse(l, 0);
        fp_wire_wait(&patience, l->work->supervisor, happened);
    }
    if (!l->stopping && fp_derive(l->work->plan, l->work->store, error) < 0) {
        say(l, error->text); /* every unit is there; only what compares them is not */
        l->underived = 1;
    }
    pulse(l, 1);
    return 0;
}

int fp_lead(fp_lead_work *work, fp_sweep_outcome *outcome, fp_error *error) {
    fp_leader l = {.work = work};
    MPI_Comm_size(work->comm, &l.ranks);
    l.hands = fp_alloc((size_t)l.ranks, sizeof *l.hands, "ranks", error);
    int rc = l.hands ? lead_to_end(&l, error) : -1;
    send_home(&l);
    fp_schedule_counts counts = fp_schedule_count(work->schedule);
    *outcome = l.stopping                                                        ? FP_SWEEP_INTERRUPTED
               : counts.units_failed || counts.checkpoints_failed || l.underived ? FP_SWEEP_FAILURES
                                                                                 : FP_SWEEP_COMPLETE;
    free(l.hands);
    return rc;
}
