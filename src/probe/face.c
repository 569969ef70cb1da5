#include "face.h"

#include "fineprobe/memory.h"
#include "twice.h"
#include "vectors.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is left of a point outside the others' affine hull, as a share of its squared length: below the first,
 * the Gram matrix is too coarse to tell; below the second (times the weights that make up the rest), it is
 * rounding. */
static const double NEARLY_DEPENDENT = 1e-7, DEPENDENT = 1e-24;

/* Nearest points closer than this share of the extent (both squared) are refined; closer than the other, in
 * twice the precision. */
static const double CLOSE = 1e-5, VERY_CLOSE = 1e-9, ENOUGH = 1e-16;
enum { REFINEMENTS = 2, REFINEMENTS_TWICE = 4 };

int fp_face_create(fp_face *face, size_t d, fp_error *error) {
    size_t n = d + 2; /* more cannot be independent */
    *face = (fp_face){.d = d, .capacity = n};
    face->origin = fp_alloc(d, sizeof(double), "hull solver", error);
    face->w = fp_alloc(d, sizeof(double), "hull solver", error);
    face->outside = fp_alloc(d, sizeof(double), "hull solver", error);
    face->x = fp_alloc(n, sizeof(double *), "hull solver", error);
    face->store = fp_alloc(n * d, sizeof(double), "hull solver", error);
    face->factor = fp_alloc(n * n, sizeof(double), "hull solver", error);
    face->weight = fp_alloc(n * 8, sizeof(double), "hull solver", error);
    face->point = fp_alloc(n, sizeof(uint32_t), "hull solver", error);
    face->side = fp_alloc(n, 1, "hull solver", error);
    if (!face->origin || !face->w || !face->outside || !face->x || !face->store || !face->factor ||
        !face->weight || !face->point || !face->side) {
        fp_face_destroy(face);
        return -1;
    }
    double **parts[] = {&face->wanted, &face->ones[0], &face->ones[1], &face->row,
                        &face->change, &face->rest[0], &face->rest[1]};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        *parts[i] = face->weight + (i + 1) * n;
    for (size_t i = 0; i < n; i++)
        face->x[i] = face->store + i * d;
    return 0;
}

void fp_face_destroy(fp_face *face) {
    free(face->origin);
    free(face->w);
    free(face->outside);
    free((void *)face->x);
    free(face->store);
    free(face->factor);
    free(face->weight);
    free(face->point);
    free(face->side);
    *face = (fp_face){0};
}

/* W = the combination of the points with WEIGHT + REST. */
static void combine(fp_face *face, const double *weight, const double *rest) {
    double *signed_weight = face->row, *signed_rest = face->change;
    for (size_t i = 0; i < face->count; i++) {
        signed_weight[i] = face->side[i] ? -weight[i] : weight[i];
        signed_rest[i] = face->side[i] ? -rest[i] : rest[i];
    }
    if (face->twice)
        fp_combine_twice(face->x, signed_weight, signed_rest, face->count, face->d, face->w);
    else
        fp_combine(face->x, signed_weight, face->count, face->d, face->w);
}

double fp_face_norm2(const fp_face *face) {
    return fp_dot(face->w, face->w, face->d);
}

void fp_face_levels(const fp_face *face, const float *points, double level[2]) {
    size_t heaviest[2] = {face->count, face->count};
    for (size_t i = 0; i < face->count; i++) {
        size_t *at = heaviest + face->side[i];
        if (*at == face->count || face->weight[i] > face->weight[*at])
            *at = i;
    }
    for (int s = 0; s < 2; s++)
        fp_scores_twice(points, face->point + heaviest[s], 1, face->d, face->w, level + s);
}

void fp_face_spread(fp_face *face) {
    size_t count[2] = {0, 0};
    for (size_t i = 0; i < face->count; i++)
        count[face->side[i]]++;
    for (size_t i = 0; i < face->count; i++) {
        face->weight[i] = 1.0 / (double)count[face->side[i]];
        face->rest[0][i] = 0;
    }
}

void fp_face_start(fp_face *face, const float *points, double reach, uint32_t a, uint32_t b) {
    size_t d = face->d;
    for (size_t k = 0; k < d; k++) /* rounded, so that differences from it are exact as a rule */
        face->origin[k] = (float)(0.5 * points[a * d + k] + 0.5 * points[b * d + k]);
    face->count = 0;
    face->twice = 0;
    face->sigma = reach > 0 ? reach * reach : 1;
    fp_face_enter(face, points, a, 0);
    fp_face_enter(face, points, b, 1);
    face->weight[0] = face->weight[1] = 1;
    combine(face, face->weight, face->rest[0]);
}

