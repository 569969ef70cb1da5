/* mlp_network.h: several networks of one shape and the passes through them (inside mlp).
 *
 * Each network has a slot. The slots in use are the first ones, so that the first layer of all networks is
 * one matrix, [slots x out, in], and its product with a batch one product. */
#ifndef FINEPROBE_PROBE_MLP_NETWORK_H
#define FINEPROBE_PROBE_MLP_NETWORK_H

#include "fineprobe/mlp.h"
#include "math/gemm.h"

enum { FP_MLP_LAYERS = FP_MLP_HIDDEN + 1 };

typedef struct fp_mlp_layer_memory {
    size_t in, out;
    size_t stride;           /* numbers from one slot's biases to the next */
    float *w, *gw, *mw, *vw; /* [slots, out, in] weights, gradients, moments */
    float *b, *gb, *mb, *vb; /* [slots, stride] biases */
    float *y; /* activations: [room, slots x out] of a shared layer, else [slots, room, stride] */
    float *d; /* their slopes, laid out alike; of a hidden layer */
} fp_mlp_layer_memory;

struct fp_mlp {
    fp_mlp_settings settings;
    fp_team *team;
    const fp_kernels *kernels; /* the team's */
    size_t n;                  /* networks */
    size_t active;             /* slots in use: networks that are still trained */
    size_t *slot;              /* [n] of each network */
    size_t *network;           /* [n] in each slot */
    double *l2;                /* [n] of each network */
    size_t room;               /* rows that the activations hold */
    size_t n_layers, width;
    fp_mlp_layer_memory layers[FP_MLP_LAYERS];
    float *block;    /* all of it: one allocation */
    float *x;        /* [room, width] gathered vectors */
    int32_t *target; /* [room] classes of the gathered vectors; -1: no class */
    double *sums;    /* [n] summed losses of the epoch */
    size_t n_labels, n_classes;
    int32_t *class_of, *label_of; /* [n_labels], [n_classes] */
    const fp_mlp_replay *replay;
};

/* Rows ROWS [m <= room] of DATA into x and target. */
void fp_mlp_gather(fp_mlp *mlp, const fp_mlp_data *data, const uint32_t *rows, size_t m);
/* Outputs, before softmax, of the COUNT slots from FIRST for the M gathered vectors. */
void fp_mlp_forward(fp_mlp *mlp, size_t m, size_t first, size_t count);
/* Softmax or logistic function, its loss added to sums, and in its place the slope. */
void fp_mlp_loss(fp_mlp *mlp, size_t m);
void fp_mlp_backward(fp_mlp *mlp, size_t m);
/* Adam's step T (from 1) for a batch of M. */
void fp_mlp_update(fp_mlp *mlp, size_t m, size_t t);
/* Half the L2 weight times the sum of squares of the weights, slot by slot, is part of the loss. */
double fp_mlp_penalty(const fp_mlp *mlp, size_t slot);
/* Exchanges two slots with all that is in them but activations. */
void fp_mlp_exchange(fp_mlp *mlp, size_t a, size_t b);
/* Outputs of SLOT, [m, stride]. */
const float *fp_mlp_outputs(const fp_mlp *mlp, size_t slot, size_t *stride);

#endif
