/* The policy of the schedule, driven by a small simulation: made-up plans, any number of ranks, random
 * durations and failures. What must hold is checked at every step. */
#include "fineprobe/memory.h"
#include "fineprobe/rng.h"
#include "sweep/simulate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 5, CHECKPOINTS = 4, LAYERS = 3, PARTS = 2, MOST_RANKS = 16, NODES = 3, SEARCH = 100000 };

/* RUNS runs of one model, each with CHECKPOINTS checkpoints, each probed at LAYERS layers on its own task,
 * the first run also on the task of the second; the original on every task. */
typedef struct fp_world {
    fp_grid grid;
    fp_plan plan;
    unsigned char *probings, *checkpoints, *available;
    size_t n_units; /* probings that are an end in themselves */
    double node_memory;
    int local;
    uint64_t draws;
    fp_rng_key key;
} fp_world;

static void add_probing(fp_plan *p, size_t representation, fp_piece_kind kind, size_t index, double seconds) {
    p->probings[p->n_probings++] = (fp_plan_probing){.kind = kind,
                                                     .index = index,
                                                     .representation = representation,
                                                     .then = FP_NOTHING,
                                                     .seconds = seconds,
                                                     .memory = 3};
    p->representations[representation].n_probings++;
}

static void add_representation(fp_plan *p, size_t checkpoint, size_t task) {
    size_t i = p->n_representations++;
    p->representations[i] = (fp_plan_representation){.checkpoint = checkpoint,
                                                     .task = task,
                                                     .n_layers = LAYERS,
                                                     .first_probing = p->n_probings,
                                                     .seconds = 2,
                                                     .bytes = 10};
    for (int layer = 0; layer < LAYERS; layer++) {
        size_t u = p->layout.n_units++;
        p->layout.units[u].layer = layer;
        add_probing(p, i, FP_PIECE_PROBE, u, 1 + layer + (double)task);
    }
    /* two parts of a search, and what waits for both; it counts as a unit, too */
    size_t last = p->n_probings + PARTS;
    for (int part = 0; part < PARTS; part++) {
        add_probing(p, i, FP_PIECE_PROBE, SEARCH + (size_t)part, 2);
        p->probings[p->n_probings - 1].then = last;
    }
    add_probing(p, i, FP_PIECE_PROBE, SEARCH + PARTS, 1);
}

static void make_world(fp_world *w, double scratch_limit) {
    memset(w, 0, sizeof *w);
    w->grid.scratch_limit = scratch_limit;
    w->key = fp_rng_key_of(3, FP_RNG_DATA, 0, 0);
    fp_plan *p = &w->plan;
    p->grid = &w->grid;
    p->layout.n_runs = RUNS;
    p->layout.n_checkpoints = 1 + RUNS * CHECKPOINTS;
    p->layout.runs = calloc(RUNS, sizeof *p->layout.runs);
    p->layout.checkpoints = calloc(p->layout.n_checkpoints, sizeof *p->layout.checkpoints);
    p->layout.units = calloc(1000, sizeof *p->layout.units);
    p->runs = calloc(RUNS, sizeof *p->runs);
    p->representations = calloc(1000, sizeof *p->representations);
    p->probings = calloc(1000, sizeof *p->probings);
    p->layout.n_tasks = RUNS;
    p->layout.n_models = 1;
    p->layout.checkpoints[0].run = -1;
    for (size_t task = 0; task < RUNS; task++)
        add_representation(p, 0, task);
    for (size_t r = 0; r < RUNS; r++) {
        p->runs[r] = (fp_plan_run){.task = r,
                                   .first_checkpoint = 1 + r * CHECKPOINTS,
                                   .n_checkpoints = CHECKPOINTS,
                                   .seconds_per_update = 0.1 * (double)(r + 1),
                                   .checkpoint_bytes = 5};
        for (size_t k = 0; k < CHECKPOINTS; k++) {
            size_t c = 1 + r * CHECKPOINTS + k;
            p->layout.checkpoints[c].run = (int32_t)r;
            p->layout.checkpoints[c].step = (int32_t)(10 * (k + 1));
            add_representation(p, c, r);
            if (r == 0)
                add_representation(p, c, 1);
        }
    }
    w->probings = calloc(p->n_probings, 1);
    for (size_t i = 0; i < p->n_probings; i++)
        w->n_units += p->probings[i].then == FP_NOTHING;
    w->checkpoints = calloc(p->layout.n_checkpoints, 1);
    w->available = calloc(p->layout.n_checkpoints, 1);
}

