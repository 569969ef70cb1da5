/* The few objects that a state dict is made of: ordered dicts, storages, tensors. */
#include "bert/pickle.h"

#include <string.h>

typedef enum known_global {
    ORDERED_DICT,
    REBUILD_TENSOR,    /* (storage, offset, shape, strides, ...) */
    REBUILD_PARAMETER, /* (tensor, ...) */
    STORAGE_TYPE
} known_global;

static const struct {
    const char *module, *name;
    known_global what;
    fp_dtype dtype;
} GLOBALS[] = {
    {"collections", "OrderedDict", ORDERED_DICT, FP_F32},
    {"torch._utils", "_rebuild_tensor", REBUILD_TENSOR, FP_F32},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, FP_F32},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, FP_F32},
    {"torch", "DoubleStorage", STORAGE_TYPE, FP_F64},
    {"torch", "FloatStorage", STORAGE_TYPE, FP_F32},
    {"torch", "HalfStorage", STORAGE_TYPE, FP_F16},
    {"torch", "BFloat16Storage", STORAGE_TYPE, FP_BF16},
    {"torch", "LongStorage", STORAGE_TYPE, FP_I64},
    {"torch", "IntStorage", STORAGE_TYPE, FP_I32},
    {"torch", "ShortStorage", STORAGE_TYPE, FP_I16},
    {"torch", "CharStorage", STORAGE_TYPE, FP_I8},
    {"torch", "ByteStorage", STORAGE_TYPE, FP_U8},
    {"torch", "BoolStorage", STORAGE_TYPE, FP_BOOL},
};

static int fail(const fp_pickle *p, fp_error *error, const char *what) {
    return fp_fail(error, "%s: byte %zu of its pickle: %s", p->path, p->at, what);
}

static int same(const char *text, size_t length, const char *known) {
    return length == strlen(known) && memcmp(text, known, length) == 0;
}

int fp_pickle_global(fp_pickle *p, const char *module, size_t module_length, const char *name,
                     size_t name_length, fp_pickle_value *out, fp_error *error) {
    for (size_t i = 0; i < sizeof GLOBALS / sizeof *GLOBALS; i++)
        if (same(module, module_length, GLOBALS[i].module) && same(name, name_length, GLOBALS[i].name)) {
            *out = (fp_pickle_value){.kind = FP_PICKLE_GLOBAL, .global = (int)i};
            return 0;
        }
    return fp_fail(error,
                   "%s: its pickle wants %.*s.%.*s, which weights do not need; nothing of it was run. "
                   "Convert it to safetensors if you trust it",
                   p->path, (int)(module_length < 100 ? module_length : 100), module,
                   (int)(name_length < 100 ? name_length : 100), name);
}

/* Item I of the tuple ARGUMENTS when it is of KIND, else NULL. */
static const fp_pickle_value *argument(const fp_pickle *p, const fp_pickle_value *arguments, uint32_t i,
                                       fp_pickle_kind kind) {
    if (arguments->kind != FP_PICKLE_TUPLE || i >= arguments->count)
        return NULL;
    const fp_pickle_value *value = &p->values[fp_pickle_item(p, arguments, i)];
    return value->kind == kind ? value : NULL;
}

/* A tuple of numbers not below 0. */
static int read_sizes(const fp_pickle *p, const fp_pickle_value *tuple, uint64_t out[FP_MAX_RANK]) {
    for (uint32_t i = 0; i < tuple->count; i++) {
        const fp_pickle_value *size = argument(p, tuple, i, FP_PICKLE_INTEGER);
        if (!size || size->integer < 0)
            return -1;
        out[i] = (uint64_t)size->integer;
    }
    return 0;
}

/* 1 when all of the tensor's numbers lie inside its storage. */
static int fits(const fp_pickle_value *tensor, uint64_t numbers) {
    uint64_t last = tensor->offset, count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        uint64_t reach;
        if (tensor->shape[i] == 0)
            return 1;
        if (__builtin_mul_overflow(tensor->shape[i] - 1, tensor->stride[i], &reach) ||
            __builtin_add_overflow(last, reach, &last) ||
            __builtin_mul_overflow(count, tensor->shape[i], &count))
            return 0;
    }
    /* Strides of 0 would let a few bytes claim to be a huge tensor. */
    return last < numbers && count <= numbers;
}

