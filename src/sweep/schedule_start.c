/* The schedule's graph as it stands when a session begins. */
#include "fineprobe/memory.h"
#include "sweep/schedule_graph.h"
#include <math.h>
#include <stdlib.h>

static int allocate(fp_schedule *s, fp_error *error) {
    const fp_plan *p = s->plan;
    size_t objects = p->n_probings + p->n_representations + p->layout.n_checkpoints;
    s->consequence_capacity = 2 * objects + 16;
    s->memory = fp_alloc(s->nodes, sizeof *s->memory, "nodes", error);
    s->node_pieces = fp_alloc(s->nodes, sizeof *s->node_pieces, "nodes", error);
    s->ready = fp_alloc(s->nodes, sizeof *s->ready, "nodes", error);
    s->runs = fp_alloc(p->layout.n_runs, sizeof *s->runs, "runs", error);
    s->checkpoints = fp_alloc(p->layout.n_checkpoints, sizeof *s->checkpoints, "checkpoints", error);
    s->representations = fp_alloc(p->n_representations, sizeof *s->representations, "representations", error);
    s->probings = fp_alloc(p->n_probings, sizeof *s->probings, "probings", error);
    s->by_checkpoint = fp_alloc(p->n_representations, sizeof *s->by_checkpoint, "representations", error);
    s->open_seconds = fp_alloc(fp_costs_classes(s->costs), sizeof *s->open_seconds, "costs", error);
    s->consequences = fp_alloc(s->consequence_capacity, sizeof *s->consequences, "consequences", error);
    if (!s->memory || !s->node_pieces || !s->ready || !s->runs || !s->checkpoints || !s->representations ||
        !s->probings || !s->by_checkpoint || !s->open_seconds || !s->consequences)
        return -1;
    return fp_heap_init(&s->ready_representations, p->n_representations + 1, error);
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

static void take_status(fp_schedule *s, size_t i, unsigned char status) {
    const fp_plan_probing *p = &s->plan->probings[i];
    fp_probing_node *node = &s->probings[i], behind = {0};
    if (p->then != FP_NOTHING)
        behind = s->probings[p->then];
    if (status == FP_DONE || behind.stage == STAGE_DONE)
        node->stage = STAGE_DONE;
    else if (status == FP_FAILED || behind.stage == STAGE_FAILED)
        node->stage = STAGE_FAILED;
    node->chain = p->seconds + behind.chain;
    if (p->then == FP_NOTHING) {
        s->counts.units++;
        s->counts.units_kept += node->stage == STAGE_DONE;
        s->counts.units_failed += node->stage == STAGE_FAILED;
    }
}

/* What waits for a probing comes behind it: backward, so that it is known before. */
static void start_probings(fp_schedule *s, const fp_schedule_start *start) {
    const fp_plan *p = s->plan;
    for (size_t i = p->n_probings; i-- > 0;)
        take_status(s, i, start->probings[i]);
    for (size_t i = 0; i < p->n_probings; i++) {
        fp_representation_node *r = &s->representations[p->probings[i].representation];
        fp_probing_node *node = &s->probings[i];
        if (node->stage != STAGE_BLOCKED)
            continue;
        r->open++;
        r->tail = node->chain > r->tail ? node->chain : r->tail;
        s->open_seconds[fp_costs_of_probing(s->costs, i)] += p->probings[i].seconds;
        if (p->probings[i].then != FP_NOTHING)
            s->probings[p->probings[i].then].waits_for++;
    }
}

static void start_representations(fp_schedule *s) {
    const fp_plan *p = s->plan;
    for (size_t i = 0; i < p->n_representations; i++)
        if (s->representations[i].open) {
            s->checkpoints[p->representations[i].checkpoint].unembedded++;
            s->open_seconds[fp_costs_of_representation(s->costs, i)] += p->representations[i].seconds;
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
            if (s->representations[rep].open && tail > node->tail)
                node->tail = tail;
        }
    }
    node->stage = node->next == node->wanted ? STAGE_DONE : STAGE_READY;
    if (node->stage == STAGE_READY)
        s->open_seconds[fp_costs_of_run(s->costs, run)] +=
            fp_updates_between(s->plan, node, run, node->wanted) * r->seconds_per_update;
    if (node->stage == STAGE_READY && failed)
        fp_fail_run(s, run);
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
            fp_hold_checkpoint(s, fp_checkpoint_bytes(s, c));
            fp_make_available(s, c);
        }
    }
}

static void begin(fp_schedule *s, const fp_schedule_start *start) {
    index_representations(s);
    start_probings(s, start);
    for (size_t i = 0; i < s->plan->n_probings; i++) { /* something it waits for failed earlier */
        size_t then = s->plan->probings[i].then;
        if (then != FP_NOTHING && s->probings[i].stage == STAGE_FAILED)
            fp_fail_probing(s, then);
    }
    start_representations(s);
    start_checkpoints(s, start);
}

fp_schedule *fp_schedule_create(const fp_plan *plan, const fp_schedule_start *start, fp_error *error) {
    fp_schedule *s = fp_alloc(1, sizeof *s, "the schedule", error);
    if (!s)
        return NULL;
    s->plan = plan;
    s->costs = start->costs;
    s->attempts = start->attempts;
    s->local = start->local;
    s->nodes = start->nodes;
    s->node_memory = start->node_memory;
    s->scratch_limit = start->endless_scratch ? INFINITY : plan->grid->scratch_limit;
    if (allocate(s, error) < 0) {
        fp_schedule_destroy(s);
        return NULL;
    }
    begin(s, start);
    return s;
}

void fp_schedule_destroy(fp_schedule *s) {
    if (!s)
        return;
    for (size_t i = 0; s->ready && i < s->nodes; i++)
        fp_heap_free(&s->ready[i]);
    free(s->memory);
    free(s->node_pieces);
    free(s->ready);
    free(s->runs);
    free(s->checkpoints);
    free(s->representations);
    free(s->probings);
    free(s->by_checkpoint);
    free(s->open_seconds);
    free(s->consequences);
    fp_heap_free(&s->ready_representations);
    free(s);
}
