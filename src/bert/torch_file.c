#include "bert/torch_file.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

static int same_key(const fp_torch_storage *storage, const fp_pickle_value *value) {
    return storage->key_length == value->length && memcmp(storage->key, value->text, value->length) == 0;
}

static fp_torch_storage *find_storage(fp_torch_file *file, const fp_pickle_value *value) {
    for (size_t i = 0; i < file->n_storages; i++)
        if (same_key(&file->storages[i], value))
            return &file->storages[i];
    return NULL;
}

int fp_torch_list_storages(fp_torch_file *file, fp_error *error) {
    for (size_t i = 0; i < file->pickle.n_values; i++) {
        const fp_pickle_value *value = &file->pickle.values[i];
        if (value->kind != FP_PICKLE_STORAGE)
            continue;
        const fp_torch_storage *known = find_storage(file, value);
        if (known && (known->dtype != value->dtype || known->numbers != value->numbers))
            return fp_fail(error, "%s: storage %.*s is of two types or lengths", file->path,
                           (int)(value->length < 100 ? value->length : 100), value->text);
        if (known)
            continue;
        if (fp_grow((void **)&file->storages, &file->storages_room, file->n_storages + 1,
                    sizeof *file->storages, error) < 0)
            return -1;
        file->storages[file->n_storages++] = (fp_torch_storage){.key = value->text,
                                                                .key_length = value->length,
                                                                .dtype = value->dtype,
                                                                .numbers = value->numbers};
    }
    return 0;
}

static int is_row_major(const fp_pickle_value *tensor) {
    uint64_t expected = 1;
    for (int i = tensor->rank; i-- > 0;) {
        if (tensor->shape[i] != 1 && tensor->stride[i] != expected)
            return 0;
        expected *= tensor->shape[i];
    }
    return 1;
}

/* The numbers of a strided tensor in row-major order. */
static void *gather(const fp_pickle_value *tensor, const unsigned char *from, size_t count, size_t size,
                    fp_error *error) {
    unsigned char *out = fp_alloc(count, size, "a strided tensor", error);
    uint64_t index[FP_MAX_RANK] = {0};
    for (size_t i = 0; out && i < count; i++) {
        uint64_t at = tensor->offset;
        for (int k = 0; k < tensor->rank; k++)
            at += index[k] * tensor->stride[k];
        memcpy(out + i * size, from + at * size, size);
        for (int k = tensor->rank; k-- > 0 && ++index[k] == tensor->shape[k];)
            index[k] = 0;
    }
    return out;
}

static int add_view(fp_torch_file *file, const fp_pickle_value *name, const fp_pickle_value *tensor,
                    fp_error *error) {
    const fp_torch_storage *storage = find_storage(file, &file->pickle.values[tensor->storage]);
    char *text = fp_format(error, "%.*s", (int)name->length, name->text);
    if (!text)
        return -1;
    file->copies[file->n_copies++] = text;
    fp_tensor_view view = {.name = text, .dtype = storage->dtype, .rank = tensor->rank, .count = 1};
    for (int i = 0; i < tensor->rank; i++) {
        view.shape[i] = tensor->shape[i];
        view.count *= tensor->shape[i];
    }
    size_t size = fp_dtype_size(storage->dtype);
    view.data = storage->bytes + (view.count ? tensor->offset * size : 0);
    if (view.count && !is_row_major(tensor)) {
        void *copy = gather(tensor, storage->bytes, view.count, size, error);
        if (!copy)
            return -1;
        view.data = file->copies[file->n_copies++] = copy;
    }
    file->views[file->n_views++] = view;
    return 0;
}

/* The tensors of a state dict; whatever else it holds is of no use here. */
static int list_tensors(fp_torch_file *file, uint32_t state, fp_error *error) {
    const fp_pickle *pickle = &file->pickle;
    const fp_pickle_value *dict = &pickle->values[state];
    if (dict->kind != FP_PICKLE_DICT)
        return fp_fail(error, "%s: holds no state dict (names and tensors)", file->path);
    size_t entries = dict->count / 2;
    file->views = fp_alloc(entries, sizeof *file->views, "the list of tensors", error);
    file->copies = fp_alloc(2 * entries, sizeof *file->copies, "the list of tensors", error);
    if (!file->views || !file->copies)
        return -1;
    for (uint32_t cell = dict->first, i = 0; i < entries; i++) {
        const fp_pickle_value *name = &pickle->values[pickle->cells[cell].value];
        cell = pickle->cells[cell].next;
        const fp_pickle_value *tensor = &pickle->values[pickle->cells[cell].value];
        cell = pickle->cells[cell].next;
        if (name->kind == FP_PICKLE_TEXT && tensor->kind == FP_PICKLE_TENSOR &&
            add_view(file, name, tensor, error) < 0)
            return -1;
    }
    return file->n_views ? 0 : fp_fail(error, "%s: its state dict holds no tensor", file->path);
}

fp_torch_file *fp_torch_open(const char *path, fp_error *error) {
    fp_torch_file *file = fp_alloc(1, sizeof *file, "a torch file", error);
    if (!file)
        return NULL;
    uint32_t state;
    file->path = fp_strdup(path, error);
    int rc = file->path ? fp_file_map_open(path, &file->map, error) : -1;
    if (rc == 0) {
        int zip = file->map.size >= 4 && memcmp(file->map.bytes, "PK\003\004", 4) == 0;
        file->pickle.path = file->path;
        rc = zip ? fp_torch_read_zip(file, &state, error) : fp_torch_read_legacy(file, &state, error);
    }
    if (rc == 0)
        rc = list_tensors(file, state, error);
    if (rc == 0)
        return file;
    fp_torch_close(file);
    return NULL;
}

void fp_torch_close(fp_torch_file *file) {
    if (!file)
        return;
    for (size_t i = 0; i < file->n_copies; i++)
        free(file->copies[i]);
    for (size_t i = 0; i < file->n_storages; i++)
        free(file->storages[i].own);
    free(file->copies);
    free(file->views);
    free(file->storages);
    fp_pickle_free(&file->pickle);
    free(file->pickle_bytes);
    fp_file_map_close(&file->map);
    free(file->path);
    free(file);
}

const fp_tensor_view *fp_torch_find(const fp_torch_file *file, const char *name) {
    for (size_t i = 0; i < file->n_views; i++)
        if (strcmp(file->views[i].name, name) == 0)
            return &file->views[i];
    return NULL;
}
