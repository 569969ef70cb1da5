/* Records on their way from a piece of work to its rank: safetensors files in scratch. */
#include "fineprobe/memory.h"
#include "fineprobe/record.h"
#include "fineprobe/safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PARTS = FP_N_RESULTS + 1 };

/* The parts of a record as flat bytes, its row first; both ways go through this list. */
typedef struct fp_part {
    const char *name;
    void *bytes;
    size_t size;
} fp_part;

static size_t list_parts(const fp_record_kind *kind, const fp_group *group, const void *record,
                         fp_part out[MOST_PARTS]) {
    size_t n = 0;
    out[n++] = (fp_part){"row", (void *)record, kind->table->row_size};
    for (fp_result i = kind->first; i <= kind->last; i++)
        out[n++] = (fp_part){fp_results[i].name, fp_record_array(record, i),
                             fp_result_entries(group, i) * fp_result_size(i)};
    return n;
}

static fp_tensor_view bytes_view(const char *name, const void *bytes, size_t size) {
    return (fp_tensor_view){
        .name = name, .dtype = FP_U8, .rank = 1, .shape = {size}, .count = size, .data = bytes};
}

int fp_record_save(const char *path, const fp_record_kind *kind, const fp_group *group, const void *record,
                   fp_error *error) {
    fp_part parts[MOST_PARTS];
    fp_tensor_view views[MOST_PARTS];
    size_t n = list_parts(kind, group, record, parts);
    for (size_t i = 0; i < n; i++)
        views[i] = bytes_view(parts[i].name, parts[i].bytes, parts[i].size);
    return fp_safetensors_write(path, views, n, NULL, error);
}

static int take_bytes(const fp_safetensors *file, const char *name, void *out, size_t size, fp_error *error) {
    const fp_tensor_view *view = fp_safetensors_find(file, name);
    if (!view || view->dtype != FP_U8 || view->count != size)
        return fp_fail(error, "the record has no %s of %zu bytes", name, size);
    memcpy(out, view->data, size);
    return 0;
}

int fp_record_load(const char *path, const fp_record_kind *kind, const fp_group *group, void *record,
                   fp_error *error) {
    memset(record, 0, kind->size);
    fp_safetensors *file = fp_safetensors_open(path, error);
    if (!file)
        return -1;
    int rc = fp_safetensors_intact(file, error);
    if (rc == 0)
        rc = fp_record_alloc(kind, group, record, error);
    fp_part parts[MOST_PARTS];
    size_t n = rc == 0 ? list_parts(kind, group, record, parts) : 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = take_bytes(file, parts[i].name, parts[i].bytes, parts[i].size, error);
    fp_safetensors_close(file);
    if (rc < 0) {
        fp_record_free(kind, record);
        fp_error_context(error, "%s", path);
    }
    return rc;
}

int fp_checkpoint_record_save(const char *path, const fp_checkpoint_record *record, fp_error *error) {
    fp_tensor_view views[] = {
        bytes_view("row", &record->row, sizeof record->row),
        bytes_view("losses_at", &record->losses_at, sizeof record->losses_at),
        bytes_view("losses", record->losses, record->n_losses * sizeof *record->losses),
    };
    return fp_safetensors_write(path, views, 3, NULL, error);
}

int fp_checkpoint_record_load(const char *path, fp_checkpoint_record *record, fp_error *error) {
    *record = (fp_checkpoint_record){0};
    fp_safetensors *file = fp_safetensors_open(path, error);
    if (!file)
        return -1;
    const fp_tensor_view *losses = fp_safetensors_find(file, "losses");
    size_t bytes = losses ? losses->count : 0;
    record->n_losses = bytes / sizeof *record->losses;
    record->losses = fp_alloc(record->n_losses, sizeof *record->losses, "losses", error);
    int rc = record->losses ? fp_safetensors_intact(file, error) : -1;
    if (rc == 0)
        rc = take_bytes(file, "losses", record->losses, bytes, error);
    if (rc == 0)
        rc = take_bytes(file, "row", &record->row, sizeof record->row, error);
    if (rc == 0)
        rc = take_bytes(file, "losses_at", &record->losses_at, sizeof record->losses_at, error);
    fp_safetensors_close(file);
    if (rc < 0) {
        free(record->losses);
        record->losses = NULL;
        fp_error_context(error, "%s", path);
    }
    return rc;
}
