#include "extents.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>

/* Lowest and highest coordinates of every label's points. */
static void measure_boxes(const float *points, const int32_t *labels, size_t n, size_t d, size_t n_labels,
                          float *low, float *high, double *longest) {
    for (size_t k = 0; k < n_labels * d; k++) {
        low[k] = INFINITY;
        high[k] = -INFINITY;
    }
    for (size_t i = 0; i < n; i++) {
        const float *x = points + i * d;
        float *l = low + (size_t)labels[i] * d, *h = high + (size_t)labels[i] * d;
        double sum = 0;
        for (size_t k = 0; k < d; k++) {
            l[k] = x[k] < l[k] ? x[k] : l[k];
            h[k] = x[k] > h[k] ? x[k] : h[k];
            sum += (double)x[k] * x[k];
        }
        *longest = fmax(*longest, sqrt(sum));
    }
}

static double diagonal(const float *low_a, const float *high_a, const float *low_b, const float *high_b,
                       size_t d) {
    double sum = 0;
    for (size_t k = 0; k < d; k++) {
        double low = low_a[k] < low_b[k] ? low_a[k] : low_b[k];
        double high = high_a[k] > high_b[k] ? high_a[k] : high_b[k];
        sum += (high - low) * (high - low);
    }
    return sqrt(sum);
}

int fp_extents_create(fp_extents *e, const float *points, const int32_t *labels, size_t n, size_t d,
                      size_t n_labels, fp_error *error) {
    *e = (fp_extents){.n_labels = n_labels};
    float *low = fp_alloc(n_labels * d, sizeof *low, "the labels' boxes", error);
    float *high = fp_alloc(n_labels * d, sizeof *high, "the labels' boxes", error);
    unsigned char *present = fp_alloc(n_labels, 1, "the labels' boxes", error);
    e->of_pair = fp_alloc(n_labels * n_labels, sizeof *e->of_pair, "the labels' extents", error);
    int status = low && high && present && e->of_pair ? 0 : -1;
    if (status == 0) {
        measure_boxes(points, labels, n, d, n_labels, low, high, &e->longest);
        for (size_t i = 0; i < n; i++)
            present[labels[i]] = 1;
        for (size_t a = 0; a < n_labels; a++)
            for (size_t b = 0; b < n_labels; b++)
                if (present[a] && present[b])
                    e->of_pair[a * n_labels + b] =
                        diagonal(low + a * d, high + a * d, low + b * d, high + b * d, d);
    }
    free(low);
    free(high);
    free(present);
    return status;
}

void fp_extents_destroy(fp_extents *e) {
    free(e->of_pair);
    *e = (fp_extents){0};
}
