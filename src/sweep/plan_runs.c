/* Runs and checkpoints: first the originals, one a model, then each run's chosen steps. */
#include "fineprobe/memory.h"
#include "sweep/plan_make.h"
#include <stdlib.h>

static int grow(fp_plan_maker *maker, fp_error *error) {
    fp_plan *plan = maker->plan;
    fp_layout *layout = &plan->layout;
    size_t runs = layout->n_runs + 1, checkpoints = layout->n_checkpoints + 1;
    return fp_grow((void **)&layout->runs, &maker->runs_capacity, runs, sizeof *layout->runs, error) == 0 &&
                   fp_grow((void **)&plan->runs, &maker->plan_runs_capacity, runs, sizeof *plan->runs,
                           error) == 0 &&
                   fp_grow((void **)&maker->runs, &maker->run_digests_capacity, runs, sizeof *maker->runs,
                           error) == 0 &&
                   fp_grow((void **)&layout->checkpoints, &maker->checkpoints_capacity, checkpoints,
                           sizeof *layout->checkpoints, error) == 0 &&
                   fp_grow((void **)&maker->checkpoints, &maker->checkpoint_digests_capacity, checkpoints,
                           sizeof *maker->checkpoints, error) == 0
               ? 0
               : -1;
}

/* RUN: -1 for an original. */
static int add_checkpoint(fp_plan_maker *maker, int32_t run, size_t model, int64_t step, fp_digest digest,
                          fp_error *error) {
    if (grow(maker, error) < 0)
        return -1;
    fp_layout *layout = &maker->plan->layout;
    size_t at = layout->n_checkpoints++;
    fp_checkpoint_row *row = &layout->checkpoints[at];
    *row = (fp_checkpoint_row){.run = run, .seed = -1, .step = (int32_t)step};
    fp_plan_text(row->model, sizeof row->model, maker->grid->models[model].name);
    if (run >= 0) {
        row->seed = layout->runs[run].seed;
        fp_plan_text(row->finetuned_on, sizeof row->finetuned_on, layout->runs[run].task);
    }
    fp_digest_format(digest, row->digest);
    fp_checkpoint_row_open(row);
    maker->checkpoints[at] = digest;
    return 0;
}

static void fill_run(fp_plan_maker *maker, const fp_plan_run *run, size_t updates, fp_digest digest,
                     fp_run_row *row) {
    const fp_finetune_settings *s = &run->settings;
    *row = (fp_run_row){.seed = (int64_t)s->seed,
                        .updates = (int32_t)updates,
                        .batch = (int32_t)s->batch,
                        .learning_rate = s->learning_rate,
                        .warmup = s->warmup,
                        .weight_decay = s->weight_decay,
                        .losses_at = (int64_t)maker->plan->layout.n_losses};
    fp_plan_text(row->model, sizeof row->model, maker->grid->models[run->model].name);
    fp_plan_text(row->task, sizeof row->task, maker->grid->tasks[run->task].spec.name);
    fp_plan_text(row->objective, sizeof row->objective,
                 s->objective == FP_OBJECTIVE_MLM ? "mlm" : "classify");
    fp_digest_format(digest, row->digest);
}

/* A run with its checkpoints at STEPS, of which the first may be 0: that one is the original. */
static int add_run(fp_plan_maker *maker, fp_plan_run *run, size_t updates, const int64_t *steps, size_t count,
                   fp_error *error) {
    fp_plan *plan = maker->plan;
    fp_layout *layout = &plan->layout;
    size_t at = layout->n_runs;
    const fp_bert_config *config = &plan->configs[run->model];
    fp_digest digest;
    char notes[FP_NOTES];
    if (fp_plan_digest_run(maker->models[run->model].digest, maker->tasks[run->task].digest, &run->settings,
                           config, updates, notes, &digest, error) < 0 ||
        grow(maker, error) < 0)
        return -1;
    fill_run(maker, run, updates, digest, &layout->runs[at]);
    if (fp_plan_note(plan, notes, error, "run %s %s %lld", layout->runs[at].model, layout->runs[at].task,
                     (long long)layout->runs[at].seed) < 0)
        return -1;
    maker->runs[at] = digest;
    layout->n_losses += updates;
    layout->n_runs++;
    run->first_checkpoint = layout->n_checkpoints;
    fp_cost_run(config, maker->models[run->model].parameters,
                fp_plan_data_of(maker, run->model, run->task, 0), run);
    for (size_t i = 0; i < count; i++) {
        fp_digest step;
        if (steps[i] > 0 && (fp_plan_digest_checkpoint(digest, steps[i], &step, error) < 0 ||
                             add_checkpoint(maker, (int32_t)at, run->model, steps[i], step, error) < 0))
            return -1;
    }
    run->n_checkpoints = layout->n_checkpoints - run->first_checkpoint;
    run->checkpoint_bytes = fp_cost_checkpoint(maker->models[run->model].parameters);
    plan->runs[at] = *run;
    if (run->checkpoint_bytes > plan->checkpoint_bytes)
        plan->checkpoint_bytes = run->checkpoint_bytes;
    return 0;
}

/* A run is made when it leaves a checkpoint: with step 0 alone there is nothing to fine-tune. */
static int choose_run(fp_plan_maker *maker, size_t model, size_t task, uint64_t seed, fp_error *error) {
    const fp_grid *grid = maker->grid;
    fp_plan_run run = {.model = model, .task = task, .settings = grid->models[model].finetune};
    run.settings.seed = seed;
    size_t sentences = (size_t)fp_plan_data_of(maker, model, task, 0)->row.sentences;
    size_t updates = fp_finetune_updates(&run.settings, sentences), count = 0;
    if (updates > INT32_MAX)
        return fp_plan_problem(maker, grid->tasks[task].place, "%zu updates of task %s are more than %d",
                               updates, grid->tasks[task].spec.name, INT32_MAX);
    run.settings.updates = updates;
    int64_t *steps = NULL;
    if (fp_grid_choose(&grid->steps, (int64_t)updates, &steps, &count, error) < 0)
        return -1;
    int rc = 0;
    if (count == 0)
        fp_plan_problem(maker, grid->tasks[task].place,
                        "fine-tuning %s on %s takes %zu updates, and \"checkpoints\" chooses no step up to "
                        "that",
                        grid->models[model].name, grid->tasks[task].spec.name, updates);
    else if (steps[count - 1] > 0)
        rc = add_run(maker, &run, updates, steps, count, error);
    free(steps);
    return rc;
}

int fp_plan_runs(fp_plan_maker *maker, fp_error *error) {
    const fp_grid *grid = maker->grid;
    for (size_t m = 0; m < grid->n_models; m++)
        if (add_checkpoint(maker, -1, m, 0, maker->models[m].digest, error) < 0)
            return -1;
    for (size_t m = 0; m < grid->n_models; m++)
        for (size_t t = 0; t < grid->n_tasks; t++)
            for (size_t s = 0; s < grid->n_seeds; s++)
                if (choose_run(maker, m, t, grid->seeds[s], error) < 0)
                    return -1;
    return 0;
}
