/* The paper's conclusions on sweeps whose answers are known: every one holds, none does, and what cannot be
 * tested is said to be so. */
#include "planted.h"
#include "report/conclusion.h"
#include <unistd.h>

static char folder[] = "/tmp/fineprobe-conclusions-XXXXXX";

typedef struct concluded {
    fp_findings findings;
    fp_conclusion conclusions[FP_N_CONCLUSIONS];
} concluded;

static const fp_choices no_choices = {0};

static concluded conclude(const planted *p, const fp_choices *choices) {
    char *path = fp_path_join(folder, "planted.h5", NULL);
    concluded out;
    plant(path, p);
    p_must(fp_findings_read(path, 1e9, &out.findings, &p_error));
    p_must(fp_conclude(&out.findings, choices, out.conclusions, &p_error));
    free(path);
    return out;
}

static void release(concluded *c) {
    fp_conclusions_free(c->conclusions);
    fp_findings_free(&c->findings);
}

static const fp_part *part_of(const concluded *c, char letter, int part) {
    return &c->conclusions[letter - 'a'].parts[part];
}

static void expect_cases(const concluded *c, char letter, int part, size_t held, size_t cases) {
    const fp_part *p = part_of(c, letter, part);
    if (p->held != held || p->n_cases != cases)
        fail_msg("%c, part %d: %zu of %zu cases hold, not %zu of %zu", letter, part, p->held, p->n_cases,
                 held, cases);
}

static void expect_all(const concluded *c, fp_verdict verdict) {
    for (int i = 0; i < FP_N_CONCLUSIONS; i++)
        if (c->conclusions[i].verdict != verdict)
            fail_msg("%c: '%s'", 'a' + i, fp_verdict_text(c->conclusions[i].verdict));
}

static void all_hold(void **state) {
    (void)state;
    concluded c = conclude(&(planted){.seeds = 1}, &no_choices);
    expect_all(&c, FP_HOLDS);
    expect_cases(&c, 'a', 0, 3, 3); /* the large model's tasks; the small one is not linear before */
    expect_cases(&c, 'b', 0, 6, 6);
    expect_cases(&c, 'c', 0, 6, 6);
    expect_cases(&c, 'd', 0, 3, 3); /* the small model's */
    expect_cases(&c, 'e', 0, 48, 48);
    expect_cases(&c, 'f', 0, 2, 2);
    expect_cases(&c, 'f', 1, 2, 2);
    expect_cases(&c, 'f', 2, 4, 4);
    expect_cases(&c, 'g', 0, 6, 6);
    for (int part = 0; part < 3; part++)
        expect_cases(&c, 'h', part, 3, 3);
    expect_cases(&c, 'i', 0, 6, 6);
    expect_cases(&c, 'i', 1, 6, 6);
    assert_float_equal(part_of(&c, 'd', 0)->effect, 1, 1e-12);
    assert_float_equal(part_of(&c, 'e', 0)->effect, 1, 1e-12);
    /* own change: 1 + 0.1 x mean label + 0.01 = 1.36; related: 0.5; opposing: -0.25 */
    assert_float_equal(part_of(&c, 'f', 0)->effect, 1.36 - 0.5, 1e-12);
    assert_float_equal(part_of(&c, 'f', 1)->effect, -0.25, 1e-12);
    assert_float_equal(part_of(&c, 'g', 0)->effect, 1, 1e-12);
    assert_float_equal(part_of(&c, 'b', 0)->effect, 0.1, 1e-12);
    assert_string_equal(part_of(&c, 'b', 0)->over, "initialisations");
    assert_true(part_of(&c, 'b', 0)->low > 0.08 && part_of(&c, 'b', 0)->high < 0.12);
    assert_float_equal(part_of(&c, 'f', 2)->effect, 0.05, 1e-12);
    assert_string_equal(part_of(&c, 'e', 0)->over, "labels");
    assert_string_equal(part_of(&c, 'd', 0)->over, "cases");
    const fp_part *a = part_of(&c, 'a', 0);
    assert_true(a->low < a->effect && a->effect < a->high && a->high < 0);
    release(&c);
}

