/* pickle.h: just enough of Python's pickle machine for the state dicts that torch saves, and nothing that
 * could run code: a pickle is data here. Every other opcode and global is refused by name. */
#ifndef FINEPROBE_BERT_PICKLE_H
#define FINEPROBE_BERT_PICKLE_H

#include "fineprobe/error.h"
#include "fineprobe/safetensors.h"
#include <stddef.h>
#include <stdint.h>

typedef enum fp_pickle_kind {
    FP_PICKLE_NONE,
    FP_PICKLE_BOOL,
    FP_PICKLE_INTEGER,
    FP_PICKLE_REAL,
    FP_PICKLE_TEXT,
    FP_PICKLE_TUPLE,
    FP_PICKLE_LIST,
    FP_PICKLE_DICT,   /* keys and values in turn */
    FP_PICKLE_GLOBAL, /* a name that is allowed */
    FP_PICKLE_STORAGE,
    FP_PICKLE_TENSOR,
    FP_PICKLE_MARK /* on the stack only */
} fp_pickle_kind;

typedef struct fp_pickle_value {
    fp_pickle_kind kind;
    long long integer; /* BOOL, INTEGER; LONG1 beyond 64 bits: its low 64 */
    const char *text;  /* TEXT, STORAGE's key: in the pickle, not ended by NUL */
    size_t length;
    uint32_t first, last, count; /* TUPLE, LIST, DICT: cells */
    int global;                  /* GLOBAL: what it is */
    fp_dtype dtype;              /* STORAGE */
    uint64_t numbers;            /* STORAGE: its length */
    uint32_t storage;            /* TENSOR: value of its storage */
    uint64_t offset;             /* TENSOR: of its first number in the storage */
    int rank;
    uint64_t shape[FP_MAX_RANK], stride[FP_MAX_RANK];
} fp_pickle_value;

typedef struct fp_pickle_cell {
    uint32_t value, next; /* NEXT 0: the last */
} fp_pickle_cell;

typedef struct fp_pickle {
    const char *path; /* for messages */
    const unsigned char *bytes;
    size_t size, at; /* AT: behind the last STOP */
    fp_pickle_value *values;
    fp_pickle_cell *cells; /* cell 0 is not used */
    uint32_t *stack, *memo;
    size_t n_values, n_cells, depth, n_memo;
    size_t values_room, cells_room, stack_room, memo_room;
} fp_pickle;

/* Runs the pickle that begins at BYTES + AT; *OUT is the value that it leaves. Values of earlier pickles in
 * the same bytes stay. */
int fp_pickle_load(fp_pickle *pickle, uint32_t *out, fp_error *error);
void fp_pickle_free(fp_pickle *pickle);

/* Value I of a tuple, list or dict (there: key 2 i, value 2 i + 1); cells are followed from the start. */
uint32_t fp_pickle_item(const fp_pickle *pickle, const fp_pickle_value *composite, uint32_t i);
int fp_pickle_is_text(const fp_pickle_value *value, const char *text);

/* objects.c's part of the machine: what globals, calls and references to storages mean. */
int fp_pickle_global(fp_pickle *pickle, const char *module, size_t module_length, const char *name,
                     size_t name_length, fp_pickle_value *out, fp_error *error);
int fp_pickle_call(fp_pickle *pickle, uint32_t callable, uint32_t arguments, fp_pickle_value *out,
                   fp_error *error);
int fp_pickle_reference(fp_pickle *pickle, uint32_t id, fp_pickle_value *out, fp_error *error);

#endif
