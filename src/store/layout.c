#include "contents.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

void fp_layout_free(fp_layout *layout) {
    free(layout->grid);
    free(layout->settings);
    free(layout->provenance);
    free(layout->models);
    free(layout->tasks);
    free(layout->labels);
    free(layout->data);
    free(layout->runs);
    free(layout->checkpoints);
    free(layout->units);
    free(layout->classifiers);
    free(layout->controls);
    free(layout->codes);
    free(layout->memorisations);
    free(layout->classifier_seeds);
    free(layout->groups);
    free(layout->unit_group);
    *layout = (fp_layout){0};
}

void fp_layout_losses(const fp_layout *layout, size_t checkpoint, size_t *at, size_t *count) {
    const fp_checkpoint_row *row = &layout->checkpoints[checkpoint];
    *at = *count = 0;
    if (row->run < 0)
        return;
    int32_t before = checkpoint > 0 && row[-1].run == row->run ? row[-1].step : 0;
    *at = (size_t)(layout->runs[row->run].losses_at + before);
    *count = (size_t)(row->step - before);
}

/* Names become groups of the file. */
static int check_name(const char *what, const char *name, fp_error *error) {
    if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fp_fail(error, "%s has the name \"%s\", which cannot name a group of the result file", what,
                       name);
    return 0;
}

static int check_groups(const fp_layout *layout, fp_error *error) {
    for (size_t i = 0; i < layout->n_groups; i++) {
        const fp_group *group = &layout->groups[i];
        if (group->model < 0 || (size_t)group->model >= layout->n_models || group->task < 0 ||
            (size_t)group->task >= layout->n_tasks)
            return fp_fail(error, "group %s is of no model and task", group->name);
        char name[FP_PATH + 2 * FP_NAME];
        snprintf(name, sizeof name, "results/%s/%s", layout->models[group->model].name,
                 layout->tasks[group->task].name);
        if (strcmp(name, group->name) != 0)
            return fp_fail(error, "group %s should be %s", group->name, name);
    }
    return 0;
}

int fp_layout_check_runs(const fp_layout *layout, fp_error *error) {
    for (size_t i = 0; i < layout->n_runs; i++) {
        const fp_run_row *run = &layout->runs[i];
        if (run->updates < 0 || run->losses_at < 0 || (uint64_t)run->losses_at > layout->n_losses ||
            (uint64_t)run->updates > layout->n_losses - (uint64_t)run->losses_at)
            return fp_fail(error, "run %zu has its losses outside the dataset losses", i);
    }
    for (size_t i = 0; i < layout->n_checkpoints; i++) {
        const fp_checkpoint_row *row = &layout->checkpoints[i];
        if (row->run < -1 || (row->run >= 0 && (size_t)row->run >= layout->n_runs))
            return fp_fail(error, "checkpoint %zu is of run %d, which does not exist", i, row->run);
        if (row->run < 0 ? row->step != 0 : row->step < 1 || row->step > layout->runs[row->run].updates)
            return fp_fail(error, "checkpoint %zu is at step %d, outside its run", i, row->step);
        if (i > 0 && row->run >= 0 && row[-1].run == row->run && row[-1].step >= row->step)
            return fp_fail(error, "checkpoint %zu does not come after the one before", i);
    }
    return 0;
}

size_t fp_layout_count(const fp_layout *layout, fp_product_kind kind) {
    return fp_dataset_rows(layout, fp_products[kind].rows);
}

fp_probe_identity *fp_layout_identity(const fp_layout *layout, fp_product_kind kind, size_t index) {
    for (size_t i = 0; i < FP_N_FIXED; i++)
        if (fp_fixed_tables[i].dataset == fp_products[kind].rows)
            return (fp_probe_identity *)((char *)fp_fixed_rows(layout, &fp_fixed_tables[i]) +
                                         index * fp_products[kind].record->table->row_size);
    return NULL;
}

