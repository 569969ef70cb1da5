#include "fineprobe/record.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SPLITS = 2, LARGEST_ROW = 4096 };

#define OF_UNIT(member) offsetof(fp_unit_record, member)

const fp_array fp_results[FP_N_RESULTS] = {
    [FP_LABEL_DISTANCES] =
        {"label_distances", FP_ELEMENT_F64, NULL, "row,split,label,label", "distance",
         "mean distance between the hulls of two labels' clusters; split 0 is the training "
         "set, 1 the test set; NaN: the diagonal, a label without instances",
         OF_UNIT(label_distances)},
    [FP_MINIMUM_DISTANCES] = {"minimum_distances", FP_ELEMENT_F64, NULL, "row,split,label", "distance",
                              "distance of a label to the nearest other; NaN: without instances, or alone",
                              OF_UNIT(minimum_distances)},
    [FP_CENTROIDS] = {"centroids", FP_ELEMENT_F32, NULL, "row,split,label,width", "",
                      "mean vector of a label's instances; NaN: without instances", OF_UNIT(centroids)},
    [FP_CLUSTER_OF] =
        {"cluster_of", FP_ELEMENT_I32, NULL, "row,instance", "",
         "cluster of every instance, the training set's first, each set's clusters numbered from 0; "
         "-1: not probed",
         OF_UNIT(cluster_of)},
    [FP_CLUSTERS] = {"clusters", FP_ELEMENT_ROW, &fp_table_clusters, "row,split,place", "",
                     "the largest clusters, by size", OF_UNIT(clusters)},
    [FP_CERTIFICATES] = {"certificates", FP_ELEMENT_ROW, &fp_table_certificates, "row,split,certificate", "",
                         "why clusters are apart or were not merged", OF_UNIT(certificates)},
    [FP_SUPPORT_POINTS] = {"support_points", FP_ELEMENT_I32, NULL, "row,split,support", "",
                           "instances of the split that certificates are made of; -1: none in this place",
                           OF_UNIT(support_points)},
    [FP_SUPPORT_WEIGHTS] =
        {"support_weights", FP_ELEMENT_F64, NULL, "row,split,support", "",
         "their weights, which sum to 1 on either side of a certificate; NaN: none in this place",
         OF_UNIT(support_weights)},
    [FP_CENTROID_MOVEMENT] = {"centroid_movement", FP_ELEMENT_F64, NULL, "row,split,label", "distance",
                              "distance of a label's centroid to the one of the original model; NaN: not "
                              "defined; written when the sweep ends",
                              0},
};

const fp_record_kind fp_unit_records = {"unit", &fp_table_units, sizeof(fp_unit_record), FP_LABEL_DISTANCES,
                                        FP_SUPPORT_WEIGHTS};

/* ---- shapes ---- */

static size_t axis_length(const fp_group *group, const char *name, size_t n) {
    const struct {
        const char *name;
        size_t length;
    } axes[] = {
        {"row", group->rows},        {"split", SPLITS},
        {"label", group->labels},    {"width", group->width},
        {"place", group->clusters},  {"certificate", group->certificates},
        {"support", group->support}, {"instance", group->train_instances + group->test_instances},
    };
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        if (strlen(axes[i].name) == n && memcmp(axes[i].name, name, n) == 0)
            return axes[i].length;
    return 0;
}

int fp_result_shape(const fp_group *group, fp_result result, size_t shape[FP_MAX_AXES]) {
    int axes = 0;
    for (const char *at = fp_results[result].axes; axes < FP_MAX_AXES; at++) {
        size_t n = strcspn(at, ",");
        shape[axes++] = axis_length(group, at, n);
        at += n;
        if (!*at)
            break;
    }
    return axes;
}

size_t fp_result_entries(const fp_group *group, fp_result result) {
    size_t shape[FP_MAX_AXES], entries = 1;
    int axes = fp_result_shape(group, result, shape);
    for (int i = 1; i < axes; i++)
        entries *= shape[i];
    return entries;
}

/* ---- records ---- */

size_t fp_result_size(fp_result result) {
    const fp_array *array = &fp_results[result];
    switch (array->element) {
    case FP_ELEMENT_F32:
        return sizeof(float);
    case FP_ELEMENT_F64:
        return sizeof(double);
    case FP_ELEMENT_I32:
        return sizeof(int32_t);
    case FP_ELEMENT_U8:
        return 1;
    case FP_ELEMENT_ROW:
        return array->table->row_size;
    }
    return 0;
}

