/* Representations and their units, in groups of one (model, probed task). */
#include "fineprobe/memory.h"
#include "sweep/derive.h"
#include "sweep/plan_make.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

enum { SUPPORT = 64 }; /* points of a certificate that there is room for on average */

/* Sizes of the arrays of the probes that train classifiers; how many rows comes later. */
static void size_probes(const fp_grid *grid, fp_group *group) {
    const fp_classifier_settings *s = &grid->probes[FP_CLASSIFIER].settings;
    group->candidates = s->n_shapes * s->n_l2;
    group->initialisations = s->initialisations;
    group->control_initialisations = grid->probes[FP_CONTROL].settings.initialisations;
    group->epochs = grid->probes[FP_MEMORISATION].settings.epochs;
}

static void fill_group(const fp_plan_maker *maker, size_t model, size_t task, fp_group *group) {
    size_t train = (size_t)fp_plan_data_of(maker, model, task, 0)->row.instances;
    size_t test = (size_t)fp_plan_data_of(maker, model, task, 1)->row.instances;
    int pairs = maker->tasks[task].task->kind == FP_KIND_PAIR;
    *group = (fp_group){.model = (int32_t)model,
                        .task = (int32_t)task,
                        .labels = maker->tasks[task].task->n_labels,
                        .width = maker->plan->configs[model].hidden * (pairs ? 2 : 1),
                        .train_instances = train,
                        .test_instances = test,
                        .clusters = least(maker->grid->clusters, train > test ? train : test)};
    group->certificates = maker->grid->certificates;
    group->support = least(SUPPORT, group->width) * group->certificates;
    size_probes(maker->grid, group);
    snprintf(group->name, sizeof group->name, "results/%s/%s", maker->grid->models[model].name,
             maker->grid->tasks[task].spec.name);
}

/* The group's index, made when it is new; -1 out of memory. */
static int32_t group_of(fp_plan_maker *maker, size_t model, size_t task, fp_error *error) {
    fp_layout *layout = &maker->plan->layout;
    for (size_t i = layout->n_groups; i-- > 0;)
        if (layout->groups[i].model == (int32_t)model && layout->groups[i].task == (int32_t)task)
            return (int32_t)i;
    if (fp_grow((void **)&layout->groups, &maker->groups_capacity, layout->n_groups + 1,
                sizeof *layout->groups, error) < 0)
        return -1;
    fill_group(maker, model, task, &layout->groups[layout->n_groups]);
    return (int32_t)layout->n_groups++;
}

static int grow(fp_plan_maker *maker, fp_error *error) {
    fp_layout *layout = &maker->plan->layout;
    size_t n = layout->n_units + 1;
    return fp_grow((void **)&layout->units, &maker->rows_capacity[FP_UNIT], n, sizeof *layout->units,
                   error) == 0 &&
                   fp_grow((void **)&layout->unit_group, &maker->unit_groups_capacity, n,
                           sizeof *layout->unit_group, error) == 0
               ? 0
               : -1;
}

fp_plan_probing *fp_plan_add_probing(fp_plan_maker *maker, size_t at, fp_piece_kind kind, size_t index,
                                     int64_t layer, fp_error *error) {
    fp_plan *plan = maker->plan;
    if (fp_grow((void **)&plan->probings, &maker->probings_capacity, plan->n_probings + 1,
                sizeof *plan->probings, error) < 0)
        return NULL;
    fp_plan_probing *out = &plan->probings[plan->n_probings++];
    *out = (fp_plan_probing){
        .kind = kind, .index = index, .representation = at, .then = FP_NOTHING, .layer = (int32_t)layer};
    plan->representations[at].n_probings++;
    return out;
}

fp_probe_identity fp_plan_identity(fp_plan_maker *maker, size_t at, int32_t group, int64_t layer) {
    const fp_layout *layout = &maker->plan->layout;
    const fp_plan_representation *r = &maker->plan->representations[at];
    const fp_checkpoint_row *checkpoint = &layout->checkpoints[r->checkpoint];
    fp_probe_identity id = {.checkpoint = (int32_t)r->checkpoint,
                            .run = checkpoint->run,
                            .seed = checkpoint->seed,
                            .step = checkpoint->step,
                            .layer = (int32_t)layer};
    fp_plan_text(id.model, sizeof id.model, checkpoint->model);
    fp_plan_text(id.finetuned_on, sizeof id.finetuned_on, checkpoint->finetuned_on);
    fp_plan_text(id.probed_on, sizeof id.probed_on, maker->grid->tasks[r->task].spec.name);
    fp_plan_text(id.results, sizeof id.results, layout->groups[group].name);
    return id;
}

