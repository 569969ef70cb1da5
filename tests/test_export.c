/* A result file as tables: the right rows with the right numbers, only what is finished, and nothing half
 * written. */
#include "report/export.h"
#include "store_files.h"
#include <math.h>

static char *read_table(const char *name) {
    fp_error error = {0};
    char *path = path_of(name), *text = fp_file_read(path, NULL, &error);
    if (!text)
        fail_msg("%s", error.text);
    free(path);
    return text;
}

static size_t count_lines(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static fp_export_counts export_or_fail(const char *file, const char *to, const fp_export_options *options) {
    fp_error error = {0};
    fp_export_counts counts;
    char *path = path_of(to);
    assert_works(fp_export(file, path, options, &counts, &error), error);
    free(path);
    return counts;
}

static void compare_with_original(const char *path, const fp_layout *layout, size_t unit) {
    fp_error error = {0};
    fp_store *store = open_to_write(path);
    double movement[2 * LABELS] = {0.5, 1.5, NAN, 2.5, 3.5, 4.5};
    fp_derived_row row;
    fp_derived_row_open(&row);
    row.unit = (int32_t)unit;
    row.original = 0;
    row.train_similarity = 0.75;
    assert_works(fp_store_write_derived(store, unit, &row, fixture_group(layout, unit), movement, &error),
                 error);
    assert_works(fp_store_close(store, &error), error);
}

static void every_table_is_written(void **state) {
    (void)state;
    fp_layout layout = fixture_layout(3, 10);
    char *path = make_finished("done.h5", &layout);
    fp_export_options options = {0};
    compare_with_original(path, &layout, 1);
    fp_export_counts counts = export_or_fail(path, "all", &options);
    assert_int_equal(counts.units, layout.n_units);
    assert_int_equal(counts.units_done, layout.n_units);
    size_t n = 0;
    uint64_t bytes = 0;
    for (; fp_export_tables[n]; n++) {
        char name[64];
        snprintf(name, sizeof name, "all/%s.csv", fp_export_tables[n]);
        char *text = read_table(name);
        bytes += strlen(text);
        free(text);
    }
    assert_int_equal(counts.files, n);
    assert_int_equal(counts.bytes, bytes);
    char *text = read_table("all/label_distances.csv"); /* 2 splits x 3 pairs of labels */
    assert_int_equal(count_lines(text), 1 + layout.n_units * 6);
    free(text);
    text = read_table("all/losses.csv");
    assert_int_equal(count_lines(text), 1 + layout.n_losses);
    free(text);
    text = read_table("all/points.csv");
    assert_int_equal(count_lines(text), 1 + layout.n_units * (TRAIN + TEST));
    free(text);
    text = read_table("all/movements.csv");
    assert_string_equal(text,
                        "unit,model,finetuned_on,probed_on,seed,step,layer,split,label,movement\n"
                        "1,tiny,,PS,-1,0,0,train,Ä0,0.5\n1,tiny,,PS,-1,0,0,train,Ä1,1.5\n"
                        "1,tiny,,PS,-1,0,0,train,Ä2,nan\n1,tiny,,PS,-1,0,0,test,Ä0,2.5\n"
                        "1,tiny,,PS,-1,0,0,test,Ä1,3.5\n1,tiny,,PS,-1,0,0,test,Ä2,4.5\n");
    free(text);
    text = read_table("all/derived.csv");
    assert_non_null(strstr(text, "\n1,tiny,,PS,-1,0,0,0,0.75,nan,"));
    assert_int_equal(count_lines(text), 2);
    free(text);
    free(path);
    fp_layout_free(&layout);
}

/* The numbers of unit 3 against its record. */
static void numbers_are_the_records(void **state) {
    (void)state;
    fp_layout layout = fixture_layout(1, 10);
    char *path = make_finished("numbers.h5", &layout);
    char *only[] = {"label_distances", "centroids", "clusters"};
    fp_export_options options = {.only = only, .n_only = 3};
    fp_export_counts counts = export_or_fail(path, "some", &options);
    assert_int_equal(counts.files, 3);
    char *units = path_of("some/units.csv");
    assert_false(fp_path_exists(units));
    free(units);
    fp_unit_record record = fixture_record(&layout, 3);
    char *text = read_table("some/label_distances.csv"), expected[200];
    snprintf(expected, sizeof expected, "\n3,tiny,,PS,-1,0,1,test,Ä0,Ä2,%.15g\n",
             record.label_distances[LABELS * LABELS + 2]); /* a multiple of 1/16 */
    assert_non_null(strstr(text, expected));
    free(text);
    text = read_table("some/centroids.csv");
    size_t width = fixture_group(&layout, 3)->width;
    snprintf(expected, sizeof expected, "\n3,tiny,,PS,-1,0,1,test,Ä1,2,%.9g\n",
             (double)record.centroids[(LABELS + 1) * width + 2]);
    assert_non_null(strstr(text, expected));
    free(text);
    text = read_table("some/clusters.csv");
    snprintf(expected, sizeof expected, "\n3,tiny,,PS,-1,0,1,train,1,Ä1,4,%.15g,%.15g\n",
             record.clusters[1].mean_distance, record.clusters[1].largest_distance);
    assert_non_null(strstr(text, expected));
    assert_int_equal(count_lines(text), 1 + 3 * layout.n_units);
    free(text);
    fp_unit_record_free(&record);
    free(path);
    fp_layout_free(&layout);
}

static void only_what_is_finished(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(1, 10);
    char *path = make("begun.h5", &layout, NULL, NULL);
    fp_store *store = open_to_write(path);
    assert_works(fixture_write_checkpoint(store, &layout, 2, 0, &error), error);
    assert_works(fixture_write_unit(store, &layout, 4, 0, &error), error);
    fp_provenance_row why = fixture_provenance(1, "killed, \"out of memory\"");
    assert_works(fp_store_mark_unit(store, 5, FP_FAILED, &why, &error), error);
    assert_works(fp_store_mark_unit(store, 6, FP_RUNNING, &why, &error), error);
    assert_works(fp_store_close(store, &error), error);
    fp_export_options options = {0};
    fp_export_counts counts = export_or_fail(path, "begun", &options);
    assert_int_equal(counts.units_done, 1);
    char *text = read_table("begun/units.csv");
    assert_int_equal(count_lines(text), 2);
    free(text);
    text = read_table("begun/checkpoints.csv"); /* both originals and the one */
    assert_int_equal(count_lines(text), 4);
    free(text);
    text = read_table("begun/losses.csv");
    assert_int_equal(count_lines(text), 1 + 10);
    free(text);
    text = read_table("begun/unit_provenance.csv");
    assert_int_equal(count_lines(text), 3);
    assert_non_null(strstr(text, "\n5,failed,1,2,3,node,"));
    assert_non_null(strstr(text, ",\"killed, \"\"out of memory\"\"\"\n"));
    free(text);
    free(path);
    fp_layout_free(&layout);
}

static void damage_is_reported(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(1, 20);
    char *path = make_finished("damaged.h5", &layout);
    /* flip a bit of unit 0's centroids, found by their value */
    fp_unit_record record = fixture_record(&layout, 0);
    size_t size;
    char *bytes = fp_file_read(path, &size, &error);
    char *at = memmem(bytes, size, record.centroids, 5 * sizeof(float));
    assert_non_null(at);
    *at ^= 1;
    assert_works(fp_file_write(path, bytes, size, &error), error);
    fp_export_options options = {0};
    fp_export_counts counts;
    char *to = path_of("damaged"), *centroids = path_of("damaged/centroids.csv"),
         *temporary = path_of("damaged/centroids.csv.tmp");
    assert_int_equal(fp_export(path, to, &options, &counts, &error), -1);
    assert_non_null(strstr(error.text, "unit 0"));
    assert_false(fp_path_exists(centroids) || fp_path_exists(temporary));
    free(to);
    free(centroids);
    free(temporary);
    free(bytes);
    fp_unit_record_free(&record);
    free(path);
    fp_layout_free(&layout);
}

static void a_missing_file_is_an_error(void **state) {
    (void)state;
    fp_error error = {0};
    fp_export_options options = {0};
    fp_export_counts counts;
    assert_int_equal(fp_export("/nonexistent.h5", folder, &options, &counts, &error), -1);
    assert_non_null(strstr(error.text, "/nonexistent.h5"));
}

int main(void) {
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_written), cmocka_unit_test(numbers_are_the_records),
        cmocka_unit_test(only_what_is_finished), cmocka_unit_test(damage_is_reported),
        cmocka_unit_test(a_missing_file_is_an_error)};
    MPI_Init(NULL, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    fp_folder_remove(folder, NULL);
    return failed;
}
