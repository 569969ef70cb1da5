/* What is finished in an older file, taken over into a new one. */
#include "contents.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

/* Rows of the older file, sorted by digest. */
typedef struct fp_known {
    const char *digest;
    size_t row;
} fp_known;

static int by_digest(const void *a, const void *b) {
    return strcmp(((const fp_known *)a)->digest, ((const fp_known *)b)->digest);
}

static const fp_known *find(const fp_known *known, size_t n, const char *digest) {
    fp_known wanted = {.digest = digest};
    return *digest ? bsearch(&wanted, known, n, sizeof *known, by_digest) : NULL;
}

static int put_status(fp_store *to, fp_dataset statuses, size_t row, unsigned char status, fp_error *error) {
    return fp_rows_write(&to->datasets[statuses], to->transfer, row, 1, &status, error);
}

/* All rows of a dataset as the file holds them; free(). */
static char *read_all(fp_store *store, fp_dataset dataset, fp_error *error) {
    const fp_rows *rows = &store->datasets[dataset];
    size_t n = (size_t)rows->shape[0];
    char *bytes = fp_alloc(n, fp_rows_size(rows), rows->array->name, error);
    if (bytes && fp_rows_read_raw(rows, store->transfer, 0, n, bytes, error) < 0) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

/* ---- units and the like ---- */

typedef struct fp_carry {
    fp_store *from, *to;
    const fp_product *product;
    size_t n, n_old, row_size, digest_at, digest_end; /* rows; of a row as the file holds it */
    char *rows, *status, *old_rows, *old_status, *old_provenance;
    fp_known *known;
    size_t n_known;
    fp_raw raw;
} fp_carry;

static int same_shape(const fp_carry *c, const char *row, const char *old, fp_error *error) {
    size_t at = fp_table_packed_offset(c->product->record->table, "results", NULL);
    const fp_store_group *a = fp_store_named_group(c->to, row + at, error);
    const fp_store_group *b = fp_store_named_group(c->from, old + at, error);
    for (fp_result i = c->product->record->first; a && b && i <= c->product->record->last; i++)
        for (int k = 1; k < a->results[i].rank; k++)
            if (a->results[i].shape[k] != b->results[i].shape[k])
                return 0;
    return a && b;
}

/* 1: taken over; 0: left waiting, because its CRC is wrong. */
static int carry_done(fp_carry *c, size_t to, size_t from, fp_error *error) {
    const char *old = c->old_rows + from * c->row_size, *row = c->rows + to * c->row_size;
    if (!same_shape(c, row, old, NULL))
        return 0;
    if (fp_raw_read(c->from, c->product, old, &c->raw, error) < 0)
        return -1;
    if (fp_raw_crc(&c->raw) != fp_raw_stored_crc(&c->raw))
        return 0;
    memcpy(c->raw.bytes, row, c->digest_end);
    fp_raw_set_crc(&c->raw);
    return fp_raw_write(c->to, c->product, to, &c->raw, error) < 0 ? -1 : 1;
}

/* A row that is done or failed in the older file. */
static int carry_row(fp_carry *c, size_t to, size_t from, size_t *kept, fp_error *error) {
    const fp_rows *provenance = &c->to->datasets[c->product->provenance];
    unsigned char status = (unsigned char)c->old_status[from];
    int rc = status == FP_DONE ? carry_done(c, to, from, error) : 1;
    if (rc <= 0)
        return rc;
    *kept += status == FP_DONE;
    if (fp_rows_write_raw(provenance, c->to->transfer, to, 1,
                          c->old_provenance + from * fp_rows_size(provenance), error) < 0)
        return -1;
    return put_status(c->to, c->product->status, to, status, error);
}

static int carry_rows(fp_carry *c, size_t *kept, fp_error *error) {
    for (size_t i = 0; i < c->n_old; i++)
        if (c->old_status[i] == FP_DONE || c->old_status[i] == FP_FAILED)
            c->known[c->n_known++] = (fp_known){c->old_rows + i * c->row_size + c->digest_at, i};
    qsort(c->known, c->n_known, sizeof *c->known, by_digest);
    for (size_t i = 0; i < c->n; i++) {
        const fp_known *old = find(c->known, c->n_known, c->rows + i * c->row_size + c->digest_at);
        if (old && c->status[i] != FP_DONE && carry_row(c, i, old->row, kept, error) < 0)
            return -1;
    }
    return 0;
}

/* Texts of a damaged file may not end. */
static void end_texts(const fp_table *table, char *rows, size_t n) {
    size_t size = fp_table_packed_size(table);
    for (size_t i = 0, at = 0; i < table->n_fields; at += table->fields[i++].size)
        if (table->fields[i].type == FP_FIELD_TEXT)
            for (size_t k = 0; k < n; k++)
                rows[k * size + at + table->fields[i].size - 1] = '\0';
}

static int carry_product(fp_store *from, fp_store *to, const fp_product *product, size_t *kept,
                         fp_error *error) {
    const fp_field *digest = NULL;
    const fp_table *table = product->record->table;
    fp_carry c = {.from = from, .to = to, .product = product, .row_size = fp_table_packed_size(table)};
    c.digest_at = fp_table_packed_offset(table, "digest", &digest);
    c.digest_end = c.digest_at + digest->size;
    c.n = (size_t)to->datasets[product->rows].shape[0];
    c.n_old = (size_t)from->datasets[product->rows].shape[0];
    c.known = fp_alloc(c.n_old, sizeof *c.known, "finished rows", error);
    int rc = -1;
    if (c.known && (c.rows = read_all(to, product->rows, error)) &&
        (c.status = read_all(to, product->status, error)) &&
        (c.old_rows = read_all(from, product->rows, error)) &&
        (c.old_status = read_all(from, product->status, error)) &&
        (c.old_provenance = read_all(from, product->provenance, error))) {
        end_texts(table, c.old_rows, c.n_old);
        rc = carry_rows(&c, kept, error);
    }
    free(c.known);
    free(c.rows);
    free(c.status);
    free(c.old_rows);
    free(c.old_status);
    free(c.old_provenance);
    free(c.raw.bytes);
    return rc;
}

/* ---- checkpoints ---- */

typedef struct fp_carry_runs {
    fp_store *from, *to;
    const fp_layout *layout;       /* of TO */
    fp_layout old;                 /* of FROM; in a file of damaged structure, that of TO */
    fp_checkpoint_row *rows;       /* of FROM */
    unsigned char *status, *there; /* of FROM, of TO */
    char *provenance;
    float *losses;           /* of FROM */
    unsigned char *verified; /* [old.n_losses] losses that a good CRC vouches for */
    fp_known *known;
    size_t n_known;
} fp_carry_runs;

/* Whether checkpoint ROW is as it was stored; notes which losses it vouches for. */
static int is_whole(fp_carry_runs *c, size_t row) {
    size_t at, count;
    fp_layout_losses(&c->old, row, &at, &count);
    if (strcmp(c->rows[row].digest, c->old.checkpoints[row].digest) != 0)
        return 0;
    fp_checkpoint_record record = {
        .row = c->rows[row], .losses_at = (int64_t)at, .n_losses = count, .losses = c->losses + at};
    if (fp_checkpoint_record_crc(&record) != record.row.crc)
        return 0;
    memset(c->verified + at, 1, count);
    return 1;
}

/* A checkpoint's losses begin at the checkpoint before, which may be another one than in the older file:
 * it is taken over when all of them are known there, its mean loss being made anew. */
static int carry_checkpoint(fp_carry_runs *c, size_t checkpoint, size_t old, fp_error *error) {
    const fp_checkpoint_row *known = &c->rows[old];
    size_t at, count, old_at, old_count;
    fp_layout_losses(c->layout, checkpoint, &at, &count);
    fp_layout_losses(&c->old, old, &old_at, &old_count);
    fp_checkpoint_record record = {.row = c->layout->checkpoints[checkpoint]};
    if (record.row.step != known->step || (record.row.run < 0) != (known->run < 0))
        return 0;
    record.row.train_loss = known->train_loss;
    record.row.test_loss = known->test_loss;
    record.row.test_accuracy = known->test_accuracy;
    if (count > 0) {
        size_t first = old_at + old_count - count; /* both end at the same update of the run */
        if (memchr(c->verified + first, 0, count))
            return 0;
        record.losses = c->losses + first;
        record.n_losses = count;
        if (count != old_count)
            record.row.train_loss = fp_losses_mean(record.losses, count);
    }
    record.row.crc = fp_checkpoint_record_crc(&record);
    const fp_rows *to = c->to->datasets;
    hid_t transfer = c->to->transfer;
    if (fp_rows_write(&to[FP_LOSSES], transfer, at, count, record.losses, error) < 0 ||
        fp_rows_write(&to[FP_CHECKPOINTS], transfer, checkpoint, 1, &record.row, error) < 0)
        return -1;
    return 1;
}

static int carry_checkpoints(fp_carry_runs *c, fp_error *error) {
    for (size_t i = 0; i < c->old.n_checkpoints; i++)
        if (c->status[i] == FP_FAILED || (c->status[i] == FP_DONE && is_whole(c, i)))
            c->known[c->n_known++] = (fp_known){c->old.checkpoints[i].digest, i};
    qsort(c->known, c->n_known, sizeof *c->known, by_digest);
    const fp_rows *provenance = &c->to->datasets[FP_CHECKPOINT_PROVENANCE];
    for (size_t i = 0; i < c->layout->n_checkpoints; i++) {
        const fp_known *old = find(c->known, c->n_known, c->layout->checkpoints[i].digest);
        if (!old || c->there[i] == FP_DONE)
            continue;
        int rc = c->status[old->row] == FP_DONE ? carry_checkpoint(c, i, old->row, error) : 1;
        if (rc == 0)
            continue;
        if (rc < 0 ||
            fp_rows_write_raw(provenance, c->to->transfer, i, 1,
                              c->provenance + old->row * fp_rows_size(provenance), error) < 0 ||
            put_status(c->to, FP_CHECKPOINT_STATUS, i, c->status[old->row], error) < 0)
            return -1;
    }
    return 0;
}

static int carry_runs(fp_store *from, fp_store *to, const fp_layout *layout, fp_error *error) {
    fp_carry_runs c = {.from = from, .to = to, .layout = layout};
    int plain = from->file < 0, rc = 0;
    if (plain)
        c.old = *layout;
    else if ((rc = fp_store_tables(from, &c.old, error)) == 0)
        rc = fp_layout_check_runs(&c.old, error);
    if (rc == 0) {
        c.rows = fp_alloc(c.old.n_checkpoints, sizeof *c.rows, "checkpoints", error);
        rc = c.rows ? fp_rows_read(&from->datasets[FP_CHECKPOINTS], from->transfer, 0, c.old.n_checkpoints,
                                   c.rows, error)
                    : -1;
    }
    if (rc == 0) {
        c.known = fp_alloc(c.old.n_checkpoints, sizeof *c.known, "finished checkpoints", error);
        c.verified = fp_alloc(c.old.n_losses, 1, "losses", error);
        c.status = (unsigned char *)read_all(from, FP_CHECKPOINT_STATUS, error);
        c.there = (unsigned char *)read_all(to, FP_CHECKPOINT_STATUS, error);
        c.provenance = read_all(from, FP_CHECKPOINT_PROVENANCE, error);
        c.losses = (float *)read_all(from, FP_LOSSES, error);
        rc = c.known && c.verified && c.status && c.there && c.provenance && c.losses
                 ? carry_checkpoints(&c, error)
                 : -1;
    }
    free(c.known);
    free(c.verified);
    free(c.status);
    free(c.there);
    free(c.provenance);
    free(c.losses);
    free(c.rows);
    if (!plain)
        fp_layout_free(&c.old);
    return rc;
}

int fp_store_carry(fp_store *from, fp_store *to, const fp_layout *layout, size_t *kept, fp_error *error) {
    for (size_t i = 0; i < FP_N_PRODUCTS; i++)
        if (carry_product(from, to, &fp_products[i], kept, error) < 0)
            return -1;
    return carry_runs(from, to, layout, error);
}
