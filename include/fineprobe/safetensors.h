/* safetensors.h: named arrays in files, in the format that the model hubs use: 8 bytes of header length
 * (little endian), a JSON header, then the raw data. Files are mapped; views point into the mapping. */
#ifndef FINEPROBE_SAFETENSORS_H
#define FINEPROBE_SAFETENSORS_H

#include "fineprobe/error.h"
#include <stddef.h>

typedef enum fp_dtype {
    FP_F64,
    FP_F32,
    FP_F16,
    FP_BF16,
    FP_I64,
    FP_I32,
    FP_I16,
    FP_I8,
    FP_U8,
    FP_BOOL
} fp_dtype;

enum { FP_MAX_RANK = 8 };

typedef struct fp_tensor_view {
    const char *name;
    fp_dtype dtype;
    int rank; /* 0 .. FP_MAX_RANK */
    size_t shape[FP_MAX_RANK];
    size_t count;     /* number of elements: the product of SHAPE */
    const void *data; /* row-major; not necessarily aligned to its type when read from a file */
} fp_tensor_view;

typedef struct fp_safetensors fp_safetensors;

/* Refuses, naming file and tensor: truncated files, offsets that overlap or reach outside, sizes that
 * contradict the shape, unknown types, duplicate names. NULL with a message on failure. */
fp_safetensors *fp_safetensors_open(const char *path, fp_error *error);
void fp_safetensors_close(fp_safetensors *file);

size_t fp_safetensors_count(const fp_safetensors *file);
const fp_tensor_view *fp_safetensors_at(const fp_safetensors *file,
                                        size_t i); /* in the order of their offsets */
const fp_tensor_view *fp_safetensors_find(const fp_safetensors *file,
                                          const char *name);                      /* NULL when absent */
const char *fp_safetensors_metadata(const fp_safetensors *file, const char *key); /* NULL when absent */
/* A tensor of an open file that is not read soon again leaves memory. */
void fp_safetensors_let_go(const fp_tensor_view *tensor);
/* Whether the data are those that were written, of a file that this program wrote; others pass. */
int fp_safetensors_intact(const fp_safetensors *file, fp_error *error);

/* Writes all or nothing (temporary name, sync, rename), streaming: the data are not copied. They begin at a
 * multiple of 64 bytes, larger elements first, otherwise in the given order, so that every tensor is aligned.
 * METADATA: pairs key, value, ended by NULL; may be NULL; a digest of the data is added. Hugging Face's
 * loaders want "format", "pt". */
int fp_safetensors_write(const char *path, const fp_tensor_view *tensors, size_t count,
                         const char *const *metadata, fp_error *error);

size_t fp_dtype_size(fp_dtype dtype);
const char *fp_dtype_name(fp_dtype dtype); /* "F32", ... */

/* Elements as float32 or int64, converted from whatever type the view has (reals to float; integers to
 * int64). */
int fp_tensor_to_float(const fp_tensor_view *view, float *out /* [count] */, fp_error *error);
int fp_tensor_to_int64(const fp_tensor_view *view, long long *out /* [count] */, fp_error *error);

#endif
