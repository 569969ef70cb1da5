#include "sweep/join.h"

#include "derive.h"
#include "fineprobe/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fp_joiner {
    const fp_layout *parts;
    size_t n;
    const char *const *paths;
    fp_layout *out;
    fp_error *error;
} fp_joiner;

/* Something of one part, with what sorts it into the whole. */
typedef struct fp_item {
    size_t part, index, order; /* ORDER: of appearance */
    size_t a, b, c;            /* keys, the first first */
    int64_t d;
    const char *digest;
} fp_item;

static int by_digest(const void *x, const void *y) {
    return strcmp(((const fp_item *)x)->digest, ((const fp_item *)y)->digest);
}

static int by_place(const void *x, const void *y) {
    const fp_item *p = x, *q = y;
    const size_t keys[2][3] = {{p->a, p->b, p->c}, {q->a, q->b, q->c}};
    for (int i = 0; i < 3; i++)
        if (keys[0][i] != keys[1][i])
            return keys[0][i] < keys[1][i] ? -1 : 1;
    if (p->d != q->d)
        return p->d < q->d ? -1 : 1;
    return p->order < q->order ? -1 : p->order > q->order;
}

/* ---- what has a name: models and tasks ---- */

static size_t find_model(const fp_layout *l, const char *name) {
    size_t i = 0;
    while (i < l->n_models && strcmp(l->models[i].name, name) != 0)
        i++;
    return i;
}

static size_t find_task(const fp_layout *l, const char *name) {
    size_t i = 0;
    while (i < l->n_tasks && strcmp(l->tasks[i].name, name) != 0)
        i++;
    return i;
}

static int join_models(const fp_joiner *j, size_t part) {
    const fp_layout *from = &j->parts[part];
    fp_layout *out = j->out;
    for (size_t i = 0; i < from->n_models; i++) {
        size_t at = find_model(out, from->models[i].name);
        if (at == out->n_models)
            out->models[out->n_models++] = from->models[i];
        else if (strcmp(out->models[at].digest, from->models[i].digest) != 0)
            return fp_fail(j->error, "%s: its model %s is another one than that of the files before",
                           j->paths[part], from->models[i].name);
    }
    return 0;
}

static int join_tasks(const fp_joiner *j, size_t part) {
    const fp_layout *from = &j->parts[part];
    fp_layout *out = j->out;
    for (size_t i = 0; i < from->n_tasks; i++) {
        const char *name = from->tasks[i].name;
        size_t at = find_task(out, name);
        if (at < out->n_tasks && strcmp(out->tasks[at].digest, from->tasks[i].digest) != 0)
            return fp_fail(j->error, "%s: its task %s has other data than in the files before",
                           j->paths[part], name);
        if (at < out->n_tasks)
            continue;
        out->tasks[out->n_tasks++] = from->tasks[i];
        for (size_t k = 0; k < from->n_labels; k++)
            if (strcmp(from->labels[k].task, name) == 0)
                out->labels[out->n_labels++] = from->labels[k];
    }
    return 0;
}

/* The first row about MODEL, TASK and SPLIT in any part. */
static const fp_data_row *find_data(const fp_joiner *j, const char *model, const char *task,
                                    const char *split) {
    for (size_t p = 0; p < j->n; p++)
        for (size_t i = 0; i < j->parts[p].n_data; i++) {
            const fp_data_row *row = &j->parts[p].data[i];
            if (strcmp(row->model, model) == 0 && strcmp(row->task, task) == 0 &&
                strcmp(row->split, split) == 0)
                return row;
        }
    return NULL;
}

static void join_data(const fp_joiner *j) {
    static const char *const splits[2] = {"train", "test"};
    fp_layout *out = j->out;
    for (size_t m = 0; m < out->n_models; m++)
        for (size_t t = 0; t < out->n_tasks; t++)
            for (int s = 0; s < 2; s++) {
                const fp_data_row *row = find_data(j, out->models[m].name, out->tasks[t].name, splits[s]);
                if (row)
                    out->data[out->n_data++] = *row;
            }
}

/* ---- runs and checkpoints ---- */