static void free_world(fp_world *w) {
    free(w->plan.layout.runs);
    free(w->plan.layout.checkpoints);
    free(w->plan.layout.units);
    free(w->plan.runs);
    free(w->plan.representations);
    free(w->plan.probings);
    free(w->probings);
    free(w->checkpoints);
    free(w->available);
}

typedef struct fp_trace {
    int checkpoint_there[1 + RUNS * CHECKPOINTS], vectors_there[1000], times[1000];
    size_t vectors_on[1000];
    size_t failed_units, failed_checkpoints, pieces, fetched;
} fp_trace;

static double draw(fp_world *w) {
    return fp_rng_uniform(w->key, w->draws++);
}

static void take_consequences(const fp_plan *p, fp_schedule *s, fp_trace *e) {
    fp_consequence c;
    while (fp_schedule_consequence(s, &c)) {
        if (c.kind == FP_REMOVE_VECTORS)
            e->vectors_there[c.index] = 0;
        else if (c.kind == FP_REMOVE_CHECKPOINT)
            e->checkpoint_there[c.index] = 0;
        else if (c.kind == FP_FAIL_PROBING)
            e->failed_units += p->probings[c.index].then == FP_NOTHING;
        else
            e->failed_checkpoints++;
    }
}

/* What a piece needs is there when it starts. */
static void check_needs(const fp_world *w, const fp_assignment *a, fp_trace *e) {
    if (a->kind == FP_PIECE_EMBED) {
        size_t c = w->plan.representations[a->index].checkpoint;
        assert_true(w->plan.layout.checkpoints[c].run < 0 || e->checkpoint_there[c]);
    } else if (a->kind == FP_PIECE_PROBE) {
        const fp_plan_probing *probing = &w->plan.probings[a->probing];
        assert_true(e->vectors_there[probing->representation]);
        assert_int_equal(a->index, probing->index);
        for (size_t i = 0; i < w->plan.n_probings; i++)
            if (w->plan.probings[i].then == a->probing)
                assert_true(w->probings[i] == FP_DONE || e->times[i] == 1);
        if (w->local)
            assert_int_equal(e->vectors_on[probing->representation], a->node);
        e->fetched += e->vectors_on[probing->representation] != a->node;
    } else {
        assert_true(a->first <= a->last);
    }
}

static void finish(fp_world *w, fp_schedule *s, const fp_assignment *a, double failures, fp_trace *e) {
    int ok = draw(w) >= failures;
    if (a->kind == FP_PIECE_FINETUNE)
        for (size_t c = a->first; c <= a->last; c++) {
            if (!ok && c == a->last)
                break;
            e->checkpoint_there[c] = 1;
            fp_schedule_checkpoint(s, c, 1);
            take_consequences(&w->plan, s, e);
        }
    if (a->kind == FP_PIECE_EMBED && ok) {
        e->vectors_there[a->index] = 1;
        e->vectors_on[a->index] = a->node;
    }
    if (a->kind == FP_PIECE_PROBE && ok)
        e->times[a->probing]++;
    fp_schedule_ended(s, a, ok, a->seconds * (0.5 + draw(w)));
    take_consequences(&w->plan, s, e);
}

