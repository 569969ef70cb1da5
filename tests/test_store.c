/* The result file: made, written, read, carried over, its writer killed. */
#include "store_files.h"
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

static const char *self; /* this executable */

static void a_new_file_waits(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(3, 10), read;
    char *path = make("new.h5", &layout, NULL, NULL);
    fp_store *store = open_to_read(path);
    assert_works(fp_store_layout(store, &read, &error), error);
    assert_string_equal(read.grid, layout.grid);
    assert_string_equal(read.provenance, layout.provenance);
    assert_int_equal(read.n_units, layout.n_units);
    assert_int_equal(read.n_groups, layout.n_groups);
    assert_int_equal(read.n_losses, layout.n_losses);
    assert_int_equal(read.models[1].parameters, INT64_C(1) << 40);
    assert_string_equal(read.labels[4].label, "Ä1");
    for (size_t i = 0; i < layout.n_groups; i++)
        assert_memory_equal(&read.groups[i].rows, &layout.groups[i].rows, 6 * sizeof(size_t));
    for (size_t i = 0; i < layout.n_units; i++) {
        assert_string_equal(read.units[i].digest, layout.units[i].digest);
        assert_int_equal(read.unit_group[i], layout.unit_group[i]);
        assert_true(isnan(read.units[i].train.mean_distance));
    }
    unsigned char units[100], checkpoints[100];
    float losses[100];
    fp_derived_row derived[100];
    fp_progress_row progress;
    assert_works(fp_store_read_status(store, units, checkpoints, &error), error);
    assert_works(fp_store_read_losses(store, losses, &error), error);
    assert_works(fp_store_read_derived(store, derived, &error), error);
    assert_works(fp_store_read_progress(store, &progress, &error), error);
    for (size_t i = 0; i < layout.n_units; i++)
        assert_int_equal(units[i], FP_WAITING);
    assert_true(isnan(losses[layout.n_losses - 1]));
    assert_int_equal(derived[5].unit, 5);
    assert_int_equal(derived[5].original, -1);
    assert_true(isnan(derived[5].test_movement));
    assert_int_equal(progress.incarnation, 0);
    fp_unit_record open;
    assert_works(fp_store_read_unit(store, &layout.groups[0], 0, 0, &open, &error), error);
    assert_true(isnan(open.centroids[0]) && isnan(open.label_distances[1]));
    assert_int_equal(open.cluster_of[0], -1);
    assert_int_equal(open.clusters[0].label, -1);
    assert_int_equal(fp_unit_record_check(&layout.groups[0], &open, &error), -1);
    fp_unit_record_free(&open);
    fp_store_close(store, NULL);
    fp_layout_free(&read);
    fp_layout_free(&layout);
    free(path);
}

static void a_file_without_runs_is_a_file(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(0, 10), read;
    char *path = make_finished("originals.h5", &layout);
    fp_store *store = open_to_read(path);
    assert_works(fp_store_layout(store, &read, &error), error);
    assert_int_equal(read.n_runs, 0);
    assert_int_equal(read.n_checkpoints, 2);
    fp_store_close(store, NULL);
    fp_layout_free(&read);
    fp_layout_free(&layout);
    free(path);
}

static void the_same_layout_gives_the_same_bytes(void **state) {
    (void)state;
    fp_layout layout = fixture_layout(3, 10);
    char *path[2] = {make("a.h5", &layout, NULL, NULL), NULL}, *bytes[2];
    sleep(1); /* times have seconds */
    path[1] = make("b.h5", &layout, NULL, NULL);
    size_t size[2];
    for (int i = 0; i < 2; i++)
        assert_non_null(bytes[i] = fp_file_read(path[i], &size[i], NULL));
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    for (int i = 0; i < 2; i++) {
        free(bytes[i]);
        free(path[i]);
    }
    fp_layout_free(&layout);
}

static void a_killed_writer_does_not_lock(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(3, 5);
    char *path = path_of("killed.h5"); /* left by a_killed_writer_leaves_whole_units */
    fp_store *store = open_to_write(path);
    assert_works(fixture_write_unit(store, &layout, 0, 0, &error), error);
    assert_works(fp_store_close(store, &error), error);
    fp_layout_free(&layout);
    free(path);
}

