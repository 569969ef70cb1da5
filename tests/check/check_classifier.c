/* check_classifier FILE.safetensors ...: trains the classifier of the classifier probes on what another
 * program trained its own on, one line of output a file.
 *
 * FILE holds `points` [n, d], `labels` [n], `l2` (a number), `hidden` (units of the hidden layers). With
 * `order` [epochs, n] and, for every layer L, `weights.L` [out, in] and `biases.L` [out], it is trained from
 * these weights in this order, and the losses of the epochs are printed. Otherwise `test.points`,
 * `test.labels` and `networks` are there, and the test accuracy of as many initialisations is printed.
 * tests/test_classifier.py makes such files with scikit-learn and compares. */
#include "fineprobe/memory.h"
#include "fineprobe/mlp.h"
#include "fineprobe/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct problem {
    fp_mlp_settings settings;
    fp_mlp_data data, test;
    uint32_t *rows; /* 0 .. the larger number of instances - 1 */
    double l2;
} problem;

static const fp_tensor_view *need(const fp_safetensors *file, const char *name, fp_error *error) {
    const fp_tensor_view *view = fp_safetensors_find(file, name);
    if (!view)
        fp_fail(error, "there is no tensor %s", name);
    return view;
}

static long long *integers(const fp_safetensors *file, const char *name, size_t *count, fp_error *error) {
    const fp_tensor_view *view = need(file, name, error);
    long long *out = view ? fp_alloc(view->count, sizeof *out, name, error) : NULL;
    if (out && fp_tensor_to_int64(view, out, error) < 0) {
        free(out);
        return NULL;
    }
    *count = view ? view->count : 0;
    return out;
}

static int read_data(const fp_safetensors *file, const char *points_name, const char *labels_name,
                     fp_mlp_data *out, fp_error *error) {
    const fp_tensor_view *points = need(file, points_name, error);
    long long *wide = points ? integers(file, labels_name, &out->n, error) : NULL;
    int32_t *labels = wide ? fp_alloc(out->n, sizeof *labels, "labels", error) : NULL;
    float *numbers = labels ? fp_alloc(points->count, sizeof *numbers, "points", error) : NULL;
    out->labels = labels;
    out->points = numbers;
    int rc = numbers ? fp_tensor_to_float(points, numbers, error) : -1;
    for (size_t i = 0; rc == 0 && i < out->n; i++) {
        labels[i] = (int32_t)wide[i];
        out->n_labels = (size_t)wide[i] >= out->n_labels ? (size_t)wide[i] + 1 : out->n_labels;
    }
    out->width = points && points->rank == 2 ? points->shape[1] : 0;
    free(wide);
    return rc;
}

static int read_problem(const fp_safetensors *file, problem *p, fp_error *error) {
    size_t n;
    long long *hidden = integers(file, "hidden", &n, error);
    const fp_tensor_view *l2 = need(file, "l2", error);
    p->settings = fp_mlp_defaults();
    for (size_t i = 0; hidden && i < n && i < FP_MLP_HIDDEN; i++)
        p->settings.hidden[i] = (size_t)hidden[i];
    free(hidden);
    if (!hidden || !l2 || read_data(file, "points", "labels", &p->data, error) < 0)
        return -1;
    memcpy(&p->l2, l2->data, sizeof p->l2);
    if (fp_safetensors_find(file, "test.points") &&
        read_data(file, "test.points", "test.labels", &p->test, error) < 0)
        return -1;
    size_t most = p->data.n > p->test.n ? p->data.n : p->test.n;
    p->rows = fp_alloc(most, sizeof *p->rows, "rows", error);
    for (size_t i = 0; p->rows && i < most; i++)
        p->rows[i] = (uint32_t)i;
    return p->rows ? 0 : -1;
}