/* Runs the sweep on RANKS ranks: of the running pieces a random one ends next. */
static fp_schedule_counts simulate(fp_world *w, int ranks, double failures, fp_trace *e) {
    fp_error error = {0};
    fp_costs *costs = fp_costs_create(&w->plan, &error);
    fp_schedule_start start = {.probings = w->probings,
                               .checkpoints = w->checkpoints,
                               .available = w->available,
                               .attempts = 2,
                               .nodes = NODES,
                               .node_memory = w->node_memory,
                               .local = w->local,
                               .costs = costs};
    fp_schedule *s = fp_schedule_create(&w->plan, &start, &error);
    assert_non_null(s);
    memset(e, 0, sizeof *e);
    for (size_t c = 0; c < w->plan.layout.n_checkpoints; c++)
        e->checkpoint_there[c] = w->available[c];
    take_consequences(&w->plan, s, e);
    fp_assignment running[MOST_RANKS];
    int n = 0;
    while (!fp_schedule_over(s)) {
        double before = fp_schedule_count(s).scratch;
        for (int r = 0; r < ranks; r++) {
            if (n == ranks || !fp_schedule_next(s, (size_t)r % NODES, &running[n]))
                continue;
            check_needs(w, &running[n], e);
            double scratch = fp_schedule_count(s).scratch;
            assert_true(scratch <= w->grid.scratch_limit || scratch <= before || n == 0);
            before = scratch;
            e->pieces++;
            n++;
        }
        assert_true(n > 0); /* else the sweep stands still */
        int which = (int)(draw(w) * n);
        fp_assignment ended = running[which];
        running[which] = running[--n];
        finish(w, s, &ended, failures, e);
    }
    fp_schedule_counts counts = fp_schedule_count(s);
    assert_int_equal(n, 0);
    assert_true(fp_schedule_left(s) < 1e-6);
    fp_schedule_destroy(s);
    fp_costs_destroy(costs);
    return counts;
}

static void everything_is_done_once(void **state) {
    (void)state;
    for (int ranks = 1; ranks <= MOST_RANKS; ranks++) {
        fp_world w;
        fp_trace e;
        make_world(&w, 1e9);
        fp_schedule_counts counts = simulate(&w, ranks, 0, &e);
        assert_int_equal(counts.units_done, w.n_units);
        assert_int_equal(counts.checkpoints_done, RUNS * CHECKPOINTS);
        assert_int_equal(counts.units_failed, 0);
        assert_true(counts.scratch > -1e-6 && counts.scratch < 1e-6);
        for (size_t i = 0; i < w.plan.n_probings; i++)
            assert_int_equal(e.times[i], 1);
        for (size_t i = 0; i < w.plan.n_representations; i++)
            assert_int_equal(e.vectors_there[i], 0);
        for (size_t c = 0; c < w.plan.layout.n_checkpoints; c++)
            assert_int_equal(e.checkpoint_there[c], 0);
        free_world(&w);
    }
}

static void scratch_stays_within_its_bound(void **state) {
    (void)state;
    for (int ranks = 1; ranks <= 8; ranks++) {
        const double limits[] = {26, 16, 1}; /* the last fits nothing: one thing at a time, in the end */
        for (int i = 0; i < 3; i++) {
            fp_world w;
            fp_trace e;
            make_world(&w, limits[i]);
            fp_schedule_counts counts = simulate(&w, ranks, 0, &e);
            assert_int_equal(counts.units_done, w.n_units);
            free_world(&w);
        }
    }
}

static void failures_end_what_depends_on_them_alone(void **state) {
    (void)state;
    for (int trial = 0; trial < 50; trial++) {
        fp_world w;
        fp_trace e;
        make_world(&w, 40);
        w.key = fp_rng_key_of((uint64_t)trial, FP_RNG_DATA, 1, 0);
        fp_schedule_counts counts = simulate(&w, 1 + trial % 7, 0.3, &e);
        assert_int_equal(counts.units_done + counts.units_failed, w.n_units);
        assert_int_equal(counts.units_failed, e.failed_units);
        assert_int_equal(counts.checkpoints_failed, e.failed_checkpoints);
        size_t once = 0;
        for (size_t i = 0; i < w.plan.n_probings; i++)
            once += e.times[i] == 1 && w.plan.probings[i].then == FP_NOTHING;
        assert_int_equal(once, counts.units_done);
        assert_true(counts.units_done > 0);
        assert_true(counts.scratch > -1e-6 && counts.scratch < 1e-6);
        free_world(&w);
    }
}