int32_t fp_layout_group(const fp_layout *layout, const char *name) {
    for (size_t i = 0; i < layout->n_groups; i++)
        if (strcmp(layout->groups[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

static int check_rows(const fp_layout *layout, fp_product_kind kind, fp_error *error) {
    const char *name = fp_record_kinds[kind]->name;
    for (size_t i = 0; i < fp_layout_count(layout, kind); i++) {
        const fp_probe_identity *row = fp_layout_identity(layout, kind, i);
        if (row->index != (int64_t)i || row->checkpoint < 0 ||
            (size_t)row->checkpoint >= layout->n_checkpoints || row->run < -1 ||
            (row->run >= 0 && (size_t)row->run >= layout->n_runs))
            return fp_fail(error, "%s %zu has numbers out of range", name, i);
        int32_t group = kind == FP_UNIT ? layout->unit_group[i] : fp_layout_group(layout, row->results);
        if (group < 0 || (size_t)group >= layout->n_groups ||
            strcmp(layout->groups[group].name, row->results) != 0)
            return fp_fail(error, "%s %zu is of group \"%s\", which does not exist", name, i, row->results);
        size_t shape[FP_MAX_AXES];
        fp_result_shape(&layout->groups[group], fp_record_kinds[kind]->first, shape);
        if (row->row < 0 || (size_t)row->row >= shape[0])
            return fp_fail(error, "%s %zu has row %d, outside its group", name, i, row->row);
    }
    return 0;
}

int fp_layout_check(const fp_layout *layout, fp_error *error) {
    for (size_t i = 0; i < layout->n_models; i++)
        if (check_name("a model", layout->models[i].name, error) < 0)
            return -1;
    for (size_t i = 0; i < layout->n_tasks; i++)
        if (check_name("a task", layout->tasks[i].name, error) < 0)
            return -1;
    if (check_groups(layout, error) < 0 || fp_layout_check_runs(layout, error) < 0)
        return -1;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        if (check_rows(layout, kind, error) < 0)
            return -1;
    return 0;
}

/* All rows of a table in fresh memory. */
static int take(fp_store *store, const fp_fixed_table *table, fp_layout *out, fp_error *error) {
    const fp_rows *from = &store->datasets[table->dataset];
    size_t n = (size_t)from->shape[0];
    void *rows = fp_alloc(n, from->array->table->row_size, from->array->name, error);
    if (!rows)
        return -1;
    memcpy((char *)out + table->rows, &rows, sizeof rows);
    *fp_fixed_count(out, table) = n;
    return fp_rows_read(from, store->transfer, 0, n, rows, error);
}

static int take_tables(fp_store *store, fp_layout *out, fp_error *error) {
    for (size_t i = 0; i < FP_N_FIXED; i++)
        if (take(store, &fp_fixed_tables[i], out, error) < 0)
            return -1;
    return 0;
}

static int take_seeds(fp_store *store, fp_layout *out, fp_error *error) {
    size_t n = (size_t)store->datasets[FP_CLASSIFIER_SEEDS].shape[0];
    out->classifier_seeds = fp_alloc(n, sizeof *out->classifier_seeds, "classifiers of all seeds", error);
    out->n_classifier_seeds = n;
    return out->classifier_seeds ? fp_store_read_classifier_seeds(store, out->classifier_seeds, error) : -1;
}

static int take_groups(const fp_store *store, fp_layout *out, fp_error *error) {
    out->groups = fp_alloc(store->n_groups, sizeof *out->groups, "groups", error);
    out->unit_group = fp_alloc(out->n_units, sizeof *out->unit_group, "groups of units", error);
    if (!out->groups || !out->unit_group)
        return -1;
    out->n_groups = store->n_groups;
    for (size_t i = 0; i < store->n_groups; i++)
        out->groups[i] = store->groups[i].group;
    size_t last = 0; /* units of one group mostly follow one another */
    for (size_t i = 0; i < out->n_units; i++) {
        size_t tried = 0;
        while (tried < out->n_groups && strcmp(out->groups[last].name, out->units[i].results) != 0) {
            last = (last + 1) % out->n_groups;
            tried++;
        }
        out->unit_group[i] = tried < out->n_groups ? (int32_t)last : -1;
    }
    return 0;
}

int fp_store_tables(fp_store *store, fp_layout *out, fp_error *error) {
    *out = (fp_layout){.n_losses = (size_t)store->datasets[FP_LOSSES].shape[0]};
    if ((out->grid = fp_h5_read_document(store->file, "grid", store->size, error)) &&
        (out->settings = fp_h5_read_document(store->file, "settings", store->size, error)) &&
        (out->provenance = fp_h5_read_document(store->file, "provenance", store->size, error)) &&
        take_tables(store, out, error) == 0 && take_seeds(store, out, error) == 0 &&
        take_groups(store, out, error) == 0)
        return 0;
    fp_layout_free(out);
    fp_error_context(error, "%s", store->path);
    return -1;
}

int fp_store_layout(fp_store *store, fp_layout *out, fp_error *error) {
    if (fp_store_tables(store, out, error) < 0)
        return -1;
    if (fp_layout_check(out, error) == 0)
        return 0;
    fp_layout_free(out);
    fp_error_context(error, "%s", store->path);
    return -1;
}
