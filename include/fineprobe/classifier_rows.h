/* classifier_rows.h: the rows of the probes that train classifiers (classifier.h), in the result file. */
#ifndef FINEPROBE_CLASSIFIER_ROWS_H
#define FINEPROBE_CLASSIFIER_ROWS_H

#include "fineprobe/table.h"

/* Which probe of what; all of them begin with it. Written when the file is made. */
typedef struct fp_probe_identity {
    int32_t index, checkpoint, run;                                 /* INDEX: row in its table */
    char model[FP_NAME], finetuned_on[FP_NAME], probed_on[FP_NAME]; /* finetuned_on "": the original */
    int64_t seed;
    int32_t step, layer;
    char results[FP_PATH]; /* the group that holds its arrays */
    int32_t row;           /* its place on the first axis of those arrays */
    char digest[FP_DIGEST];
} fp_probe_identity;

/* The network of a probe. */
typedef struct fp_network_columns {
    int32_t hidden1, hidden2; /* 0: no such layer */
    double l2;
} fp_network_columns;

typedef struct fp_classifier_row {
    fp_probe_identity id;
    char state[FP_STATE];   /* "classified", "one label"; "" until done */
    char caution[FP_STATE]; /* "few labels", "few instances", "few of both" */
    int32_t train_instances, test_instances, labels_trained;
    fp_network_columns network; /* chosen */
    double selection_accuracy, accuracy, deviation, macro_f1, macro_f1_deviation, majority_accuracy;
    int32_t initialisations, converged;
    double epochs;
    uint32_t crc;
} fp_classifier_row;

typedef struct fp_candidate_row {
    fp_network_columns network;
    double accuracy, deviation, epochs;
    int32_t folds, converged;
    char state[FP_STATE]; /* "scored", "dropped"; "": none in this place */
} fp_candidate_row;

typedef struct fp_initialisation_row {
    int32_t epochs, converged;
    double loss, train_accuracy, test_accuracy, macro_f1;
} fp_initialisation_row;

typedef struct fp_label_score_row {
    int32_t label, train_instances, test_instances;
    double precision, recall, f1, f1_deviation;
} fp_label_score_row;

typedef struct fp_control_row {
    fp_probe_identity id;
    fp_network_columns network;
    int32_t word_types;
    double accuracy, deviation, control_accuracy, control_deviation, selectivity, selectivity_deviation;
    uint32_t crc;
} fp_control_row;

typedef struct fp_code_row {
    fp_probe_identity id;
    fp_network_columns network;
    int32_t instances, labels;
    double codelength, uniform_codelength, compression, bits_per_instance;
    uint32_t crc;
} fp_code_row;

typedef struct fp_portion_row {
    double share;
    int32_t instances, coded, epochs;
    double bits, accuracy;
} fp_portion_row;

typedef struct fp_memorisation_row {
    fp_probe_identity id;
    fp_network_columns network;
    int32_t subtrain_instances, subtest_instances, test_instances, epochs;
    double subtrain_accuracy, subtest_accuracy, test_accuracy, gap;
    uint32_t crc;
} fp_memorisation_row;

/* Written when the sweep ends: a classifier against the one of the original at the same model, task and
 * layer. */
typedef struct fp_classifier_derived_row {
    int32_t classifier, original; /* ORIGINAL -1: not in this sweep */
    double difference, low, high, p_value;
    char caution[FP_STATE];
} fp_classifier_derived_row;

/* All seeds of one fine-tuning, written when the sweep ends. */
typedef struct fp_classifier_seeds_row {
    char model[FP_NAME], finetuned_on[FP_NAME], probed_on[FP_NAME];
    int32_t step, layer, seeds;
    double accuracy, deviation, low, high;
    double difference, difference_low, difference_high, p_value;
    char caution[FP_STATE];
} fp_classifier_seeds_row;

extern const fp_table fp_table_classifiers, fp_table_controls, fp_table_codes, fp_table_memorisations,
    fp_table_candidates, fp_table_initialisations, fp_table_label_scores, fp_table_portions,
    fp_table_classifier_derived, fp_table_classifier_seeds;

#endif