void *fp_record_array(const void *record, fp_result result) {
    void *array;
    memcpy(&array, (const char *)record + fp_results[result].member, sizeof array);
    return array;
}

static void open_entries(const fp_array *array, size_t entries, void *out) {
    for (size_t i = 0; i < entries; i++)
        switch (array->element) {
        case FP_ELEMENT_F32:
            ((float *)out)[i] = NAN;
            break;
        case FP_ELEMENT_F64:
            ((double *)out)[i] = NAN;
            break;
        case FP_ELEMENT_I32:
            ((int32_t *)out)[i] = -1;
            break;
        case FP_ELEMENT_U8:
            ((unsigned char *)out)[i] = 0;
            break;
        case FP_ELEMENT_ROW:
            fp_table_open(array->table, (char *)out + i * array->table->row_size);
            break;
        }
}

int fp_record_alloc(const fp_record_kind *kind, const fp_group *group, void *record, fp_error *error) {
    memset(record, 0, kind->size);
    for (fp_result i = kind->first; i <= kind->last; i++) {
        const fp_array *array = &fp_results[i];
        size_t entries = fp_result_entries(group, i);
        void *made = fp_alloc(entries, fp_result_size(i), array->name, error);
        if (!made) {
            fp_record_free(kind, record);
            return -1;
        }
        open_entries(array, entries, made);
        memcpy((char *)record + array->member, &made, sizeof made);
    }
    fp_table_open(kind->table, record);
    return 0;
}

void fp_record_free(const fp_record_kind *kind, void *record) {
    for (fp_result i = kind->first; i <= kind->last; i++)
        free(fp_record_array(record, i));
    memset(record, 0, kind->size);
}

/* ---- checks ---- */

static uint32_t more(uint32_t crc, const void *bytes, size_t size) {
    return size ? (uint32_t)crc32_z(crc, bytes, size) : crc; /* zlib starts anew at NULL */
}

/* The row's last field is the CRC itself. */
static uint32_t crc_of_row(const fp_table *table, const void *row) {
    unsigned char packed[LARGEST_ROW];
    fp_table_pack(table, row, packed);
    return more(0, packed, fp_table_packed_size(table) - sizeof(uint32_t));
}

_Static_assert(sizeof(fp_unit_row) <= LARGEST_ROW && sizeof(fp_checkpoint_row) <= LARGEST_ROW, "rows fit");

uint32_t fp_record_crc(const fp_record_kind *kind, const fp_group *group, const void *record) {
    uint32_t crc = crc_of_row(kind->table, record);
    for (fp_result i = kind->first; i <= kind->last; i++) {
        const fp_array *array = &fp_results[i];
        const char *entries = fp_record_array(record, i);
        size_t n = fp_result_entries(group, i), size = fp_result_size(i);
        if (array->element != FP_ELEMENT_ROW) {
            crc = more(crc, entries, n * size);
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            unsigned char packed[LARGEST_ROW];
            fp_table_pack(array->table, entries + k * size, packed);
            crc = more(crc, packed, fp_table_packed_size(array->table));
        }
    }
    return crc;
}

int fp_unit_record_alloc(const fp_group *group, fp_unit_record *out, fp_error *error) {
    return fp_record_alloc(&fp_unit_records, group, out, error);
}

void fp_unit_record_free(fp_unit_record *record) {
    fp_record_free(&fp_unit_records, record);
}

uint32_t fp_unit_record_crc(const fp_group *group, const fp_unit_record *record) {
    return fp_record_crc(&fp_unit_records, group, record);
}

int fp_unit_record_check(const fp_group *group, const fp_unit_record *record, fp_error *error) {
    uint32_t crc = fp_unit_record_crc(group, record);
    if (crc == record->row.crc)
        return 0;
    return fp_fail(error, "unit %d is damaged: its CRC is %08x, its row says %08x; compute it again",
                   record->row.unit, crc, record->row.crc);
}

uint32_t fp_checkpoint_record_crc(const fp_checkpoint_record *record) {
    uint32_t crc = crc_of_row(&fp_table_checkpoints, &record->row);
    return more(crc, record->losses, record->n_losses * sizeof(float));
}

double fp_losses_mean(const float *losses, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)losses[i];
    return n ? sum / (double)n : NAN;
}
