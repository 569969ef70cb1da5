/* Reports of sweeps of other kinds: with several seeds, with classifiers alone. */
#include "planted_report.h"

/* ---- classifiers alone ---- */

/* Table 7, the cross-task table and conclusion b need no DirectProbe; what does is not there. */
static void classifiers_alone_make_table_7(void **state) {
    (void)state;
    fp_report_outcome outcome = report_of(&(planted){.seeds = 1, .alone = 1}, "alone", FP_REPORT_ALL, NULL);
    static const char *const none[] = {"linearity",  "minimum_distances", "movement",
                                       "similarity", "directions",        "states"};
    char *table = read_file("alone/tables/probing.csv"), *cross = read_file("alone/tables/cross_task.csv");
    char *verdicts = read_file("alone/tables/conclusions.csv"), *page = read_file("alone/index.html");
    char *missing = read_file("alone/tables/missing.csv");
    if (has_gnuplot())
        assert_string_equal(outcome.no_figures, "");
    for (int m = 0; m < P_MODELS; m++)
        for (int t = 0; t < P_TASKS; t++) {
            char *head = fp_format(NULL, "\n%s,%s,original,0.7", p_models[m], p_tasks[t]);
            assert_true(has(table, head));
            free(head);
        }
    assert_true(has(table, "\nlarge,C,fine-tuned,0.79999999999999993,0.0158,\"(64, 32)\",nan,8,,nan,0.7\n"));
    assert_true(has(cross, "\nlarge,B,A,related,nan,nan,nan,0.75\n"));
    assert_true(has(verdicts, "\nb,Fine-tuning nearly always raises the accuracy of a probe.,holds,"));
    assert_true(has(verdicts, "\na,") && has(verdicts, "not testable here"));
    assert_true(has(missing, "DirectProbe is not in this sweep") && !has(missing, "no classifier probe"));
    assert_true(has(page, "<a href=\"#probing\">Table 7</a></td>"));
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char *name = fp_format(NULL, "alone/tables/%s.csv", none[i]), *path = in(name);
        assert_false(fp_path_exists(path));
        free(name);
        free(path);
    }
    free(table);
    free(cross);
    free(verdicts);
    free(missing);
    free(page);
}

/* ---- seeds ---- */

/* The cells of the row of a table that begins with HEAD, from behind it to the line's end; free(). */
static char *row_of(const char *table, const char *head) {
    char *begin = fp_format(NULL, "\n%s,", head);
    const char *at = strstr(table, begin);
    if (!at || strstr(at + 1, begin))
        fail_msg("not one row: %s", head);
    at += strlen(begin);
    free(begin);
    return strndup(at, strcspn(at, "\n"));
}

static void expect_seeds(const char *table, const char *head, const double expected[5], const char *caution) {
    char *row = row_of(table, head), *at = row;
    for (int i = 0; i < 5; i++) {
        double found = strtod(at, &at);
        if (isnan(expected[i]) ? !isnan(found) : !(fabs(found - expected[i]) < 1e-9))
            fail_msg("%s: %s, not %g", head, row, expected[i]);
        at++;
    }
    assert_string_equal(at, caution);
    free(row);
}

/* Seeds, mean, deviation, interval; all three alike are drawn once in 27 samples: the interval is the range.
 */
static void three_seeds_give_an_interval(void **state) {
    (void)state;
    report_of(&(planted){.seeds = 3, .coded = 1}, "seeds", FP_REPORT_ALL - FP_REPORT_PNG - FP_REPORT_SVG,
              NULL);
    char *table = read_file("seeds/tables/seeds.csv"), *page = read_file("seeds/index.html");
    expect_seeds(table, "large,A,A,20,2,accuracy,share", (const double[]){3, 0.81, 0.01, 0.8, 0.82}, "");
    expect_seeds(table, "large,A,B,20,2,accuracy,share", (const double[]){3, 0.76, 0.01, 0.75, 0.77}, "");
    expect_seeds(table, "large,A,A,20,2,selectivity,share", (const double[]){3, 0.31, 0.01, 0.3, 0.32}, "");
    expect_seeds(table, "large,A,A,20,2,description length,bits", (const double[]){3, 48, 4, 44, 52}, "");
    expect_seeds(table, "large,A,A,20,2,subtest accuracy,share", (const double[]){3, 0.85, 0, 0.85, 0.85},
                 "");
    expect_seeds(table, "large,A,A,10,1,mean minimum distance,distance",
                 (const double[]){3, 2.2, 0.1, 2.1, 2.3}, "");
    expect_seeds(table, "little,A,A,20,0,clusters,", (const double[]){3, 8, 0, 8, 8}, "");
    expect_seeds(table, "large,A,A,20,nan,own head's accuracy,share", (const double[]){3, 0.7, 0, 0.7, 0.7},
                 "");
    free(row_of(table, "large,A,A,20,2,mean movement,distance"));
    free(row_of(table, "large,A,A,20,2,train-test similarity,"));
    free(row_of(table, "large,A,A,20,2,mean cosine of two labels,"));
    assert_null(strstr(table, "little,A,A,20,2,similarity to the original")); /* not defined */
    assert_null(strstr(table, ",A,A,0,"));                                    /* one original for all */
    assert_non_null(strstr(page, "<caption>Fine-tuning seeds, last step</caption>"));
    assert_null(strstr(page, "no interval over seeds"));
    if (has_gnuplot()) {
        assert_non_null(strstr(page, "when the labels are linearly separable. Mean over 3 seeds."));
        assert_non_null(strstr(page, "blank: not defined. First of 3 seeds."));
    }
    free(read_file("seeds/tables/seeds.md"));
    free(read_file("seeds/tables/seeds.tex"));
    free(table);
    free(page);
}

static void few_seeds_are_said_to_be_few(void **state) {
    (void)state;
    char *stale = in("one/tables/seeds.csv");
    report_of(&(planted){.seeds = 2, .unfinished = 1}, "one", FP_REPORT_CSV, NULL);
    char *table = read_file("one/tables/seeds.csv");
    expect_seeds(table, "large,C,C,20,2,accuracy,share", (const double[]){2, 0.805, sqrt(0.00005), 0.8, 0.81},
                 "few seeds");
    expect_seeds(table, "large,C,B,20,2,clusters,", (const double[]){1, 8, NAN, NAN, NAN}, "few seeds");
    free(table);
    report_of(&(planted){.seeds = 1}, "one", FP_REPORT_CSV | FP_REPORT_HTML, NULL);
    char *page = read_file("one/index.html"), *missing = read_file("one/tables/missing.csv");
    assert_false(fp_path_exists(stale));
    assert_non_null(strstr(page, "no interval over seeds"));
    assert_non_null(strstr(missing, "seeds: [1, 2, 3]"));
    free(stale);
    free(page);
    free(missing);
}

int main(void) {
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifiers_alone_make_table_7),
        cmocka_unit_test(three_seeds_give_an_interval),
        cmocka_unit_test(few_seeds_are_said_to_be_few),
    };
    MPI_Init(NULL, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    fp_folder_remove(folder, NULL);
    return failed;
}
