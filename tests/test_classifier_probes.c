/* Folds, bootstrap, scores, the search, control task, online coding, learning curves. */
#include "fineprobe/classifier.h"
#include "fineprobe/resample.h"
#include "fineprobe/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 400, TEST = 150, WIDTH = 12, LABELS = 5 };

static float points[N * WIDTH], test_points[TEST * WIDTH];
static int32_t labels[N], test_labels[TEST];
static const fp_mlp_data train = {N, WIDTH, points, labels, LABELS};
static const fp_mlp_data test = {TEST, WIDTH, test_points, test_labels, LABELS};

static void fill(size_t n, uint64_t seed, double spread, float *x, int32_t *y) {
    fp_rng_key key = fp_rng_key_of(seed, FP_RNG_DATA, 0, 0), centres = fp_rng_key_of(9, FP_RNG_DATA, 1, 0);
    for (size_t i = 0; i < n; i++) {
        y[i] = (int32_t)(fp_rng_below(key, n * WIDTH + i, 8) % LABELS); /* three labels twice as frequent */
        for (size_t c = 0; c < WIDTH; c++)
            x[i * WIDTH + c] = (float)(fp_rng_normal(key, i * WIDTH + c) +
                                       spread * fp_rng_normal(centres, (size_t)y[i] * WIDTH + c));
    }
}

static void make(double spread) {
    fill(N, 1, spread, points, labels);
    fill(TEST, 2, spread, test_points, test_labels);
}

static fp_classifier_settings small(void) {
    fp_classifier_settings s = fp_classifier_defaults();
    s.n_shapes = 2;
    s.shapes[0] = (fp_shape){{8, 8}};
    s.shapes[1] = (fp_shape){{16, 0}};
    s.n_l2 = 2;
    s.l2[0] = 1e-5;
    s.l2[1] = 100;
    s.folds = 3;
    s.initialisations = 3;
    s.epochs = 60;
    return s;
}

static void folds_are_stratified(void **state) {
    (void)state;
    make(1);
    int32_t fold_of[N];
    fp_error error = {0};
    size_t sizes[7] = {0}, of_label[7][LABELS] = {{0}};
    assert_int_equal(fp_resample_folds(N, labels, LABELS, 7, 1, fold_of, &error), 0);
    for (size_t i = 0; i < N; i++) {
        sizes[fold_of[i]]++;
        of_label[fold_of[i]][labels[i]]++;
    }
    for (int f = 1; f < 7; f++) {
        assert_true(labs((long)sizes[f] - (long)sizes[0]) <= 1);
        for (int y = 0; y < LABELS; y++)
            assert_true(labs((long)of_label[f][y] - (long)of_label[0][y]) <= 1);
    }
    assert_int_equal(fp_resample_folds(N, labels, LABELS, N + 1, 1, fold_of, &error), -1);
    assert_non_null(strstr(error.text, "400 instances cannot be split into 401 folds"));
    int32_t rare[6] = {0, 0, 0, 0, 1, 0}; /* a label with one instance: in one fold alone */
    assert_int_equal(fp_resample_folds(6, rare, 2, 3, 1, fold_of, &error), 0);
}

static void a_held_out_part_has_its_share_of_every_label(void **state) {
    (void)state;
    make(1);
    int32_t part_of[N];
    fp_error error = {0};
    double held = 0, all[LABELS] = {0}, of_label[LABELS] = {0};
    assert_int_equal(fp_resample_hold_out(N, labels, LABELS, 0.2, 1, part_of, &error), 0);
    for (size_t i = 0; i < N; i++) {
        held += part_of[i] == 0;
        all[labels[i]]++;
        of_label[labels[i]] += part_of[i] == 0;
    }
    assert_true(held == 80);
    for (int y = 0; y < LABELS; y++)
        assert_true(fabs(of_label[y] - 0.2 * all[y]) <= 1);
}

