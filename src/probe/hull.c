#include "fineprobe/hull.h"

#include "face.h"
#include "fineprobe/memory.h"
#include "pairwise.h"
#include "twice.h"
#include "vectors.h"
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRWISE_LEAST = 64 }; /* points of both sides; at most as many as dimensions */
enum { CANDIDATES = 32 };     /* of either side, priced alone until none of them helps any more */

typedef struct candidate {
    double score;
    uint32_t point;
} candidate;

struct fp_hull_solver {
    size_t d;
    fp_face face;
    double *scores[2];
    size_t scores_capacity[2];
    candidate *violators;
    size_t violators_capacity;
    double *normal, *trial;
    uint32_t *support;
    double *weight;
    size_t support_capacity, weight_capacity;
    fp_pairwise pairwise;
};

/* One question under way. */
typedef struct question {
    fp_hull_solver *solver;
    fp_hull_set set[2];
    const fp_hull_settings *settings;
    double resolution;
    double rounding; /* error bound of the difference of two scores, per unit of |w| */
    double lower;    /* best bound of the distance so far; its normal is in the solver */
    uint32_t candidates[2][CANDIDATES];
    size_t n_candidates[2];
    size_t steps;
} question;

fp_hull_settings fp_hull_defaults(void) {
    return (fp_hull_settings){0};
}

fp_hull_solver *fp_hull_create(size_t d, fp_error *error) {
    fp_hull_solver *solver = fp_alloc(1, sizeof *solver, "hull solver", error);
    if (!solver)
        return NULL;
    solver->d = d;
    solver->normal = fp_alloc(d, sizeof(double), "hull solver", error);
    solver->trial = fp_alloc(d, sizeof(double), "hull solver", error);
    if (!solver->normal || !solver->trial || fp_face_create(&solver->face, d, error) < 0) {
        fp_hull_destroy(solver);
        return NULL;
    }
    return solver;
}

void fp_hull_destroy(fp_hull_solver *solver) {
    if (!solver)
        return;
    fp_face_destroy(&solver->face);
    fp_pairwise_destroy(&solver->pairwise);
    free(solver->scores[0]);
    free(solver->scores[1]);
    free(solver->violators);
    free(solver->normal);
    free(solver->trial);
    free(solver->support);
    free(solver->weight);
    free(solver);
}

static uint32_t row_of(fp_hull_set set, size_t i) {
    return set.index ? set.index[i] : (uint32_t)i;
}

static double length_of(const double *w, size_t d) {
    return sqrt(cblas_ddot((int)d, w, 1, w, 1));
}

static double longest_row(fp_hull_set set, size_t d) {
    double longest = 0;
    for (size_t i = 0; i < set.count; i++) {
        const float *x = set.points + row_of(set, i) * d;
        double sum = 0;
        for (size_t k = 0; k < d; k++)
            sum += (double)x[k] * x[k];
        longest = fmax(longest, sum);
    }
    return sqrt(longest);
}

/* The lowest score of a side, SCORES being right to ERROR: those that may be it are computed again in twice
 * the precision. SIGN: -1 when the highest is wanted. */
static double sharpen(const question *q, int side, const double *w, double lowest, double error) {
    fp_hull_set set = q->set[side];
    const double *scores = q->solver->scores[side];
    double sign = side ? -1 : 1, sharp = INFINITY;
    for (size_t i = 0; i < set.count; i++) {
        double score;
        if (sign * scores[i] > lowest + 2 * error)
            continue;
        uint32_t row = row_of(set, i);
        fp_scores_twice(set.points, &row, 1, q->solver->d, w, &score);
        sharp = fmin(sharp, sign * score);
    }
    return sharp;
}

/* Keeps BOUND, when it is the best one, with its direction. */
static void keep_bound(question *q, double bound, const double *w, double length) {
    if (!(bound > q->lower))
        return;
    q->lower = bound;
    for (size_t k = 0; k < q->solver->d; k++)
        q->solver->normal[k] = w[k] / length;
}

/* Scores both sets along W; EXTREME: the first set's lowest, the second's highest. Keeps the bound when it is
 * the best one. SHARP: as if rounding were nothing. Returns the bound on the distance that W gives. */