static int set_weights(const fp_safetensors *file, fp_mlp *mlp, fp_error *error) {
    for (size_t layer = 0; layer <= FP_MLP_HIDDEN; layer++) {
        char name[2][32];
        snprintf(name[0], sizeof name[0], "weights.%zu", layer);
        snprintf(name[1], sizeof name[1], "biases.%zu", layer);
        const fp_tensor_view *view = fp_safetensors_find(file, name[0]);
        if (!view)
            return 0;
        float *to[2];
        size_t out, in;
        fp_mlp_layer(mlp, 0, layer, &to[0], &to[1], &out, &in);
        const fp_tensor_view *biases = need(file, name[1], error);
        if (!biases || view->count != out * in || biases->count != out)
            return fp_fail(error, "%s is not %zu x %zu", name[0], out, in);
        if (fp_tensor_to_float(view, to[0], error) < 0 || fp_tensor_to_float(biases, to[1], error) < 0)
            return -1;
    }
    return 0;
}

static int replay(const fp_safetensors *file, const problem *p, fp_error *error) {
    size_t n;
    long long *wide = integers(file, "order", &n, error);
    uint32_t *order = wide ? fp_alloc(n, sizeof *order, "order", error) : NULL;
    size_t epochs = n / p->data.n;
    double *losses = order ? fp_alloc(epochs, sizeof *losses, "losses", error) : NULL;
    fp_mlp *mlp = losses ? fp_mlp_create(&p->settings, &p->data, p->rows, p->data.n, 1,
                                         &(fp_mlp_start){p->l2, 1}, error)
                         : NULL;
    int rc = mlp ? set_weights(file, mlp, error) : -1;
    for (size_t i = 0; rc == 0 && i < n; i++)
        order[i] = (uint32_t)wide[i];
    if (rc == 0) {
        fp_mlp_end end;
        fp_mlp_set_replay(mlp, &(fp_mlp_replay){epochs, order, losses});
        rc = fp_mlp_train(mlp, &p->data, p->rows, p->data.n, 0, NULL, NULL, &end, error);
    }
    for (size_t i = 0; rc == 0 && i < epochs; i++)
        printf("%.9g%c", losses[i], i + 1 < epochs ? ' ' : '\n');
    fp_mlp_destroy(mlp);
    free(wide);
    free(order);
    free(losses);
    return rc;
}

/* Each initialisation with an order of its own, as in the probe. */
static int accuracies(const fp_safetensors *file, const problem *p, fp_error *error) {
    size_t one, n = 0;
    long long *networks = integers(file, "networks", &one, error);
    int32_t *found = networks ? fp_alloc(p->test.n, sizeof *found, "predictions", error) : NULL;
    if (found)
        n = (size_t)networks[0];
    int rc = found ? 0 : -1;
    for (size_t k = 0; rc == 0 && k < n; k++) {
        fp_mlp_start start = {p->l2, k + 1};
        fp_mlp_end end;
        size_t right = 0;
        fp_mlp *mlp = fp_mlp_create(&p->settings, &p->data, p->rows, p->data.n, 1, &start, error);
        rc = mlp ? fp_mlp_train(mlp, &p->data, p->rows, p->data.n, k + 1, NULL, NULL, &end, error) : -1;
        if (rc == 0) {
            fp_mlp_predict(mlp, 0, &p->test, p->rows, p->test.n, found, NULL, NULL);
            for (size_t i = 0; i < p->test.n; i++)
                right += found[i] == p->test.labels[i];
            printf("%.9g/%zu%c", (double)right / (double)p->test.n, end.epochs, k + 1 < n ? ' ' : '\n');
        }
        fp_mlp_destroy(mlp);
    }
    free(networks);
    free(found);
    return rc;
}

static int check(const char *path, fp_error *error) {
    problem p = {0};
    fp_safetensors *file = fp_safetensors_open(path, error);
    if (!file)
        return -1;
    int rc = read_problem(file, &p, error);
    if (rc == 0)
        rc = fp_safetensors_find(file, "order") ? replay(file, &p, error) : accuracies(file, &p, error);
    free((void *)p.data.points);
    free((void *)p.data.labels);
    free((void *)p.test.points);
    free((void *)p.test.labels);
    free(p.rows);
    fp_safetensors_close(file);
    return rc;
}

int main(int argc, char **argv) {
    int failed = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE.safetensors ...\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        fp_error error = {0};
        if (check(argv[i], &error) < 0) {
            fprintf(stderr, "%s: %s\n", argv[i], error.text);
            failed = 1;
        }
    }
    return failed;
}
