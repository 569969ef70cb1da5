/* A piece of work that probes: one unit, on its training and on its test set. */
#include "fineprobe/compare.h"
#include "fineprobe/memory.h"
#include "run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *fp_probe_state(const fp_directprobe_result *result) {
    if (result->undecided)
        return "undecided";
    if (result->n_present < 2)
        return "one label";
    return result->linear ? "linear" : "not linear";
}

/* Numbers of one split for the unit's row. */
static void summarise(const fp_directprobe_result *result, fp_probe_columns *out) {
    fp_copy_text(out->state, sizeof out->state, fp_probe_state(result));
    out->points = (int32_t)result->n_points;
    out->labels_present = (int32_t)result->n_present;
    out->clusters = (int32_t)result->n_clusters;
    out->solver_calls = (int64_t)result->solver_calls;
    out->undecided = (int64_t)result->undecided;
    out->largest_gap = result->largest_gap;
    out->touching = (int64_t)result->touching;
    out->certificates = (int64_t)result->certificates.n;
    out->certificates_left_out = (int64_t)result->certificates.left_out;
    double sum = 0, smallest = INFINITY;
    size_t n = 0;
    for (size_t i = 0; i < result->n_labels; i++)
        if (!isnan(result->minimum_distances[i])) {
            sum += result->minimum_distances[i];
            smallest = fmin(smallest, result->minimum_distances[i]);
            n++;
        }
    out->mean_distance = n ? sum / (double)n : NAN;
    out->smallest_distance = n ? smallest : NAN;
}

typedef struct fp_sized {
    uint32_t cluster, size;
} fp_sized;

static int largest_first(const void *a, const void *b) {
    const fp_sized *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->cluster < y->cluster ? -1 : x->cluster > y->cluster;
}

/* The largest clusters, as many as the table holds. */
static int keep_clusters(const fp_directprobe_result *result, fp_cluster_row *out, size_t room,
                         fp_error *error) {
    fp_sized *order = fp_alloc(result->n_clusters, sizeof *order, "the order of clusters", error);
    if (!order)
        return -1;
    for (size_t i = 0; i < result->n_clusters; i++)
        order[i] = (fp_sized){(uint32_t)i, result->clusters[i].size};
    qsort(order, result->n_clusters, sizeof *order, largest_first);
    for (size_t i = 0; i < room && i < result->n_clusters; i++) {
        const fp_cluster *c = &result->clusters[order[i].cluster];
        out[i].cluster = (int32_t)order[i].cluster;
        out[i].label = c->label;
        out[i].size = (int32_t)c->size;
        out[i].mean_distance = c->mean_distance;
        out[i].largest_distance = c->max_distance;
    }
    free(order);
    return 0;
}

static void keep_certificates(const fp_directprobe_result *result, size_t split, const fp_group *g,
                              fp_unit_record *record) {
    const fp_certificates *all = &result->certificates;
    for (size_t i = 0; i < all->n; i++) {
        const fp_certificate *c = all->items + i;
        record->certificates[split * g->certificates + i] = (fp_certificate_row){
            c->first, c->second, c->third, c->n_first, c->n_support, (int32_t)c->begin, c->distance};
    }
    size_t at = split * g->support;
    memcpy(record->support_points + at, all->points, all->n_support * sizeof *all->points);
    memcpy(record->support_weights + at, all->weights, all->n_support * sizeof *all->weights);
}

/* Puts the result of split S (0 train, 1 test) in its place in the record. */
static int fill(const fp_group *g, int s, const fp_directprobe_result *result, fp_unit_record *record,
                fp_error *error) {
    size_t at = (size_t)s, labels = g->labels;
    summarise(result, s ? &record->row.test : &record->row.train);
    memcpy(record->label_distances + at * labels * labels, result->label_distances,
           labels * labels * sizeof(double));
    memcpy(record->minimum_distances + at * labels, result->minimum_distances, labels * sizeof(double));
    float *centroids = record->centroids + at * labels * g->width;
    for (size_t i = 0; i < labels * g->width; i++)
        centroids[i] = (float)result->centroids[i];
    int32_t *cluster_of = record->cluster_of + (s ? g->train_instances : 0);
    for (size_t i = 0; i < result->n_points; i++)
        cluster_of[i] = (int32_t)result->cluster_of[i];
    keep_certificates(result, at, g, record);
    return keep_clusters(result, record->clusters + at * g->clusters, g->clusters, error);
}

typedef struct fp_half {
    fp_reporter *reporter;
    double from;
} fp_half;

static void half_progress(void *context, double share) {
    fp_half *half = context;
    fp_report_progress(half->reporter, half->from + share / 2);
}

static const char *const splits[2] = {"train", "test"};

int fp_piece_vectors(const fp_piece *piece, int layer, int s, fp_vectors *out, fp_error *error) {
    const fp_group *g = &piece->group;
    size_t expected = s ? g->test_instances : g->train_instances;
    *out = (fp_vectors){.width = g->width};
    if (expected && fp_vectors_read(piece->vectors, layer, splits[s], out, error) < 0)
        return -1;
    if (out->n == expected && out->width == g->width)
        return 0;
    fp_fail(error, "%s has %zu x %zu vectors, the plan %zu x %zu: the data changed during the sweep",
            piece->vectors, out->n, out->width, expected, g->width);
    fp_vectors_free(out);
    return -1;
}

static int probe_split(const fp_piece *piece, int s, fp_reporter *reporter, fp_unit_record *record,
                       fp_error *error) {
    const fp_group *g = &piece->group;
    fp_vectors vectors;
    if (fp_piece_vectors(piece, piece->unit.layer, s, &vectors, error) < 0)
        return -1;
    fp_directprobe_result result;
    fp_half half = {reporter, s / 2.0};
    fp_directprobe_settings settings = piece->directprobe;
    settings.certificates = g->certificates;
    settings.support = g->support;
    int rc = fp_directprobe(vectors.n, vectors.width, vectors.points, vectors.labels, g->labels, &settings,
                            half_progress, &half, &result, error);
    if (rc == 0) {
        rc = fill(g, s, &result, record, error);
        fp_directprobe_free(&result);
    }
    fp_vectors_free(&vectors);
    return rc < 0 ? fp_error_context(error, "%s set, layer %d", splits[s], piece->unit.layer) : 0;
}

int fp_run_probe(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    const fp_group *g = &piece->group;
    fp_unit_record record;
    if (fp_unit_record_alloc(g, &record, error) < 0)
        return -1;
    record.row = piece->unit;
    int rc = probe_split(piece, 0, reporter, &record, error);
    if (rc == 0)
        rc = probe_split(piece, 1, reporter, &record, error);
    if (rc == 0) {
        int both =
            strcmp(record.row.train.state, "linear") == 0 && strcmp(record.row.test.state, "linear") == 0;
        record.row.train_test_similarity =
            both ? fp_spatial_similarity(record.label_distances,
                                         record.label_distances + g->labels * g->labels, g->labels)
                 : NAN;
        record.row.crc = fp_unit_record_crc(g, &record);
        rc = fp_record_save(piece->record, &fp_unit_records, g, &record, error);
    }
    fp_unit_record_free(&record);
    return rc;
}