static int add_unit(fp_plan_maker *maker, size_t representation, int64_t layer, int32_t group_index,
                    fp_error *error) {
    fp_layout *layout = &maker->plan->layout;
    const fp_plan_representation *r = &maker->plan->representations[representation];
    fp_group *group = &layout->groups[group_index];
    fp_digest digest;
    char notes[FP_NOTES];
    if (grow(maker, error) < 0 ||
        fp_plan_digest_unit(maker->checkpoints[r->checkpoint], maker->tasks[r->task].digest, layer,
                            maker->grid, group->clusters, notes, &digest, error) < 0)
        return -1;
    if (group->rows == 0 &&
        fp_plan_note(maker->plan, notes, error, "%s %s", fp_record_kinds[FP_UNIT]->name, group->name) < 0)
        return -1;
    fp_probe_identity id = fp_plan_identity(maker, representation, group_index, layer);
    size_t at = layout->n_units++;
    id.index = (int32_t)at;
    id.row = (int32_t)group->rows++;
    fp_digest_format(digest, id.digest);
    memcpy(&layout->units[at], &id, sizeof id); /* a unit's row begins with it */
    fp_unit_row_open(&layout->units[at]);
    layout->unit_group[at] = group_index;
    fp_plan_probing *probing = fp_plan_add_probing(maker, representation, FP_PIECE_PROBE, at, layer, error);
    if (!probing)
        return -1;
    fp_cost_unit(group, &maker->tasks[r->task], maker->grid->threads, probing);
    return 0;
}

/* How many layers the probings of R look at. */
static size_t count_layers(const fp_plan *plan, const fp_plan_representation *r) {
    size_t count = 0;
    for (size_t i = r->first_probing; i < r->first_probing + r->n_probings; i++) {
        size_t k = r->first_probing;
        while (plan->probings[k].layer != plan->probings[i].layer)
            k++;
        count += k == i;
    }
    return count;
}

/* A representation that nothing looks at is none; nor is a group without rows. */
static void take_back(fp_plan *plan, int32_t group) {
    const fp_group *g = &plan->layout.groups[group];
    plan->n_representations--;
    if (!g->rows && !g->classifiers && !g->controls && !g->codes && !g->memorisations)
        plan->layout.n_groups--;
}

static int add_representation(fp_plan_maker *maker, size_t checkpoint, size_t model, size_t task,
                              fp_error *error) {
    fp_plan *plan = maker->plan;
    const fp_plan_model *m = &maker->models[model];
    size_t at = plan->n_representations;
    int32_t group = group_of(maker, model, task, error);
    if (group < 0 || fp_grow((void **)&plan->representations, &maker->representations_capacity, at + 1,
                             sizeof *plan->representations, error) < 0)
        return -1;
    fp_plan_representation *r = &plan->representations[at];
    *r = (fp_plan_representation){.checkpoint = checkpoint,
                                  .model = model,
                                  .task = task,
                                  .first_unit = plan->layout.n_units,
                                  .n_units = maker->grid->directprobe ? m->n_layers : 0,
                                  .first_probing = plan->n_probings};
    plan->n_representations++;
    for (size_t i = 0; maker->grid->directprobe && i < m->n_layers; i++)
        if (add_unit(maker, at, m->layers[i], group, error) < 0)
            return -1;
    if (fp_plan_classifiers(maker, at, group, error) < 0)
        return -1;
    r = &plan->representations[at];
    r->n_layers = count_layers(plan, r);
    if (!r->n_probings)
        take_back(plan, group);
    else
        fp_cost_representation(&plan->configs[model], m->parameters, fp_plan_data_of(maker, model, task, 0),
                               fp_plan_data_of(maker, model, task, 1), plan->layout.groups[group].width, r);
    return 0;
}

static int chooses_original(const fp_grid_choice *steps) {
    int chosen = steps->every > 0;
    for (size_t i = 0; i < steps->count; i++)
        chosen = chosen || steps->list[i] == 0;
    return chosen;
}

static int add_originals(fp_plan_maker *maker, fp_error *error) {
    const fp_grid *grid = maker->grid;
    for (size_t m = 0; m < grid->n_models; m++)
        for (size_t t = 0; t < grid->n_tasks; t++)
            if (maker->tasks[t].probed && add_representation(maker, m, m, t, error) < 0)
                return -1;
    return 0;
}

/* The run's own task, then the targets of its cross-task pairs, at one of its checkpoints. */
static int add_checkpoint(fp_plan_maker *maker, const fp_plan_run *run, size_t checkpoint, fp_error *error) {
    const fp_grid *grid = maker->grid;
    if (maker->tasks[run->task].probed &&
        add_representation(maker, checkpoint, run->model, run->task, error) < 0)
        return -1;
    for (size_t i = 0; i < grid->n_pairs; i++)
        if (grid->pairs[i].finetuned_on == run->task &&
            add_representation(maker, checkpoint, run->model, grid->pairs[i].probed_on, error) < 0)
            return -1;
    return 0;
}

int fp_plan_units(fp_plan_maker *maker, fp_error *error) {
    fp_plan *plan = maker->plan;
    int wanted = maker->grid->directprobe;
    for (fp_product_kind kind = FP_CLASSIFIER; kind < FP_N_PRODUCTS; kind++)
        wanted |= maker->grid->probes[kind].wanted;
    if (!wanted)
        return 0;
    if (chooses_original(&maker->grid->steps) && add_originals(maker, error) < 0)
        return -1;
    for (size_t i = 0; i < plan->layout.n_runs; i++)
        for (size_t c = 0; c < plan->runs[i].n_checkpoints; c++)
            if (add_checkpoint(maker, &plan->runs[i], plan->runs[i].first_checkpoint + c, error) < 0)
                return -1;
    return fp_derive_seed_rows(&plan->layout, error);
}
