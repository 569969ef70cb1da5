#include "face.h"

#include "fineprobe/memory.h"
#include "vectors.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Below this share of its squared length, what is left of a point outside the others' affine hull is noise of
 * the Gram matrix. */
static const double DEPENDENT = 1e-14;

/* Nearest points closer than this share of the extent (both squared) are refined. */
static const double CLOSE = 1e-5;
enum { REFINEMENTS = 2 };

int fp_face_create(fp_face *face, size_t d, fp_error *error) {
    size_t n = d + 2; /* more cannot be independent */
    *face = (fp_face){.d = d, .capacity = n};
    face->origin = fp_alloc(d, sizeof(double), "hull solver", error);
    face->w = fp_alloc(d, sizeof(double), "hull solver", error);
    face->x = fp_alloc(n, sizeof(double *), "hull solver", error);
    face->store = fp_alloc(n * d, sizeof(double), "hull solver", error);
    face->factor = fp_alloc(n * n, sizeof(double), "hull solver", error);
    face->weight = fp_alloc(n * 6, sizeof(double), "hull solver", error);
    face->point = fp_alloc(n, sizeof(uint32_t), "hull solver", error);
    face->side = fp_alloc(n, 1, "hull solver", error);
    if (!face->origin || !face->w || !face->x || !face->store || !face->factor || !face->weight ||
        !face->point || !face->side) {
        fp_face_destroy(face);
        return -1;
    }
    double **parts[] = {&face->wanted, &face->ones[0], &face->ones[1], &face->row, &face->change};
    for (size_t i = 0; i < 5; i++)
        *parts[i] = face->weight + (i + 1) * n;
    for (size_t i = 0; i < n; i++)
        face->x[i] = face->store + i * d;
    return 0;
}

void fp_face_destroy(fp_face *face) {
    free(face->origin);
    free(face->w);
    free((void *)face->x);
    free(face->store);
    free(face->factor);
    free(face->weight);
    free(face->point);
    free(face->side);
    *face = (fp_face){0};
}

static void update_w(fp_face *face) {
    for (size_t i = 0; i < face->count; i++)
        face->row[i] = face->side[i] ? -face->weight[i] : face->weight[i];
    fp_combine(face->x, face->row, face->count, face->d, face->w);
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
        fp_scores(points, face->point + heaviest[s], 1, face->d, face->w, level + s);
}

void fp_face_spread(fp_face *face) {
    size_t count[2] = {0, 0};
    for (size_t i = 0; i < face->count; i++)
        count[face->side[i]]++;
    for (size_t i = 0; i < face->count; i++)
        face->weight[i] = 1.0 / (double)count[face->side[i]];
}

void fp_face_start(fp_face *face, const float *points, size_t d, uint32_t a, uint32_t b) {
    double extent = 0;
    for (size_t k = 0; k < d; k++) {
        double half = 0.5 * ((double)points[a * d + k] - points[b * d + k]);
        face->origin[k] = points[b * d + k] + half;
        extent += half * half;
    }
    face->count = 0;
    face->sigma = extent > 0 ? extent : 1;
    fp_face_enter(face, points, a, 0);
    fp_face_enter(face, points, b, 1);
    face->weight[0] = face->weight[1] = 1;
    update_w(face);
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
    if (!(left > DEPENDENT * self))
        return 0;
    for (size_t j = 0; j < n; j++)
        face->factor[j * face->capacity + n] = row[j];
    face->factor[n * face->capacity + n] = sqrt(left);
    face->point[n] = point;
    face->side[n] = (unsigned char)side;
    face->weight[n] = 0;
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
static void solve_with_sums(const fp_face *face, double total, const double *rest, double *out) {
    size_t n = face->count;
    const double *p = face->ones[0], *q = face->ones[1];
    double pp = fp_dot(p, p, n), pq = fp_dot(p, q, n), qq = fp_dot(q, q, n), determinant = pp * qq - pq * pq;
    double u = total - (rest ? fp_dot(p, rest, n) : 0), v = total - (rest ? fp_dot(q, rest, n) : 0);
    double a = (qq * u - pq * v) / determinant, b = (pp * v - pq * u) / determinant;
    for (size_t i = 0; i < n; i++)
        out[i] = a * p[i] + b * q[i] + (rest ? rest[i] : 0);
    fp_solve_upper(face->factor, face->capacity, n, out);
}

/* One step of iterative refinement: the Gram matrix squares the points' rounding, the points themselves do
 * not. */
static void refine(fp_face *face) {
    size_t n = face->count;
    double *row = face->row;
    for (size_t i = 0; i < n; i++)
        row[i] = face->side[i] ? -face->wanted[i] : face->wanted[i];
    fp_combine(face->x, row, n, face->d, face->w);
    fp_dots(face->x, n, face->d, face->w, row);
    for (size_t i = 0; i < n; i++)
        row[i] = face->side[i] ? row[i] : -row[i];
    fp_solve_lower(face->factor, face->capacity, n, row);
    solve_with_sums(face, 0, row, face->change);
    for (size_t i = 0; i < n; i++)
        face->wanted[i] += face->change[i];
}

/* Weights of the nearest points of the two affine hulls. W is the one before. */
static void affine_optimum(fp_face *face) {
    int close = fp_face_norm2(face) < CLOSE * face->sigma;
    solve_with_sums(face, 1, NULL, face->wanted);
    for (int i = 0; close && i < REFINEMENTS; i++)
        refine(face);
}

/* Rounding must not let the sums drift from one. */
static void normalise(fp_face *face) {
    double sum[2] = {0, 0};
    for (size_t i = 0; i < face->count; i++)
        sum[face->side[i]] += face->weight[i];
    for (size_t i = 0; i < face->count; i++)
        face->weight[i] /= sum[face->side[i]];
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
        for (size_t i = 0; i < face->count; i++)
            face->weight[i] += step * (face->wanted[i] - face->weight[i]);
        if (out == face->count)
            break;
        leave(face, out);
    }
    normalise(face);
    update_w(face);
}