static void finished_work_is_kept(void **state) {
    (void)state;
    fp_world w;
    fp_trace e;
    make_world(&w, 1e9);
    memset(w.probings, FP_DONE, w.plan.n_probings);
    memset(w.checkpoints, FP_DONE, w.plan.layout.n_checkpoints);
    fp_schedule_counts counts = simulate(&w, 2, 0, &e);
    assert_int_equal(e.pieces, 0);
    assert_int_equal(counts.units_kept, w.n_units);

    /* one unit of the third checkpoint of run 1 is missing: the run goes there again, but no further */
    size_t representation = 0, checkpoint = 1 + CHECKPOINTS + 2;
    for (size_t i = 0; i < w.plan.n_representations; i++)
        if (w.plan.representations[i].checkpoint == checkpoint)
            representation = i;
    size_t unit = w.plan.representations[representation].first_probing + 1;
    w.probings[unit] = FP_WAITING;
    simulate(&w, 2, 0, &e);
    assert_int_equal(e.pieces, 3); /* the run, the embedding, the unit */
    assert_int_equal(e.times[unit], 1);

    w.available[checkpoint] = 1; /* its folder is still there: no need for the run */
    simulate(&w, 2, 0, &e);
    assert_int_equal(e.pieces, 2);

    w.probings[unit] = FP_FAILED; /* failed units stay so until they are asked for */
    counts = simulate(&w, 2, 0, &e);
    assert_int_equal(e.pieces, 0);
    assert_int_equal(counts.units_failed, 1);
    free_world(&w);
}

static void vectors_stay_on_their_node(void **state) {
    (void)state;
    for (int local = 0; local < 2; local++) {
        fp_world w;
        fp_trace e;
        make_world(&w, 1e9);
        w.local = local;
        fp_schedule_counts counts = simulate(&w, 6, 0, &e);
        assert_int_equal(counts.units_done, w.n_units);
        assert_true(local ? e.fetched == 0 : e.fetched * 4 < w.plan.n_probings);
        free_world(&w);
    }
}

static void memory_of_a_node_is_bounded(void **state) {
    (void)state;
    fp_world w;
    fp_trace e;
    make_world(&w, 1e9);
    w.node_memory = 7; /* two probings, not three */
    fp_schedule_counts counts = simulate(&w, 12, 0, &e);
    assert_int_equal(counts.units_done, w.n_units);
    free_world(&w);
}

/* Half of a search is done, the rest is not; or what waits for it is. */
static void what_a_final_piece_waited_for_is_not_done_again(void **state) {
    (void)state;
    fp_world w;
    fp_trace e;
    make_world(&w, 1e9);
    memset(w.probings, FP_DONE, w.plan.n_probings);
    memset(w.checkpoints, FP_DONE, w.plan.layout.n_checkpoints);
    memset(w.available, 1, w.plan.layout.n_checkpoints);
    size_t last = w.plan.representations[7].first_probing + w.plan.representations[7].n_probings - 1;
    w.probings[last] = w.probings[last - 1] = FP_WAITING;
    simulate(&w, 3, 0, &e);
    assert_int_equal(e.pieces, 3); /* the embedding, the part, the last */
    w.probings[last] = FP_DONE;    /* the part alone is of no use any more */
    simulate(&w, 3, 0, &e);
    assert_int_equal(e.pieces, 0);
    w.probings[last] = FP_WAITING;
    w.probings[last - 2] = FP_FAILED;
    fp_schedule_counts counts = simulate(&w, 3, 0, &e);
    assert_int_equal(counts.units_failed, 1);
    assert_int_equal(e.failed_units, 1);
    free_world(&w);
}

/* Nothing done yet, one node; the costs are the caller's to destroy. */
static fp_schedule_start simulated_start(const fp_world *w) {
    fp_error error = {0};
    return (fp_schedule_start){.probings = w->probings,
                               .checkpoints = w->checkpoints,
                               .available = w->available,
                               .attempts = 1,
                               .nodes = 1,
                               .costs = fp_costs_create(&w->plan, &error)};
}

