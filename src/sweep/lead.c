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
    int left; /* the piece was asked to stop, and has */
    fp_assignment piece;
    double share;    /* of the piece that is done */
    double credited; /* seconds of it that checkpoints have told of */
    double since;    /* when it was given the piece */
    fp_letter letter;
} fp_hand;

typedef struct fp_leader {
    fp_lead_work *work;
    int ranks;
    fp_hand *hands;
    int stopping, underived;
    const fp_error *broken; /* why the sweep cannot go on; NULL: it can */
    fp_error why;
    double started, last_state, last_pulse;
    double worked; /* seconds that pieces took which are over */
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

/* Seconds of one core that are left, without what running pieces have done. */
static double seconds_left(const fp_leader *l) {
    double left = fp_schedule_left(l->work->schedule);
    for (int r = 0; l->hands && r < l->ranks; r++)
        if (l->hands[r].busy)
            left -= fmax(l->hands[r].share * l->hands[r].piece.seconds - l->hands[r].credited, 0);
    return fmax(left, 0);
}

/* Seconds that ranks have spent on pieces, running ones included. */
static double seconds_worked(const fp_leader *l) {
    double worked = l->worked, now = clock_seconds(CLOCK_MONOTONIC);
    for (int r = 0; l->hands && r < l->ranks; r++)
        if (l->hands[r].busy)
            worked += now - l->hands[r].since;
    return worked;
}

static fp_sweep_state state_of(const fp_leader *l, int over) {
    fp_schedule_counts c = fp_schedule_count(l->work->schedule);
    double elapsed = clock_seconds(CLOCK_MONOTONIC) - l->started;
    double left = seconds_left(l), worked = seconds_worked(l);
    double share = left + worked > 0 ? worked / (left + worked) : 1;
    double remaining = fmax(left / l->ranks, fp_schedule_longest(l->work->schedule));
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
                            .busy = worked,
                            .share = over && !l->stopping ? 1 : share,
                            .remaining = c.ended > 0 ? remaining : NAN,
                            .over = over};
}

/* Nothing more can be done here: l->why says so. */
static void give_up(fp_leader *l) {
    l->broken = &l->why;
    l->stopping = 1;
}

/* Steps of the runs that somebody has in hand, or has saved on the way. */
static int64_t updates_under_way(const fp_leader *l) {
    const fp_layout *layout = &l->work->plan->layout;
    double updates = 0;
    for (int r = 0; l->hands && r < l->ranks; r++) {
        const fp_hand *hand = &l->hands[r];
        if ((hand->busy || hand->left) && hand->piece.kind == FP_PIECE_FINETUNE)
            updates += rint(hand->share * layout->checkpoints[hand->piece.last].step);
    }
    return (int64_t)updates;
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
        fp_progress_row *row = &l->work->progress;
        row->heartbeat = wall;
        row->expected_end = isnan(state.remaining) ? 0 : wall + state.remaining;
        row->updates = updates_under_way(l);
        row->work_done = state.busy;
        row->work_total = state.busy + (over && !l->stopping ? 0 : seconds_left(l));
        row->finished = fp_schedule_over(l->work->schedule) ? FP_SWEEP_ENDED
                        : over                              ? FP_SWEEP_STOPPED
                                                            : FP_SWEEP_GOES_ON;
        fp_store_write_progress(l->work->store, row, NULL); /* a pulse that fails harms nothing */
        l->last_pulse = now;
        if (!l->broken && fp_lock_beat(l->work->lock, &l->why) < 0)
            give_up(l);
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
    const fp_provenance_row *row;
    const char *what, *why;
} fp_cause;

static fp_provenance_row failure_row(const fp_cause *cause, const fp_consequence *c) {
    fp_provenance_row row = {.rank = -1, .message = "what it depends on failed in an earlier session"};
    if (!cause)
        return row;
    int own = c->kind == FP_FAIL_PROBING && cause->piece->kind >= FP_PIECE_PROBE &&
              cause->piece->probing == c->index;
    row = *cause->row;
    snprintf(row.message, sizeof row.message, "%s%s%s", own ? "" : cause->what, own ? "" : ": ", cause->why);
    return row;
}

/* CAUSE: what failed; NULL when nothing did. */
static void take_consequences(const fp_leader *l, const fp_cause *cause) {
    fp_consequence c;
    while (fp_schedule_consequence(l->work->schedule, &c)) {
        fp_provenance_row row = failure_row(cause, &c);
        const fp_plan_probing *probing = &l->work->plan->probings[c.index];
        if (c.kind == FP_REMOVE_VECTORS)
            remove_vectors(l, c.index);
        else if (c.kind == FP_REMOVE_CHECKPOINT)
            remove_checkpoint(l, c.index);
        else if (c.kind == FP_FAIL_CHECKPOINT)
            fp_store_mark_checkpoint(l->work->store, c.index, FP_FAILED, &row, NULL);
        else if (probing->then == FP_NOTHING)
            fp_store_mark(l->work->store, fp_piece_product(probing->kind), probing->index, FP_FAILED, &row,
                          NULL);
    }
}

