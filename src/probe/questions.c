#include "questions.h"

#include "fineprobe/memory.h"
#include "vectors.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a pair. Larger values: 2 + the plane that keeps them apart. */
enum { OVERLAP, APART, PLANES };
enum {
    ANCESTORS = 6,
    DESCENDANTS = 12
};                    /* how far to look for what is known of clusters that hold, or are held */
enum { BLOCK = 256 }; /* clusters filtered at once */

int fp_questions_create(fp_questions *q, fp_forest *forest, const fp_extents *extents, fp_error *error) {
    *q = (fp_questions){
        .forest = forest, .extents = extents, .settings = fp_hull_defaults(), .known_size = 1 << 12};
    q->solver = fp_hull_create(forest->d, error);
    q->known = fp_alloc(q->known_size, sizeof *q->known, "known answers", error);
    q->members[0] = fp_alloc(forest->n_points, sizeof(uint32_t), "points of a cluster", error);
    q->members[1] = fp_alloc(forest->n_points, sizeof(uint32_t), "points of a cluster", error);
    q->directions = fp_alloc(2 * forest->d, sizeof(double), "directions", error);
    if (!q->solver || !q->known || !q->members[0] || !q->members[1] || !q->directions) {
        fp_questions_destroy(q);
        return -1;
    }
    q->settings.longest = extents->longest;
    q->scale = q->settings.longest > 0 ? ldexp(1, -1 - ilogb(q->settings.longest)) : 1;
    return 0;
}

void fp_questions_destroy(fp_questions *q) {
    fp_hull_destroy(q->solver);
    for (size_t i = 0; i < q->n_planes; i++)
        free(q->planes[i].normal);
    free(q->planes);
    free(q->known);
    free(q->members[0]);
    free(q->members[1]);
    free(q->directions);
    free(q->block);
    *q = (fp_questions){0};
}

static size_t find(const fp_questions *q, uint32_t a, uint32_t b) {
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    uint64_t hash = ((uint64_t)low << 32 | high) * 0x9e3779b97f4a7c15U;
    size_t at = (size_t)(hash >> 24) & (q->known_size - 1);
    while (q->known[at].used && (q->known[at].low != low || q->known[at].high != high))
        at = (at + 1) & (q->known_size - 1);
    return at;
}

/* OVERLAP, APART, PLANES + which, or -1 */
static int64_t recall(const fp_questions *q, uint32_t a, uint32_t b) {
    const fp_known *found = q->known + find(q, a, b);
    return found->used ? (int64_t)found->value : -1;
}

static int remember(fp_questions *q, uint32_t a, uint32_t b, uint32_t value, fp_error *error) {
    if (2 * ++q->n_known > q->known_size) {
        fp_known *old = q->known,
                 *larger = fp_alloc(2 * q->known_size, sizeof *larger, "known answers", error);
        size_t size = q->known_size;
        if (!larger)
            return -1;
        q->known = larger;
        q->known_size = 2 * size;
        for (size_t i = 0; i < size; i++)
            if (old[i].used)
                q->known[find(q, old[i].low, old[i].high)] = old[i];
        free(old);
    }
    q->known[find(q, a, b)] = (fp_known){a < b ? a : b, a < b ? b : a, value, 1};
    return 0;
}

/* Clusters that hold A and B were apart: so are these. */
static int apart_by_ancestors(const fp_questions *q, uint32_t a, uint32_t b) {
    const fp_node *nodes = q->forest->nodes;
    for (int i = 0; i < ANCESTORS && a != FP_NO_NODE; i++, a = nodes[a].parent) {
        uint32_t c = b;
        for (int j = 0; j < ANCESTORS && c != FP_NO_NODE; j++, c = nodes[c].parent)
            if (recall(q, a, c) >= APART)
                return 1;
    }
    return 0;
}

static uint32_t larger_child(const fp_questions *q, uint32_t node) {
    const fp_node *at = q->forest->nodes + node;
    if (at->left == FP_NO_NODE)
        return FP_NO_NODE;
    return q->forest->nodes[at->left].size >= q->forest->nodes[at->right].size ? at->left : at->right;
}