static int join_runs(const fp_joiner *j, fp_item *items) {
    fp_layout *out = j->out;
    size_t n = 0;
    for (size_t p = 0; p < j->n; p++)
        for (size_t i = 0; i < j->parts[p].n_runs; i++, n++) {
            const fp_run_row *row = &j->parts[p].runs[i];
            items[n] = (fp_item){.part = p, .index = i, .order = n, .digest = row->digest};
            items[n].a = find_model(out, row->model);
            items[n].b = find_task(out, row->task);
        }
    qsort(items, n, sizeof *items, by_place);
    for (size_t i = 0; i < n; i++) {
        const fp_run_row *row = &j->parts[items[i].part].runs[items[i].index];
        size_t same = 0;
        while (same < out->n_runs &&
               (strcmp(out->runs[same].model, row->model) != 0 ||
                strcmp(out->runs[same].task, row->task) != 0 || out->runs[same].seed != row->seed))
            same++;
        if (same < out->n_runs && strcmp(out->runs[same].digest, row->digest) != 0)
            return fp_fail(j->error,
                           "%s: its fine-tuning of %s on %s (seed %lld) has other settings than in the "
                           "files before",
                           j->paths[items[i].part], row->model, row->task, (long long)row->seed);
        if (same < out->n_runs)
            continue;
        fp_run_row *to = &out->runs[out->n_runs++];
        *to = *row;
        to->losses_at = (int64_t)out->n_losses;
        out->n_losses += (size_t)row->updates;
    }
    return 0;
}

static int32_t find_run(const fp_layout *l, const char *digest) {
    for (size_t i = 0; i < l->n_runs; i++)
        if (strcmp(l->runs[i].digest, digest) == 0)
            return (int32_t)i;
    return -1;
}

/* The originals come first, one a model; then run after run, step after step. */
static void join_checkpoints(const fp_joiner *j, fp_item *items) {
    fp_layout *out = j->out;
    size_t n = 0;
    for (size_t p = 0; p < j->n; p++)
        for (size_t i = 0; i < j->parts[p].n_checkpoints; i++, n++) {
            const fp_checkpoint_row *row = &j->parts[p].checkpoints[i];
            items[n] = (fp_item){.part = p, .index = i, .order = n, .digest = row->digest, .d = row->step};
            items[n].a = row->run >= 0;
            items[n].b = row->run < 0 ? find_model(out, row->model)
                                      : (size_t)find_run(out, j->parts[p].runs[row->run].digest);
        }
    qsort(items, n, sizeof *items, by_place);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(items[i].digest, items[i - 1].digest) == 0)
            continue;
        fp_checkpoint_row *to = &out->checkpoints[out->n_checkpoints++];
        *to = j->parts[items[i].part].checkpoints[items[i].index];
        to->run = items[i].a ? (int32_t)items[i].b : -1;
        fp_checkpoint_row_open(to);
    }
}

/* ---- groups, units and the like ---- */

static int is_rows(const fp_group_size *size) {
    static const char *const names[] = {"rows", "classifiers", "controls", "codes", "memorisations"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(size->name, names[i]) == 0)
            return 1;
    return 0;
}

/* Whether an array with rows in GROUP has the axis of SIZE. */
static int matters(const fp_group *group, const fp_group_size *size) {
    fp_group other = *group;
    ++*fp_group_member(&other, size);
    for (fp_result r = 0; r < FP_N_RESULTS; r++) {
        size_t a[FP_MAX_AXES], b[FP_MAX_AXES];
        int axes = fp_result_shape(group, r, a);
        fp_result_shape(&other, r, b);
        if (a[0] && memcmp(a, b, (size_t)axes * sizeof *a) != 0)
            return 1;
    }
    return 0;
}

/* The sizes of GROUP's arrays into TO; those that matter in both must be the same. */
static int join_sizes(const fp_joiner *j, size_t part, const fp_group *group, fp_group *to) {
    fp_group from = *group, known = *to;
    for (size_t i = 0; i < FP_GROUP_SIZES; i++) {
        const fp_group_size *size = &fp_group_sizes[i];
        size_t *a = fp_group_member(&from, size), *b = fp_group_member(&known, size);
        if (is_rows(size)) {
            *fp_group_member(to, size) += *a; /* for a while: whether there are any */
            continue;
        }
        if (!matters(group, size))
            continue;
        if (matters(&known, size) && *a != *b)
            return fp_fail(j->error, "%s: group %s has %zu %s, not %zu as in the files before",
                           j->paths[part], group->name, *a, size->name, *b);
        *fp_group_member(to, size) = *a;
    }
    return 0;
}

static int join_group(const fp_joiner *j, size_t model, size_t task) {
    fp_layout *out = j->out;
    fp_group *to = &out->groups[out->n_groups];
    int found = 0;
    char name[FP_PATH];
    snprintf(name, sizeof name, "results/%s/%s", out->models[model].name, out->tasks[task].name);
    for (size_t p = 0; p < j->n; p++)
        for (size_t i = 0; i < j->parts[p].n_groups; i++) {
            const fp_group *group = &j->parts[p].groups[i];
            if (strcmp(group->name, name) != 0)
                continue;
            if (!found++)
                *to = *group;
            else if (join_sizes(j, p, group, to) < 0)
                return -1;
        }
    if (!found)
        return 0;
    to->model = (int32_t)model;
    to->task = (int32_t)task;
    for (size_t i = 0; i < FP_GROUP_SIZES; i++)
        if (is_rows(&fp_group_sizes[i]))
            *fp_group_member(to, &fp_group_sizes[i]) = 0;
    out->n_groups++;
    return 0;
}

