#include "schedule.h"

#include "fineprobe/memory.h"
#include "heap.h"
#include <stdlib.h>

typedef enum fp_stage { STAGE_BLOCKED, STAGE_READY, STAGE_RUNNING, STAGE_DONE, STAGE_FAILED } fp_stage;

typedef struct fp_run_node {
    fp_stage stage;
    size_t next, wanted; /* checkpoints [next, wanted) of the layout are to be reached */
    size_t promised;     /* end of the range given to the running piece */
    int attempts;
    double tail; /* expected seconds behind the run's end: embedding and its longest unit */
} fp_run_node;

typedef struct fp_checkpoint_node {
    int available, recorded, failed;
    size_t unembedded; /* its representations that are still to be embedded */
    size_t first, end; /* its representations in `by_checkpoint` */
} fp_checkpoint_node;

typedef struct fp_representation_node {
    fp_stage stage;
    size_t open_units;
    int attempts;
    double tail; /* its longest unit */
} fp_representation_node;

typedef struct fp_unit_node {
    fp_stage stage;
    int attempts;
} fp_unit_node;

struct fp_schedule {
    const fp_plan *plan;
    int attempts;
    fp_run_node *runs;
    fp_checkpoint_node *checkpoints;
    fp_representation_node *representations;
    fp_unit_node *units;
    size_t *by_checkpoint; /* representations, grouped by checkpoint */
    fp_heap ready_representations, ready_units;
    fp_consequence *consequences;
    size_t n_consequences, next_consequence, consequence_capacity;
    fp_schedule_counts counts;
};

/* Consequences are bounded: each can happen once an object and attempt; room for all is made at the start. */
static void follow(fp_schedule *s, fp_consequence_kind kind, size_t index) {
    if (s->n_consequences < s->consequence_capacity)
        s->consequences[s->n_consequences++] = (fp_consequence){kind, index};
}

int fp_schedule_consequence(fp_schedule *s, fp_consequence *out) {
    if (s->next_consequence == s->n_consequences) {
        s->next_consequence = s->n_consequences = 0;
        return 0;
    }
    *out = s->consequences[s->next_consequence++];
    return 1;
}

/* ---- the graph ---- */

static void ready_unit(fp_schedule *s, size_t unit) {
    s->units[unit].stage = STAGE_READY;
    fp_heap_push(&s->ready_units, s->plan->units[unit].seconds, unit);
}

static void ready_representation(fp_schedule *s, size_t i) {
    fp_representation_node *node = &s->representations[i];
    if (node->stage != STAGE_BLOCKED || node->open_units == 0)
        return;
    node->stage = STAGE_READY;
    fp_heap_push(&s->ready_representations, s->plan->representations[i].seconds + node->tail, i);
}

/* A checkpoint's model is on disk: what was waiting for it can go on. */
static void make_available(fp_schedule *s, size_t c) {
    fp_checkpoint_node *node = &s->checkpoints[c];
    node->available = 1;
    for (size_t i = node->first; i < node->end; i++)
        ready_representation(s, s->by_checkpoint[i]);
}

static void fail_unit(fp_schedule *s, size_t unit) {
    if (s->units[unit].stage == STAGE_DONE || s->units[unit].stage == STAGE_FAILED)
        return;
    s->units[unit].stage = STAGE_FAILED;
    s->counts.units_failed++;
    s->counts.seconds_done += s->plan->units[unit].seconds;
    follow(s, FP_FAIL_UNIT, unit);
}

/* The last user of a checkpoint's folder is through with it. */
static void embedded(fp_schedule *s, size_t c) {
    fp_checkpoint_node *node = &s->checkpoints[c];
    if (node->unembedded > 0 && --node->unembedded == 0 && s->plan->layout.checkpoints[c].run >= 0) {
        s->counts.scratch -= s->plan->checkpoint_bytes;
        follow(s, FP_REMOVE_CHECKPOINT, c);
    }
}