static double price(question *q, const double *w, int sharp, size_t extreme[2]) {
    fp_hull_solver *solver = q->solver;
    double best[2] = {INFINITY, INFINITY}, length = length_of(w, solver->d), rounding = q->rounding;
    for (int s = 0; s < 2; s++) {
        fp_hull_set set = q->set[s];
        fp_scores(set.points, set.index, set.count, solver->d, w, solver->scores[s]);
        extreme[s] = 0;
        for (size_t i = 0; i < set.count; i++) {
            double score = s ? -solver->scores[s][i] : solver->scores[s][i];
            if (score < best[s]) {
                best[s] = score;
                extreme[s] = i;
            }
        }
    }
    if (!(length > 0))
        return -INFINITY;
    if (sharp) {
        for (int s = 0; s < 2; s++)
            best[s] = sharpen(q, s, w, best[s], rounding * length);
        rounding = 8 * DBL_EPSILON * (fabs(best[0] + best[1]) / length + rounding);
    }
    double bound = (best[0] + best[1]) / length - rounding;
    keep_bound(q, bound, w, length);
    return bound;
}

/* The mean of A minus the mean of B. */
static void mean_difference(const question *q, double *w) {
    size_t d = q->solver->d;
    memset(w, 0, d * sizeof *w);
    for (int s = 0; s < 2; s++) {
        double share = (s ? -1.0 : 1.0) / (double)q->set[s].count;
        for (size_t i = 0; i < q->set[s].count; i++) {
            const float *x = q->set[s].points + row_of(q->set[s], i) * d;
            for (size_t k = 0; k < d; k++)
                w[k] += share * x[k];
        }
    }
}

/* Tries the directions; leaves in EXTREME the points where the best of them meets the sets. */
static void try_directions(question *q, const fp_hull_start *start, size_t extreme[2]) {
    double best = -INFINITY;
    const double *directions = start ? start->directions : NULL;
    size_t n = directions ? start->n_directions : 1;
    if (!directions) {
        mean_difference(q, q->solver->trial);
        directions = q->solver->trial;
    }
    extreme[0] = extreme[1] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t meets[2];
        double bound = price(q, directions + i * q->solver->d, 0, meets);
        if (bound > best) {
            best = bound;
            memcpy(extreme, meets, sizeof meets);
        }
        if (q->lower > q->resolution && q->settings->gap <= 0)
            return;
    }
}

/* About how far points are from one another: the furthest of a few from the first. */
static double reach_of(const question *q) {
    enum { SAMPLE = 8 };
    size_t d = q->solver->d;
    const float *first = q->set[0].points + row_of(q->set[0], 0) * d;
    double furthest = 0;
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < SAMPLE; i++) {
            size_t at = i * q->set[s].count / SAMPLE;
            furthest =
                fmax(furthest, fp_squared_distance(first, q->set[s].points + row_of(q->set[s], at) * d, d));
        }
    return 0.5 * sqrt(furthest);
}

/* Begins with the points that carried weight before. */
static void begin(question *q, const fp_hull_start *start, const size_t extreme[2]) {
    fp_face *face = &q->solver->face;
    const float *points = q->set[0].points;
    double reach = reach_of(q);
    if (!start || !start->n_first || start->n_first >= start->n_support) {
        fp_face_start(face, points, reach, row_of(q->set[0], extreme[0]), row_of(q->set[1], extreme[1]));
        return;
    }
    fp_face_start(face, points, reach, start->support[0], start->support[start->n_first]);
    for (size_t i = 1; i < start->n_support; i++)
        if (i != start->n_first)
            fp_face_enter(face, points, start->support[i], i > start->n_first);
    fp_face_spread(face);
    fp_face_settle(face);
}

/* The K smallest scores come to the front (quickselect). */
static void select_smallest(candidate *items, size_t n, size_t k) {
    size_t from = 0, to = n;
    while (to - from > 1) {
        double pivot = items[from + (to - from) / 2].score;
        size_t i = from, j = to - 1;
        for (;;) {
            while (items[i].score < pivot)
                i++;
            while (items[j].score > pivot)
                j--;
            if (i >= j)
                break;
            candidate swap = items[i];
            items[i++] = items[j];
            items[j--] = swap;
        }
        if (i == from)
            i++;
        if (k <= i)
            to = i;
        else
            from = i;
    }
}