/* ---- handing out, taking in ---- */

/* What a piece is, in words. */
static void describe(const fp_plan *plan, const fp_assignment *piece, char out[256]) {
    static const char *const doing[FP_PIECE_KINDS] = {[FP_PIECE_EMBED] = "embedding",
                                                      [FP_PIECE_PROBE] = "probing",
                                                      [FP_PIECE_CANDIDATES] = "grid search of",
                                                      [FP_PIECE_CLASSIFIER] = "classifier of",
                                                      [FP_PIECE_CONTROL] = "control task of",
                                                      [FP_PIECE_CODE] = "description length of",
                                                      [FP_PIECE_MEMORISATION] = "memorisation of"};
    const fp_layout *layout = &plan->layout;
    if (piece->kind == FP_PIECE_FINETUNE) {
        const fp_run_row *run = &layout->runs[piece->index];
        snprintf(out, 256, "fine-tuning %s on %s (seed %lld)", run->model, run->task, (long long)run->seed);
        return;
    }
    int embeds = piece->kind == FP_PIECE_EMBED;
    size_t representation = embeds ? piece->index : plan->probings[piece->probing].representation;
    const fp_plan_representation *r = &plan->representations[representation];
    const fp_checkpoint_row *checkpoint = &layout->checkpoints[r->checkpoint];
    const char *on = checkpoint->finetuned_on;
    int n = snprintf(out, 256, "%s %s at %s%s%s, step %d", doing[piece->kind], layout->tasks[r->task].name,
                     checkpoint->model, *on ? "/" : "", on, checkpoint->step);
    if (!embeds && n > 0 && n < 256)
        snprintf(out + n, (size_t)(256 - n), ", layer %d", plan->probings[piece->probing].layer);
}

/* Attempts of earlier sessions. */
static int earlier_attempts(const fp_leader *l, const fp_assignment *piece) {
    size_t probings = l->work->plan->n_probings;
    return piece->kind == FP_PIECE_EMBED      ? 0
           : piece->kind == FP_PIECE_FINETUNE ? l->work->attempts[probings + piece->first]
                                              : l->work->attempts[piece->probing];
}

static void piece_failed(fp_leader *l, int rank, const fp_outcome *outcome) {
    const fp_assignment *piece = &l->hands[rank].piece;
    char what[256], text[256 + FP_MESSAGE + 64];
    double now = clock_seconds(CLOCK_REALTIME);
    fp_provenance_row row = {.rank = rank,
                             .attempts = earlier_attempts(l, piece) + piece->attempt,
                             .incarnation = l->work->progress.incarnation,
                             .started = now - outcome->seconds,
                             .finished = now};
    describe(l->work->plan, piece, what);
    snprintf(text, sizeof text, "%s failed on rank %d: %s", what, rank, outcome->message);
    say(l, text);
    fp_schedule_ended(l->work->schedule, piece, 0, 0);
    take_consequences(l, &(fp_cause){piece, &row, what, outcome->message});
}

/* Files that belong to the sweep are gone: no piece will do better. */
static int check_places(fp_leader *l) {
    const fp_grid *grid = l->work->plan->grid;
    char *scratch = fp_place_scratch(grid, NULL);
    const char *gone = scratch && !fp_path_exists(scratch)  ? scratch
                       : !fp_path_exists(grid->checkpoints) ? grid->checkpoints
                                                            : NULL;
    if (gone)
        fp_fail(&l->why, "the folder %s has vanished; the same command goes on, and makes it anew", gone);
    free(scratch);
    return gone ? -1 : 0;
}

static void piece_ended(fp_leader *l, int rank, const fp_outcome *outcome) {
    fp_hand *hand = &l->hands[rank];
    hand->busy = 0;
    l->worked += clock_seconds(CLOCK_MONOTONIC) - hand->since;
    hand->left = outcome->kind == FP_OUTCOME_LEFT;
    if (hand->left)
        return;
    if (outcome->kind == FP_OUTCOME_BROKEN) {
        fp_fail(&l->why, "%s; make room or mend it, and run the same command again", outcome->message);
        give_up(l);
    } else if (outcome->kind == FP_OUTCOME_FAILED && check_places(l) < 0) {
        give_up(l);
    } else if (outcome->kind == FP_OUTCOME_FAILED) {
        piece_failed(l, rank, outcome);
    } else {
        fp_schedule_ended(l->work->schedule, &hand->piece, 1, outcome->seconds);
        take_consequences(l, NULL);
    }
}

