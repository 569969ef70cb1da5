/* Writing safetensors: the header is built first, then the data go out tensor by tensor, without a copy. */
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"

#include "files/tensor.h"
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DATA_ALIGNMENT = 64, MAX_ELEMENT = 8 };

/* Larger elements first, otherwise the given order: so every tensor is aligned to its type. */
static const fp_tensor_view **order_views(const fp_tensor_view *tensors, size_t count, fp_error *error) {
    const fp_tensor_view **order = fp_alloc(count, sizeof(void *), "a list of tensors", error);
    size_t n = 0;
    for (size_t size = MAX_ELEMENT; order && size > 0; size /= 2) {
        for (size_t i = 0; i < count; i++) {
            if (fp_dtype_size(tensors[i].dtype) == size)
                order[n++] = &tensors[i];
        }
    }
    return order;
}

static size_t bytes_of(const fp_tensor_view *view) {
    return view->count * fp_dtype_size(view->dtype);
}

static int check_view(const fp_tensor_view *view, fp_error *error) {
    size_t count = 1, bytes;
    if (strcmp(view->name, FP_SAFETENSORS_METADATA) == 0)
        return fp_fail(error, "this name is reserved");
    if (view->rank < 0 || view->rank > FP_MAX_RANK)
        return fp_fail(error, "rank %d, at most %d can be written", view->rank, FP_MAX_RANK);
    for (int i = 0; i < view->rank; i++) {
        if (__builtin_mul_overflow(count, view->shape[i], &count))
            return fp_fail(error, "its shape has more elements than can be counted");
    }
    if (__builtin_mul_overflow(count, fp_dtype_size(view->dtype), &bytes))
        return fp_fail(error, "its shape has more bytes than can be counted");
    if (count != view->count)
        return fp_fail(error, "its shape has %zu elements, its count says %zu", count, view->count);
    if (count > 0 && !view->data)
        return fp_fail(error, "it has no data");
    return 0;
}

static json_t *describe(const fp_tensor_view *view, size_t begin) {
    json_t *shape = json_array();
    for (int i = 0; i < view->rank; i++) {
        if (json_array_append_new(shape, json_integer((json_int_t)view->shape[i])) < 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", fp_dtype_name(view->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)begin + (json_int_t)bytes_of(view));
}

static int add_metadata(json_t *header, const char *const *metadata, const char *digest, fp_error *error) {
    json_t *object = json_pack("{s:s}", FP_SAFETENSORS_DIGEST, digest);
    for (const char *const *at = metadata; at && at[0]; at += 2) {
        if (json_object_set_new(object, at[0], json_string(at[1])) < 0) {
            json_decref(object);
            return fp_fail(error, "metadata %s is not UTF-8, or out of memory", at[0]);
        }
    }
    if (json_object_set_new(header, FP_SAFETENSORS_METADATA, object) < 0)
        return fp_fail_memory(error, "a safetensors header", strlen(FP_SAFETENSORS_METADATA));
    return 0;
}

static int add_tensors(json_t *header, const fp_tensor_view *const *order, size_t count, fp_error *error) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const fp_tensor_view *view = order[i];
        if (check_view(view, error) < 0)
            return fp_error_context(error, "tensor %s", view->name);
        if (json_object_get(header, view->name))
            return fp_fail(error, "tensor %s: two tensors have this name", view->name);
        if (json_object_set_new(header, view->name, describe(view, at)) < 0)
            return fp_fail(error, "tensor %s: its name is not UTF-8, or out of memory", view->name);
        at += bytes_of(view);
    }
    return 0;
}

/* The length, the header and spaces up to where aligned data can begin. */
static char *build_prefix(json_t *header, size_t *size, fp_error *error) {
    uint64_t length = json_dumpb(header, NULL, 0, JSON_COMPACT);
    if (length == 0 || length > FP_SAFETENSORS_MAX_HEADER - DATA_ALIGNMENT) {
        fp_fail(error, "too many tensors for one file: its header would have %llu bytes",
                (unsigned long long)length);
        return NULL;
    }
    size_t padded = (sizeof length + length + DATA_ALIGNMENT - 1) / DATA_ALIGNMENT * DATA_ALIGNMENT;
    char *prefix = fp_alloc(padded, 1, "a safetensors header", error);
    if (!prefix)
        return NULL;
    json_dumpb(header, prefix + sizeof length, length, JSON_COMPACT);
    memset(prefix + sizeof length + length, ' ', padded - sizeof length - length);
    length = padded - sizeof length;
    memcpy(prefix, &length, sizeof length);
    *size = padded;
    return prefix;
}

static const fp_tensor_view *nth(const void *order, size_t i) {
    return ((const fp_tensor_view *const *)order)[i];
}

static char *make_prefix(const fp_tensor_view *const *order, size_t count, const char *const *metadata,
                         size_t *size, fp_error *error) {
    json_t *header = json_object();
    char *prefix = NULL, digest[FP_DIGEST_TEXT];
    if (!header)
        fp_fail_memory(error, "a safetensors header", count);
    else if (add_tensors(header, order, count, error) == 0 &&
             fp_tensors_digest(nth, order, count, digest, error) == 0 &&
             add_metadata(header, metadata, digest, error) == 0)
        prefix = build_prefix(header, size, error);
    json_decref(header);
    return prefix;
}

static int write_parts(int fd, const char *prefix, size_t prefix_size, const fp_tensor_view *const *order,
                       size_t count, fp_error *error) {
    if (fp_write_all(fd, prefix, prefix_size, error) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (fp_write_all(fd, order[i]->data, bytes_of(order[i]), error) < 0)
            return fp_error_context(error, "tensor %s", order[i]->name);
    }
    return fsync(fd) < 0 ? fp_fail_errno(error, "cannot sync") : 0;
}

static int write_file(const char *path, const char *prefix, size_t prefix_size,
                      const fp_tensor_view *const *order, size_t count, fp_error *error) {
    char *temporary = fp_format(error, "%s.%ld.tmp", path, (long)getpid());
    if (!temporary)
        return -1;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int rc = fd < 0 ? fp_fail_errno(error, "cannot create") : 0;
    if (rc == 0) {
        rc = write_parts(fd, prefix, prefix_size, order, count, error);
        if (close(fd) < 0 && rc == 0)
            rc = fp_fail_errno(error, "cannot close");
        if (rc == 0)
            rc = fp_file_rename(temporary, path, error);
        if (rc < 0)
            unlink(temporary);
    }
    free(temporary);
    return rc;
}

int fp_safetensors_write(const char *path, const fp_tensor_view *tensors, size_t count,
                         const char *const *metadata, fp_error *error) {
    int rc = -1;
    size_t prefix_size = 0;
    const fp_tensor_view **order = order_views(tensors, count, error);
    char *prefix = order ? make_prefix(order, count, metadata, &prefix_size, error) : NULL;
    if (prefix)
        rc = write_file(path, prefix, prefix_size, order, count, error);
    free(prefix);
    free(order);
    return rc < 0 ? fp_error_context(error, "%s", path) : 0;
}
