/* Records on their way from a piece of work to its rank: safetensors files in scratch. */
#include "fineprobe/memory.h"
#include "fineprobe/record.h"
#include "fineprobe/safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { UNIT_PARTS = 6 };

/* The parts of a unit's record as flat bytes, in the order of the documentation; both ways go through this
 * list. */
typedef struct fp_part {
    const char *name;
    void *bytes;
    size_t size;
} fp_part;

static void unit_parts(const fp_group *g, const fp_unit_record *r, fp_part out[UNIT_PARTS]) {
    size_t instances = g->train_instances + g->test_instances;
    out[0] = (fp_part){"row", (void *)&r->row, sizeof r->row};
    out[1] = (fp_part){"label_distances", r->label_distances, 2 * g->labels * g->labels * sizeof(double)};
    out[2] = (fp_part){"minimum_distances", r->minimum_distances, 2 * g->labels * sizeof(double)};
    out[3] = (fp_part){"centroids", r->centroids, 2 * g->labels * g->width * sizeof(float)};
    out[4] = (fp_part){"cluster_of", r->cluster_of, instances * sizeof(int32_t)};
    out[5] = (fp_part){"clusters", r->clusters, 2 * g->clusters * sizeof(fp_cluster_row)};
}

static fp_tensor_view bytes_view(const char *name, const void *bytes, size_t size) {
    return (fp_tensor_view){
        .name = name, .dtype = FP_U8, .rank = 1, .shape = {size}, .count = size, .data = bytes};
}

int fp_unit_record_save(const char *path, const fp_group *group, const fp_unit_record *record,
                        fp_error *error) {
    fp_part parts[UNIT_PARTS];
    fp_tensor_view views[UNIT_PARTS];
    unit_parts(group, record, parts);
    for (int i = 0; i < UNIT_PARTS; i++)
        views[i] = bytes_view(parts[i].name, parts[i].bytes, parts[i].size);
    return fp_safetensors_write(path, views, UNIT_PARTS, NULL, error);
}

static int take_bytes(const fp_safetensors *file, const char *name, void *out, size_t size, fp_error *error) {
    const fp_tensor_view *view = fp_safetensors_find(file, name);
    if (!view || view->dtype != FP_U8 || view->count != size)
        return fp_fail(error, "the record has no %s of %zu bytes", name, size);
    memcpy(out, view->data, size);
    return 0;
}

int fp_unit_record_load(const char *path, const fp_group *group, fp_unit_record *record, fp_error *error) {
    fp_safetensors *file = fp_safetensors_open(path, error);
    if (!file)
        return -1;
    int rc = fp_unit_record_alloc(group, record, error);
    fp_part parts[UNIT_PARTS];
    if (rc == 0)
        unit_parts(group, record, parts);
    for (int i = 0; rc == 0 && i < UNIT_PARTS; i++)
        rc = take_bytes(file, parts[i].name, parts[i].bytes, parts[i].size, error);
    fp_safetensors_close(file);
    if (rc < 0)
        fp_error_context(error, "%s", path);
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
    int rc = record->losses ? take_bytes(file, "losses", record->losses, bytes, error) : -1;
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
