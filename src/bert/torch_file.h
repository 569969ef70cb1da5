/* torch_file.h: the tensors of a pytorch_model.bin, in torch's zip container or its legacy one. */
#ifndef FINEPROBE_BERT_TORCH_FILE_H
#define FINEPROBE_BERT_TORCH_FILE_H

#include "bert/pickle.h"
#include "fineprobe/file.h"

/* The raw numbers of a storage. */
typedef struct fp_torch_storage {
    const char *key; /* in the pickle */
    size_t key_length;
    fp_dtype dtype;
    uint64_t numbers;
    const unsigned char *bytes; /* NULL: not found yet */
    void *own;                  /* BYTES when they are not in the mapped file */
} fp_torch_storage;

typedef struct fp_torch_file {
    char *path;
    fp_file_map map;
    unsigned char *pickle_bytes; /* zip: data.pkl */
    fp_pickle pickle;
    fp_torch_storage *storages;
    size_t n_storages, storages_room;
    fp_tensor_view *views;
    void **copies; /* [n_views] names and, where strides ask for it, numbers in row-major order */
    size_t n_views, n_copies;
} fp_torch_file;

fp_torch_file *fp_torch_open(const char *path, fp_error *error);
void fp_torch_close(fp_torch_file *file);
const fp_tensor_view *fp_torch_find(const fp_torch_file *file, const char *name); /* NULL when absent */

/* The containers' parts: run the pickles and find the bytes of every storage. */
int fp_torch_read_zip(fp_torch_file *file, uint32_t *state, fp_error *error);
int fp_torch_read_legacy(fp_torch_file *file, uint32_t *state, fp_error *error);
/* One entry for each storage that the pickles mention. */
int fp_torch_list_storages(fp_torch_file *file, fp_error *error);

#endif
