#include "keeper.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int fp_kept_copy(const fp_hull_answer *answer, fp_kept *out, fp_error *error) {
    out->n_first = answer->n_first;
    out->n_support = answer->n_support;
    out->distance = answer->upper;
    out->points = fp_alloc(answer->n_support, sizeof *out->points, "a certificate", error);
    out->weights = fp_alloc(answer->n_support, sizeof *out->weights, "a certificate", error);
    if (!out->points || !out->weights) {
        fp_kept_free(out);
        return -1;
    }
    memcpy(out->points, answer->support, answer->n_support * sizeof *out->points);
    memcpy(out->weights, answer->weight, answer->n_support * sizeof *out->weights);
    return 0;
}

void fp_kept_free(fp_kept *kept) {
    free(kept->points);
    free(kept->weights);
    *kept = (fp_kept){0};
}

int fp_keeper_create(fp_keeper *keeper, size_t room, fp_error *error) {
    *keeper = (fp_keeper){.room = room};
    keeper->nearest = fp_alloc(room, sizeof *keeper->nearest, "certificates", error);
    return keeper->nearest ? 0 : -1;
}

void fp_keeper_destroy(fp_keeper *keeper) {
    for (size_t i = 0; i < keeper->n; i++)
        fp_kept_free(keeper->nearest + i);
    free(keeper->nearest);
    *keeper = (fp_keeper){0};
}

void fp_keeper_offer(fp_keeper *keeper, fp_kept *kept) {
    keeper->offered++;
    if (keeper->n == keeper->room) {
        if (!keeper->room || !(kept->distance < keeper->nearest[keeper->n - 1].distance)) {
            fp_kept_free(kept);
            return;
        }
        fp_kept_free(keeper->nearest + --keeper->n);
    }
    size_t at = keeper->n++;
    for (; at > 0 && kept->distance < keeper->nearest[at - 1].distance; at--)
        keeper->nearest[at] = keeper->nearest[at - 1];
    keeper->nearest[at] = *kept;
    *kept = (fp_kept){0};
}

/* 0: there is no room. */
static int write(const fp_kept *kept, fp_certificates *out) {
    if (out->n == out->capacity || kept->n_support > out->support_capacity - out->n_support)
        return 0;
    out->items[out->n++] = (fp_certificate){.first = (int32_t)kept->first,
                                            .second = (int32_t)kept->second,
                                            .third = kept->third,
                                            .n_first = (int32_t)kept->n_first,
                                            .n_support = (int32_t)kept->n_support,
                                            .begin = (int64_t)out->n_support,
                                            .distance = kept->distance};
    for (size_t i = 0; i < kept->n_support; i++) {
        out->points[out->n_support] = (int32_t)kept->points[i];
        out->weights[out->n_support++] = kept->weights[i];
    }
    return 1;
}

/* ---- clusters that cannot be merged ---- */

typedef struct ranked {
    uint32_t cluster;
    double key;
} ranked;

static int ascending(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->cluster < y->cluster ? -1 : x->cluster > y->cluster;
}

typedef struct finding {
    const fp_grouping *grouping;
    const fp_extents *extents;
    fp_hull_solver *solver;
    fp_directprobe_result *result;
    ranked *by_size, *others; /* [n_clusters] */
    uint32_t *joined;         /* [n_points] */
    double *centre;           /* [d] */
} finding;

/* Clusters of other labels, the nearest to the union of A and B first; returns their number. */
static size_t rank_others(finding *f, size_t a, size_t b) {
    const fp_grouping *g = f->grouping;
    double share = (double)fp_grouping_size(g, a) / (double)(fp_grouping_size(g, a) + fp_grouping_size(g, b));
    size_t n = 0, d = g->d;
    for (size_t k = 0; k < d; k++)
        f->centre[k] = share * g->centroids[a * d + k] + (1 - share) * g->centroids[b * d + k];
    for (size_t c = 0; c < g->n_clusters; c++) {
        double sum = 0;
        if (f->result->clusters[c].label == f->result->clusters[a].label)
            continue;
        for (size_t k = 0; k < d; k++)
            sum += (g->centroids[c * d + k] - f->centre[k]) * (g->centroids[c * d + k] - f->centre[k]);
        f->others[n++] = (ranked){(uint32_t)c, sum};
    }
    qsort(f->others, n, sizeof *f->others, ascending);
    return n;
}