/* The plane between the largest parts of A and B for which one is known, or -1. */
static int64_t plane_of_parts(const fp_questions *q, uint32_t a, uint32_t b) {
    for (int i = 0; i < DESCENDANTS && a != FP_NO_NODE; i++, a = larger_child(q, a)) {
        uint32_t c = b;
        for (int j = 0; j < DESCENDANTS && c != FP_NO_NODE; j++, c = larger_child(q, c)) {
            int64_t known = recall(q, a, c);
            if (known >= PLANES)
                return known - PLANES;
        }
    }
    return -1;
}

/* Keeps the plane of ANSWER; its number, or -1. */
static int64_t keep_plane(fp_questions *q, uint32_t a, const fp_hull_answer *answer, fp_error *error) {
    size_t d = q->forest->d;
    if (fp_grow((void **)&q->planes, &q->planes_capacity, q->n_planes + 1, sizeof *q->planes, error) < 0)
        return -1;
    float *normal = fp_alloc(d + answer->n_support, sizeof *normal, "a plane", error);
    if (!normal)
        return -1;
    for (size_t k = 0; k < d; k++)
        normal[k] = (float)answer->normal[k];
    memcpy(normal + d, answer->support, answer->n_support * sizeof *answer->support);
    q->planes[q->n_planes] = (fp_plane){a, (uint32_t)answer->n_first, (uint32_t)answer->n_support, normal};
    return (int64_t)q->n_planes++;
}

static int solve(fp_questions *q, fp_hull_set a, fp_hull_set b, int32_t label_a, int32_t label_b,
                 const fp_hull_start *start, fp_hull_answer *answer, fp_error *error) {
    q->settings.extent = q->extents->of_pair[(size_t)label_a * q->extents->n_labels + (size_t)label_b];
    if (fp_hull_solve(q->solver, a, b, start, &q->settings, answer, error) < 0)
        return -1;
    q->solved++;
    q->undecided += answer->verdict == FP_HULL_UNDECIDED;
    return answer->verdict == FP_HULL_APART;
}

int fp_questions_sets_apart(fp_questions *q, fp_hull_set a, fp_hull_set b, int32_t label_a, int32_t label_b,
                            fp_error *error) {
    fp_hull_answer answer;
    return solve(q, a, b, label_a, label_b, NULL, &answer, error);
}

static fp_hull_set members_of(fp_questions *q, int side, uint32_t node) {
    fp_forest_points(q->forest, node, q->members[side]);
    return (fp_hull_set){q->forest->points, q->members[side], q->forest->nodes[node].size};
}

/* Begins where the parts' plane left off; A is the side that the plane's normal points to. */
static int ask(fp_questions *q, uint32_t a, uint32_t b, int64_t plane, fp_hull_answer *answer,
               fp_error *error) {
    size_t d = q->forest->d;
    const float *x = q->forest->centroids + a * d, *y = q->forest->centroids + b * d;
    fp_hull_start start = {.directions = q->directions, .n_directions = 1};
    if (plane >= 0) {
        const fp_plane *known = q->planes + plane;
        for (size_t k = 0; k < d; k++)
            q->directions[k] = known->normal[k];
        start.support = (const uint32_t *)(const void *)(known->normal + d);
        start.n_first = known->n_first;
        start.n_support = known->n_support;
    } else {
        for (size_t k = 0; k < d; k++)
            q->directions[k] = (double)x[k] - y[k];
    }
    fp_hull_set first = members_of(q, 0, a), second = members_of(q, 1, b);
    return solve(q, first, second, q->forest->nodes[a].label, q->forest->nodes[b].label, &start, answer,
                 error);
}