/* Work of known length: one rank takes all of it, many no less than the longest chain, and none is idle for
 * nothing. */
static void simulations_add_up(void **state) {
    (void)state;
    fp_world w;
    fp_error error = {0};
    make_world(&w, 1e9);
    double work = 0;
    for (size_t i = 0; i < w.plan.n_probings; i++)
        work += w.plan.probings[i].seconds;
    work += 2.0 * (double)w.plan.n_representations;
    for (size_t r = 0; r < RUNS; r++)
        work += 10 * CHECKPOINTS * w.plan.runs[r].seconds_per_update;
    /* the longest run, an embedding, and the unit of task 4 at the last layer */
    double longest = 10 * CHECKPOINTS * 0.1 * RUNS + 2 + 1 + (LAYERS - 1) + (RUNS - 1);
    fp_schedule_start start = simulated_start(&w);
    for (long ranks = 1; ranks <= 64; ranks *= 2) {
        fp_forecast f = {.ranks = ranks,
                         .bound = work / (double)ranks > longest ? work / (double)ranks : longest};
        assert_int_equal(fp_simulate(&w.plan, &start, &f, &error), 0);
        assert_true(f.seconds > f.bound - 1e-9);
        assert_true(ranks == 1 ? f.seconds < work + 1e-9 : f.efficiency > 0.9);
        assert_true(f.scratch > 0);
    }
    fp_costs_destroy(start.costs);
    free_world(&w);
}

/* Checkpoints that wait for their embedding must not take all the room of the vectors: many ranks would do
 * one thing at a time. */
static void checkpoints_leave_room_for_vectors(void **state) {
    (void)state;
    fp_world w;
    fp_error error = {0};
    make_world(&w, 60);
    fp_schedule_start start = simulated_start(&w);
    fp_forecast bounded = {.ranks = 16}, endless = {.ranks = 16};
    assert_int_equal(fp_simulate(&w.plan, &start, &bounded, &error), 0);
    start.endless_scratch = 1;
    assert_int_equal(fp_simulate(&w.plan, &start, &endless, &error), 0);
    printf("%g seconds with %g in scratch; %g with %g\n", bounded.seconds, bounded.scratch, endless.seconds,
           endless.scratch);
    assert_true(bounded.scratch <= 60 && endless.scratch > 60);
    assert_true(bounded.seconds < 2 * endless.seconds);
    fp_costs_destroy(start.costs);
    free_world(&w);
}

/* Pieces that take three times what was planned are expected to, soon; other kinds of work are not. */
static void costs_are_learned(void **state) {
    (void)state;
    fp_world w;
    fp_error error = {0};
    make_world(&w, 1e9);
    fp_costs *costs = fp_costs_create(&w.plan, &error);
    size_t one = fp_costs_of_probing(costs, 0), run = fp_costs_of_run(costs, 0);
    assert_true(fp_costs_factor(costs, one) == 1);
    for (int i = 0; i < 20; i++)
        fp_costs_learn(costs, one, 2, 6);
    double factor = fp_costs_factor(costs, one);
    size_t other = fp_costs_of_probing(costs, w.plan.representations[1].first_probing);
    assert_true(factor > 2.9 && factor <= 3.01);
    assert_true(fp_costs_factor(costs, other) > 2.7); /* the same kind of work on another task */
    assert_true(fp_costs_factor(costs, run) == 1);
    fp_costs_destroy(costs);
    free_world(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_done_once),
        cmocka_unit_test(scratch_stays_within_its_bound),
        cmocka_unit_test(failures_end_what_depends_on_them_alone),
        cmocka_unit_test(finished_work_is_kept),
        cmocka_unit_test(vectors_stay_on_their_node),
        cmocka_unit_test(memory_of_a_node_is_bounded),
        cmocka_unit_test(simulations_add_up),
        cmocka_unit_test(checkpoints_leave_room_for_vectors),
        cmocka_unit_test(costs_are_learned),
        cmocka_unit_test(what_a_final_piece_waited_for_is_not_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
