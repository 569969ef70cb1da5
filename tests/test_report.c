/* The report of a planted sweep: its tables and its figures' data are those stored in tests/data/report; its
 * page is whole, links to itself alone, and says what is missing.
 *
 * FINEPROBE_STORE_REPORT=1 build/tests/test_report stores what it makes instead of comparing: look at the
 * difference before it is committed. */
#include "planted_report.h"

/* ---- stored tables and data ---- */

/* Equal word by word; numbers may differ in what another processor rounds otherwise. */
static void expect_like(const char *name, const char *found, const char *stored) {
    static const char ends[] = " ,\n\t\"";
    size_t line = 1;
    while (*found || *stored) {
        size_t a = strcspn(found, ends), b = strcspn(stored, ends);
        char *end_a, *end_b, *word_a = strndup(found, a), *word_b = strndup(stored, b);
        double x = strtod(word_a, &end_a), y = strtod(word_b, &end_b);
        int numbers = a && b && !*end_a && !*end_b;
        int like = numbers ? (isnan(x) && isnan(y)) || fabs(x - y) <= 1e-6 + 1e-4 * fabs(y)
                           : strcmp(word_a, word_b) == 0;
        if (!like || found[a] != stored[b])
            fail_msg("%s:%zu: '%s', stored is '%s'", name, line, word_a, word_b);
        line += found[a] == '\n';
        free(word_a);
        free(word_b);
        found += a + (found[a] != '\0');
        stored += b + (stored[b] != '\0');
    }
}

static void compare_with_stored(const char *made, const char *name) {
    char *text = read_file(made), *path = fp_format(NULL, "%s/report/%s", TEST_DATA, name);
    if (getenv("FINEPROBE_STORE_REPORT")) {
        p_must(fp_file_write(path, text, strlen(text), &p_error));
    } else {
        char *stored = fp_file_read(path, NULL, &p_error);
        if (!stored)
            fail_msg("%s", p_error.text);
        expect_like(name, text, stored);
        free(stored);
    }
    free(text);
    free(path);
}

static void tables_and_data_are_those_stored(void **state) {
    (void)state;
    static const char *const tables[] = {
        "conclusions.csv", "probing.csv",    "linearity.csv",   "cross_task.csv",   "movement.csv",
        "similarity.csv",  "directions.csv", "classifiers.csv", "memorisation.csv", "runs.csv",
        "states.csv",      "missing.csv",    "probing.md",      "probing.tex"};
    static const char *const figures[] = {"distances",  "minimum-distances", "clusters",
                                          "similarity", "movement",          "paths",
                                          "directions", "training",          "memorisation"};
    char *made, *name;
    char *stale = in("golden/tables/paper.csv"),
         *tables_folder = in("golden/tables"); /* of an earlier report */
    p_must(fp_folder_create(tables_folder, &p_error));
    p_must(fp_file_write(stale, "", 0, &p_error));
    report_of(&(planted){.seeds = 1}, "golden", FP_REPORT_ALL - FP_REPORT_PNG - FP_REPORT_HTML, NULL);
    assert_false(fp_path_exists(stale));
    free(stale);
    free(tables_folder);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        made = fp_format(NULL, "golden/tables/%s", tables[i]);
        compare_with_stored(made, tables[i]);
        free(made);
    }
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        made = fp_format(NULL, "golden/figures/large-A-%s.dat", figures[i]);
        name = fp_format(NULL, "%s.dat", figures[i]);
        compare_with_stored(made, name);
        free(made);
        free(name);
    }
}

/* ---- the page ---- */

static void expect_in(const char *text, const char *part) {
    if (!has(text, part))
        fail_msg("not in the page: %s", part);
}

/* Every id once; every link leads to one of them. */
static void check_links(const char *page) {
    size_t links = 0;
    for (const char *at = page; (at = strstr(at, " id=")); at++) {
        size_t size = strcspn(at + 5, "\"'");
        char *attribute = strndup(at, size + 6);
        if (strstr(at + 1, attribute))
            fail_msg("%s stands twice", attribute);
        free(attribute);
    }
    for (const char *at = page; (at = strstr(at, "href=")); at += 6) {
        size_t size = strcspn(at + 6, "\"'");
        if (at[6] == '#') {
            char *one = fp_format(NULL, " id=\"%.*s\"", (int)size - 1, at + 7);
            char *other = fp_format(NULL, " id='%.*s'", (int)size - 1, at + 7);
            if (!has(page, one) && !has(page, other))
                fail_msg("no place for the link %.*s", (int)size, at + 6);
            free(one);
            free(other);
            links++;
        } else if (strncmp(at + 6, "data:image/png", 14) != 0) {
            fail_msg("the page leans on %.*s", (int)size, at + 6);
        }
    }
    assert_true(links > 30);
}

