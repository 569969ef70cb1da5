/* The tables of the probes that train classifiers. */
#include "base/table_fields.h"
#include "fineprobe/classifier_rows.h"

#include <math.h>

#define OPEN(of)                                                                                             \
    static void open_##of(void *at) {                                                                        \
        fp_open_fields(&fp_table_##of, sizeof(fp_probe_identity), at);                                       \
    }
OPEN(classifiers)
OPEN(controls)
OPEN(codes)
OPEN(memorisations)

static void open_all(const fp_table *table, void *row) {
    fp_open_fields(table, 0, row);
}
static void open_candidates(void *row) {
    open_all(&fp_table_candidates, row);
}
static void open_initialisations(void *row) {
    open_all(&fp_table_initialisations, row);
}
static void open_label_scores(void *row) {
    open_all(&fp_table_label_scores, row);
    ((fp_label_score_row *)row)->label = -1;
}
static void open_portions(void *row) {
    open_all(&fp_table_portions, row);
}
static void open_classifier_derived(void *row) {
    fp_open_fields(&fp_table_classifier_derived, offsetof(fp_classifier_derived_row, difference), row);
}
static void open_classifier_seeds(void *row) {
    fp_open_fields(&fp_table_classifier_seeds, offsetof(fp_classifier_seeds_row, seeds), row);
}

#define IDENTITY(name)                                                                                       \
    NAMED(ROW, name, id.index, "", "row in this table"),                                                     \
        NAMED(ROW, "checkpoint", id.checkpoint, "", "row of its checkpoint in checkpoints"),                 \
        NAMED(ROW, "run", id.run, "", "row of its run in runs; -1: the original model"),                     \
        NAMED(ROW, "model", id.model, "", "model probed"),                                                   \
        NAMED(ROW, "finetuned_on", id.finetuned_on, "",                                                      \
              "task the model was fine-tuned on; empty: the original model"),                                \
        NAMED(ROW, "probed_on", id.probed_on, "", "task whose instances are probed"),                        \
        NAMED(ROW, "seed", id.seed, "", "seed of the run; -1: the original model"),                          \
        NAMED(ROW, "step", id.step, "updates", "updates made before probing; 0: the original model"),        \
        NAMED(ROW, "layer", id.layer, "", "layer probed; 0: the embeddings"),                                \
        NAMED(ROW, "results", id.results, "", "group that holds its arrays"),                                \
        NAMED(ROW, "row", id.row, "", "its place on the first axis of those arrays"),                        \
        NAMED(ROW, "digest", id.digest, "", "digest of all that decides the results")

#define NETWORK                                                                                              \
    NAMED(ROW, "hidden1", network.hidden1, "", "units of the first hidden layer; 0: none"),                  \
        NAMED(ROW, "hidden2", network.hidden2, "", "units of the second hidden layer; 0: none"),             \
        NAMED(ROW, "l2", network.l2, "", "L2 weight")

#define ROW fp_classifier_row
static const fp_field classifier_fields[] = {
    IDENTITY("classifier"),
    FIELD(state, "", "classified, or one label: the training set has no other; empty until done"),
    FIELD(caution, "", "few labels (below 3), few instances (below 100 in the test set), or few of both"),
    FIELD(train_instances, "instances", "instances of the training set"),
    FIELD(test_instances, "instances", "instances of the test set"),
    FIELD(labels_trained, "", "labels that have instances in the training set"),
    NETWORK,
    FIELD(selection_accuracy, "share", "accuracy of the chosen candidate on the folds or the held-out part"),
    FIELD(accuracy, "share", "accuracy on the test set, mean over the initialisations"),
    FIELD(deviation, "share", "its sample standard deviation over the initialisations"),
    FIELD(macro_f1, "", "mean of the labels' F1 on the test set, mean over the initialisations"),
    FIELD(macro_f1_deviation, "", "its sample standard deviation over the initialisations"),
    FIELD(majority_accuracy, "share", "accuracy of always answering the training set's most frequent label"),
    FIELD(initialisations, "", "networks trained with the chosen settings"),
    FIELD(converged, "", "of these, ended by themselves; the others ran out of epochs"),
    FIELD(epochs, "epochs", "mean over the initialisations"),
    FIELD(crc, "",
          "CRC-32 of the row up to here, then candidates, initialisations, label_scores, confusion, "
          "predictions, test_labels"),
};
TABLE(classifiers, classifier_fields,
      "classifiers chosen by grid search, trained on one layer of one checkpoint; done: see "
      "classifier_status",
      open_classifiers);
