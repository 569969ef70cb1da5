/* scratch.h: a folder for the files of one test program, as set-up and tear-down of its group. */
#ifndef FINEPROBE_TESTS_SCRATCH_H
#define FINEPROBE_TESTS_SCRATCH_H

#include "fineprobe/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char scratch_folder[64];

static inline int make_scratch(void **state) {
    (void)state;
    snprintf(scratch_folder, sizeof scratch_folder, "/tmp/fineprobe-test-XXXXXX");
    return mkdtemp(scratch_folder) ? 0 : -1;
}

static inline int remove_scratch(void **state) {
    (void)state;
    return fp_folder_remove(scratch_folder, NULL);
}

/* The path of NAME in the folder, in memory that the next call for another name does not touch. */
static inline char *scratch_path(const char *name) {
    static char paths[8][128];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
    return path;
}

/* Writes SIZE bytes to NAME; no sync, for tests write often. Returns the path. */
static inline char *scratch_write(const char *name, const void *bytes, size_t size) {
    char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        abort();
    }
    return path;
}

static inline char *scratch_text(const char *name, const char *text) {
    return scratch_write(name, text, strlen(text));
}

#endif
