#include "contents.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST_ROW = 4096 };
_Static_assert(offsetof(fp_unit_row, digest) == offsetof(fp_probe_identity, digest),
               "units begin as all that is computed");

fp_store_group *fp_store_named_group(fp_store *store, const char *name, fp_error *error) {
    for (size_t i = 0; i < store->n_groups; i++)
        if (strcmp(store->groups[i].group.name, name) == 0)
            return &store->groups[i];
    fp_fail(error, "the result file has no group %s", name);
    return NULL;
}

fp_store_group *fp_store_find_group(fp_store *store, const fp_group *group, fp_error *error) {
    fp_store_group *found = fp_store_named_group(store, group->name, error);
    for (fp_result i = 0; found && i < FP_N_RESULTS; i++) {
        size_t wanted[FP_MAX_AXES], mine[FP_MAX_AXES];
        int axes = fp_result_shape(group, i, wanted);
        fp_result_shape(&found->group, i, mine);
        if (memcmp(wanted, mine, (size_t)axes * sizeof *mine) == 0)
            continue;
        fp_fail(error, "group %s has another shape in the result file", group->name);
        return NULL;
    }
    return found;
}

int fp_store_put_record(fp_store *store, const fp_product *product, const fp_store_group *group, size_t index,
                        size_t row, const void *record, const fp_provenance_row *provenance,
                        fp_error *error) {
    const fp_rows *datasets = store->datasets;
    for (fp_result i = product->record->first; i <= product->record->last; i++)
        if (fp_rows_write(&group->results[i], store->transfer, row, 1, fp_record_array(record, i), error) < 0)
            return -1;
    if (fp_rows_write(&datasets[product->provenance], store->transfer, index, 1, provenance, error) < 0)
        return -1;
    return fp_rows_write(&datasets[product->rows], store->transfer, index, 1, record, error);
}

int fp_store_get_record(fp_store *store, const fp_product *product, const fp_store_group *group, size_t index,
                        size_t row, void *out, fp_error *error) {
    for (fp_result i = product->record->first; i <= product->record->last; i++)
        if (fp_rows_read(&group->results[i], store->transfer, row, 1, fp_record_array(out, i), error) < 0)
            return -1;
    return fp_rows_read(&store->datasets[product->rows], store->transfer, index, 1, out, error);
}

static int writable(const fp_store *store, fp_error *error) {
    return store->parallel ? 0 : fp_fail(error, "%s was opened for reading", store->path);
}

/* Until this returns, what was written may be lost with the machine. */
static int sync_data(const fp_store *store, fp_error *error) {
    return fdatasync(store->fd) < 0 ? fp_fail_errno(error, "cannot sync %s", store->path) : 0;
}

static int put_status(fp_store *store, fp_dataset dataset, size_t row, fp_status status, fp_error *error) {
    unsigned char byte = (unsigned char)status;
    return fp_rows_write(&store->datasets[dataset], store->transfer, row, 1, &byte, error);
}

/* Is this the record that the file has there, and in this place of this group? */
static int same_record(fp_store *store, const fp_product *product, const fp_group *group,
                       const fp_probe_identity *mine, fp_error *error) {
    char row[LARGEST_ROW];
    const char *kind = product->record->name;
    const fp_rows *rows = &store->datasets[product->rows];
    if (mine->index < 0 || mine->row < 0)
        return fp_fail(error, "%s %d in row %d", kind, mine->index, mine->row);
    if (rows->array->table->row_size > sizeof row ||
        fp_rows_read(rows, store->transfer, (size_t)mine->index, 1, row, error) < 0)
        return -1;
    fp_probe_identity known;
    memcpy(&known, row, sizeof known);
    if (known.row != mine->row || strcmp(known.results, group->name) != 0 ||
        strcmp(known.digest, mine->digest) != 0)
        return fp_fail(error, "%s %d is another one in the result file (digest %s, not %s)", kind,
                       mine->index, known.digest, mine->digest);
    return 0;
}

