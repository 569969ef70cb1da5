/* A small sweep for tests of the result file: two models, two tasks, three runs; records made up from their
 * digests, so that every reader can tell what must be there. */
#ifndef FINEPROBE_TESTS_STORE_FIXTURE_H
#define FINEPROBE_TESTS_STORE_FIXTURE_H

#include "fineprobe/memory.h"
#include "fineprobe/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { UPDATES = 20, LAYERS = 3, LABELS = 3, TRAIN = 11, TEST = 5, CLUSTERS = 4 };

static const char *const fixture_models[] = {"tiny", "mini model"}, *const fixture_tasks[] = {"POS", "PS"};
static const struct { int model, task; } fixture_runs[] = {{0, 0}, {0, 1}, {1, 0}};

static void fixture_name(char *out, size_t size, const char *name) {
    snprintf(out, size, "%s", name);
}

static void fixture_unit(fp_layout *layout, size_t checkpoint, int model, int task, int layer) {
    fp_unit_row *row = &layout->units[layout->n_units];
    const fp_checkpoint_row *of = &layout->checkpoints[checkpoint];
    *row = (fp_unit_row){.unit = (int32_t)layout->n_units,
                         .checkpoint = (int32_t)checkpoint,
                         .run = of->run,
                         .seed = of->seed,
                         .step = of->step,
                         .layer = layer};
    fixture_name(row->model, sizeof row->model, of->model);
    fixture_name(row->finetuned_on, sizeof row->finetuned_on, of->finetuned_on);
    fixture_name(row->probed_on, sizeof row->probed_on, fixture_tasks[task]);
    int32_t group = model * 2 + task;
    fixture_name(row->results, sizeof row->results, layout->groups[group].name);
    row->row = (int32_t)layout->groups[group].rows++;
    snprintf(row->digest, sizeof row->digest, "%08lx%08lx%02d%02d",
             crc32(0, (const unsigned char *)of->digest, sizeof of->digest),
             crc32(1, (const unsigned char *)row->results, sizeof row->results), task, layer);
    layout->unit_group[layout->n_units++] = group;
    fp_unit_row_open(row);
}

static void fixture_checkpoint(fp_layout *layout, int run, int model, int task, int step) {
    size_t i = layout->n_checkpoints++;
    fp_checkpoint_row *row = &layout->checkpoints[i];
    *row = (fp_checkpoint_row){.run = run, .step = step, .seed = run < 0 ? -1 : 7};
    fixture_name(row->model, sizeof row->model, fixture_models[model]);
    fixture_name(row->finetuned_on, sizeof row->finetuned_on, run < 0 ? "" : fixture_tasks[task]);
    snprintf(row->digest, sizeof row->digest, "checkpoint%d.%d.%d", model, run < 0 ? 9 : task, step);
    fp_checkpoint_row_open(row);
    for (int layer = 0; layer < LAYERS; layer++)
        for (int probed = 0; probed < 2; probed++)
            if (run < 0 || probed == task)
                fixture_unit(layout, i, model, probed, layer);
}

/* Checkpoints at STEP, 2 STEP, ... of the first N_RUNS runs. */
static fp_layout fixture_layout(int n_runs, int step) {
    size_t checkpoints = 2 + (size_t)(n_runs * (UPDATES / step)), units = checkpoints * LAYERS * 2;
    fp_layout layout = {.grid = fp_strdup("models: [tiny]\n# Größe\n", NULL),
                        .provenance = fp_strdup("{\"host\": \"here\"}", NULL),
                        .n_models = 2,
                        .n_tasks = 2,
                        .n_labels = 2 * LABELS,
                        .n_runs = (size_t)n_runs,
                        .n_groups = 4,
                        .n_losses = (size_t)n_runs * UPDATES};
    layout.models = fp_alloc(2, sizeof *layout.models, "", NULL);
    layout.tasks = fp_alloc(2, sizeof *layout.tasks, "", NULL);
    layout.labels = fp_alloc(layout.n_labels, sizeof *layout.labels, "", NULL);
    layout.data = fp_alloc(0, sizeof *layout.data, "", NULL);
    layout.runs = fp_alloc(layout.n_runs, sizeof *layout.runs, "", NULL);
    layout.checkpoints = fp_alloc(checkpoints, sizeof *layout.checkpoints, "", NULL);
    layout.units = fp_alloc(units, sizeof *layout.units, "", NULL);
    layout.groups = fp_alloc(4, sizeof *layout.groups, "", NULL);
    layout.unit_group = fp_alloc(units, sizeof *layout.unit_group, "", NULL);
    for (int i = 0; i < 2; i++) {
        fixture_name(layout.models[i].name, FP_NAME, fixture_models[i]);
        layout.models[i].parameters = INT64_C(1) << 40;
        fixture_name(layout.tasks[i].name, FP_NAME, fixture_tasks[i]);
        layout.tasks[i].majority_accuracy = 0.25;
    }
    for (int i = 0; i < 2 * LABELS; i++) {
        fixture_name(layout.labels[i].task, FP_NAME, fixture_tasks[i / LABELS]);
        snprintf(layout.labels[i].label, FP_NAME, "Ä%d", i % LABELS);
        layout.labels[i].index = i % LABELS;
    }
    for (int i = 0; i < 4; i++) {
        layout.groups[i] = (fp_group){.model = i / 2,
                                      .task = i % 2,
                                      .labels = LABELS,
                                      .width = 6 + (size_t)i,
                                      .train_instances = TRAIN,
                                      .test_instances = TEST,
                                      .clusters = CLUSTERS};
        snprintf(layout.groups[i].name, FP_PATH, "results/%s/%s", fixture_models[i / 2],
                 fixture_tasks[i % 2]);
    }
    for (int i = 0; i < 2; i++)
        fixture_checkpoint(&layout, -1, i, 0, 0);
    for (int r = 0; r < n_runs; r++) {
        fp_run_row *run = &layout.runs[r];
        *run = (fp_run_row){.updates = UPDATES, .losses_at = (int64_t)r * UPDATES};
        fixture_name(run->model, FP_NAME, fixture_models[fixture_runs[r].model]);
        fixture_name(run->task, FP_NAME, fixture_tasks[fixture_runs[r].task]);
        for (int s = step; s <= UPDATES; s += step)
            fixture_checkpoint(&layout, r, fixture_runs[r].model, fixture_runs[r].task, s);
    }
    return layout;
}

