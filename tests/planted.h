/* A sweep with known answers, as a result file: two models, three tasks, cross-task pairs, three layers,
 * three steps. In a planted sweep every conclusion of the paper holds; in a turned one, none does. */
#ifndef FINEPROBE_TESTS_PLANTED_H
#define FINEPROBE_TESTS_PLANTED_H

#include "fineprobe/compare.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/store.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { P_INITIALISATIONS = 5, P_EPOCHS = 3 };
enum { P_LABELS = 8, P_WIDTH = 10, P_STEPS = 3, P_LAYERS = 3, P_LAST = 20, P_TRAIN = 40, P_TEST = 16 };

typedef struct planted {
    int turned;     /* 1: nothing holds */
    int seeds;      /* of every run */
    int fallen;     /* so many labels of every task fall where the others rise */
    int alone;      /* 1: classifiers and memorisation, without DirectProbe */
    int coded;      /* 1: control tasks and codes beside every classifier */
    int unfinished; /* so many of the last units are missing, the first of them because it failed */
} planted;

static const char *const p_models[] = {"little", "large"};
static const char *const p_tasks[] = {"A", "B", "C"};
/* A and B label the same instances. */
static const struct { int tuned, probed; } p_pairs[] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {2, 1}};
enum { P_MODELS = 2, P_TASKS = 3, P_PAIRS = 5 };

static fp_error p_error; /* of the calls of a test */