/* No metadata are written after the file was made: only then can no death in between harm them. */
static void writing_touches_only_its_rows(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(1, 10);
    char *path = make("touched.h5", &layout, NULL, NULL);
    size_t size[2], changed = 0;
    char *before = fp_file_read(path, &size[0], &error);
    fp_store *store = open_to_write(path);
    assert_works(fp_store_write_progress(store, &(fp_progress_row){.incarnation = 1}, &error), error);
    assert_works(fp_store_close(store, &error), error);
    char *after = fp_file_read(path, &size[1], &error);
    assert_int_equal(size[0], size[1]);
    for (size_t i = 0; i < size[0]; i++)
        changed += before[i] != after[i];
    assert_int_equal(changed, 1);
    free(before);
    free(after);
    fp_layout_free(&layout);
    free(path);
}

/* The reader stays open while the writer writes, as `status` does. */
static void what_is_written_is_read(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(3, 10), read;
    char *path = make("written.h5", &layout, NULL, NULL);
    unsigned char units[100], checkpoints[100];
    fp_store *reader = open_to_read(path), *store = open_to_write(path);
    assert_works(fp_store_read_status(reader, units, checkpoints, &error), error);
    assert_int_equal(units[3], FP_WAITING);
    fp_provenance_row why = fixture_provenance(4, "killed by signal 9"), provenance[100], of[100];
    assert_works(fp_store_mark_unit(store, 3, FP_RUNNING, &why, &error), error);
    assert_works(fp_store_mark_unit(store, 4, FP_FAILED, &why, &error), error);
    assert_works(fp_store_mark_checkpoint(store, 1, FP_FAILED, &why, &error), error);
    assert_works(fixture_write_unit(store, &layout, 5, 1, &error), error);
    assert_works(fixture_write_checkpoint(store, &layout, 3, 1, &error), error);
    assert_works(fp_store_read_status(reader, units, checkpoints, &error), error);
    assert_int_equal(units[3], FP_RUNNING);
    assert_int_equal(units[4], FP_FAILED);
    assert_int_equal(units[5], FP_DONE);
    assert_int_equal(checkpoints[1], FP_FAILED);
    assert_int_equal(checkpoints[3], FP_DONE);
    assert_works(fixture_compare_unit(reader, &layout, 5, &error), error);
    assert_works(fp_store_read_provenance(reader, provenance, of, &error), error);
    assert_string_equal(provenance[4].message, "killed by signal 9");
    assert_int_equal(of[0].rank, -1);
    float losses[100];
    assert_works(fp_store_read_losses(reader, losses, &error), error);
    assert_true(isnan(losses[9]) && losses[10] == 1.0F / 11 && isnan(losses[20]));
    double movement[2 * LABELS] = {1, 2, 3, 4, 5, NAN};
    fp_derived_row derived[100] = {[0] = {.unit = 5, .original = 2, .train_similarity = 0.5}};
    assert_works(fp_store_write_derived(store, 5, derived, fixture_group(&layout, 5), movement, &error),
                 error);
    assert_works(fp_store_read_derived(reader, derived, &error), error);
    assert_true(derived[5].original == 2 && derived[5].train_similarity == 0.5);
    fp_progress_row pulse = {.incarnation = 2, .ranks = 3, .finished = 1, .job = "12"}, seen;
    assert_works(fp_store_write_progress(store, &pulse, &error), error);
    assert_works(fp_store_read_progress(reader, &seen, &error), error);
    assert_memory_equal(&seen, &pulse, sizeof seen);
    assert_works(fp_store_layout(reader, &read, &error), error);
    assert_true(read.checkpoints[3].test_accuracy == 0.05);
    fp_layout_free(&read);
    assert_works(fp_store_close(store, &error), error);
    assert_works(fp_store_close(reader, &error), error);
    fp_layout_free(&layout);
    free(path);
}

