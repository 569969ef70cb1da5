/* bench_directprobe [linear | wide | growth | FILE.safetensors ...]: DirectProbe's time beside that of the
 * matrix product that computes the points' n x n Gram matrix, both on one core, in the same run. Without
 * arguments: all made-up cases. A FILE holds `points` [n, d] and `labels` [n]. */
#include "fineprobe/directprobe.h"
#include "fineprobe/memory.h"
#include "fineprobe/rng.h"
#include "fineprobe/safetensors.h"
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* How often every label occurs in UD English-PUD, first 800 sentences. */
static const unsigned UPOS[] = {3234, 1979, 1917, 1728, 1591, 1330, 1273, 834, 807,
                                678,  480,  370,  366,  221,  43,   6,    1};
static const unsigned DEPREL[] = {1979, 1935, 1562, 1145, 1105, 959, 820, 715, 713, 649, 525, 481,
                                  437,  332,  297,  272,  238,  221, 196, 171, 158, 157, 157, 157,
                                  154,  111,  78,   68,   52,   46,  42,  35,  28,  23,  9,   8,
                                  7,    6,    2,    2,    1,    1,   1,   1,   1,   1};

typedef struct data {
    size_t n, d, n_labels;
    float *points;
    int32_t *labels;
} data;

/* Time of this thread on a processor: other work on the machine does not count. */
static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void give_up(const char *what, const fp_error *error) {
    fprintf(stderr, "bench_directprobe: %s: %s\n", what, error->text);
    exit(1);
}

static void allocate(data *x) {
    fp_error error = {0};
    x->points = fp_alloc(x->n * x->d, sizeof *x->points, "points", &error);
    x->labels = fp_alloc(x->n, sizeof *x->labels, "labels", &error);
    if (!x->points || !x->labels)
        give_up("memory", &error);
}

/* Normal clouds of unit covariance, one a label, centroids SEPARATION and more apart: label y lies at
 * SEPARATION / sqrt(2) times 1 .. 1.5 along axis y (mod d). */
static data clouds(size_t n, size_t d, const unsigned *frequency, size_t n_labels, double separation) {
    data x = {.n = n, .d = d, .n_labels = n_labels};
    allocate(&x);
    double total = 0, until = 0;
    for (size_t y = 0; y < n_labels; y++)
        total += frequency[y];
    size_t label = 0;
    fp_rng_key key = fp_rng_key_of(1, FP_RNG_DATA, n, d);
    for (size_t i = 0; i < n; i++) {
        while (label + 1 < n_labels && (double)i >= (until + frequency[label]) / total * (double)n)
            until += frequency[label++];
        x.labels[i] = (int32_t)label;
        for (size_t k = 0; k < d; k++)
            x.points[i * d + k] = (float)fp_rng_normal(key, i * d + k);
        double far = 1 + 0.5 * (double)label / (double)n_labels;
        x.points[i * d + label % d] += (float)(separation / sqrt(2) * far);
    }
    return x;
}

static data read_data(const char *path) {
    fp_error error = {0};
    fp_safetensors *file = fp_safetensors_open(path, &error);
    if (!file)
        give_up(path, &error);
    const fp_tensor_view *points = fp_safetensors_find(file, "points"),
                         *labels = fp_safetensors_find(file, "labels");
    if (!points || !labels || points->rank != 2 || labels->count != points->shape[0]) {
        fp_fail(&error, "points [n, d] and labels [n] are needed");
        give_up(path, &error);
    }
    data x = {.n = points->shape[0], .d = points->shape[1]};
    allocate(&x);
    long long *wide = fp_alloc(x.n, sizeof *wide, "labels", &error);
    if (!wide || fp_tensor_to_float(points, x.points, &error) < 0 ||
        fp_tensor_to_int64(labels, wide, &error) < 0)
        give_up(path, &error);
    for (size_t i = 0; i < x.n; i++) {
        x.labels[i] = (int32_t)wide[i];
        x.n_labels = (size_t)wide[i] >= x.n_labels ? (size_t)wide[i] + 1 : x.n_labels;
    }
    free(wide);
    fp_safetensors_close(file);
    return x;
}

/* The product of all points with all points, in blocks so that the result needs no n^2 numbers. */
static double gram_seconds(const data *x) {
    enum { ROWS = 512 };
    fp_error error = {0};
    float *out = fp_alloc(ROWS * x->n, sizeof *out, "Gram matrix", &error);
    if (!out)
        give_up("memory", &error);
    double start = seconds();
    for (size_t i = 0; i < x->n; i += ROWS) {
        size_t rows = x->n - i < ROWS ? x->n - i : ROWS;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)x->n, (int)x->d, 1,
                    x->points + i * x->d, (int)x->d, x->points, (int)x->d, 0, out, (int)x->n);
    }
    double took = seconds() - start;
    free(out);
    return took;
}

static void measure(const char *name, data x) {
    fp_error error = {0};
    fp_directprobe_settings settings = fp_directprobe_defaults();
    fp_directprobe_result r;
    double gram = gram_seconds(&x), start = seconds();
    if (fp_directprobe(x.n, x.d, x.points, x.labels, x.n_labels, &settings, NULL, NULL, &r, &error) < 0)
        give_up(name, &error);
    double took = seconds() - start;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "%-28s %6zu x %-5zu %3zu labels %5zu clusters %8llu calls %4llu undecided %9.3f s, Gram %8.3f s, "
        "ratio %7.2f, gap %.1e, %5ld MB\n",
        name, x.n, x.d, r.n_present, r.n_clusters, (unsigned long long)r.solver_calls,
        (unsigned long long)r.undecided, took, gram, took / gram, r.largest_gap, usage.ru_maxrss / 1024);
    fflush(stdout);
    fp_directprobe_free(&r);
    free(x.points);
    free(x.labels);
}

static void growth(void) {
    for (size_t n = 500; n <= 32000; n *= 2)
        measure("growth, linear", clouds(n, 128, UPOS, 17, 14));
    for (size_t n = 500; n <= 32000; n *= 2)
        measure("growth, not linear", clouds(n, 16, UPOS, 17, 3.5));
}

int main(int argc, char **argv) {
    openblas_set_num_threads(1);
    int all = argc < 2;
    for (int i = 1; i < argc || all; i++) {
        const char *what = all ? "" : argv[i];
        if (all || strcmp(what, "linear") == 0)
            measure("linear", clouds(17000, 768, UPOS, 17, 8));
        if (all || strcmp(what, "wide") == 0)
            measure("wide", clouds(17000, 1536, DEPREL, 46, 8));
        if (all || strcmp(what, "growth") == 0)
            growth();
        if (all)
            break;
        if (strcmp(what, "linear") != 0 && strcmp(what, "wide") != 0 && strcmp(what, "growth") != 0)
            measure(strrchr(what, '/') ? strrchr(what, '/') + 1 : what, read_data(what));
    }
    return 0;
}
