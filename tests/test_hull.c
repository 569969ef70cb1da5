/* Hull questions: certificates, verdicts against linear programming, distances against a support vector
 * machine.
 */
#include "fineprobe/hull.h"
#include "fineprobe/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef HAVE_GLPK
#include "lp_oracle.h"
#endif
#ifdef HAVE_LIBSVM
#include <libsvm/svm.h>
#endif

enum { MOST_D = 12, MOST_N = 30, CASES = 1000 };

typedef struct random_case {
    size_t d;
    float points[2 * MOST_N * MOST_D];
    uint32_t index[2][MOST_N];
    fp_hull_set a, b;
} random_case;

/* Sets of random sizes and shapes: clouds at random distances; every fourth case on a coarse grid, with
 * points on points and hulls that touch. */
static void draw(uint64_t number, random_case *c) {
    fp_rng_key key = fp_rng_key_of(number, FP_RNG_DATA, 8, 0);
    c->d = 1 + fp_rng_below(key, 0, MOST_D);
    size_t n = 1 + fp_rng_below(key, 1, MOST_N), m = 1 + fp_rng_below(key, 2, MOST_N);
    double apart = 3 * fp_rng_uniform(key, 3);
    int grid = number % 4 == 3;
    for (size_t i = 0; i < n + m; i++)
        for (size_t k = 0; k < c->d; k++) {
            double x = fp_rng_normal(key, 4 + i * c->d + k) + (i < n ? apart : 0);
            c->points[i * c->d + k] = (float)(grid ? round(x) : x);
        }
    for (size_t i = 0; i < n; i++)
        c->index[0][i] = (uint32_t)i;
    for (size_t i = 0; i < m; i++)
        c->index[1][i] = (uint32_t)(n + i);
    c->a = (fp_hull_set){c->points, c->index[0], n};
    c->b = (fp_hull_set){c->points, c->index[1], m};
}

static double extent(const random_case *c) {
    double largest = 0;
    for (size_t i = 0; i < (c->a.count + c->b.count) * c->d; i++)
        largest = fmax(largest, fabs((double)c->points[i]));
    return largest;
}

static fp_hull_answer ask(fp_hull_solver *solver, const random_case *c, double gap) {
    fp_error error = {0};
    fp_hull_settings settings = fp_hull_defaults();
    settings.gap = gap;
    fp_hull_answer answer;
    assert_int_equal(fp_hull_solve(solver, c->a, c->b, NULL, &settings, &answer, &error), 0);
    return answer;
}

static void every_verdict_carries_its_certificate(void **state) {
    (void)state;
    fp_error error = {0};

    size_t count[3] = {0};
    for (uint64_t i = 0; i < CASES; i++) {
        random_case c;
        draw(i, &c);
        fp_hull_solver *solver = fp_hull_create(c.d, &error);
        for (int exact = 0; exact < 2; exact++) {
            fp_hull_answer answer = ask(solver, &c, exact ? 1e-8 : 0);
            count[answer.verdict]++;
            assert_int_equal(fp_hull_check(c.d, c.a, c.b, &answer, 0), 1);
            if (answer.verdict == FP_HULL_APART && exact)
                assert_true(answer.lower <= answer.upper && answer.lower >= (1 - 1e-8) * answer.upper);
        }
        fp_hull_destroy(solver);
    }
    assert_int_equal(count[FP_HULL_UNDECIDED], 0);
    assert_true(count[FP_HULL_APART] > CASES / 4 && count[FP_HULL_OVERLAP] > CASES / 4);
}

