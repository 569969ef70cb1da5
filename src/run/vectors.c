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

static fp_tensor_view labels_view(const fp_encoded *data, const char *name, long long *labels) {
    for (size_t i = 0; i < data->n_instances; i++)
        labels[i] = data->instances[i].label;
    return (fp_tensor_view){.name = name,
                            .dtype = FP_I64,
                            .rank = 1,
                            .shape = {data->n_instances},
                            .count = data->n_instances,
                            .data = labels};
}

int fp_vectors_write(const char *path, const fp_task *task, const fp_encoded data[2], const int *layers,
                     size_t n_layers, size_t width, float *const *const vectors[2], fp_error *error) {
    char(*names)[40] = fp_alloc(2 * n_layers, sizeof *names, "names of vectors", error);
    fp_tensor_view *views = fp_alloc(2 * n_layers + 2, sizeof *views, "views of vectors", error);
    long long *labels[2] = {fp_alloc(data[0].n_instances, sizeof **labels, "labels", error),
                            fp_alloc(data[1].n_instances, sizeof **labels, "labels", error)};
    char *list = label_list(task, error);
    int rc = -1;
    if (names && views && labels[0] && labels[1] && list) {
        size_t at = 0;
        for (int s = 0; s < 2; s++)
            for (size_t i = 0; i < n_layers && data[s].n_instances; i++) {
                size_t n = data[s].n_instances;
                snprintf(names[at], sizeof names[at], "layer.%d.%s", layers[i], splits[s]);
                views[at] = (fp_tensor_view){.name = names[at],
                                             .dtype = FP_F32,
                                             .rank = 2,
                                             .shape = {n, width},
                                             .count = n * width,
                                             .data = vectors[s][i]};
                at++;
            }
        for (int s = 0; s < 2; s++)
            if (data[s].n_instances)
                views[at++] = labels_view(&data[s], s ? "labels.test" : "labels.train", labels[s]);
        const char *const metadata[] = {"labels", list, "task", task->name, NULL};
        rc = fp_safetensors_write(path, views, at, metadata, error);
    }
    free(names);
    free(views);
    free(labels[0]);
    free(labels[1]);
    free(list);
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
    return read_labels(labels, out->n, out->labels, error);
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
    *vectors = (fp_vectors){0};
}
