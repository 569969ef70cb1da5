/* What the reader and the writer of safetensors share. */
#ifndef FINEPROBE_FILES_TENSOR_H
#define FINEPROBE_FILES_TENSOR_H

#include "fineprobe/digest.h"
#include "fineprobe/safetensors.h"

/* The length of the header that the format allows; a larger one is taken for damage. */
#define FP_SAFETENSORS_MAX_HEADER 100000000u
#define FP_SAFETENSORS_METADATA "__metadata__"

int fp_dtype_parse(const char *name, fp_dtype *out); /* 0, or -1 for an unknown name */

/* The key in the metadata that holds the digest of all data; and that digest. */
#define FP_SAFETENSORS_DIGEST "data_digest"
typedef const fp_tensor_view *fp_nth_tensor(const void *of, size_t i);
int fp_tensors_digest(fp_nth_tensor *nth, const void *of, size_t count, char out[FP_DIGEST_TEXT],
                      fp_error *error);

#endif
