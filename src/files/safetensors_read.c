/* Reading safetensors: the file is mapped, its header checked completely before anything else looks at it. */
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"

#include "files/tensor.h"
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct entry {
    fp_tensor_view view;
    size_t begin, end; /* bytes behind the header */
} entry;

struct fp_safetensors {
    fp_file_map map;
    json_t *header;       /* owns the names and the metadata */
    entry *entries;       /* by offset */
    const entry **byname; /* sorted by name */
    size_t count;
    size_t data_at; /* bytes before the data */
};

static int parse_header(fp_safetensors *file, const char *path, fp_error *error) {
    const fp_file_map *map = &file->map;
    uint64_t length;
    if (map->size < sizeof length)
        return fp_fail(error, "%s has %zu bytes, a safetensors file has at least 8; it is truncated", path,
                       map->size);
    memcpy(&length, map->bytes, sizeof length);
    if (length > FP_SAFETENSORS_MAX_HEADER)
        return fp_fail(error, "%s says its header has %llu bytes, more than %u; it is not a safetensors file",
                       path, (unsigned long long)length, FP_SAFETENSORS_MAX_HEADER);
    if (length > map->size - sizeof length)
        return fp_fail(error, "%s says its header has %llu bytes but only %zu follow; it is truncated", path,
                       (unsigned long long)length, map->size - sizeof length);
    json_error_t cause;
    file->header =
        json_loadb((const char *)map->bytes + sizeof length, length, JSON_REJECT_DUPLICATES, &cause);
    if (!file->header)
        return fp_fail(error, "%s: header, byte %d: %s", path, cause.position,
                       cause.text[0] ? cause.text : "out of memory");
    if (!json_is_object(file->header))
        return fp_fail(error, "%s: the header is not a JSON object", path);
    file->data_at = sizeof length + length;
    return 0;
}

static int check_metadata(const json_t *metadata, const char *path, fp_error *error) {
    if (!json_is_object(metadata))
        return fp_fail(error, "%s: " FP_SAFETENSORS_METADATA " is not a JSON object", path);
    for (void *at = json_object_iter((json_t *)metadata); at;
         at = json_object_iter_next((json_t *)metadata, at)) {
        if (!json_is_string(json_object_iter_value(at)))
            return fp_fail(error, "%s: " FP_SAFETENSORS_METADATA ": the value of %s is not a string", path,
                           json_object_iter_key(at));
    }
    return 0;
}

static int parse_size(const json_t *value, size_t *out) {
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return -1;
    *out = (size_t)json_integer_value(value);
    return 0;
}

static int parse_shape(const json_t *shape, fp_tensor_view *view, fp_error *error) {
    if (!json_is_array(shape))
        return fp_fail(error, "no shape (a list of sizes)");
    if (json_array_size(shape) > FP_MAX_RANK)
        return fp_fail(error, "%zu dimensions, at most %d are read", json_array_size(shape), FP_MAX_RANK);
    view->rank = (int)json_array_size(shape);
    view->count = 1;
    for (int i = 0; i < view->rank; i++) {
        if (parse_size(json_array_get(shape, (size_t)i), &view->shape[i]) < 0)
            return fp_fail(error, "shape[%d] is not a size", i);
        if (__builtin_mul_overflow(view->count, view->shape[i], &view->count))
            return fp_fail(error, "its shape has more elements than can be counted");
    }
    return 0;
}

/* Fills OUT from the description of one tensor; the message is put behind file and name by the caller. */
static int parse_tensor(const json_t *value, size_t data_size, entry *out, fp_error *error) {
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    if (!dtype)
        return fp_fail(error, "no dtype");
    if (fp_dtype_parse(dtype, &out->view.dtype) < 0)
        return fp_fail(error, "unknown dtype %s (known: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL)", dtype);
    if (parse_shape(json_object_get(value, "shape"), &out->view, error) < 0)
        return -1;
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (json_array_size(offsets) != 2 || parse_size(json_array_get(offsets, 0), &out->begin) < 0 ||
        parse_size(json_array_get(offsets, 1), &out->end) < 0)
        return fp_fail(error, "no data_offsets (two positions)");
    if (out->begin > out->end || out->end > data_size)
        return fp_fail(error,
                       "data_offsets [%zu, %zu] lie outside the %zu bytes of data; the file is truncated "
                       "or its header damaged",
                       out->begin, out->end, data_size);
    size_t bytes;
    if (__builtin_mul_overflow(out->view.count, fp_dtype_size(out->view.dtype), &bytes) ||
        bytes != out->end - out->begin)
        return fp_fail(error, "%zu elements of %s do not fill its %zu bytes of data", out->view.count, dtype,
                       out->end - out->begin);
    return 0;
}

