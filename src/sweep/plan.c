#include "fineprobe/plan.h"

#include "fineprobe/memory.h"
#include "sweep/plan_make.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fp_plan_problem(fp_plan_maker *maker, fp_place place, const char *format, ...) {
    char *what = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&what, format, args) < 0)
        what = NULL;
    va_end(args);
    maker->failed = 1;
    fp_problems_add(maker->problems, "%s:%zu:%zu: %s", maker->grid->path, place.line, place.column,
                    what ? what : "out of memory");
    free(what);
    return -1;
}

int fp_plan_note(fp_plan *plan, const char *notes, fp_error *error, const char *head, ...) {
    char line[512];
    va_list args;
    va_start(args, head);
    vsnprintf(line, sizeof line, head, args);
    va_end(args);
    char *before = plan->layout.settings;
    char *after = fp_format(error, "%s[%s]\n%s", before ? before : "", line, notes);
    if (!after)
        return -1;
    free(before);
    plan->layout.settings = after;
    return 0;
}

const fp_plan_data *fp_plan_data_of(const fp_plan_maker *maker, size_t model, size_t task, int split) {
    return &maker->data[(model * maker->grid->n_tasks + task) * 2 + (size_t)split];
}

void fp_plan_text(char *out, size_t size, const char *text) {
    size_t n = strlen(text);
    if (n < size) {
        memset(out, 0, size);
        memcpy(out, text, n + 1);
        return;
    }
    const char *tail = text + n - (size - 4);
    while (((unsigned char)*tail & 0xc0) == 0x80) /* not inside a letter */
        tail++;
    snprintf(out, size, "...%s", tail);
}

static int prepare(fp_plan_maker *maker, fp_error *error) {
    size_t n_models = maker->grid->n_models, n_tasks = maker->grid->n_tasks;
    maker->plan = fp_alloc(1, sizeof *maker->plan, "the plan", error);
    maker->models = fp_alloc(n_models, sizeof *maker->models, "models", error);
    maker->tasks = fp_alloc(n_tasks, sizeof *maker->tasks, "tasks", error);
    maker->data = fp_alloc(n_models * n_tasks * 2, sizeof *maker->data, "the data's table", error);
    if (!maker->plan || !maker->models || !maker->tasks || !maker->data)
        return -1;
    maker->plan->grid = maker->grid;
    maker->plan->configs = fp_alloc(n_models, sizeof *maker->plan->configs, "configurations", error);
    return maker->plan->configs ? 0 : -1;
}

static void clean_up(fp_plan_maker *maker) {
    for (size_t i = 0; maker->models && i < maker->grid->n_models; i++) {
        if (maker->models[i].tokenizer)
            fp_wordpiece_close(maker->models[i].tokenizer);
        free(maker->models[i].layers);
    }
    for (size_t i = 0; maker->tasks && i < maker->grid->n_tasks; i++)
        if (maker->tasks[i].task)
            fp_task_free(maker->tasks[i].task);
    free(maker->models);
    free(maker->tasks);
    free(maker->data);
    free(maker->runs);
    free(maker->checkpoints);
}

static int expand(fp_plan_maker *maker, fp_error *error) {
    if (fp_plan_tables(maker, error) < 0 || fp_plan_runs(maker, error) < 0)
        return -1;
    if (maker->failed)
        return 0;
    if (fp_plan_units(maker, error) < 0 || fp_plan_provenance(maker->plan, error) < 0)
        return -1;
    maker->plan->layout.grid = fp_strdup(maker->grid->text, error);
    return maker->plan->layout.grid ? 0 : -1;
}

fp_plan *fp_plan_make(const fp_grid *grid, fp_problems *problems) {
    fp_plan_maker maker = {.grid = grid, .problems = problems};
    fp_error error = {0};
    int rc = prepare(&maker, &error);
    if (rc == 0) {
        fp_plan_load(&maker);
        if (!maker.failed)
            rc = expand(&maker, &error);
    }
    if (rc < 0) {
        maker.failed = 1;
        fp_problems_add(problems, "%s: %s", grid->path, error.text);
    }
    clean_up(&maker);
    if (!maker.failed)
        return maker.plan;
    fp_plan_free(maker.plan);
    return NULL;
}

void fp_plan_free(fp_plan *plan) {
    if (!plan)
        return;
    fp_layout_free(&plan->layout);
    free(plan->configs);
    free(plan->runs);
    free(plan->representations);
    free(plan->probings);
    free(plan);
}
