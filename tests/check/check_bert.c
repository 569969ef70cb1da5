/* check_bert FOLDER [--case FILE]: a model's numbers against those of another program. Prints the largest
 * deviations; ends with 1 when one is beyond its tolerance. Without FILE the case is case.safetensors in
 * FOLDER, or in a folder beside it, which then holds the same weights. Weights in half precision are compared
 * with those they were rounded from. */
#include "bert/run.h"
#include "bert/weights.h"
#include "fineprobe/encode.h"
#include "fineprobe/file.h"
#include "fineprobe/finetune.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double HIDDEN_TOLERANCE = 2e-5;   /* absolute */
static const double GRADIENT_TOLERANCE = 1e-4; /* of the tensor's largest entry */
static const double LOSS_TOLERANCE = 1e-5;     /* absolute */
/* Of the tensor's largest entry, ten updates later: Adam divides by the size of a gradient, so where it is
 * near 0 its rounding decides the step. */
static const double PARAMETER_TOLERANCE = 1e-4;
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

/* The instances of KIND, put in the order of their sentences. */
static void read_instances(const fp_safetensors *file, fp_instance_kind kind, fp_encoded *data) {
    size_t n_spans, n_pairs, n;
    long long *spans = integers(file, "spans", &n_spans), *pairs = integers(file, "pairs", &n_pairs);
    long long *labels = integers(file, kind == FP_KIND_PAIR ? "pair_labels" : "labels", &n);
    data->kind = kind;
    data->instances = calloc(n, sizeof *data->instances);
    for (size_t s = 0; s < data->n_sentences; s++) {
        for (size_t i = 0; i < n; i++) {
            const long long *first = spans + 3 * (kind == FP_KIND_PAIR ? (size_t)pairs[2 * i] : i);
            const long long *second = spans + 3 * (kind == FP_KIND_PAIR ? (size_t)pairs[2 * i + 1] : i);
            if ((size_t)first[0] == s)
                data->instances[data->n_instances++] =
                    (fp_encoded_instance){(uint32_t)s,
                                          {(uint32_t)first[1], (uint32_t)first[2]},
                                          {(uint32_t)second[1], (uint32_t)second[2]},
                                          (int32_t)labels[i],
                                          0};
        }
        data->instance_at[s + 1] = (uint32_t)data->n_instances;
    }
    free(spans);
    free(pairs);
    free(labels);
}

typedef struct deviation {
    double most;
    char name[160];
} deviation;

/* The largest deviation of OURS from tensor PREFIX.NAME, relative to that tensor's largest entry or to FLOOR.
 */
static void compare(const fp_safetensors *file, const char *prefix, const char *name, const float *ours,
                    double floor, deviation *worst) {
    char full[160];
    size_t n;
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    double *expected = reals(file, full, &n), largest = floor, most = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs(ours[i] - expected[i]);
        largest = fmax(largest, fabs(expected[i]));
        most = difference <= most ? most : difference;
    }
    free(expected);
    if (!(most / largest <= worst->most)) {
        worst->most = most / largest;
        memcpy(worst->name, full, sizeof full);
    }
}

/* All of the encoder's tensors in BLOCK. The key biases' gradient is exactly 0, and 1e-18 in other programs:
 * the FLOOR keeps rounding errors from being compared with rounding errors. */
static deviation compare_all(const fp_safetensors *file, const char *prefix, const fp_finetune *run,
                             const float *block, double floor) {
    deviation worst = {0};
    const fp_bert *model = run->model;
    for (size_t i = 0; i < fp_bert_tensor_count(model); i++) {
        const fp_bert_tensor *tensor = fp_bert_tensor_at(model, i);
        compare(file, prefix, tensor->name, block + tensor->at, floor, &worst);
    }
    return worst;
}

static void report_tensor(const char *what, const deviation *worst, double tolerance) {
    report(what, worst->most, tolerance);
    printf("    largest in %s\n", worst->name[0] ? worst->name : "none");
}

static void set_head(fp_finetune *run, const fp_safetensors *file, const char *head) {
    const char *const parts[2] = {"weight", "bias"};
    float *to[2] = {run->optimiser.parameters + run->head.weight, run->optimiser.parameters + run->head.bias};
    for (int i = 0; i < 2; i++) {
        char name[64];
        size_t n;
        snprintf(name, sizeof name, "%s.%s", head, parts[i]);
        double *values = reals(file, name, &n);
        for (size_t k = 0; k < n; k++)
            to[i][k] = (float)values[k];
        free(values);
    }
}

static fp_finetune *start(const fp_bert *model, const fp_safetensors *file, const fp_encoded *data,
                          const char *head) {
    char name[64];
    fp_error error = {0};
    fp_finetune_settings settings = fp_finetune_defaults();
    settings.batch = data->n_sentences;
    settings.updates = 10;
    settings.hidden_dropout = settings.attention_dropout = 0;
    snprintf(name, sizeof name, "%s.bias", head);
    fp_finetune *run = fp_finetune_create(model, data, need(file, name)->count, NULL, &settings, &error);
    if (!run)
        stop(error.text);
    set_head(run, file, head);
    return run;
}

