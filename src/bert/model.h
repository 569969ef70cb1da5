/* model.h: what a model is inside. */
#ifndef FINEPROBE_BERT_MODEL_H
#define FINEPROBE_BERT_MODEL_H

#include "bert/layout.h"
#include "fineprobe/safetensors.h"

struct fp_bert {
    fp_bert_config config;
    fp_tensor_layout layout;
    const float *parameters; /* [layout.numbers]: OWN, or in FILE's mapping, or somebody else's */
    float *own;
    fp_safetensors *file;
    char *config_text; /* the config.json that it came with; NULL: none */
};

/* A model without parameters. */
fp_bert *fp_bert_shell(const fp_bert_config *config, int has_mlm, const char *config_text, fp_error *error);

/* The tensors FROM .. of the layout become random: matrices normal(0, INITIALIZER_RANGE), biases 0, gains 1.
 */
void fp_bert_randomise(const fp_bert *shape, size_t from, uint64_t seed, float *parameters);

#endif
