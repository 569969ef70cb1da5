/* Every table of kernels that this CPU can run, against the plain references. */
#include "math/kernels.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 5, MOST = 1024 };

/* Widths with every kind of remainder. */
static const size_t WIDTHS[] = {1, 3, 8, 15, 16, 17, 48, 100};

static void fill(float *x, size_t n, uint64_t stream, double scale) {
    fp_rng_key key = fp_rng_key_of(3, FP_RNG_DATA, stream, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(scale * fp_rng_normal(key, i));
}

static void fill_keep(int8_t *keep, size_t n) {
    fp_rng_key key = fp_rng_key_of(4, FP_RNG_DATA, 0, 0);
    for (size_t i = 0; i < n; i++)
        keep[i] = fp_rng_uniform(key, i) < 0.7 ? -1 : 0;
}

static void assert_near(const float *a, const float *b, size_t n, double tolerance) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= tolerance * (1 + fabs((double)b[i]))))
            fail_msg("number %zu: %.9g, the reference has %.9g", i, (double)a[i], (double)b[i]);
}

typedef void pair_test(const fp_kernels *kernels, size_t width);

static void for_all(pair_test *test) {
    const fp_kernels *usable[3];
    size_t n = fp_kernels_usable(usable);
    assert_true(n >= 1);
    for (size_t i = 0; i < n; i++)
        for (size_t w = 0; w < sizeof WIDTHS / sizeof *WIDTHS; w++)
            test(usable[i], WIDTHS[w]);
}

static void compare_activation(const fp_kernels *kernels, size_t width) {
    const fp_kernels *tables[2] = {kernels, &fp_kernels_reference};
    const fp_activation kinds[3] = {FP_GELU_ERF, FP_GELU_TANH, FP_RELU};
    for (int kind = 0; kind < 3; kind++) {
        float u[2][MOST], y[2][MOST], d[2][MOST], again[2][MOST], d_bias[2][MOST] = {{0}};
        size_t n = ROWS * width;
        for (int t = 0; t < 2; t++) {
            fill(u[t], n, 2, 3);
            fill(d[t], n, 3, 1);
            tables[t]->activate(kinds[kind], ROWS, width, width, u[t], y[t]);
            tables[t]->activate_back(kinds[kind], ROWS, width, width, u[t], d[t], again[t], d_bias[t]);
        }
        assert_near(y[0], y[1], n, 3e-6);
        assert_near(again[0], y[1], n, 3e-6);
        assert_near(d[0], d[1], n, 3e-6);
        assert_near(d_bias[0], d_bias[1], width, 1e-5);
    }
}

static void activations_agree(void **state) {
    (void)state;
    for_all(compare_activation);
}

static void activations_stay_within_their_bound(void **state) {
    (void)state;
    const fp_kernels *usable[3];
    size_t n = fp_kernels_usable(usable);
    for (size_t t = 0; t < n; t++)
        for (double x = -12; x <= 12; x += 1.0 / 512) {
            float u = (float)x, y;
            usable[t]->activate(FP_GELU_ERF, 1, 1, 1, &u, &y);
            double exact = x * 0.5 * erfc(-x / M_SQRT2);
            assert_true(fabs(y - exact) <= 2.5e-7 * fmax(1, fabs(x)));
        }
}

/* exp shows in softmax of two numbers: the share of the smaller one over that of the larger. The two
 * divisions that make shares of them, and this one, add three roundings to the two of exp. */
static void exp_stays_within_its_bound(void **state) {
    (void)state;
    const fp_kernels *usable[3];
    size_t n = fp_kernels_usable(usable);
    for (size_t t = 0; t < n; t++)
        for (double x = 0; x >= -86; x -= 1.0 / 256) {
            float row[FP_ATTENTION_PAD] = {0, (float)x};
            usable[t]->softmax(1, 2, FP_ATTENTION_PAD, 1, row);
            double got = (double)row[1] / row[0], exact = exp((float)x);
            if (!(fabs(got - exact) <= 5 * 0x1p-24 * exact))
                fail_msg("%s: exp(%g) is %.9g, not %.9g", usable[t]->name, x, got, exact);
        }
}

static void compare_norm(const fp_kernels *kernels, size_t width) {
    if (width < 3) /* one number normalises to 0 over 0 */
        return;
    const fp_kernels *tables[2] = {kernels, &fp_kernels_reference};
    size_t n = ROWS * width;
    float bias[MOST], residual[MOST], gain[MOST], shift[MOST], x[MOST], d0[MOST];
    int8_t keep[MOST];
    fill(bias, width, 1, 1);
    fill(residual, n, 2, 1);
    fill(gain, width, 3, 1);
    fill(shift, width, 4, 1);
    fill(x, n, 5, 2);
    fill(d0, n, 6, 1);
    fill_keep(keep, n);
    for (int with_all = 0; with_all < 2; with_all++) {
        float normed[2][MOST], inverse[2][ROWS], y[2][MOST], d[2][MOST], dx[2][MOST], sums[2][3][MOST];
        memset(sums, 0, sizeof sums);
        for (int t = 0; t < 2; t++) {
            fp_norm_forward forward = {with_all ? bias : NULL,
                                       with_all ? residual : NULL,
                                       with_all ? keep : NULL,
                                       1.5F,
                                       gain,
                                       shift,
                                       1e-12F};
            tables[t]->norm(&forward, ROWS, width, x, normed[t], inverse[t], y[t]);
            memcpy(d[t], d0, sizeof d0);
            fp_norm_backward back = {normed[1], inverse[1], gain,       with_all ? keep : NULL,
                                     1.5F,      sums[t][0], sums[t][1], sums[t][2]};
            if (t == 1) /* both backward passes see the reference's forward pass */
                for (int k = 0; k < 2; k++) {
                    back.d_gain = sums[k][0];
                    back.d_shift = sums[k][1];
                    back.d_bias = sums[k][2];
                    tables[k]->norm_back(&back, ROWS, width, d[k], dx[k]);
                }
        }
        assert_near(normed[0], normed[1], n, 5e-6);
        assert_near(inverse[0], inverse[1], ROWS, 2e-6);
        assert_near(y[0], y[1], n, 5e-6);
        assert_near(d[0], d[1], n, 5e-6);
        assert_near(dx[0], dx[1], n, 5e-6);
        for (int k = 0; k < 3; k++)
            assert_near(sums[0][k], sums[1][k], width, 1e-5);
    }
}