/* Ten updates with one batch of all sentences; the gradients of the first. */
static void check_training(const fp_bert *model, const fp_safetensors *file, fp_instance_kind kind) {
    const char *task = kind == FP_KIND_PAIR ? "pair" : "word";
    const char *head = kind == FP_KIND_PAIR ? "pair_head" : "head";
    fp_encoded data = {0};
    fp_error error = {0};
    size_t width, updates;
    char name[64];
    read_sentences(file, &data, &width);
    read_instances(file, kind, &data);
    fp_finetune *run = start(model, file, &data, head);

    fp_finetune_gradient(run);
    snprintf(name, sizeof name, "%s.grad", task);
    deviation worst = compare_all(file, name, run, run->optimiser.gradients, 1e-9);
    compare(file, name, "head.weight", run->optimiser.gradients + run->head.weight, 0, &worst);
    compare(file, name, "head.bias", run->optimiser.gradients + run->head.bias, 0, &worst);
    report_tensor(name, &worst, GRADIENT_TOLERANCE);

    snprintf(name, sizeof name, "%s.losses", task);
    double *losses = reals(file, name, &updates), most = 0;
    for (size_t k = 0; k < updates; k++) {
        double loss;
        if (fp_finetune_update(run, &loss, &error) < 0)
            stop(error.text);
        double difference = fabs(loss - losses[k]);
        most = difference <= most ? most : difference;
    }
    report(name, most, LOSS_TOLERANCE);
    free(losses);
    snprintf(name, sizeof name, "%s.after", task);
    worst = compare_all(file, name, run, run->optimiser.parameters, 0);
    report_tensor(name, &worst, PARAMETER_TOLERANCE);
    fp_finetune_destroy(run);
    free_sentences(&data);
}

/* Rounding to float16 moves a number by at most 2^-11 of it, or 2^-25 where float16 runs out of exponents. */
static void check_half(const fp_bert *model, const char *folder) {
    fp_error error = {0};
    fp_bert *other = fp_bert_load(folder, &error);
    if (!other)
        stop(error.text);
    size_t n = fp_bert_config_parameters(fp_bert_config_of(model));
    if (n != fp_bert_config_parameters(fp_bert_config_of(other)))
        stop("the two models differ in shape");
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double exact = fp_bert_parameters(other)[i], difference = fabs(fp_bert_parameters(model)[i] - exact);
        double allowed = fmax(0x1p-11 * fabs(exact), 0x1p-25);
        most = difference / allowed <= most ? most : difference / allowed;
    }
    report("weights, in units of float16's rounding", most, 1);
    fp_bert_free(other);
}

static void check_case(const fp_bert *model, const char *path) {
    fp_error error = {0};
    fp_safetensors *file = fp_safetensors_open(path, &error);
    if (!file)
        stop(error.text);
    check_hidden(model, file);
    check_training(model, file, FP_KIND_WORD);
    check_training(model, file, FP_KIND_PAIR);
    fp_safetensors_close(file);
}

static int in_half_precision(const char *folder) {
    fp_error error = {0};
    fp_weights weights;
    if (fp_weights_open(folder, &weights, &error) < 0)
        stop(error.text);
    const fp_tensor_view *view = fp_weights_find(&weights, "bert.embeddings.word_embeddings.weight");
    int half = view && view->dtype == FP_F16;
    fp_weights_close(&weights);
    return half;
}

/* The case that belongs to FOLDER. */
static char *find_case(const char *folder) {
    fp_error error = {0};
    char *own = fp_path_join(folder, "case.safetensors", &error);
    if (!own)
        stop(error.text);
    if (fp_path_exists(own))
        return own;
    free(own);
    char *pattern = fp_path_join(folder, "../*/case.safetensors", &error);
    glob_t found;
    if (!pattern || glob(pattern, 0, NULL, &found) != 0)
        stop("neither the folder nor one beside it holds case.safetensors; name it with --case");
    char *path = fp_strdup(found.gl_pathv[0], &error);
    globfree(&found);
    free(pattern);
    printf("case: %s\n", path);
    return path;
}

int main(int argc, char **argv) {
    fp_error error = {0};
    if (argc != 2 && !(argc == 4 && strcmp(argv[2], "--case") == 0))
        stop("usage: check_bert FOLDER [--case FILE]");
    char *path = argc == 4 ? fp_strdup(argv[3], &error) : find_case(argv[1]);
    char *case_folder = path ? fp_path_folder(path, &error) : NULL;
    fp_bert *model = fp_bert_load(argv[1], &error);
    if (!model || !case_folder)
        stop(error.text);
    if (in_half_precision(argv[1]))
        check_half(model, case_folder);
    else
        check_case(model, path);
    fp_bert_free(model);
    free(case_folder);
    free(path);
    return beyond > 0;
}