static void wrong_writes_are_refused(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(3, 10), other = fixture_layout(3, 5);
    char *path = make("refusing.h5", &layout, NULL, NULL);
    fp_store *reader = open_to_read(path), *store = open_to_write(path);
    fp_provenance_row who = fixture_provenance(0, "");
    assert_int_equal(fixture_write_unit(reader, &layout, 0, 0, &error), -1);
    assert_non_null(strstr(error.text, "for reading"));
    assert_int_equal(fixture_write_unit(store, &other, other.n_units - 1, 0, &error), -1);
    assert_int_equal(fixture_write_checkpoint(store, &other, 3, 0, &error), -1);
    assert_non_null(strstr(error.text, "digest"));
    assert_int_equal(fp_store_mark_unit(store, 0, FP_DONE, &who, &error), -1);
    assert_int_equal(fp_store_mark_unit(store, layout.n_units, FP_FAILED, &who, &error), -1);
    assert_non_null(strstr(error.text, "unit_status"));
    fp_checkpoint_record record = fixture_checkpoint_record(&layout, 3);
    record.n_losses--;
    assert_int_equal(fp_store_write_checkpoint(store, 3, &record, &who, &error), -1);
    assert_non_null(strstr(error.text, "losses"));
    free(record.losses);
    fp_group wider = layout.groups[0];
    wider.width++;
    assert_int_equal(fp_store_write_derived(store, 0, &(fp_derived_row){0}, &wider, (double[6]){0}, &error),
                     -1);
    assert_non_null(strstr(error.text, "shape"));
    unsigned char units[100], checkpoints[100];
    assert_works(fp_store_read_status(reader, units, checkpoints, &error), error);
    for (size_t i = 0; i < layout.n_units; i++)
        assert_int_equal(units[i], FP_WAITING);
    fp_store_close(store, NULL);
    fp_store_close(reader, NULL);
    layout.units[1].row = 1000;
    assert_int_equal(fp_store_create(path, &layout, NULL, NULL, &error), -1);
    fixture_name(layout.models[0].name, FP_NAME, "a/b");
    assert_int_equal(fp_store_create(path, &layout, NULL, NULL, &error), -1);
    assert_non_null(strstr(error.text, "a/b"));
    fp_layout_free(&layout);
    fp_layout_free(&other);
    free(path);
}

static void a_grown_sweep_keeps_what_is_done(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout small = fixture_layout(2, 10), large = fixture_layout(3, 5), read;
    char *from = make_finished("small.h5", &small);
    size_t kept = 0;
    char *path = make("large.h5", &large, from, &kept);
    assert_int_equal(kept, small.n_units);
    fp_store *store = open_to_read(path);
    unsigned char units[100], checkpoints[100];
    assert_works(fp_store_read_status(store, units, checkpoints, &error), error);
    assert_int_equal(count_done(units, large.n_units), small.n_units);
    for (size_t i = 0; i < large.n_units; i++)
        if (units[i] == FP_DONE)
            assert_works(fixture_compare_unit(store, &large, i, &error), error);
    fp_provenance_row who[100], of[100];
    assert_works(fp_store_read_provenance(store, who, of, &error), error);
    assert_int_equal(who[0].attempts, 2);
    assert_works(fp_store_layout(store, &read, &error), error);
    float losses[100];
    assert_works(fp_store_read_losses(store, losses, &error), error);
    for (size_t i = 0; i < large.n_checkpoints; i++) {
        int known = large.checkpoints[i].step % 10 == 0 && large.checkpoints[i].run < 2;
        assert_int_equal(checkpoints[i], known ? FP_DONE : FP_WAITING);
        if (!known || large.checkpoints[i].run < 0)
            continue;
        /* the mean loss covers the updates since the new checkpoint before it */
        fp_checkpoint_record expected = fixture_checkpoint_record(&large, i);
        assert_true(read.checkpoints[i].train_loss == expected.row.train_loss);
        assert_true(read.checkpoints[i].test_accuracy == expected.row.test_accuracy);
        assert_int_equal(read.checkpoints[i].crc, fp_checkpoint_record_crc(&expected));
        assert_memory_equal(losses + expected.losses_at, expected.losses, expected.n_losses * sizeof(float));
        free(expected.losses);
    }
    fp_store_close(store, NULL);
    char *back = make("small.h5", &small, path, &kept); /* shrunk again, over the old file */
    assert_int_equal(kept, small.n_units);
    store = open_to_read(back);
    assert_works(fp_store_read_status(store, units, checkpoints, &error), error);
    assert_int_equal(count_done(checkpoints, 4), 2); /* losses of steps 1 to 5 are not in the large file */
    fp_store_close(store, NULL);
    fp_layout_free(&read);
    fp_layout_free(&small);
    fp_layout_free(&large);
    free(path);
    free(from);
    free(back);
}

