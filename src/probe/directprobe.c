#include "fineprobe/directprobe.h"

#include "clustering.h"
#include "distances.h"
#include "extents.h"
#include "fineprobe/memory.h"
#include "grouping.h"
#include "math/team.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLUSTERS = 1024 }; /* for which all distances are kept */

fp_directprobe_settings fp_directprobe_defaults(void) {
    return (fp_directprobe_settings){.gap = 1e-5, .small = 0, .threads = 1};
}

typedef struct probing {
    const float *points;
    const int32_t *labels;
    float *moved, *offset; /* see take_common */
    const fp_directprobe_settings *settings;
    fp_extents extents;
    fp_team *team;
    fp_probe_progress *progress;
    void *context;
} probing;

static int validate(size_t n, size_t d, const float *points, const int32_t *labels, size_t n_labels,
                    const fp_directprobe_settings *settings, fp_error *error) {
    if (!n || !d)
        return fp_fail(error, "DirectProbe: %zu points of %zu dimensions; at least one of each is needed", n,
                       d);
    if (n >= UINT32_MAX / 4 || d > INT32_MAX / 4)
        return fp_fail(error, "DirectProbe: %zu points of %zu dimensions are too many", n, d);
    if (!(settings->gap > 0) || settings->gap >= 1)
        return fp_fail(error, "DirectProbe: gap %g; it must lie between 0 and 1", settings->gap);
    if (settings->threads < 1)
        return fp_fail(error, "DirectProbe: %d threads; at least one is needed", settings->threads);
    for (size_t i = 0; i < n; i++) {
        if (labels[i] < 0 || (size_t)labels[i] >= n_labels)
            return fp_fail(error, "DirectProbe: row %zu has label %d; labels are 0 .. %zu", i, labels[i],
                           n_labels - 1);
        for (size_t k = 0; k < d; k++)
            if (!isfinite(points[i * d + k]))
                return fp_fail(error, "DirectProbe: row %zu, column %zu is %g; numbers must be finite", i, k,
                               (double)points[i * d + k]);
    }
    return 0;
}

static int allocate(fp_directprobe_result *out, fp_error *error) {
    const char *what = "DirectProbe's result";
    size_t labels = out->n_labels, clusters = out->n_clusters;
    out->clusters = fp_alloc(clusters, sizeof *out->clusters, what, error);
    out->label_distances = fp_alloc(labels * labels, sizeof(double), what, error);
    out->minimum_distances = fp_alloc(labels, sizeof(double), what, error);
    out->centroids = fp_alloc(labels * out->dimension, sizeof(double), what, error);
    if (clusters <= MOST_CLUSTERS)
        out->cluster_distances = fp_alloc(clusters * clusters, sizeof(double), what, error);
    return out->clusters && out->label_distances && out->minimum_distances && out->centroids &&
                   (out->cluster_distances || clusters > MOST_CLUSTERS)
               ? 0
               : -1;
}

/* A coordinate whose values lie between m and 2 m, or -2 m and -m, has nothing of zero in it: what all points
 * have in common would drown the rest in rounding. The smallest (in size) is taken off them, which is exact
 * (Sterbenz). Leaves POINTS as they are when there is no such coordinate, else points to a copy; OFFSET [d]
 * is what was taken off. */
static int take_common(probing *p, size_t n, size_t d, fp_error *error) {
    float *low = fp_alloc(2 * d, sizeof *low, "coordinates", error), *high = low + d;
    p->offset = fp_alloc(d, sizeof *p->offset, "coordinates", error);
    if (!low || !p->offset) {
        free(low);
        return -1;
    }
    int any = 0;
    memcpy(low, p->points, d * sizeof *low);
    memcpy(high, p->points, d * sizeof *high);
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < d; k++) {
            float x = p->points[i * d + k];
            low[k] = x < low[k] ? x : low[k];
            high[k] = x > high[k] ? x : high[k];
        }
    for (size_t k = 0; k < d; k++) {
        if (low[k] > 0 && high[k] / 2 <= low[k])
            p->offset[k] = low[k];
        else if (high[k] < 0 && low[k] / 2 >= high[k])
            p->offset[k] = high[k];
        any |= p->offset[k] != 0;
    }
    free(low);
    if (!any)
        return 0;
    if (!(p->moved = fp_alloc(n * d, sizeof *p->moved, "points", error)))
        return -1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++)
            p->moved[i * d + k] = p->points[i * d + k] - p->offset[k];
    p->points = p->moved;
    return 0;
}