static void fail_representation(fp_schedule *s, size_t i) {
    const fp_plan_representation *r = &s->plan->representations[i];
    fp_representation_node *node = &s->representations[i];
    if (node->stage == STAGE_DONE || node->stage == STAGE_FAILED)
        return;
    node->stage = STAGE_FAILED;
    s->counts.seconds_done += r->seconds;
    for (size_t u = r->first_unit; u < r->first_unit + r->n_units; u++)
        fail_unit(s, u);
}

static void fail_run(fp_schedule *s, size_t run) {
    fp_run_node *node = &s->runs[run];
    node->stage = STAGE_FAILED;
    for (size_t c = node->next; c < node->wanted; c++) {
        fp_checkpoint_node *checkpoint = &s->checkpoints[c];
        if (!checkpoint->recorded && !checkpoint->failed) {
            checkpoint->failed = 1;
            s->counts.checkpoints_failed++;
            follow(s, FP_FAIL_CHECKPOINT, c);
        }
        for (size_t i = checkpoint->first; !checkpoint->available && i < checkpoint->end; i++)
            fail_representation(s, s->by_checkpoint[i]);
    }
}

/* One unit less that needs the representation's vectors. */
static void unit_over(fp_schedule *s, size_t unit) {
    size_t i = s->plan->units[unit].representation;
    if (--s->representations[i].open_units == 0) {
        s->counts.scratch -= s->plan->representations[i].bytes;
        follow(s, FP_REMOVE_VECTORS, i);
    }
}

/* ---- the next piece ---- */

static double updates_between(const fp_plan *plan, const fp_run_node *node, size_t run, size_t end) {
    const fp_plan_run *r = &plan->runs[run];
    const fp_checkpoint_row *rows = plan->layout.checkpoints;
    double from = node->next > r->first_checkpoint ? rows[node->next - 1].step : 0;
    return rows[end - 1].step - from;
}

static double run_priority(const fp_schedule *s, size_t run) {
    const fp_run_node *node = &s->runs[run];
    return updates_between(s->plan, node, run, node->wanted) * s->plan->runs[run].seconds_per_update +
           node->tail;
}

/* Nothing runs, nothing waits in scratch: the bound on it must give way, or the sweep would stand still. */
static int nothing_else(const fp_schedule *s) {
    return s->counts.running == 0 && s->ready_units.count == 0 && s->ready_representations.count == 0;
}

/* How far RUN may go within the bound on scratch; node->next when not even one checkpoint fits. */
static size_t run_reach(const fp_schedule *s, size_t run) {
    const fp_run_node *node = &s->runs[run];
    double room = s->plan->grid->scratch_limit - s->counts.scratch;
    size_t end = node->next;
    while (end < node->wanted) {
        double bytes = s->checkpoints[end].unembedded ? s->plan->checkpoint_bytes : 0;
        if (bytes > room && (end > node->next || !nothing_else(s)))
            break;
        room -= bytes;
        end++;
    }
    return end;
}

static size_t best_run(const fp_schedule *s, double *priority) {
    size_t best = s->plan->layout.n_runs;
    for (size_t i = 0; i < s->plan->layout.n_runs; i++) {
        if (s->runs[i].stage != STAGE_READY || run_reach(s, i) == s->runs[i].next)
            continue;
        double p = run_priority(s, i);
        if (best == s->plan->layout.n_runs || p > *priority) {
            best = i;
            *priority = p;
        }
    }
    return best;
}

static void take_run(fp_schedule *s, size_t run, fp_assignment *out) {
    fp_run_node *node = &s->runs[run];
    size_t end = run_reach(s, run);
    for (size_t c = node->next; c < end; c++)
        s->counts.scratch += s->checkpoints[c].unembedded ? s->plan->checkpoint_bytes : 0;
    node->stage = STAGE_RUNNING;
    node->promised = end;
    const fp_plan_run *r = &s->plan->runs[run];
    *out = (fp_assignment){FP_PIECE_FINETUNE,
                           run,
                           node->next,
                           end - 1,
                           updates_between(s->plan, node, run, end) * r->seconds_per_update,
                           r->memory};
}

