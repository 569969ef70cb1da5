/* DirectProbe against the protocol carried out word by word, and on what is degenerate. */
#include "fineprobe/certificate.h"
#include "fineprobe/directprobe.h"
#include "fineprobe/hull.h"
#include "fineprobe/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef HAVE_GLPK
#include "lp_oracle.h"
#endif

enum { N = 60, D = 6, LABELS = 3, CASES = 150 };

typedef struct data {
    size_t n, d;
    float points[N * D];
    int32_t labels[N];
} data;

static void draw(uint64_t number, data *x) {
    fp_rng_key key = fp_rng_key_of(number, FP_RNG_DATA, 9, 0);
    x->n = 5 + fp_rng_below(key, 0, N - 4);
    x->d = 1 + fp_rng_below(key, 1, D);
    double apart = 4 * fp_rng_uniform(key, 2);
    int grid = number % 5 == 4;
    for (size_t i = 0; i < x->n; i++) {
        x->labels[i] = (int32_t)fp_rng_below(key, 1000 + i, LABELS);
        for (size_t k = 0; k < x->d; k++) {
            double at =
                fp_rng_normal(key, 2000 + i * D + k) + (k % LABELS == (size_t)x->labels[i] ? apart : 0);
            x->points[i * x->d + k] = (float)(grid ? round(2 * at) / 2 : at);
        }
    }
}

static fp_directprobe_result run(const data *x, size_t small) {
    fp_error error = {0};
    fp_directprobe_settings settings = fp_directprobe_defaults();
    settings.small = small;
    fp_directprobe_result result;
    if (fp_directprobe(x->n, x->d, x->points, x->labels, LABELS, &settings, NULL, NULL, &result, &error) < 0)
        fail_msg("%s", error.text);
    return result;
}

static int hulls_meet(const data *x, fp_hull_set a, fp_hull_set b) {
#ifdef HAVE_GLPK
    return lp_hulls_meet(x->d, a, b);
#else
    fp_error error = {0};
    fp_hull_settings settings = fp_hull_defaults();
    fp_hull_answer answer;
    fp_hull_solver *solver = fp_hull_create(x->d, &error);
    assert_int_equal(fp_hull_solve(solver, a, b, NULL, &settings, &answer, &error), 0);
    fp_hull_destroy(solver);
    return answer.verdict == FP_HULL_OVERLAP;
#endif
}

/* The protocol's words: cluster by cluster, centroids from the points, every union against every other
 * cluster. */
static size_t gather(const data *x, const uint32_t *of, uint32_t a, uint32_t b, uint32_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++)
        if (of[i] == a || of[i] == b)
            out[n++] = (uint32_t)i;
    return n;
}

static double centroid_distance(const data *x, const uint32_t *of, uint32_t a, uint32_t b) {
    double sum = 0;
    for (size_t k = 0; k < x->d; k++) {
        double mean[2] = {0, 0}, count[2] = {0, 0};
        for (size_t i = 0; i < x->n; i++)
            for (int s = 0; s < 2; s++)
                if (of[i] == (s ? b : a)) {
                    mean[s] += x->points[i * x->d + k];
                    count[s]++;
                }
        sum += pow(mean[0] / count[0] - mean[1] / count[1], 2);
    }
    return sum;
}

static int allowed(const data *x, const uint32_t *of, uint32_t a, uint32_t b) {
    uint32_t joined[N], other[N];
    size_t n = gather(x, of, a, b, joined);
    for (uint32_t c = 0; c < x->n; c++) {
        if (of[c] != c || x->labels[c] == x->labels[a])
            continue;
        size_t m = gather(x, of, c, c, other);
        if (hulls_meet(x, (fp_hull_set){x->points, joined, n}, (fp_hull_set){x->points, other, m}))
            return 0;
    }
    return 1;
}

