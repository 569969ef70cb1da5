#include "sweep/schedule_graph.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>

/* Vectors on another node are worth fetching when a piece there is longer than its best rival here by this.
 */
static const double WORTH_FETCHING = 1.25;

/* Consequences are bounded: each can happen once an object and attempt; room for all is made at the start. */
static void follow(fp_schedule *s, fp_consequence_kind kind, size_t index, size_t node) {
    if (s->n_consequences < s->consequence_capacity)
        s->consequences[s->n_consequences++] = (fp_consequence){kind, index, node};
}

int fp_schedule_consequence(fp_schedule *s, fp_consequence *out) {
    if (s->next_consequence == s->n_consequences) {
        s->next_consequence = s->n_consequences = 0;
        return 0;
    }
    *out = s->consequences[s->next_consequence++];
    return 1;
}

/* ---- expected times ---- */

static double factor_of_representation(const fp_schedule *s, size_t i) {
    return fp_costs_factor(s->costs, fp_costs_of_representation(s->costs, i));
}

static double factor_of_probing(const fp_schedule *s, size_t i) {
    return fp_costs_factor(s->costs, fp_costs_of_probing(s->costs, i));
}

static double path_of_probing(const fp_schedule *s, size_t i) {
    return s->probings[i].chain * factor_of_probing(s, i);
}

static double path_of_representation(const fp_schedule *s, size_t i) {
    const fp_plan_representation *r = &s->plan->representations[i];
    double tail = s->representations[i].tail;
    if (r->n_probings)
        tail *= factor_of_probing(s, r->first_probing + r->n_probings - 1);
    return r->seconds * factor_of_representation(s, i) + tail;
}

/* Planned seconds of a class are over, or come back. */
static void account(fp_schedule *s, size_t class, double seconds) {
    s->open_seconds[class] = fmax(s->open_seconds[class] - seconds, 0);
}

double fp_schedule_left(const fp_schedule *s) {
    double left = 0;
    for (size_t i = 0; i < fp_costs_classes(s->costs); i++)
        if (s->open_seconds[i] > 0)
            left += s->open_seconds[i] * fp_costs_factor(s->costs, i);
    return left;
}

/* ---- the graph ---- */

double fp_checkpoint_bytes(const fp_schedule *s, size_t c) {
    int32_t run = s->plan->layout.checkpoints[c].run;
    return run >= 0 && s->checkpoints[c].unembedded ? s->plan->runs[run].checkpoint_bytes : 0;
}

void fp_hold_checkpoint(fp_schedule *s, double bytes) {
    s->counts.scratch += bytes;
    s->scratch_of_checkpoints += bytes;
}

/* All it needs is there. (Queues grow; without memory for that the piece cannot be done.) */
static void push(fp_schedule *s, size_t probing) {
    fp_heap *queue = &s->ready[s->representations[s->plan->probings[probing].representation].node];
    if (fp_heap_grow(queue, queue->count + 1, NULL) == 0) {
        s->probings[probing].stage = STAGE_READY;
        fp_heap_push(queue, path_of_probing(s, probing), probing);
        s->n_ready++;
    } else {
        fp_fail_probing(s, probing);
    }
}

static void ready_representation(fp_schedule *s, size_t i) {
    fp_representation_node *node = &s->representations[i];
    if (node->stage != STAGE_BLOCKED || node->open == 0)
        return;
    node->stage = STAGE_READY;
    fp_heap_push(&s->ready_representations, path_of_representation(s, i), i);
}

/* A checkpoint's model is on disk: what was waiting for it can go on. */
void fp_make_available(fp_schedule *s, size_t c) {
    fp_checkpoint_node *node = &s->checkpoints[c];
    node->available = 1;
    for (size_t i = node->first; i < node->end; i++)
        ready_representation(s, s->by_checkpoint[i]);
}

/* One probing less that needs the representation's vectors. */
static void release_vectors(fp_schedule *s, size_t i) {
    fp_representation_node *node = &s->representations[i];
    if (--node->open == 0 && node->stage == STAGE_DONE) {
        s->counts.scratch -= s->plan->representations[i].bytes;
        follow(s, FP_REMOVE_VECTORS, i, node->node);
    }
}