static int join_groups(const fp_joiner *j) {
    for (size_t m = 0; m < j->out->n_models; m++)
        for (size_t t = 0; t < j->out->n_tasks; t++)
            if (join_group(j, m, t) < 0)
                return -1;
    return 0;
}

/* All rows of KIND, sorted by their place: checkpoint; its own task before others; task; layer. */
static size_t list_rows(const fp_joiner *j, fp_product_kind kind, fp_item *items,
                        const fp_item *checkpoints) {
    size_t n = 0;
    for (size_t p = 0; p < j->n; p++)
        for (size_t i = 0; i < fp_layout_count(&j->parts[p], kind); i++, n++) {
            const fp_probe_identity *row = fp_layout_identity(&j->parts[p], kind, i);
            fp_item key = {.digest = j->parts[p].checkpoints[row->checkpoint].digest};
            const fp_item *at = bsearch(&key, checkpoints, j->out->n_checkpoints, sizeof key, by_digest);
            items[n] = (fp_item){.part = p, .index = i, .order = n, .digest = row->digest, .d = row->layer};
            items[n].a = at->index;
            items[n].b = row->run >= 0 && strcmp(row->finetuned_on, row->probed_on) != 0;
            items[n].c = find_task(j->out, row->probed_on);
        }
    qsort(items, n, sizeof *items, by_place);
    return n;
}

static void add_row(const fp_joiner *j, fp_product_kind kind, const fp_item *item) {
    fp_layout *out = j->out;
    size_t *const counts[FP_N_PRODUCTS] = {&out->n_units, &out->n_classifiers, &out->n_controls,
                                           &out->n_codes, &out->n_memorisations};
    size_t at = (*counts[kind])++;
    fp_probe_identity *to = fp_layout_identity(out, kind, at);
    memcpy(to, fp_layout_identity(&j->parts[item->part], kind, item->index),
           fp_record_kinds[kind]->table->row_size);
    int32_t group = fp_layout_group(out, to->results);
    size_t *const rows[FP_N_PRODUCTS] = {&out->groups[group].rows, &out->groups[group].classifiers,
                                         &out->groups[group].controls, &out->groups[group].codes,
                                         &out->groups[group].memorisations};
    to->index = (int32_t)at;
    to->checkpoint = (int32_t)item->a;
    to->run = out->checkpoints[item->a].run;
    to->row = (int32_t)(*rows[kind])++;
    fp_table_open(fp_record_kinds[kind]->table, to);
    if (kind == FP_UNIT)
        out->unit_group[at] = group;
}

static int join_rows(const fp_joiner *j, fp_product_kind kind, fp_item *items, const fp_item *checkpoints) {
    size_t n = list_rows(j, kind, items, checkpoints);
    for (size_t i = 0; i < n; i++) {
        const fp_item *item = &items[i], *before = i > 0 ? &items[i - 1] : NULL;
        const fp_probe_identity *row = fp_layout_identity(&j->parts[item->part], kind, item->index);
        int same = before && before->a == item->a && before->b == item->b && before->c == item->c &&
                   before->d == item->d;
        if (same && strcmp(before->digest, item->digest) != 0)
            return fp_fail(j->error,
                           "%s: %s %d (%s, %s, probed on %s, step %d, layer %d) was probed with other "
                           "settings than in another of the files",
                           j->paths[item->part], fp_record_kinds[kind]->name, row->index, row->model,
                           row->finetuned_on, row->probed_on, row->step, row->layer);
        if (!same)
            add_row(j, kind, item);
    }
    return 0;
}

/* ---- all of it ---- */

/* Room for as much as all parts hold together. */
static int allocate(fp_layout *out, const fp_layout *sum, fp_error *error) {
    out->models = fp_alloc(sum->n_models, sizeof *out->models, "models", error);
    out->tasks = fp_alloc(sum->n_tasks, sizeof *out->tasks, "tasks", error);
    out->labels = fp_alloc(sum->n_labels, sizeof *out->labels, "labels", error);
    out->data = fp_alloc(sum->n_data, sizeof *out->data, "the data's table", error);
    out->runs = fp_alloc(sum->n_runs, sizeof *out->runs, "runs", error);
    out->checkpoints = fp_alloc(sum->n_checkpoints, sizeof *out->checkpoints, "checkpoints", error);
    out->units = fp_alloc(sum->n_units, sizeof *out->units, "units", error);
    out->classifiers = fp_alloc(sum->n_classifiers, sizeof *out->classifiers, "classifiers", error);
    out->controls = fp_alloc(sum->n_controls, sizeof *out->controls, "control tasks", error);
    out->codes = fp_alloc(sum->n_codes, sizeof *out->codes, "codes", error);
    out->memorisations = fp_alloc(sum->n_memorisations, sizeof *out->memorisations, "memorisations", error);
    out->groups = fp_alloc(sum->n_groups, sizeof *out->groups, "groups", error);
    out->unit_group = fp_alloc(sum->n_units, sizeof *out->unit_group, "groups of units", error);
    return out->models && out->tasks && out->labels && out->data && out->runs && out->checkpoints &&
                   out->units && out->classifiers && out->controls && out->codes && out->memorisations &&
                   out->groups && out->unit_group
               ? 0
               : -1;
}

