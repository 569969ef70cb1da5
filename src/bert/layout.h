/* layout.h: where each tensor lies in the one block of parameters. Gradients and moments have the same shape.
 *
 * The encoder comes first: embeddings, then the layers, all alike; query, key and value lie together so that
 * one matrix product serves the three. Behind it, when the model has one, the head of masked-language
 * modelling. */
#ifndef FINEPROBE_BERT_LAYOUT_H
#define FINEPROBE_BERT_LAYOUT_H

#include "fineprobe/bert.h"

/* Offsets from the start of the parameters. H: hidden, I: intermediate. */
typedef struct fp_embeddings_at {
    size_t word, position, type; /* [vocab, H], [positions, H], [types, H] */
    size_t norm_gain, norm_shift;
} fp_embeddings_at;

/* Offsets from the start of a layer. */
typedef struct fp_layer_at {
    size_t qkv, qkv_bias;           /* [3 H, H], [3 H] */
    size_t mix, mix_bias;           /* attention.output.dense: [H, H] */
    size_t norm1_gain, norm1_shift; /* attention.output.LayerNorm */
    size_t up, up_bias;             /* intermediate.dense: [I, H] */
    size_t down, down_bias;         /* output.dense: [H, I] */
    size_t norm2_gain, norm2_shift; /* output.LayerNorm */
} fp_layer_at;

/* Offsets from the start of the parameters; the decoder's matrix is the word embedding. */
typedef struct fp_mlm_at {
    size_t dense, dense_bias; /* [H, H] */
    size_t norm_gain, norm_shift;
    size_t decoder_bias; /* [vocab] */
} fp_mlm_at;

typedef struct fp_tensor_layout {
    fp_embeddings_at embeddings;
    fp_layer_at layer;
    size_t first_layer, layer_numbers;
    fp_mlm_at mlm;
    int has_mlm;
    size_t encoder_numbers, numbers; /* without and with the head of masked-language modelling */
    size_t n_tensors;
    fp_bert_tensor *tensors; /* in the order of their offsets */
} fp_tensor_layout;

int fp_tensor_layout_create(const fp_bert_config *config, int has_mlm, fp_tensor_layout *out,
                            fp_error *error);
void fp_tensor_layout_free(fp_tensor_layout *layout);

/* Biases and layer norms, against weight matrices (which may have a single row). */
int fp_tensor_is_vector(const fp_bert_tensor *tensor);

static inline size_t fp_layer_start(const fp_tensor_layout *layout, size_t layer) {
    return layout->first_layer + layer * layout->layer_numbers;
}

#endif