int fp_questions_apart(fp_questions *q, uint32_t a, uint32_t b, fp_error *error) {
    q->answer.n_support = 0;
    int64_t known = recall(q, a, b);
    if (known >= 0)
        return known != OVERLAP;
    if (apart_by_ancestors(q, a, b))
        return 1;
    int64_t plane = plane_of_parts(q, a, b);
    uint32_t first = a, second = b;
    if (plane >= 0 && q->forest->nodes[q->planes[plane].a].label != q->forest->nodes[a].label) {
        first = b;
        second = a;
    }
    fp_hull_answer answer;
    int apart = ask(q, first, second, plane, &answer, error);
    if (apart < 0)
        return -1;
    if (apart && answer.n_support)
        plane = keep_plane(q, first, &answer, error);
    if (apart && answer.n_support && plane < 0)
        return -1;
    if (!apart)
        q->answer = answer;
    uint32_t value = !apart ? OVERLAP : plane >= 0 ? PLANES + (uint32_t)plane : APART;
    return remember(q, a, b, value, error) < 0 ? -1 : apart;
}

/* Balls that do not meet. */
static size_t strike_by_balls(fp_questions *q, uint32_t node, uint32_t *others, size_t n) {
    size_t d = q->forest->d, left = 0;
    double own = fp_forest_radius(q->forest, node, q->members[0]);
    for (size_t i = 0; i < n; i++) {
        double reach = own + fp_forest_radius(q->forest, others[i], q->members[1]);
        const float *centroids = q->forest->centroids;
        if (fp_squared_distance(centroids + node * d, centroids + others[i] * d, d) <= reach * reach)
            others[left++] = others[i];
    }
    return left;
}

/* The highest score of NODE's points (ROWS) along every direction. */
static void highest_scores(size_t n, size_t size, size_t d, const float *directions, const float *rows,
                           float *scores, float *highest) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)size, (int)d, 1, directions, (int)d,
                rows, (int)d, 0, scores, (int)size);
    for (size_t i = 0; i < n; i++) {
        highest[i] = -INFINITY;
        for (size_t j = 0; j < size; j++)
            highest[i] = scores[i * size + j] > highest[i] ? scores[i * size + j] : highest[i];
    }
}

/* A plane across the line from centroid to centroid, between the node's points and the other cluster's ball.
 * All is scaled to lengths of at most 1 (2 for directions), so that single precision neither overflows nor
 * vanishes. */
static size_t strike_by_planes(fp_questions *q, size_t size, const float *rows, uint32_t node,
                               uint32_t *others, size_t n) {
    size_t d = q->forest->d, left = 0;
    const float *own = q->forest->centroids + node * d;
    float *directions = q->block + q->forest->n_points * d, *scores = directions + BLOCK * d, highest[BLOCK];
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++)
            directions[i * d + k] =
                (float)(((double)q->forest->centroids[others[i] * d + k] - own[k]) * q->scale);
    highest_scores(n, size, d, directions, rows, scores, highest);
    double rounding = ((double)d + 16) * FLT_EPSILON;
    for (size_t i = 0; i < n; i++) {
        const float *direction = directions + i * d, *centre = q->forest->centroids + others[i] * d;
        double length = 0, at = 0, radius = q->forest->nodes[others[i]].radius * q->scale;
        for (size_t k = 0; k < d; k++) {
            length += (double)direction[k] * direction[k];
            at += direction[k] * (centre[k] * q->scale);
        }
        length = sqrt(length);
        if (!(at - length * radius > highest[i] + rounding * length))
            others[left++] = others[i];
    }
    return left;
}

ptrdiff_t fp_questions_filter(fp_questions *q, uint32_t node, uint32_t *others, size_t n, fp_error *error) {
    size_t d = q->forest->d, size = q->forest->nodes[node].size, left = 0;
    n = strike_by_balls(q, node, others, n);
    if (!n)
        return 0;
    size_t needed = q->forest->n_points * d + BLOCK * (d + q->forest->n_points);
    if (fp_grow((void **)&q->block, &q->block_capacity, needed, sizeof *q->block, error) < 0)
        return -1;
    fp_forest_points(q->forest, node, q->members[0]);
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < d; k++)
            q->block[i * d + k] = (float)(q->forest->points[q->members[0][i] * d + k] * q->scale);
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t count = n - i < BLOCK ? n - i : BLOCK;
        memmove(others + left, others + i, count * sizeof *others);
        left += strike_by_planes(q, size, q->block, node, others + left, count);
    }
    return (ptrdiff_t)left;
}
