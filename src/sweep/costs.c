#include "sweep/costs.h"

#include "fineprobe/memory.h"
#include <stdlib.h>

/* Classes nest: kind; kind and task; kind, task and model; kind, task, model and layer. */
enum { LEVELS = 4 };

typedef struct fp_sums {
    double planned, measured, pieces;
} fp_sums;

struct fp_costs {
    const fp_plan *plan;
    size_t n_tasks, n_models, n_layers; /* N_LAYERS: of the deepest model, and one for work without a layer */
    fp_sums *sums[LEVELS];
};

static size_t cells(const fp_costs *c, int level) {
    const size_t sizes[LEVELS] = {FP_PIECE_KINDS, c->n_tasks, c->n_models, c->n_layers};
    size_t n = 1;
    for (int i = 0; i <= level; i++)
        n *= sizes[i];
    return n;
}

fp_costs *fp_costs_create(const fp_plan *plan, fp_error *error) {
    fp_costs *c = fp_alloc(1, sizeof *c, "costs", error);
    if (!c)
        return NULL;
    c->plan = plan;
    c->n_tasks = plan->layout.n_tasks ? plan->layout.n_tasks : 1;
    c->n_models = plan->layout.n_models ? plan->layout.n_models : 1;
    c->n_layers = 1;
    for (size_t i = 0; i < plan->n_probings; i++)
        if ((size_t)plan->probings[i].layer + 2 > c->n_layers)
            c->n_layers = (size_t)plan->probings[i].layer + 2;
    for (int level = 0; level < LEVELS; level++)
        if (!(c->sums[level] = fp_alloc(cells(c, level), sizeof **c->sums, "costs", error))) {
            fp_costs_destroy(c);
            return NULL;
        }
    return c;
}

void fp_costs_destroy(fp_costs *c) {
    if (!c)
        return;
    for (int level = 0; level < LEVELS; level++)
        free(c->sums[level]);
    free(c);
}

/* LAYER: 0 without one. */
static size_t class_of(const fp_costs *c, fp_piece_kind kind, size_t task, size_t model, size_t layer) {
    return (((size_t)kind * c->n_tasks + task) * c->n_models + model) * c->n_layers + layer;
}

size_t fp_costs_of_run(const fp_costs *c, size_t run) {
    return class_of(c, FP_PIECE_FINETUNE, c->plan->runs[run].task, c->plan->runs[run].model, 0);
}

size_t fp_costs_of_representation(const fp_costs *c, size_t i) {
    const fp_plan_representation *r = &c->plan->representations[i];
    return class_of(c, FP_PIECE_EMBED, r->task, r->model, 0);
}

size_t fp_costs_of_probing(const fp_costs *c, size_t probing) {
    const fp_plan_probing *p = &c->plan->probings[probing];
    const fp_plan_representation *r = &c->plan->representations[p->representation];
    return class_of(c, p->kind, r->task, r->model, (size_t)p->layer + 1);
}

size_t fp_costs_classes(const fp_costs *c) {
    return cells(c, LEVELS - 1);
}

/* The cell of CLASS at LEVEL. */
static fp_sums *cell(const fp_costs *c, size_t class, int level) {
    const size_t below[LEVELS] = {c->n_tasks * c->n_models * c->n_layers, c->n_models * c->n_layers,
                                  c->n_layers, 1};
    return &c->sums[level][class / below[level]];
}

void fp_costs_learn(fp_costs *c, size_t class, double planned, double measured) {
    if (!(planned > 0) || !(measured > 0))
        return;
    for (int level = 0; level < LEVELS; level++) {
        fp_sums *s = cell(c, class, level);
        s->planned += planned;
        s->measured += measured;
        s->pieces++;
    }
}

/* Each class is believed as if the coarser one's factor had been seen on one more piece like its own. */
double fp_costs_factor(const fp_costs *c, size_t class) {
    double factor = 1;
    for (int level = 0; level < LEVELS; level++) {
        const fp_sums *s = cell(c, class, level);
        if (s->pieces == 0)
            break;
        double one = s->planned / s->pieces;
        factor = (s->measured + factor * one) / (s->planned + one);
    }
    return factor;
}

void fp_costs_learn_history(fp_costs *c, const unsigned char *probings, const fp_provenance_row *rows,
                            const unsigned char *checkpoints, const fp_provenance_row *checkpoint_rows) {
    const fp_plan *plan = c->plan;
    for (size_t i = 0; i < plan->n_probings; i++)
        if (probings[i] == FP_DONE)
            fp_costs_learn(c, fp_costs_of_probing(c, i), plan->probings[i].seconds,
                           rows[i].finished - rows[i].started);
    for (size_t r = 0; r < plan->layout.n_runs; r++) {
        const fp_plan_run *run = &plan->runs[r];
        int32_t before = 0;
        for (size_t k = run->first_checkpoint; k < run->first_checkpoint + run->n_checkpoints; k++) {
            int32_t step = plan->layout.checkpoints[k].step;
            if (checkpoints[k] == FP_DONE)
                fp_costs_learn(c, fp_costs_of_run(c, r), (step - before) * run->seconds_per_update,
                               checkpoint_rows[k].seconds);
            before = step;
        }
    }
}