/* OF[i]: first point of i's cluster. */
static void cluster_by_the_words(const data *x, uint32_t *of) {
    static unsigned char refused[N][N];
    memset(refused, 0, sizeof refused);
    for (size_t i = 0; i < x->n; i++)
        of[i] = (uint32_t)i;
    for (;;) {
        uint32_t a = 0, b = 0;
        double best = INFINITY;
        for (uint32_t j = 0; j < x->n; j++)
            for (uint32_t i = 0; i < j; i++) {
                if (of[i] != i || of[j] != j || x->labels[i] != x->labels[j] || refused[i][j])
                    continue;
                double d = centroid_distance(x, of, i, j);
                if (d < best * (1 - 1e-12)) {
                    best = d;
                    a = i;
                    b = j;
                }
            }
        if (a == b)
            return;
        if (!allowed(x, of, a, b)) {
            refused[a][b] = 1;
            continue;
        }
        for (size_t i = 0; i < x->n; i++)
            of[i] = of[i] == b ? a : of[i];
        for (size_t i = 0; i < a;
             i++) /* a new cluster: its pairs are new, but their unions hold the refused ones */
            refused[i][a] = refused[i][a] || refused[i][b];
        for (size_t j = a + 1; j < x->n; j++)
            refused[a][j] = refused[a][j] || (j < b ? refused[j][b] : refused[b][j]);
    }
}

static void partitions_follow_the_protocol(void **state) {
    (void)state;
    size_t several = 0;
    for (uint64_t number = 0; number < CASES; number++) {
        /* On a grid, equal distances make the order of merges a matter of convention. */
        if (number % 5 == 4)
            continue;
        data x;
        uint32_t of[N] = {0};
        draw(number, &x);
        cluster_by_the_words(&x, of);
        fp_directprobe_result result = run(&x, 0);
        for (size_t i = 0; i < x.n; i++)
            if (result.cluster_of[i] != result.cluster_of[of[i]] ||
                (of[i] == i && i && result.cluster_of[i] == result.cluster_of[0]))
                fail_msg("case %zu, point %zu", (size_t)number, i);
        size_t clusters = 0;
        for (size_t i = 0; i < x.n; i++)
            clusters += of[i] == i;
        assert_int_equal(clusters, result.n_clusters);
        assert_int_equal(result.undecided, 0);
        several += !result.linear;
        fp_directprobe_free(&result);
    }
    assert_true(several > CASES / 4);
}

/* Whatever the order: clusters of different labels are apart unless they are single points on one another,
 * and what is left cannot be merged. */
static void clusters_are_apart_and_final(void **state) {
    (void)state;
    for (uint64_t number = 0; number < CASES; number++) {
        data x;
        draw(number, &x);
        fp_directprobe_result r = run(&x, 0);
        uint32_t of[N] = {0}, first[N] = {0}, joined[N], other[N];
        for (size_t i = x.n; i-- > 0;)
            first[r.cluster_of[i]] = (uint32_t)i;
        for (size_t i = 0; i < x.n; i++)
            of[i] = first[r.cluster_of[i]];
        for (size_t a = 0; a < r.n_clusters; a++)
            for (size_t b = 0; b < a; b++) {
                if (r.clusters[a].label == r.clusters[b].label) {
                    assert_false(allowed(&x, of, first[b], first[a]));
                    continue;
                }
                size_t n = gather(&x, of, first[a], first[a], joined),
                       m = gather(&x, of, first[b], first[b], other);
                int meet =
                    hulls_meet(&x, (fp_hull_set){x.points, joined, n}, (fp_hull_set){x.points, other, m});
                assert_true(!meet || (n == 1 && m == 1));
                assert_true(meet == (r.cluster_distances[a * r.n_clusters + b] < 1e-9));
            }
        fp_directprobe_free(&r);
    }
}

static fp_certificates_check verify(const data *x, const fp_directprobe_result *r) {
    fp_error error = {0};
    fp_partition partition = {.n = x->n,
                              .d = x->d,
                              .n_labels = LABELS,
                              .n_clusters = r->n_clusters,
                              .points = x->points,
                              .labels = x->labels,
                              .cluster_of = (const int32_t *)r->cluster_of,
                              .gap = 1e-5};
    fp_certificates_check check = {0};
    if (fp_certificates_verify(&r->certificates, &partition, &check, &error) < 0)
        fail_msg("%s", error.text);
    return check;
}

