/* check_directprobe FILE.safetensors ...: DirectProbe against clusters and distances computed elsewhere.
 * Partitions must be the same, distances within 1e-5 relative or 1e-7 absolute. */
#include "fineprobe/directprobe.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct expected {
    size_t n, d, n_labels, n_clusters;
    float *points;
    int32_t *labels;
    long long *clusters;
    double *distances;
} expected;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void expected_free(expected *e) {
    free(e->points);
    free(e->labels);
    free(e->clusters);
    free(e->distances);
}

static const fp_tensor_view *tensor(const fp_safetensors *file, const char *name, int rank, fp_error *error) {
    const fp_tensor_view *view = fp_safetensors_find(file, name);
    if (!view)
        fp_fail(error, "tensor %s is missing", name);
    else if (view->rank != rank)
        fp_fail(error, "tensor %s has %d axes instead of %d", name, view->rank, rank);
    return view && view->rank == rank ? view : NULL;
}

static int read_expected(const fp_safetensors *file, expected *e, fp_error *error) {
    const fp_tensor_view *points = tensor(file, "points", 2, error),
                         *labels = tensor(file, "labels", 1, error),
                         *clusters = tensor(file, "clusters", 1, error),
                         *distances = tensor(file, "distances", 2, error);
    if (!points || !labels || !clusters || !distances)
        return -1;
    e->n = points->shape[0];
    e->d = points->shape[1];
    e->n_clusters = distances->shape[0];
    if (labels->count != e->n || clusters->count != e->n || distances->dtype != FP_F64 ||
        distances->shape[1] != e->n_clusters)
        return fp_fail(error, "the tensors' shapes or types do not fit together");
    long long *wide = fp_alloc(e->n, sizeof *wide, "labels", error);
    e->points = fp_alloc(points->count, sizeof *e->points, "points", error);
    e->labels = fp_alloc(e->n, sizeof *e->labels, "labels", error);
    e->clusters = fp_alloc(e->n, sizeof *e->clusters, "clusters", error);
    e->distances = fp_alloc(distances->count, sizeof *e->distances, "distances", error);
    int status = -1;
    if (wide && e->points && e->labels && e->clusters && e->distances &&
        fp_tensor_to_float(points, e->points, error) == 0 && fp_tensor_to_int64(labels, wide, error) == 0 &&
        fp_tensor_to_int64(clusters, e->clusters, error) == 0) {
        const unsigned char *bytes = distances->data;
        for (size_t i = 0; i < distances->count; i++)
            __builtin_memcpy(e->distances + i, bytes + i * sizeof(double), sizeof(double));
        for (size_t i = 0; i < e->n; i++) {
            e->labels[i] = (int32_t)wide[i];
            e->n_labels = wide[i] >= (long long)e->n_labels ? (size_t)wide[i] + 1 : e->n_labels;
        }
        status = 0;
    }
    free(wide);
    return status;
}

/* The number of points in another cluster than expected. */
static size_t compare_clusters(const expected *e, const fp_directprobe_result *r) {
    size_t wrong = 0;
    for (size_t i = 0; e->clusters && i < e->n; i++)
        wrong += (long long)r->cluster_of[i] != e->clusters[i];
    return wrong;
}

/* The number of distances beyond tolerance; *LARGEST: the largest relative deviation. */
static size_t compare_distances(const expected *e, const fp_directprobe_result *r, double *largest) {
    size_t wrong = 0;
    *largest = 0;
    for (size_t i = 0; e->distances && i < e->n_clusters * e->n_clusters; i++) {
        double x = e->distances[i], y = r->cluster_distances[i];
        if (isnan(x) || isnan(y)) {
            wrong += isnan(x) != isnan(y);
            continue;
        }
        if (x > 0)
            *largest = fmax(*largest, fabs(x - y) / x);
        wrong += fabs(x - y) > 1e-5 * x && fabs(x - y) > 1e-7;
    }
    return wrong;
}

static int check(const char *path, fp_error *error) {
    expected e = {0};
    fp_directprobe_result r = {0};
    fp_safetensors *file = fp_safetensors_open(path, error);
    if (!file)
        return -1;
    int status = read_expected(file, &e, error);
    fp_safetensors_close(file);
    fp_directprobe_settings settings = fp_directprobe_defaults();
    double start = seconds();
    if (status == 0)
        status = fp_directprobe(e.n, e.d, e.points, e.labels, e.n_labels, &settings, NULL, NULL, &r, error);
    if (status == 0) {
        double took = seconds() - start, largest = NAN;
        size_t clusters = compare_clusters(&e, &r), distances = 0;
        if (!clusters && r.n_clusters == e.n_clusters && r.cluster_distances)
            distances = compare_distances(&e, &r, &largest);
        else
            status = -1;
        printf(
            "%s: %zu points, %zu clusters (expected %zu), %zu points elsewhere, %zu distances off, largest "
            "deviation %.1e, largest gap %.1e, %llu solver calls, %llu undecided, %.3f s\n",
            path, e.n, r.n_clusters, e.n_clusters, clusters, distances, largest, r.largest_gap,
            (unsigned long long)r.solver_calls, (unsigned long long)r.undecided, took);
        if (status < 0 || distances || r.undecided)
            status = fp_fail(error, "not as expected");
    }
    fp_directprobe_free(&r);
    expected_free(&e);
    return status;
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