static void none_holds(void **state) {
    (void)state;
    concluded c = conclude(&(planted){.seeds = 1, .turned = 1}, &no_choices);
    expect_all(&c, FP_DOES_NOT_HOLD);
    expect_cases(&c, 'a', 0, 0, 3);
    expect_cases(&c, 'b', 0, 0, 6);
    expect_cases(&c, 'c', 0, 0, 6);
    expect_cases(&c, 'd', 0, 0, 3);
    expect_cases(&c, 'e', 0, 0, 48);
    expect_cases(&c, 'f', 0, 0, 2);
    expect_cases(&c, 'f', 1, 0, 2);
    expect_cases(&c, 'f', 2, 0, 4);
    expect_cases(&c, 'g', 0, 0, 6);
    for (int part = 0; part < 3; part++)
        expect_cases(&c, 'h', part, 0, 3);
    expect_cases(&c, 'i', 0, 0, 6);
    expect_cases(&c, 'i', 1, 0, 6);
    assert_string_equal(part_of(&c, 'e', 0)->cases[9].name, "little / B: <b&1_%>");
    assert_float_equal(part_of(&c, 'e', 0)->cases[9].value, -1.11, 1e-12);
    release(&c);
}

static void seeds_give_the_interval(void **state) {
    (void)state;
    concluded c = conclude(&(planted){.seeds = 3}, &no_choices);
    expect_all(&c, FP_HOLDS);
    expect_cases(&c, 'e', 0, 48, 48); /* a label is one case, whatever the number of seeds */
    const fp_part *f = part_of(&c, 'f', 0);
    assert_string_equal(f->over, "seeds");
    /* the seeds' own changes: 1.36, 1.37, 1.38 */
    assert_float_equal(f->effect, 1.37 - 0.5, 1e-12);
    assert_in_range((int)(1e4 * f->low), 8600, 8700);
    assert_in_range((int)(1e4 * f->high), 8700, 8800);
    release(&c);
}

static void options_say_what_is_related(void **state) {
    (void)state;
    const fp_relation_choice relations[] = {{"A", "B", FP_OPPOSING}, {"C", "B", FP_RELATED}};
    fp_choices choices = {2, relations};
    concluded c = conclude(&(planted){.seeds = 1}, &choices);
    expect_cases(&c, 'f', 0, 0, 2);
    expect_cases(&c, 'f', 1, 0, 2);
    assert_int_equal(c.conclusions[5].verdict, FP_DOES_NOT_HOLD);
    release(&c);
}

static void between_all_and_none(void **state) {
    (void)state;
    concluded one = conclude(&(planted){.seeds = 1, .fallen = 1}, &no_choices);
    expect_cases(&one, 'e', 0, 42, 48);
    assert_int_equal(one.conclusions[4].verdict, FP_HOLDS_MOSTLY);
    assert_float_equal(part_of(&one, 'e', 0)->effect, 0.75, 1e-12);
    release(&one);
    concluded half = conclude(&(planted){.seeds = 1, .fallen = 4}, &no_choices);
    expect_cases(&half, 'e', 0, 24, 48);
    assert_int_equal(half.conclusions[4].verdict, FP_DOES_NOT_HOLD);
    release(&half);
}

static void what_is_missing_is_no_case(void **state) {
    (void)state;
    concluded c = conclude(&(planted){.seeds = 1, .unfinished = 2}, &no_choices);
    expect_cases(&c, 'f', 1, 1, 1); /* the large model's C, probed on B, lacks its top layer */
    expect_cases(&c, 'e', 0, 48, 48);
    assert_int_equal(c.findings.standing.of_units.failed, 1);
    release(&c);
}

int main(void) {
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_hold),
        cmocka_unit_test(none_holds),
        cmocka_unit_test(seeds_give_the_interval),
        cmocka_unit_test(options_say_what_is_related),
        cmocka_unit_test(between_all_and_none),
        cmocka_unit_test(what_is_missing_is_no_case),
    };
    MPI_Init(NULL, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    fp_folder_remove(folder, NULL);
    return failed;
}