static void take_outcome(fp_leader *l, int rank, const fp_outcome *outcome) {
    if (!l->hands) /* there was no memory for them: nobody has got anything */
        return;
    fp_hand *hand = &l->hands[rank];
    switch (outcome->kind) {
    case FP_OUTCOME_PROGRESS:
        hand->share = outcome->share;
        break;
    case FP_OUTCOME_CHECKPOINT: {
        double before = fp_schedule_left(l->work->schedule);
        fp_schedule_checkpoint(l->work->schedule, (size_t)outcome->checkpoint, outcome->seconds);
        hand->credited += fmax(before - fp_schedule_left(l->work->schedule), 0);
        take_consequences(l, NULL);
        break;
    }
    case FP_OUTCOME_STOP:
        l->stopping = 1;
        break;
    case FP_OUTCOME_GOODBYE:
        hand->gone = 1;
        break;
    default:
        if (hand->busy)
            piece_ended(l, rank, outcome);
    }
}

/* 1: RANK has got something to do. */
static int give(fp_leader *l, int rank) {
    fp_hand *hand = &l->hands[rank];
    fp_error error = {0};
    if (hand->busy || !fp_schedule_next(l->work->schedule, l->work->nodes[rank], &hand->piece))
        return 0;
    hand->busy = 1;
    hand->share = hand->credited = 0;
    hand->since = clock_seconds(CLOCK_MONOTONIC);
    char *text = fp_place_specify(l->work->plan, &hand->piece, earlier_attempts(l, &hand->piece), &error);
    if (!text) {
        fp_outcome outcome = {.kind = fp_cause_is_disk(error.cause) ? FP_OUTCOME_BROKEN : FP_OUTCOME_FAILED};
        fp_copy_text(outcome.message, sizeof outcome.message, error.text);
        take_outcome(l, rank, &outcome);
    } else if (rank == 0) {
        fp_supervisor_start(l->work->supervisor, text);
    } else {
        fp_wire_send_work(l->work->comm, rank, text, &hand->letter);
        text = NULL;
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

/* Ends the session on all ranks: running pieces are asked to stop, and killed when they take too long; what
 * they hand in until then is taken. */
static void send_home(fp_leader *l) {
    fp_patience patience = {0};
    fp_supervisor *own = l->work->supervisor;
    double until = clock_seconds(CLOCK_MONOTONIC) + FP_GRACE;
    fp_supervisor_ask(own);
    for (int r = 1; r < l->ranks; r++)
        fp_wire_send_home(l->work->comm, r);
    for (int left = l->ranks - 1; left > 0 || fp_supervisor_busy(own);) {
        fp_outcome outcome;
        int rank, news = 0, there = fp_wire_receive_outcome(l->work->comm, &rank, &outcome);
        if (there) {
            left -= outcome.kind == FP_OUTCOME_GOODBYE;
            take_outcome(l, rank, &outcome);
        }
        if (fp_supervisor_busy(own) && (news = fp_supervisor_poll(own, &outcome, NULL)) > 0)
            take_outcome(l, 0, &outcome);
        if (news < 0 || clock_seconds(CLOCK_MONOTONIC) > until)
            fp_supervisor_stop(own);
        fp_wire_wait(&patience, own, there || news > 0);
    }
    for (int r = 0; l->hands && r < l->ranks; r++)
        fp_wire_end_letter(&l->hands[r].letter);
}

/* Hands out work until all is done or failed, or nothing more is to be started. */
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
    if (!l->stopping && fp_derive(&l->work->plan->layout, l->work->store, error) < 0) {
        say(l, error->text); /* every unit is there; only what compares them is not */
        l->underived = 1;
    }
    return 0;
}

int fp_lead(fp_lead_work *work, fp_sweep_outcome *outcome, fp_error *error) {
    fp_leader l = {.work = work};
    MPI_Comm_size(work->comm, &l.ranks);
    l.hands = fp_alloc((size_t)l.ranks, sizeof *l.hands, "ranks", error);
    int rc = l.hands ? lead_to_end(&l, error) : -1;
    if (rc < 0)
        l.stopping = 1;
    send_home(&l);
    pulse(&l, 1);
    fp_schedule_counts counts = fp_schedule_count(work->schedule);
    *outcome = l.broken                                                          ? FP_SWEEP_BROKEN
               : l.stopping                                                      ? FP_SWEEP_INTERRUPTED
               : counts.units_failed || counts.checkpoints_failed || l.underived ? FP_SWEEP_FAILURES
                                                                                 : FP_SWEEP_COMPLETE;
    if (l.broken)
        *error = *l.broken;
    free(l.hands);
    return rc;
}