static void fail_one(fp_schedule *s, size_t i) {
    const fp_plan_probing *p = &s->plan->probings[i];
    s->probings[i].stage = STAGE_FAILED;
    s->counts.units_failed += p->then == FP_NOTHING;
    account(s, fp_costs_of_probing(s->costs, i), p->seconds);
    follow(s, FP_FAIL_PROBING, i, 0);
    release_vectors(s, p->representation);
}

/* Probing I cannot be done, nor can what waits for it; and what that waited for besides is of no use any
 * more. One of these that runs ends by itself. */
void fp_fail_probing(fp_schedule *s, size_t i) {
    for (; i != FP_NOTHING; i = s->plan->probings[i].then) {
        const fp_plan_representation *r = &s->plan->representations[s->plan->probings[i].representation];
        if (s->probings[i].stage == STAGE_DONE || s->probings[i].stage == STAGE_FAILED)
            return;
        fail_one(s, i);
        for (size_t k = r->first_probing; k < r->first_probing + r->n_probings; k++)
            if (s->plan->probings[k].then == i &&
                (s->probings[k].stage == STAGE_BLOCKED || s->probings[k].stage == STAGE_READY))
                fail_one(s, k);
    }
}

/* The last user of a checkpoint's folder is through with it. */
static void embedded(fp_schedule *s, size_t c) {
    fp_checkpoint_node *node = &s->checkpoints[c];
    double bytes = fp_checkpoint_bytes(s, c);
    if (node->unembedded > 0 && --node->unembedded == 0 && s->plan->layout.checkpoints[c].run >= 0) {
        fp_hold_checkpoint(s, -bytes);
        follow(s, FP_REMOVE_CHECKPOINT, c, 0);
    }
}

static void fail_representation(fp_schedule *s, size_t i) {
    const fp_plan_representation *r = &s->plan->representations[i];
    fp_representation_node *node = &s->representations[i];
    if (node->stage == STAGE_DONE || node->stage == STAGE_FAILED)
        return;
    node->stage = STAGE_FAILED;
    account(s, fp_costs_of_representation(s->costs, i), r->seconds);
    for (size_t p = r->first_probing; p < r->first_probing + r->n_probings; p++)
        fp_fail_probing(s, p);
}

void fp_fail_run(fp_schedule *s, size_t run) {
    fp_run_node *node = &s->runs[run];
    double left = fp_updates_between(s->plan, node, run, node->wanted);
    account(s, fp_costs_of_run(s->costs, run), left * s->plan->runs[run].seconds_per_update);
    node->stage = STAGE_FAILED;
    for (size_t c = node->next; c < node->wanted; c++) {
        fp_checkpoint_node *checkpoint = &s->checkpoints[c];
        if (!checkpoint->recorded && !checkpoint->failed) {
            checkpoint->failed = 1;
            s->counts.checkpoints_failed++;
            follow(s, FP_FAIL_CHECKPOINT, c, 0);
        }
        for (size_t i = checkpoint->first; !checkpoint->available && i < checkpoint->end; i++)
            fail_representation(s, s->by_checkpoint[i]);
    }
}

/* ---- the next piece ---- */

double fp_updates_between(const fp_plan *plan, const fp_run_node *node, size_t run, size_t end) {
    const fp_plan_run *r = &plan->runs[run];
    const fp_checkpoint_row *rows = plan->layout.checkpoints;
    if (end <= node->next)
        return 0;
    double from = node->next > r->first_checkpoint ? rows[node->next - 1].step : 0;
    return rows[end - 1].step - from;
}

static double run_seconds(const fp_schedule *s, size_t run, size_t end) {
    return fp_updates_between(s->plan, &s->runs[run], run, end) * s->plan->runs[run].seconds_per_update *
           fp_costs_factor(s->costs, fp_costs_of_run(s->costs, run));
}

