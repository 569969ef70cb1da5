/* What is finished in an older file, taken over into a new one. */
#include "contents.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

/* Finished rows of the older file, sorted by digest. */
typedef struct fp_known {
    const char *digest;
    size_t row;
} fp_known;

typedef struct fp_carry {
    fp_store *from, *to;
    const fp_layout *layout; /* of TO */
    fp_layout old;           /* of FROM */
    unsigned char *unit_status, *checkpoint_status;
    fp_provenance_row *unit_provenance, *checkpoint_provenance;
    float *losses;           /* of FROM */
    unsigned char *verified; /* [old.n_losses] losses that a good CRC vouches for */
} fp_carry;

static int by_digest(const void *a, const void *b) {
    return strcmp(((const fp_known *)a)->digest, ((const fp_known *)b)->digest);
}

static const fp_known *find(const fp_known *known, size_t n, const char *digest) {
    fp_known wanted = {.digest = digest};
    return *digest ? bsearch(&wanted, known, n, sizeof *known, by_digest) : NULL;
}

static int read_old(fp_carry *carry, fp_error *error) {
    if (fp_store_layout(carry->from, &carry->old, error) < 0)
        return -1;
    size_t units = carry->old.n_units, checkpoints = carry->old.n_checkpoints;
    carry->unit_status = fp_alloc(units, 1, "states of units", error);
    carry->checkpoint_status = fp_alloc(checkpoints, 1, "states of checkpoints", error);
    carry->unit_provenance = fp_alloc(units, sizeof(fp_provenance_row), "provenance", error);
    carry->checkpoint_provenance = fp_alloc(checkpoints, sizeof(fp_provenance_row), "provenance", error);
    carry->losses = fp_alloc(carry->old.n_losses, sizeof(float), "losses", error);
    carry->verified = fp_alloc(carry->old.n_losses, 1, "losses", error);
    if (!carry->unit_status || !carry->checkpoint_status || !carry->unit_provenance ||
        !carry->checkpoint_provenance || !carry->losses || !carry->verified ||
        fp_store_read_status(carry->from, carry->unit_status, carry->checkpoint_status, error) < 0 ||
        fp_store_read_provenance(carry->from, carry->unit_provenance, carry->checkpoint_provenance, error) <
            0)
        return -1;
    return fp_store_read_losses(carry->from, carry->losses, error);
}

static int done(fp_carry *carry, fp_dataset statuses, size_t row, fp_error *error) {
    unsigned char byte = FP_DONE;
    return fp_rows_write(&carry->to->datasets[statuses], carry->to->transfer, row, 1, &byte, error);
}

static int same_shape(const fp_group *a, const fp_group *b) {
    return a->labels == b->labels && a->width == b->width && a->clusters == b->clusters &&
           a->train_instances == b->train_instances && a->test_instances == b->test_instances;
}

/* 1: taken over; 0: left waiting, because its CRC is wrong. */
static int carry_unit(fp_carry *carry, size_t unit, size_t old, fp_unit_record *record, fp_error *error) {
    const fp_store_group *from = &carry->from->groups[carry->old.unit_group[old]];
    const fp_store_group *to = &carry->to->groups[carry->layout->unit_group[unit]];
    if (fp_store_get_unit(carry->from, from, old, (size_t)carry->old.units[old].row, record, error) < 0)
        return -1;
    if (fp_unit_record_check(&from->group, record, NULL) < 0)
        return 0;
    fp_unit_row row = carry->layout->units[unit];
    row.train = record->row.train;
    row.test = record->row.test;
    row.train_test_similarity = record->row.train_test_similarity;
    record->row = row;
    record->row.crc = fp_unit_record_crc(&to->group, record);
    if (fp_store_put_unit(carry->to, to, record, &carry->unit_provenance[old], error) < 0 ||
        done(carry, FP_UNIT_STATUS, unit, error) < 0)
        return -1;
    return 1;
}

static int carry_units(fp_carry *carry, const fp_known *known, size_t n, size_t *kept, fp_error *error) {
    const fp_layout *layout = carry->layout;
    fp_unit_record record = {0};
    int rc = 0;
    int32_t shaped_for = -1; /* the group that RECORD was made for */
    for (size_t i = 0; rc >= 0 && i < layout->n_units; i++) {
        const fp_known *old = find(known, n, layout->units[i].digest);
        int32_t group = layout->unit_group[i];
        if (!old || !same_shape(&layout->groups[group], &carry->old.groups[carry->old.unit_group[old->row]]))
            continue;
        if (group != shaped_for) {
            fp_unit_record_free(&record);
            rc = fp_unit_record_alloc(&layout->groups[group], &record, error);
            shaped_for = group;
        }
        if (rc >= 0)
            rc = carry_unit(carry, i, old->row, &record, error);
        *kept += rc > 0;
    }
    fp_unit_record_free(&record);
    return rc < 0 ? -1 : 0;
}

