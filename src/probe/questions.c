#include "questions.h"

#include "fineprobe/memory.h"
#include "vectors.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a pair. Larger values: 2 + the plane that keeps them apart. */
enum { OVERLAP, APART, PLANES };
enum {
    ANCESTORS = 6,
    DESCENDANTS = 12
};                    /* how far to look for what is known of clusters that hold, or are held */
enum { BLOCK = 256 }; /* clusters filtered at once */

static int open_asker(fp_asker *asker, const fp_forest *forest, fp_error *error) {
    asker->solver = fp_hull_create(forest->d, error);
    asker->members[0] = fp_alloc(forest->n_points, sizeof(uint32_t), "points of a cluster", error);
    asker->members[1] = fp_alloc(forest->n_points, sizeof(uint32_t), "points of a cluster", error);
    asker->directions = fp_alloc(forest->d, sizeof(double), "directions", error);
    return asker->solver && asker->members[0] && asker->members[1] && asker->directions ? 0 : -1;
}

int fp_questions_create(fp_questions *q, fp_forest *forest, const fp_extents *extents, fp_team *team,
                        fp_error *error) {
    *q = (fp_questions){.forest = forest, .extents = extents, .team = team, .known_size = 1 << 12};
    int threads = fp_team_threads(team), status = 0;
    q->known = fp_alloc(q->known_size, sizeof *q->known, "known answers", error);
    q->askers = fp_alloc((size_t)threads, sizeof *q->askers, "known answers", error);
    for (int i = 0; q->askers && i < threads && status == 0; i++)
        status = open_asker(q->askers + i, forest, error);
    if (!q->known || !q->askers || status < 0) {
        fp_questions_destroy(q);
        return -1;
    }
    q->scale = extents->longest > 0 ? ldexp(1, -1 - ilogb(extents->longest)) : 1;
    return 0;
}

void fp_questions_destroy(fp_questions *q) {
    for (int i = 0; q->askers && i < fp_team_threads(q->team); i++) {
        fp_hull_destroy(q->askers[i].solver);
        free(q->askers[i].members[0]);
        free(q->askers[i].members[1]);
        free(q->askers[i].directions);
        free(q->askers[i].block);
    }
    for (size_t i = 0; i < q->n_planes; i++)
        free(q->planes[i].plane);
    free(q->askers);
    free(q->planes);
    free(q->known);
    free(q->asks);
    free(q->rows);
    free(q->keep);
    free(q->support);
    *q = (fp_questions){0};
}