#undef ROW

#define ROW fp_candidate_row
static const fp_field candidate_fields[] = {
    NETWORK,
    FIELD(accuracy, "share", "mean over the folds, or on the held-out part"),
    FIELD(deviation, "share", "sample standard deviation over the folds"),
    FIELD(epochs, "epochs", "mean over the folds"),
    FIELD(folds, "", "folds it was tried on"),
    FIELD(converged, "", "of these, trainings that ended by themselves"),
    FIELD(state, "", "scored, or dropped: too far behind after the first fold (drop)"),
};
TABLE(candidates, candidate_fields, "settings tried by the grid search", open_candidates);
#undef ROW

#define ROW fp_initialisation_row
static const fp_field initialisation_fields[] = {
    FIELD(epochs, "epochs", "epochs trained"),
    FIELD(converged, "", "1: ended by itself; 0: ran out of epochs"),
    FIELD(loss, "nats", "training loss of the last epoch, with the L2 term"),
    FIELD(train_accuracy, "share", "accuracy on the training set"),
    FIELD(test_accuracy, "share", "accuracy on the test set"),
    FIELD(macro_f1, "", "mean of the labels' F1 on the test set"),
};
TABLE(initialisations, initialisation_fields, "networks with the chosen settings", open_initialisations);
#undef ROW

#define ROW fp_label_score_row
static const fp_field label_score_fields[] = {
    FIELD(label, "", "index of the label"),
    FIELD(train_instances, "instances", "instances of the training set that carry it"),
    FIELD(test_instances, "instances", "instances of the test set that carry it"),
    FIELD(precision, "", "mean over the initialisations; NaN: never predicted"),
    FIELD(recall, "", "mean over the initialisations; NaN: not in the test set"),
    FIELD(f1, "", "mean over the initialisations; NaN: neither"),
    FIELD(f1_deviation, "", "sample standard deviation over the initialisations"),
};
TABLE(label_scores, label_score_fields, "precision, recall and F1 of every label on the test set",
      open_label_scores);
#undef ROW

#define ROW fp_control_row
static const fp_field control_fields[] = {
    IDENTITY("control"),
    NETWORK,
    FIELD(word_types, "", "word types in both sets; each has one random label in the control task"),
    FIELD(accuracy, "share",
          "accuracy on the test set with the task's labels, mean over the initialisations"),
    FIELD(deviation, "share", "its sample standard deviation over the initialisations"),
    FIELD(control_accuracy, "share", "the same with the control task's labels"),
    FIELD(control_deviation, "share", "its sample standard deviation over the initialisations"),
    FIELD(selectivity, "share", "accuracy minus control_accuracy"),
    FIELD(selectivity_deviation, "share", "its sample standard deviation over the initialisations"),
    FIELD(crc, "", "CRC-32 of the row up to here, then control_accuracies"),
};
TABLE(controls, control_fields, "control tasks (Hewitt and Liang 2019); done: see control_status",
      open_controls);
#undef ROW

#define ROW fp_code_row
static const fp_field code_fields[] = {
    IDENTITY("code"),
    NETWORK,
    FIELD(instances, "instances", "instances of the training set, all of which are coded"),
    FIELD(labels, "", "labels that have instances there"),
    FIELD(codelength, "bits", "length of the online code"),
    FIELD(uniform_codelength, "bits", "length of a code that knows nothing but the labels"),
    FIELD(compression, "", "uniform_codelength / codelength; NaN: one label"),
    FIELD(bits_per_instance, "bits", "codelength / instances"),
    FIELD(crc, "", "CRC-32 of the row up to here, then portions"),
};
TABLE(codes, code_fields,
      "minimum description length by online coding (Voita and Titov 2020); done: see code_status",
      open_codes);