static fp_directprobe_result run_certified(const data *x, size_t certificates, size_t support) {
    fp_error error = {0};
    fp_directprobe_settings settings = fp_directprobe_defaults();
    settings.certificates = certificates;
    settings.support = support;
    fp_directprobe_result result;
    if (fp_directprobe(x->n, x->d, x->points, x->labels, LABELS, &settings, NULL, NULL, &result, &error) < 0)
        fail_msg("%s", error.text);
    return result;
}

/* Pairs that need a certificate: of two labels and not both of one point, or of one label. */
static size_t verdicts(const fp_directprobe_result *r) {
    size_t n = 0;
    for (size_t a = 0; a < r->n_clusters; a++)
        for (size_t b = 0; b < a; b++)
            n += r->clusters[a].label == r->clusters[b].label || r->clusters[a].size > 1 ||
                 r->clusters[b].size > 1;
    return n;
}

static void every_verdict_can_be_checked(void **state) {
    (void)state;
    size_t apart = 0, met = 0;
    for (uint64_t number = 0; number < CASES; number++) {
        data x;
        draw(number, &x);
        fp_directprobe_result r = run_certified(&x, 20000, 200000);
        fp_certificates_check check = verify(&x, &r);
        if (check.bad)
            fail_msg("case %zu: %s", (size_t)number, check.first_bad.text);
        assert_int_equal(check.checked, verdicts(&r));
        assert_int_equal(r.certificates.left_out, 0);
        assert_true(check.largest_gap <= 1e-5);
        for (size_t i = 0; i < r.certificates.n; i++)
            *(r.certificates.items[i].third < 0 ? &apart : &met) += 1;
        fp_directprobe_free(&r);
    }
    assert_true(apart > CASES && met > CASES);
}

static void certificates_without_room_are_counted(void **state) {
    (void)state;
    data x;
    draw(7, &x);
    fp_directprobe_result all = run_certified(&x, 20000, 200000), few = run_certified(&x, 9, 12);
    assert_true(few.certificates.n <= 9 && few.certificates.n_support <= 12);
    assert_int_equal(few.certificates.n + few.certificates.left_out, verdicts(&all));
    assert_int_equal(verify(&x, &few).bad, 0);
    fp_directprobe_free(&all);
    fp_directprobe_free(&few);
}

static void false_certificates_are_found(void **state) {
    (void)state;
    data x;
    draw(7, &x);
    fp_directprobe_result r = run_certified(&x, 20000, 200000);
    fp_certificates *all = &r.certificates;
    for (size_t i = 0; i < all->n; i++) {
        fp_certificate *c = all->items + i, was = *c;
        c->distance *= 1.001;
        assert_int_equal(verify(&x, &r).bad, c->third < 0);
        *c = was;
        c->second = c->first;
        assert_int_equal(verify(&x, &r).bad, 1);
        *c = was;
        c->third = c->third < 0 ? (c->second + 1) % (int32_t)r.n_clusters : -1;
        assert_int_equal(verify(&x, &r).bad, 1);
        *c = was;
        c->begin += (int64_t)all->n_support;
        assert_int_equal(verify(&x, &r).bad, 1);
        *c = was;
        all->weights[c->begin] += 1e-6;
        assert_int_equal(verify(&x, &r).bad, 1);
        all->weights[c->begin] -= 1e-6;
    }
    x.points[x.d * (size_t)all->points[0]] += 100; /* other vectors than were probed */
    assert_true(verify(&x, &r).bad > 0);
    fp_directprobe_free(&r);
}