static void norms_agree(void **state) {
    (void)state;
    for_all(compare_norm);
}

static void compare_softmax(const fp_kernels *kernels, size_t width) {
    const fp_kernels *tables[2] = {kernels, &fp_kernels_reference};
    size_t padded = (width + FP_ATTENTION_PAD - 1) / FP_ATTENTION_PAD * FP_ATTENTION_PAD, n = ROWS * padded;
    int8_t keep[MOST];
    fill_keep(keep, n);
    for (int with_keep = 0; with_keep < 2; with_keep++) {
        float p[2][MOST], d[2][MOST];
        for (int t = 0; t < 2; t++) {
            fill(p[t], n, 1, 20);
            fill(d[t], n, 2, 1);
            tables[t]->softmax(ROWS, width, padded, 0.7F, p[t]);
        }
        assert_near(p[0], p[1], n, 1e-6);
        for (int t = 0; t < 2; t++)
            tables[t]->softmax_back(ROWS, width, padded, 0.7F, p[1], with_keep ? keep : NULL, 1.25F, d[t]);
        assert_near(d[0], d[1], n, 1e-6);
        for (size_t i = 0; i < n; i++)
            if (i % padded >= width)
                assert_true(p[0][i] == 0 && d[0][i] == 0);
    }
}

static void softmax_agrees(void **state) {
    (void)state;
    for_all(compare_softmax);
}

static void compare_rest(const fp_kernels *kernels, size_t width) {
    const fp_kernels *tables[2] = {kernels, &fp_kernels_reference};
    size_t n = ROWS * width;
    float x[MOST], y[2][MOST], sum[2][MOST] = {{0}}, dropped[2][MOST], m[2][MOST], v[2][MOST], p[2][MOST];
    int8_t keep[MOST];
    fp_adamw adam = {0.9F, 0.999F, 0.1F, 0.001F, 1e-8F, 0.01F, 3, 0.99F, 0.25F, 0.5F};
    fill(x, n, 1, 1);
    fill_keep(keep, n);
    for (int t = 0; t < 2; t++) {
        fill(y[t], n, 2, 1);
        fill(m[t], n, 3, 1);
        fill(v[t], n, 4, 1);
        fill(p[t], n, 5, 1);
        for (size_t i = 0; i < n; i++)
            v[t][i] *= v[t][i];
        tables[t]->add(n, x, y[t]);
        tables[t]->add_rows(ROWS, width, width, x, sum[t]);
        tables[t]->drop(n, x, keep, 1.25F, dropped[t]);
        tables[t]->adamw(&adam, n, x, m[t], v[t], p[t]);
    }
    assert_near(y[0], y[1], n, 0);
    assert_near(sum[0], sum[1], width, 0);
    assert_near(dropped[0], dropped[1], n, 0);
    assert_near(m[0], m[1], n, 1e-6);
    assert_near(v[0], v[1], n, 1e-6);
    assert_near(p[0], p[1], n, 1e-6);
    assert_true(fabs(kernels->square_sum(n, x) / fp_kernels_reference.square_sum(n, x) - 1) < 1e-12);
}

static void the_rest_agrees(void **state) {
    (void)state;
    for_all(compare_rest);
}

static void masks_are_the_same_bits_and_right_on_average(void **state) {
    (void)state;
    enum { N = 128 * 400 };
    const fp_kernels *usable[3];
    size_t n = fp_kernels_usable(usable);
    int8_t *expected = malloc(N), *keep = malloc(N);
    uint32_t threshold = fp_dropout_threshold(0.1);
    fp_rng_key key = fp_rng_key_of(1, FP_RNG_DROPOUT, 7, 3);
    fp_kernels_reference.keep(key, 0, N, threshold, expected);
    size_t kept = 0;
    for (size_t i = 0; i < N; i++)
        kept += expected[i] != 0;
    assert_true(fabs((double)kept / N - 0.9) < 0.005);
    assert_true(fabs(fp_dropout_scale(threshold) - 1 / 0.9) < 1e-4);
    for (size_t t = 0; t < n; t++) {
        memset(keep, 1, N);
        usable[t]->keep(key, 0, N, threshold, keep);
        assert_memory_equal(keep, expected, N);
        memset(keep, 1, N);
        usable[t]->keep(key, 128 * 30, N - 128 * 30, threshold, keep);
        assert_memory_equal(keep, expected + 128 * 30, N - 128 * 30);
    }
    free(expected);
    free(keep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_agree),
        cmocka_unit_test(activations_stay_within_their_bound),
        cmocka_unit_test(exp_stays_within_its_bound),
        cmocka_unit_test(norms_agree),
        cmocka_unit_test(softmax_agrees),
        cmocka_unit_test(the_rest_agrees),
        cmocka_unit_test(masks_are_the_same_bits_and_right_on_average),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