static void take_representation(fp_schedule *s, fp_assignment *out) {
    size_t i = fp_heap_pop(&s->ready_representations).index;
    const fp_plan_representation *r = &s->plan->representations[i];
    s->representations[i].stage = STAGE_RUNNING;
    s->counts.scratch += r->bytes;
    *out = (fp_assignment){.kind = FP_PIECE_EMBED, .index = i, .seconds = r->seconds, .memory = r->memory};
}

static void take_unit(fp_schedule *s, fp_assignment *out) {
    size_t u = fp_heap_pop(&s->ready_units).index;
    s->units[u].stage = STAGE_RUNNING;
    s->counts.units_running++;
    *out = (fp_assignment){.kind = FP_PIECE_PROBE,
                           .index = u,
                           .seconds = s->plan->units[u].seconds,
                           .memory = s->plan->units[u].memory};
}

int fp_schedule_next(fp_schedule *s, fp_assignment *out) {
    double run_first = -1, unit_first = -1, representation_first = -1;
    size_t run = best_run(s, &run_first);
    if (s->ready_units.count)
        unit_first = s->ready_units.items[0].priority;
    if (s->ready_representations.count) {
        fp_heap_item top = s->ready_representations.items[0];
        double bytes = s->plan->representations[top.index].bytes;
        int fits = s->counts.scratch + bytes <= s->plan->grid->scratch_limit;
        if (fits || (s->counts.running == 0 && s->ready_units.count == 0))
            representation_first = top.priority;
    }
    if (run_first < 0 && unit_first < 0 && representation_first < 0)
        return 0;
    if (representation_first >= run_first && representation_first >= unit_first)
        take_representation(s, out);
    else if (run_first >= unit_first)
        take_run(s, run, out);
    else
        take_unit(s, out);
    s->counts.running++;
    return 1;
}

/* ---- news ---- */

void fp_schedule_checkpoint(fp_schedule *s, size_t c) {
    size_t run = (size_t)s->plan->layout.checkpoints[c].run;
    fp_run_node *node = &s->runs[run];
    fp_checkpoint_node *checkpoint = &s->checkpoints[c];
    if (c != node->next)
        return; /* reported before, by an earlier attempt */
    s->counts.seconds_done +=
        updates_between(s->plan, node, run, c + 1) * s->plan->runs[run].seconds_per_update;
    node->next = c + 1;
    node->attempts = 0;
    if (!checkpoint->recorded)
        s->counts.checkpoints_done++;
    checkpoint->recorded = 1;
    if (checkpoint->unembedded == 0)
        follow(s, FP_REMOVE_CHECKPOINT, c);
    make_available(s, c);
}

static void run_ended(fp_schedule *s, size_t run, int succeeded) {
    fp_run_node *node = &s->runs[run];
    for (size_t c = node->next; c < node->promised; c++) /* promised, and not used */
        s->counts.scratch -= s->checkpoints[c].unembedded ? s->plan->checkpoint_bytes : 0;
    node->stage = node->next == node->wanted ? STAGE_DONE : STAGE_READY;
    if (!succeeded && node->stage == STAGE_READY && ++node->attempts >= s->attempts)
        fail_run(s, run);
}

static void representation_ended(fp_schedule *s, size_t i, int succeeded) {
    const fp_plan_representation *r = &s->plan->representations[i];
    fp_representation_node *node = &s->representations[i];
    if (succeeded) {
        node->stage = STAGE_DONE;
        s->counts.seconds_done += r->seconds;
        for (size_t u = r->first_unit; u < r->first_unit + r->n_units; u++)
            if (s->units[u].stage == STAGE_BLOCKED)
                ready_unit(s, u);
        embedded(s, r->checkpoint);
        return;
    }
    s->counts.scratch -= r->bytes;
    node->stage = STAGE_BLOCKED;
    if (++node->attempts < s->attempts) {
        ready_representation(s, i);
        return;
    }
    follow(s, FP_REMOVE_VECTORS, i);
    fail_representation(s, i);
    embedded(s, r->checkpoint);
}