/* A point helps when it lies below its side's level by more than this: less cannot decide anything. */
static double threshold(const question *q) {
    double share = q->settings->gap > 0 ? q->settings->gap : 1;
    return 0.25 * share * fp_face_norm2(&q->solver->face);
}

/* From the scores of all points: those that violate the optimum most. */
static void choose_candidates(question *q, const double level[2]) {
    fp_hull_solver *solver = q->solver;
    double least = threshold(q);
    for (int s = 0; s < 2; s++) {
        size_t n = 0;
        for (size_t i = 0; i < q->set[s].count; i++) {
            double score = s ? level[1] - solver->scores[1][i] : solver->scores[0][i] - level[0];
            if (score < -least)
                solver->violators[n++] = (candidate){score, row_of(q->set[s], i)};
        }
        size_t k = n < CANDIDATES ? n : CANDIDATES;
        if (n > k)
            select_smallest(solver->violators, n, k);
        q->n_candidates[s] = k;
        for (size_t i = 0; i < k; i++)
            q->candidates[s][i] = solver->violators[i].point;
    }
}

/* Enters the worst candidate, or returns 0 when none violates the optimum any more. One that cannot enter, or
 * does not bring the sets nearer, is struck off. */
static int improve(question *q) {
    fp_face *face = &q->solver->face;
    double level[2], worst = -threshold(q), scores[CANDIDATES], before = fp_face_norm2(face);
    int side = -1;
    size_t at = 0;
    fp_face_levels(face, q->set[0].points, level);
    for (int s = 0; s < 2; s++) {
        (face->twice ? fp_scores_twice : fp_scores)(q->set[s].points, q->candidates[s], q->n_candidates[s],
                                                    face->d, face->w, scores);
        for (size_t i = 0; i < q->n_candidates[s]; i++) {
            double score = s ? level[1] - scores[i] : scores[i] - level[0];
            if (score < worst) {
                worst = score;
                side = s;
                at = i;
            }
        }
    }
    if (side < 0)
        return 0;
    if (fp_face_enter(face, q->set[side].points, q->candidates[side][at], side)) {
        fp_face_settle(face);
        q->steps++;
    }
    if (!(fp_face_norm2(face) < before))
        q->candidates[side][at] = q->candidates[side][--q->n_candidates[side]];
    return 1;
}

static int met(const question *q) {
    return sqrt(fp_face_norm2(&q->solver->face)) <= q->resolution;
}

/* Is the question answered by the lower bound, when UPPER is the nearest points' distance? */
static int proven_apart(const question *q, double upper) {
    return q->lower > q->resolution && (q->settings->gap <= 0 || q->lower >= (1 - q->settings->gap) * upper);
}

static fp_hull_verdict iterate(question *q) {
    fp_face *face = &q->solver->face;
    size_t limit = q->settings->max_steps ? q->settings->max_steps : 100 * face->d + 10000;
    double best = INFINITY;
    for (int stalls = 0; q->steps <= limit;) {
        double upper = sqrt(fp_face_norm2(face)), level[2];
        if (met(q))
            return FP_HULL_OVERLAP;
        size_t extreme[2];
        int sharp = face->twice || q->rounding > 0.1 * fmax(q->settings->gap * upper, q->resolution);
        price(q, face->w, sharp, extreme);
        if (proven_apart(q, upper))
            return FP_HULL_APART;
        stalls = upper < best ? 0 : stalls + 1;
        best = fmin(best, upper);
        if (stalls > 2 && face->twice)
            break;
        if (stalls > 2) { /* what is left is rounding */
            face->twice = 1;
            fp_face_settle(face);
            best = INFINITY;
        }
        fp_face_levels(face, q->set[0].points, level);
        choose_candidates(q, level);
        while (q->steps <= limit && improve(q))
            if (met(q))
                return FP_HULL_OVERLAP;
    }
    if (met(q))
        return FP_HULL_OVERLAP;
    return q->lower > q->resolution ? FP_HULL_APART : FP_HULL_UNDECIDED;
}

/* The first set's points first. */
static void write_answer(question *q, fp_hull_answer *answer) {
    fp_hull_solver *solver = q->solver;
    const fp_face *face = &solver->face;
    size_t n = 0;
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < face->count; i++) {
            if (face->side[i] != s)
                continue;
            solver->support[n] = face->point[i];
            solver->weight[n++] = face->weight[i];
        }
        if (s == 0)
            answer->n_first = n;
    }
    answer->n_support = n;
    answer->upper = sqrt(fp_face_norm2(face));
}

