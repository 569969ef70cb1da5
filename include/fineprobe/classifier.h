/* classifier.h: the probes that train classifiers (PROTOCOL.md, "Classifier probe"): how well a network tells
 * the labels of frozen vectors, chosen by grid search; the same beside a control task (Hewitt & Liang, EMNLP
 * 2019); minimum description length by online coding (Voita & Titov, EMNLP 2020); and memorisation, learning
 * curves on seen and unseen parts of the training set. Arrays in, numbers out; a seed decides all that is
 * random. */
#ifndef FINEPROBE_CLASSIFIER_H
#define FINEPROBE_CLASSIFIER_H

#include "fineprobe/mlp.h"

enum { FP_MOST_SHAPES = 64, FP_MOST_L2 = 16, FP_PORTIONS = 11, FP_LEARNING_SETS = 3 };

typedef struct fp_shape {
    size_t hidden[FP_MLP_HIDDEN]; /* 0: no such layer */
} fp_shape;

/* Of a probe with one network: its shape and L2 weight. Of a search: all of them. */
typedef struct fp_classifier_settings {
    size_t n_shapes, n_l2;
    fp_shape shapes[FP_MOST_SHAPES]; /* ascending; default {32, 64, 128, 256} squared */
    double l2[FP_MOST_L2];           /* ascending; default 1e-7, 1e-5, 1e-3, 1e-1, 1 */
    size_t folds;                    /* of the cross-validation; 0: a held-out part instead; default 5 */
    double held_out;                 /* share; 0 with folds */
    double drop; /* a candidate that is behind the best of its shape by more than this after the first fold is
                    not tried on the others; 0 (default): never */
    size_t initialisations; /* default 5 */
    size_t epochs;          /* at most; default 1000 */
    uint64_t seed;          /* default 1 */
    int threads;            /* default 1; the same bits for any number */
} fp_classifier_settings;

fp_classifier_settings fp_classifier_defaults(void);

/* Called with the share done, may be NULL. */
typedef void fp_classifier_progress(void *context, double share);
typedef struct fp_classifier_watch {
    fp_classifier_progress *progress;
    void *context;
} fp_classifier_watch;

/* ---- the search ---- */

typedef struct fp_candidate {
    double accuracy, deviation; /* mean and sample deviation over the folds that were tried */
    double epochs;              /* mean */
    size_t folds, converged;    /* folds tried; of these, trainings that came to their end */
    int dropped;
} fp_candidate;

/* All L2 weights of one shape on TRAIN, into OUT [n_l2]. */
int fp_classifier_try(const fp_classifier_settings *settings, size_t shape, const fp_mlp_data *train,
                      const fp_classifier_watch *watch, fp_candidate *out, fp_error *error);
/* The best of [n_shapes, n_l2]: highest accuracy, the first of equals; dropped ones only when there is no
 * other. */
size_t fp_classifier_best(size_t n, const fp_candidate *candidates);

/* ---- the classifier ---- */

typedef struct fp_fit {
    fp_mlp_end end;
    double train_accuracy, test_accuracy, macro_f1;
} fp_fit;

/* SETTINGS' initialisations of one network, trained on TRAIN: FITS [initialisations], predicted labels of
 * TEST in PREDICTIONS [initialisations, test->n] (NULL: not wanted). The accuracy on a test set without
 * instances is NaN. */
int fp_classifier_fit(const fp_classifier_settings *settings, const fp_shape *shape, double l2,
                      const fp_mlp_data *train, const fp_mlp_data *test, const fp_classifier_watch *watch,
                      fp_fit *fits, int32_t *predictions, fp_error *error);

/* Of predictions against LABELS [n]. What is divided by zero is NaN: the precision of a label that was never
 * predicted, the recall of one without instances, F1 of one that is neither. MACRO is the mean of the F1 that
 * are numbers. */
typedef struct fp_scores {
    double *precision, *recall, *f1; /* [n_labels] */
    int32_t *confusion;              /* [n_labels, n_labels] true, predicted; added to */
    double accuracy, macro_f1;
} fp_scores;
void fp_classifier_scores(size_t n, const int32_t *labels, const int32_t *predicted, size_t n_labels,
                          fp_scores *scores);

/* Labels with instances; the most frequent one of TRAIN and its share of TEST. */
size_t fp_labels_present(const fp_mlp_data *data);
/* What is to be taken with care: "", "few labels" (below 3), "few instances" (below 100), "few of both". */
const char *fp_classifier_caution(size_t labels_trained, size_t test_instances);
double fp_majority_accuracy(const fp_mlp_data *train, const fp_mlp_data *test);

/* ---- control task ---- */

/* Labels of a control task: every word type keeps one, drawn from the labels of TRAIN. TYPES [n]. */
void fp_control_labels(const fp_mlp_data *train, uint64_t seed, size_t n, const int64_t *types, int32_t *out);

/* ---- minimum description length ---- */

extern const double fp_portion_shares[FP_PORTIONS]; /* per cent of the training set: 0.1 .. 100 */

typedef struct fp_portion {
    double share;            /* per cent; how far this block goes */
    size_t instances, coded; /* trained on, then coded with that classifier; the first block: uniformly */
    double bits, accuracy;   /* of what was coded; NaN: nothing, or uniformly */
    size_t epochs;
} fp_portion;

/* Online coding of TRAIN's labels in an order that the seed decides. CODELENGTH, UNIFORM: bits. */
int fp_code_length(const fp_classifier_settings *settings, const fp_shape *shape, double l2,
                   const fp_mlp_data *train, const fp_classifier_watch *watch,
                   fp_portion portions[FP_PORTIONS], double *codelength, double *uniform, fp_error *error);

/* ---- memorisation ---- */

typedef struct fp_learning {
    double *accuracies,
        *losses;   /* [epochs, FP_LEARNING_SETS] subtrain, subtest, test; means over the initialisations,
                      each keeping its last when it has ended; NaN behind the last epoch of all.
                      Losses: mean cross-entropy in nats over instances whose label occurs in subtrain */
    size_t epochs; /* until all had ended */
    size_t subtrain, subtest; /* instances */
} fp_learning;

/* TRAIN split 80:20, SETTINGS' initialisations trained on the larger part. */
int fp_learning_curves(const fp_classifier_settings *settings, const fp_shape *shape, double l2,
                       const fp_mlp_data *train, const fp_mlp_data *test, const fp_classifier_watch *watch,
                       fp_learning *out, fp_error *error);

#endif