/* What is left of the lifted point X outside the span of the others, twice orthogonalized; corrects its row
 * of the factor. Returns the squared length, 0 when that is rounding. */
static double residual(fp_face *face, const double *x, int side, double self) {
    enum { ROUNDS = 2 };
    size_t n = face->count, d = face->d;
    double *row = face->row, *coefficient = face->wanted, *change = face->change, *z = face->outside,
           left = 0;
    double size = 1;
    memcpy(coefficient, row, n * sizeof *row);
    fp_solve_upper(face->factor, face->capacity, n, coefficient);
    for (int round = 0;; round++) {
        double lift[2] = {side == 0, side == 1};
        for (size_t i = 0; i < n; i++) {
            lift[face->side[i]] -= coefficient[i];
            change[i] = face->side[i] == side ? -coefficient[i] : coefficient[i];
        }
        fp_combine(face->x, change, n, d, z);
        for (size_t k = 0; k < d; k++)
            z[k] += x[k];
        left = fp_dot(z, z, d) + face->sigma * (lift[0] * lift[0] + lift[1] * lift[1]);
        if (round == ROUNDS)
            break;
        fp_dots(face->x, n, d, z, change);
        for (size_t i = 0; i < n; i++)
            change[i] = (face->side[i] == side ? change[i] : -change[i]) + face->sigma * lift[face->side[i]];
        fp_solve_lower(face->factor, face->capacity, n, change);
        for (size_t i = 0; i < n; i++)
            row[i] += change[i];
        fp_solve_upper(face->factor, face->capacity, n, change);
        for (size_t i = 0; i < n; i++)
            coefficient[i] += change[i];
    }
    for (size_t i = 0; i < n; i++)
        size += fabs(coefficient[i]);
    return left > DEPENDENT * size * size * self ? left : 0;
}

int fp_face_enter(fp_face *face, const float *points, uint32_t point, int side) {
    size_t n = face->count, d = face->d;
    if (n == d + 2)
        return 0;
    double *x = face->x[n], *row = face->row;
    for (size_t k = 0; k < d; k++)
        x[k] = points[point * d + k] - face->origin[k];
    double self = fp_dot(x, x, d) + face->sigma;
    fp_dots(face->x, n, d, x, row);
    for (size_t i = 0; i < n; i++)
        row[i] = face->side[i] == side ? row[i] + face->sigma : -row[i];
    fp_solve_lower(face->factor, face->capacity, n, row);
    double left = self - fp_dot(row, row, n);
    if (!(left > NEARLY_DEPENDENT * self))
        left = residual(face, x, side, self);
    if (!(left > 0))
        return 0;
    for (size_t j = 0; j < n; j++)
        face->factor[j * face->capacity + n] = row[j];
    face->factor[n * face->capacity + n] = sqrt(left);
    face->point[n] = point;
    face->side[n] = (unsigned char)side;
    face->weight[n] = face->rest[0][n] = 0;
    for (int s = 0; s < 2; s++)
        face->ones[s][n] = ((s == side) - fp_dot(row, face->ones[s], n)) / sqrt(left);
    face->count++;
    return 1;
}

/* Row OUT is taken from the factor; rotations of neighbouring columns make it triangular again. */
static void leave(fp_face *face, size_t out) {
    size_t n = --face->count, ld = face->capacity;
    double *gone = face->x[out];
    memmove((void *)(face->x + out), (void *)(face->x + out + 1), (n - out) * sizeof *face->x);
    face->x[n] = gone;
    memmove(face->point + out, face->point + out + 1, (n - out) * sizeof *face->point);
    memmove(face->side + out, face->side + out + 1, n - out);
    memmove(face->weight + out, face->weight + out + 1, (n - out) * sizeof *face->weight);
    memmove(face->rest[0] + out, face->rest[0] + out + 1, (n - out) * sizeof *face->weight);
    for (size_t j = 0; j < out; j++) {
        double *column = face->factor + j * ld;
        memmove(column + out, column + out + 1, (n - out) * sizeof *column);
    }
    for (size_t j = out; j < n; j++) {
        double *a = face->factor + j * ld, *b = a + ld, length = hypot(a[j + 1], b[j + 1]);
        double c = a[j + 1] / length, s = b[j + 1] / length;
        fp_rotate_up(a + j, b + j, n - j, c, s);
        for (int k = 0; k < 2; k++) {
            double *y = face->ones[k] + j, first = y[0];
            y[0] = c * first + s * y[1];
            y[1] = c * y[1] - s * first;
        }
    }
}

