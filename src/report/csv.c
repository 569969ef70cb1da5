#include "report/csv.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fp_csv {
    FILE *out;
    char *path, *temporary;
    uint64_t bytes;
    int cells;  /* of the current row */
    int failed; /* errno of the first failure */
};

static void release(fp_csv *csv) {
    free(csv->path);
    free(csv->temporary);
    free(csv);
}

fp_csv *fp_csv_create(const char *folder, const char *name, fp_error *error) {
    fp_csv *csv = fp_alloc(1, sizeof *csv, "a table", error);
    if (!csv)
        return NULL;
    csv->path = fp_format(error, "%s/%s.csv", folder, name);
    csv->temporary = csv->path ? fp_format(error, "%s.tmp", csv->path) : NULL;
    if (csv->temporary && !(csv->out = fopen(csv->temporary, "w")))
        fp_fail_errno(error, "cannot write %s", csv->temporary);
    if (csv->out)
        return csv;
    release(csv);
    return NULL;
}

static void put(fp_csv *csv, const char *bytes, size_t size) {
    if (csv->failed)
        return;
    errno = 0;
    if (fwrite(bytes, 1, size, csv->out) != size)
        csv->failed = errno ? errno : EIO;
    csv->bytes += size;
}

static void begin_cell(fp_csv *csv) {
    if (csv->cells++)
        put(csv, ",", 1);
}

void fp_csv_text(fp_csv *csv, const char *text) {
    begin_cell(csv);
    if (!text[strcspn(text, ",\"\r\n")]) {
        put(csv, text, strlen(text));
        return;
    }
    put(csv, "\"", 1);
    for (const char *rest = text; *rest;) {
        size_t plain = strcspn(rest, "\"");
        put(csv, rest, plain);
        rest += plain;
        if (*rest) {
            put(csv, "\"\"", 2);
            rest++;
        }
    }
    put(csv, "\"", 1);
}

void fp_csv_integer(fp_csv *csv, int64_t value) {
    char text[24];
    begin_cell(csv);
    put(csv, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

/* As few digits as read back as the same number. The sign of a NaN means nothing, and is not written. */
void fp_csv_real(fp_csv *csv, double value) {
    char text[40];
    int size = snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)
        size = snprintf(text, sizeof text, "%.17g", value);
    begin_cell(csv);
    if (isnan(value))
        put(csv, "nan", 3);
    else
        put(csv, text, (size_t)size);
}

void fp_csv_float(fp_csv *csv, float value) {
    char text[40];
    int size = snprintf(text, sizeof text, "%.9g", (double)value);
    begin_cell(csv);
    if (isnan(value))
        put(csv, "nan", 3);
    else
        put(csv, text, (size_t)size);
}

void fp_csv_end_row(fp_csv *csv) {
    put(csv, "\n", 1);
    csv->cells = 0;
}

void fp_csv_names(fp_csv *csv, const char *const *names) {
    for (; *names; names++)
        fp_csv_text(csv, *names);
}

void fp_csv_field_names(fp_csv *csv, const fp_table *table, size_t first, size_t end) {
    for (size_t i = first; i < end; i++)
        fp_csv_text(csv, table->fields[i].name);
}

static void put_field(fp_csv *csv, const fp_field *field, const char *at) {
    switch (field->type) {
    case FP_FIELD_I32: {
        int32_t value;
        memcpy(&value, at, sizeof value);
        fp_csv_integer(csv, value);
        return;
    }
    case FP_FIELD_U32: {
        uint32_t value;
        memcpy(&value, at, sizeof value);
        fp_csv_integer(csv, value);
        return;
    }
    case FP_FIELD_I64: {
        int64_t value;
        memcpy(&value, at, sizeof value);
        fp_csv_integer(csv, value);
        return;
    }
    case FP_FIELD_F64: {
        double value;
        memcpy(&value, at, sizeof value);
        fp_csv_real(csv, value);
        return;
    }
    case FP_FIELD_TEXT:
        fp_csv_text(csv, at);
        return;
    }
}

void fp_csv_fields(fp_csv *csv, const fp_table *table, size_t first, size_t end, const void *row) {
    for (size_t i = first; i < end; i++)
        put_field(csv, &table->fields[i], (const char *)row + table->fields[i].offset);
}

int fp_csv_failed(const fp_csv *csv) {
    return csv->failed != 0;
}

int fp_csv_close(fp_csv *csv, uint64_t *bytes, fp_error *error) {
    if (!csv->failed && (fflush(csv->out) != 0 || fsync(fileno(csv->out)) != 0))
        csv->failed = errno ? errno : EIO;
    if (csv->failed) {
        errno = csv->failed;
        fp_fail_errno(error, "cannot write %s", csv->temporary);
        fp_csv_abandon(csv);
        return -1;
    }
    fclose(csv->out);
    if (bytes)
        *bytes = csv->bytes;
    int rc = fp_file_rename(csv->temporary, csv->path, error);
    if (rc < 0)
        unlink(csv->temporary);
    release(csv);
    return rc;
}

void fp_csv_abandon(fp_csv *csv) {
    if (!csv)
        return;
    fclose(csv->out);
    unlink(csv->temporary);
    release(csv);
}