int fp_store_write_record(fp_store *store, fp_product_kind kind, const fp_group *group, void *record,
                          const fp_provenance_row *provenance, fp_error *error) {
    const fp_product *product = &fp_products[kind];
    const fp_table *table = product->record->table;
    fp_store_group *place = fp_store_find_group(store, group, error);
    fp_probe_identity id;
    memcpy(&id, record, sizeof id);
    if (!place || writable(store, error) < 0 || same_record(store, product, group, &id, error) < 0)
        return -1;
    uint32_t crc = fp_record_crc(product->record, group, record);
    memcpy((char *)record + table->fields[table->n_fields - 1].offset, &crc, sizeof crc);
    if (fp_store_put_record(store, product, place, (size_t)id.index, (size_t)id.row, record, provenance,
                            error) < 0 ||
        sync_data(store, error) < 0)
        return -1;
    return put_status(store, product->status, (size_t)id.index, FP_DONE, error);
}

int fp_store_write_unit(fp_store *store, const fp_group *group, fp_unit_record *record,
                        const fp_provenance_row *provenance, fp_error *error) {
    return fp_store_write_record(store, FP_UNIT, group, record, provenance, error);
}

/* As same_record; also, the losses must be those since the checkpoint before. */
static int same_checkpoint(fp_store *store, size_t checkpoint, const fp_checkpoint_record *record,
                           fp_error *error) {
    fp_checkpoint_row rows[2] = {{.run = -1}};
    fp_run_row run = {0};
    size_t first = checkpoint > 0 ? checkpoint - 1 : 0, at, count;
    fp_checkpoint_row *own = checkpoint > 0 ? &rows[1] : &rows[0];
    if (fp_rows_read(&store->datasets[FP_CHECKPOINTS], store->transfer, first, checkpoint - first + 1, rows,
                     error) < 0)
        return -1;
    if (strcmp(own->digest, record->row.digest) != 0)
        return fp_fail(error, "checkpoint %zu is another one in the result file (digest %s, not %s)",
                       checkpoint, own->digest, record->row.digest);
    if (own->run >= 0 &&
        fp_rows_read(&store->datasets[FP_RUNS], store->transfer, (size_t)own->run, 1, &run, error) < 0)
        return -1;
    /* a layout of these two rows and this run alone */
    for (int i = 0; i < 2; i++)
        rows[i].run = own->run >= 0 && rows[i].run == own->run ? 0 : -1;
    fp_layout around = {.checkpoints = rows, .runs = &run};
    fp_layout_losses(&around, checkpoint - first, &at, &count);
    if (record->n_losses != count || (count > 0 && record->losses_at != (int64_t)at))
        return fp_fail(error, "checkpoint %zu brings %zu losses from %lld; its place has %zu from %zu",
                       checkpoint, record->n_losses, (long long)record->losses_at, count, at);
    return 0;
}

int fp_store_write_checkpoint(fp_store *store, size_t checkpoint, fp_checkpoint_record *record,
                              const fp_provenance_row *provenance, fp_error *error) {
    if (writable(store, error) < 0 || same_checkpoint(store, checkpoint, record, error) < 0)
        return -1;
    record->row.crc = fp_checkpoint_record_crc(record);
    const fp_rows *rows = store->datasets;
    if (fp_rows_write(&rows[FP_LOSSES], store->transfer, (size_t)record->losses_at, record->n_losses,
                      record->losses, error) < 0 ||
        fp_rows_write(&rows[FP_CHECKPOINT_PROVENANCE], store->transfer, checkpoint, 1, provenance, error) <
            0 ||
        fp_rows_write(&rows[FP_CHECKPOINTS], store->transfer, checkpoint, 1, &record->row, error) < 0 ||
        sync_data(store, error) < 0)
        return -1;
    return put_status(store, FP_CHECKPOINT_STATUS, checkpoint, FP_DONE, error);
}