static void the_page_is_whole(void **state) {
    (void)state;
    fp_report_outcome outcome = report_of(&(planted){.seeds = 1}, "whole", FP_REPORT_ALL, NULL);
    char *page = read_file("whole/index.html");
    assert_true(outcome.complete);
    check_links(page);
    expect_in(page, "</html>");
    expect_in(page, "No model of this sweep has the shape of one of the paper's");
    assert_false(has(page, "still to come"));
    assert_false(has(page, "<a&1_%>")); /* a label's name, escaped */
    expect_in(page, "&lt;a&amp;1_%&gt;");
    expect_in(page, "prefers-color-scheme:dark");
    expect_in(page, "@media print");
    assert_false(has(page, "<script") || has(page, "<link") || has(page, "@import") || has(page, "src="));
    if (has_gnuplot()) {
        assert_string_equal(outcome.no_figures, "");
        assert_int_equal(outcome.figures, 51); /* six models and tasks with nine; three lack similarity */
        expect_in(page, "<svg viewBox");
        char *png = in("whole/figures/large-A-paths.png");
        assert_true(fp_path_exists(png));
        free(png);
    }
    free(page);
}

static void a_sweep_in_progress_says_so(void **state) {
    (void)state;
    fp_report_outcome outcome =
        report_of(&(planted){.seeds = 1, .unfinished = 2}, "begun", FP_REPORT_HTML, NULL);
    char *page = read_file("begun/index.html");
    assert_false(outcome.complete);
    assert_int_equal(outcome.units - outcome.done, 2);
    check_links(page);
    expect_in(page, "The sweep is in progress.");
    expect_in(page, "1 failed, 1 are still to come");
    expect_in(page, "fineprobe run --retry-failed");
    free(page);
}

/* Every figure can be drawn from whatever part of a sweep. */
static void any_part_can_be_drawn(void **state) {
    (void)state;
    static const int missing[] = {7, 20, 45, 58, 70, 77};
    for (size_t i = 0; has_gnuplot() && i < sizeof missing / sizeof *missing; i++) {
        fp_report_outcome outcome =
            report_of(&(planted){.seeds = 1, .unfinished = missing[i]}, "part", FP_REPORT_SVG, NULL);
        assert_string_equal(outcome.no_figures, "");
    }
}

/* Whether a line of a figure's data, which begins with a step, layer or label, has a number behind that. */
static int has_number(const char *line, size_t size) {
    char *text = strndup(line, size), *rest = text, *cell;
    int found = 0;
    for (int i = 0; (cell = strtok_r(i ? NULL : text, " ", &rest)); i++)
        found |= i > 0 && strcmp(cell, "NaN") != 0;
    free(text);
    return found;
}

/* Blocks of the data with lines; fails when one of them has not a number. */
static size_t filled_blocks(const fp_figure *figure) {
    size_t blocks = 0, lines = 0, numbers = 0;
    for (const char *at = figure->data.bytes;; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t size = strcspn(at, "\n");
        if (size == 0 && lines) {
            if (!numbers)
                fail_msg("%s: an empty panel", figure->name);
            blocks++;
            lines = numbers = 0;
        }
        if (!*at)
            return blocks;
        if (size && *at != '#') {
            lines++;
            numbers += has_number(at, size) != 0;
        }
    }
}

/* Whatever part of a sweep there is, also none: a figure without points is none. */
static void no_panel_is_empty(void **state) {
    (void)state;
    char *file = in("planted.h5"), *to = in("panels");
    char *const labels[] = {"<a&5_%>", "<a&2_%>"};
    const fp_label_choice choice = {"A", labels, 2};
    for (int missing = 0; missing <= 78; missing += 3) {
        fp_report_options options = {.folder = to,
                                     .formats = FP_REPORT_SVG,
                                     .selections = {.number = 3, .n_choices = 1, .choices = &choice}};
        fp_report report;
        plant(file, &(planted){.seeds = 1, .unfinished = missing});
        p_must(fp_report_make(file, &options, &report, &p_error));
        for (size_t i = 0; i < report.figures.n; i++)
            assert_true(filled_blocks(&report.figures.items[i]) > 0);
        fp_report_free(&report);
    }
    free(file);
    free(to);
}

/* The first unit alone, a lowest layer before fine-tuning; then all originals. */
static void what_is_not_drawn_is_named(void **state) {
    (void)state;
    report_of(&(planted){.seeds = 1, .unfinished = 77}, "first", FP_REPORT_HTML, NULL);
    char *page = read_file("first/index.html");
    if (has_gnuplot()) {
        expect_in(page, "by layer, before fine-tuning, without numbers after it");
        expect_in(page, "Without numbers: layers 1, 2.");
    }
    expect_in(page,
              "or not there yet (5 of 13 units of this model and task are finished): "
              "distances between labels, minimum distances over updates, similarity");
    expect_in(page, "directions of movement.</p>");
    check_links(page);
    free(page);
    report_of(&(planted){.seeds = 1, .unfinished = 60}, "originals", FP_REPORT_HTML, NULL);
    char *script = read_file("originals/figures/large-A-clusters.gp");
    assert_true(has(script, "using 1:2") && !has(script, "using 1:3"));
    free(script);
}

