#include "points.h"

#include "fineprobe/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is there ---- */

/* 1 when NAME is "layer.L.train" or "layer.L.test". */
static int parse_name(const char *name, fp_points_source *out) {
    int end = 0;
    if (sscanf(name, "layer.%d.%n", &out->layer, &end) != 1 || end == 0 || out->layer < 0)
        return 0;
    out->split = strcmp(name + end, "train") == 0 ? "train" : strcmp(name + end, "test") == 0 ? "test" : NULL;
    if (!out->split || strlen(name) >= sizeof out->points)
        return 0;
    fp_copy_text(out->points, sizeof out->points, name);
    snprintf(out->labels, sizeof out->labels, "labels.%s", out->split);
    return 1;
}

static int by_layer(const void *a, const void *b) {
    const fp_points_source *x = a, *y = b;
    return x->layer != y->layer ? (x->layer > y->layer) - (x->layer < y->layer)
                                : -strcmp(x->split, y->split); /* train, test */
}

int fp_points_list(const fp_safetensors *file, fp_points_source **out, size_t *count, fp_error *error) {
    size_t n = 0, all = fp_safetensors_count(file);
    fp_points_source *sources = fp_alloc(all + 1, sizeof *sources, "a list of tensors", error);
    if (!sources)
        return -1;
    for (size_t i = 0; i < all; i++)
        n += (size_t)parse_name(fp_safetensors_at(file, i)->name, &sources[n]);
    if (n) {
        qsort(sources, n, sizeof *sources, by_layer);
    } else if (fp_safetensors_find(file, "points")) {
        sources[n++] = (fp_points_source){.layer = -1, .points = "points", .labels = "labels"};
    } else {
        free(sources);
        return fp_fail(error,
                       "there is no tensor \"points\" [n, d] with its \"labels\" [n], and no "
                       "\"layer.L.train\" or \"layer.L.test\" as 'fineprobe embed' writes them");
    }
    *out = sources;
    *count = n;
    return 0;
}

/* ---- one of them ---- */

static int ascending(const void *a, const void *b) {
    const long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

/* Labels of any values become 0 .. n_labels-1 in ascending order. */
static int number_labels(const long long *values, fp_points *out, fp_error *error) {
    long long *sorted = fp_alloc(out->n, sizeof *sorted, "labels", error);
    if (!sorted)
        return -1;
    memcpy(sorted, values, out->n * sizeof *sorted);
    qsort(sorted, out->n, sizeof *sorted, ascending);
    size_t distinct = 0;
    for (size_t i = 0; i < out->n; i++)
        if (i == 0 || sorted[i] != sorted[distinct - 1])
            sorted[distinct++] = sorted[i];
    for (size_t i = 0; i < out->n; i++) {
        const long long *found = bsearch(&values[i], sorted, distinct, sizeof *sorted, ascending);
        out->labels[i] = (int32_t)(found - sorted);
    }
    out->n_labels = distinct;
    out->names = json_array();
    for (size_t i = 0; i < distinct; i++)
        json_array_append_new(out->names, json_integer(sorted[i]));
    free(sorted);
    return json_array_size(out->names) == distinct ? 0 : fp_fail_memory(error, "labels", distinct);
}

/* Labels that are places in the list of names that embed leaves in the metadata. */
static int take_names(const fp_safetensors *file, const long long *values, fp_points *out, fp_error *error) {
    json_error_t where;
    const char *text = fp_safetensors_metadata(file, "labels");
    out->names = json_loads(text, 0, &where);
    if (!json_is_array(out->names))
        return fp_fail(error, "the metadata \"labels\" are not a JSON list: %s", where.text);
    out->n_labels = json_array_size(out->names);
    for (size_t i = 0; i < out->n; i++) {
        if (values[i] < 0 || (size_t)values[i] >= out->n_labels)
            return fp_fail(error, "vector %zu has the label %lld, but there are names for %zu labels", i,
                           values[i], out->n_labels);
        out->labels[i] = (int32_t)values[i];
    }
    return 0;
}

static int read_labels(const fp_safetensors *file, const fp_tensor_view *view, int named, fp_points *out,
                       fp_error *error) {
    long long *values = fp_alloc(out->n, sizeof *values, "labels", error);
    out->labels = fp_alloc(out->n, sizeof *out->labels, "labels", error);
    int rc = values && out->labels ? fp_tensor_to_int64(view, values, error) : -1;
    if (rc == 0)
        rc = named && fp_safetensors_metadata(file, "labels") ? take_names(file, values, out, error)
                                                              : number_labels(values, out, error);
    free(values);
    return rc;
}

int fp_points_read(const fp_safetensors *file, const fp_points_source *source, fp_points *out,
                   fp_error *error) {
    *out = (fp_points){0};
    const fp_tensor_view *points = fp_safetensors_find(file, source->points);
    const fp_tensor_view *labels = fp_safetensors_find(file, source->labels);
    if (!points || points->rank != 2)
        return fp_fail(error, "the tensor \"%s\" must be a matrix [n, d]", source->points);
    if (!labels || labels->rank != 1 || labels->count != points->shape[0])
        return fp_fail(error, "\"%s\" has %zu vectors: there must be a tensor \"%s\" of %zu whole numbers",
                       source->points, points->shape[0], source->labels, points->shape[0]);
    out->n = points->shape[0];
    out->width = points->shape[1];
    out->points = fp_alloc(points->count, sizeof *out->points, "vectors", error);
    if (out->points && fp_tensor_to_float(points, out->points, error) == 0 &&
        read_labels(file, labels, source->split != NULL, out, error) == 0)
        return 0;
    fp_points_free(out);
    return -1;
}

void fp_points_free(fp_points *points) {
    free(points->points);
    free(points->labels);
    json_decref(points->names);
    *points = (fp_points){0};
}