static void expect_same(const fp_directprobe_result *a, const fp_directprobe_result *b) {
    size_t labels = a->n_labels, clusters = a->n_clusters;
    assert_int_equal(a->n_clusters, b->n_clusters);
    assert_int_equal(a->solver_calls, b->solver_calls);
    assert_memory_equal(&a->largest_gap, &b->largest_gap, sizeof a->largest_gap);
    assert_memory_equal(a->cluster_of, b->cluster_of, a->n_points * sizeof *a->cluster_of);
    assert_memory_equal(a->label_distances, b->label_distances, labels * labels * sizeof(double));
    assert_memory_equal(a->cluster_distances, b->cluster_distances, clusters * clusters * sizeof(double));
    assert_memory_equal(a->centroids, b->centroids, labels * a->dimension * sizeof(double));
    const fp_certificates *c = &a->certificates, *e = &b->certificates;
    assert_true(c->n > 0 && c->n == e->n && c->n_support == e->n_support);
    for (size_t i = 0; i < c->n; i++)
        assert_true(c->items[i].first == e->items[i].first && c->items[i].distance == e->items[i].distance);
    assert_memory_equal(c->points, e->points, c->n_support * sizeof *c->points);
    assert_memory_equal(c->weights, e->weights, c->n_support * sizeof *c->weights);
}

/* Also with several threads. */
static void the_same_bits_every_time(void **state) {
    (void)state;
    enum { WIDE = 80, MANY = 400, KINDS = 5 };
    static float points[MANY * WIDE];
    int32_t labels[MANY];
    fp_error error = {0};
    for (uint64_t number = 0; number < 4; number++) {
        fp_rng_key key = fp_rng_key_of(number, FP_RNG_DATA, 11, 0);
        size_t d = number % 2 ? WIDE : 7;
        for (size_t i = 0; i < MANY; i++) {
            labels[i] = (int32_t)fp_rng_below(key, i, KINDS);
            for (size_t k = 0; k < d; k++)
                points[i * d + k] = (float)(fp_rng_normal(key, MANY + i * WIDE + k) +
                                            (k == (size_t)labels[i] ? 1.0 + (double)number : 0));
        }
        fp_directprobe_settings settings = fp_directprobe_defaults();
        settings.certificates = 20;
        settings.support = 400;
        fp_directprobe_result one, several;
        assert_int_equal(fp_directprobe(MANY, d, points, labels, KINDS, &settings, NULL, NULL, &one, &error),
                         0);
        for (settings.threads = 1; settings.threads < 5; settings.threads++) {
            assert_int_equal(
                fp_directprobe(MANY, d, points, labels, KINDS, &settings, NULL, NULL, &several, &error), 0);
            expect_same(&one, &several);
            fp_directprobe_free(&several);
        }
        fp_directprobe_free(&one);
    }
}

static void numbers_of_a_small_case(void **state) {
    (void)state;
    /* Two squares of side 2, 3 apart, and a point of a third label 1 above the second. */
    data x = {.n = 9,
              .d = 2,
              .points = {0, 0, 2, 0, 0, 2, 2, 2, 5, 0, 7, 0, 5, 2, 7, 2, 6, 3},
              .labels = {0, 0, 0, 0, 1, 1, 1, 1, 2}};
    fp_directprobe_result r = run(&x, 0);
    assert_int_equal(r.linear, 1);
    assert_int_equal(r.n_clusters, 3);
    assert_true(fabs(r.label_distances[1] - 3) < 1e-9 && fabs(r.label_distances[5] - 1) < 1e-9);
    assert_true(r.label_distances[1] == r.label_distances[3] && isnan(r.label_distances[0]));
    assert_true(fabs(r.minimum_distances[0] - 3) < 1e-9 && fabs(r.minimum_distances[1] - 1) < 1e-9);
    assert_true(r.centroids[0] == 1 && r.centroids[1] == 1 && r.centroids[4] == 6);
    assert_true(fabs(r.clusters[0].mean_distance - sqrt(2)) < 1e-12 && r.clusters[2].max_distance == 0);
    assert_int_equal(r.clusters[1].size, 4);
    fp_directprobe_free(&r);
    r = run(&x, 1); /* the single point stands aside */
    assert_true(isnan(r.label_distances[5]) && isnan(r.minimum_distances[2]));
    assert_true(fabs(r.minimum_distances[1] - 3) < 1e-9);
    fp_directprobe_free(&r);
}