static void unit_ended(fp_schedule *s, size_t u, int succeeded) {
    fp_unit_node *node = &s->units[u];
    s->counts.units_running--;
    if (!succeeded && ++node->attempts < s->attempts) {
        ready_unit(s, u);
        return;
    }
    if (succeeded) {
        node->stage = STAGE_DONE;
        s->counts.units_done++;
        s->counts.seconds_done += s->plan->units[u].seconds;
    } else {
        fail_unit(s, u);
    }
    unit_over(s, u);
}

void fp_schedule_ended(fp_schedule *s, const fp_assignment *piece, int succeeded) {
    s->counts.running--;
    if (piece->kind == FP_PIECE_FINETUNE)
        run_ended(s, piece->index, succeeded);
    else if (piece->kind == FP_PIECE_EMBED)
        representation_ended(s, piece->index, succeeded);
    else
        unit_ended(s, piece->index, succeeded);
}

fp_schedule_counts fp_schedule_count(const fp_schedule *s) {
    return s->counts;
}

int fp_schedule_over(const fp_schedule *s) {
    const fp_schedule_counts *c = &s->counts;
    return c->running == 0 && c->units_kept + c->units_done + c->units_failed == c->units &&
           c->checkpoints_done + c->checkpoints_failed == c->checkpoints;
}

/* ---- the start ---- */

static int allocate(fp_schedule *s, fp_error *error) {
    const fp_plan *p = s->plan;
    size_t objects = p->layout.n_units + p->n_representations + p->layout.n_checkpoints;
    s->consequence_capacity = 2 * objects + 16;
    s->runs = fp_alloc(p->layout.n_runs, sizeof *s->runs, "runs", error);
    s->checkpoints = fp_alloc(p->layout.n_checkpoints, sizeof *s->checkpoints, "checkpoints", error);
    s->representations = fp_alloc(p->n_representations, sizeof *s->representations, "representations", error);
    s->units = fp_alloc(p->layout.n_units, sizeof *s->units, "units", error);
    s->by_checkpoint = fp_alloc(p->n_representations, sizeof *s->by_checkpoint, "representations", error);
    s->consequences = fp_alloc(s->consequence_capacity, sizeof *s->consequences, "consequences", error);
    if (!s->runs || !s->checkpoints || !s->representations || !s->units || !s->by_checkpoint ||
        !s->consequences)
        return -1;
    return fp_heap_init(&s->ready_representations, p->n_representations + 1, error) < 0 ||
                   fp_heap_init(&s->ready_units, p->layout.n_units + 1, error) < 0
               ? -1
               : 0;
}

/* Groups the representations by checkpoint (a counting sort). */
static void index_representations(fp_schedule *s) {
    const fp_plan *p = s->plan;
    for (size_t i = 0; i < p->n_representations; i++)
        s->checkpoints[p->representations[i].checkpoint].end++;
    size_t at = 0;
    for (size_t c = 0; c < p->layout.n_checkpoints; c++) {
        size_t n = s->checkpoints[c].end;
        s->checkpoints[c].first = s->checkpoints[c].end = at;
        at += n;
    }
    for (size_t i = 0; i < p->n_representations; i++)
        s->by_checkpoint[s->checkpoints[p->representations[i].checkpoint].end++] = i;
}

static void start_units(fp_schedule *s, const fp_schedule_start *start) {
    const fp_plan *p = s->plan;
    s->counts.units = p->layout.n_units;
    for (size_t i = 0; i < p->n_representations; i++) {
        const fp_plan_representation *r = &p->representations[i];
        fp_representation_node *node = &s->representations[i];
        for (size_t u = r->first_unit; u < r->first_unit + r->n_units; u++) {
            if (start->units[u] == FP_DONE) {
                s->units[u].stage = STAGE_DONE;
                s->counts.units_kept++;
                continue;
            }
            if (start->units[u] == FP_FAILED) {
                s->units[u].stage = STAGE_FAILED;
                s->counts.units_failed++;
                continue;
            }
            node->open_units++;
            s->counts.seconds_total += p->units[u].seconds;
            node->tail = p->units[u].seconds > node->tail ? p->units[u].seconds : node->tail;
        }
        if (node->open_units) {
            s->checkpoints[r->checkpoint].unembedded++;
            s->counts.seconds_total += r->seconds;
        }
    }
}