static double path_of_run(const fp_schedule *s, size_t run) {
    return run_seconds(s, run, s->runs[run].wanted) + s->runs[run].tail;
}

static int fits_memory(const fp_schedule *s, size_t node, double memory) {
    return s->node_memory <= 0 || s->node_pieces[node] == 0 || s->memory[node] + memory <= s->node_memory;
}

/* Nothing runs, nothing waits in scratch: the bound on it must give way, or the sweep would stand still. */
static int nothing_else(const fp_schedule *s) {
    return s->counts.running == 0 && s->n_ready == 0 && s->ready_representations.count == 0;
}

/* How far RUN may go within the bound on scratch; node->next when not even one checkpoint fits. Half of it is
 * for vectors alone: were it full of checkpoints, none of them could be embedded. */
static size_t run_reach(const fp_schedule *s, size_t run) {
    const fp_run_node *node = &s->runs[run];
    double room =
        fmin(s->scratch_limit - s->counts.scratch, s->scratch_limit / 2 - s->scratch_of_checkpoints);
    size_t end = node->next;
    while (end < node->wanted) {
        double bytes = fp_checkpoint_bytes(s, end);
        if (bytes > room && (end > node->next || !nothing_else(s)))
            break;
        room -= bytes;
        end++;
    }
    return end;
}

/* The run on the longest path that can be carried on at NODE; n_runs when there is none. */
static size_t best_run(const fp_schedule *s, size_t node, double *priority) {
    size_t best = s->plan->layout.n_runs;
    for (size_t i = 0; i < s->plan->layout.n_runs; i++) {
        if (s->runs[i].stage != STAGE_READY || !fits_memory(s, node, s->plan->runs[i].memory))
            continue;
        double p = path_of_run(s, i);
        if ((best == s->plan->layout.n_runs || p > *priority) && run_reach(s, i) > s->runs[i].next) {
            best = i;
            *priority = p;
        }
    }
    return best;
}

static int best_representation(const fp_schedule *s, size_t node, double *priority) {
    if (!s->ready_representations.count)
        return 0;
    fp_heap_item top = s->ready_representations.items[0];
    const fp_plan_representation *r = &s->plan->representations[top.index];
    int fits = s->counts.scratch + r->bytes <= s->scratch_limit;
    if (!fits_memory(s, node, r->memory) || !(fits || (s->counts.running == 0 && s->n_ready == 0)))
        return 0;
    *priority = top.priority;
    return 1;
}

/* The queue to take a probing from at NODE; `nodes` when there is none. */
static size_t best_queue(const fp_schedule *s, size_t node, double *priority) {
    size_t best = s->nodes;
    for (size_t i = 0; i < s->nodes; i++) {
        if (!s->ready[i].count || (s->local && i != node))
            continue;
        fp_heap_item top = s->ready[i].items[0];
        if (!fits_memory(s, node, s->plan->probings[top.index].memory))
            continue;
        double p = i == node ? top.priority * WORTH_FETCHING : top.priority;
        if (best == s->nodes || p > *priority) {
            best = i;
            *priority = p;
        }
    }
    if (best != s->nodes)
        *priority = s->ready[best].items[0].priority;
    return best;
}

static void take_run(fp_schedule *s, size_t run, fp_assignment *out) {
    fp_run_node *node = &s->runs[run];
    size_t end = run_reach(s, run);
    for (size_t c = node->next; c < end; c++)
        fp_hold_checkpoint(s, fp_checkpoint_bytes(s, c));
    node->stage = STAGE_RUNNING;
    node->promised = end;
    *out = (fp_assignment){.kind = FP_PIECE_FINETUNE,
                           .index = run,
                           .first = node->next,
                           .last = end - 1,
                           .attempt = node->attempts + 1,
                           .seconds = run_seconds(s, run, end),
                           .memory = s->plan->runs[run].memory};
}

