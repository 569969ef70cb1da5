/* rows.h: a dataset as rows along its first axis, moved as C arrays: plain numbers, or the structs of a
 * table. */
#ifndef FINEPROBE_STORE_ROWS_H
#define FINEPROBE_STORE_ROWS_H

#include "h5.h"

/* An open dataset. Everything needed later is read when it is opened: no metadata are touched again. */
typedef struct fp_rows {
    const fp_array *array;
    hid_t dataset, type;
    int rank;
    hsize_t shape[FP_MAX_AXES];
    int plain; /* 1: read from FD at byte AT, without HDF5; see fp_rows_plain */
    int fd;
    uint64_t at;
} fp_rows;

/* Both leave what is to be closed with fp_rows_close, also on failure. FILE_SIZE: bytes that the file has. */
int fp_rows_create(hid_t parent, const fp_array *array, int rank, const hsize_t *shape, fp_rows *out,
                   fp_error *error);
int fp_rows_open(hid_t parent, const fp_array *array, int rank, uint64_t file_size, fp_rows *out,
                 fp_error *error);
/* An array without rows: the file holds no dataset for it. */
void fp_rows_none(const fp_array *array, int rank, const hsize_t *shape, fp_rows *out);
void fp_rows_close(fp_rows *rows);
/* The bytes of file FD that would be LIKE if FD had the same layout; for reading alone. */
int fp_rows_plain(const fp_rows *like, int fd, uint64_t file_size, fp_rows *out, fp_error *error);

int fp_rows_write(const fp_rows *rows, hid_t transfer, size_t first, size_t count, const void *items,
                  fp_error *error);
int fp_rows_read(const fp_rows *rows, hid_t transfer, size_t first, size_t count, void *items,
                 fp_error *error);

/* The same as bytes just as the file holds them, fp_rows_size a row. */
size_t fp_rows_size(const fp_rows *rows);
int fp_rows_write_raw(const fp_rows *rows, hid_t transfer, size_t first, size_t count, const void *bytes,
                      fp_error *error);
int fp_rows_read_raw(const fp_rows *rows, hid_t transfer, size_t first, size_t count, void *bytes,
                     fp_error *error);

#endif