/* OUT = L'^-1 (a 1_first + b 1_second + REST) with a, b such that OUT sums to TOTAL on either side; the
 * indicators and REST (NULL: none) are given multiplied by L^-1. */
static void solve_with_sums(const fp_face *face, const double total[2], const double *rest, double *out) {
    size_t n = face->count;
    const double *p = face->ones[0], *q = face->ones[1];
    double pp = fp_dot(p, p, n), pq = fp_dot(p, q, n), qq = fp_dot(q, q, n), determinant = pp * qq - pq * pq;
    double u = total[0] - (rest ? fp_dot(p, rest, n) : 0), v = total[1] - (rest ? fp_dot(q, rest, n) : 0);
    double a = (qq * u - pq * v) / determinant, b = (pp * v - pq * u) / determinant;
    for (size_t i = 0; i < n; i++)
        out[i] = a * p[i] + b * q[i] + (rest ? rest[i] : 0);
    fp_solve_upper(face->factor, face->capacity, n, out);
}

/* One minus the sum of either side's weights. */
static void missing(const fp_face *face, const double *weight, const double *rest, double out[2]) {
    double high[2] = {1, 1}, low[2] = {0, 0};
    for (size_t i = 0; i < face->count; i++) {
        fp_add_twice(high + face->side[i], low + face->side[i], -weight[i]);
        low[face->side[i]] -= rest[i];
    }
    for (int s = 0; s < 2; s++)
        out[s] = high[s] + low[s];
}

/* One step of iterative refinement: the factor squares or drops the points' rounding, the points themselves
 * do not. 0: it changed nothing that matters. */
static int refine(fp_face *face) {
    size_t n = face->count;
    double *row = face->row, total[2];
    combine(face, face->wanted, face->rest[1]);
    missing(face, face->wanted, face->rest[1], total);
    fp_dots(face->x, n, face->d, face->w, row);
    for (size_t i = 0; i < n; i++)
        row[i] = face->side[i] ? row[i] : -row[i];
    fp_solve_lower(face->factor, face->capacity, n, row);
    solve_with_sums(face, total, row, face->change);
    double moved = 0;
    for (size_t i = 0; i < n; i++) {
        moved += fabs(face->change[i]);
        if (face->twice)
            fp_add_twice(face->wanted + i, face->rest[1] + i, face->change[i]);
        else
            face->wanted[i] += face->change[i];
    }
    return moved * moved * face->sigma > ENOUGH * fp_face_norm2(face);
}

/* Weights of the nearest points of the two affine hulls. W is the one before. */
static void affine_optimum(fp_face *face) {
    static const double one[2] = {1, 1};
    double norm2 = fp_face_norm2(face);
    face->twice |= norm2 < VERY_CLOSE * face->sigma;
    int rounds = face->twice ? REFINEMENTS_TWICE : norm2 < CLOSE * face->sigma ? REFINEMENTS : 0;
    solve_with_sums(face, one, NULL, face->wanted);
    memset(face->rest[1], 0, face->count * sizeof *face->rest[1]);
    while (rounds-- > 0 && refine(face))
        ;
}

/* Rounding must not let the sums drift from one. */
static void normalise(fp_face *face) {
    double less[2];
    missing(face, face->weight, face->rest[0], less);
    for (size_t i = 0; i < face->count; i++) {
        double part = less[face->side[i]] * face->weight[i];
        if (face->twice)
            fp_add_twice(face->weight + i, face->rest[0] + i, part);
        else
            face->weight[i] += part;
    }
}

/* The weights go STEP of the way to the wanted ones. */
static void move_weights(fp_face *face, double step) {
    double *rest = face->rest[0], *wanted_rest = face->rest[1];
    for (size_t i = 0; i < face->count; i++) {
        if (step == 1) {
            face->weight[i] = face->wanted[i];
            rest[i] = wanted_rest[i];
            continue;
        }
        double part = step * ((face->wanted[i] - face->weight[i]) + (wanted_rest[i] - rest[i]));
        if (face->twice)
            fp_add_twice(face->weight + i, rest + i, part);
        else
            face->weight[i] += part;
    }
}

void fp_face_settle(fp_face *face) {
    for (;;) {
        affine_optimum(face);
        double step = 1;
        size_t out = face->count;
        for (size_t i = 0; i < face->count; i++) {
            if (face->wanted[i] > 0)
                continue;
            double fall = face->weight[i] - face->wanted[i];
            double until = fall > 0 ? face->weight[i] / fall : 0;
            if (out == face->count || until < step) {
                step = until;
                out = i;
            }
        }
        move_weights(face, step);
        if (out == face->count)
            break;
        leave(face, out);
    }
    normalise(face);
    combine(face, face->weight, face->rest[0]);
}