static void bootstrap_knows_the_normal_case(void **state) {
    (void)state;
    double x[400], zero[30] = {0};
    fp_rng_key key = fp_rng_key_of(5, FP_RNG_DATA, 0, 0);
    for (size_t i = 0; i < 400; i++)
        x[i] = i == 17 ? NAN : fp_rng_normal(key, i) + 0.1;
    fp_error error = {0};
    fp_resampled r;
    assert_int_equal(fp_resample_mean(400, x, 1, &r, &error), 0);
    double half = 1.96 * r.deviation / sqrt(399);
    assert_int_equal(r.n, 399);
    assert_true(fabs(r.high - r.mean - half) < 0.05 * half && fabs(r.mean - r.low - half) < 0.05 * half);
    double z = r.mean / (r.deviation / sqrt(399)), p = erfc(z / M_SQRT2);
    assert_true(fabs(r.p - p) < 0.02);
    assert_int_equal(fp_resample_mean(30, zero, 1, &r, &error), 0);
    assert_true(r.p == 1 && r.low == 0 && r.high == 0);
    assert_int_equal(fp_resample_mean(1, x, 1, &r, &error), 0);
    assert_true(r.mean == x[0] && isnan(r.deviation) && isnan(r.low) && isnan(r.p));
}

static void scores_are_those_of_the_definition(void **state) {
    (void)state;
    int32_t truth[6] = {0, 0, 0, 1, 1, 2}, said[6] = {0, 0, 1, 1, 1, 1};
    double precision[4], recall[4], f1[4];
    int32_t confusion[16] = {0};
    fp_scores s = {precision, recall, f1, confusion, 0, 0};
    fp_classifier_scores(6, truth, said, 4, &s);
    assert_true(s.accuracy == 4.0 / 6);
    assert_true(precision[0] == 1 && recall[0] == 2.0 / 3 && f1[0] == 4.0 / 5);
    assert_true(precision[1] == 0.5 && recall[1] == 1 && f1[1] == 4.0 / 6);
    assert_true(isnan(precision[2]) && recall[2] == 0 && f1[2] == 0);
    assert_true(isnan(precision[3]) && isnan(recall[3]) && isnan(f1[3]));
    assert_true(fabs(s.macro_f1 - (0.8 + 4.0 / 6 + 0) / 3) < 1e-15);
    assert_int_equal(confusion[0 * 4 + 1], 1);
    assert_int_equal(confusion[2 * 4 + 1], 1);
    fp_classifier_scores(0, truth, said, 4, &s);
    assert_true(isnan(s.accuracy) && isnan(s.macro_f1));
}

static void the_search_prefers_what_works(void **state) {
    (void)state;
    make(0.8);
    fp_classifier_settings s = small();
    fp_candidate all[4];
    fp_error error = {0};
    for (size_t shape = 0; shape < 2; shape++)
        assert_int_equal(fp_classifier_try(&s, shape, &train, NULL, all + 2 * shape, &error), 0);
    size_t best = fp_classifier_best(4, all);
    assert_true(best % 2 == 0); /* an L2 weight of 100 leaves nothing but the majority */
    assert_true(all[best].accuracy > all[1].accuracy + 0.2);
    assert_true(all[0].folds == 3 && all[0].deviation > 0 && !all[1].dropped);
    s.drop = 0.1;
    fp_candidate raced[2];
    assert_int_equal(fp_classifier_try(&s, 0, &train, NULL, raced, &error), 0);
    assert_true(raced[1].dropped && raced[1].folds == 1 && isnan(raced[1].deviation));
    assert_true(!raced[0].dropped && raced[0].folds == 3);
    assert_int_equal(fp_classifier_best(2, raced), 0);
    s.folds = 0;
    s.held_out = 0.25;
    s.drop = 0;
    assert_int_equal(fp_classifier_try(&s, 0, &train, NULL, raced, &error), 0);
    assert_true(raced[0].folds == 1 && raced[0].accuracy > 0.5);
    s.folds = N + 1;
    assert_int_equal(fp_classifier_try(&s, 0, &train, NULL, raced, &error), -1);
}

static void initialisations_differ_and_scores_fit_predictions(void **state) {
    (void)state;
    make(0.8);
    fp_classifier_settings s = small();
    s.epochs = 200;
    fp_fit fits[3];
    int32_t predictions[3 * TEST];
    fp_error error = {0};
    assert_int_equal(
        fp_classifier_fit(&s, &s.shapes[0], 1e-5, &train, &test, NULL, fits, predictions, &error), 0);
    for (size_t k = 0; k < 3; k++) {
        size_t right = 0;
        for (size_t i = 0; i < TEST; i++)
            right += predictions[k * TEST + i] == test_labels[i];
        assert_true(fits[k].test_accuracy == (double)right / TEST);
        assert_true(fits[k].test_accuracy > fp_majority_accuracy(&train, &test) + 0.2);
        assert_true(fits[k].train_accuracy >= fits[k].test_accuracy - 0.05);
    }
    assert_memory_not_equal(predictions, predictions + TEST, TEST * sizeof *predictions);
}