/* 1: a cluster that the union of A and B meets was found and its certificate written, 0: not, -1: error. */
static int certify_union(finding *f, size_t a, size_t b, fp_error *error) {
    const fp_grouping *g = f->grouping;
    const fp_cluster *clusters = f->result->clusters;
    size_t n = rank_others(f, a, b), first = fp_grouping_size(g, a), second = fp_grouping_size(g, b);
    memcpy(f->joined, g->members + g->begin[a], first * sizeof *f->joined);
    memcpy(f->joined + first, g->members + g->begin[b], second * sizeof *f->joined);
    fp_hull_set joined = {g->points, f->joined, first + second};
    fp_hull_settings settings = fp_hull_defaults();
    settings.longest = f->extents->longest;
    for (size_t i = 0; i < n; i++) {
        size_t c = f->others[i].cluster;
        fp_hull_answer answer;
        settings.extent =
            f->extents->of_pair[(size_t)clusters[a].label * f->extents->n_labels + (size_t)clusters[c].label];
        if (fp_hull_solve(f->solver, joined, fp_grouping_set(g, c), NULL, &settings, &answer, error) < 0)
            return -1;
        if (answer.verdict != FP_HULL_OVERLAP)
            continue;
        fp_kept kept = {.first = (uint32_t)a, .second = (uint32_t)b, .third = (int32_t)c};
        if (fp_kept_copy(&answer, &kept, error) < 0)
            return -1;
        int written = write(&kept, &f->result->certificates);
        fp_kept_free(&kept);
        return written;
    }
    return 0;
}

/* Pairs of clusters with one label, the largest first, as long as there is ROOM. */
static int certify_unions(finding *f, size_t room, fp_error *error) {
    const fp_cluster *clusters = f->result->clusters;
    size_t tried = 0;
    for (size_t i = 0; i < f->grouping->n_clusters; i++)
        f->by_size[i] = (ranked){(uint32_t)i, -(double)clusters[i].size};
    qsort(f->by_size, f->grouping->n_clusters, sizeof *f->by_size, ascending);
    for (size_t i = 0; i < f->grouping->n_clusters; i++)
        for (size_t j = 0; j < i && tried < room; j++) {
            size_t a = f->by_size[j].cluster, b = f->by_size[i].cluster;
            if (clusters[a].label != clusters[b].label)
                continue;
            tried++;
            if (certify_union(f, a, b, error) < 0)
                return -1;
        }
    return 0;
}

/* How many pairs of clusters have one label. */
static uint64_t count_unions(const fp_directprobe_result *r, uint32_t *clusters_of_label) {
    uint64_t pairs = 0;
    for (size_t c = 0; c < r->n_clusters; c++)
        pairs += clusters_of_label[r->clusters[c].label]++;
    return pairs;
}

int fp_keeper_finish(fp_keeper *keeper, const fp_grouping *grouping, const fp_extents *extents,
                     fp_hull_solver *solver, fp_directprobe_result *result, fp_error *error) {
    size_t clusters = grouping->n_clusters;
    fp_certificates *out = &result->certificates;
    finding f = {.grouping = grouping, .extents = extents, .solver = solver, .result = result};
    uint32_t *count = fp_alloc(result->n_labels, sizeof *count, "certificates", error);
    f.by_size = fp_alloc(clusters, sizeof *f.by_size, "certificates", error);
    f.others = fp_alloc(clusters, sizeof *f.others, "certificates", error);
    f.joined = fp_alloc(grouping->n_points, sizeof *f.joined, "certificates", error);
    f.centre = fp_alloc(grouping->d, sizeof *f.centre, "certificates", error);
    int status = -1;
    if (count && f.by_size && f.others && f.joined && f.centre) {
        status = certify_unions(&f, out->capacity / 4, error);
        for (size_t i = 0; status == 0 && i < keeper->n; i++)
            write(keeper->nearest + i, out);
        out->left_out = keeper->offered + count_unions(result, count) - out->n;
    }
    free(count);
    free(f.by_size);
    free(f.others);
    free(f.joined);
    free(f.centre);
    return status;
}
