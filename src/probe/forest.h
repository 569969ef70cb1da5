/* forest.h: every cluster that was ever formed or tried, as a tree of merges. Node i < n is point i. */
#ifndef FINEPROBE_PROBE_FOREST_H
#define FINEPROBE_PROBE_FOREST_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

enum { FP_NO_NODE = 0xffffffffu };

typedef struct fp_node {
    uint32_t left, right; /* FP_NO_NODE for a point */
    uint32_t parent;      /* the node it was last merged into; FP_NO_NODE: none so far */
    uint32_t size, point; /* number of points; the first of them */
    int32_t label;
    double radius; /* of a ball around the centroid that holds all points; negative: not computed */
} fp_node;

typedef struct fp_forest {
    size_t d, n_points, n_nodes, capacity, centroid_capacity;
    const float *points;
    fp_node *nodes;
    float *centroids; /* [n_nodes, d] */
    uint32_t *table;  /* (left, right) -> node */
    size_t table_size;
} fp_forest;

int fp_forest_create(fp_forest *forest, const float *points, size_t n, size_t d, const int32_t *labels,
                     fp_error *error);
void fp_forest_destroy(fp_forest *forest);

/* The union of two nodes, the same one every time; FP_NO_NODE without memory. */
uint32_t fp_forest_merge(fp_forest *forest, uint32_t left, uint32_t right, fp_error *error);

/* Writes the points of NODE. */
void fp_forest_points(const fp_forest *forest, uint32_t node, uint32_t *out /* [size] */);

double fp_forest_radius(fp_forest *forest, uint32_t node, uint32_t *scratch /* [n_points] */);

#endif