static int mark(fp_store *store, fp_dataset of, fp_dataset statuses, size_t row, fp_status status,
                const fp_provenance_row *provenance, fp_error *error) {
    unsigned char known;
    if (status == FP_DONE)
        return fp_fail(error, "done is a status that comes with a record");
    if (writable(store, error) < 0 ||
        fp_rows_read(&store->datasets[statuses], store->transfer, row, 1, &known, error) < 0)
        return -1;
    if (known == FP_DONE) /* what is done stays so; a run may come by a recorded checkpoint again */
        return 0;
    if (fp_rows_write(&store->datasets[of], store->transfer, row, 1, provenance, error) < 0 ||
        (status == FP_FAILED && sync_data(store, error) < 0))
        return -1;
    return put_status(store, statuses, row, status, error);
}

int fp_store_mark(fp_store *store, fp_product_kind kind, size_t index, fp_status status,
                  const fp_provenance_row *provenance, fp_error *error) {
    const fp_product *product = &fp_products[kind];
    return mark(store, product->provenance, product->status, index, status, provenance, error);
}

int fp_store_mark_unit(fp_store *store, size_t unit, fp_status status, const fp_provenance_row *provenance,
                       fp_error *error) {
    return fp_store_mark(store, FP_UNIT, unit, status, provenance, error);
}

int fp_store_mark_checkpoint(fp_store *store, size_t checkpoint, fp_status status,
                             const fp_provenance_row *provenance, fp_error *error) {
    return mark(store, FP_CHECKPOINT_PROVENANCE, FP_CHECKPOINT_STATUS, checkpoint, status, provenance, error);
}

int fp_store_write_derived(fp_store *store, size_t unit, const fp_derived_row *row, const fp_group *group,
                           const double *centroid_movement, fp_error *error) {
    fp_unit_row known;
    const fp_rows *rows = store->datasets;
    fp_store_group *place = fp_store_find_group(store, group, error);
    if (!place || writable(store, error) < 0 ||
        fp_rows_read(&rows[FP_UNITS], store->transfer, unit, 1, &known, error) < 0)
        return -1;
    if (strcmp(known.results, group->name) != 0 || row->unit != (int64_t)unit)
        return fp_fail(error, "derived row of unit %d for unit %zu of group %s, which is in group %s",
                       row->unit, unit, group->name, known.results);
    if (fp_rows_write(&place->results[FP_CENTROID_MOVEMENT], store->transfer, (size_t)known.row, 1,
                      centroid_movement, error) < 0)
        return -1;
    return fp_rows_write(&rows[FP_DERIVED], store->transfer, unit, 1, row, error);
}

int fp_store_write_classifier_derived(fp_store *store, size_t classifier,
                                      const fp_classifier_derived_row *row, fp_error *error) {
    if (writable(store, error) < 0)
        return -1;
    return fp_rows_write(&store->datasets[FP_CLASSIFIER_DERIVED], store->transfer, classifier, 1, row, error);
}

int fp_store_write_classifier_seeds(fp_store *store, size_t index, const fp_classifier_seeds_row *row,
                                    fp_error *error) {
    if (writable(store, error) < 0)
        return -1;
    return fp_rows_write(&store->datasets[FP_CLASSIFIER_SEEDS], store->transfer, index, 1, row, error);
}

int fp_store_write_progress(fp_store *store, const fp_progress_row *row, fp_error *error) {
    if (writable(store, error) < 0 ||
        fp_rows_write(&store->datasets[FP_PROGRESS], store->transfer, 0, 1, row, error) < 0)
        return -1;
    return row->finished ? sync_data(store, error) : 0;
}

static int read_all(fp_store *store, fp_dataset dataset, void *out, fp_error *error) {
    const fp_rows *rows = &store->datasets[dataset];
    return fp_rows_read(rows, store->transfer, 0, (size_t)rows->shape[0], out, error);
}

