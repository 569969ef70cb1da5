#include "h5.h"

#include "fineprobe/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void fp_h5_quiet(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static herr_t keep_innermost(unsigned n, const H5E_error2_t *entry, void *out) {
    if (n == 0 && entry->desc)
        snprintf(out, sizeof((fp_error *)0)->text, "%s", entry->desc);
    return 0;
}

int fp_h5_fail(fp_error *error, const char *format, ...) {
    if (!error)
        return -1;
    char cause[sizeof error->text] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, cause);
    for (char *at = cause; *at; at++)
        if (*at == '\n') /* HDF5 puts a date with its newline into some */
            *at = ' ';
    va_list args;
    va_start(args, format);
    int n = vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof error->text && *cause)
        snprintf(error->text + n, sizeof error->text - (size_t)n, ": HDF5 says: %s", cause);
    return -1;
}

hid_t fp_h5_text_type(size_t size) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static hid_t field_type(const fp_field *field) {
    switch (field->type) {
    case FP_FIELD_I32:
        return H5Tcopy(H5T_NATIVE_INT32);
    case FP_FIELD_U32:
        return H5Tcopy(H5T_NATIVE_UINT32);
    case FP_FIELD_I64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case FP_FIELD_F64:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case FP_FIELD_TEXT:
        return fp_h5_text_type(field->size);
    }
    return -1;
}

hid_t fp_h5_table_type(const fp_table *table) {
    hid_t type = H5Tcreate(H5T_COMPOUND, fp_table_packed_size(table));
    size_t at = 0;
    for (size_t i = 0; type >= 0 && i < table->n_fields; i++) {
        const fp_field *field = &table->fields[i];
        hid_t member = field_type(field);
        herr_t rc = member < 0 ? -1 : H5Tinsert(type, field->name, at, member);
        if (member >= 0)
            H5Tclose(member);
        if (rc < 0) {
            H5Tclose(type);
            return -1;
        }
        at += field->size;
    }
    return type;
}

/* Takes TYPE and SPACE over. */
static int put(hid_t object, const char *name, hid_t type, hid_t space, const void *value, fp_error *error) {
    hid_t attribute =
        type < 0 || space < 0 ? -1 : H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int rc = 0;
    if (attribute < 0 || H5Awrite(attribute, type, value) < 0)
        rc = fp_h5_fail(error, "cannot write attribute %s", name);
    if (attribute >= 0)
        H5Aclose(attribute);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return rc;
}

int fp_h5_put_text(hid_t object, const char *name, const char *text, fp_error *error) {
    return put(object, name, fp_h5_text_type(strlen(text) + 1), H5Screate(H5S_SCALAR), text, error);
}

int fp_h5_put_texts(hid_t object, const char *name, const char *const *texts, size_t n, fp_error *error) {
    size_t longest = 0;
    for (size_t i = 0; i < n; i++)
        longest = strlen(texts[i]) > longest ? strlen(texts[i]) : longest;
    char *all = fp_alloc(n, longest + 1, name, error);
    if (!all)
        return -1;
    for (size_t i = 0; i < n; i++)
        memcpy(all + i * (longest + 1), texts[i], strlen(texts[i]));
    hsize_t count = n;
    int rc = put(object, name, fp_h5_text_type(longest + 1), H5Screate_simple(1, &count, NULL), all, error);
    free(all);
    return rc;
}

int fp_h5_put_integer(hid_t object, const char *name, int64_t value, fp_error *error) {
    return put(object, name, H5Tcopy(H5T_NATIVE_INT64), H5Screate(H5S_SCALAR), &value, error);
}

/* A scalar of CLASS, of SIZE bytes at most; takes TYPE over. */
static int get(hid_t object, const char *name, hid_t type, H5T_class_t class, void *out, fp_error *error) {
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    hid_t stored = attribute < 0 ? -1 : H5Aget_type(attribute);
    int rc = 0;
    if (attribute < 0)
        rc = fp_h5_fail(error, "attribute %s is missing", name);
    else if (space < 0 || stored < 0 || H5Sget_simple_extent_npoints(space) != 1 ||
             H5Tget_class(stored) != class || H5Tis_variable_str(stored) > 0)
        rc = fp_fail(error, "attribute %s has another type", name);
    else if (H5Aread(attribute, type, out) < 0)
        rc = fp_h5_fail(error, "cannot read attribute %s", name);
    if (stored >= 0)
        H5Tclose(stored);
    if (space >= 0)
        H5Sclose(space);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Tclose(type);
    return rc;
}

int fp_h5_get_text(hid_t object, const char *name, char *out, size_t size, fp_error *error) {
    memset(out, 0, size);
    int rc = get(object, name, fp_h5_text_type(size), H5T_STRING, out, error);
    out[size - 1] = '\0';
    return rc;
}

int fp_h5_get_integer(hid_t object, const char *name, int64_t *out, fp_error *error) {
    *out = 0;
    return get(object, name, H5Tcopy(H5T_NATIVE_INT64), H5T_INTEGER, out, error);
}

static int64_t crc_of(const char *text) {
    return (int64_t)crc32_z(0, (const unsigned char *)text, strlen(text));
}

int fp_h5_write_document(hid_t file, const char *name, const char *text, const char *meaning,
                         fp_error *error) {
    hid_t type = fp_h5_text_type(strlen(text) + 1), space = H5Screate(H5S_SCALAR);
    hid_t properties = fp_h5_dataset_properties();
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    int rc = 0;
    if (dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0)
        rc = fp_h5_fail(error, "cannot write dataset %s", name);
    else if ((rc = fp_h5_put_text(dataset, "meaning", meaning, error)) == 0)
        rc = fp_h5_put_integer(dataset, "fixed_crc", crc_of(text), error);
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Pclose(properties);
    H5Sclose(space);
    H5Tclose(type);
    return rc;
}

int fp_h5_check_document(hid_t file, const char *name, size_t limit, fp_error *error) {
    char *text = fp_h5_read_document(file, name, limit, error);
    hid_t dataset = text ? H5Dopen2(file, name, H5P_DEFAULT) : -1;
    int64_t stored = -1;
    int rc = dataset < 0 ? -1 : fp_h5_get_integer(dataset, "fixed_crc", &stored, error);
    if (rc == 0)
        rc = crc_of(text) == stored;
    if (dataset >= 0)
        H5Dclose(dataset);
    free(text);
    return rc;
}

char *fp_h5_read_document(hid_t file, const char *name, size_t limit, fp_error *error) {
    char *text = NULL;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t type = dataset < 0 ? -1 : H5Dget_type(dataset), space = dataset < 0 ? -1 : H5Dget_space(dataset);
    size_t size = type < 0 ? 0 : H5Tget_size(type);
    if (dataset < 0)
        fp_h5_fail(error, "dataset %s is missing", name);
    else if (type < 0 || space < 0 || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0 ||
             H5Sget_simple_extent_npoints(space) != 1 || size > limit)
        fp_fail(error, "dataset %s is not a text", name);
    else if (!(text = fp_alloc(size + 1, 1, name, error)))
        ;
    else if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0) {
        fp_h5_fail(error, "cannot read dataset %s", name);
        free(text);
        text = NULL;
    }
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (dataset >= 0)
        H5Dclose(dataset);
    return text;
}

hid_t fp_h5_dataset_properties(void) {
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(properties, H5D_CONTIGUOUS);
    H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(properties, H5D_FILL_TIME_ALLOC);
    H5Pset_obj_track_times(properties, 0);
    return properties;
}

hid_t fp_h5_group_properties(void) {
    hid_t properties = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(properties, 0);
    return properties;
}
