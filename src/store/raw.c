/* Records as the file holds them, and checks of their bytes. */
#include "contents.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static uint32_t more(uint32_t crc, const void *bytes, size_t size) {
    return size ? (uint32_t)crc32_z(crc, bytes, size) : crc;
}

/* The group that ROW names, and its place there. */
static const fp_store_group *place_of(fp_store *store, const fp_product *product, const char *row, size_t *at,
                                      fp_error *error) {
    const fp_table *table = product->record->table;
    char name[FP_PATH] = "";
    int32_t place;
    memcpy(name, row + fp_table_packed_offset(table, "results", NULL), sizeof name - 1);
    memcpy(&place, row + fp_table_packed_offset(table, "row", NULL), sizeof place);
    const fp_store_group *group = fp_store_named_group(store, name, error);
    if (group && place < 0) {
        fp_fail(error, "a row of group %s has the place %d", name, place);
        return NULL;
    }
    *at = (size_t)place;
    return group;
}

static int make_room(const fp_product *product, const fp_store_group *group, fp_raw *out, fp_error *error) {
    out->row_size = out->size = fp_table_packed_size(product->record->table);
    for (fp_result i = product->record->first; i <= product->record->last; i++)
        out->size += fp_rows_size(&group->results[i]);
    return fp_grow((void **)&out->bytes, &out->capacity, out->size, 1, error);
}

int fp_raw_read(fp_store *store, const fp_product *product, const char *row, fp_raw *out, fp_error *error) {
    size_t at, used;
    const fp_store_group *group = place_of(store, product, row, &at, error);
    if (!group || make_room(product, group, out, error) < 0)
        return -1;
    memcpy(out->bytes, row, out->row_size);
    used = out->row_size;
    for (fp_result i = product->record->first; i <= product->record->last; i++) {
        const fp_rows *array = &group->results[i];
        if (fp_rows_read_raw(array, store->transfer, at, 1, out->bytes + used, error) < 0)
            return -1;
        used += fp_rows_size(array);
    }
    return 0;
}

int fp_raw_write(fp_store *store, const fp_product *product, size_t index, const fp_raw *raw,
                 fp_error *error) {
    size_t at, used = raw->row_size;
    const fp_store_group *group = place_of(store, product, raw->bytes, &at, error);
    if (!group)
        return -1;
    for (fp_result i = product->record->first; i <= product->record->last; i++) {
        const fp_rows *array = &group->results[i];
        if (fp_rows_write_raw(array, store->transfer, at, 1, raw->bytes + used, error) < 0)
            return -1;
        used += fp_rows_size(array);
    }
    return fp_rows_write_raw(&store->datasets[product->rows], store->transfer, index, 1, raw->bytes, error);
}

uint32_t fp_raw_crc(const fp_raw *raw) {
    uint32_t crc = more(0, raw->bytes, raw->row_size - sizeof crc);
    return more(crc, raw->bytes + raw->row_size, raw->size - raw->row_size);
}

uint32_t fp_raw_stored_crc(const fp_raw *raw) {
    uint32_t crc;
    memcpy(&crc, raw->bytes + raw->row_size - sizeof crc, sizeof crc);
    return crc;
}

void fp_raw_set_crc(const fp_raw *raw) {
    uint32_t crc = fp_raw_crc(raw);
    memcpy(raw->bytes + raw->row_size - sizeof crc, &crc, sizeof crc);
}

/* The identity of a row goes up to its digest; a row without results is all identity. */
static size_t fixed_bytes(const fp_table *table) {
    const fp_field *digest = NULL;
    size_t at = fp_table_packed_offset(table, "digest", &digest);
    int has_results = table == &fp_table_checkpoints;
    for (size_t i = 0; i < FP_N_PRODUCTS; i++)
        has_results |= table == fp_products[i].record->table;
    return has_results && digest ? at + digest->size : fp_table_packed_size(table);
}

int fp_fixed_crc(fp_store *store, const fp_fixed_table *table, uint32_t *out, fp_error *error) {
    const fp_rows *rows = &store->datasets[table->dataset];
    size_t n = (size_t)rows->shape[0], size = fp_rows_size(rows), fixed = fixed_bytes(rows->array->table);
    char *bytes = fp_alloc(n, size, rows->array->name, error);
    *out = 0;
    if (!bytes)
        return -1;
    int rc = fp_rows_read_raw(rows, store->transfer, 0, n, bytes, error);
    for (size_t i = 0; rc == 0 && i < n; i++)
        *out = more(*out, bytes + i * size, fixed);
    free(bytes);
    return rc;
}
