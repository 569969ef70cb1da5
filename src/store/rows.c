#include "rows.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST_ROW = 4096 };

static hid_t type_of(const fp_array *array) {
    switch (array->element) {
    case FP_ELEMENT_F32:
        return H5Tcopy(H5T_NATIVE_FLOAT);
    case FP_ELEMENT_F64:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case FP_ELEMENT_I32:
        return H5Tcopy(H5T_NATIVE_INT32);
    case FP_ELEMENT_U8:
        return H5Tcopy(H5T_NATIVE_UINT8);
    case FP_ELEMENT_ROW:
        return fp_h5_table_type(array->table);
    }
    return -1;
}

/* What unwritten places hold: never a number that could be taken for a result. */
static int set_fill(hid_t properties, const fp_array *array, hid_t type) {
    const float f32 = NAN;
    const double f64 = NAN;
    const int32_t i32 = -1;
    char packed[LARGEST_ROW] = {0};
    const void *fill = packed;
    if (array->element == FP_ELEMENT_F32)
        fill = &f32;
    else if (array->element == FP_ELEMENT_F64)
        fill = &f64;
    else if (array->element == FP_ELEMENT_I32)
        fill = &i32;
    else if (array->element == FP_ELEMENT_ROW) {
        char *row = fp_alloc(1, array->table->row_size, array->name, NULL);
        if (!row)
            return -1;
        fp_table_open(array->table, row);
        fp_table_pack(array->table, row, packed);
        free(row);
    }
    return H5Pset_fill_value(properties, type, fill) < 0 ? -1 : 0;
}

static int describe(const fp_rows *rows, fp_error *error) {
    const fp_array *array = rows->array;
    const char *meaning = *array->meaning ? array->meaning : array->table->meaning;
    if (fp_h5_put_text(rows->dataset, "meaning", meaning, error) < 0 ||
        fp_h5_put_text(rows->dataset, "axes", array->axes, error) < 0)
        return -1;
    if (array->element != FP_ELEMENT_ROW)
        return fp_h5_put_text(rows->dataset, "unit", array->unit, error);
    const fp_table *table = array->table;
    const char **texts = fp_alloc(table->n_fields, sizeof *texts, "column descriptions", error);
    if (!texts)
        return -1;
    for (size_t i = 0; i < table->n_fields; i++)
        texts[i] = table->fields[i].unit;
    int rc = fp_h5_put_texts(rows->dataset, "column_units", texts, table->n_fields, error);
    for (size_t i = 0; i < table->n_fields; i++)
        texts[i] = table->fields[i].meaning;
    if (rc == 0)
        rc = fp_h5_put_texts(rows->dataset, "column_meanings", texts, table->n_fields, error);
    free((void *)texts);
    return rc;
}