/* Labels and sizes of clusters, distances inside them, centroids of labels. */
static int measure_clusters(const fp_grouping *g, const int32_t *labels, const float *offset,
                            fp_directprobe_result *r, fp_error *error) {
    size_t d = g->d;
    uint32_t *size = fp_alloc(r->n_labels, sizeof *size, "centroids", error);
    if (!size)
        return -1;
    for (size_t c = 0; c < r->n_clusters; c++) {
        fp_cluster *cluster = r->clusters + c;
        const double *centre = g->centroids + c * d;
        cluster->label = labels[g->members[g->begin[c]]];
        cluster->size = (uint32_t)fp_grouping_size(g, c);
        size[cluster->label] += cluster->size;
        for (size_t k = 0; k < d; k++)
            r->centroids[(size_t)cluster->label * d + k] += cluster->size * centre[k];
        for (size_t i = g->begin[c]; i < g->begin[c + 1]; i++) {
            double sum = 0;
            for (size_t k = 0; k < d; k++) {
                double x = g->points[g->members[i] * d + k] - centre[k];
                sum += x * x;
            }
            cluster->mean_distance += sqrt(sum) / cluster->size;
            cluster->max_distance = fmax(cluster->max_distance, sqrt(sum));
        }
    }
    for (size_t y = 0; y < r->n_labels; y++) {
        r->n_present += size[y] > 0;
        for (size_t k = 0; k < d; k++)
            r->centroids[y * d + k] = size[y] ? offset[k] + r->centroids[y * d + k] / size[y] : NAN;
    }
    free(size);
    return 0;
}

/* Shares of the way on which progress is told: which labels are apart and their clusters, then distances. */
static const double CLUSTERED = 0.7;

typedef struct part {
    fp_probe_progress *progress;
    void *context;
} part;

static void tell_part(void *context, double share) {
    const part *p = context;
    p->progress(p->context, CLUSTERED * share);
}

static int cluster(const probing *p, fp_directprobe_result *out, fp_error *error) {
    part first = {p->progress, p->context};
    fp_clustering clustering;
    if (fp_clustering_run(out->n_points, out->dimension, p->points, p->labels, out->n_labels, &p->extents,
                          p->team, p->progress ? tell_part : NULL, &first, &clustering, error) < 0) {
        free(clustering.cluster_of);
        return -1;
    }
    out->cluster_of = clustering.cluster_of;
    out->n_clusters = clustering.n_clusters;
    out->solver_calls = clustering.solver_calls;
    out->undecided = clustering.undecided;
    /* As many clusters as labels is not enough: two labels of one and the same point each are never asked
     * about. */
    out->linear = clustering.linear;
    return 0;
}

static int measure(const probing *p, fp_directprobe_result *out, fp_error *error) {
    fp_grouping grouping;
    if (allocate(out, error) < 0 ||
        fp_certificates_create(&out->certificates, p->settings->certificates, p->settings->support, error) <
            0 ||
        fp_grouping_create(&grouping, p->points, out->n_points, out->dimension, out->cluster_of,
                           out->n_clusters, error) < 0)
        return -1;
    int status = measure_clusters(&grouping, p->labels, p->offset, out, error);
    if (status == 0)
        status = fp_measure_distances(&grouping, &p->extents, p->settings, p->team, p->progress, p->context,
                                      CLUSTERED, out, error);
    fp_grouping_destroy(&grouping);
    return status;
}

int fp_directprobe(size_t n, size_t d, const float *points, const int32_t *labels, size_t n_labels,
                   const fp_directprobe_settings *settings, fp_probe_progress *progress, void *context,
                   fp_directprobe_result *out, fp_error *error) {
    *out = (fp_directprobe_result){.n_points = n, .n_labels = n_labels, .dimension = d};
    if (validate(n, d, points, labels, n_labels, settings, error) < 0)
        return -1;
    probing p = {.points = points,
                 .labels = labels,
                 .settings = settings,
                 .team = fp_team_create(settings->threads, error),
                 .progress = progress,
                 .context = context};
    int blas = openblas_get_num_threads(), status = p.team ? 0 : -1;
    openblas_set_num_threads(1); /* products of matrices have the same bits for any number of threads */
    if (status == 0)
        status = take_common(&p, n, d, error);
    if (status == 0)
        status = fp_extents_create(&p.extents, p.points, labels, n, d, n_labels, error);
    if (status == 0)
        status = cluster(&p, out, error);
    if (status == 0)
        status = measure(&p, out, error);
    openblas_set_num_threads(blas);
    fp_extents_destroy(&p.extents);
    free(p.moved);
    free(p.offset);
    fp_team_free(p.team);
    if (status < 0)
        fp_directprobe_free(out);
    else if (progress)
        progress(context, 1);
    return status;
}

void fp_directprobe_free(fp_directprobe_result *result) {
    free(result->cluster_of);
    free(result->clusters);
    free(result->label_distances);
    free(result->minimum_distances);
    free(result->centroids);
    free(result->cluster_distances);
    fp_certificates_free(&result->certificates);
    *result = (fp_directprobe_result){0};
}
