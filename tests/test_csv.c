/* Tables as text: quoting, numbers that read back as the same bits, and nothing under a final name before it
 * is whole. */
#include "report/csv.h"
#include "scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct row {
    char name[16];
    int32_t small;
    uint32_t large;
    int64_t wide;
    double real;
} row;

static const fp_field fields[] = {
    {"name", FP_FIELD_TEXT, offsetof(row, name), 16, "", ""},
    {"small", FP_FIELD_I32, offsetof(row, small), 4, "", ""},
    {"large", FP_FIELD_U32, offsetof(row, large), 4, "", ""},
    {"wide", FP_FIELD_I64, offsetof(row, wide), 8, "", ""},
    {"real", FP_FIELD_F64, offsetof(row, real), 8, "", ""},
};
static const fp_table table = {"things", "", sizeof(row), 5, fields, NULL};

/* things.csv; free(). */
static char *contents(void) {
    fp_error error = {0};
    char *text = fp_file_read(scratch_path("things.csv"), NULL, &error);
    assert_string_equal(error.text, "");
    return text;
}

static void texts_are_quoted_when_they_must(void **state) {
    (void)state;
    fp_csv *csv = fp_csv_create(scratch_folder, "things", NULL);
    assert_non_null(csv);
    const char *const names[] = {"plain", "a,b", "say \"so\"", NULL};
    fp_csv_names(csv, names);
    fp_csv_end_row(csv);
    fp_csv_text(csv, "");
    fp_csv_text(csv, "two\nlines");
    fp_csv_text(csv, "\"");
    fp_csv_end_row(csv);
    uint64_t bytes = 0;
    assert_int_equal(fp_csv_close(csv, &bytes, NULL), 0);
    char *text = contents();
    assert_string_equal(text, "plain,\"a,b\",\"say \"\"so\"\"\"\n,\"two\nlines\",\"\"\"\"\n");
    assert_int_equal(bytes, strlen(text));
    free(text);
}

static void numbers_read_back(void **state) {
    (void)state;
    const double reals[] = {0.1, -1e-308, 1e300, 1.0 / 3, -0.0, 12345678.9};
    enum { N = sizeof reals / sizeof *reals };
    fp_csv *csv = fp_csv_create(scratch_folder, "things", NULL);
    for (int i = 0; i < N; i++)
        fp_csv_real(csv, reals[i]);
    fp_csv_float(csv, 0.1F);
    fp_csv_real(csv, -NAN);
    fp_csv_real(csv, 0.1); /* short where that is enough */
    fp_csv_end_row(csv);
    assert_int_equal(fp_csv_close(csv, NULL, NULL), 0);
    char *text = contents(), *rest = text;
    for (int i = 0; i < N; i++, rest++) {
        double value = strtod(rest, &rest);
        assert_memory_equal(&value, &reals[i], sizeof value);
    }
    float value = strtof(rest, &rest), expected = 0.1F;
    assert_memory_equal(&value, &expected, sizeof value);
    assert_string_equal(rest, ",nan,0.1\n");
    free(text);
}

static void rows_of_a_table(void **state) {
    (void)state;
    row r = {"x,y", -5, UINT32_MAX, INT64_MIN, 0.5};
    fp_csv *csv = fp_csv_create(scratch_folder, "things", NULL);
    fp_csv_field_names(csv, &table, 1, 5);
    fp_csv_end_row(csv);
    fp_csv_fields(csv, &table, 0, 5, &r);
    fp_csv_end_row(csv);
    assert_int_equal(fp_csv_close(csv, NULL, NULL), 0);
    char *text = contents();
    assert_string_equal(text, "small,large,wide,real\n\"x,y\",-5,4294967295,-9223372036854775808,0.5\n");
    free(text);
}

static void nothing_half_written_stays(void **state) {
    (void)state;
    const char *path = scratch_path("half.csv");
    fp_csv *csv = fp_csv_create(scratch_folder, "half", NULL);
    fp_csv_text(csv, "begun");
    assert_false(fp_path_exists(path));
    fp_csv_abandon(csv);
    assert_false(fp_path_exists(path));
    assert_false(fp_path_exists(scratch_path("half.csv.tmp")));
    fp_error error = {0};
    assert_null(fp_csv_create("/nonexistent folder", "x", &error));
    assert_non_null(strstr(error.text, "/nonexistent folder/x.csv"));
}

static void a_full_disk_is_an_error(void **state) {
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    const char *path = scratch_path("full.csv.tmp");
    assert_int_equal(symlink("/dev/full", path), 0);
    fp_csv *csv = fp_csv_create(scratch_folder, "full", NULL);
    for (int i = 0; i < 100000 && !fp_csv_failed(csv); i++)
        fp_csv_text(csv, "0123456789");
    assert_true(fp_csv_failed(csv));
    fp_error error = {0};
    assert_int_equal(fp_csv_close(csv, NULL, &error), -1);
    assert_non_null(strstr(error.text, "full.csv.tmp"));
    assert_false(fp_path_exists(path));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_quoted_when_they_must),
                                       cmocka_unit_test(numbers_read_back), cmocka_unit_test(rows_of_a_table),
                                       cmocka_unit_test(nothing_half_written_stays),
                                       cmocka_unit_test(a_full_disk_is_an_error)};
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
