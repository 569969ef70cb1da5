#include "forest.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double ROUNDING = 1e-10; /* radii are taken this much longer than computed */

int fp_forest_create(fp_forest *f, const float *points, size_t n, size_t d, const int32_t *labels,
                     fp_error *error) {
    *f = (fp_forest){.d = d, .n_points = n, .n_nodes = n, .points = points};
    f->table_size = 64;
    while (f->table_size < 4 * n)
        f->table_size *= 2;
    f->table = fp_alloc(f->table_size, sizeof(uint32_t), "clusters", error);
    if (!f->table || fp_grow((void **)&f->nodes, &f->capacity, 2 * n, sizeof *f->nodes, error) < 0 ||
        fp_grow((void **)&f->centroids, &f->centroid_capacity, 2 * n, d * sizeof *f->centroids, error) < 0) {
        fp_forest_destroy(f);
        return -1;
    }
    memset(f->table, 0xff, f->table_size * sizeof *f->table);
    memcpy(f->centroids, points, n * d * sizeof *points);
    for (uint32_t i = 0; i < n; i++)
        f->nodes[i] = (fp_node){FP_NO_NODE, FP_NO_NODE, FP_NO_NODE, 1, i, labels[i], 0};
    return 0;
}

void fp_forest_destroy(fp_forest *f) {
    free(f->nodes);
    free(f->centroids);
    free(f->table);
    *f = (fp_forest){0};
}

static size_t home(const fp_forest *f, uint32_t left, uint32_t right) {
    uint64_t key = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15U;
    return (size_t)(key >> 20) & (f->table_size - 1);
}

static void enter(fp_forest *f, uint32_t node) {
    size_t at = home(f, f->nodes[node].left, f->nodes[node].right);
    while (f->table[at] != FP_NO_NODE)
        at = (at + 1) & (f->table_size - 1);
    f->table[at] = node;
}

static int grow_table(fp_forest *f, fp_error *error) {
    uint32_t *larger = fp_alloc(2 * f->table_size, sizeof *larger, "clusters", error);
    if (!larger)
        return -1;
    free(f->table);
    f->table = larger;
    f->table_size *= 2;
    memset(f->table, 0xff, f->table_size * sizeof *f->table);
    for (size_t i = f->n_points; i < f->n_nodes; i++)
        enter(f, (uint32_t)i);
    return 0;
}

uint32_t fp_forest_merge(fp_forest *f, uint32_t left, uint32_t right, fp_error *error) {
    for (size_t at = home(f, left, right); f->table[at] != FP_NO_NODE; at = (at + 1) & (f->table_size - 1)) {
        uint32_t found = f->table[at];
        if (f->nodes[found].left == left && f->nodes[found].right == right) {
            f->nodes[left].parent = f->nodes[right].parent = found;
            return found;
        }
    }
    if (fp_grow((void **)&f->nodes, &f->capacity, f->n_nodes + 1, sizeof *f->nodes, error) < 0 ||
        fp_grow((void **)&f->centroids, &f->centroid_capacity, f->n_nodes + 1, f->d * sizeof *f->centroids,
                error) < 0 ||
        (2 * (f->n_nodes - f->n_points) > f->table_size && grow_table(f, error) < 0))
        return FP_NO_NODE;
    uint32_t node = (uint32_t)f->n_nodes++;
    fp_node *a = f->nodes + left, *b = f->nodes + right;
    f->nodes[node] = (fp_node){
        left, right, FP_NO_NODE, a->size + b->size, a->point < b->point ? a->point : b->point, a->label, -1};
    a->parent = b->parent = node;
    const float *x = f->centroids + left * f->d, *y = f->centroids + right * f->d;
    float share = (float)a->size / (float)(a->size + b->size), *out = f->centroids + node * f->d;
    for (size_t k = 0; k < f->d; k++)
        out[k] = share * x[k] + (1 - share) * y[k];
    enter(f, node);
    return node;
}

void fp_forest_points(const fp_forest *f, uint32_t node, uint32_t *out) {
    /* Nodes that wait stand at the end of OUT: each holds a point that has not found its place yet. */
    size_t size = f->nodes[node].size, n = 0, waiting = size;
    out[--waiting] = node;
    while (waiting < size) {
        const fp_node *at = f->nodes + out[waiting++];
        if (at->left == FP_NO_NODE) {
            out[n++] = at->point;
            continue;
        }
        out[--waiting] = at->right;
        out[--waiting] = at->left;
    }
}

double fp_forest_radius(fp_forest *f, uint32_t node, uint32_t *scratch) {
    if (f->nodes[node].radius >= 0)
        return f->nodes[node].radius;
    fp_forest_points(f, node, scratch);
    const float *centre = f->centroids + node * f->d;
    double largest = 0;
    for (size_t i = 0; i < f->nodes[node].size; i++) {
        const float *x = f->points + scratch[i] * f->d;
        double sum = 0;
        for (size_t k = 0; k < f->d; k++)
            sum += ((double)x[k] - centre[k]) * ((double)x[k] - centre[k]);
        largest = fmax(largest, sum);
    }
    return f->nodes[node].radius = sqrt(largest) * (1 + ROUNDING);
}