static void take_representation(fp_schedule *s, size_t node, fp_assignment *out) {
    size_t i = fp_heap_pop(&s->ready_representations).index;
    const fp_plan_representation *r = &s->plan->representations[i];
    s->representations[i].stage = STAGE_RUNNING;
    s->representations[i].node = node;
    s->counts.scratch += r->bytes;
    *out = (fp_assignment){.kind = FP_PIECE_EMBED,
                           .index = i,
                           .attempt = s->representations[i].attempts + 1,
                           .seconds = r->seconds * factor_of_representation(s, i),
                           .memory = r->memory};
}

static void take_probing(fp_schedule *s, size_t queue, fp_assignment *out) {
    size_t i = fp_heap_pop(&s->ready[queue]).index;
    const fp_plan_probing *p = &s->plan->probings[i];
    s->n_ready--;
    s->probings[i].stage = STAGE_RUNNING;
    *out = (fp_assignment){.kind = p->kind,
                           .index = p->index,
                           .probing = i,
                           .attempt = s->probings[i].attempts + 1,
                           .seconds = p->seconds * factor_of_probing(s, i),
                           .memory = p->memory};
}

/* Those that failed because of another while they waited are not started. */
static void drop_failed(fp_schedule *s) {
    for (size_t i = 0; i < s->nodes; i++)
        while (s->ready[i].count && s->probings[s->ready[i].items[0].index].stage != STAGE_READY) {
            fp_heap_pop(&s->ready[i]);
            s->n_ready--;
        }
}

int fp_schedule_next(fp_schedule *s, size_t node, fp_assignment *out) {
    double run_first = -1, probing_first = -1, representation_first = -1;
    drop_failed(s);
    size_t run = best_run(s, node, &run_first), queue = best_queue(s, node, &probing_first);
    best_representation(s, node, &representation_first);
    if (run_first < 0 && probing_first < 0 && representation_first < 0)
        return 0;
    if (representation_first >= run_first && representation_first >= probing_first)
        take_representation(s, node, out);
    else if (run_first >= probing_first)
        take_run(s, run, out);
    else
        take_probing(s, queue, out);
    out->node = node;
    s->memory[node] += out->memory;
    s->node_pieces[node]++;
    s->counts.running++;
    s->counts.most_scratch = fmax(s->counts.most_scratch, s->counts.scratch);
    return 1;
}

/* ---- news ---- */

void fp_schedule_checkpoint(fp_schedule *s, size_t c, double seconds) {
    size_t run = (size_t)s->plan->layout.checkpoints[c].run;
    fp_run_node *node = &s->runs[run];
    fp_checkpoint_node *checkpoint = &s->checkpoints[c];
    if (c != node->next)
        return; /* reported before, by an earlier attempt */
    size_t class = fp_costs_of_run(s->costs, run);
    double planned = fp_updates_between(s->plan, node, run, c + 1) * s->plan->runs[run].seconds_per_update;
    account(s, class, planned);
    fp_costs_learn(s->costs, class, planned, seconds);
    node->next = c + 1;
    node->attempts = 0;
    if (!checkpoint->recorded)
        s->counts.checkpoints_done++;
    checkpoint->recorded = 1;
    if (checkpoint->unembedded == 0)
        follow(s, FP_REMOVE_CHECKPOINT, c, 0);
    fp_make_available(s, c);
}

static void run_ended(fp_schedule *s, size_t run, int succeeded) {
    fp_run_node *node = &s->runs[run];
    for (size_t c = node->next; c < node->promised; c++) /* promised, and not used */
        fp_hold_checkpoint(s, -fp_checkpoint_bytes(s, c));
    node->stage = node->next == node->wanted ? STAGE_DONE : STAGE_READY;
    if (!succeeded && node->stage == STAGE_READY && ++node->attempts >= s->attempts)
        fp_fail_run(s, run);
}

