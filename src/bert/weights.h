/* weights.h: the tensors of a model folder, whatever file they come in. */
#ifndef FINEPROBE_BERT_WEIGHTS_H
#define FINEPROBE_BERT_WEIGHTS_H

#include "fineprobe/safetensors.h"

typedef struct fp_weights {
    char *path;
    fp_safetensors *safetensors; /* the one that is there */
} fp_weights;

/* model.safetensors. */
int fp_weights_open(const char *folder, fp_weights *out, fp_error *error);
void fp_weights_close(fp_weights *weights);

/* By its canonical name ("bert." in front, LayerNorm.weight and .bias), or as older files spell it. NULL when
 * absent. */
const fp_tensor_view *fp_weights_find(const fp_weights *weights, const char *canonical);

#endif
