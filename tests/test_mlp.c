/* The classifier: gradients, what ends a training, networks side by side, labels that are no class. */
#include "fineprobe/mlp.h"
#include "fineprobe/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 300, WIDTH = 10, LABELS = 4 };

static float points[N * WIDTH];
static int32_t labels[N];
static uint32_t rows[N];
static const fp_mlp_data data = {N, WIDTH, points, labels, LABELS};

/* Clouds that overlap a little; SPREAD of their centres. */
static void make(double spread) {
    fp_rng_key key = fp_rng_key_of(3, FP_RNG_DATA, 0, 0), centres = fp_rng_key_of(3, FP_RNG_DATA, 1, 0);
    for (size_t i = 0; i < N; i++) {
        labels[i] = (int32_t)(i % LABELS);
        rows[i] = (uint32_t)i;
        for (size_t c = 0; c < WIDTH; c++)
            points[i * WIDTH + c] = (float)(fp_rng_normal(key, i * WIDTH + c) +
                                            spread * fp_rng_normal(centres, (size_t)labels[i] * WIDTH + c));
    }
}

static fp_mlp_settings two_layers(void) {
    fp_mlp_settings s = fp_mlp_defaults();
    s.hidden[0] = 16;
    s.hidden[1] = 8;
    return s;
}

static void initial_weights_are_within_their_bounds(void **state) {
    (void)state;
    make(1);
    fp_mlp_settings s = two_layers();
    fp_error error = {0};
    fp_mlp *mlp = fp_mlp_create(&s, &data, rows, N, 2, (fp_mlp_start[]){{0, 1}, {0, 2}}, &error);
    assert_non_null(mlp);
    for (size_t network = 0; network < 2; network++)
        for (size_t layer = 0; layer < 3; layer++) {
            float *w, *b;
            size_t out, in;
            fp_mlp_layer(mlp, network, layer, &w, &b, &out, &in);
            double bound = sqrt(6.0 / (double)(in + out)), largest = 0, sum = 0;
            for (size_t i = 0; i < out * in; i++) {
                largest = fmax(largest, fabs((double)w[i]));
                sum += (double)w[i];
            }
            assert_true(largest <= bound && largest > 0.9 * bound);
            assert_true(fabs(sum / (double)(out * in)) < 0.25 * bound);
            for (size_t i = 0; i < out; i++)
                assert_true(fabs((double)b[i]) <= bound && b[i] != 0);
        }
    fp_mlp_destroy(mlp);
}

static double accuracy_of(fp_mlp *mlp, size_t network) {
    static int32_t predicted[N];
    size_t right = 0;
    fp_mlp_predict(mlp, network, &data, rows, N, predicted, NULL, NULL);
    for (size_t i = 0; i < N; i++)
        right += predicted[i] == labels[i];
    return (double)right / N;
}

static void training_learns_and_stops_by_itself(void **state) {
    (void)state;
    make(1.5);
    fp_mlp_settings s = two_layers();
    fp_error error = {0};
    fp_mlp_end end;
    fp_mlp *mlp = fp_mlp_create(&s, &data, rows, N, 1, &(fp_mlp_start){1e-5, 1}, &error);
    assert_int_equal(fp_mlp_train(mlp, &data, rows, N, 1, NULL, NULL, &end, &error), 0);
    assert_true(end.converged && end.epochs > 20 && end.epochs < 1000);
    assert_true(accuracy_of(mlp, 0) > 0.99);
    fp_mlp_destroy(mlp);
}

static void patience_counts_epochs_without_progress(void **state) {
    (void)state;
    make(1);
    fp_mlp_settings s = two_layers();
    s.tolerance = 1e9; /* no epoch is progress, not even the first */
    fp_error error = {0};
    fp_mlp_end end;
    fp_mlp *mlp = fp_mlp_create(&s, &data, rows, N, 1, &(fp_mlp_start){1e-5, 1}, &error);
    assert_int_equal(fp_mlp_train(mlp, &data, rows, N, 1, NULL, NULL, &end, &error), 0);
    assert_int_equal(end.epochs, 12); /* the first is: everything is below infinity */
    assert_true(end.converged);
    fp_mlp_destroy(mlp);
}

/* Networks side by side are what each is alone, whatever becomes of the others. */
static void networks_do_not_disturb_one_another(void **state) {
    (void)state;
    make(1);
    fp_mlp_settings s = two_layers();
    fp_error error = {0};
    fp_mlp_start starts[3] = {{1e-7, 1}, {1, 1}, {1e-2, 2}};
    fp_mlp_end together[3], alone;
    fp_mlp *three = fp_mlp_create(&s, &data, rows, N, 3, starts, &error);
    assert_int_equal(fp_mlp_train(three, &data, rows, N, 1, NULL, NULL, together, &error), 0);
    assert_true(together[0].epochs != together[1].epochs);
    for (size_t i = 0; i < 3; i++) {
        fp_mlp *one = fp_mlp_create(&s, &data, rows, N, 1, &starts[i], &error);
        assert_int_equal(fp_mlp_train(one, &data, rows, N, 1, NULL, NULL, &alone, &error), 0);
        assert_true(fabs((double)alone.epochs - (double)together[i].epochs) <= 3);
        assert_true(fabs(alone.loss - together[i].loss) < 1e-3);
        assert_true(fabs(accuracy_of(one, 0) - accuracy_of(three, i)) <= 0.02);
        fp_mlp_destroy(one);
    }
    fp_mlp_destroy(three);
}