#define p_must(call)                                                                                         \
    do {                                                                                                     \
        if ((call) < 0)                                                                                      \
            fail_msg("%s: %s", #call, p_error.text);                                                         \
    } while (0)

static void p_name(char *out, const char *name) {
    fp_copy_text(out, FP_NAME, name);
}

/* ---- tables ---- */

static void p_add_unit(fp_layout *l, size_t checkpoint, int model, int probed, int layer) {
    const fp_checkpoint_row *of = &l->checkpoints[checkpoint];
    size_t at = l->n_units++;
    fp_group *group = &l->groups[model * P_TASKS + probed];
    fp_unit_row *row = &l->units[at];
    *row = (fp_unit_row){.unit = (int32_t)at,
                         .checkpoint = (int32_t)checkpoint,
                         .run = of->run,
                         .seed = of->seed,
                         .step = of->step,
                         .layer = layer,
                         .row = (int32_t)group->rows++};
    p_name(row->model, of->model);
    p_name(row->finetuned_on, of->finetuned_on);
    p_name(row->probed_on, p_tasks[probed]);
    fp_copy_text(row->results, FP_PATH, group->name);
    snprintf(row->digest, sizeof row->digest, "unit%zu", at);
    l->unit_group[at] = model * P_TASKS + probed;
    fp_unit_row_open(row);
}

/* Classifiers at both ends in the top layer; memorisation on the own task and on the original. */
static void p_add_probe(fp_layout *l, size_t checkpoint, int model, int probed, fp_probe_identity *id,
                        size_t at, size_t row) {
    const fp_checkpoint_row *of = &l->checkpoints[checkpoint];
    *id = (fp_probe_identity){.index = (int32_t)at,
                              .checkpoint = (int32_t)checkpoint,
                              .run = of->run,
                              .seed = of->seed,
                              .step = of->step,
                              .layer = P_LAYERS - 1,
                              .row = (int32_t)row};
    p_name(id->model, of->model);
    p_name(id->finetuned_on, of->finetuned_on);
    p_name(id->probed_on, p_tasks[probed]);
    fp_copy_text(id->results, FP_PATH, l->groups[model * P_TASKS + probed].name);
    snprintf(id->digest, sizeof id->digest, "probe%zu", at);
}

static void p_add_probes(fp_layout *l, const planted *p, size_t checkpoint, int model, int tuned,
                         int probed) {
    fp_group *group = &l->groups[model * P_TASKS + probed];
    size_t at = l->n_classifiers++;
    p_add_probe(l, checkpoint, model, probed, &l->classifiers[at].id, at, group->classifiers++);
    if (p->coded) {
        at = l->n_controls++;
        p_add_probe(l, checkpoint, model, probed, &l->controls[at].id, at, group->controls++);
        at = l->n_codes++;
        p_add_probe(l, checkpoint, model, probed, &l->codes[at].id, at, group->codes++);
    }
    if (l->checkpoints[checkpoint].run >= 0 && tuned != probed)
        return;
    at = l->n_memorisations++;
    p_add_probe(l, checkpoint, model, probed, &l->memorisations[at].id, at, group->memorisations++);
}

static void p_add_checkpoint(fp_layout *l, const planted *p, int run, int model, int tuned, int64_t seed,
                             int step) {
    size_t at = l->n_checkpoints++;
    fp_checkpoint_row *row = &l->checkpoints[at];
    *row = (fp_checkpoint_row){.run = run, .step = step, .seed = run < 0 ? -1 : seed};
    p_name(row->model, p_models[model]);
    p_name(row->finetuned_on, run < 0 ? "" : p_tasks[tuned]);
    snprintf(row->digest, sizeof row->digest, "checkpoint%zu", at);
    fp_checkpoint_row_open(row);
    for (int i = 0; i < P_PAIRS && !p->alone; i++)
        for (int layer = 0; layer < P_LAYERS; layer++)
            if (run < 0 ? p_pairs[i].tuned == p_pairs[i].probed : p_pairs[i].tuned == tuned)
                p_add_unit(l, at, model, p_pairs[i].probed, layer);
    for (int i = 0; i < P_PAIRS && (step == 0 || step == P_LAST); i++)
        if (run < 0 ? p_pairs[i].tuned == p_pairs[i].probed : p_pairs[i].tuned == tuned)
            p_add_probes(l, p, at, model, tuned, p_pairs[i].probed);
}

static void p_name_things(fp_layout *l) {
    for (int m = 0; m < P_MODELS; m++) {
        l->models[m] =
            (fp_model_row){.layers = 2, .hidden = P_WIDTH, .heads = 2, .parameters = 1000 * (m + 1)};
        p_name(l->models[m].name, p_models[m]);
        fp_copy_text(l->models[m].digest, FP_DIGEST, "0123456789abcdef");
    }
    for (int t = 0; t < P_TASKS; t++) {
        l->tasks[t] = (fp_task_row){.labels = P_LABELS,
                                    .train_instances = P_TRAIN,
                                    .test_instances = P_TEST,
                                    .train_sentences = 10,
                                    .test_sentences = 4,
                                    .majority_accuracy = 0.25};
        p_name(l->tasks[t].name, p_tasks[t]);
        p_name(l->tasks[t].kind, "word");
        p_name(l->tasks[t].reader, "tsv-words");
        fp_copy_text(l->tasks[t].train_file, FP_PATH, t < 2 ? "words.tsv" : "other.tsv");
    }
    for (int i = 0; i < P_TASKS * P_LABELS; i++) {
        fp_label_row *row = &l->labels[i];
        *row = (fp_label_row){.index = i % P_LABELS, .train_instances = 5, .test_instances = 2};
        p_name(row->task, p_tasks[i / P_LABELS]);
        snprintf(row->label, FP_NAME, "<%c&%d_%%>", 'a' + i / P_LABELS, i % P_LABELS); /* to be escaped */
    }
    for (int g = 0; g < P_MODELS * P_TASKS; g++) {
        l->groups[g] = (fp_group){.model = g / P_TASKS,
                                  .task = g % P_TASKS,
                                  .labels = P_LABELS,
                                  .width = P_WIDTH,
                                  .train_instances = P_TRAIN,
                                  .test_instances = P_TEST,
                                  .clusters = P_LABELS,
                                  .candidates = 1,
                                  .initialisations = P_INITIALISATIONS,
                                  .epochs = P_EPOCHS};
        snprintf(l->groups[g].name, FP_PATH, "results/%s/%s", p_models[g / P_TASKS], p_tasks[g % P_TASKS]);
    }
}

static fp_layout p_layout(const planted *p) {
    size_t runs = (size_t)(P_MODELS * P_TASKS * p->seeds), checkpoints = P_MODELS + runs * (P_STEPS - 1);
    size_t units = checkpoints * P_PAIRS * P_LAYERS; /* at most */
    fp_layout l = {.grid = fp_strdup("name: planted\n", NULL),
                   .provenance = fp_strdup("{\"program\": \"fineprobe\", \"host\": \"here\"}", NULL),
                   .n_models = P_MODELS,
                   .n_tasks = P_TASKS,
                   .n_labels = P_TASKS * P_LABELS,
                   .n_groups = P_MODELS * P_TASKS,
                   .n_losses = runs * P_LAST,
                   .models = fp_alloc(P_MODELS, sizeof(fp_model_row), "", NULL),
                   .tasks = fp_alloc(P_TASKS, sizeof(fp_task_row), "", NULL),
                   .labels = fp_alloc(P_TASKS * P_LABELS, sizeof(fp_label_row), "", NULL),
                   .data = fp_alloc(0, sizeof(fp_data_row), "", NULL),
                   .runs = fp_alloc(runs, sizeof(fp_run_row), "", NULL),
                   .checkpoints = fp_alloc(checkpoints, sizeof(fp_checkpoint_row), "", NULL),
                   .units = fp_alloc(units, sizeof(fp_unit_row), "", NULL),
                   .classifiers = fp_alloc(units, sizeof(fp_classifier_row), "", NULL),
                   .controls = fp_alloc(units, sizeof(fp_control_row), "", NULL),
                   .codes = fp_alloc(units, sizeof(fp_code_row), "", NULL),
                   .memorisations = fp_alloc(units, sizeof(fp_memorisation_row), "", NULL),
                   .groups = fp_alloc(P_MODELS * P_TASKS, sizeof(fp_group), "", NULL),
                   .unit_group = fp_alloc(units, sizeof(int32_t), "", NULL)};
    p_name_things(&l);
    for (int m = 0; m < P_MODELS; m++)
        p_add_checkpoint(&l, p, -1, m, 0, -1, 0);
    for (int m = 0; m < P_MODELS; m++)
        for (int t = 0; t < P_TASKS; t++)
            for (int s = 0; s < p->seeds; s++) {
                fp_run_row *run = &l.runs[l.n_runs];
                *run = (fp_run_row){.seed = s + 1,
                                    .updates = P_LAST,
                                    .batch = 4,
                                    .learning_rate = 1e-3,
                                    .losses_at = (int64_t)l.n_runs * P_LAST};
                p_name(run->model, p_models[m]);
                p_name(run->task, p_tasks[t]);
                fp_copy_text(run->objective, FP_STATE, "classify");
                for (int k = 1; k < P_STEPS; k++)
                    p_add_checkpoint(&l, p, (int)l.n_runs, m, t, s + 1, k * P_LAST / (P_STEPS - 1));
                l.n_runs++;
            }
    return l;
}

/* ---- numbers ---- */

/* Two patterns over pairs of labels that have little to do with each other. */
static double p_pattern(int a, int b, int which) {
    int low = a < b ? a : b, high = a < b ? b : a;
    int mixed = which ? low * 11 + high * 5 + low * high * 3 : low * 7 + high * 3 + low * high;
    return (which ? mixed * 3 % 13 : mixed % 11) / 10.0;
}

static int p_index(const char *const *names, const char *name) {
    int i = 0;
    while (strcmp(names[i], name) != 0)
        i++;
    return i;
}

/* Where the labels are apart: the training set's pattern drifts away from the original's (h), the test set's
 * from the training set's (a). */
static void p_distances(const planted *p, const fp_unit_row *row, fp_unit_record *out) {
    int step = row->step * 2 / P_LAST, top = row->layer == P_LAYERS - 1;
    double drift = step == 0 ? 0 : top ? (step == 1 ? 0.30 : 0.35) : 0.05;
    double apart = step == 0 ? 0.1 : 0.4;
    if (p->turned) {
        drift = step == 0 ? 0 : top ? (step == 1 ? 0.02 : 0.60) : 0.90;
        apart = step == 0 ? 0.4 : 0.1;
    }
    apart += 0.01 * (double)(row->seed > 0 ? row->seed : 0);
    for (int split = 0; split < 2; split++)
        for (int a = 0; a < P_LABELS; a++)
            for (int b = 0; b < P_LABELS; b++) {
                double x = (1 - drift) * p_pattern(a, b, 0) + drift * p_pattern(a, b, 1);
                if (split)
                    x = (1 - apart) * x + apart * p_pattern(b, a, 1);
                out->label_distances[(split * P_LABELS + a) * P_LABELS + b] = a == b ? NAN : 1 + x;
            }
}

/* The minimum distance of label A on the training set (e, f). */
static double p_minimum(const planted *p, const fp_unit_row *row, int label) {
    double share = row->step / (double)P_LAST, start = 4 + 0.1 * label;
    double sign = p->turned || label < p->fallen ? -1 : 1;
    if (!row->finetuned_on[0])
        return start;
    if (strcmp(row->finetuned_on, row->probed_on) == 0)
        return start + sign * share * (1 + 0.1 * label + 0.01 * (double)row->seed);
    return strcmp(row->finetuned_on, "A") == 0 ? start + sign * share * 0.5 : start - sign * share * 0.25;
}

/* Centroids: labels on axes of their own; they move little and alike below, far and each on its own axis
 * above (g, i). */
static void p_centroids(const planted *p, const fp_unit_row *row, fp_unit_record *out) {
    int layer = p->turned ? P_LAYERS - 1 - row->layer : row->layer;
    double far[P_LAYERS] = {0.2, 0.6, 2}, own[P_LAYERS] = {0.05, 0.4, 1}, share = row->step / (double)P_LAST;
    for (int split = 0; split < 2; split++)
        for (int a = 0; a < P_LABELS; a++) {
            float *at = out->centroids + (split * P_LABELS + a) * P_WIDTH;
            at[a] = 1 + (float)(share * far[layer] * own[layer] * (1 + 0.05 * a));
            at[P_WIDTH - 1] = (float)(share * far[layer] * (1 - own[layer]));
        }
}

/* Before fine-tuning the large model is linear and the small one not (c); afterwards clusters are fewer (d).
 */
static void p_state(const planted *p, const fp_unit_row *row, fp_unit_record *out) {
    int large = p_index(p_models, row->model) == 1, before = row->step == 0;
    int clusters = large != p->turned ? P_LABELS
                   : before           ? P_LABELS + 4
                   : p->turned        ? P_LABELS + 6
                                      : P_LABELS;
    fp_probe_columns *splits[2] = {&out->row.train, &out->row.test};
    for (int s = 0; s < 2; s++) {
        int n = s ? P_LABELS : clusters;
        *splits[s] = (fp_probe_columns){.points = s ? P_TEST : P_TRAIN,
                                        .labels_present = P_LABELS,
                                        .clusters = n,
                                        .smallest_distance = 1,
                                        .mean_distance = row->seed > 0 ? 2 + 0.1 * (double)row->seed : 2};
        fp_copy_text(splits[s]->state, FP_STATE, n == P_LABELS ? "linear" : "not linear");
    }
    if (clusters == P_LABELS)
        out->row.train_test_similarity =
            fp_spatial_similarity(out->label_distances, out->label_distances + P_LABELS * P_LABELS, P_LABELS);
}

static void p_write_unit(fp_store *store, const fp_layout *l, const planted *p, size_t unit) {
    const fp_group *group = &l->groups[l->unit_group[unit]];
    fp_provenance_row provenance = {.started = 1e9, .finished = 1e9 + 2, .seconds = 2, .attempts = 1};
    fp_unit_record record;
    p_must(fp_unit_record_alloc(group, &record, &p_error));
    record.row = l->units[unit];
    memset(record.centroids, 0, 2 * sizeof(float) * P_LABELS * P_WIDTH);
    p_distances(p, &record.row, &record);
    p_centroids(p, &record.row, &record);
    p_state(p, &record.row, &record);
    for (int i = 0; i < 2 * P_LABELS; i++)
        record.minimum_distances[i] = p_minimum(p, &record.row, i % P_LABELS);
    p_must(fp_store_write_unit(store, group, &record, &provenance, &p_error));
    fp_unit_record_free(&record);
}

/* Accuracy rises, less with a related task, and falls with an opposing one (b, f). */
static double p_accuracy(const planted *p, const fp_probe_identity *id) {
    double change = id->run < 0                                    ? 0
                    : strcmp(id->finetuned_on, id->probed_on) == 0 ? 0.1
                    : strcmp(id->finetuned_on, "A") == 0           ? 0.05
                                                                   : -0.05;
    return 0.7 + (p->turned ? -change : change) + (id->run < 0 ? 0 : 0.01 * (double)(id->seed - 1));
}

static void p_write_classifier(fp_store *store, const fp_layout *l, const planted *p, size_t at) {
    const fp_group *group = &l->groups[fp_layout_group(l, l->classifiers[at].id.results)];
    fp_provenance_row provenance = {.seconds = 1, .attempts = 1};
    fp_classifier_record record;
    p_must(fp_record_alloc(&fp_classifier_records, group, &record, &p_error));
    record.row = l->classifiers[at];
    fp_copy_text(record.row.state, FP_STATE, "classified");
    record.row.network = (fp_network_columns){64, 32, 1e-5};
    record.row.accuracy = p_accuracy(p, &record.row.id);
    record.row.deviation = 0.0158;
    record.row.majority_accuracy = 0.25;
    record.row.labels_trained = P_LABELS;
    record.row.initialisations = P_INITIALISATIONS;
    for (int i = 0; i < P_INITIALISATIONS; i++)
        record.initialisations[i].test_accuracy = record.row.accuracy + 0.01 * (i - 2);
    p_must(fp_store_write_record(store, FP_CLASSIFIER, group, &record, &provenance, &p_error));
    fp_record_free(&fp_classifier_records, &record);
}

static void p_write_control(fp_store *store, const fp_layout *l, const planted *p, size_t at) {
    const fp_group *group = &l->groups[fp_layout_group(l, l->controls[at].id.results)];
    fp_provenance_row provenance = {.seconds = 1, .attempts = 1};
    fp_control_record record;
    p_must(fp_record_alloc(&fp_control_records, group, &record, &p_error));
    record.row = l->controls[at];
    record.row.accuracy = p_accuracy(p, &record.row.id);
    record.row.control_accuracy = 0.5;
    record.row.selectivity = record.row.accuracy - record.row.control_accuracy;
    p_must(fp_store_write_record(store, FP_CONTROL, group, &record, &provenance, &p_error));
    fp_record_free(&fp_control_records, &record);
}

static void p_write_code(fp_store *store, const fp_layout *l, size_t at) {
    const fp_group *group = &l->groups[fp_layout_group(l, l->codes[at].id.results)];
    fp_provenance_row provenance = {.seconds = 1, .attempts = 1};
    fp_code_record record;
    p_must(fp_record_alloc(&fp_code_records, group, &record, &p_error));
    record.row = l->codes[at];
    record.row.uniform_codelength = 120;
    record.row.codelength = 40 + (record.row.id.run < 0 ? 0 : 4 * (double)record.row.id.seed);
    record.row.compression = record.row.uniform_codelength / record.row.codelength;
    p_must(fp_store_write_record(store, FP_CODE, group, &record, &provenance, &p_error));
    fp_record_free(&fp_code_records, &record);
}

static void p_write_memorisation(fp_store *store, const fp_layout *l, size_t at) {
    const fp_group *group = &l->groups[fp_layout_group(l, l->memorisations[at].id.results)];
    fp_provenance_row provenance = {.seconds = 1, .attempts = 1};
    fp_memorisation_record record;
    p_must(fp_record_alloc(&fp_memorisation_records, group, &record, &p_error));
    record.row = l->memorisations[at];
    record.row.epochs = P_EPOCHS;
    int tuned = record.row.id.run >= 0;
    for (int e = 0; e < P_EPOCHS; e++)
        for (int set = 0; set < 3; set++)
            record.curves[3 * e + set] = 0.5 + 0.1 * e + (tuned && set < 2 ? 0.2 : 0) - 0.05 * set;
    record.row.subtrain_accuracy = record.curves[3 * (P_EPOCHS - 1)];
    record.row.subtest_accuracy = record.curves[3 * (P_EPOCHS - 1) + 1];
    record.row.test_accuracy = record.curves[3 * (P_EPOCHS - 1) + 2];
    p_must(fp_store_write_record(store, FP_MEMORISATION, group, &record, &provenance, &p_error));
    fp_record_free(&fp_memorisation_records, &record);
}

static void p_write_checkpoint(fp_store *store, const fp_layout *l, size_t at) {
    fp_provenance_row provenance = {.started = 1e9, .finished = 1e9 + 1, .seconds = 1, .attempts = 1};
    fp_checkpoint_record record = {.row = l->checkpoints[at]};
    if (record.row.run >= 0) {
        record.n_losses = P_LAST / (P_STEPS - 1);
        record.losses_at = l->runs[record.row.run].losses_at + record.row.step - (int64_t)record.n_losses;
        record.row.test_accuracy = 0.5 + record.row.step / 100.0;
    }
    record.losses = fp_alloc(record.n_losses, sizeof(float), "", NULL);
    for (size_t i = 0; i < record.n_losses; i++)
        record.losses[i] = 2 - 0.05F * (float)(record.row.step - (int)record.n_losses + (int)i);
    record.row.train_loss = fp_losses_mean(record.losses, record.n_losses);
    p_must(fp_store_write_checkpoint(store, at, &record, &provenance, &p_error));
    free(record.losses);
}

/* The file PATH. */
static void plant(const char *path, const planted *p) {
    fp_layout l = p_layout(p);
    p_must(fp_store_create(path, &l, NULL, NULL, &p_error));
    fp_store *store = fp_store_open(path, MPI_COMM_WORLD, &p_error);
    if (!store)
        fail_msg("%s", p_error.text);
    for (size_t i = 0; i < l.n_checkpoints; i++)
        p_write_checkpoint(store, &l, i);
    for (size_t i = 0; i < l.n_units - (size_t)p->unfinished; i++)
        p_write_unit(store, &l, p, i);
    for (size_t i = 0; i < l.n_classifiers; i++)
        p_write_classifier(store, &l, p, i);
    for (size_t i = 0; i < l.n_controls; i++)
        p_write_control(store, &l, p, i);
    for (size_t i = 0; i < l.n_codes; i++)
        p_write_code(store, &l, i);
    for (size_t i = 0; i < l.n_memorisations; i++)
        p_write_memorisation(store, &l, i);
    if (p->unfinished) {
        fp_provenance_row why = {.attempts = 2};
        fp_copy_text(why.message, FP_MESSAGE, "killed: out of memory");
        p_must(fp_store_mark_unit(store, l.n_units - (size_t)p->unfinished, FP_FAILED, &why, &p_error));
    }
    fp_progress_row progress = {.incarnation = 1,
                                .ranks = 2,
                                .started = 1e9,
                                .heartbeat = 1e9 + 100,
                                .finished = p->unfinished ? FP_SWEEP_GOES_ON : FP_SWEEP_ENDED};
    p_must(fp_store_write_progress(store, &progress, &p_error));
    p_must(fp_store_close(store, &p_error));
    fp_layout_free(&l);
}

#endif
