/* Plans by what the grid expects of files that are not there, and comparisons with it when they are. */
#include "fineprobe/memory.h"
#include "sweep/plan_make.h"
#include <stdlib.h>

/* The most frequent labels of real data take most of it: label i gets a share of 1 / (i + 1). */
static void spread_labels(fp_split *split, size_t n_labels) {
    double total = 0, sum = 0;
    for (size_t i = 0; i < n_labels; i++)
        total += 1 / (double)(i + 1);
    size_t at = 0;
    for (size_t i = 0; i < n_labels; i++) {
        sum += 1 / (double)(i + 1) / total;
        size_t end = i + 1 == n_labels ? split->n_instances : (size_t)(sum * (double)split->n_instances);
        for (; at < end; at++)
            split->instances[at].label = (int32_t)i;
    }
}

static int expect_split(const fp_expected_split *expected, size_t n_labels, fp_split *out, fp_error *error) {
    out->n_sentences = expected->sentences;
    out->instances = fp_alloc(expected->instances, sizeof *out->instances, "instances", error);
    if (!out->instances)
        return -1;
    out->n_instances = expected->instances;
    spread_labels(out, n_labels);
    return 0;
}

fp_task *fp_plan_expected_task(const fp_grid_task *task, fp_error *error) {
    const fp_expected_task *expected = &task->expect;
    fp_task *out = fp_alloc(1, sizeof *out, "a task", error);
    if (!out)
        return NULL;
    out->kind = fp_reader_kind(task->spec.reader);
    out->name = fp_strdup(task->spec.name, error);
    out->labels = fp_alloc(expected->labels, sizeof *out->labels, "labels", error);
    int rc = out->name && out->labels ? 0 : -1;
    for (; rc == 0 && out->n_labels < expected->labels; out->n_labels++)
        if (!(out->labels[out->n_labels] = fp_format(error, "label %zu", out->n_labels + 1)))
            rc = -1;
    if (rc == 0)
        rc = expect_split(&expected->train, expected->labels, &out->train, error);
    if (rc == 0)
        rc = expect_split(&expected->test, expected->labels, &out->test, error);
    if (rc == 0)
        return out;
    fp_task_free(out);
    return NULL;
}

void fp_plan_expected_data(const fp_expected_split *expected, fp_plan_data *out) {
    double pieces = (double)expected->pieces, sentences = (double)expected->sentences;
    out->row.sentences = (int32_t)expected->sentences;
    out->row.pieces = (int32_t)expected->pieces;
    out->row.longest = (int32_t)expected->longest;
    out->row.instances = (int32_t)expected->instances;
    out->squares =
        1.3 * pieces * pieces / sentences; /* lengths that spread about as those of news and reviews */
}

int fp_plan_check_model(const fp_grid_model *model, const fp_bert_config *found, fp_error *error) {
    const fp_bert_config *e = &model->config;
    if (!model->expected ||
        (e->layers == found->layers && e->hidden == found->hidden && e->heads == found->heads))
        return 0;
    return fp_fail(error, "it has %zu layers, %zu numbers and %zu heads; the grid expects %zu, %zu and %zu",
                   found->layers, found->hidden, found->heads, e->layers, e->hidden, e->heads);
}

int fp_plan_check_task(const fp_grid_task *task, const fp_task *found, fp_error *error) {
    const fp_expected_task *e = &task->expect;
    if (!e->labels || (e->labels == found->n_labels && e->train.instances == found->train.n_instances &&
                       e->test.instances == found->test.n_instances))
        return 0;
    return fp_fail(
        error,
        "task %s has %zu labels and %zu + %zu instances; the grid expects %zu and %zu + %zu: other "
        "data, or another part of them",
        task->spec.name, found->n_labels, found->train.n_instances, found->test.n_instances, e->labels,
        e->train.instances, e->test.instances);
}