static void other_shapes_are_not_kept(void **state) {
    (void)state;
    fp_layout layout = fixture_layout(1, 10);
    char *from = make_finished("shape.h5", &layout);
    size_t kept = 0;
    layout.groups[1].clusters++;
    free(make("reshaped.h5", &layout, from, &kept));
    assert_int_equal(kept, layout.n_units - layout.groups[1].rows);
    fp_layout_free(&layout);
    free(from);
}

/* As `test_store write PATH`: writes all units over and over until it is killed. */
static int write_for_ever(const char *path) {
    MPI_Init(NULL, NULL);
    fp_error error = {0};
    fp_layout layout;
    fp_store *store = fp_store_open(path, MPI_COMM_WORLD, &error);
    if (!store || fp_store_layout(store, &layout, &error) < 0)
        return 1;
    for (size_t i = 0;; i = (i + 1) % layout.n_units)
        if (fixture_write_unit(store, &layout, i, 0, &error) < 0)
            return 1;
}

static void a_killed_writer_leaves_whole_units(void **state) {
    (void)state;
    fp_error error = {0};
    fp_layout layout = fixture_layout(3, 5);
    char *path = path_of("killed.h5");
    size_t done = 0;
    for (int trial = 0; trial < 4; trial++) {
        free(make("killed.h5", &layout, NULL, NULL));
        pid_t writer = fork();
        if (writer == 0) {
            execl(self, self, "write", path, (char *)NULL);
            _exit(127);
        }
        fp_store *store = open_to_read(path);
        unsigned char units[100] = {0}, checkpoints[100];
        int status = 0;
        for (size_t waited = 0; count_done(units, layout.n_units) < 5 + 10 * (size_t)trial; waited++) {
            usleep(1000);
            assert_works(fp_store_read_status(store, units, checkpoints, &error), error);
            if (waited > 60000 || waitpid(writer, &status, WNOHANG) != 0)
                fail_msg("the writer stopped by itself");
        }
        kill(writer, SIGKILL);
        waitpid(writer, &status, 0);
        fp_store_close(store, NULL);
        store = open_to_read(path);
        assert_works(fp_store_read_status(store, units, checkpoints, &error), error);
        for (size_t i = 0; i < layout.n_units; i++)
            if (units[i] == FP_DONE)
                assert_works(fixture_compare_unit(store, &layout, i, &error), error);
        done += count_done(units, layout.n_units);
        fp_store_close(store, NULL);
    }
    assert_true(done >= 80);
    fp_layout_free(&layout);
    free(path);
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return write_for_ever(argv[2]);
    if (!mkdtemp(folder))
        return 1;
    setenv("TMPDIR", folder, 1); /* what killed MPI processes leave goes with it */
    const struct CMUnitTest before_mpi[] = {cmocka_unit_test(a_killed_writer_leaves_whole_units)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_waits),
        cmocka_unit_test(a_file_without_runs_is_a_file),
        cmocka_unit_test(the_same_layout_gives_the_same_bytes),
        cmocka_unit_test(a_killed_writer_does_not_lock),
        cmocka_unit_test(writing_touches_only_its_rows),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(wrong_writes_are_refused),
        cmocka_unit_test(a_grown_sweep_keeps_what_is_done),
        cmocka_unit_test(other_shapes_are_not_kept),
    };
    int failed = cmocka_run_group_tests(before_mpi, NULL, NULL);
    MPI_Init(NULL, NULL);
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    fp_folder_remove(folder, NULL);
    return failed;
}