static const fp_group *fixture_group(const fp_layout *layout, size_t unit) {
    return &layout->groups[layout->unit_group[unit]];
}

/* The record of a unit; its numbers follow from its digest alone. */
static fp_unit_record fixture_record(const fp_layout *layout, size_t unit) {
    const fp_group *group = fixture_group(layout, unit);
    fp_unit_record record;
    fp_unit_record_alloc(group, &record, NULL);
    record.row = layout->units[unit];
    double x = (double)crc32(0, (const unsigned char *)record.row.digest, FP_DIGEST) / 16;
    fixture_name(record.row.train.state, FP_STATE, "linear");
    fixture_name(record.row.test.state, FP_STATE, "one label");
    record.row.train.points = TRAIN;
    record.row.train.smallest_distance = x;
    record.row.test.points = TEST;
    record.row.train_test_similarity = 1 / (1 + x);
    for (size_t i = 0; i < 2 * group->labels * group->labels; i++)
        record.label_distances[i] = x + (double)i;
    for (size_t i = 0; i < group->labels; i++) /* the test half stays NaN */
        record.minimum_distances[i] = x - (double)i;
    for (size_t i = 0; i < 2 * group->labels * group->width; i++)
        record.centroids[i] = (float)(x / (double)(i + 1));
    for (size_t i = 0; i < group->train_instances + group->test_instances; i++)
        record.cluster_of[i] = (int32_t)(i % 3);
    for (int i = 0; i < 3; i++)
        record.clusters[i] = (fp_cluster_row){i, i, 5 - i, x, 2 * x};
    return record;
}

static fp_checkpoint_record fixture_checkpoint_record(const fp_layout *layout, size_t checkpoint) {
    fp_checkpoint_record record = {.row = layout->checkpoints[checkpoint]};
    const fp_checkpoint_row *row = &layout->checkpoints[checkpoint];
    int before = row->run >= 0 && row[-1].run == row->run ? row[-1].step : 0;
    record.n_losses = row->run < 0 ? 0 : (size_t)(row->step - before);
    record.losses = fp_alloc(record.n_losses, sizeof(float), "", NULL);
    record.losses_at = row->run < 0 ? 0 : layout->runs[row->run].losses_at + before;
    for (size_t i = 0; i < record.n_losses; i++) /* known by run and update */
        record.losses[i] = 100.0F * (float)row->run + 1.0F / (float)(before + (int)i + 1);
    record.row.train_loss = fp_losses_mean(record.losses, record.n_losses);
    record.row.test_accuracy = row->run < 0 ? record.row.test_accuracy : 1.0 / row->step;
    return record;
}

static fp_provenance_row fixture_provenance(int rank, const char *message) {
    fp_provenance_row row = {.rank = rank, .attempts = 2, .incarnation = 3, .started = 4.5};
    fixture_name(row.host, FP_NAME, "node");
    fixture_name(row.message, FP_MESSAGE, message);
    return row;
}

static int fixture_write_unit(fp_store *store, const fp_layout *layout, size_t unit, int rank,
                              fp_error *error) {
    fp_unit_record record = fixture_record(layout, unit);
    fp_provenance_row provenance = fixture_provenance(rank, "");
    int rc = fp_store_write_unit(store, fixture_group(layout, unit), &record, &provenance, error);
    fp_unit_record_free(&record);
    return rc;
}

static int fixture_write_checkpoint(fp_store *store, const fp_layout *layout, size_t checkpoint, int rank,
                                    fp_error *error) {
    fp_checkpoint_record record = fixture_checkpoint_record(layout, checkpoint);
    fp_provenance_row provenance = fixture_provenance(rank, "");
    int rc = fp_store_write_checkpoint(store, checkpoint, &record, &provenance, error);
    free(record.losses);
    return rc;
}

/* 0 when the file holds what fixture_record makes of this unit, bit by bit. */
static inline int fixture_compare_unit(fp_store *store, const fp_layout *layout, size_t unit,
                                       fp_error *error) {
    const fp_group *group = fixture_group(layout, unit);
    fp_unit_record expected = fixture_record(layout, unit), found;
    int rc = fp_store_read_unit(store, group, unit, (size_t)layout->units[unit].row, &found, error);
    if (rc == 0)
        rc = fp_unit_record_check(group, &found, error);
    if (rc == 0 && found.row.crc != fp_unit_record_crc(group, &expected))
        rc = fp_fail(error, "unit %zu holds other numbers", unit);
    fp_unit_record_free(&expected);
    fp_unit_record_free(&found);
    return rc;
}

#endif
