#include "fineprobe/record.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <zlib.h>

enum { SPLITS = 2, LARGEST_ROW = 4096 };

int fp_unit_record_alloc(const fp_group *group, fp_unit_record *out, fp_error *error) {
    size_t labels = SPLITS * group->labels, distances = labels * group->labels;
    size_t numbers = labels * group->width, clusters = SPLITS * group->clusters;
    size_t instances = group->train_instances + group->test_instances;
    *out = (fp_unit_record){
        .label_distances = fp_alloc(distances, sizeof(double), "label distances", error),
        .minimum_distances = fp_alloc(labels, sizeof(double), "minimum distances", error),
        .centroids = fp_alloc(numbers, sizeof(float), "centroids", error),
        .cluster_of = fp_alloc(instances, sizeof(int32_t), "clusters of instances", error),
        .clusters = fp_alloc(clusters, sizeof(fp_cluster_row), "clusters", error),
    };
    if (!out->label_distances || !out->minimum_distances || !out->centroids || !out->cluster_of ||
        !out->clusters) {
        fp_unit_record_free(out);
        return -1;
    }
    fp_unit_row_open(&out->row);
    for (size_t i = 0; i < distances; i++)
        out->label_distances[i] = NAN;
    for (size_t i = 0; i < labels; i++)
        out->minimum_distances[i] = NAN;
    for (size_t i = 0; i < numbers; i++)
        out->centroids[i] = NAN;
    for (size_t i = 0; i < instances; i++)
        out->cluster_of[i] = -1;
    for (size_t i = 0; i < clusters; i++)
        fp_cluster_row_open(&out->clusters[i]);
    return 0;
}

void fp_unit_record_free(fp_unit_record *record) {
    free(record->label_distances);
    free(record->minimum_distances);
    free(record->centroids);
    free(record->cluster_of);
    free(record->clusters);
    *record = (fp_unit_record){0};
}

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

uint32_t fp_unit_record_crc(const fp_group *group, const fp_unit_record *record) {
    size_t labels = SPLITS * group->labels;
    uint32_t crc = crc_of_row(&fp_table_units, &record->row);
    crc = more(crc, record->label_distances, labels * group->labels * sizeof(double));
    crc = more(crc, record->minimum_distances, labels * sizeof(double));
    crc = more(crc, record->centroids, labels * group->width * sizeof(float));
    crc = more(crc, record->cluster_of, (group->train_instances + group->test_instances) * sizeof(int32_t));
    for (size_t i = 0; i < SPLITS * group->clusters; i++) {
        unsigned char packed[sizeof(fp_cluster_row)];
        fp_table_pack(&fp_table_clusters, &record->clusters[i], packed);
        crc = more(crc, packed, fp_table_packed_size(&fp_table_clusters));
    }
    return crc;
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
