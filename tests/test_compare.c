/* Similarity, movement, principal components. */
#include "fineprobe/compare.h"
#include "fineprobe/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void pearson_is_one_for_scaled_and_shifted(void **state) {
    (void)state;
    double x[] = {1, 2, 4, 8, NAN}, y[] = {13, 16, 22, 34, 5}, z[] = {-1, -2, -4, -8, 0};
    assert_true(fabs(fp_pearson(x, y, 5) - 1) < 1e-15);
    assert_true(fabs(fp_pearson(x, z, 5) + 1) < 1e-15);
    double u[] = {1, 2, 3}, v[] = {1, 3, 2};
    assert_true(fabs(fp_pearson(u, v, 3) - 0.5) < 1e-15);
}

static void pearson_is_undefined_where_it_must_be(void **state) {
    (void)state;
    double x[] = {1, 2, 3}, constant[] = {0.1, 0.1, 0.1}, holes[] = {NAN, 5, NAN};
    assert_true(isnan(fp_pearson(x, constant, 3)));
    assert_true(isnan(fp_pearson(x, holes, 3)));
    assert_true(isnan(fp_pearson(x, x, 0)));
}

static void similarity_looks_at_the_upper_triangle(void **state) {
    (void)state;
    double a[] = {NAN, 1, 2, 99, NAN, 3, 98, 97, NAN}, b[] = {NAN, 2, 4, 0, NAN, 6, 1, 2, NAN};
    assert_true(fabs(fp_spatial_similarity(a, b, 3) - 1) < 1e-15);
    assert_true(isnan(fp_spatial_similarity(a, b, 1)));
    assert_true(isnan(fp_spatial_similarity(a, b, 0)));
}

static void movement_is_euclidean(void **state) {
    (void)state;
    double a[] = {0, 0, 1, 1, NAN, NAN}, b[] = {3, 4, 1, 1, 0, 0}, out[3];
    fp_centroid_movement(a, b, 3, 2, out);
    assert_true(out[0] == 5 && out[1] == 0 && isnan(out[2]));
}

static void components_find_a_line(void **state) {
    (void)state;
    fp_error error = {0};
    double rows[] = {1, 2, 0, 3, 6, 0, NAN, 1, 1, 2, 4, 0}, at[8], variance[2];
    assert_int_equal(fp_principal_components(rows, 4, 3, 2, at, variance, &error), 0);
    assert_true(fabs(variance[0] - 5) < 1e-12 && variance[1] == 0);
    /* Rows 0 and 1 lie equally far from the mean; the first of equals is positive. */
    assert_true(fabs(at[0] - sqrt(5)) < 1e-12 && fabs(at[2] + sqrt(5)) < 1e-12 && fabs(at[6]) < 1e-12);
    assert_true(isnan(at[4]) && isnan(at[5]));
    assert_int_equal(fp_principal_components(rows, 1, 3, 2, at, variance, &error), 0);
    assert_true(at[0] == 0 && at[1] == 0 && variance[0] == 0);
    assert_int_equal(fp_principal_components(rows, 0, 3, 2, at, variance, &error), 0);
}

static void components_keep_distances(void **state) {
    (void)state;
    fp_error error = {0};
    enum { N = 7, D = 4 };
    double rows[N * D], at[N * D], variance[D];
    fp_rng_key key = fp_rng_key_of(3, FP_RNG_DATA, 0, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        rows[i] = fp_rng_normal(key, i);
    assert_int_equal(fp_principal_components(rows, N, D, D, at, variance, &error), 0);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < i; j++) {
            double before = 0, after = 0;
            for (size_t k = 0; k < D; k++) {
                before += pow(rows[i * D + k] - rows[j * D + k], 2);
                after += pow(at[i * D + k] - at[j * D + k], 2);
            }
            assert_true(fabs(before - after) < 1e-10);
        }
    }
    for (size_t k = 1; k < D; k++)
        assert_true(variance[k] <= variance[k - 1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pearson_is_one_for_scaled_and_shifted),
        cmocka_unit_test(pearson_is_undefined_where_it_must_be),
        cmocka_unit_test(similarity_looks_at_the_upper_triangle),
        cmocka_unit_test(movement_is_euclidean),
        cmocka_unit_test(components_find_a_line),
        cmocka_unit_test(components_keep_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