/* A figure that fails takes no other along. */
static void a_figure_fails_alone(void **state) {
    (void)state;
    char *file = in("planted.h5"), *to = in("fails");
    fp_report_options options = {.folder = to, .formats = FP_REPORT_HTML, .selections = {.number = 3}};
    fp_report report;
    fp_report_outcome outcome;
    plant(file, &(planted){.seeds = 1});
    p_must(fp_report_make(file, &options, &report, &p_error));
    fp_text_add(&report.figures.items[1].body, "plot no_such_function(x)\n");
    p_must(fp_report_write(&report, &outcome, &p_error));
    if (has_gnuplot()) {
        assert_int_equal(outcome.figures, report.figures.n - 1);
        assert_true(has(outcome.no_figures, report.figures.items[1].name));
    }
    fp_report_free(&report);
    free(file);
    free(to);
}

static void without_gnuplot_all_else_is_made(void **state) {
    (void)state;
    char *path = strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    fp_report_outcome outcome = report_of(&(planted){.seeds = 1}, "plain", FP_REPORT_ALL, NULL);
    setenv("PATH", path, 1);
    free(path);
    char *page = read_file("plain/index.html"), *script = read_file("plain/figures/large-A-paths.gp");
    assert_true(has(outcome.no_figures, "no gnuplot in PATH"));
    assert_int_equal(outcome.figures, 0);
    check_links(page);
    expect_in(page, "Figures are missing:");
    assert_false(has(page, "<svg"));
    free(script);
    free(page);
}

static void only_what_is_asked_for(void **state) {
    (void)state;
    report_of(&(planted){.seeds = 1}, "some", FP_REPORT_CSV, NULL);
    static const char *const absent[] = {"some/index.html", "some/figures", "some/tables/probing.md"};
    for (size_t i = 0; i < 3; i++) {
        char *path = in(absent[i]);
        assert_false(fp_path_exists(path));
        free(path);
    }
    free(read_file("some/tables/probing.csv"));
}

static void options_select_labels(void **state) {
    (void)state;
    char *const labels[] = {"<a&5_%>", "<a&2_%>"};
    const fp_label_choice choice = {"A", labels, 2};
    fp_selections selections = {.number = 1, .n_choices = 1, .choices = &choice};
    report_of(&(planted){.seeds = 1}, "chosen", FP_REPORT_SVG, &selections);
    char *data = read_file("chosen/figures/large-A-minimum-distances.dat");
    assert_true(has(data, "columns: step, <a&5_%>, <a&2_%>\n"));
    free(data);
    data = read_file("chosen/figures/large-B-minimum-distances.dat"); /* by the rule: one and one */
    assert_true(has(data, "columns: step, <b&7_%>, <b&0_%>\n"));
    free(data);
    char *const wrong[] = {"no such label"};
    const fp_label_choice unknown = {"A", wrong, 1};
    char *file = in("planted.h5");
    fp_report_options options = {.folder = folder,
                                 .selections = {.number = 1, .n_choices = 1, .choices = &unknown}};
    fp_report report;
    assert_int_equal(fp_report_make(file, &options, &report, &p_error), -1);
    assert_true(has(p_error.text, "no such label"));
    fp_report_free(&report);
    free(file);
}

static void faults_are_told(void **state) {
    (void)state;
    char *file = in("planted.h5"), *to = in("planted.h5/report");
    fp_report_options options = {.folder = to, .formats = FP_REPORT_ALL, .selections = {.number = 3}};
    fp_report report;
    fp_report_outcome outcome;
    plant(file, &(planted){.seeds = 1});
    p_must(fp_report_make(file, &options, &report, &p_error));
    assert_int_equal(fp_report_write(&report, &outcome, &p_error), -1); /* a file is in the folder's place */
    assert_true(has(p_error.text, "planted.h5"));
    fp_report_free(&report);
    assert_int_equal(fp_report_make("/nonexistent.h5", &options, &report, &p_error), -1);
    assert_true(has(p_error.text, "/nonexistent.h5"));
    fp_report_free(&report);
    free(file);
    free(to);
}

int main(void) {
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_data_are_those_stored),
        cmocka_unit_test(the_page_is_whole),
        cmocka_unit_test(a_sweep_in_progress_says_so),
        cmocka_unit_test(without_gnuplot_all_else_is_made),
        cmocka_unit_test(only_what_is_asked_for),
        cmocka_unit_test(options_select_labels),
        cmocka_unit_test(faults_are_told),
        cmocka_unit_test(any_part_can_be_drawn),
        cmocka_unit_test(no_panel_is_empty),
        cmocka_unit_test(what_is_not_drawn_is_named),
        cmocka_unit_test(a_figure_fails_alone),
    };
    MPI_Init(NULL, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    fp_folder_remove(folder, NULL);
    return failed;
}