/* The first error of a run of the team. */
static int check_askers(fp_questions *q, fp_error *error) {
    for (int i = 0; i < fp_team_threads(q->team); i++)
        if (q->askers[i].failed) {
            if (error)
                *error = q->askers[i].error;
            return -1;
        }
    return 0;
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

/* ---- the solver's questions ---- */

static fp_hull_settings settings_for(const fp_questions *q, int32_t label_a, int32_t label_b) {
    fp_hull_settings settings = fp_hull_defaults();
    settings.extent = q->extents->of_pair[(size_t)label_a * q->extents->n_labels + (size_t)label_b];
    settings.longest = q->extents->longest;
    return settings;
}

static fp_hull_set members_of(const fp_questions *q, fp_asker *asker, int side, uint32_t node) {
    fp_forest_points(q->forest, node, asker->members[side]);
    return (fp_hull_set){q->forest->points, asker->members[side], q->forest->nodes[node].size};
}

/* Keeps what the answer tells for questions alike, and for who wants to know why. */
static int keep_answer(const fp_questions *q, fp_ask *ask, const fp_hull_answer *answer, fp_error *error) {
    size_t d = q->forest->d;
    ask->verdict = answer->verdict;
    ask->n_first = (uint32_t)answer->n_first;
    ask->n_support = (uint32_t)answer->n_support;
    ask->asked = 1;
    if (!answer->n_support)
        return 0;
    ask->plane = fp_alloc(d + answer->n_support, sizeof *ask->plane, "a plane", error);
    if (!ask->plane)
        return -1;
    for (size_t k = 0; k < d && answer->verdict == FP_HULL_APART; k++)
        ask->plane[k] = (float)answer->normal[k];
    memcpy(ask->plane + d, answer->support, answer->n_support * sizeof *answer->support);
    return 0;
}

/* Begins where the parts' plane left off. */
static int ask_solver(const fp_questions *q, fp_asker *asker, fp_ask *ask, fp_error *error) {
    size_t d = q->forest->d;
    const float *x = q->forest->centroids + ask->first * d, *y = q->forest->centroids + ask->second * d;
    fp_hull_start start = {.directions = asker->directions, .n_directions = 1};
    if (ask->known >= 0) {
        const fp_plane *known = q->planes + ask->known;
        for (size_t k = 0; k < d; k++)
            asker->directions[k] = known->plane[k];
        start.support = (const uint32_t *)(const void *)(known->plane + d);
        start.n_first = known->n_first;
        start.n_support = known->n_support;
    } else {
        for (size_t k = 0; k < d; k++)
            asker->directions[k] = (double)x[k] - y[k];
    }
    fp_hull_settings settings =
        settings_for(q, q->forest->nodes[ask->first].label, q->forest->nodes[ask->second].label);
    fp_hull_set first = members_of(q, asker, 0, ask->first), second = members_of(q, asker, 1, ask->second);
    fp_hull_answer answer;
    if (fp_hull_solve(asker->solver, first, second, &start, &settings, &answer, error) < 0)
        return -1;
    return keep_answer(q, ask, &answer, error);
}

typedef struct asking {
    fp_questions *questions;
    atomic_size_t stop; /* asks behind this one need no answer */
} asking;

static void ask_one(void *context, size_t item, int worker) {
    asking *a = context;
    fp_asker *asker = a->questions->askers + worker;
    fp_ask *ask = a->questions->asks + item;
    if (item > atomic_load(&a->stop) || asker->failed)
        return;
    if (ask_solver(a->questions, asker, ask, &asker->error) < 0)
        asker->failed = 1;
    size_t stop = atomic_load(&a->stop);
    while ((asker->failed || ask->verdict != FP_HULL_APART) && item < stop &&
           !atomic_compare_exchange_weak(&a->stop, &stop, item))
        ;
}

/* Answers what is known and puts the rest into ASKS; returns how many of OTHERS matter: those up to the first
 * that is known to overlap. */
static ptrdiff_t collect_asks(fp_questions *q, uint32_t node, const uint32_t *others, size_t n,
                              fp_error *error) {
    q->n_asks = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t known = recall(q, node, others[i]);
        if (known == OVERLAP)
            return (ptrdiff_t)i;
        if (known >= 0 || apart_by_ancestors(q, node, others[i]))
            continue;
        if (fp_grow((void **)&q->asks, &q->asks_capacity, q->n_asks + 1, sizeof *q->asks, error) < 0)
            return -1;
        int64_t plane = plane_of_parts(q, node, others[i]);
        int turned = plane >= 0 && q->forest->nodes[q->planes[plane].a].label != q->forest->nodes[node].label;
        q->asks[q->n_asks++] = (fp_ask){.at = i,
                                        .first = turned ? others[i] : node,
                                        .second = turned ? node : others[i],
                                        .known = plane,
                                        .verdict = FP_HULL_APART};
    }
    return (ptrdiff_t)n;
}

static int learn_plane(fp_questions *q, fp_ask *ask, fp_error *error) {
    uint32_t value = ask->known >= 0 ? PLANES + (uint32_t)ask->known : APART;
    if (ask->plane) {
        if (fp_grow((void **)&q->planes, &q->planes_capacity, q->n_planes + 1, sizeof *q->planes, error) < 0)
            return -1;
        value = PLANES + (uint32_t)q->n_planes;
        q->planes[q->n_planes++] = (fp_plane){ask->first, ask->n_first, ask->n_support, ask->plane};
        ask->plane = NULL;
    }
    return remember(q, ask->first, ask->second, value, error);
}

static int learn_overlap(fp_questions *q, const fp_ask *ask, fp_error *error) {
    if (fp_grow((void **)&q->support, &q->support_capacity, ask->n_support, sizeof *q->support, error) < 0)
        return -1;
    q->n_first = ask->n_first;
    q->n_support = ask->plane ? ask->n_support : 0;
    if (ask->plane)
        memcpy(q->support, ask->plane + q->forest->d, ask->n_support * sizeof *q->support);
    return remember(q, ask->first, ask->second, OVERLAP, error);
}

ptrdiff_t fp_questions_first_overlap(fp_questions *q, uint32_t node, const uint32_t *others, size_t n,
                                     fp_error *error) {
    q->n_support = 0;
    ptrdiff_t first = collect_asks(q, node, others, n, error);
    if (first < 0)
        return -1;
    asking a = {.questions = q};
    atomic_init(&a.stop, q->n_asks);
    fp_team_run(q->team, q->n_asks, ask_one, &a);
    size_t stop = atomic_load(&a.stop);
    int status = check_askers(q, error);
    for (size_t i = 0; i < q->n_asks; i++) {
        fp_ask *ask = q->asks + i;
        if (status == 0 && i <= stop) {
            q->solved++;
            q->undecided += ask->verdict == FP_HULL_UNDECIDED;
            status = i < stop ? learn_plane(q, ask, error) : learn_overlap(q, ask, error);
        }
        free(ask->plane);
    }
    if (status < 0)
        return -1;
    return stop < q->n_asks ? (ptrdiff_t)q->asks[stop].at : first;
}

typedef struct labelling {
    fp_questions *questions;
    const fp_hull_set *sets;
    fp_label_pair *pairs;
    size_t n;
    fp_probe_progress *progress;
    void *context;
} labelling;

