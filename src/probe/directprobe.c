#include "fineprobe/directprobe.h"

#include "clustering.h"
#include "extents.h"
#include "fineprobe/hull.h"
#include "fineprobe/memory.h"
#include "vectors.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLUSTERS = 4096 }; /* for which all distances are kept */

fp_directprobe_settings fp_directprobe_defaults(void) {
    return (fp_directprobe_settings){.gap = 1e-5, .small = 0, .threads = 1};
}

/* Clusters with their points side by side, and what is measured on them. */
typedef struct measure {
    const float *points;
    size_t d;
    const fp_directprobe_settings *settings;
    fp_directprobe_result *result;
    size_t *begin;     /* [n_clusters + 1] into MEMBERS */
    uint32_t *members; /* [n_points] */
    double *centroids; /* [n_clusters, d] */
    double *hint;      /* [d] */
    const fp_extents *extents;
    fp_hull_solver *solver;
    fp_hull_settings hull;
} measure;

static int validate(size_t n, size_t d, const float *points, const int32_t *labels, size_t n_labels,
                    const fp_directprobe_settings *settings, fp_error *error) {
    if (!n || !d)
        return fp_fail(error, "DirectProbe: %zu points of %zu dimensions; at least one of each is needed", n,
                       d);
    if (n >= UINT32_MAX / 4 || d > INT32_MAX / 4)
        return fp_fail(error, "DirectProbe: %zu points of %zu dimensions are too many", n, d);
    if (!(settings->gap > 0) || settings->gap >= 1)
        return fp_fail(error, "DirectProbe: gap %g; it must lie between 0 and 1", settings->gap);
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

static int group_points(measure *m, const int32_t *labels, fp_error *error) {
    fp_directprobe_result *r = m->result;
    m->begin = fp_alloc(r->n_clusters + 1, sizeof *m->begin, "clusters", error);
    m->members = fp_alloc(r->n_points, sizeof *m->members, "clusters", error);
    m->centroids = fp_alloc(r->n_clusters * m->d, sizeof *m->centroids, "centroids", error);
    m->hint = fp_alloc(m->d, sizeof *m->hint, "a direction", error);
    m->solver = fp_hull_create(m->d, error);
    if (!m->begin || !m->members || !m->centroids || !m->hint || !m->solver)
        return -1;
    for (size_t i = 0; i < r->n_points; i++) {
        fp_cluster *c = r->clusters + r->cluster_of[i];
        c->label = labels[i];
        c->size++;
        for (size_t k = 0; k < m->d; k++)
            m->centroids[r->cluster_of[i] * m->d + k] += m->points[i * m->d + k];
    }
    for (size_t c = 0; c < r->n_clusters; c++)
        m->begin[c + 1] = m->begin[c] + r->clusters[c].size;
    for (size_t i = 0; i < r->n_points; i++)
        m->members[m->begin[r->cluster_of[i]]++] = (uint32_t)i;
    memmove(m->begin + 1, m->begin, r->n_clusters * sizeof *m->begin);
    m->begin[0] = 0;
    return 0;
}

/* Centroids of labels (from the clusters' sums) and clusters, distances inside clusters. */
static void measure_centroids(measure *m) {
    fp_directprobe_result *r = m->result;
    size_t d = m->d;
    uint32_t *size = calloc(r->n_labels, sizeof *size);
    for (size_t c = 0; c < r->n_clusters; c++)
        for (size_t k = 0; k < d; k++)
            r->centroids[(size_t)r->clusters[c].label * d + k] += m->centroids[c * d + k];
    for (size_t c = 0; c < r->n_clusters; c++) {
        fp_cluster *cluster = r->clusters + c;
        if (size)
            size[cluster->label] += cluster->size;
        double *centre = m->centroids + c * d;
        for (size_t k = 0; k < d; k++)
            centre[k] /= cluster->size;
        for (size_t i = m->begin[c]; i < m->begin[c + 1]; i++) {
            double sum = 0;
            for (size_t k = 0; k < d; k++) {
                double x = m->points[m->members[i] * d + k] - centre[k];
                sum += x * x;
            }
            cluster->mean_distance += sqrt(sum) / cluster->size;
            cluster->max_distance = fmax(cluster->max_distance, sqrt(sum));
        }
    }
    for (size_t y = 0; size && y < r->n_labels; y++) {
        r->n_present += size[y] > 0;
        for (size_t k = 0; k < d; k++)
            r->centroids[y * d + k] = size[y] ? r->centroids[y * d + k] / size[y] : NAN;
    }
    free(size);
}

static fp_hull_set cluster_set(const measure *m, size_t c) {
    return (fp_hull_set){m->points, m->members + m->begin[c], m->begin[c + 1] - m->begin[c]};
}

static int cluster_distance(measure *m, size_t a, size_t b, double *distance, fp_error *error) {
    fp_hull_answer answer;
    if (m->result->clusters[a].size == 1 && m->result->clusters[b].size == 1) {
        *distance = sqrt(fp_squared_distance(m->points + m->members[m->begin[a]] * m->d,
                                             m->points + m->members[m->begin[b]] * m->d, m->d));
        return 0;
    }
    for (size_t k = 0; k < m->d; k++)
        m->hint[k] = m->centroids[a * m->d + k] - m->centroids[b * m->d + k];
    m->hull.extent = m->extents->of_pair[(size_t)m->result->clusters[a].label * m->result->n_labels +
                                         (size_t)m->result->clusters[b].label];
    fp_hull_start start = {.directions = m->hint, .n_directions = 1};
    if (fp_hull_solve(m->solver, cluster_set(m, a), cluster_set(m, b), &start, &m->hull, &answer, error) < 0)
        return -1;
    m->result->solver_calls++;
    m->result->undecided += answer.verdict == FP_HULL_UNDECIDED;
    *distance = answer.verdict == FP_HULL_APART ? answer.upper : 0;
    if (answer.verdict == FP_HULL_APART)
        m->result->largest_gap = fmax(m->result->largest_gap, 1 - answer.lower / answer.upper);
    return 0;
}

/* Means over cluster pairs; clusters that are too small stand aside. */
static int measure_distances(measure *m, fp_error *error) {
    fp_directprobe_result *r = m->result;
    size_t n = r->n_labels;
    uint32_t *pairs = fp_alloc(n * n, sizeof *pairs, "label distances", error);
    if (!pairs)
        return -1;
    for (size_t i = 0; r->cluster_distances && i < r->n_clusters * r->n_clusters; i++)
        r->cluster_distances[i] = NAN;
    int status = 0;
    for (size_t a = 0; a < r->n_clusters && status == 0; a++) {
        for (size_t b = 0; b < a && status == 0; b++) {
            size_t x = (size_t)r->clusters[a].label, y = (size_t)r->clusters[b].label;
            if (x == y || r->clusters[a].size <= m->settings->small ||
                r->clusters[b].size <= m->settings->small)
                continue;
            double distance = 0;
            status = cluster_distance(m, a, b, &distance, error);
            size_t at = x < y ? x * n + y : y * n + x;
            r->label_distances[at] += distance;
            pairs[at]++;
            if (r->cluster_distances)
                r->cluster_distances[a * r->n_clusters + b] = r->cluster_distances[b * r->n_clusters + a] =
                    distance;
        }
    }
    for (size_t x = 0; x < n; x++) {
        for (size_t y = x; y < n; y++) {
            double *at = r->label_distances + x * n + y;
            *at = pairs[x * n + y] ? *at / pairs[x * n + y] : NAN;
            r->label_distances[y * n + x] = *at;
        }
    }
    free(pairs);
    for (size_t x = 0; x < n; x++) {
        r->minimum_distances[x] = NAN;
        for (size_t y = 0; y < n; y++)
            r->minimum_distances[x] = fmin(r->minimum_distances[x], r->label_distances[x * n + y]);
    }
    return status;
}

static void close_measure(measure *m) {
    free(m->begin);
    free(m->members);
    free(m->centroids);
    free(m->hint);
    fp_hull_destroy(m->solver);
}

int fp_directprobe(size_t n, size_t d, const float *points, const int32_t *labels, size_t n_labels,
                   const fp_directprobe_settings *settings, fp_probe_progress *progress, void *context,
                   fp_directprobe_result *out, fp_error *error) {
    *out = (fp_directprobe_result){.n_points = n, .n_labels = n_labels, .dimension = d};
    fp_clustering clustering;
    if (validate(n, d, points, labels, n_labels, settings, error) < 0)
        return -1;
    fp_extents extents;
    if (fp_extents_create(&extents, points, labels, n, d, n_labels, error) < 0) {
        fp_extents_destroy(&extents);
        return -1;
    }
    if (fp_clustering_run(n, d, points, labels, n_labels, &extents, progress, context, &clustering, error) <
        0) {
        free(clustering.cluster_of);
        fp_extents_destroy(&extents);
        return -1;
    }
    out->cluster_of = clustering.cluster_of;
    out->n_clusters = clustering.n_clusters;
    out->solver_calls = clustering.solver_calls;
    out->undecided = clustering.undecided;
    measure m = {.points = points,
                 .d = d,
                 .settings = settings,
                 .result = out,
                 .extents = &extents,
                 .hull = fp_hull_defaults()};
    m.hull.gap = settings->gap;
    m.hull.longest = extents.longest;
    int status = allocate(out, error);
    if (status == 0)
        status = group_points(&m, labels, error);
    if (status == 0) {
        measure_centroids(&m);
        status = measure_distances(&m, error);
    }
    /* As many clusters as labels is not enough: two labels of one and the same point each are never asked
     * about. */
    out->linear = clustering.linear;
    close_measure(&m);
    fp_extents_destroy(&extents);
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
    *result = (fp_directprobe_result){0};
}
