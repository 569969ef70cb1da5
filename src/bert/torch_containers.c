/* Torch's two containers.
 *
 * zip (since 1.6): NAME/data.pkl, and each storage's bytes in NAME/data/KEY.
 * legacy: five pickles (magic number, version, system, state dict, list of storage keys), then for each key
 * the storage's length as an int64 and its bytes. */
#include "bert/torch_file.h"
#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>
#include <zip.h>

static int fail_zip(const fp_torch_file *file, zip_t *archive, const char *what, fp_error *error) {
    return fp_fail(error, "%s: %s: %s", file->path, what, zip_strerror(archive));
}

/* The whole of entry INDEX; *SIZE its bytes. */
static void *read_entry(const fp_torch_file *file, zip_t *archive, zip_uint64_t index, size_t *size,
                        fp_error *error) {
    zip_stat_t info;
    if (zip_stat_index(archive, index, 0, &info) < 0 || !(info.valid & ZIP_STAT_SIZE)) {
        fail_zip(file, archive, "cannot read its archive", error);
        return NULL;
    }
    /* Torch stores without compression: an entry that claims more than the file has is damaged. */
    if (info.size > file->map.size) {
        fp_fail(error, "%s: entry %s claims %llu bytes", file->path, info.name,
                (unsigned long long)info.size);
        return NULL;
    }
    unsigned char *bytes = fp_alloc(info.size, 1, "an entry of a torch file", error);
    zip_file_t *entry = bytes ? zip_fopen_index(archive, index, 0) : NULL;
    zip_int64_t got = entry ? zip_fread(entry, bytes, info.size) : -1;
    char extra; /* reading on to the end has libzip compare the CRC */
    int whole = got == (zip_int64_t)info.size && zip_fread(entry, &extra, 1) == 0;
    if (entry)
        zip_fclose(entry);
    if (bytes && !whole) {
        fp_fail(error, "%s: entry %s is damaged", file->path, info.name);
        free(bytes);
        bytes = NULL;
    }
    *size = info.size;
    return bytes;
}

/* The entry that holds the pickle, and the folder that it and the storages are in (fresh memory). */
static int find_pickle(const fp_torch_file *file, zip_t *archive, zip_uint64_t *index, char **folder,
                       fp_error *error) {
    static const char NAME[] = "/data.pkl";
    zip_int64_t n = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(archive, (zip_uint64_t)i, 0);
        size_t length = name ? strlen(name) : 0;
        if (length <= sizeof NAME - 1 || strcmp(name + length - (sizeof NAME - 1), NAME) != 0)
            continue;
        *index = (zip_uint64_t)i;
        *folder = fp_format(error, "%.*s", (int)(length - (sizeof NAME - 1)), name);
        return *folder ? 0 : -1;
    }
    return fp_fail(error, "%s: a zip archive without data.pkl: not written by torch", file->path);
}

static int read_storage(fp_torch_file *file, zip_t *archive, const char *folder, fp_torch_storage *storage,
                        fp_error *error) {
    char *name = fp_format(error, "%s/data/%.*s", folder, (int)storage->key_length, storage->key);
    if (!name)
        return -1;
    zip_int64_t index = zip_name_locate(archive, name, 0);
    size_t size = 0;
    int rc = 0;
    if (index < 0)
        rc = fp_fail(error, "%s: entry %s is missing", file->path, name);
    else if (!(storage->own = read_entry(file, archive, (zip_uint64_t)index, &size, error)))
        rc = -1;
    else if (size / fp_dtype_size(storage->dtype) < storage->numbers)
        rc = fp_fail(error, "%s: entry %s has %zu bytes, too few for %llu numbers", file->path, name, size,
                     (unsigned long long)storage->numbers);
    storage->bytes = storage->own;
    free(name);
    return rc;
}

static int check_byte_order(const fp_torch_file *file, zip_t *archive, const char *folder, fp_error *error) {
    char *name = fp_format(error, "%s/byteorder", folder);
    if (!name)
        return -1;
    zip_int64_t index = zip_name_locate(archive, name, 0);
    free(name);
    if (index < 0)
        return 0;
    size_t size = 0;
    char *text = read_entry(file, archive, (zip_uint64_t)index, &size, error);
    int rc = !text ? -1
             : size == 6 && memcmp(text, "little", 6) == 0
                 ? 0
                 : fp_fail(error, "%s: not little-endian", file->path);
    free(text);
    return rc;
}

static int read_archive(fp_torch_file *file, zip_t *archive, uint32_t *state, fp_error *error) {
    zip_uint64_t index = 0;
    char *folder = NULL;
    size_t size = 0;
    int rc = find_pickle(file, archive, &index, &folder, error);
    if (rc == 0)
        rc = check_byte_order(file, archive, folder, error);
    if (rc == 0 && !(file->pickle_bytes = read_entry(file, archive, index, &size, error)))
        rc = -1;
    if (rc == 0) {
        file->pickle.bytes = file->pickle_bytes;
        file->pickle.size = size;
        rc = fp_pickle_load(&file->pickle, state, error);
    }
    if (rc == 0)
        rc = fp_torch_list_storages(file, error);
    for (size_t i = 0; rc == 0 && i < file->n_storages; i++)
        rc = read_storage(file, archive, folder, &file->storages[i], error);
    free(folder);
    return rc;
}

