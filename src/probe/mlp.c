#include "fineprobe/memory.h"
#include "fineprobe/rng.h"
#include "probe/mlp_network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16 }; /* numbers: 64 bytes */

fp_mlp_settings fp_mlp_defaults(void) {
    return (fp_mlp_settings){.hidden = {0},
                             .batch = 200,
                             .epochs = 1000,
                             .patience = 10,
                             .tolerance = 1e-4,
                             .learning_rate = 1e-3,
                             .beta1 = 0.9,
                             .beta2 = 0.999,
                             .epsilon = 1e-8,
                             .threads = 1};
}

/* ---- classes ---- */

static int mark_labels(const fp_mlp_data *data, const uint32_t *rows, size_t n_rows, int32_t *marks,
                       fp_error *error) {
    for (size_t i = 0; i < n_rows; i++) {
        int32_t label = rows[i] < data->n ? data->labels[rows[i]] : -1;
        if (label < 0 || (size_t)label >= data->n_labels)
            return fp_fail(error, "instance %u has the label %d; there are %zu labels, counted from 0",
                           rows[i], label, data->n_labels);
        marks[label] = 1;
    }
    return 0;
}

static int find_classes(fp_mlp *mlp, const fp_mlp_data *data, const uint32_t *rows, size_t n_rows,
                        fp_error *error) {
    mlp->n_labels = data->n_labels;
    mlp->class_of = fp_alloc(data->n_labels, sizeof *mlp->class_of, "classes", error);
    mlp->label_of = fp_alloc(data->n_labels, sizeof *mlp->label_of, "classes", error);
    if (!mlp->class_of || !mlp->label_of ||
        (rows && mark_labels(data, rows, n_rows, mlp->class_of, error) < 0))
        return -1;
    for (size_t i = 0; i < data->n_labels; i++) {
        int is_class = !rows || mlp->class_of[i];
        mlp->class_of[i] = is_class ? (int32_t)mlp->n_classes : -1;
        if (is_class)
            mlp->label_of[mlp->n_classes++] = (int32_t)i;
    }
    return mlp->n_classes ? 0 : fp_fail(error, "a classifier needs at least one instance to be trained on");
}

/* ---- memory ---- */

static size_t padded(size_t n) {
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static void size_layers(fp_mlp *mlp) {
    size_t in = mlp->width;
    for (size_t i = 0; i <= FP_MLP_HIDDEN; i++) {
        int last = i == FP_MLP_HIDDEN || mlp->settings.hidden[i] == 0;
        fp_mlp_layer_memory *l = &mlp->layers[mlp->n_layers++];
        l->in = in;
        l->out = !last ? mlp->settings.hidden[i] : mlp->n_classes > 2 ? mlp->n_classes : 1;
        /* the kernels want softmax's rows padded; biases of a shared layer must lie end to end */
        l->stride = last ? padded(l->out) : l->out;
        in = l->out;
        if (last)
            return;
    }
}

/* Cuts BLOCK into its parts, or, when it is NULL, only counts its numbers. */
static size_t cut(fp_mlp *mlp, float *block) {
    size_t at = 0;
    for (size_t i = 0; i < mlp->n_layers; i++) {
        fp_mlp_layer_memory *l = &mlp->layers[i];
        size_t weights = mlp->n * l->out * l->in, biases = mlp->n * l->stride, rows = mlp->room * biases;
        float **const parts[] = {&l->w, &l->gw, &l->mw, &l->vw, &l->b, &l->gb, &l->mb, &l->vb, &l->y, &l->d};
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            *parts[k] = block ? block + at : NULL;
            at += padded(k < 4 ? weights : k < 8 ? biases : rows);
        }
    }
    mlp->x = block ? block + at : NULL;
    return at + padded(mlp->room * mlp->width);
}