static void conflicts_stay_alone(void **state) {
    (void)state;
    data x = {.n = 6, .d = 1, .points = {0, 1, 5, 5, 6, -0.0F}, .labels = {0, 0, 0, 1, 1, 0}};
    fp_directprobe_result r = run(&x, 0);
    const uint32_t expected[] = {0, 0, 1, 2, 3, 0};
    assert_memory_equal(r.cluster_of, expected, sizeof expected);
    assert_int_equal(r.linear, 0);
    assert_true(r.cluster_distances[1 * 4 + 2] == 0 && r.cluster_distances[0 * 4 + 3] == 5);
    fp_directprobe_free(&r);
}

/* Two labels of one and the same point each: as many clusters as labels, and not separable. */
static void coinciding_points_are_not_linear(void **state) {
    (void)state;
    const float points[] = {1, 2, 1, 2};
    const int32_t labels[] = {0, 1};
    fp_directprobe_settings settings = fp_directprobe_defaults();
    fp_directprobe_result r;
    fp_error error = {0};
    assert_int_equal(fp_directprobe(2, 2, points, labels, 2, &settings, NULL, NULL, &r, &error), 0);
    assert_int_equal(r.n_clusters, 2);
    assert_int_equal(r.linear, 0);
    assert_int_equal(r.touching, 1);
    assert_true(r.label_distances[1] == 0);
    fp_directprobe_free(&r);
}

static void degenerate_inputs_have_results(void **state) {
    (void)state;
    data one_label = {.n = 3, .d = 2, .points = {0, 0, 1, 1, 2, 0}, .labels = {1, 1, 1}};
    fp_directprobe_result r = run(&one_label, 0);
    assert_true(r.n_clusters == 1 && r.linear && r.n_present == 1 && isnan(r.minimum_distances[1]));
    assert_true(isnan(r.centroids[0]) && r.centroids[2] == 1);
    fp_directprobe_free(&r);
    data constant = {.n = 4, .d = 3, .points = {1, 7, 0, 2, 7, 0, 5, 7, 0, 6, 7, 0}, .labels = {0, 0, 2, 2}};
    r = run(&constant, 0);
    assert_true(r.linear && fabs(r.label_distances[2] - 3) < 1e-9);
    fp_directprobe_free(&r);
    data single = {.n = 1, .d = 1, .points = {3}, .labels = {0}};
    r = run(&single, 0);
    assert_true(r.linear && r.n_clusters == 1 && r.clusters[0].max_distance == 0);
    fp_directprobe_free(&r);
}

/* Neither does a number that all points have in common, however large. */
static void place_does_not_matter(void **state) {
    (void)state;
    for (uint64_t number = 0; number < 20; number++) {
        data x, more;
        draw(number, &x);
        if (x.d == D)
            continue;
        fp_directprobe_result plain = run(&x, 0);
        for (int power = -60; power <= 120; power += 60) {
            more = (data){.n = x.n, .d = x.d + 1};
            memcpy(more.labels, x.labels, sizeof x.labels);
            for (size_t i = 0; i < x.n; i++) {
                memcpy(more.points + i * more.d, x.points + i * x.d, x.d * sizeof(float));
                more.points[i * more.d + x.d] = ldexpf(number % 2 ? -1 : 1, power);
            }
            fp_directprobe_result r = run(&more, 0);
            assert_int_equal(r.undecided, 0);
            assert_memory_equal(r.cluster_of, plain.cluster_of, x.n * sizeof *r.cluster_of);
            for (size_t i = 0; i < LABELS * LABELS; i++)
                assert_true(isnan(plain.label_distances[i])
                                ? isnan(r.label_distances[i])
                                : fabs(r.label_distances[i] - plain.label_distances[i]) <=
                                      1e-5 * plain.label_distances[i]);
            for (size_t y = 0; y < LABELS; y++)
                assert_true(isnan(plain.centroids[y * x.d]) ||
                            r.centroids[y * more.d + x.d] == ldexp(number % 2 ? -1 : 1, power));
            fp_directprobe_free(&r);
        }
        fp_directprobe_free(&plain);
    }
}

