/* file.h: files and folders, with errors that name the path. */
#ifndef FINEPROBE_FILE_H
#define FINEPROBE_FILE_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

/* A file mapped for reading. BYTES has SIZE bytes (and is not NUL-terminated); an empty file maps to "". */
typedef struct fp_file_map {
    const unsigned char *bytes;
    size_t size;
} fp_file_map;

int fp_file_map_open(const char *path, fp_file_map *out, fp_error *error);
void fp_file_map_close(fp_file_map *map);

/* The whole file as a NUL-terminated string in fresh memory (free with free()); SIZE may be NULL. */
char *fp_file_read(const char *path, size_t *size, fp_error *error);

/* All or nothing: written beside PATH, synced, renamed over it, the folder synced. */
int fp_file_write(const char *path, const void *bytes, size_t size, fp_error *error);

/* rename(2) of a finished temporary file or folder, then a sync of the folder that holds it. */
int fp_file_rename(const char *from, const char *to, fp_error *error);

/* Writes all of SIZE bytes to FD, going on after interruptions. */
int fp_write_all(int fd, const void *bytes, size_t size, fp_error *error);

int fp_sync_path(const char *path, fp_error *error);     /* fsync of a file or folder */
int fp_folder_create(const char *path, fp_error *error); /* with its parents; existing is fine */
int fp_folder_remove(const char *path, fp_error *error); /* with all it holds; missing is fine */
int fp_path_exists(const char *path);                    /* 1 or 0 */
int64_t fp_folder_bytes(const char *path);               /* size of all files below PATH; 0 when missing */
char *fp_path_join(const char *folder, const char *name,
                   fp_error *error);                     /* an absolute NAME stays; free() */
char *fp_path_folder(const char *path, fp_error *error); /* the folder part, "." when there is none; free() */

#endif
