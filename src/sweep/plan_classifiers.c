/* The probes of a representation that train classifiers: their rows, their pieces of work. */
#include "fineprobe/memory.h"
#include "sweep/plan_make.h"
#include <stdlib.h>
#include <string.h>

static int contains(const int64_t *list, size_t n, int64_t number) {
    for (size_t i = 0; i < n; i++)
        if (list[i] == number)
            return 1;
    return 0;
}

/* Whether CHOICE out of 0 .. LAST has NUMBER; -1 out of memory. */
static int chooses(const fp_grid_choice *choice, int64_t last, int64_t number, fp_error *error) {
    int64_t *chosen;
    size_t n;
    if (fp_grid_choose(choice, last, &chosen, &n, error) < 0)
        return -1;
    int found = contains(chosen, n, number);
    free(chosen);
    return found;
}

/* The original is step 0 of every run. */
static int wants_step(const fp_plan_maker *maker, const fp_grid_probe *probe, size_t checkpoint,
                      fp_error *error) {
    const fp_checkpoint_row *row = &maker->plan->layout.checkpoints[checkpoint];
    int64_t last = row->run < 0 ? INT32_MAX : maker->plan->layout.runs[row->run].updates;
    const fp_grid_choice *steps = fp_grid_probe_steps(probe);
    if (row->run < 0 && steps->every > 0)
        return 1;
    return chooses(steps, last, row->step, error);
}

static int grow(fp_plan_maker *maker, fp_product_kind kind, fp_error *error) {
    fp_layout *l = &maker->plan->layout;
    struct {
        void **rows;
        size_t *count;
    } tables[FP_N_PRODUCTS] = {
        [FP_CLASSIFIER] = {(void **)&l->classifiers, &l->n_classifiers},
        [FP_CONTROL] = {(void **)&l->controls, &l->n_controls},
        [FP_CODE] = {(void **)&l->codes, &l->n_codes},
        [FP_MEMORISATION] = {(void **)&l->memorisations, &l->n_memorisations},
    };
    size_t n = *tables[kind].count, size = fp_record_kinds[kind]->table->row_size;
    if (fp_grow(tables[kind].rows, &maker->rows_capacity[kind], n + 1, size, error) < 0)
        return -1;
    memset((char *)*tables[kind].rows + n * size, 0, size);
    ++*tables[kind].count;
    return 0;
}

static size_t *rows_of(fp_group *group, fp_product_kind kind) {
    size_t *const rows[FP_N_PRODUCTS] = {&group->rows, &group->classifiers, &group->controls, &group->codes,
                                         &group->memorisations};
    return rows[kind];
}

/* One row of its table, with the pieces of work that lead to it. */
static int add_probe(fp_plan_maker *maker, size_t at, int32_t group_index, fp_product_kind kind,
                     int64_t layer, fp_error *error) {
    fp_layout *layout = &maker->plan->layout;
    const fp_plan_representation r = maker->plan->representations[at];
    fp_group *group = &layout->groups[group_index];
    const fp_classifier_settings *s = &maker->grid->probes[kind].settings;
    size_t index = fp_layout_count(layout, kind);
    fp_digest digest;
    char notes[FP_NOTES];
    if (grow(maker, kind, error) < 0 ||
        fp_plan_digest_probe(maker->checkpoints[r.checkpoint], maker->tasks[r.task].digest, layer,
                             maker->grid, kind, notes, &digest, error) < 0)
        return -1;
    if (*rows_of(group, kind) == 0 &&
        fp_plan_note(maker->plan, notes, error, "%s %s", fp_record_kinds[kind]->name, group->name) < 0)
        return -1;
    fp_probe_identity *row = fp_layout_identity(layout, kind, index);
    *row = fp_plan_identity(maker, at, group_index, layer);
    row->index = (int32_t)index;
    row->row = (int32_t)(*rows_of(group, kind))++;
    fp_digest_format(digest, row->digest);
    fp_table_open(fp_record_kinds[kind]->table, row);
    fp_piece_kind piece = (fp_piece_kind)(FP_PIECE_CLASSIFIER + (kind - FP_CLASSIFIER));
    size_t end = maker->plan->n_probings + (kind == FP_CLASSIFIER ? s->n_shapes : 0);
    for (size_t i = 0; kind == FP_CLASSIFIER && i < s->n_shapes; i++) {
        fp_plan_probing *part = fp_plan_add_probing(maker, at, FP_PIECE_CANDIDATES, index, layer, error);
        if (!part)
            return -1;
        part->shape = i;
        part->then = end;
        fp_cost_classifier(group, FP_PIECE_CANDIDATES, s, &s->shapes[i], part);
    }
    fp_plan_probing *last = fp_plan_add_probing(maker, at, piece, index, layer, error);
    if (!last)
        return -1;
    fp_cost_classifier(group, piece, s, &s->shapes[s->n_shapes - 1], last);
    return 0;
}

/* A sentence is of no word type, so that it has no control task. */
static int applies(const fp_plan_maker *maker, const fp_plan_representation *r, fp_product_kind kind) {
    return maker->grid->probes[kind].wanted &&
           !(kind == FP_CONTROL && maker->tasks[r->task].task->kind == FP_KIND_SENTENCE);
}

/* More folds than instances are beyond sense, whatever the labels. */
static int check_folds(fp_plan_maker *maker, const fp_plan_representation *r, const fp_group *group) {
    const fp_grid_probe *probe = &maker->grid->probes[FP_CLASSIFIER];
    size_t least = probe->settings.folds ? probe->settings.folds : 2;
    if (group->train_instances >= least)
        return 0;
    return fp_plan_problem(
        maker, probe->place,
        "the task %s has %zu training instances for %s; a classifier is chosen on %zu folds, "
        "so it needs at least %zu",
        maker->grid->tasks[r->task].spec.name, group->train_instances, maker->grid->models[r->model].name,
        least, least);
}

int fp_plan_classifiers(fp_plan_maker *maker, size_t at, int32_t group, fp_error *error) {
    const fp_plan_representation r = maker->plan->representations[at];
    const fp_plan_model *m = &maker->models[r.model];
    int64_t last = (int64_t)maker->plan->configs[r.model].layers;
    for (fp_product_kind kind = FP_CLASSIFIER; kind < FP_N_PRODUCTS; kind++) {
        const fp_grid_probe *probe = &maker->grid->probes[kind];
        int wanted = applies(maker, &r, kind) ? wants_step(maker, probe, r.checkpoint, error) : 0;
        if (wanted < 0)
            return -1;
        if (wanted && kind == FP_CLASSIFIER)
            check_folds(maker, &r, &maker->plan->layout.groups[group]);
        for (size_t i = 0; wanted && i < m->n_layers; i++) {
            int chosen = chooses(fp_grid_probe_layers(probe), last, m->layers[i], error);
            if (chosen < 0 || (chosen && add_probe(maker, at, group, kind, m->layers[i], error) < 0))
                return -1;
        }
    }
    return 0;
}