static int rebuild_tensor(const fp_pickle *p, const fp_pickle_value *arguments, fp_pickle_value *out,
                          fp_error *error) {
    const fp_pickle_value *storage = argument(p, arguments, 0, FP_PICKLE_STORAGE);
    const fp_pickle_value *offset = argument(p, arguments, 1, FP_PICKLE_INTEGER);
    const fp_pickle_value *shape = argument(p, arguments, 2, FP_PICKLE_TUPLE);
    const fp_pickle_value *stride = argument(p, arguments, 3, FP_PICKLE_TUPLE);
    if (!storage || !offset || !shape || !stride || offset->integer < 0 || shape->count != stride->count ||
        shape->count > FP_MAX_RANK)
        return fail(p, error, "a tensor that is not made as torch makes them");
    *out = (fp_pickle_value){.kind = FP_PICKLE_TENSOR,
                             .storage = (uint32_t)(storage - p->values),
                             .offset = (uint64_t)offset->integer,
                             .rank = (int)shape->count};
    if (read_sizes(p, shape, out->shape) < 0 || read_sizes(p, stride, out->stride) < 0 ||
        !fits(out, storage->numbers))
        return fail(p, error, "a tensor that reaches outside its storage");
    return 0;
}

int fp_pickle_call(fp_pickle *p, uint32_t callable, uint32_t arguments, fp_pickle_value *out,
                   fp_error *error) {
    const fp_pickle_value *what = &p->values[callable], *with = &p->values[arguments], *tensor;
    if (what->kind != FP_PICKLE_GLOBAL || with->kind != FP_PICKLE_TUPLE)
        return fail(p, error, "a call of something that is no function (opcode REDUCE)");
    switch (GLOBALS[what->global].what) {
    case ORDERED_DICT:
        *out = (fp_pickle_value){.kind = FP_PICKLE_DICT};
        return with->count == 0 ? 0 : fail(p, error, "an OrderedDict with arguments");
    case REBUILD_TENSOR:
        return rebuild_tensor(p, with, out, error);
    case REBUILD_PARAMETER:
        tensor = argument(p, with, 0, FP_PICKLE_TENSOR);
        if (!tensor)
            return fail(p, error, "a parameter without a tensor");
        *out = *tensor;
        return 0;
    case STORAGE_TYPE:
        break;
    }
    return fail(p, error, "a storage made by a call");
}

/* ("storage", type, key, location, length) and, in the legacy container, None: no view of another storage. */
int fp_pickle_reference(fp_pickle *p, uint32_t id, fp_pickle_value *out, fp_error *error) {
    const fp_pickle_value *tuple = &p->values[id];
    const fp_pickle_value *word = argument(p, tuple, 0, FP_PICKLE_TEXT);
    const fp_pickle_value *type = argument(p, tuple, 1, FP_PICKLE_GLOBAL);
    const fp_pickle_value *key = argument(p, tuple, 2, FP_PICKLE_TEXT);
    const fp_pickle_value *length = argument(p, tuple, 4, FP_PICKLE_INTEGER);
    if (!word || !fp_pickle_is_text(word, "storage") || !type || !key || !length || length->integer < 0 ||
        GLOBALS[type->global].what != STORAGE_TYPE)
        return fail(p, error, "a reference to something that is no storage");
    if (tuple->count > 5 && !argument(p, tuple, 5, FP_PICKLE_NONE))
        return fail(p, error, "a storage that is a view of another one; save it with a newer torch");
    *out = (fp_pickle_value){.kind = FP_PICKLE_STORAGE,
                             .text = key->text,
                             .length = key->length,
                             .dtype = GLOBALS[type->global].dtype,
                             .numbers = (uint64_t)length->integer};
    return 0;
}
