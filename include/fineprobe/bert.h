/* bert.h: BERT encoders: configuration, weights, hidden states. Post-layer-norm, learned absolute positions.
 */
#ifndef FINEPROBE_BERT_H
#define FINEPROBE_BERT_H

#include "fineprobe/digest.h"
#include "fineprobe/encode.h"
#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef enum fp_activation { FP_GELU_ERF, FP_GELU_TANH, FP_RELU } fp_activation;

typedef struct fp_bert_config {
    size_t vocab_size, hidden, layers, heads, intermediate, positions, types;
    double layer_norm_eps, hidden_dropout, attention_dropout, initializer_range;
    fp_activation activation;
} fp_bert_config;

/* Reads a config.json of the BERT family; what is not supported (relative positions, decoders, other
 * activations, quantised weights) is refused by name. */
int fp_bert_config_read(const char *path, fp_bert_config *out, fp_error *error);
size_t
fp_bert_config_parameters(const fp_bert_config *config); /* float32 numbers of the encoder (without pooler) */

/* One of the encoder's tensors. Linear weights are [out, in], as in torch. */
typedef struct fp_bert_tensor {
    char name[96];        /* the Hugging Face name, with "bert." */
    size_t rows, columns; /* vectors: rows = 1 */
    size_t at;            /* offset of the first number in the parameters */
} fp_bert_tensor;

typedef struct fp_bert fp_bert;

/* A model folder as the hubs give it: config.json, model.safetensors (or pytorch_model.bin), vocab.txt. */
fp_bert *fp_bert_load(const char *folder, fp_error *error);
/* A model with random weights: normal, INITIALIZER_RANGE; biases 0, layer norms 1. */
fp_bert *fp_bert_random(const fp_bert_config *config, uint64_t seed, fp_error *error);
void fp_bert_free(fp_bert *model);

const fp_bert_config *fp_bert_config_of(const fp_bert *model);
size_t fp_bert_tensor_count(const fp_bert *model);
const fp_bert_tensor *fp_bert_tensor_at(const fp_bert *model, size_t i);
const float *fp_bert_parameters(const fp_bert *model);           /* [fp_bert_config_parameters] */
fp_digest fp_bert_digest(const fp_bert *model, fp_error *error); /* of configuration and all weights */

/* Writes a folder that Hugging Face loads: config.json, model.safetensors; vocab.txt copied from VOCAB_PATH
 * (NULL: none). Complete or absent: written as a temporary folder, synced, renamed. */
int fp_bert_save(const fp_bert *model, const char *folder, const char *vocab_path, fp_error *error);

/* Vectors of all instances of DATA at the layers wanted (0 = embeddings after their layer norm, 1 .. layers),
 * without dropout: a word's vector is the mean of its pieces' vectors; a pair's is head ++ dependent; a
 * sentence's is [CLS]'s. OUT[i] is [n_instances, width], width = hidden (pairs: 2 x hidden), for LAYERS[i].
 * Memory is bounded by a few thousand pieces at a time. PROGRESS (may be NULL) is told the share done.
 * THREADS share the work; the numbers are the same for any number of them. */
typedef void fp_progress(void *context, double share);
int fp_bert_embed(const fp_bert *model, const fp_encoded *data, const int *layers, size_t n_layers,
                  float **out, int threads, fp_progress *progress, void *context, fp_error *error);

/* Hidden states of whole sentences, packed: for SENTENCES of DATA all pieces end to end. OUT[i]: [pieces,
 * hidden]. */
int fp_bert_hidden(const fp_bert *model, const fp_encoded *data, const int *layers, size_t n_layers,
                   float **out, fp_error *error);

#endif