/* Sets that a first direction parts are far from each other as a rule: then pairwise steps reach the gap
 * soonest. 1: they did, and the answer is written. */
static int solve_far(question *q, fp_hull_answer *answer, fp_error *error) {
    fp_hull_solver *solver = q->solver;
    size_t d = solver->d, n = q->set[0].count + q->set[1].count, first = q->set[0].count, extreme[2];
    if (!(q->lower > q->resolution) || n < PAIRWISE_LEAST || n > d)
        return 0;
    double scale = ldexp(1, -1 - ilogb(q->settings->longest));
    int reached =
        fp_pairwise_solve(&solver->pairwise, d, q->set[0], q->set[1], scale, q->settings->gap, error);
    if (reached <= 0)
        return reached;
    const double *weight = solver->pairwise.weight;
    double *w = solver->trial, sum[2] = {0, 0};
    for (size_t i = 0; i < n; i++)
        sum[i >= first] += weight[i];
    memset(w, 0, d * sizeof *w);
    answer->n_support = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(weight[i] > 0))
            continue;
        int s = i >= first;
        uint32_t row = row_of(q->set[s], s ? i - first : i);
        const float *x = q->set[s].points + row * d;
        double share = weight[i] / sum[s];
        for (size_t k = 0; k < d; k++)
            w[k] += (s ? -share : share) * x[k];
        solver->support[answer->n_support] = row;
        solver->weight[answer->n_support++] = share;
        answer->n_first += !s;
    }
    answer->upper = length_of(w, d);
    price(q, w, 0, extreme);
    return q->lower > q->resolution && q->lower >= (1 - q->settings->gap) * answer->upper;
}

static int prepare(question *q, fp_error *error) {
    fp_hull_solver *solver = q->solver;
    size_t longer = q->set[0].count > q->set[1].count ? q->set[0].count : q->set[1].count;
    for (int s = 0; s < 2; s++)
        if (fp_grow((void **)&solver->scores[s], &solver->scores_capacity[s], q->set[s].count, sizeof(double),
                    error) < 0)
            return -1;
    size_t n = q->set[0].count + q->set[1].count + solver->d;
    if (fp_grow((void **)&solver->support, &solver->support_capacity, n, sizeof(uint32_t), error) < 0 ||
        fp_grow((void **)&solver->weight, &solver->weight_capacity, n, sizeof(double), error) < 0)
        return -1;
    return fp_grow((void **)&solver->violators, &solver->violators_capacity, longer, sizeof(candidate),
                   error);
}

int fp_hull_solve(fp_hull_solver *solver, fp_hull_set a, fp_hull_set b, const fp_hull_start *start,
                  const fp_hull_settings *settings, fp_hull_answer *answer, fp_error *error) {
    if (!a.count || !b.count)
        return fp_fail(error, "hulls: a set without points has no hull");
    fp_hull_settings own = *settings;
    question q = {.solver = solver, .set = {a, b}, .settings = &own, .lower = -INFINITY};
    if (prepare(&q, error) < 0)
        return -1;
    if (!(own.longest > 0))
        own.longest = fmax(longest_row(a, solver->d), longest_row(b, solver->d));
    if (!(own.extent > 0))
        own.extent = fp_hull_extent(solver->d, a, b);
    q.resolution = fp_hull_resolution(own.extent);
    q.rounding = ((double)solver->d + 16) * DBL_EPSILON * own.longest;
    size_t extreme[2];
    try_directions(&q, start, extreme);
    *answer = (fp_hull_answer){.verdict = FP_HULL_APART, .upper = INFINITY};
    int done = own.gap > 0 ? solve_far(&q, answer, error) : q.lower > q.resolution;
    if (done < 0)
        return -1;
    if (!done) {
        *answer = (fp_hull_answer){0};
        begin(&q, start, extreme);
        answer->verdict = iterate(&q);
        write_answer(&q, answer);
    }
    answer->lower = answer->verdict == FP_HULL_OVERLAP ? 0 : fmax(q.lower, 0);
    answer->normal = solver->normal;
    answer->support = solver->support;
    answer->weight = solver->weight;
    answer->steps = q.steps;
    return 0;
}