static void wrong_certificates_are_refused(void **state) {
    (void)state;
    fp_error error = {0};
    random_case c;
    fp_hull_answer answer = {0};
    for (uint64_t i = 0; i < 40; i++) {
        draw(i, &c);
        fp_hull_solver *solver = fp_hull_create(c.d, &error);
        answer = ask(solver, &c, 0);
        double normal[MOST_D], weight[MOST_D + 3] = {0};
        if (answer.verdict == FP_HULL_APART) {
            for (size_t k = 0; k < c.d; k++)
                normal[k] = -answer.normal[k];
            answer.normal = normal;
        } else {
            memcpy(weight, answer.weight, answer.n_support * sizeof *weight);
            weight[0] += 0.01;
            answer.weight = weight;
        }
        assert_int_equal(fp_hull_check(c.d, c.a, c.b, &answer, 0), 0);
        answer.verdict = FP_HULL_UNDECIDED;
        assert_int_equal(fp_hull_check(c.d, c.a, c.b, &answer, 0), 0);
        fp_hull_destroy(solver);
    }
}

static void verdicts_agree_with_linear_programming(void **state) {
    (void)state;
#ifdef HAVE_GLPK
    fp_error error = {0};
    size_t meet = 0;
    for (uint64_t i = 0; i < CASES; i++) {
        random_case c;
        draw(i, &c);
        fp_hull_solver *solver = fp_hull_create(c.d, &error);
        fp_hull_answer answer = ask(solver, &c, 1e-6);
        int lp = lp_hulls_meet(c.d, c.a, c.b);
        meet += (size_t)lp;
        if (lp != (answer.verdict == FP_HULL_OVERLAP) && !(lp && answer.upper < 1e-6 * extent(&c)))
            fail_msg("case %zu: linear programming says %d, distance %g .. %g", (size_t)i, lp, answer.lower,
                     answer.upper);
        fp_hull_destroy(solver);
    }
    assert_true(meet > CASES / 4 && meet < CASES * 3 / 4);
#else
    skip();
#endif
}

#ifdef HAVE_LIBSVM
static void be_quiet(const char *text) {
    (void)text;
}

/* Twice the margin of the separating hyperplane with the largest one. */
static double svm_distance(const random_case *c) {
    size_t n = c->a.count + c->b.count;
    struct svm_node *nodes = calloc(n * (c->d + 1), sizeof *nodes),
                    **rows = (struct svm_node **)calloc(n, sizeof(struct svm_node *));
    double *sides = calloc(n, sizeof *sides);
    assert_true(nodes && rows && sides);
    for (size_t i = 0; i < n; i++) {
        rows[i] = nodes + i * (c->d + 1);
        sides[i] = i < c->a.count ? 1 : -1;
        for (size_t k = 0; k < c->d; k++)
            rows[i][k] = (struct svm_node){(int)k + 1, c->points[i * c->d + k]};
        rows[i][c->d].index = -1;
    }
    struct svm_problem problem = {(int)n, sides, rows};
    struct svm_parameter settings = {
        .svm_type = C_SVC, .kernel_type = LINEAR, .cache_size = 10, .C = 1e9, .eps = 1e-7, .shrinking = 0};
    svm_set_print_string_function(be_quiet);
    struct svm_model *model = svm_train(&problem, &settings);
    double w[MOST_D] = {0}, length = 0;
    for (int i = 0; i < model->l; i++)
        for (size_t k = 0; k < c->d; k++)
            w[k] += model->sv_coef[0][i] * model->SV[i][k].value;
    for (size_t k = 0; k < c->d; k++)
        length += w[k] * w[k];
    svm_free_and_destroy_model(&model);
    free(nodes);
    free((void *)rows);
    free(sides);
    return 2 / sqrt(length);
}
#endif

static void distances_agree_with_a_support_vector_machine(void **state) {
    (void)state;
#ifdef HAVE_LIBSVM
    fp_error error = {0};
    size_t compared = 0;
    for (uint64_t i = 0; i < CASES; i++) {
        random_case c;
        draw(i, &c);
        fp_hull_solver *solver = fp_hull_create(c.d, &error);
        fp_hull_answer answer = ask(solver, &c, 1e-8);
        /* Closer ones take the machine's decomposition for ever. */
        if (answer.verdict == FP_HULL_APART && answer.upper > 0.05) {
            double svm = svm_distance(&c);
            /* LIBSVM keeps its kernel in single precision. */
            double tolerance = 1e-5 + 2e-7 * pow(extent(&c) / svm, 2);
            if (fabs(svm - answer.upper) > tolerance * svm)
                fail_msg("case %zu: %.9g, expected %.9g", (size_t)i, answer.upper, svm);
            compared++;
        }
        fp_hull_destroy(solver);
    }
    assert_true(compared > CASES / 4);
#else
    skip();
#endif
}

