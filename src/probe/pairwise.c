#include "pairwise.h"

#include "fineprobe/memory.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_PER_POINT = 100 };

/* The points of both sides, A's first; side s is [begin[s], begin[s + 1]). */
typedef struct state {
    size_t n, begin[3];
    const float *gram;
    double *scores, *weight;
} state;

void fp_pairwise_destroy(fp_pairwise *p) {
    free(p->rows);
    free(p->gram);
    free(p->scores);
    free(p->weight);
    *p = (fp_pairwise){0};
}

static int prepare(fp_pairwise *p, size_t d, fp_hull_set a, fp_hull_set b, double scale, fp_error *error) {
    size_t n = a.count + b.count;
    if (fp_grow((void **)&p->rows, &p->rows_capacity, n * d, sizeof *p->rows, error) < 0 ||
        fp_grow((void **)&p->gram, &p->gram_capacity, n * n, sizeof *p->gram, error) < 0 ||
        fp_grow((void **)&p->scores, &p->scores_capacity, n, sizeof *p->scores, error) < 0 ||
        fp_grow((void **)&p->weight, &p->weight_capacity, n, sizeof *p->weight, error) < 0)
        return -1;
    const float *origin = a.points + (a.index ? a.index[0] : 0) * d;
    for (size_t i = 0; i < n; i++) {
        fp_hull_set set = i < a.count ? a : b;
        size_t at = i < a.count ? i : i - a.count;
        const float *x = set.points + (set.index ? set.index[at] : at) * d;
        for (size_t k = 0; k < d; k++)
            p->rows[i * d + k] = (float)(((double)x[k] - origin[k]) * scale);
    }
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)n, (int)d, 1, p->rows, (int)d, 0, p->gram,
                (int)n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            p->gram[j * n + i] = p->gram[i * n + j];
    return 0;
}

/* W times the points changes by STEP (x_to - x_from). */
static void move_scores(state *s, size_t from, size_t to, double step) {
    const float *u = s->gram + from * s->n, *v = s->gram + to * s->n;
    for (size_t i = 0; i < s->n; i++)
        s->scores[i] += step * ((double)v[i] - u[i]);
}

/* Starts with each side's point that the other side's first one sees nearest. */
static void start(state *s) {
    size_t at[2];
    for (int side = 0; side < 2; side++) {
        const float *row = s->gram + s->begin[!side] * s->n;
        at[side] = s->begin[side];
        for (size_t i = s->begin[side]; i < s->begin[side + 1]; i++)
            if (s->gram[i * s->n + i] - 2 * row[i] < s->gram[at[side] * s->n + at[side]] - 2 * row[at[side]])
                at[side] = i;
    }
    memset(s->scores, 0, s->n * sizeof *s->scores);
    memset(s->weight, 0, s->n * sizeof *s->weight);
    s->weight[at[0]] = s->weight[at[1]] = 1;
    move_scores(s, at[1], at[0], 1);
}

/* The point of SIDE with weight that lies furthest back, and the one that lies furthest ahead (towards the
 * other side). Returns how far they are from each other along w. */
static double worst_pair(const state *s, int side, size_t *back, size_t *ahead) {
    double highest = -INFINITY, lowest = INFINITY, sign = side ? -1 : 1;
    *back = *ahead = s->begin[side];
    for (size_t i = s->begin[side]; i < s->begin[side + 1]; i++) {
        double score = sign * s->scores[i];
        if (score < lowest) {
            lowest = score;
            *ahead = i;
        }
        if (s->weight[i] > 0 && score > highest) {
            highest = score;
            *back = i;
        }
    }
    return highest - lowest;
}

/* Of all points ahead of BACK, the one whose exchange with it shortens w most. */
static size_t best_partner(const state *s, int side, size_t back, size_t ahead) {
    const float *row = s->gram + back * s->n;
    double best = 0, sign = side ? -1 : 1, self = row[back];
    for (size_t i = s->begin[side]; i < s->begin[side + 1]; i++) {
        double gain = sign * (s->scores[back] - s->scores[i]);
        double curvature = self + s->gram[i * s->n + i] - 2.0 * row[i];
        if (gain > 0 && curvature > 0 && gain * gain > best * curvature) {
            best = gain * gain / curvature;
            ahead = i;
        }
    }
    return ahead;
}

static void exchange(state *s, int side, size_t back, size_t ahead) {
    double sign = side ? -1 : 1, gain = sign * (s->scores[back] - s->scores[ahead]);
    double curvature = (double)s->gram[back * s->n + back] + s->gram[ahead * s->n + ahead] -
                       2.0 * s->gram[back * s->n + ahead];
    double step = curvature > 0 ? fmin(gain / curvature, s->weight[back]) : s->weight[back];
    s->weight[ahead] += step;
    s->weight[back] = step < s->weight[back] ? s->weight[back] - step : 0;
    move_scores(s, back, ahead, sign * step);
}

static double squared_distance(const state *s) {
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += (i < s->begin[1] ? 1 : -1) * s->weight[i] * s->scores[i];
    return sum;
}

int fp_pairwise_solve(fp_pairwise *p, size_t d, fp_hull_set a, fp_hull_set b, double scale, double gap,
                      fp_error *error) {
    if (prepare(p, d, a, b, scale, error) < 0)
        return -1;
    size_t n = a.count + b.count;
    state s = {n, {0, a.count, n}, p->gram, p->scores, p->weight};
    start(&s);
    double enough = 0.5 * gap * squared_distance(&s);
    for (size_t step = 0; step < STEPS_PER_POINT * n; step++) {
        size_t back[2], ahead[2];
        double far[2] = {worst_pair(&s, 0, back, ahead), worst_pair(&s, 1, back + 1, ahead + 1)};
        if (step % 64 == 0 || far[0] + far[1] <= enough)
            enough = 0.5 * gap * squared_distance(&s);
        if (far[0] + far[1] <= enough)
            return 1;
        int side = far[1] > far[0];
        exchange(&s, side, back[side], best_partner(&s, side, back[side], ahead[side]));
    }
    return 0;
}
