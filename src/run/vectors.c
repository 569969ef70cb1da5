#include "fineprobe/memory.h"
#include "fineprobe/piece.h"
#include "fineprobe/safetensors.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const splits[2] = {"train", "test"};

static char *label_list(const fp_task *task, fp_error *error) {
    json_t *list = json_array();
    for (size_t i = 0; i < task->n_labels; i++)
        json_array_append_new(list, json_string(task->labels[i]));
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (!text)
        fp_fail_memory(error, "the list of labels", task->n_labels);
    return text;
}

/* Labels, or words, of all instances. */
static fp_tensor_view integers_view(const fp_encoded *data, const char *name, int words, long long *out) {
    for (size_t i = 0; i < data->n_instances; i++)
        out[i] = words ? data->instances[i].word : data->instances[i].label;
    return (fp_tensor_view){.name = name,
                            .dtype = FP_I64,
                            .rank = 1,
                            .shape = {data->n_instances},
                            .count = data->n_instances,
                            .data = out};
}

/* What to write of a representation. */
typedef struct fp_writing {
    char (*names)[40];      /* [2 n_layers] */
    fp_tensor_view *views;  /* [2 n_layers + 4] */
    long long *integers[4]; /* labels, words of train, test */
    char *list;
} fp_writing;

static int write_tensors(fp_writing *w, const char *path, const fp_task *task, const fp_encoded data[2],
                         const int *layers, size_t n_layers, size_t width, float *const *const vectors[2],
                         fp_error *error) {
    static const char *const integers[4] = {"labels.train", "labels.test", "words.train", "words.test"};
    size_t at = 0;
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < n_layers && data[s].n_instances; i++) {
            size_t n = data[s].n_instances;
            snprintf(w->names[at], sizeof w->names[at], "layer.%d.%s", layers[i], splits[s]);
            w->views[at] = (fp_tensor_view){.name = w->names[at],
                                            .dtype = FP_F32,
                                            .rank = 2,
                                            .shape = {n, width},
                                            .count = n * width,
                                            .data = vectors[s][i]};
            at++;
        }
    for (int k = 0; k < (task->kind == FP_KIND_SENTENCE ? 2 : 4); k++)
        if (data[k % 2].n_instances)
            w->views[at++] = integers_view(&data[k % 2], integers[k], k >= 2, w->integers[k]);
    const char *const metadata[] = {"labels", w->list, "task", task->name, NULL};
    return fp_safetensors_write(path, w->views, at, metadata, error);
}

int fp_vectors_write(const char *path, const fp_task *task, const fp_encoded data[2], const int *layers,
                     size_t n_layers, size_t width, float *const *const vectors[2], fp_error *error) {
    fp_writing w = {.names = fp_alloc(2 * n_layers, sizeof *w.names, "names of vectors", error),
                    .views = fp_alloc(2 * n_layers + 4, sizeof *w.views, "views of vectors", error),
                    .list = label_list(task, error)};
    int rc = w.names && w.views && w.list ? 0 : -1;
    for (int k = 0; k < 4; k++)
        if (!(w.integers[k] = fp_alloc(data[k % 2].n_instances, sizeof **w.integers, "labels", error)))
            rc = -1;
    if (rc == 0)
        rc = write_tensors(&w, path, task, data, layers, n_layers, width, vectors, error);
    free(w.names);
    free(w.views);
    free(w.list);
    for (int k = 0; k < 4; k++)
        free(w.integers[k]);
    return rc;
}

static int read_labels(const fp_tensor_view *view, size_t n, int32_t *out, fp_error *error) {
    if (view->count != n)
        return fp_fail(error, "tensor %s has %zu labels for %zu vectors", view->name, view->count, n);
    long long *wide = fp_alloc(n, sizeof *wide, "labels", error);
    int rc = wide ? fp_tensor_to_int64(view, wide, error) : -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (wide[i] < 0 || wide[i] > INT32_MAX)
            rc =
                fp_fail(error, "tensor %s: label %lld of vector %zu is out of range", view->name, wide[i], i);
        else
            out[i] = (int32_t)wide[i];
    }
    free(wide);
    return rc;
}

/* Sentences, and vectors from elsewhere, have none. */
static int read_words(const fp_safetensors *file, const char *split, fp_vectors *out, fp_error *error) {
    char name[40];
    snprintf(name, sizeof name, "words.%s", split);
    const fp_tensor_view *view = fp_safetensors_find(file, name);
    if (!view)
        return 0;
    if (view->count != out->n)
        return fp_fail(error, "tensor %s has %zu words for %zu vectors", name, view->count, out->n);
    long long *wide = fp_alloc(out->n, sizeof *wide, "words", error);
    out->words = fp_alloc(out->n, sizeof *out->words, "words", error);
    int rc = wide && out->words ? fp_tensor_to_int64(view, wide, error) : -1;
    for (size_t i = 0; rc == 0 && i < out->n; i++)
        out->words[i] = wide[i];
    free(wide);
    return rc;
}

static int read_split(const fp_safetensors *file, int layer, const char *split, fp_vectors *out,
                      fp_error *error) {
    char points_name[40], labels_name[40];
    snprintf(points_name, sizeof points_name, "layer.%d.%s", layer, split);
    snprintf(labels_name, sizeof labels_name, "labels.%s", split);
    const fp_tensor_view *points = fp_safetensors_find(file, points_name);
    const fp_tensor_view *labels = fp_safetensors_find(file, labels_name);
    if (!points || !labels || points->rank != 2)
        return fp_fail(error, "there is no matrix %s with its vector %s", points_name, labels_name);
    out->n = points->shape[0];
    out->width = points->shape[1];
    out->points = fp_alloc(points->count, sizeof *out->points, "vectors", error);
    out->labels = fp_alloc(out->n, sizeof *out->labels, "labels", error);
    if (!out->points || !out->labels || fp_tensor_to_float(points, out->points, error) < 0)
        return -1;
    return read_labels(labels, out->n, out->labels, error) < 0 ? -1 : read_words(file, split, out, error);
}

int fp_vectors_read(const char *path, int layer, const char *split, fp_vectors *out, fp_error *error) {
    *out = (fp_vectors){0};
    fp_safetensors *file = fp_safetensors_open(path, error);
    if (!file)
        return -1;
    int rc = fp_safetensors_intact(file, error);
    if (rc == 0)
        rc = read_split(file, layer, split, out, error);
    fp_safetensors_close(file);
    if (rc < 0) {
        fp_vectors_free(out);
        fp_error_context(error, "%s", path);
    }
    return rc;
}

void fp_vectors_free(fp_vectors *vectors) {
    free(vectors->points);
    free(vectors->labels);
    free(vectors->words);
    *vectors = (fp_vectors){0};
}