/* Two boxes of points whose facets face each other BETWEEN apart; in the facets' plane they lie across
 * one another. */
static void face_to_face(uint64_t number, double between, random_case *c) {
    fp_rng_key key = fp_rng_key_of(number, FP_RNG_DATA, 10, 0);
    c->d = 4 + number % 6;
    c->a = (fp_hull_set){c->points, c->index[0], MOST_N};
    c->b = (fp_hull_set){c->points, c->index[1], MOST_N};
    for (size_t i = 0; i < 2 * MOST_N; i++) {
        size_t side = i / MOST_N, at = i % MOST_N;
        c->index[side][at] = (uint32_t)i;
        float *x = c->points + i * c->d;
        for (size_t k = 1; k < c->d; k++)
            x[k] = (float)fp_rng_normal(key, i * MOST_D + k);
        double depth = at < MOST_N / 2 ? 0 : 1 + fp_rng_uniform(key, i * MOST_D);
        x[0] = (float)(side ? -depth : depth + between);
    }
}

static void nearly_touching_hulls_reach_the_gap(void **state) {
    (void)state;
    fp_error error = {0};
    for (uint64_t i = 0; i < 100; i++)
        for (int power = -8; power >= -28; power -= 4) {
            random_case c;
            double between = ldexp(1, power);
            face_to_face(i, between, &c);
            double resolution = fp_hull_resolution(fp_hull_extent(c.d, c.a, c.b));
            fp_hull_solver *solver = fp_hull_create(c.d, &error);
            fp_hull_answer answer = ask(solver, &c, 1e-8);
            assert_int_equal(fp_hull_check(c.d, c.a, c.b, &answer, 0), 1);
            /* At least; the facets may miss each other. */
            assert_true(answer.verdict == FP_HULL_APART || between <= resolution);
            if (answer.verdict == FP_HULL_APART)
                assert_true(answer.upper >= between * (1 - 1e-8) &&
                            answer.lower >= answer.upper * (1 - 1e-8));
            fp_hull_destroy(solver);
        }
}

static void scale_and_place_do_not_matter(void **state) {
    (void)state;
    fp_error error = {0};
    for (uint64_t i = 0; i < 200; i++) {
        random_case c, scaled;
        draw(i, &c);
        fp_hull_solver *solver = fp_hull_create(c.d, &error);
        fp_hull_answer plain = ask(solver, &c, 1e-8);
        fp_hull_verdict verdict = plain.verdict;
        double distance = plain.upper;
        for (int power = -100; power <= 100; power += 50) {
            draw(i, &scaled);
            for (size_t k = 0; k < (c.a.count + c.b.count) * c.d; k++)
                scaled.points[k] = ldexpf(scaled.points[k], power);
            fp_hull_answer answer = ask(solver, &scaled, 1e-8);
            assert_int_equal(answer.verdict, verdict);
            if (verdict == FP_HULL_APART)
                assert_true(fabs(ldexp(answer.upper, -power) - distance) <= 1e-9 * distance);
        }
        fp_hull_destroy(solver);
    }
}

