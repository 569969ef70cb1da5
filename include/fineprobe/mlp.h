/* mlp.h: the classifier of the classifier probes: a network with none, one or two hidden ReLU layers, trained
 * as scikit-learn's MLPClassifier trains it (PROTOCOL.md, "Classifier probe"): initial weights and biases
 * uniform within sqrt(6 / (in + out)), Adam, batches of min(200, n) in a new order every epoch, softmax and
 * cross-entropy (two labels or one: one logistic output), L2 divided by the batch size and biases free of it,
 * an end when the mean training loss of more than PATIENCE epochs in a row does not fall by TOLERANCE.
 *
 * Several networks of the same sizes can be trained side by side on the same batches: the product with the
 * vectors, by far the largest, is one for all of them. They differ in their L2 weight, and may in their
 * initial weights; each ends by itself. */
#ifndef FINEPROBE_MLP_H
#define FINEPROBE_MLP_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

enum { FP_MLP_HIDDEN = 2 }; /* hidden layers at most */

typedef struct fp_mlp_settings {
    size_t hidden[FP_MLP_HIDDEN];                /* units; 0 ends the list, so {0} is a linear classifier */
    size_t batch;                                /* 200 */
    size_t epochs;                               /* 1000 at most */
    size_t patience;                             /* 10 */
    double tolerance;                            /* 1e-4 */
    double learning_rate, beta1, beta2, epsilon; /* 1e-3, 0.9, 0.999, 1e-8 */
    int threads;                                 /* 1; the same bits for any number */
} fp_mlp_settings;

fp_mlp_settings fp_mlp_defaults(void);

/* Labelled vectors. Only rows that a call names are looked at. */
typedef struct fp_mlp_data {
    size_t n, width;
    const float *points;   /* [n, width] */
    const int32_t *labels; /* [n] in 0 .. n_labels-1 */
    size_t n_labels;
} fp_mlp_data;

/* What one network begins with. */
typedef struct fp_mlp_start {
    double l2;
    uint64_t seed; /* of its initial weights */
} fp_mlp_start;

typedef struct fp_mlp_end {
    size_t epochs;
    int converged; /* 0: EPOCHS ran out */
    double loss;   /* of the last epoch: mean over its instances, with the L2 term */
} fp_mlp_end;

typedef struct fp_mlp fp_mlp;

/* Called after every epoch with the networks as they are. 0 goes on; -1 (with ERROR) ends the training. */
typedef int fp_mlp_watch(void *context, fp_mlp *mlp, size_t epoch, fp_error *error);

/* N networks for vectors of DATA's width. Classes are the labels that occur in ROWS [n_rows] of DATA, or,
 * when ROWS is NULL, all of its labels: an instance whose label is no class cannot be got right. Errors: no
 * rows, a label out of range, sizes beyond memory. */
fp_mlp *fp_mlp_create(const fp_mlp_settings *settings, const fp_mlp_data *data, const uint32_t *rows,
                      size_t n_rows, size_t n, const fp_mlp_start *starts, fp_error *error);
void fp_mlp_destroy(fp_mlp *mlp);

/* Trains on ROWS of DATA, in an order that ORDER_SEED and the epoch decide. ENDS [n]. WATCH may be NULL.
 * Errors: numbers that leave float32, by the network's place. */
int fp_mlp_train(fp_mlp *mlp, const fp_mlp_data *data, const uint32_t *rows, size_t n_rows,
                 uint64_t order_seed, fp_mlp_watch *watch, void *context, fp_mlp_end *ends, fp_error *error);

/* What NETWORK says of ROWS of DATA, its first N_ROWS. PREDICTED [n_rows]: labels (NULL: not wanted). BITS:
 * the sum of -log2 of the probabilities of the true labels, from the outputs in float64 without clipping,
 * over the instances whose labels are classes; KNOWN: how many these are (NULL: not wanted). */
void fp_mlp_predict(fp_mlp *mlp, size_t network, const fp_mlp_data *data, const uint32_t *rows, size_t n_rows,
                    int32_t *predicted, double *bits, size_t *known);

/* For comparisons with other programs: the weights [out, in] and biases [out] of LAYER (0 first), to be read
 * or set before training; training in a given order, ORDER [epochs, n_rows] of places in ROWS, and the loss
 * of every epoch in LOSSES [epochs] of network 0. */
void fp_mlp_layer(fp_mlp *mlp, size_t network, size_t layer, float **weights, float **biases, size_t *out,
                  size_t *in);
typedef struct fp_mlp_replay {
    size_t epochs;
    const uint32_t *order;
    double *losses;
} fp_mlp_replay;
void fp_mlp_set_replay(fp_mlp *mlp, const fp_mlp_replay *replay); /* kept, not copied */

#endif
