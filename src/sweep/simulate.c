#include "sweep/simulate.h"

#include "fineprobe/memory.h"
#include "heap.h"
#include <math.h>
#include <stdlib.h>

/* A rank at work. The heap of events holds ranks by the time of their next one, negative: the earliest first.
 */
typedef struct fp_worker {
    fp_assignment piece;
    size_t checkpoint; /* the next of a run's piece */
    double since;      /* when that part, or the piece, began */
} fp_worker;

typedef struct fp_simulation {
    const fp_plan *plan;
    const fp_costs *costs;
    fp_schedule *schedule;
    fp_worker *workers;
    size_t *idle, n_idle;
    fp_heap events;
    double now;
} fp_simulation;

/* Seconds until the next thing happens to WORKER: a checkpoint of its run, or the end of its piece. */
static double next_part(const fp_simulation *s, const fp_worker *w) {
    if (w->piece.kind != FP_PIECE_FINETUNE)
        return w->piece.seconds;
    const fp_plan_run *run = &s->plan->runs[w->piece.index];
    const fp_checkpoint_row *rows = s->plan->layout.checkpoints;
    int from = w->checkpoint > run->first_checkpoint ? rows[w->checkpoint - 1].step : 0;
    return (rows[w->checkpoint].step - from) * run->seconds_per_update *
           fp_costs_factor(s->costs, fp_costs_of_run(s->costs, w->piece.index));
}

static void await(fp_simulation *s, size_t worker) {
    fp_heap_push(&s->events, -(s->now + next_part(s, &s->workers[worker])), worker);
}

static void hand_out(fp_simulation *s) {
    while (s->n_idle > 0) {
        size_t worker = s->idle[s->n_idle - 1];
        fp_worker *w = &s->workers[worker];
        if (!fp_schedule_next(s->schedule, 0, &w->piece))
            return;
        s->n_idle--;
        w->checkpoint = w->piece.first;
        await(s, worker);
    }
}

static void take_event(fp_simulation *s) {
    fp_heap_item event = fp_heap_pop(&s->events);
    fp_worker *w = &s->workers[event.index];
    fp_consequence ignored;
    s->now = -event.priority;
    if (w->piece.kind == FP_PIECE_FINETUNE)
        fp_schedule_checkpoint(s->schedule, w->checkpoint++, 0);
    if (w->piece.kind == FP_PIECE_FINETUNE && w->checkpoint <= w->piece.last) {
        await(s, event.index);
    } else {
        fp_schedule_ended(s->schedule, &w->piece, 1, 0);
        s->idle[s->n_idle++] = event.index;
    }
    while (fp_schedule_consequence(s->schedule, &ignored))
        ;
}

static int prepare(fp_simulation *s, const fp_schedule_start *start, long ranks, fp_error *error) {
    size_t n = (size_t)ranks;
    s->workers = fp_alloc(n, sizeof *s->workers, "ranks", error);
    s->idle = fp_alloc(n, sizeof *s->idle, "ranks", error);
    if (!s->workers || !s->idle || fp_heap_init(&s->events, n, error) < 0)
        return -1;
    for (; s->n_idle < n; s->n_idle++)
        s->idle[s->n_idle] = n - 1 - s->n_idle;
    s->schedule = fp_schedule_create(s->plan, start, error);
    return s->schedule ? 0 : -1;
}

int fp_simulate(const fp_plan *plan, const fp_schedule_start *start, fp_forecast *forecast, fp_error *error) {
    fp_simulation s = {.plan = plan, .costs = start->costs};
    int rc = prepare(&s, start, forecast->ranks, error);
    if (rc == 0) {
        hand_out(&s);
        while (s.events.count) {
            take_event(&s);
            hand_out(&s);
        }
        if (!fp_schedule_over(s.schedule))
            rc = fp_fail(error, "the schedule stands still in a simulation; please report this");
        forecast->seconds = s.now;
        forecast->efficiency = s.now > 0 ? fmin(forecast->bound / s.now, 1) : 1;
        forecast->scratch = fp_schedule_count(s.schedule).most_scratch;
    }
    fp_schedule_destroy(s.schedule);
    fp_heap_free(&s.events);
    free(s.workers);
    free(s.idle);
    return rc;
}