static void a_word_type_keeps_its_control_label(void **state) {
    (void)state;
    make(1);
    int64_t types[1000];
    int32_t control[1000], again[10];
    size_t frequency[LABELS] = {0}, original[LABELS] = {0};
    for (int64_t i = 0; i < 1000; i++)
        types[i] = i % 900;
    fp_control_labels(&train, 1, 1000, types, control);
    for (size_t i = 900; i < 1000; i++)
        assert_int_equal(control[i], control[i - 900]);
    fp_control_labels(&train, 1, 10, types + 900, again);
    assert_memory_equal(again, control, sizeof again);
    for (size_t i = 0; i < 900; i++)
        frequency[control[i]]++;
    for (size_t i = 0; i < N; i++)
        original[labels[i]]++;
    for (size_t y = 0; y < LABELS; y++)
        assert_true(fabs((double)frequency[y] / 900 - (double)original[y] / N) < 0.06);
}

static void codes_of_what_can_be_told_are_shorter(void **state) {
    (void)state;
    fp_classifier_settings s = small();
    fp_portion portions[FP_PORTIONS];
    double told, noise, uniform;
    s.epochs = 1000;
    fp_error error = {0};
    make(1.5);
    assert_int_equal(fp_code_length(&s, &s.shapes[0], 1e-5, &train, NULL, portions, &told, &uniform, &error),
                     0);
    assert_true(fabs(uniform - N * log2(LABELS)) < 1e-9);
    size_t coded = 0;
    double bits = 0;
    for (size_t i = 0; i < FP_PORTIONS; i++) {
        assert_int_equal(portions[i].instances, coded);
        coded += portions[i].coded;
        bits += portions[i].bits;
    }
    assert_int_equal(coded, N);
    assert_true(bits == told && told < 0.5 * uniform);
    assert_true(portions[10].accuracy > 0.9);
    make(0);
    assert_int_equal(fp_code_length(&s, &s.shapes[0], 1e-5, &train, NULL, portions, &noise, &uniform, &error),
                     0);
    assert_true(noise > 0.8 * uniform);
    for (size_t i = 0; i < N; i++)
        labels[i] = 3;
    assert_int_equal(fp_code_length(&s, &s.shapes[0], 1e-5, &train, NULL, portions, &noise, &uniform, &error),
                     0);
    assert_true(noise == 0 && uniform == 0);
}

static void what_is_noise_is_memorised_not_learned(void **state) {
    (void)state;
    enum { EPOCHS = 800 };
    make(0);
    fp_classifier_settings s = small();
    s.shapes[0] = (fp_shape){{64, 64}};
    s.epochs = EPOCHS;
    static double accuracies[EPOCHS * FP_LEARNING_SETS], losses[EPOCHS * FP_LEARNING_SETS];
    fp_learning out = {.accuracies = accuracies, .losses = losses};
    fp_error error = {0};
    assert_int_equal(fp_learning_curves(&s, &s.shapes[0], 1e-7, &train, &test, NULL, &out, &error), 0);
    assert_int_equal(out.subtrain, 320);
    assert_int_equal(out.subtest, 80);
    const double *last = accuracies + (out.epochs - 1) * FP_LEARNING_SETS;
    assert_true(last[0] > 0.95 && last[1] < 0.5 && last[2] < 0.5);
    assert_true(losses[(out.epochs - 1) * FP_LEARNING_SETS] < losses[0]);
    for (size_t i = out.epochs * FP_LEARNING_SETS; i < EPOCHS * FP_LEARNING_SETS; i++)
        assert_true(isnan(accuracies[i]) && isnan(losses[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_are_stratified),
        cmocka_unit_test(a_held_out_part_has_its_share_of_every_label),
        cmocka_unit_test(bootstrap_knows_the_normal_case),
        cmocka_unit_test(scores_are_those_of_the_definition),
        cmocka_unit_test(the_search_prefers_what_works),
        cmocka_unit_test(initialisations_differ_and_scores_fit_predictions),
        cmocka_unit_test(a_word_type_keeps_its_control_label),
        cmocka_unit_test(codes_of_what_can_be_told_are_shorter),
        cmocka_unit_test(what_is_noise_is_memorised_not_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