int fp_store_read_record_status(fp_store *store, fp_product_kind kind, unsigned char *status,
                                fp_error *error) {
    fp_dataset dataset = fp_products[kind].status;
    size_t n = (size_t)store->datasets[dataset].shape[0];
    if (read_all(store, dataset, status, error) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (status[i] > FP_FAILED)
            return fp_fail(error, "%s is damaged: %s %zu has status %d", store->path,
                           fp_products[kind].record->name, i, status[i]);
    return 0;
}

static int read_checkpoint_status(fp_store *store, unsigned char *status, fp_error *error) {
    size_t n = (size_t)store->datasets[FP_CHECKPOINT_STATUS].shape[0];
    if (read_all(store, FP_CHECKPOINT_STATUS, status, error) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (status[i] > FP_FAILED)
            return fp_fail(error, "%s is damaged: checkpoint %zu has status %d", store->path, i, status[i]);
    return 0;
}

int fp_store_read_checkpoint_status(fp_store *store, unsigned char *status, fp_provenance_row *rows,
                                    fp_error *error) {
    if (read_checkpoint_status(store, status, error) < 0)
        return -1;
    return read_all(store, FP_CHECKPOINT_PROVENANCE, rows, error);
}

int fp_store_read_status(fp_store *store, unsigned char *units, unsigned char *checkpoints, fp_error *error) {
    if (fp_store_read_record_status(store, FP_UNIT, units, error) < 0)
        return -1;
    return read_checkpoint_status(store, checkpoints, error);
}

int fp_store_read_record(fp_store *store, fp_product_kind kind, const fp_group *group, size_t index,
                         size_t row, void *out, fp_error *error) {
    const fp_product *product = &fp_products[kind];
    memset(out, 0, product->record->size);
    fp_store_group *place = fp_store_find_group(store, group, error);
    if (!place || fp_record_alloc(product->record, group, out, error) < 0)
        return -1;
    int rc = fp_store_get_record(store, product, place, index, row, out, error);
    if (rc < 0)
        fp_record_free(product->record, out);
    return rc;
}

int fp_store_read_unit(fp_store *store, const fp_group *group, size_t unit, size_t row, fp_unit_record *out,
                       fp_error *error) {
    return fp_store_read_record(store, FP_UNIT, group, unit, row, out, error);
}

int fp_store_read_record_provenance(fp_store *store, fp_product_kind kind, fp_provenance_row *rows,
                                    fp_error *error) {
    return read_all(store, fp_products[kind].provenance, rows, error);
}

int fp_store_read_classifier_derived(fp_store *store, fp_classifier_derived_row *rows, fp_error *error) {
    return read_all(store, FP_CLASSIFIER_DERIVED, rows, error);
}

int fp_store_read_classifier_seeds(fp_store *store, fp_classifier_seeds_row *rows, fp_error *error) {
    return read_all(store, FP_CLASSIFIER_SEEDS, rows, error);
}

int fp_store_read_provenance(fp_store *store, fp_provenance_row *units, fp_provenance_row *checkpoints,
                             fp_error *error) {
    if (read_all(store, FP_UNIT_PROVENANCE, units, error) < 0)
        return -1;
    return read_all(store, FP_CHECKPOINT_PROVENANCE, checkpoints, error);
}

int fp_store_read_derived(fp_store *store, fp_derived_row *rows, fp_error *error) {
    return read_all(store, FP_DERIVED, rows, error);
}

int fp_store_read_movement(fp_store *store, const fp_group *group, size_t row, double *out, fp_error *error) {
    fp_store_group *place = fp_store_find_group(store, group, error);
    if (!place)
        return -1;
    return fp_rows_read(&place->results[FP_CENTROID_MOVEMENT], store->transfer, row, 1, out, error);
}

int fp_store_read_losses(fp_store *store, float *losses, fp_error *error) {
    return read_all(store, FP_LOSSES, losses, error);
}

int fp_store_read_progress(fp_store *store, fp_progress_row *row, fp_error *error) {
    return read_all(store, FP_PROGRESS, row, error);
}
