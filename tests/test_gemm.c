/* Matrix products: every instruction set against the reference, and the same bits wherever they are cut. */
#include "fineprobe/rng.h"
#include "math/gemm.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct shape {
    size_t m, n, k;
} shape;

/* Below, at and above the sizes of tiles and panels. */
static const shape SHAPES[] = {{1, 1, 1},    {7, 3, 9},     {14, 32, 16},   {15, 33, 17},   {25, 25, 64},
                               {13, 64, 25}, {3, 500, 400}, {131, 45, 385}, {29, 400, 770}, {5, 6, 0}};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES, GAP = 5 /* between rows, never touched */ };

typedef struct operands {
    size_t numbers_y;
    float *a, *b, *y, *bias, *room;
    fp_product product;
} operands;

static float *draw(size_t n, uint64_t stream) {
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)fp_rng_normal(fp_rng_key_of(5, FP_RNG_DATA, stream, 0), i);
    return x;
}

/* WAY 0 .. 7: A turned, B turned, added or with a bias. Exactly as large as they must be: reading past an end
 * is a fault under AddressSanitizer. */
static operands make(shape s, int way) {
    int a_turned = way & 1, b_turned = way >> 1 & 1, add = way >> 2 & 1;
    size_t a_rows = a_turned ? s.k : s.m, a_columns = a_turned ? s.m : s.k;
    size_t b_rows = b_turned ? s.n : s.k, b_columns = b_turned ? s.k : s.n;
    operands o = {.numbers_y = s.m * (s.n + GAP)};
    o.a = draw(a_rows * a_columns, 1);
    o.b = draw(b_rows * b_columns, 2);
    o.y = draw(o.numbers_y, 3);
    o.bias = draw(s.n, 4);
    o.room = aligned_alloc(64, FP_PRODUCT_ROOM * sizeof *o.room);
    o.product = (fp_product){.m = s.m,
                             .n = s.n,
                             .k = s.k,
                             .a = {o.a, a_columns},
                             .b = {o.b, b_columns},
                             .a_turned = a_turned,
                             .b_turned = b_turned,
                             .add = add,
                             .bias = add ? NULL : o.bias,
                             .y = o.y,
                             .stride = s.n + GAP};
    return o;
}

static void clear(operands *o) {
    free(o->a);
    free(o->b);
    free(o->y);
    free(o->bias);
    free(o->room);
}

static void products_agree_with_the_reference(void **state) {
    (void)state;
    const fp_kernels *usable[3];
    size_t n = fp_kernels_usable(usable);
    for (size_t t = 0; t < n; t++)
        for (int i = 0; i < N_SHAPES * 8; i++) {
            shape s = SHAPES[i / 8];
            operands ours = make(s, i % 8), exact = make(s, i % 8);
            usable[t]->product(&ours.product, (fp_area){0, s.m, 0, s.n}, ours.room);
            fp_kernels_reference.product(&exact.product, (fp_area){0, s.m, 0, s.n}, NULL);
            for (size_t e = 0; e < ours.numbers_y; e++) {
                int gap = e % (s.n + GAP) >= s.n;
                double bound = gap ? 0 : 4e-6 * (1 + sqrt((double)s.k));
                if (!(fabs((double)ours.y[e] - exact.y[e]) <= bound))
                    fail_msg("%s, %zu x %zu x %zu, way %d, number %zu: %g, the reference has %g",
                             usable[t]->name, s.m, s.n, s.k, i % 8, e, (double)ours.y[e], (double)exact.y[e]);
            }
            clear(&ours);
            clear(&exact);
        }
}

static void cuts_change_no_bit(void **state) {
    (void)state;
    const fp_kernels *usable[3];
    size_t n = fp_kernels_usable(usable);
    for (size_t t = 0; t < n; t++)
        for (int i = 0; i < N_SHAPES * 8; i++) {
            shape s = SHAPES[i / 8];
            operands whole = make(s, i % 8), cut = make(s, i % 8);
            usable[t]->product(&whole.product, (fp_area){0, s.m, 0, s.n}, whole.room);
            size_t rows = s.m / 3 + 1, columns = s.n / 2 + 1;
            for (size_t r = 0; r < s.m; r += rows)
                for (size_t c = 0; c < s.n; c += columns)
                    usable[t]->product(&cut.product,
                                       (fp_area){r, rows < s.m - r ? rows : s.m - r, c,
                                                 columns < s.n - c ? columns : s.n - c},
                                       cut.room);
            assert_memory_equal(whole.y, cut.y, whole.numbers_y * sizeof(float));
            clear(&whole);
            clear(&cut);
        }
}

static void threads_change_no_bit(void **state) {
    (void)state;
    for (int way = 0; way < 8; way++)
        for (int by_columns = 0; by_columns < 2; by_columns++) {
            shape s = {200, 150, 300};
            operands one = make(s, way);
            fp_team *alone = fp_team_create(1, NULL);
            fp_gemm(alone, &one.product);
            for (int threads = 2; threads <= 5; threads++) {
                operands many = make(s, way);
                fp_team *team = fp_team_create(threads, NULL);
                many.product.sums_columns = by_columns;
                fp_gemm(team, &many.product);
                assert_memory_equal(one.y, many.y, one.numbers_y * sizeof(float));
                fp_team_free(team);
                clear(&many);
            }
            fp_team_free(alone);
            clear(&one);
        }
}

typedef struct seen {
    size_t columns, *rows_of; /* rows that a column had so far, to be seen in turn */
    int out_of_turn;
} seen;

static void see(void *context, fp_area part) {
    seen *s = context;
    for (size_t c = part.column; c < part.column + part.columns; c++) {
        s->out_of_turn |= s->rows_of[c] != part.row;
        s->rows_of[c] += part.rows;
    }
}

static void finishing_sees_every_number_once_and_columns_in_turn(void **state) {
    (void)state;
    shape s = {900, 150, 800};
    operands o = make(s, 2);
    seen all = {s.n, calloc(s.n, sizeof(size_t)), 0};
    fp_team *team = fp_team_create(3, NULL);
    o.product.finish = see;
    o.product.context = &all;
    o.product.sums_columns = 1;
    fp_gemm(team, &o.product);
    assert_false(all.out_of_turn);
    for (size_t c = 0; c < s.n; c++)
        assert_int_equal(all.rows_of[c], s.m);
    fp_team_free(team);
    free(all.rows_of);
    clear(&o);
}

static void count(void *context, size_t part, int thread) {
    assert_true(thread >= 0 && thread < 4);
    __atomic_fetch_add((int *)context + part, 1, __ATOMIC_RELAXED);
}

static void a_team_does_every_part_once(void **state) {
    (void)state;
    fp_team *team = fp_team_create(4, NULL);
    for (size_t n = 0; n < 300; n++) {
        int done[300] = {0};
        fp_team_run(team, n, count, done);
        for (size_t i = 0; i < 300; i++)
            assert_int_equal(done[i], i < n);
    }
    fp_team_free(team);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_agree_with_the_reference),
        cmocka_unit_test(cuts_change_no_bit),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(finishing_sees_every_number_once_and_columns_in_turn),
        cmocka_unit_test(a_team_does_every_part_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
