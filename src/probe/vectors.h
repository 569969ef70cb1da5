/* vectors.h: the few loops that the hull questions spend their time in, all in double precision. */
#ifndef FINEPROBE_PROBE_VECTORS_H
#define FINEPROBE_PROBE_VECTORS_H

#include <stddef.h>
#include <stdint.h>

/* OUT[i] = row INDEX[i] (i when INDEX is NULL) of POINTS [?, d] times W. */
void fp_scores(const float *points, const uint32_t *index, size_t count, size_t d, const double *w,
               double *out);

/* OUT[i] = ROWS[i] [d] times X. */
void fp_dots(double *const *rows, size_t count, size_t d, const double *x, double *out);

/* OUT = sum of WEIGHT[i] ROWS[i]. */
void fp_combine(double *const *rows, const double *weight, size_t count, size_t d, double *out);

double fp_dot(const double *x, const double *y, size_t n);

/* The squared distance of two rows. */
double fp_squared_distance(const float *x, const float *y, size_t d);

/* L x = b in place, L lower triangular by columns, column j at FACTOR + j STRIDE. */
void fp_solve_lower(const double *factor, size_t stride, size_t n, double *x);

/* L' x = b in place. */
void fp_solve_upper(const double *factor, size_t stride, size_t n, double *x);

/* Rotates columns A and B by (c, s); A moves up by one row: A[i] = c A[i+1] + s B[i+1], B[i+1] = c B[i+1] - s
 * A[i+1], i < n. */
void fp_rotate_up(double *a, double *b, size_t n, double c, double s);

#endif
