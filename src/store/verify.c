/* Whether a result file holds what was written into it. */
#include "contents.h"

#include "fineprobe/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fp_check {
    fp_store *store;
    fp_layout layout;
    fp_store_found *found;
    void *context;
    fp_store_check *out;
} fp_check;

static void tell(const fp_check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(const fp_check *c, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->out->damaged++;
    if (c->found)
        c->found(c->context, text);
}

static char *read_all(const fp_check *c, fp_dataset dataset, fp_error *error) {
    const fp_rows *rows = &c->store->datasets[dataset];
    size_t n = (size_t)rows->shape[0];
    char *bytes = fp_alloc(n, fp_rows_size(rows), rows->array->name, error);
    if (bytes && fp_rows_read_raw(rows, c->store->transfer, 0, n, bytes, error) < 0) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

/* ---- tables that are fixed when the file is made ---- */

static int check_fixed(const fp_check *c, fp_error *error) {
    for (size_t i = 0; i < FP_N_FIXED; i++) {
        const fp_rows *rows = &c->store->datasets[fp_fixed_tables[i].dataset];
        int64_t stored;
        uint32_t crc;
        if (fp_h5_get_integer(rows->dataset, "fixed_crc", &stored, error) < 0 ||
            fp_fixed_crc(c->store, &fp_fixed_tables[i], &crc, error) < 0)
            return -1;
        if (crc != stored)
            tell(c, "table %s: its identity columns have CRC %08x, not %08llx", rows->array->name, crc,
                 (unsigned long long)stored);
    }
    return 0;
}

static int check_documents(const fp_check *c, fp_error *error) {
    static const char *const names[] = {"grid", "settings", "provenance"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int rc = fp_h5_check_document(c->store->file, names[i], c->store->size, error);
        if (rc < 0)
            return -1;
        if (rc == 0)
            tell(c, "text %s is not what was written", names[i]);
    }
    return 0;
}

/* ---- what was computed ---- */

static int is_status(const fp_check *c, const char *kind, size_t row, unsigned char status) {
    if (status <= FP_FAILED)
        return 1;
    tell(c, "%s %zu: status %d does not exist", kind, row, status);
    return 0;
}

static void check_records(const fp_check *c, const fp_product *product, const char *rows,
                          const char *status) {
    fp_raw raw = {0};
    const fp_rows *table = &c->store->datasets[product->rows];
    size_t n = (size_t)table->shape[0], size = fp_rows_size(table);
    for (size_t i = 0; i < n; i++) {
        fp_error why = {0};
        if (!is_status(c, product->record->name, i, (unsigned char)status[i])) {
            c->out->bad_records++;
            continue;
        }
        if (status[i] != FP_DONE)
            continue;
        c->out->records++;
        if (fp_raw_read(c->store, product, rows + i * size, &raw, &why) < 0) {
            tell(c, "%s %zu: %s", product->record->name, i, why.text);
            c->out->bad_records++;
        } else if (fp_raw_crc(&raw) != fp_raw_stored_crc(&raw)) {
            tell(c, "%s %zu: CRC %08x, its row says %08x", product->record->name, i, fp_raw_crc(&raw),
                 fp_raw_stored_crc(&raw));
            c->out->bad_records++;
        }
    }
    free(raw.bytes);
}

static int check_product(const fp_check *c, const fp_product *product, fp_error *error) {
    char *rows = read_all(c, product->rows, error), *status = read_all(c, product->status, error);
    int there = rows && status;
    if (there)
        check_records(c, product, rows, status);
    free(rows);
    free(status);
    return there ? 0 : -1;
}

static void check_checkpoint(const fp_check *c, size_t i, float *losses) {
    size_t at, count;
    fp_layout_losses(&c->layout, i, &at, &count);
    fp_checkpoint_record record = {
        .row = c->layout.checkpoints[i], .losses_at = (int64_t)at, .n_losses = count, .losses = losses + at};
    uint32_t crc = fp_checkpoint_record_crc(&record);
    if (crc == record.row.crc)
        return;
    tell(c, "checkpoint %zu: CRC %08x, its row says %08x", i, crc, record.row.crc);
    c->out->bad_checkpoints++;
}

static int check_checkpoints(const fp_check *c, fp_error *error) {
    unsigned char *status = (unsigned char *)read_all(c, FP_CHECKPOINT_STATUS, error);
    float *losses = (float *)read_all(c, FP_LOSSES, error);
    int rc = status && losses ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < c->layout.n_checkpoints; i++) {
        if (!is_status(c, "checkpoint", i, status[i])) {
            c->out->bad_checkpoints++;
        } else if (status[i] == FP_DONE) {
            c->out->checkpoints++;
            check_checkpoint(c, i, losses);
        }
    }
    free(status);
    free(losses);
    return rc;
}

static int check_all(fp_check *c, fp_error *error) {
    fp_error why = {0};
    if (check_fixed(c, error) < 0 || check_documents(c, error) < 0)
        return -1;
    for (size_t i = 0; i < FP_N_PRODUCTS; i++)
        if (check_product(c, &fp_products[i], error) < 0)
            return -1;
    if (fp_store_tables(c->store, &c->layout, error) < 0)
        return -1;
    int rc = 0;
    if (fp_layout_check_runs(&c->layout, &why) < 0)
        tell(c, "%s", why.text);
    else
        rc = check_checkpoints(c, error);
    fp_layout_free(&c->layout);
    return rc;
}

int fp_store_verify(const char *path, fp_store_found *found, void *context, fp_store_check *out,
                    fp_error *error) {
    *out = (fp_store_check){0};
    fp_store *store = fp_store_open_read(path, error);
    if (!store)
        return -1;
    fp_check check = {.store = store, .found = found, .context = context, .out = out};
    int rc = check_all(&check, error);
    fp_store_close(store, NULL);
    return rc;
}
