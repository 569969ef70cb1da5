#include "questions.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Known answers live in an open table: (a, b) with a < b in 62 bits, the answer in the lowest. Labels take
 * part as the largest numbers that fit. */
static const uint32_t LABELS = 0x7fffffffu;
enum { ANCESTORS = 6 };

int fp_questions_create(fp_questions *q, fp_forest *forest, size_t n_labels, const size_t *label_at,
                        const uint32_t *label_points, fp_error *error) {
    *q = (fp_questions){.forest = forest,
                        .settings = fp_hull_defaults(),
                        .known_size = 1 << 12,
                        .n_labels = n_labels,
                        .label_at = label_at,
                        .label_points = label_points};
    q->solver = fp_hull_create(forest->d, error);
    q->known = fp_alloc(q->known_size, sizeof *q->known, "known answers", error);
    q->members[0] = fp_alloc(forest->n_points, sizeof(uint32_t), "points of a cluster", error);
    q->members[1] = fp_alloc(forest->n_points, sizeof(uint32_t), "points of a cluster", error);
    q->hint = fp_alloc(forest->d, sizeof(double), "a direction", error);
    if (!q->solver || !q->known || !q->members[0] || !q->members[1] || !q->hint) {
        fp_questions_destroy(q);
        return -1;
    }
    for (size_t i = 0; i < forest->n_points; i++) {
        double sum = 0;
        for (size_t k = 0; k < forest->d; k++)
            sum += (double)forest->points[i * forest->d + k] * forest->points[i * forest->d + k];
        q->settings.longest = fmax(q->settings.longest, sqrt(sum));
    }
    return 0;
}

void fp_questions_destroy(fp_questions *q) {
    fp_hull_destroy(q->solver);
    free(q->known);
    free(q->members[0]);
    free(q->members[1]);
    free(q->hint);
    *q = (fp_questions){0};
}

static uint64_t key_of(uint32_t a, uint32_t b) {
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    return ((uint64_t)low << 32 | high) << 1;
}

static size_t find(const fp_questions *q, uint64_t key) {
    size_t at = (size_t)((key * 0x9e3779b97f4a7c15U) >> 24) & (q->known_size - 1);
    while (q->known[at] && (q->known[at] & ~(uint64_t)1) != key)
        at = (at + 1) & (q->known_size - 1);
    return at;
}

/* 1 apart, 0 overlap, -1 not known */
static int recall(const fp_questions *q, uint32_t a, uint32_t b) {
    uint64_t found = q->known[find(q, key_of(a, b))];
    return found ? (int)(found & 1) : -1;
}

static int remember(fp_questions *q, uint32_t a, uint32_t b, int apart, fp_error *error) {
    if (2 * ++q->n_known > q->known_size) {
        uint64_t *old = q->known;
        size_t size = q->known_size;
        q->known = fp_alloc(2 * size, sizeof *q->known, "known answers", error);
        if (!q->known) {
            q->known = old;
            return -1;
        }
        q->known_size = 2 * size;
        for (size_t i = 0; i < size; i++)
            if (old[i])
                q->known[find(q, old[i] & ~(uint64_t)1)] = old[i];
        free(old);
    }
    uint64_t key = key_of(a, b);
    q->known[find(q, key)] = key | (uint64_t)apart;
    return 0;
}

/* Clusters that hold A and B were apart: so are these. */
static int apart_by_ancestors(const fp_questions *q, uint32_t a, uint32_t b) {
    const fp_node *nodes = q->forest->nodes;
    for (int i = 0; i < ANCESTORS && a != FP_NO_NODE; i++, a = nodes[a].parent) {
        uint32_t c = b;
        for (int j = 0; j < ANCESTORS && c != FP_NO_NODE; j++, c = nodes[c].parent)
            if (recall(q, a, c) == 1)
                return 1;
    }
    return 0;
}

static int solve(fp_questions *q, fp_hull_set a, fp_hull_set b, const double *hint, fp_error *error) {
    fp_hull_answer answer;
    if (fp_hull_solve(q->solver, a, b, hint, hint != NULL, &q->settings, &answer, error) < 0)
        return -1;
    q->solved++;
    q->undecided += answer.verdict == FP_HULL_UNDECIDED;
    return answer.verdict == FP_HULL_APART;
}

static fp_hull_set members_of(fp_questions *q, int side, uint32_t node) {
    fp_forest_points(q->forest, node, q->members[side]);
    return (fp_hull_set){q->forest->points, q->members[side], q->forest->nodes[node].size};
}

static fp_hull_set label_set(const fp_questions *q, int32_t label) {
    return (fp_hull_set){q->forest->points, q->label_points + q->label_at[label],
                         q->label_at[label + 1] - q->label_at[label]};
}

int fp_questions_apart(fp_questions *q, uint32_t a, uint32_t b, fp_error *error) {
    q->asked++;
    int known = recall(q, a, b);
    if (known >= 0)
        return known;
    if (apart_by_ancestors(q, a, b))
        return 1;
    size_t d = q->forest->d;
    const float *x = q->forest->centroids + a * d, *y = q->forest->centroids + b * d;
    double between = 0, reach = (double)fp_forest_radius(q->forest, a, q->members[0]) +
                                fp_forest_radius(q->forest, b, q->members[1]);
    for (size_t k = 0; k < d; k++) {
        q->hint[k] = (double)x[k] - y[k];
        between += q->hint[k] * q->hint[k];
    }
    if (sqrt(between) > reach)
        return 1;
    int apart = solve(q, members_of(q, 0, a), members_of(q, 1, b), q->hint, error);
    if (apart < 0 || remember(q, a, b, apart, error) < 0)
        return -1;
    return apart;
}

int fp_questions_apart_from_label(fp_questions *q, uint32_t node, int32_t label, fp_error *error) {
    uint32_t root = LABELS - (uint32_t)label;
    const fp_node *at = q->forest->nodes + node;
    int known = recall(q, node, root);
    if (known >= 0)
        return known;
    if (at->left != FP_NO_NODE && (recall(q, at->left, root) == 0 || recall(q, at->right, root) == 0))
        return remember(q, node, root, 0, error);
    for (uint32_t up = at->parent; up != FP_NO_NODE; up = q->forest->nodes[up].parent)
        if (recall(q, up, root) == 1)
            return remember(q, node, root, 1, error) < 0 ? -1 : 1;
    int apart = solve(q, members_of(q, 0, node), label_set(q, label), NULL, error);
    if (apart < 0 || remember(q, node, root, apart, error) < 0)
        return -1;
    return apart;
}

int fp_questions_labels_apart(fp_questions *q, int32_t a, int32_t b, fp_error *error) {
    return solve(q, label_set(q, a), label_set(q, b), NULL, error);
}