static int allocate(fp_mlp *mlp, fp_error *error) {
    size_t most = SIZE_MAX / 1024 / sizeof(float);
    for (size_t i = 0; i < mlp->n_layers; i++) {
        const fp_mlp_layer_memory *l = &mlp->layers[i];
        if (l->in > most / l->out / mlp->n || l->stride > most / mlp->room / mlp->n)
            return fp_fail(error, "a classifier with %zu x %zu weights is beyond memory", l->in, l->out);
    }
    size_t numbers = cut(mlp, NULL);
    if (posix_memalign((void **)&mlp->block, ALIGN * sizeof(float), numbers * sizeof(float)))
        return fp_fail_memory(error, "the networks of a classifier", numbers * sizeof(float));
    memset(mlp->block, 0, numbers * sizeof(float));
    cut(mlp, mlp->block);
    mlp->target = fp_alloc(mlp->room, sizeof *mlp->target, "classes", error);
    mlp->sums = fp_alloc(mlp->n, sizeof *mlp->sums, "losses", error);
    return mlp->target && mlp->sums ? 0 : -1;
}

/* Uniform within sqrt(6 / (in + out)), biases too. */
static void initialise(fp_mlp *mlp, size_t network, uint64_t seed) {
    for (size_t layer = 0; layer < mlp->n_layers; layer++) {
        fp_mlp_layer_memory *l = &mlp->layers[layer];
        fp_rng_key key = fp_rng_key_of(seed, FP_RNG_INIT, layer, 0);
        double bound = sqrt(6.0 / (double)(l->in + l->out));
        size_t weights = l->out * l->in;
        for (size_t i = 0; i < weights + l->out; i++) {
            float *to =
                i < weights ? l->w + network * weights + i : l->b + network * l->stride + (i - weights);
            *to = (float)(bound * (2 * fp_rng_uniform(key, i) - 1));
        }
    }
}

fp_mlp *fp_mlp_create(const fp_mlp_settings *settings, const fp_mlp_data *data, const uint32_t *rows,
                      size_t n_rows, size_t n, const fp_mlp_start *starts, fp_error *error) {
    fp_mlp *mlp = fp_alloc(1, sizeof *mlp, "a classifier", error);
    if (!mlp)
        return NULL;
    mlp->settings = *settings;
    mlp->team = fp_team_create(settings->threads, error);
    mlp->n = mlp->active = n;
    mlp->width = data->width;
    mlp->room = settings->batch;
    mlp->slot = fp_alloc(n, sizeof *mlp->slot, "networks", error);
    mlp->network = fp_alloc(n, sizeof *mlp->network, "networks", error);
    mlp->l2 = fp_alloc(n, sizeof *mlp->l2, "networks", error);
    int rc =
        mlp->team && mlp->slot && mlp->network && mlp->l2 ? find_classes(mlp, data, rows, n_rows, error) : -1;
    if (rc == 0 && (!n || !settings->batch))
        rc = fp_fail(error, "a classifier needs at least one network and one instance a batch");
    if (rc == 0) {
        mlp->kernels = fp_team_kernels(mlp->team);
        size_layers(mlp);
        rc = allocate(mlp, error);
    }
    if (rc < 0) {
        fp_mlp_destroy(mlp);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        mlp->slot[i] = mlp->network[i] = i;
        mlp->l2[i] = starts[i].l2;
        initialise(mlp, i, starts[i].seed);
    }
    return mlp;
}

void fp_mlp_destroy(fp_mlp *mlp) {
    if (!mlp)
        return;
    fp_team_free(mlp->team);
    free(mlp->slot);
    free(mlp->network);
    free(mlp->l2);
    free(mlp->block);
    free(mlp->target);
    free(mlp->sums);
    free(mlp->class_of);
    free(mlp->label_of);
    free(mlp);
}

void fp_mlp_layer(fp_mlp *mlp, size_t network, size_t layer, float **weights, float **biases, size_t *out,
                  size_t *in) {
    fp_mlp_layer_memory *l = &mlp->layers[layer];
    *weights = l->w + mlp->slot[network] * l->out * l->in;
    *biases = l->b + mlp->slot[network] * l->stride;
    *out = l->out;
    *in = l->in;
}

void fp_mlp_set_replay(fp_mlp *mlp, const fp_mlp_replay *replay) {
    mlp->replay = replay;
}
