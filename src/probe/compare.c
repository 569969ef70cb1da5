#include "fineprobe/compare.h"

#include "fineprobe/memory.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* LAPACK: eigenvalues (ascending) and eigenvectors of a symmetric matrix. */
extern void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
                   double *work, const int *lwork, int *info);

double fp_pearson(const double *x, const double *y, size_t n) {
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) || isnan(y[i]))
            continue;
        /* Welford's updates: constant vectors give exact zeros. */
        double dx = x[i] - mean_x, dy = y[i] - mean_y;
        count++;
        mean_x += dx / (double)count;
        mean_y += dy / (double)count;
        xx += dx * (x[i] - mean_x);
        yy += dy * (y[i] - mean_y);
        xy += dx * (y[i] - mean_y);
    }
    if (count < 2 || !(xx > 0) || !(yy > 0))
        return NAN;
    return fmax(-1, fmin(1, xy / (sqrt(xx) * sqrt(yy))));
}

static void copy_upper(const double *matrix, size_t n, double *out) {
    for (size_t i = 0; i < n; i++) {
        memcpy(out, matrix + i * n + i + 1, (n - i - 1) * sizeof *out);
        out += n - i - 1;
    }
}

double fp_spatial_similarity(const double *a, const double *b, size_t n_labels) {
    size_t count = n_labels ? n_labels * (n_labels - 1) / 2 : 0;
    double *vectors = fp_alloc(2 * count, sizeof *vectors, "distance vectors", NULL), similarity = NAN;
    if (vectors) {
        copy_upper(a, n_labels, vectors);
        copy_upper(b, n_labels, vectors + count);
        similarity = fp_pearson(vectors, vectors + count, count);
    }
    free(vectors);
    return similarity;
}

void fp_centroid_movement(const double *a, const double *b, size_t n_labels, size_t d, double *out) {
    for (size_t y = 0; y < n_labels; y++) {
        double sum = 0;
        for (size_t k = 0; k < d; k++)
            sum += (a[y * d + k] - b[y * d + k]) * (a[y * d + k] - b[y * d + k]);
        out[y] = sqrt(sum); /* NaN stays NaN */
    }
}

/* Rows without NaN, about their mean; WHICH says which they are. Returns their number. */
static size_t centre_rows(const double *rows, size_t n, size_t d, double *out, size_t *which) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        int whole = 1;
        for (size_t k = 0; k < d; k++)
            whole &= !isnan(rows[i * d + k]);
        if (!whole)
            continue;
        which[count] = i;
        memcpy(out + count++ * d, rows + i * d, d * sizeof *out);
    }
    for (size_t k = 0; k < d; k++) {
        double mean = 0;
        for (size_t i = 0; i < count; i++)
            mean += out[i * d + k] / (double)count;
        for (size_t i = 0; i < count; i++)
            out[i * d + k] -= mean;
    }
    return count;
}

/* Eigenvectors of the n x n Gram matrix are the coordinates, up to their lengths. */
static int decompose(const double *centred, size_t n, size_t d, double *gram, double *values,
                     fp_error *error) {
    int order = (int)n, lwork = 34 * (int)n, info = 0;
    double *work = fp_alloc((size_t)lwork, sizeof *work, "principal components", error);
    if (!work)
        return -1;
    cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, order, (int)d, 1, centred, (int)d, 0, gram, order);
    dsyev_("V", "L", &order, gram, &order, values, work, &lwork, &info);
    free(work);
    return info ? fp_fail(error, "principal components: LAPACK's dsyev did not converge (%d)", info) : 0;
}

static void write_component(const double *vector, double value, size_t n, const size_t *which, size_t stride,
                            double *out) {
    size_t largest = 0;
    for (size_t i = 1; i < n; i++)
        if (fabs(vector[i]) > fabs(vector[largest]) * (1 + 1e-9))
            largest = i;
    double length = copysign(sqrt(value), vector[largest]);
    for (size_t i = 0; i < n; i++)
        out[which[i] * stride] = value > 0 ? vector[i] * length : 0;
}

int fp_principal_components(const double *rows, size_t n, size_t d, size_t components, double *coordinates,
                            double *variance, fp_error *error) {
    double *centred = fp_alloc(n * d, sizeof *centred, "principal components", error);
    double *gram = fp_alloc(n * (n + 1), sizeof *gram, "principal components", error);
    size_t *which = fp_alloc(n, sizeof *which, "principal components", error);
    int status = centred && gram && which ? 0 : -1;
    if (status == 0) {
        double *values = gram + n * n;
        size_t count = centre_rows(rows, n, d, centred, which);
        if (count)
            status = decompose(centred, count, d, gram, values, error);
        for (size_t i = 0; i < n * components; i++)
            coordinates[i] = NAN;
        double noise = count ? 1e-14 * (double)count * values[count - 1] : 0;
        for (size_t c = 0; c < components; c++) {
            double value = c < count && values[count - 1 - c] > noise ? values[count - 1 - c] : 0;
            const double *vector = gram + (c < count ? count - 1 - c : 0) * count;
            variance[c] = count > 1 ? value / (double)(count - 1) : 0;
            if (count)
                write_component(vector, value, count, which, components, coordinates + c);
        }
    }
    free(centred);
    free(gram);
    free(which);
    return status;
}
