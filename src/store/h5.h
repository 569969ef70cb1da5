/* h5.h: the little of HDF5 that the store uses, with errors that carry HDF5's own innermost message. */
#ifndef FINEPROBE_STORE_H5_H
#define FINEPROBE_STORE_H5_H

#include "fineprobe/error.h"
#include "fineprobe/table.h"
#include <hdf5.h>

/* Stops HDF5 from printing its errors; they go into fp_error. */
void fp_h5_quiet(void);
/* The message, ": " and what HDF5 says about its last failed call; returns -1. */
int fp_h5_fail(fp_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Types, to be closed with H5Tclose. */
hid_t fp_h5_text_type(size_t size);
hid_t fp_h5_table_type(const fp_table *table); /* the packed row */

/* Attributes of OBJECT: a text, N texts, an integer. */
int fp_h5_put_text(hid_t object, const char *name, const char *text, fp_error *error);
int fp_h5_put_texts(hid_t object, const char *name, const char *const *texts, size_t n, fp_error *error);
int fp_h5_put_integer(hid_t object, const char *name, int64_t value, fp_error *error);
int fp_h5_get_text(hid_t object, const char *name, char *out, size_t size, fp_error *error);
int fp_h5_get_integer(hid_t object, const char *name, int64_t *out, fp_error *error);

/* A dataset of one long text; what is read is to be freed with free(). LIMIT: no text can be longer. */
int fp_h5_write_document(hid_t file, const char *name, const char *text, const char *meaning,
                         fp_error *error);
/* 1: it is what was written; 0: it is not. */
int fp_h5_check_document(hid_t file, const char *name, size_t limit, fp_error *error);
char *fp_h5_read_document(hid_t file, const char *name, size_t limit, fp_error *error);

/* Properties of new datasets and groups: no times (the same input gives the same bytes); datasets contiguous,
 * allocated when they are made. */
hid_t fp_h5_dataset_properties(void);
hid_t fp_h5_group_properties(void);

#endif
