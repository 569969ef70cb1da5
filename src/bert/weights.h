/* weights.h: the tensors of a model folder, whatever file they come in. */
#ifndef FINEPROBE_BERT_WEIGHTS_H
#define FINEPROBE_BERT_WEIGHTS_H

#include "bert/torch_file.h"
#include "fineprobe/safetensors.h"

typedef struct fp_weights {
    char *path;
    fp_safetensors *safetensors; /* one of the two */
    fp_torch_file *torch;
} fp_weights;

/* model.safetensors, or pytorch_model.bin when there is none. */
int fp_weights_open(const char *folder, fp_weights *out, fp_error *error);
void fp_weights_close(fp_weights *weights);

/* By its canonical name ("bert." in front, LayerNorm.weight and .bias), or as older files spell it. NULL when
 * absent. */
const fp_tensor_view *fp_weights_find(const fp_weights *weights, const char *canonical);

#endif
