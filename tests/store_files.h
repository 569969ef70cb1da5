/* What the tests of the result file share: files in a folder of their own, checked calls. */
#ifndef FINEPROBE_TESTS_STORE_FILES_H
#define FINEPROBE_TESTS_STORE_FILES_H

#include "fineprobe/file.h"
#include "store_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/fineprobe-store-XXXXXX"; /* of this test */

#define assert_works(call, error)                                                                            \
    do {                                                                                                     \
        if ((call) < 0)                                                                                      \
            fail_msg("%s: %s", #call, (error).text);                                                         \
    } while (0)

static inline char *path_of(const char *name) {
    return fp_path_join(folder, name, NULL);
}

static inline char *make(const char *name, const fp_layout *layout, const char *from, size_t *kept) {
    fp_error error = {0};
    char *path = path_of(name);
    assert_works(fp_store_create(path, layout, from, kept, &error), error);
    return path;
}

static inline fp_store *open_to_write(const char *path) {
    fp_error error = {0};
    fp_store *store = fp_store_open(path, MPI_COMM_WORLD, &error);
    if (!store)
        fail_msg("%s", error.text);
    return store;
}

static inline fp_store *open_to_read(const char *path) {
    fp_error error = {0};
    fp_store *store = fp_store_open_read(path, &error);
    if (!store)
        fail_msg("%s", error.text);
    return store;
}

/* A file in which everything is done. */
static inline char *make_finished(const char *name, const fp_layout *layout) {
    fp_error error = {0};
    char *path = make(name, layout, NULL, NULL);
    fp_store *store = open_to_write(path);
    for (size_t i = 0; i < layout->n_checkpoints; i++)
        assert_works(fixture_write_checkpoint(store, layout, i, 0, &error), error);
    for (size_t i = 0; i < layout->n_units; i++)
        assert_works(fixture_write_unit(store, layout, i, 0, &error), error);
    assert_works(fp_store_close(store, &error), error);
    return path;
}

static inline size_t count_done(const unsigned char *status, size_t n) {
    size_t done = 0;
    for (size_t i = 0; i < n; i++)
        done += status[i] == FP_DONE;
    return done;
}

#endif