static void starts_change_nothing_but_the_way(void **state) {
    (void)state;
    fp_error error = {0};
    fp_hull_settings settings = fp_hull_defaults();
    settings.gap = 1e-8;
    for (uint64_t i = 0; i < 200; i++) {
        random_case c;
        draw(i, &c);
        fp_hull_solver *solver = fp_hull_create(c.d, &error);
        fp_hull_answer first = ask(solver, &c, 1e-8), again;
        uint32_t support[MOST_D + 3];
        double normal[MOST_D];
        memcpy(support, first.support, first.n_support * sizeof *support);
        memcpy(normal, first.normal, c.d * sizeof *normal);
        fp_hull_start start = {normal, first.verdict == FP_HULL_APART, support, first.n_first,
                               first.n_support};
        assert_int_equal(fp_hull_solve(solver, c.a, c.b, &start, &settings, &again, &error), 0);
        assert_int_equal(again.verdict, first.verdict);
        assert_true(again.steps <= first.steps);
        assert_true(again.verdict != FP_HULL_APART || fabs(again.upper - first.upper) <= 1e-8 * first.upper);
        fp_hull_destroy(solver);
    }
}

/* Fewer points than dimensions: the way by pairwise steps. Expected: the active set's, which a start forces.
 */
static void far_sets_in_many_dimensions(void **state) {
    (void)state;
    enum { WIDE = 120, FEW = 50 };
    static float points[2 * FEW * WIDE];
    fp_error error = {0};
    fp_hull_solver *solver = fp_hull_create(WIDE, &error);
    fp_hull_settings settings = fp_hull_defaults();
    settings.gap = 1e-5;
    uint32_t second[FEW];
    for (uint32_t i = 0; i < FEW; i++)
        second[i] = FEW + i;
    for (int power = -120; power <= 100; power += 110) {
        fp_rng_key key = fp_rng_key_of(5, FP_RNG_DATA, 0, 0);
        for (size_t i = 0; i < 2 * FEW * WIDE; i++)
            points[i] =
                ldexpf((float)(fp_rng_normal(key, i) + (i % WIDE == 0 && i / WIDE < FEW ? 12 : 0)), power);
        fp_hull_set a = {points, NULL, FEW}, b = {points, second, FEW};
        fp_hull_answer answer;
        assert_int_equal(fp_hull_solve(solver, a, b, NULL, &settings, &answer, &error), 0);
        assert_int_equal(fp_hull_check(WIDE, a, b, &answer, 0), 1);
        assert_true(answer.lower >= (1 - 1e-5) * answer.upper && answer.steps == 0);
        double distance = answer.upper, none[WIDE] = {0, 1};
        fp_hull_start start = {.directions = none, .n_directions = 1}; /* parts nothing */
        assert_int_equal(fp_hull_solve(solver, a, b, &start, &settings, &answer, &error), 0);
        assert_true(answer.steps > 0 && fabs(answer.upper - distance) <= 1e-5 * distance);
    }
    fp_hull_destroy(solver);
}

static void empty_sets_are_refused(void **state) {
    (void)state;
    fp_error error = {0};
    float x[] = {1, 2};
    fp_hull_settings settings = fp_hull_defaults();
    fp_hull_answer answer;
    fp_hull_solver *solver = fp_hull_create(2, &error);
    fp_hull_set one = {x, NULL, 1}, none = {x, NULL, 0};
    assert_int_equal(fp_hull_solve(solver, one, none, NULL, &settings, &answer, &error), -1);
    assert_true(error.text[0] != 0);
    assert_int_equal(fp_hull_solve(solver, one, one, NULL, &settings, &answer, &error), 0);
    assert_int_equal(answer.verdict, FP_HULL_OVERLAP);
    fp_hull_destroy(solver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_carries_its_certificate),
        cmocka_unit_test(wrong_certificates_are_refused),
        cmocka_unit_test(verdicts_agree_with_linear_programming),
        cmocka_unit_test(distances_agree_with_a_support_vector_machine),
        cmocka_unit_test(nearly_touching_hulls_reach_the_gap),
        cmocka_unit_test(scale_and_place_do_not_matter),
        cmocka_unit_test(starts_change_nothing_but_the_way),
        cmocka_unit_test(far_sets_in_many_dimensions),
        cmocka_unit_test(empty_sets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