static void representation_ended(fp_schedule *s, size_t i, int succeeded, double seconds) {
    const fp_plan_representation *r = &s->plan->representations[i];
    fp_representation_node *node = &s->representations[i];
    if (succeeded) {
        size_t class = fp_costs_of_representation(s->costs, i);
        node->stage = STAGE_DONE;
        account(s, class, r->seconds);
        fp_costs_learn(s->costs, class, r->seconds, seconds);
        for (size_t p = r->first_probing; p < r->first_probing + r->n_probings; p++)
            if (s->probings[p].stage == STAGE_BLOCKED && s->probings[p].waits_for == 0)
                push(s, p);
        embedded(s, r->checkpoint);
        return;
    }
    s->counts.scratch -= r->bytes;
    node->stage = STAGE_BLOCKED;
    if (++node->attempts < s->attempts) {
        ready_representation(s, i);
        return;
    }
    follow(s, FP_REMOVE_VECTORS, i, node->node);
    fail_representation(s, i);
    embedded(s, r->checkpoint);
}

static void probing_ended(fp_schedule *s, size_t i, int succeeded, double seconds) {
    const fp_plan_probing *p = &s->plan->probings[i];
    fp_probing_node *node = &s->probings[i];
    if (node->stage != STAGE_RUNNING) /* it failed with another while it ran */
        return;
    if (!succeeded) {
        if (++node->attempts < s->attempts)
            push(s, i);
        else
            fp_fail_probing(s, i);
        return;
    }
    size_t class = fp_costs_of_probing(s->costs, i);
    node->stage = STAGE_DONE;
    account(s, class, p->seconds);
    fp_costs_learn(s->costs, class, p->seconds, seconds);
    s->counts.units_done += p->then == FP_NOTHING;
    if (p->then != FP_NOTHING && --s->probings[p->then].waits_for == 0 &&
        s->probings[p->then].stage == STAGE_BLOCKED)
        push(s, p->then);
    release_vectors(s, p->representation);
}

/* The order of what waits, by what was learned since. */
static void refresh(fp_schedule *s) {
    for (size_t i = 0; i < s->ready_representations.count; i++) {
        fp_heap_item *item = &s->ready_representations.items[i];
        item->priority = path_of_representation(s, item->index);
    }
    fp_heap_order(&s->ready_representations);
    for (size_t n = 0; n < s->nodes; n++) {
        for (size_t i = 0; i < s->ready[n].count; i++) {
            fp_heap_item *item = &s->ready[n].items[i];
            item->priority = path_of_probing(s, item->index);
        }
        fp_heap_order(&s->ready[n]);
    }
}

void fp_schedule_ended(fp_schedule *s, const fp_assignment *piece, int succeeded, double seconds) {
    s->counts.running--;
    s->counts.ended++;
    s->memory[piece->node] -= piece->memory;
    if (--s->node_pieces[piece->node] == 0)
        s->memory[piece->node] = 0;
    if (piece->kind == FP_PIECE_FINETUNE)
        run_ended(s, piece->index, succeeded);
    else if (piece->kind == FP_PIECE_EMBED)
        representation_ended(s, piece->index, succeeded, seconds);
    else
        probing_ended(s, piece->probing, succeeded, seconds);
    if (s->counts.ended >= s->next_refresh) {
        refresh(s);
        s->next_refresh =
            s->counts.ended + s->counts.ended / 4 + 4; /* often at first, when much is learned */
    }
}

fp_schedule_counts fp_schedule_count(const fp_schedule *s) {
    return s->counts;
}

double fp_schedule_longest(const fp_schedule *s) {
    double longest = 0;
    for (size_t i = 0; i < s->plan->layout.n_runs; i++)
        if (s->runs[i].stage == STAGE_READY || s->runs[i].stage == STAGE_RUNNING)
            longest = fmax(longest, path_of_run(s, i));
    if (s->ready_representations.count)
        longest = fmax(longest, s->ready_representations.items[0].priority);
    for (size_t i = 0; i < s->nodes; i++)
        if (s->ready[i].count)
            longest = fmax(longest, s->ready[i].items[0].priority);
    return longest;
}

int fp_schedule_over(const fp_schedule *s) {
    const fp_schedule_counts *c = &s->counts;
    return c->running == 0 && c->units_kept + c->units_done + c->units_failed == c->units &&
           c->checkpoints_done + c->checkpoints_failed == c->checkpoints;
}
