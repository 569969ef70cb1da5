#include "fineprobe/record.h"

#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SPLITS = 2, SETS = 3, PORTIONS = 11, LARGEST_ROW = 4096 };

#define OF_UNIT(member) offsetof(fp_unit_record, member)
#define OF_CLASSIFIER(member) offsetof(fp_classifier_record, member)

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
    [FP_CANDIDATES] = {"candidates", FP_ELEMENT_ROW, &fp_table_candidates, "classifier,candidate", "", "",
                       OF_CLASSIFIER(candidates)},
    [FP_INITIALISATIONS] = {"initialisations", FP_ELEMENT_ROW, &fp_table_initialisations,
                            "classifier,initialisation", "", "", OF_CLASSIFIER(initialisations)},
    [FP_LABEL_SCORES] = {"label_scores", FP_ELEMENT_ROW, &fp_table_label_scores, "classifier,label", "", "",
                         OF_CLASSIFIER(label_scores)},
    [FP_CONFUSION] = {"confusion", FP_ELEMENT_I32, NULL, "classifier,label,predicted", "instances",
                      "test instances by true and predicted label, summed over the initialisations",
                      OF_CLASSIFIER(confusion)},
    [FP_PREDICTIONS] = {"predictions", FP_ELEMENT_I32, NULL, "classifier,initialisation,test_instance", "",
                        "label that each initialisation predicts for each test instance",
                        OF_CLASSIFIER(predictions)},
    [FP_TEST_LABELS] = {"test_labels", FP_ELEMENT_I32, NULL, "classifier,test_instance", "",
                        "true label of each test instance", OF_CLASSIFIER(test_labels)},
    [FP_CONTROL_ACCURACIES] = {"control_accuracies", FP_ELEMENT_F64, NULL,
                               "control,control_initialisation,labelling", "share",
                               "accuracy on the test set; labelling 0 is the task's, 1 the control task's",
                               offsetof(fp_control_record, accuracies)},
    [FP_PORTION_ROWS] = {"portions", FP_ELEMENT_ROW, &fp_table_portions, "code,portion", "", "",
                         offsetof(fp_code_record, portions)},
    [FP_CURVES] =
        {"curves", FP_ELEMENT_F64, NULL, "memorisation,epoch,set", "share",
         "accuracy after every epoch on subtrain, subtest and test set, mean over the initialisations; "
         "NaN behind the last epoch",
         offsetof(fp_memorisation_record, curves)},
    [FP_CURVE_LOSSES] = {"curve_losses", FP_ELEMENT_F64, NULL, "memorisation,epoch,set", "nats",
                         "mean cross-entropy of the same, over instances whose label occurs in subtrain",
                         offsetof(fp_memorisation_record, losses)},
};

const fp_record_kind fp_unit_records = {"unit", &fp_table_units, sizeof(fp_unit_record), FP_LABEL_DISTANCES,
                                        FP_SUPPORT_WEIGHTS};

const fp_record_kind fp_classifier_records = {"classifier", &fp_table_classifiers,
                                              sizeof(fp_classifier_record), FP_CANDIDATES, FP_TEST_LABELS};
const fp_record_kind fp_control_records = {"control", &fp_table_controls, sizeof(fp_control_record),
                                           FP_CONTROL_ACCURACIES, FP_CONTROL_ACCURACIES};
const fp_record_kind fp_code_records = {"code", &fp_table_codes, sizeof(fp_code_record), FP_PORTION_ROWS,
                                        FP_PORTION_ROWS};
const fp_record_kind fp_memorisation_records = {"memorisation", &fp_table_memorisations,
                                                sizeof(fp_memorisation_record), FP_CURVES, FP_CURVE_LOSSES};

const fp_record_kind *const fp_record_kinds[FP_N_PRODUCTS] = {
    [FP_UNIT] = &fp_unit_records,
    [FP_CLASSIFIER] = &fp_classifier_records,
    [FP_CONTROL] = &fp_control_records,
    [FP_CODE] = &fp_code_records,
    [FP_MEMORISATION] = &fp_memorisation_records,
};

/* ---- shapes ---- */

#define SIZE(member, axis)                                                                                   \
    { #member, offsetof(fp_group, member), axis }
const fp_group_size fp_group_sizes[FP_GROUP_SIZES] = {
    SIZE(rows, "row"),
    SIZE(labels, "label"),
    SIZE(width, "width"),
    SIZE(train_instances, NULL),
    SIZE(test_instances, "test_instance"),
    SIZE(clusters, "place"),
    SIZE(certificates, "certificate"),
    SIZE(support, "support"),
    SIZE(classifiers, "classifier"),
    SIZE(controls, "control"),
    SIZE(codes, "code"),
    SIZE(memorisations, "memorisation"),
    SIZE(candidates, "candidate"),
    SIZE(initialisations, "initialisation"),
    SIZE(control_initialisations, "control_initialisation"),
    SIZE(epochs, "epoch"),
};

size_t *fp_group_member(fp_group *group, const fp_group_size *size) {
    return (size_t *)((char *)group + size->member);
}

static int is_axis(const char *axis, const char *name, size_t n) {
    return axis && strlen(axis) == n && memcmp(axis, name, n) == 0;
}

static size_t axis_length(const fp_group *group, const char *name, size_t n) {
    const struct {
        const char *name;
        size_t length;
    } others[] = {
        {"split", SPLITS},
        {"labelling", 2},
        {"predicted", group->labels},
        {"set", SETS},
        {"portion", PORTIONS},
        {"instance", group->train_instances + group->test_instances},
    };
    fp_group copy = *group;
    for (size_t i = 0; i < FP_GROUP_SIZES; i++)
        if (is_axis(fp_group_sizes[i].axis, name, n))
            return *fp_group_member(&copy, &fp_group_sizes[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (is_axis(others[i].name, name, n))
            return others[i].length;
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

_Static_assert(sizeof(fp_unit_row) <= LARGEST_ROW && sizeof(fp_checkpoint_row) <= LARGEST_ROW &&
                   sizeof(fp_classifier_row) <= LARGEST_ROW,
               "rows fit");

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

int fp_record_check(const fp_record_kind *kind, const fp_group *group, const void *record, fp_error *error) {
    uint32_t crc = fp_record_crc(kind, group, record), stored;
    int32_t index; /* every row begins with its own */
    memcpy(&index, record, sizeof index);
    memcpy(&stored, (const char *)record + kind->table->fields[kind->table->n_fields - 1].offset,
           sizeof stored);
    if (crc == stored)
        return 0;
    return fp_fail(error, "%s %d is damaged: its CRC is %08x, its row says %08x; compute it again",
                   kind->name, index, crc, stored);
}

int fp_unit_record_check(const fp_group *group, const fp_unit_record *record, fp_error *error) {
    return fp_record_check(&fp_unit_records, group, record, error);
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