static void start_run(fp_schedule *s, size_t run, const fp_schedule_start *start) {
    const fp_plan_run *r = &s->plan->runs[run];
    fp_run_node *node = &s->runs[run];
    int failed = 0;
    node->next = node->wanted = r->first_checkpoint + r->n_checkpoints;
    for (size_t c = r->first_checkpoint + r->n_checkpoints; c-- > r->first_checkpoint;) {
        fp_checkpoint_node *checkpoint = &s->checkpoints[c];
        if (checkpoint->recorded && (checkpoint->available || !checkpoint->unembedded))
            continue;
        if (node->next == r->first_checkpoint + r->n_checkpoints)
            node->wanted = c + 1;
        node->next = c;
        if (start->checkpoints[c] == FP_FAILED) { /* marked already, with the reason */
            checkpoint->failed = failed = 1;
            s->counts.checkpoints_failed++;
        }
    }
    for (size_t c = node->next; c < node->wanted; c++) {
        s->checkpoints[c].available = 0; /* the run comes by again, and leaves the same bits */
        for (size_t i = s->checkpoints[c].first; i < s->checkpoints[c].end; i++) {
            size_t rep = s->by_checkpoint[i];
            double tail = s->plan->representations[rep].seconds + s->representations[rep].tail;
            node->tail = tail > node->tail ? tail : node->tail;
        }
    }
    node->stage = node->next == node->wanted ? STAGE_DONE : STAGE_READY;
    if (node->stage == STAGE_READY && failed)
        fail_run(s, run);
    else if (node->stage == STAGE_READY)
        s->counts.seconds_total += updates_between(s->plan, node, run, node->wanted) * r->seconds_per_update;
}

static void start_checkpoints(fp_schedule *s, const fp_schedule_start *start) {
    const fp_layout *layout = &s->plan->layout;
    for (size_t c = 0; c < layout->n_checkpoints; c++) {
        int original = layout->checkpoints[c].run < 0;
        s->checkpoints[c].recorded = original || start->checkpoints[c] == FP_DONE;
        s->checkpoints[c].available = original || start->available[c];
    }
    for (size_t run = 0; run < layout->n_runs; run++)
        start_run(s, run, start);
    for (size_t c = 0; c < layout->n_checkpoints; c++) {
        if (layout->checkpoints[c].run >= 0) {
            s->counts.checkpoints++;
            s->counts.checkpoints_done += (size_t)s->checkpoints[c].recorded;
        }
        if (s->checkpoints[c].available) {
            if (layout->checkpoints[c].run >= 0 && s->checkpoints[c].unembedded)
                s->counts.scratch += s->plan->checkpoint_bytes;
            make_available(s, c);
        }
    }
}

fp_schedule *fp_schedule_create(const fp_plan *plan, const fp_schedule_start *start, fp_error *error) {
    fp_schedule *s = fp_alloc(1, sizeof *s, "the schedule", error);
    if (!s)
        return NULL;
    s->plan = plan;
    s->attempts = start->attempts;
    if (allocate(s, error) < 0) {
        fp_schedule_destroy(s);
        return NULL;
    }
    index_representations(s);
    start_units(s, start);
    start_checkpoints(s, start);
    return s;
}

void fp_schedule_destroy(fp_schedule *s) {
    if (!s)
        return;
    free(s->runs);
    free(s->checkpoints);
    free(s->representations);
    free(s->units);
    free(s->by_checkpoint);
    free(s->consequences);
    fp_heap_free(&s->ready_representations);
    fp_heap_free(&s->ready_units);
    free(s);
}