static void scale_does_not_matter(void **state) {
    (void)state;
    for (uint64_t number = 0; number < 20; number++) {
        data x, scaled;
        draw(number, &x);
        fp_directprobe_result plain = run(&x, 0);
        for (int power = -90; power <= 90; power += 60) {
            scaled = x;
            for (size_t i = 0; i < x.n * x.d; i++)
                scaled.points[i] = ldexpf(x.points[i], power);
            fp_directprobe_result r = run(&scaled, 0);
            assert_memory_equal(r.cluster_of, plain.cluster_of, x.n * sizeof *r.cluster_of);
            fp_directprobe_free(&r);
        }
        fp_directprobe_free(&plain);
    }
}

static void expect_error(const data *x, size_t n_labels, double gap, const char *text) {
    fp_error error = {0};
    fp_directprobe_settings settings = fp_directprobe_defaults();
    settings.gap = gap;
    fp_directprobe_result result;
    assert_int_equal(
        fp_directprobe(x->n, x->d, x->points, x->labels, n_labels, &settings, NULL, NULL, &result, &error),
        -1);
    if (!strstr(error.text, text))
        fail_msg("\"%s\" does not say \"%s\"", error.text, text);
}

static void bad_inputs_are_named(void **state) {
    (void)state;
    data x = {.n = 3, .d = 2, .points = {0, 0, 1, NAN, 2, 0}, .labels = {0, 0, 1}};
    expect_error(&x, 2, 1e-5, "row 1, column 1");
    x.points[3] = INFINITY;
    expect_error(&x, 2, 1e-5, "row 1, column 1 is inf");
    x.points[3] = 0;
    expect_error(&x, 1, 1e-5, "row 2 has label 1");
    expect_error(&x, 0, 1e-5, "label");
    expect_error(&x, 2, 0, "gap");
    expect_error(&x, 2, NAN, "gap");
    x.labels[0] = -1;
    expect_error(&x, 2, 1e-5, "row 0 has label -1");
    x.n = 0;
    expect_error(&x, 2, 1e-5, "at least one");
}

static void note_share(void *context, double share) {
    double *last = context;
    assert_true(share >= *last && share <= 1);
    *last = share;
}

static void progress_rises_to_one(void **state) {
    (void)state;
    fp_error error = {0};
    fp_directprobe_settings settings = fp_directprobe_defaults();
    for (uint64_t number = 0; number < 10; number++) {
        data x;
        double last = 0;
        draw(number, &x);
        fp_directprobe_result result;
        assert_int_equal(fp_directprobe(x.n, x.d, x.points, x.labels, LABELS, &settings, note_share, &last,
                                        &result, &error),
                         0);
        assert_true(last == 1);
        fp_directprobe_free(&result);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_follow_the_protocol),
        cmocka_unit_test(clusters_are_apart_and_final),
        cmocka_unit_test(every_verdict_can_be_checked),
        cmocka_unit_test(certificates_without_room_are_counted),
        cmocka_unit_test(false_certificates_are_found),
        cmocka_unit_test(the_same_bits_every_time),
        cmocka_unit_test(numbers_of_a_small_case),
        cmocka_unit_test(conflicts_stay_alone),
        cmocka_unit_test(degenerate_inputs_have_results),
        cmocka_unit_test(coinciding_points_are_not_linear),
        cmocka_unit_test(scale_does_not_matter),
        cmocka_unit_test(place_does_not_matter),
        cmocka_unit_test(bad_inputs_are_named),
        cmocka_unit_test(progress_rises_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
