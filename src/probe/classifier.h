/* classifier.h: what the probes that train classifiers share (inside the probes). */
#ifndef FINEPROBE_PROBE_CLASSIFIER_H
#define FINEPROBE_PROBE_CLASSIFIER_H

#include "fineprobe/classifier.h"

/* What a stream of random numbers decides; with the probe's seed it makes a seed of its own. */
typedef enum fp_classifier_stream {
    FP_STREAM_INITIAL, /* initial weights; I = initialisation */
    FP_STREAM_ORDER,
    FP_STREAM_FOLDS,
    FP_STREAM_CONTROL,
    FP_STREAM_CODE,
    FP_STREAM_SUBTRAIN
} fp_classifier_stream;
uint64_t fp_classifier_seed(const fp_classifier_settings *settings, fp_classifier_stream stream, size_t i);

fp_mlp_settings fp_classifier_training(const fp_classifier_settings *settings, const fp_shape *shape);

/* Initialisation I of a network, its classes the labels of ROWS [n]. */
fp_mlp *fp_classifier_begin(const fp_classifier_settings *settings, const fp_shape *shape, double l2,
                            const fp_mlp_data *data, const uint32_t *rows, size_t n, size_t i,
                            fp_error *error);

/* 0 .. n-1 */
uint32_t *fp_classifier_all_rows(size_t n, fp_error *error);
/* Rows whose FOLD_OF is FOLD (WITHIN) or is not. */
size_t fp_classifier_rows(size_t n, const int32_t *fold_of, int32_t fold, int within, uint32_t *out);

/* Share of ROWS that PREDICTED [n_rows] has right; NaN without rows. */
double fp_classifier_accuracy(const fp_mlp_data *data, const uint32_t *rows, size_t n_rows,
                              const int32_t *predicted);

void fp_classifier_report(const fp_classifier_watch *watch, double share);

#endif
