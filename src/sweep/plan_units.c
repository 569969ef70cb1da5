/* Representations and their units, in groups of one (model, probed task). */
#include "fineprobe/memory.h"
#include "sweep/plan_make.h"
#include <stdio.h>
#include <stdlib.h>

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

enum { SUPPORT = 64 }; /* points of a certificate that there is room for on average */

/* Certificates that a partition near to linear has, and some more; at most as many as the grid wants. */
static size_t certificates_of(size_t labels, size_t wanted) {
    return least(wanted, 2 * labels * labels + 32);
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
    group->certificates = certificates_of(group->labels, maker->grid->certificates);
    group->support = least(SUPPORT, group->width) * group->certificates;
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
    fp_plan *plan = maker->plan;
    fp_layout *layout = &plan->layout;
    size_t n = layout->n_units + 1;
    return fp_grow((void **)&layout->units, &maker->units_capacity, n, sizeof *layout->units, error) == 0 &&
                   fp_grow((void **)&layout->unit_group, &maker->unit_groups_capacity, n,
                           sizeof *layout->unit_group, error) == 0 &&
                   fp_grow((void **)&plan->units, &maker->plan_units_capacity, n, sizeof *plan->units,
                           error) == 0
               ? 0
               : -1;
}

/* Room for another probing of the representation AT, which must be the last; NULL: out of memory. */
static fp_plan_probing *add_probing(fp_plan_maker *maker, size_t at, fp_piece_kind kind, size_t index,
                                    fp_error *error) {
    fp_plan *plan = maker->plan;
    if (fp_grow((void **)&plan->probings, &maker->probings_capacity, plan->n_probings + 1,
                sizeof *plan->probings, error) < 0)
        return NULL;
    fp_plan_probing *out = &plan->probings[plan->n_probings++];
    *out = (fp_plan_probing){.kind = kind, .index = index, .representation = at, .then = FP_NOTHING};
    plan->representations[at].n_probings++;
    return out;
}

static int add_unit(fp_plan_maker *maker, size_t representation, int64_t layer, int32_t group_index,
                    fp_error *error) {
    if (grow(maker, error) < 0)
        return -1;
    fp_plan *plan = maker->plan;
    fp_layout *layout = &plan->layout;
    const fp_plan_representation *r = &plan->representations[representation];
    const fp_checkpoint_row *checkpoint = &layout->checkpoints[r->checkpoint];
    fp_group *group = &layout->groups[group_index];
    fp_digest digest;
    if (fp_plan_digest_unit(maker->checkpoints[r->checkpoint], maker->tasks[r->task].digest, layer,
                            maker->grid, group->clusters, &digest, error) < 0)
        return -1;
    size_t at = layout->n_units++;
    fp_unit_row *row = &layout->units[at];
    *row = (fp_unit_row){.unit = (int32_t)at,
                         .checkpoint = (int32_t)r->checkpoint,
                         .run = checkpoint->run,
                         .seed = checkpoint->seed,
                         .step = checkpoint->step,
                         .layer = (int32_t)layer,
                         .row = (int32_t)group->rows++};
    fp_plan_text(row->model, sizeof row->model, checkpoint->model);
    fp_plan_text(row->finetuned_on, sizeof row->finetuned_on, checkpoint->finetuned_on);
    fp_plan_text(row->probed_on, sizeof row->probed_on, maker->grid->tasks[r->task].spec.name);
    fp_plan_text(row->results, sizeof row->results, group->name);
    fp_digest_format(digest, row->digest);
    fp_unit_row_open(row);
    layout->unit_group[at] = group_index;
    plan->units[at] = (fp_plan_unit){.representation = representation};
    fp_plan_probing *probing = add_probing(maker, representation, FP_PIECE_PROBE, at, error);
    if (!probing)
        return -1;
    probing->layer = (int32_t)layer;
    fp_cost_unit(group, &maker->tasks[r->task], maker->grid->threads, probing);
    return 0;
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
                                  .n_units = m->n_layers,
                                  .first_probing = plan->n_probings};
    fp_cost_representation(&plan->configs[model], m->parameters, fp_plan_data_of(maker, model, task, 0),
                           fp_plan_data_of(maker, model, task, 1), plan->layout.groups[group].width, r);
    plan->n_representations++;
    for (size_t i = 0; i < m->n_layers; i++)
        if (add_unit(maker, at, m->layers[i], group, error) < 0)
            return -1;
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
    if (!maker->grid->directprobe)
        return 0;
    if (chooses_original(&maker->grid->steps) && add_originals(maker, error) < 0)
        return -1;
    for (size_t i = 0; i < plan->layout.n_runs; i++)
        for (size_t c = 0; c < plan->runs[i].n_checkpoints; c++)
            if (add_checkpoint(maker, &plan->runs[i], plan->runs[i].first_checkpoint + c, error) < 0)
                return -1;
    return 0;
}
