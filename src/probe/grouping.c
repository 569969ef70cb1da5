#include "grouping.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

static void sort_members(fp_grouping *g, const uint32_t *cluster_of) {
    for (size_t i = 0; i < g->n_points; i++)
        g->begin[cluster_of[i] + 1]++;
    for (size_t c = 0; c < g->n_clusters; c++)
        g->begin[c + 1] += g->begin[c];
    for (size_t i = 0; i < g->n_points; i++)
        g->members[g->begin[cluster_of[i]]++] = (uint32_t)i;
    memmove(g->begin + 1, g->begin, g->n_clusters * sizeof *g->begin);
    g->begin[0] = 0;
}

int fp_grouping_create(fp_grouping *g, const float *points, size_t n, size_t d, const uint32_t *cluster_of,
                       size_t n_clusters, fp_error *error) {
    *g = (fp_grouping){.points = points, .n_points = n, .d = d, .n_clusters = n_clusters};
    g->begin = fp_alloc(n_clusters + 1, sizeof *g->begin, "clusters", error);
    g->members = fp_alloc(n, sizeof *g->members, "clusters", error);
    g->centroids = fp_alloc(n_clusters * d, sizeof *g->centroids, "centroids", error);
    if (!g->begin || !g->members || !g->centroids) {
        fp_grouping_destroy(g);
        return -1;
    }
    sort_members(g, cluster_of);
    for (size_t c = 0; c < n_clusters; c++) {
        double *centre = g->centroids + c * d;
        for (size_t i = g->begin[c]; i < g->begin[c + 1]; i++)
            for (size_t k = 0; k < d; k++)
                centre[k] += points[g->members[i] * d + k];
        for (size_t k = 0; k < d; k++)
            centre[k] /= (double)fp_grouping_size(g, c);
    }
    return 0;
}

void fp_grouping_destroy(fp_grouping *g) {
    free(g->begin);
    free(g->members);
    free(g->centroids);
    *g = (fp_grouping){0};
}