static fp_layout sum_of(const fp_layout *parts, size_t n) {
    fp_layout sum = {0};
    for (size_t i = 0; i < n; i++) {
        sum.n_models += parts[i].n_models;
        sum.n_tasks += parts[i].n_tasks;
        sum.n_labels += parts[i].n_labels;
        sum.n_data += parts[i].n_data;
        sum.n_runs += parts[i].n_runs;
        sum.n_checkpoints += parts[i].n_checkpoints;
        sum.n_units += parts[i].n_units;
        sum.n_classifiers += parts[i].n_classifiers;
        sum.n_controls += parts[i].n_controls;
        sum.n_codes += parts[i].n_codes;
        sum.n_memorisations += parts[i].n_memorisations;
        sum.n_groups += parts[i].n_groups;
    }
    return sum;
}

/* The section of the settings that begins with the line HEAD, from the first part that has it. */
static int take_section(const fp_joiner *j, const char *head) {
    for (size_t p = 0; p < j->n; p++) {
        const char *all = j->parts[p].settings, *at = all ? strstr(all, head) : NULL;
        if (!at || (at != all && at[-1] != '\n'))
            continue;
        const char *end = strstr(at, "\n[");
        int length = end ? (int)(end + 1 - at) : (int)strlen(at);
        char *longer = fp_format(j->error, "%s%.*s", j->out->settings, length, at);
        if (!longer)
            return -1;
        free(j->out->settings);
        j->out->settings = longer;
        break;
    }
    return 0;
}

/* In the order of a plan: runs, then groups. */
static int join_settings(const fp_joiner *j) {
    char head[512];
    for (size_t i = 0; i < j->out->n_runs; i++) {
        const fp_run_row *run = &j->out->runs[i];
        snprintf(head, sizeof head, "[run %s %s %lld]\n", run->model, run->task, (long long)run->seed);
        if (take_section(j, head) < 0)
            return -1;
    }
    for (size_t i = 0; i < j->out->n_groups; i++)
        for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++) {
            snprintf(head, sizeof head, "[%s %s]\n", fp_record_kinds[kind]->name, j->out->groups[i].name);
            if (take_section(j, head) < 0)
                return -1;
        }
    return 0;
}

static int join(const fp_joiner *j, fp_item *items, fp_item *checkpoints) {
    for (size_t p = 0; p < j->n; p++)
        if (join_models(j, p) < 0 || join_tasks(j, p) < 0)
            return -1;
    join_data(j);
    if (join_runs(j, items) < 0)
        return -1;
    join_checkpoints(j, items);
    for (size_t i = 0; i < j->out->n_checkpoints; i++)
        checkpoints[i] = (fp_item){.index = i, .digest = j->out->checkpoints[i].digest};
    qsort(checkpoints, j->out->n_checkpoints, sizeof *checkpoints, by_digest);
    if (join_groups(j) < 0)
        return -1;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        if (join_rows(j, kind, items, checkpoints) < 0)
            return -1;
    return fp_derive_seed_rows(j->out, j->error) < 0 ? -1 : join_settings(j);
}

int fp_layout_join(const fp_layout *parts, size_t n, const char *const *paths, fp_layout *out,
                   fp_error *error) {
    fp_layout sum = sum_of(parts, n);
    fp_joiner j = {parts, n, paths, out, error};
    *out = (fp_layout){.grid = fp_strdup(parts[0].grid, error),
                       .settings = fp_strdup("", error),
                       .provenance = fp_strdup(parts[0].provenance, error)};
    size_t most = sum.n_runs + sum.n_checkpoints;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        most += fp_layout_count(&sum, kind);
    fp_item *items = fp_alloc(most, sizeof *items, "a list", error);
    fp_item *checkpoints = fp_alloc(sum.n_checkpoints, sizeof *checkpoints, "a list", error);
    int rc = out->grid && out->settings && out->provenance && items && checkpoints
                 ? allocate(out, &sum, error)
                 : -1;
    if (rc == 0)
        rc = join(&j, items, checkpoints);
    free(items);
    free(checkpoints);
    if (rc < 0)
        fp_layout_free(out);
    return rc;
}
