/* bench_classifier [THREADS]: time of training classifiers on made-up vectors, 4,000 instances with 17
 * labels, 20 epochs of batches of 200: one network alone, and five side by side (the five initialisations, or
 * the five L2 weights of one pair of sizes). classifier_sklearn.py does the same with scikit-learn. */
#include "fineprobe/memory.h"
#include "fineprobe/mlp.h"
#include "fineprobe/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { INSTANCES = 4000, LABELS = 17, EPOCHS = 20, NETWORKS = 5, REPEATS = 5 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int make_data(size_t width, fp_mlp_data *out, fp_error *error) {
    float *points = fp_alloc(INSTANCES * width, sizeof *points, "vectors", error);
    int32_t *labels = fp_alloc(INSTANCES, sizeof *labels, "labels", error);
    if (!points || !labels)
        return -1;
    fp_rng_key key = fp_rng_key_of(1, FP_RNG_DATA, width, 0),
               centres = fp_rng_key_of(1, FP_RNG_DATA, width, 1);
    for (size_t i = 0; i < INSTANCES; i++) {
        labels[i] = (int32_t)(i % LABELS);
        for (size_t c = 0; c < width; c++)
            points[i * width + c] = (float)(fp_rng_normal(key, i * width + c) +
                                            0.15 * fp_rng_normal(centres, (i % LABELS) * width + c));
    }
    *out = (fp_mlp_data){INSTANCES, width, points, labels, LABELS};
    return 0;
}

/* Seconds a batch and network, the best of several repeats. */
static double measure(const fp_mlp_data *data, const fp_mlp_settings *settings, size_t n, fp_error *error) {
    static uint32_t rows[INSTANCES];
    fp_mlp_start starts[NETWORKS];
    fp_mlp_end ends[NETWORKS];
    double best = 1e9;
    for (uint32_t i = 0; i < INSTANCES; i++)
        rows[i] = i;
    for (size_t i = 0; i < n; i++)
        starts[i] = (fp_mlp_start){1e-5, i + 1};
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double start = now();
        fp_mlp *mlp = fp_mlp_create(settings, data, rows, INSTANCES, n, starts, error);
        int rc = mlp ? fp_mlp_train(mlp, data, rows, INSTANCES, 1, NULL, NULL, ends, error) : -1;
        fp_mlp_destroy(mlp);
        if (rc < 0)
            return -1;
        double batches = (double)EPOCHS * INSTANCES / (double)settings->batch * (double)n;
        double seconds = (now() - start) / batches;
        best = seconds < best ? seconds : best;
    }
    return best;
}

int main(int argc, char **argv) {
    static const size_t shapes[2][3] = {{768, 256, 128}, {128, 64, 32}};
    fp_error error = {0};
    for (int i = 0; i < 2; i++) {
        fp_mlp_data data;
        fp_mlp_settings settings = fp_mlp_defaults();
        settings.hidden[0] = shapes[i][1];
        settings.hidden[1] = shapes[i][2];
        settings.epochs = settings.patience = EPOCHS;
        settings.threads = argc > 1 ? atoi(argv[1]) : 1;
        if (make_data(shapes[i][0], &data, &error) < 0)
            break;
        double alone = measure(&data, &settings, 1, &error);
        double together = measure(&data, &settings, NETWORKS, &error);
        if (alone < 0 || together < 0)
            break;
        double a = (double)shapes[i][0], b = (double)shapes[i][1], c = (double)shapes[i][2];
        double products = 200 * 2 * (2 * a * b + 3 * (b * c + c * LABELS));
        printf(
            "%zu x (%zu, %zu), %d labels: %.1f us a batch alone (%.1f GFLOP/s in products), %.1f us a batch "
            "and network, %d together (%.1f GFLOP/s)\n",
            shapes[i][0], shapes[i][1], shapes[i][2], LABELS, alone * 1e6, products / alone * 1e-9,
            together * 1e6, NETWORKS, products / together * 1e-9);
        free((void *)data.points);
        free((void *)data.labels);
    }
    if (error.text[0])
        fprintf(stderr, "bench_classifier: %s\n", error.text);
    return error.text[0] != 0;
}