int fp_rows_create(hid_t parent, const fp_array *array, int rank, const hsize_t *shape, fp_rows *out,
                   fp_error *error) {
    *out = (fp_rows){.array = array, .dataset = -1, .type = type_of(array), .rank = rank};
    memcpy(out->shape, shape, (size_t)rank * sizeof *shape);
    hid_t space = H5Screate_simple(rank, shape, NULL), properties = fp_h5_dataset_properties();
    if (out->type >= 0 && space >= 0 && set_fill(properties, array, out->type) == 0)
        out->dataset =
            H5Dcreate2(parent, array->name, out->type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    int rc = out->dataset < 0 ? fp_h5_fail(error, "cannot make dataset %s", array->name) : 0;
    if (rc == 0)
        rc = describe(out, error);
    H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return rc;
}

static uint64_t bytes_of(const fp_rows *rows) {
    uint64_t bytes = H5Tget_size(rows->type);
    for (int i = 0; i < rows->rank; i++)
        if (__builtin_mul_overflow(bytes, rows->shape[i], &bytes))
            return UINT64_MAX;
    return bytes;
}

/* The dataset must be one plain block inside the file, of the expected type. */
static int check(fp_rows *rows, uint64_t file_size, fp_error *error) {
    const char *name = rows->array->name;
    int rc = 0;
    hid_t stored = H5Dget_type(rows->dataset), space = H5Dget_space(rows->dataset);
    hid_t properties = H5Dget_create_plist(rows->dataset);
    if (stored < 0 || space < 0 || properties < 0)
        rc = fp_h5_fail(error, "dataset %s is damaged", name);
    else if (H5Tequal(stored, rows->type) <= 0)
        rc = fp_fail(error, "dataset %s has another type than this program writes", name);
    else if (H5Sget_simple_extent_ndims(space) != rows->rank ||
             H5Sget_simple_extent_dims(space, rows->shape, NULL) < 0)
        rc = fp_fail(error, "dataset %s has %d axes, not %d", name, H5Sget_simple_extent_ndims(space),
                     rows->rank);
    else if (H5Pget_layout(properties) != H5D_CONTIGUOUS || H5Pget_nfilters(properties) != 0)
        rc = fp_fail(error, "dataset %s is chunked or compressed; copy the original file back", name);
    if (rc == 0) {
        uint64_t bytes = bytes_of(rows);
        haddr_t at = H5Dget_offset(rows->dataset);
        if (bytes > file_size || (bytes > 0 && (at == HADDR_UNDEF || at > file_size - bytes)))
            rc = fp_fail(error, "dataset %s reaches beyond the end of the file", name);
    }
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    if (stored >= 0)
        H5Tclose(stored);
    return rc;
}

int fp_rows_open(hid_t parent, const fp_array *array, int rank, uint64_t file_size, fp_rows *out,
                 fp_error *error) {
    *out = (fp_rows){.array = array, .dataset = -1, .type = type_of(array), .rank = rank};
    out->dataset = H5Dopen2(parent, array->name, H5P_DEFAULT);
    if (out->dataset < 0 || out->type < 0)
        return fp_h5_fail(error, "dataset %s cannot be opened", array->name);
    return check(out, file_size, error);
}

void fp_rows_none(const fp_array *array, int rank, const hsize_t *shape, fp_rows *out) {
    *out = (fp_rows){.array = array, .dataset = -1, .type = -1, .rank = rank};
    memcpy(out->shape, shape, (size_t)rank * sizeof *shape);
}

void fp_rows_close(fp_rows *rows) {
    if (!rows->array)
        return;
    if (rows->dataset >= 0)
        H5Dclose(rows->dataset);
    if (rows->type >= 0)
        H5Tclose(rows->type);
    *rows = (fp_rows){.dataset = -1, .type = -1};
}

int fp_rows_plain(const fp_rows *like, int fd, uint64_t file_size, fp_rows *out, fp_error *error) {
    haddr_t at = H5Dget_offset(like->dataset);
    uint64_t bytes = bytes_of(like);
    *out = *like;
    out->dataset = -1;
    out->type = H5Tcopy(like->type);
    out->plain = 1;
    out->fd = fd;
    out->at = at;
    if (bytes > 0 && (at == HADDR_UNDEF || bytes > file_size || at > file_size - bytes))
        return fp_fail(error, "the file ends before %s would", like->array->name);
    return 0;
}

static size_t elements_of(const fp_rows *rows, size_t count) {
    for (int i = 1; i < rows->rank; i++)
        count *= rows->shape[i];
    return count;
}

size_t fp_rows_size(const fp_rows *rows) {
    return elements_of(rows, 1) * H5Tget_size(rows->type);
}

/* Reads or writes COUNT rows as the file holds them. */
static int move(const fp_rows *rows, hid_t transfer, size_t first, size_t count, void *into, const void *from,
                fp_error *error) {
    if (first > rows->shape[0] || count > rows->shape[0] - first)
        return fp_fail(error, "rows %zu to %zu of dataset %s, which has %llu", first, first + count - 1,
                       rows->array->name, (unsigned long long)rows->shape[0]);
    hsize_t start[FP_MAX_AXES] = {first}, shape[FP_MAX_AXES];
    memcpy(shape, rows->shape, sizeof shape);
    shape[0] = count;
    hid_t in_file = H5Screate_simple(rows->rank, rows->shape, NULL);
    hid_t in_memory = H5Screate_simple(rows->rank, shape, NULL);
    herr_t rc = in_file < 0 || in_memory < 0
                    ? -1
                    : H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start, NULL, shape, NULL);
    if (rc >= 0)
        rc = from ? H5Dwrite(rows->dataset, rows->type, in_memory, in_file, transfer, from)
                  : H5Dread(rows->dataset, rows->type, in_memory, in_file, transfer, into);
    int failed = rc < 0 ? fp_h5_fail(error, "cannot %s rows %zu to %zu of dataset %s",
                                     from ? "write" : "read", first, first + count - 1, rows->array->name)
                        : 0;
    if (in_memory >= 0)
        H5Sclose(in_memory);
    if (in_file >= 0)
        H5Sclose(in_file);
    return failed;
}

int fp_rows_write_raw(const fp_rows *rows, hid_t transfer, size_t first, size_t count, const void *bytes,
                      fp_error *error) {
    return elements_of(rows, count) ? move(rows, transfer, first, count, NULL, bytes, error) : 0;
}

static int read_plain(const fp_rows *rows, size_t first, size_t count, void *bytes, fp_error *error) {
    size_t size = fp_rows_size(rows), wanted = count * size;
    ssize_t n = first <= rows->shape[0] && count <= rows->shape[0] - first
                    ? pread(rows->fd, bytes, wanted, (off_t)(rows->at + first * size))
                    : -1;
    return n == (ssize_t)wanted ? 0 : fp_fail(error, "cannot read rows of %s", rows->array->name);
}

int fp_rows_read_raw(const fp_rows *rows, hid_t transfer, size_t first, size_t count, void *bytes,
                     fp_error *error) {
    if (rows->plain)
        return elements_of(rows, count) ? read_plain(rows, first, count, bytes, error) : 0;
    return elements_of(rows, count) ? move(rows, transfer, first, count, bytes, NULL, error) : 0;
}

int fp_rows_write(const fp_rows *rows, hid_t transfer, size_t first, size_t count, const void *items,
                  fp_error *error) {
    const fp_table *table = rows->array->table;
    size_t n = elements_of(rows, count);
    if (n == 0)
        return 0;
    if (!table)
        return move(rows, transfer, first, count, NULL, items, error);
    size_t size = fp_table_packed_size(table);
    char *packed = fp_alloc(n, size, rows->array->name, error);
    if (!packed)
        return -1;
    for (size_t i = 0; i < n; i++)
        fp_table_pack(table, (const char *)items + i * table->row_size, packed + i * size);
    int rc = move(rows, transfer, first, count, NULL, packed, error);
    free(packed);
    return rc;
}

int fp_rows_read(const fp_rows *rows, hid_t transfer, size_t first, size_t count, void *items,
                 fp_error *error) {
    const fp_table *table = rows->array->table;
    size_t n = elements_of(rows, count);
    if (n == 0)
        return 0;
    if (!table)
        return fp_rows_read_raw(rows, transfer, first, count, items, error);
    size_t size = fp_table_packed_size(table);
    char *packed = fp_alloc(n, size, rows->array->name, error);
    if (!packed)
        return -1;
    int rc = fp_rows_read_raw(rows, transfer, first, count, packed, error);
    for (size_t i = 0; rc == 0 && i < n; i++)
        fp_table_unpack(table, packed + i * size, (char *)items + i * table->row_size);
    free(packed);
    return rc;
}