int fp_torch_read_zip(fp_torch_file *file, uint32_t *state, fp_error *error) {
    int code;
    zip_t *archive = zip_open(file->path, ZIP_RDONLY, &code);
    if (!archive) {
        zip_error_t cause;
        zip_error_init_with_code(&cause, code);
        fp_fail(error, "%s: a damaged zip archive: %s", file->path, zip_error_strerror(&cause));
        zip_error_fini(&cause);
        return -1;
    }
    int rc = read_archive(file, archive, state, error);
    zip_discard(archive);
    return rc;
}

/* The next of the pickles at the start; NULL after a failure. */
static const fp_pickle_value *next_pickle(fp_torch_file *file, fp_error *error) {
    uint32_t value;
    return fp_pickle_load(&file->pickle, &value, error) < 0 ? NULL : &file->pickle.values[value];
}

static int check_system(const fp_torch_file *file, const fp_pickle_value *system, fp_error *error) {
    const fp_pickle *pickle = &file->pickle;
    for (uint32_t i = 0; system->kind == FP_PICKLE_DICT && i + 1 < system->count; i += 2) {
        const fp_pickle_value *value = &pickle->values[fp_pickle_item(pickle, system, i + 1)];
        if (fp_pickle_is_text(&pickle->values[fp_pickle_item(pickle, system, i)], "little_endian") &&
            value->integer == 0)
            return fp_fail(error, "%s: not little-endian", file->path);
    }
    return 0;
}

/* Where the bytes of the storage named KEY begin and end; AT moves behind them. */
static int place_storage(fp_torch_file *file, const fp_pickle_value *key, size_t *at, fp_error *error) {
    for (size_t i = 0; key->kind == FP_PICKLE_TEXT && i < file->n_storages; i++) {
        fp_torch_storage *storage = &file->storages[i];
        if (storage->key_length != key->length || memcmp(storage->key, key->text, key->length) != 0)
            continue;
        int64_t numbers;
        size_t left = file->map.size - *at, size = fp_dtype_size(storage->dtype);
        if (left < sizeof numbers)
            return fp_fail(error, "%s: ends before its storages do", file->path);
        memcpy(&numbers, file->map.bytes + *at, sizeof numbers);
        if (numbers < 0 || (uint64_t)numbers != storage->numbers ||
            storage->numbers > (left - sizeof numbers) / size)
            return fp_fail(error,
                           "%s: storage %.*s has %lld numbers, its tensors want %llu, %zu bytes are left",
                           file->path, (int)(key->length < 100 ? key->length : 100), key->text,
                           (long long)numbers, (unsigned long long)storage->numbers, left);
        storage->bytes = file->map.bytes + *at + sizeof numbers;
        *at += sizeof numbers + storage->numbers * size;
        return 0;
    }
    return fp_fail(error, "%s: lists a storage that no tensor has", file->path);
}

static int place_storages(fp_torch_file *file, uint32_t list, fp_error *error) {
    const fp_pickle *pickle = &file->pickle;
    if (pickle->values[list].kind != FP_PICKLE_LIST)
        return fp_fail(error, "%s: its list of storages is none", file->path);
    size_t at = pickle->at;
    uint32_t cell = pickle->values[list].first;
    for (uint32_t i = 0; i < pickle->values[list].count; i++, cell = pickle->cells[cell].next)
        if (place_storage(file, &pickle->values[pickle->cells[cell].value], &at, error) < 0)
            return -1;
    for (size_t i = 0; i < file->n_storages; i++)
        if (!file->storages[i].bytes)
            return fp_fail(error, "%s: storage %.*s is missing", file->path,
                           (int)(file->storages[i].key_length < 100 ? file->storages[i].key_length : 100),
                           file->storages[i].key);
    return 0;
}

int fp_torch_read_legacy(fp_torch_file *file, uint32_t *state, fp_error *error) {
    static const unsigned char MAGIC[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c,
                                          0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    if (file->map.size < sizeof MAGIC || memcmp(file->map.bytes, MAGIC, sizeof MAGIC) != 0)
        return fp_fail(error, "%s: neither of torch's containers", file->path);
    file->pickle.bytes = file->map.bytes;
    file->pickle.size = file->map.size;
    const fp_pickle_value *value;
    uint32_t list;
    if (!next_pickle(file, error) || !(value = next_pickle(file, error)))
        return -1;
    if (value->kind != FP_PICKLE_INTEGER || value->integer != 1001)
        return fp_fail(error, "%s: an unknown version of torch's legacy container", file->path);
    if (!(value = next_pickle(file, error)) || check_system(file, value, error) < 0 ||
        fp_pickle_load(&file->pickle, state, error) < 0 || fp_torch_list_storages(file, error) < 0 ||
        fp_pickle_load(&file->pickle, &list, error) < 0)
        return -1;
    return place_storages(file, list, error);
}
