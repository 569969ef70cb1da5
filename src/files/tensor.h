/* What the reader and the writer of safetensors share. */
#ifndef FINEPROBE_FILES_TENSOR_H
#define FINEPROBE_FILES_TENSOR_H

#include "fineprobe/safetensors.h"

/* The length of the header that the format allows; a larger one is taken for damage. */
#define FP_SAFETENSORS_MAX_HEADER 100000000u
#define FP_SAFETENSORS_METADATA "__metadata__"

int fp_dtype_parse(const char *name, fp_dtype *out); /* 0, or -1 for an unknown name */

#endif