#undef ROW

#define ROW fp_portion_row
static const fp_field portion_fields[] = {
    FIELD(share, "per cent", "how far this block of the training set goes"),
    FIELD(instances, "instances", "instances before it, which the classifier was trained on"),
    FIELD(coded, "instances", "instances of the block"),
    FIELD(epochs, "epochs", "epochs trained; 0: coded uniformly, or nothing to code"),
    FIELD(bits, "bits", "length of the block's code"),
    FIELD(accuracy, "share", "accuracy on the block; NaN: no classifier, or nothing to code"),
};
TABLE(portions, portion_fields, "blocks of the online code", open_portions);
#undef ROW

#define ROW fp_memorisation_row
static const fp_field memorisation_fields[] = {
    IDENTITY("memorisation"),
    NETWORK,
    FIELD(subtrain_instances, "instances", "instances of the training set trained on"),
    FIELD(subtest_instances, "instances", "instances of the training set kept from the classifier"),
    FIELD(test_instances, "instances", "instances of the test set"),
    FIELD(epochs, "epochs", "epochs until all initialisations had ended, or the most allowed"),
    FIELD(subtrain_accuracy, "share", "accuracy after the last epoch, mean over the initialisations"),
    FIELD(subtest_accuracy, "share", "the same on the part of the training set that was kept back"),
    FIELD(test_accuracy, "share", "the same on the test set"),
    FIELD(gap, "share", "subtrain_accuracy minus subtest_accuracy"),
    FIELD(crc, "", "CRC-32 of the row up to here, then curves, curve_losses"),
};
TABLE(memorisations, memorisation_fields,
      "learning curves on seen and unseen parts of the training set; done: see memorisation_status",
      open_memorisations);
#undef ROW

#define ROW fp_classifier_derived_row
static const fp_field derived_fields[] = {
    FIELD(classifier, "", "row of the classifier in classifiers"),
    FIELD(original, "", "classifier of the same model, task and layer at step 0; -1: not in this sweep"),
    FIELD(difference, "share", "accuracy minus the original's"),
    FIELD(low, "share", "lower end of its 95 % interval, from a paired bootstrap over test instances"),
    FIELD(high, "share", "upper end"),
    FIELD(p_value, "", "two-sided, of no difference, from the same bootstrap"),
    FIELD(caution, "", "few labels (below 3), few instances (below 100 in the test set), or few of both"),
};
TABLE(classifier_derived, derived_fields,
      "classifiers compared with the original model, written when the sweep ends", open_classifier_derived);
#undef ROW

#define ROW fp_classifier_seeds_row
static const fp_field seeds_fields[] = {
    FIELD(model, "", "model probed"),
    FIELD(finetuned_on, "", "task the model was fine-tuned on"),
    FIELD(probed_on, "", "task whose instances are probed"),
    FIELD(step, "updates", "updates made before probing"),
    FIELD(layer, "", "layer probed"),
    FIELD(seeds, "", "seeds whose classifiers are done"),
    FIELD(accuracy, "share", "mean over the seeds"),
    FIELD(deviation, "share", "sample standard deviation over the seeds"),
    FIELD(low, "share", "lower end of a 95 % bootstrap interval over the seeds; NaN below two"),
    FIELD(high, "share", "upper end"),
    FIELD(difference, "share", "accuracy minus the original's"),
    FIELD(difference_low, "share",
          "lower end of its 95 % interval, from a paired bootstrap over test instances, each with its mean "
          "over "
          "the seeds"),
    FIELD(difference_high, "share", "upper end"),
    FIELD(p_value, "", "two-sided, of no difference, from the same bootstrap"),
    FIELD(caution, "", "few seeds (below 3), or as in classifier_derived"),
};
TABLE(classifier_seeds, seeds_fields, "classifiers of all seeds together, written when the sweep ends",
      open_classifier_seeds);
#undef ROW