/* The same bits when it is done again. */
static void training_is_reproducible(void **state) {
    (void)state;
    make(0.5);
    fp_mlp_settings s = two_layers();
    fp_error error = {0};
    fp_mlp_end ends[2][2];
    double bits[2];
    for (int i = 0; i < 2; i++) {
        fp_mlp *mlp = fp_mlp_create(&s, &data, rows, N, 2, (fp_mlp_start[]){{1e-5, 1}, {1e-5, 2}}, &error);
        assert_int_equal(fp_mlp_train(mlp, &data, rows, N, 1, NULL, NULL, ends[i], &error), 0);
        size_t known;
        fp_mlp_predict(mlp, 1, &data, rows, N, NULL, &bits[i], &known);
        assert_int_equal(known, N);
        fp_mlp_destroy(mlp);
    }
    assert_true(ends[0][0].loss == ends[1][0].loss && ends[0][1].epochs == ends[1][1].epochs);
    assert_true(bits[0] == bits[1]);
}

static void a_label_that_was_not_trained_is_never_predicted(void **state) {
    (void)state;
    make(1);
    static uint32_t some[N];
    size_t n = 0;
    for (uint32_t i = 0; i < N; i++)
        if (labels[i] != 2)
            some[n++] = i;
    fp_mlp_settings s = two_layers();
    fp_error error = {0};
    fp_mlp_end end;
    static int32_t predicted[N];
    size_t known;
    double bits;
    fp_mlp *mlp = fp_mlp_create(&s, &data, some, n, 1, &(fp_mlp_start){1e-5, 1}, &error);
    assert_int_equal(fp_mlp_train(mlp, &data, some, n, 1, NULL, NULL, &end, &error), 0);
    fp_mlp_predict(mlp, 0, &data, rows, N, predicted, &bits, &known);
    for (size_t i = 0; i < N; i++)
        assert_int_not_equal(predicted[i], 2);
    assert_int_equal(known, n);
    assert_true(isfinite(bits));
    assert_int_equal(fp_mlp_train(mlp, &data, rows, N, 1, NULL, NULL, &end, &error), -1);
    assert_non_null(strstr(error.text, "no class"));
    fp_mlp_destroy(mlp);
}

static void one_label_and_two_have_one_output(void **state) {
    (void)state;
    make(1);
    fp_mlp_settings s = two_layers();
    fp_error error = {0};
    for (int32_t n_labels = 1; n_labels <= 2; n_labels++) {
        for (size_t i = 0; i < N; i++)
            labels[i] %= n_labels;
        fp_mlp_data few = {N, WIDTH, points, labels, LABELS};
        float *w, *b;
        size_t out, in;
        fp_mlp_end end;
        fp_mlp *mlp = fp_mlp_create(&s, &few, rows, N, 1, &(fp_mlp_start){1e-5, 1}, &error);
        fp_mlp_layer(mlp, 0, 2, &w, &b, &out, &in);
        assert_int_equal(out, 1);
        assert_int_equal(fp_mlp_train(mlp, &few, rows, N, 1, NULL, NULL, &end, &error), 0);
        if (n_labels == 1)
            assert_true(accuracy_of(mlp, 0) == 1);
        fp_mlp_destroy(mlp);
        make(1);
    }
}

static void what_cannot_be_trained_is_refused(void **state) {
    (void)state;
    make(1);
    fp_mlp_settings s = two_layers();
    fp_error error = {0};
    assert_null(fp_mlp_create(&s, &data, rows, 0, 1, &(fp_mlp_start){0, 1}, &error));
    assert_non_null(strstr(error.text, "at least one instance"));
    labels[7] = LABELS;
    assert_null(fp_mlp_create(&s, &data, rows, N, 1, &(fp_mlp_start){0, 1}, &error));
    assert_non_null(strstr(error.text, "instance 7 has the label 4"));
    make(1);
    s.hidden[0] = SIZE_MAX / 8;
    assert_null(fp_mlp_create(&s, &data, rows, N, 1, &(fp_mlp_start){0, 1}, &error));
    assert_non_null(strstr(error.text, "beyond memory"));
    s = two_layers();
    points[5] = 1e38f;
    fp_mlp_end end;
    fp_mlp *mlp = fp_mlp_create(&s, &data, rows, N, 1, &(fp_mlp_start){0, 1}, &error);
    points[6] = -1e38f;
    for (size_t i = 0; i < N * WIDTH; i++)
        points[i] *= 1e30f;
    assert_int_equal(fp_mlp_train(mlp, &data, rows, N, 1, NULL, NULL, &end, &error), -1);
    assert_non_null(strstr(error.text, "range of float32"));
    fp_mlp_destroy(mlp);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_weights_are_within_their_bounds),
        cmocka_unit_test(training_learns_and_stops_by_itself),
        cmocka_unit_test(patience_counts_epochs_without_progress),
        cmocka_unit_test(networks_do_not_disturb_one_another),
        cmocka_unit_test(training_is_reproducible),
        cmocka_unit_test(a_label_that_was_not_trained_is_never_predicted),
        cmocka_unit_test(one_label_and_two_have_one_output),
        cmocka_unit_test(what_cannot_be_trained_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
