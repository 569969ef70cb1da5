/* Element types of stored arrays, and their conversion to float32 and int64. */
#include "files/tensor.h"

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "stored numbers are read as they are: little endian");

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[FP_F64] = {"F64", 8}, [FP_F32] = {"F32", 4},  [FP_F16] = {"F16", 2}, [FP_BF16] = {"BF16", 2},
              [FP_I64] = {"I64", 8}, [FP_I32] = {"I32", 4},  [FP_I16] = {"I16", 2}, [FP_I8] = {"I8", 1},
              [FP_U8] = {"U8", 1},   [FP_BOOL] = {"BOOL", 1}};

enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

size_t fp_dtype_size(fp_dtype dtype) {
    return dtypes[dtype].size;
}

const char *fp_dtype_name(fp_dtype dtype) {
    return dtypes[dtype].name;
}

int fp_dtype_parse(const char *name, fp_dtype *out) {
    for (int i = 0; i < N_DTYPES; i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            *out = (fp_dtype)i;
            return 0;
        }
    }
    return -1;
}

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> 10 & 31, mantissa = half & 1023;
    if (exponent == 31) /* infinities, NaNs with their payload */
        return float_of_bits(sign | 0x7f800000u | mantissa << 13);
    if (exponent > 0)
        return float_of_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
    float tiny = (float)mantissa * 0x1p-24f; /* zero and subnormals: exact */
    return sign ? -tiny : tiny;
}

/* Runs BODY for every element, read into X of TYPE; memcpy because the data need not be aligned. */
#define FOR_EACH(view, type, body)                                                                           \
    for (size_t i = 0; i < (view)->count; i++) {                                                             \
        type x;                                                                                              \
        memcpy(&x, (const char *)(view)->data + i * sizeof x, sizeof x);                                     \
        body;                                                                                                \
    }                                                                                                        \
    return 0

int fp_tensor_to_float(const fp_tensor_view *view, float *out, fp_error *error) {
    switch (view->dtype) {
    case FP_F64:
        FOR_EACH(view, double, out[i] = (float)x);
    case FP_F32:
        if (view->count)
            memcpy(out, view->data, view->count * sizeof *out);
        return 0;
    case FP_F16:
        FOR_EACH(view, uint16_t, out[i] = float_of_half(x));
    case FP_BF16:
        FOR_EACH(view, uint16_t, out[i] = float_of_bits((uint32_t)x << 16));
    default:
        return fp_fail(error,
                       "tensor %s has type %s, a type of real numbers was expected (F64, F32, F16, BF16)",
                       view->name, fp_dtype_name(view->dtype));
    }
}

int fp_tensor_to_int64(const fp_tensor_view *view, long long *out, fp_error *error) {
    switch (view->dtype) {
    case FP_I64:
        FOR_EACH(view, int64_t, out[i] = x);
    case FP_I32:
        FOR_EACH(view, int32_t, out[i] = x);
    case FP_I16:
        FOR_EACH(view, int16_t, out[i] = x);
    case FP_I8:
        FOR_EACH(view, int8_t, out[i] = (int)x);
    case FP_U8:
    case FP_BOOL:
        FOR_EACH(view, uint8_t, out[i] = x);
    default:
        return fp_fail(error,
                       "tensor %s has type %s, a type of integers was expected (I64, I32, I16, I8, U8, BOOL)",
                       view->name, fp_dtype_name(view->dtype));
    }
}

int fp_tensors_digest(fp_nth_tensor *nth, const void *of, size_t count, char out[FP_DIGEST_TEXT],
                      fp_error *error) {
    fp_digester *digester = fp_digester_create(error);
    if (!digester)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const fp_tensor_view *view = nth(of, i);
        if (view->count)
            fp_digest_bytes(digester, view->name, view->data, view->count * fp_dtype_size(view->dtype));
    }
    fp_digest_format(fp_digest_end(digester), out);
    fp_digester_destroy(digester);
    return 0;
}
