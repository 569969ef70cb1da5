#include "face.h"

#include "fineprobe/memory.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Below this share of its squared length, what is left of a point outside the others' affine hull is noise.
 */
static const double DEPENDENT = 1e-14;

int fp_face_create(fp_face *face, size_t d, fp_error *error) {
    size_t n = d + 3; /* d + 2 points can be independent, one may be entering */
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
    double **parts[] = {&face->wanted, &face->ones[0], &face->ones[1], &face->turn};
    for (size_t i = 0; i < 4; i++)
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

static double dot(size_t n, const double *x, const double *y) {
    return cblas_ddot((int)n, x, 1, y, 1);
}

static void update_w(fp_face *face) {
    memset(face->w, 0, face->d * sizeof(double));
    for (size_t i = 0; i < face->count; i++)
        cblas_daxpy((int)face->d, face->side[i] ? -face->weight[i] : face->weight[i], face->x[i], 1, face->w,
                    1);
}

double fp_face_norm2(const fp_face *face) {
    return dot(face->d, face->w, face->w);
}

void fp_face_levels(const fp_face *face, double level[2]) {
    level[0] = level[1] = dot(face->d, face->w, face->origin);
    for (size_t i = 0; i < face->count; i++)
        level[face->side[i]] += face->weight[i] * dot(face->d, face->w, face->x[i]);
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
    if (n == face->capacity)
        return 0;
    double *x = face->x[n], *row = face->factor + n * face->capacity;
    for (size_t k = 0; k < d; k++)
        x[k] = points[point * d + k] - face->origin[k];
    double self = dot(d, x, x) + face->sigma;
    for (size_t i = 0; i < n; i++) {
        double product = dot(d, x, face->x[i]);
        product = face->side[i] == side ? product + face->sigma : -product;
        row[i] =
            (product - dot(i, row, face->factor + i * face->capacity)) / face->factor[i * face->capacity + i];
    }
    double left = self - dot(n, row, row);
    if (!(left > DEPENDENT * self))
        return 0;
    row[n] = sqrt(left);
    face->point[n] = point;
    face->side[n] = (unsigned char)side;
    face->weight[n] = 0;
    for (int s = 0; s < 2; s++)
        face->ones[s][n] = ((s == side) - dot(n, row, face->ones[s])) / row[n];
    face->count++;
    return 1;
}

/* Row OUT is taken from the factor; rotations make the rows below triangular again. */
static void leave(fp_face *face, size_t out) {
    size_t n = --face->count, ld = face->capacity;
    double *gone = face->x[out], *turn = face->turn;
    memmove((void *)(face->x + out), (void *)(face->x + out + 1), (n - out) * sizeof *face->x);
    face->x[n] = gone;
    memmove(face->point + out, face->point + out + 1, (n - out) * sizeof *face->point);
    memmove(face->side + out, face->side + out + 1, n - out);
    memmove(face->weight + out, face->weight + out + 1, (n - out) * sizeof *face->weight);
    for (size_t i = out; i < n; i++) {
        double *row = face->factor + i * ld;
        memcpy(row, row + ld, (i + 2) * sizeof *row);
        for (size_t j = out; j < i; j++) {
            double u = row[j], v = row[j + 1], c = turn[2 * j], s = turn[2 * j + 1];
            row[j] = c * u + s * v;
            row[j + 1] = c * v - s * u;
        }
        double length = hypot(row[i], row[i + 1]);
        turn[2 * i] = row[i] / length;
        turn[2 * i + 1] = row[i + 1] / length;
        row[i] = length;
        for (int s = 0; s < 2; s++)
            face->ones[s][i] = ((s == face->side[i]) - dot(i, row, face->ones[s])) / length;
    }
}

/* Weights of the nearest points of the two affine hulls: L L' wanted = a 1_first + b 1_second with a, b such
 * that they sum to one on either side. */
static void affine_optimum(fp_face *face) {
    size_t n = face->count;
    const double *p = face->ones[0], *q = face->ones[1];
    double pp = dot(n, p, p), pq = dot(n, p, q), qq = dot(n, q, q), determinant = pp * qq - pq * pq;
    double a = (qq - pq) / determinant, b = (pp - pq) / determinant;
    for (size_t i = 0; i < n; i++)
        face->wanted[i] = a * p[i] + b * q[i];
    for (size_t i = n; i-- > 0;) {
        const double *row = face->factor + i * face->capacity;
        face->wanted[i] /= row[i];
        cblas_daxpy((int)i, -face->wanted[i], row, 1, face->wanted, 1);
    }
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