/* Keeps the checkpoints whose CRC is right among the known ones; notes which losses they vouch for. */
static size_t verify_checkpoints(fp_carry *carry, fp_known *known, size_t n) {
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at, count;
        fp_layout_losses(&carry->old, known[i].row, &at, &count);
        fp_checkpoint_record record = {.row = carry->old.checkpoints[known[i].row],
                                       .losses_at = (int64_t)at,
                                       .n_losses = count,
                                       .losses = carry->losses + at};
        if (fp_checkpoint_record_crc(&record) != record.row.crc)
            continue;
        memset(carry->verified + at, 1, count);
        known[good++] = known[i];
    }
    return good;
}

/* A checkpoint's losses begin at the checkpoint before, which may be another one than in the older file:
 * it is taken over when all of them are known there, its mean loss being made anew. */
static int carry_checkpoint(fp_carry *carry, size_t checkpoint, size_t old, fp_error *error) {
    const fp_checkpoint_row *known = &carry->old.checkpoints[old];
    size_t at, count, old_at, old_count;
    fp_layout_losses(carry->layout, checkpoint, &at, &count);
    fp_layout_losses(&carry->old, old, &old_at, &old_count);
    fp_checkpoint_record record = {.row = carry->layout->checkpoints[checkpoint]};
    if (record.row.step != known->step || (record.row.run < 0) != (known->run < 0))
        return 0;
    record.row.train_loss = known->train_loss;
    record.row.test_loss = known->test_loss;
    record.row.test_accuracy = known->test_accuracy;
    if (count > 0) {
        size_t first = old_at + old_count - count; /* both end at the same update of the run */
        if (memchr(carry->verified + first, 0, count))
            return 0;
        record.losses = carry->losses + first;
        record.n_losses = count;
        if (count != old_count)
            record.row.train_loss = fp_losses_mean(record.losses, count);
    }
    record.row.crc = fp_checkpoint_record_crc(&record);
    const fp_rows *to = carry->to->datasets;
    hid_t transfer = carry->to->transfer;
    if (fp_rows_write(&to[FP_LOSSES], transfer, at, count, record.losses, error) < 0 ||
        fp_rows_write(&to[FP_CHECKPOINT_PROVENANCE], transfer, checkpoint, 1,
                      &carry->checkpoint_provenance[old], error) < 0 ||
        fp_rows_write(&to[FP_CHECKPOINTS], transfer, checkpoint, 1, &record.row, error) < 0)
        return -1;
    return done(carry, FP_CHECKPOINT_STATUS, checkpoint, error);
}

static int carry_all(fp_carry *carry, fp_known *known, size_t *kept, fp_error *error) {
    const fp_layout *old = &carry->old, *layout = carry->layout;
    size_t n = 0;
    for (size_t i = 0; i < old->n_units; i++)
        if (carry->unit_status[i] == FP_DONE)
            known[n++] = (fp_known){old->units[i].digest, i};
    qsort(known, n, sizeof *known, by_digest);
    if (carry_units(carry, known, n, kept, error) < 0)
        return -1;
    n = 0;
    for (size_t i = 0; i < old->n_checkpoints; i++)
        if (carry->checkpoint_status[i] == FP_DONE)
            known[n++] = (fp_known){old->checkpoints[i].digest, i};
    n = verify_checkpoints(carry, known, n);
    qsort(known, n, sizeof *known, by_digest);
    for (size_t i = 0; i < layout->n_checkpoints; i++) {
        const fp_known *found = find(known, n, layout->checkpoints[i].digest);
        if (found && carry_checkpoint(carry, i, found->row, error) < 0)
            return -1;
    }
    return 0;
}

int fp_store_carry(fp_store *from, fp_store *to, const fp_layout *layout, size_t *kept, fp_error *error) {
    fp_carry carry = {.from = from, .to = to, .layout = layout};
    fp_known *known = NULL;
    int rc = read_old(&carry, error);
    if (rc == 0) {
        size_t most =
            carry.old.n_units > carry.old.n_checkpoints ? carry.old.n_units : carry.old.n_checkpoints;
        known = fp_alloc(most, sizeof *known, "finished units", error);
        rc = known ? carry_all(&carry, known, kept, error) : -1;
    }
    free(known);
    free(carry.unit_status);
    free(carry.checkpoint_status);
    free(carry.unit_provenance);
    free(carry.checkpoint_provenance);
    free(carry.losses);
    free(carry.verified);
    fp_layout_free(&carry.old);
    return rc;
}