static int by_offset(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->view.name, y->view.name);
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const entry *const *)a)->view.name, (*(const entry *const *)b)->view.name);
}

static int parse_entries(fp_safetensors *file, const char *path, fp_error *error) {
    size_t data_size = file->map.size - file->data_at;
    for (void *at = json_object_iter(file->header); at; at = json_object_iter_next(file->header, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        if (strcmp(name, FP_SAFETENSORS_METADATA) == 0) {
            if (check_metadata(value, path, error) < 0)
                return -1;
            continue;
        }
        entry *next = &file->entries[file->count++];
        next->view.name = name;
        if (parse_tensor(value, data_size, next, error) < 0)
            return fp_error_context(error, "%s: tensor %s", path, name);
        next->view.data = file->map.bytes + file->data_at + next->begin;
    }
    return 0;
}

/* The tensors must fill the data without overlap or hole. */
static int check_layout(const fp_safetensors *file, const char *path, fp_error *error) {
    size_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const entry *next = &file->entries[i];
        if (next->begin != at)
            return fp_fail(error, "%s: tensor %s: its data begin at %zu, %s %zu where those before it end",
                           path, next->view.name, next->begin,
                           next->begin < at ? "overlapping, before" : "behind", at);
        at = next->end;
    }
    if (at != file->map.size - file->data_at)
        return fp_fail(error, "%s: the tensors end at byte %zu of the data, the file has %zu", path, at,
                       file->map.size - file->data_at);
    return 0;
}

static int read_all(fp_safetensors *file, const char *path, fp_error *error) {
    if (fp_file_map_open(path, &file->map, error) < 0 || parse_header(file, path, error) < 0)
        return -1;
    size_t n = json_object_size(file->header);
    file->entries = fp_alloc(n, sizeof *file->entries, "a list of tensors", error);
    file->byname = fp_alloc(n, sizeof(void *), "a list of tensors", error);
    if (!file->entries || !file->byname || parse_entries(file, path, error) < 0)
        return -1;
    qsort(file->entries, file->count, sizeof *file->entries, by_offset);
    for (size_t i = 0; i < file->count; i++)
        file->byname[i] = &file->entries[i];
    qsort(file->byname, file->count, sizeof(void *), by_name);
    return check_layout(file, path, error);
}

fp_safetensors *fp_safetensors_open(const char *path, fp_error *error) {
    fp_safetensors *file = fp_alloc(1, sizeof *file, "a safetensors file", error);
    if (file && read_all(file, path, error) < 0) {
        fp_safetensors_close(file);
        return NULL;
    }
    return file;
}

void fp_safetensors_close(fp_safetensors *file) {
    if (!file)
        return;
    free(file->byname);
    free(file->entries);
    json_decref(file->header);
    fp_file_map_close(&file->map);
    free(file);
}

size_t fp_safetensors_count(const fp_safetensors *file) {
    return file->count;
}

const fp_tensor_view *fp_safetensors_at(const fp_safetensors *file, size_t i) {
    return &file->entries[i].view;
}

const fp_tensor_view *fp_safetensors_find(const fp_safetensors *file, const char *name) {
    size_t low = 0, high = file->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, file->byname[middle]->view.name);
        if (order == 0)
            return &file->byname[middle]->view;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const fp_tensor_view *nth(const void *file, size_t i) {
    return fp_safetensors_at(file, i);
}

void fp_safetensors_let_go(const fp_tensor_view *tensor) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)tensor->data;
    uintptr_t first = (at + page - 1) / page * page,
              end = (at + tensor->count * fp_dtype_size(tensor->dtype)) / page * page;
    if (end > first)
        madvise((void *)first, end - first, MADV_DONTNEED); /* of a file: the pages come again when read */
}

int fp_safetensors_intact(const fp_safetensors *file, fp_error *error) {
    const char *expected = fp_safetensors_metadata(file, FP_SAFETENSORS_DIGEST);
    char digest[FP_DIGEST_TEXT];
    if (!expected)
        return 0;
    if (fp_tensors_digest(nth, file, file->count, digest, error) < 0)
        return -1;
    if (strcmp(digest, expected) != 0)
        return fp_fail(error, "it does not hold what was written into it (digest %s, not %s)", digest,
                       expected);
    return 0;
}

const char *fp_safetensors_metadata(const fp_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, FP_SAFETENSORS_METADATA), key));
}