static void ask_labels(void *context, size_t item, int worker) {
    labelling *l = context;
    fp_asker *asker = l->questions->askers + worker;
    fp_label_pair *pair = l->pairs + item;
    fp_hull_settings settings = settings_for(l->questions, pair->a, pair->b);
    fp_hull_answer answer = {.verdict = FP_HULL_UNDECIDED};
    if (!asker->failed && fp_hull_solve(asker->solver, l->sets[pair->a], l->sets[pair->b], NULL, &settings,
                                        &answer, &asker->error) < 0)
        asker->failed = 1;
    pair->verdict = answer.verdict;
    if (worker == 0 && l->progress)
        l->progress(l->context, (double)(item + 1) / (double)l->n);
}

int fp_questions_labels(fp_questions *q, const fp_hull_set *sets, fp_label_pair *pairs, size_t n,
                        fp_probe_progress *progress, void *context, fp_error *error) {
    labelling l = {q, sets, pairs, n, progress, context};
    fp_team_run(q->team, n, ask_labels, &l);
    q->solved += n;
    for (size_t i = 0; i < n; i++)
        q->undecided += pairs[i].verdict == FP_HULL_UNDECIDED;
    return check_askers(q, error);
}

/* ---- filters ---- */

/* Balls that do not meet. */
static size_t strike_by_balls(fp_questions *q, uint32_t node, uint32_t *others, size_t n) {
    size_t d = q->forest->d, left = 0;
    uint32_t *scratch = q->askers[0].members[0];
    double own = fp_forest_radius(q->forest, node, scratch);
    for (size_t i = 0; i < n; i++) {
        double reach = own + fp_forest_radius(q->forest, others[i], scratch);
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

typedef struct filtering {
    const fp_questions *questions;
    uint32_t node;
    const uint32_t *others;
    size_t n;
} filtering;

/* A plane across the line from centroid to centroid, between the node's points and the other cluster's ball.
 * All is scaled to lengths of at most 1 (2 for directions), so that single precision neither overflows nor
 * vanishes. */
static void filter_block(void *context, size_t item, int worker) {
    const filtering *f = context;
    const fp_questions *q = f->questions;
    const uint32_t *others = f->others + item * BLOCK;
    size_t d = q->forest->d, size = q->forest->nodes[f->node].size;
    size_t n = f->n - item * BLOCK < BLOCK ? f->n - item * BLOCK : BLOCK;
    const float *own = q->forest->centroids + f->node * d;
    float *directions = q->askers[worker].block, *scores = directions + BLOCK * d, highest[BLOCK];
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++)
            directions[i * d + k] =
                (float)(((double)q->forest->centroids[others[i] * d + k] - own[k]) * q->scale);
    highest_scores(n, size, d, directions, q->rows, scores, highest);
    double rounding = ((double)d + 16) * FLT_EPSILON;
    for (size_t i = 0; i < n; i++) {
        const float *direction = directions + i * d, *centre = q->forest->centroids + others[i] * d;
        double length = 0, at = 0, radius = q->forest->nodes[others[i]].radius * q->scale;
        for (size_t k = 0; k < d; k++) {
            length += (double)direction[k] * direction[k];
            at += direction[k] * (centre[k] * q->scale);
        }
        length = sqrt(length);
        q->keep[item * BLOCK + i] = !(at - length * radius > highest[i] + rounding * length);
    }
}

static int make_room(fp_questions *q, size_t size, size_t n, fp_error *error) {
    size_t d = q->forest->d, needed = BLOCK * (d + size);
    for (int i = 0; i < fp_team_threads(q->team); i++)
        if (fp_grow((void **)&q->askers[i].block, &q->askers[i].block_capacity, needed, sizeof(float),
                    error) < 0)
            return -1;
    if (fp_grow((void **)&q->rows, &q->rows_capacity, size * d, sizeof *q->rows, error) < 0)
        return -1;
    return fp_grow((void **)&q->keep, &q->keep_capacity, n, 1, error);
}

ptrdiff_t fp_questions_filter(fp_questions *q, uint32_t node, uint32_t *others, size_t n, fp_error *error) {
    size_t d = q->forest->d, size = q->forest->nodes[node].size, left = 0;
    n = strike_by_balls(q, node, others, n);
    if (!n)
        return 0;
    if (make_room(q, size, n, error) < 0)
        return -1;
    uint32_t *members = q->askers[0].members[0];
    fp_forest_points(q->forest, node, members);
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < d; k++)
            q->rows[i * d + k] = (float)(q->forest->points[members[i] * d + k] * q->scale);
    filtering f = {q, node, others, n};
    fp_team_run(q->team, (n + BLOCK - 1) / BLOCK, filter_block, &f);
    for (size_t i = 0; i < n; i++)
        if (q->keep[i])
            others[left++] = others[i];
    return (ptrdiff_t)left;
}
