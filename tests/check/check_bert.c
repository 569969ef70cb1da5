/* check_bert FOLDER [--case FILE]: a model's numbers against those of another program (FILE, or
 * case.safetensors in FOLDER). Prints the largest deviations; ends with 1 when one is beyond its tolerance.
 */
#include "bert/model.h"
#include "fineprobe/bert.h"
#include "fineprobe/encode.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double HIDDEN_TOLERANCE = 2e-5;
static int beyond; /* deviations beyond their tolerance */

static void stop(const char *text) {
    fprintf(stderr, "check_bert: %s\n", text);
    exit(2);
}

static void report(const char *what, double deviation, double tolerance) {
    int good = deviation <= tolerance; /* not so for NaN */
    printf("%-44s %.3e  (tolerance %.0e) %s\n", what, deviation, tolerance, good ? "ok" : "BEYOND");
    beyond += !good;
}

static const fp_tensor_view *need(const fp_safetensors *file, const char *name) {
    const fp_tensor_view *view = fp_safetensors_find(file, name);
    if (!view) {
        fprintf(stderr, "check_bert: the case has no tensor %s\n", name);
        exit(2);
    }
    return view;
}

static double *reals(const fp_safetensors *file, const char *name, size_t *count) {
    const fp_tensor_view *view = need(file, name);
    double *out = malloc((view->count + 1) * sizeof *out);
    if (!out || view->dtype != FP_F64)
        stop("a tensor of the case is not float64");
    memcpy(out, view->data, view->count * sizeof *out);
    if (count)
        *count = view->count;
    return out;
}

static long long *integers(const fp_safetensors *file, const char *name, size_t *count) {
    const fp_tensor_view *view = need(file, name);
    fp_error error = {0};
    long long *out = malloc((view->count + 1) * sizeof *out);
    if (!out || fp_tensor_to_int64(view, out, &error) < 0)
        stop(error.text);
    if (count)
        *count = view->count;
    return out;
}

/* The case's sentences; WIDTH: pieces of a padded row. */
static void read_sentences(const fp_safetensors *file, fp_encoded *data, size_t *width) {
    size_t n, ids;
    long long *lengths = integers(file, "lengths", &n), *padded = integers(file, "input_ids", &ids);
    *width = ids / n;
    data->n_sentences = n;
    data->piece_at = calloc(n + 1, sizeof *data->piece_at);
    data->pieces = calloc(ids, sizeof *data->pieces);
    data->instance_at = calloc(n + 1, sizeof *data->instance_at);
    for (size_t s = 0; s < n; s++) {
        data->piece_at[s] = (uint32_t)data->n_pieces;
        for (long long i = 0; i < lengths[s]; i++)
            data->pieces[data->n_pieces++] = (int32_t)padded[s * *width + (size_t)i];
        data->longest = (size_t)lengths[s] > data->longest ? (size_t)lengths[s] : data->longest;
    }
    data->piece_at[n] = (uint32_t)data->n_pieces;
    free(lengths);
    free(padded);
}

static void free_sentences(fp_encoded *data) {
    free(data->piece_at);
    free(data->pieces);
    free(data->instance_at);
    free(data->instances);
}

static void check_hidden(const fp_bert *model, const fp_safetensors *file) {
    fp_encoded data = {0};
    fp_error error = {0};
    size_t width, layers = fp_bert_config_of(model)->layers, hidden = fp_bert_config_of(model)->hidden;
    read_sentences(file, &data, &width);
    float **out = calloc(layers + 1, sizeof *out);
    int *wanted = calloc(layers + 1, sizeof *wanted);
    for (size_t l = 0; l <= layers; l++) {
        wanted[l] = (int)l;
        out[l] = malloc(data.n_pieces * hidden * sizeof(float));
    }
    if (fp_bert_hidden(model, &data, wanted, layers + 1, out, &error) < 0)
        stop(error.text);
    for (size_t l = 0; l <= layers; l++) {
        char name[32];
        snprintf(name, sizeof name, "hidden.%zu", l);
        double *expected = reals(file, name, NULL), most = 0;
        for (size_t s = 0; s < data.n_sentences; s++)
            for (size_t i = data.piece_at[s] * hidden; i < data.piece_at[s + 1] * hidden; i++) {
                size_t at = s * width * hidden + i - data.piece_at[s] * hidden;
                double deviation = fabs(out[l][i] - expected[at]);
                most = deviation <= most ? most : deviation;
            }
        report(name, most, HIDDEN_TOLERANCE);
        free(expected);
        free(out[l]);
    }
    free(out);
    free(wanted);
    free_sentences(&data);
}

int main(int argc, char **argv) {
    fp_error error = {0};
    if (argc != 2 && !(argc == 4 && strcmp(argv[2], "--case") == 0))
        stop("usage: check_bert FOLDER [--case FILE]");
    char *path = argc == 4 ? fp_strdup(argv[3], &error) : fp_path_join(argv[1], "case.safetensors", &error);
    fp_bert *model = fp_bert_load(argv[1], &error);
    fp_safetensors *file = model && path ? fp_safetensors_open(path, &error) : NULL;
    if (!file)
        stop(error.text);
    check_hidden(model, file);
    fp_safetensors_close(file);
    fp_bert_free(model);
    free(path);
    return beyond > 0;
}
