#include "bert/pickle.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_NONE = 'N',
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_LONG1 = 0x8a,
    OP_BINFLOAT = 'G',
    OP_BINUNICODE = 'X',
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_EMPTY_TUPLE = ')',
    OP_TUPLE = 't',
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_EMPTY_LIST = ']',
    OP_APPEND = 'a',
    OP_APPENDS = 'e',
    OP_EMPTY_DICT = '}',
    OP_SETITEM = 's',
    OP_SETITEMS = 'u',
    OP_GLOBAL = 'c',
    OP_STACK_GLOBAL = 0x93,
    OP_REDUCE = 'R',
    OP_BUILD = 'b',
    OP_BINPERSID = 'Q',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_MEMOIZE = 0x94,
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_PROTO = 0x80,
    OP_FRAME = 0x95
};

static int fail(const fp_pickle *p, fp_error *error, const char *what) {
    return fp_fail(error, "%s: byte %zu of its pickle: %s", p->path, p->at, what);
}

/* COUNT bytes as a little-endian number. */
static int take_number(fp_pickle *p, size_t count, uint64_t *out, fp_error *error) {
    if (p->size - p->at < count)
        return fail(p, error, "it ends in the middle");
    *out = 0;
    for (size_t i = 0; i < count && i < 8; i++)
        *out |= (uint64_t)p->bytes[p->at + i] << (8 * i);
    p->at += count;
    return 0;
}

static int push(fp_pickle *p, uint32_t value, fp_error *error) {
    if (fp_grow((void **)&p->stack, &p->stack_room, p->depth + 1, sizeof *p->stack, error) < 0)
        return -1;
    p->stack[p->depth++] = value;
    return 0;
}

static int push_new(fp_pickle *p, fp_pickle_value value, fp_error *error) {
    if (fp_grow((void **)&p->values, &p->values_room, p->n_values + 1, sizeof *p->values, error) < 0)
        return -1;
    p->values[p->n_values] = value;
    return push(p, (uint32_t)p->n_values++, error);
}

static int pop(fp_pickle *p, uint32_t *out, fp_error *error) {
    if (p->depth == 0 || p->values[p->stack[p->depth - 1]].kind == FP_PICKLE_MARK)
        return fail(p, error, "a value is missing on its stack");
    *out = p->stack[--p->depth];
    return 0;
}

static int append(fp_pickle *p, uint32_t composite, uint32_t value, fp_error *error) {
    if (p->n_cells == 0)
        p->n_cells = 1;
    if (fp_grow((void **)&p->cells, &p->cells_room, p->n_cells + 1, sizeof *p->cells, error) < 0)
        return -1;
    uint32_t cell = (uint32_t)p->n_cells++;
    fp_pickle_value *to = &p->values[composite];
    p->cells[cell] = (fp_pickle_cell){value, 0};
    if (to->count++ == 0)
        to->first = cell;
    else
        p->cells[to->last].next = cell;
    to->last = cell;
    return 0;
}

/* The number of values above the topmost mark. */
static int above_mark(const fp_pickle *p, size_t *out, fp_error *error) {
    for (size_t i = p->depth; i-- > 0;)
        if (p->values[p->stack[i]].kind == FP_PICKLE_MARK) {
            *out = p->depth - 1 - i;
            return 0;
        }
    return fail(p, error, "a mark is missing on its stack");
}

/* The topmost N values become a tuple; with MARKED, the mark below them goes, too. */
static int make_tuple(fp_pickle *p, size_t n, int marked, fp_error *error) {
    if (p->depth < n)
        return fail(p, error, "a value is missing on its stack");
    size_t base = p->depth - n;
    if (push_new(p, (fp_pickle_value){.kind = FP_PICKLE_TUPLE}, error) < 0)
        return -1;
    uint32_t tuple = p->stack[p->depth - 1];
    for (size_t i = 0; i < n; i++) {
        if (p->values[p->stack[base + i]].kind == FP_PICKLE_MARK)
            return fail(p, error, "a value is missing on its stack");
        if (append(p, tuple, p->stack[base + i], error) < 0)
            return -1;
    }
    p->depth = base - (marked ? 1 : 0);
    return push(p, tuple, error);
}

/* The topmost N values go into the list or dict below them (and below the mark). */
static int extend(fp_pickle *p, size_t n, int marked, fp_pickle_kind kind, fp_error *error) {
    size_t below = n + (marked ? 1 : 0);
    if (p->depth < below + 1)
        return fail(p, error, "a value is missing on its stack");
    uint32_t target = p->stack[p->depth - below - 1];
    if (p->values[target].kind != kind || (kind == FP_PICKLE_DICT && n % 2 != 0))
        return fail(p, error, "items for something that cannot hold them");
    for (size_t i = p->depth - n; i < p->depth; i++)
        if (append(p, target, p->stack[i], error) < 0)
            return -1;
    p->depth -= below;
    return 0;
}

static int push_text(fp_pickle *p, size_t length_bytes, fp_error *error) {
    uint64_t length = 0;
    if (take_number(p, length_bytes, &length, error) < 0)
        return -1;
    if (p->size - p->at < length)
        return fail(p, error, "it ends in the middle of a string");
    fp_pickle_value value = {
        .kind = FP_PICKLE_TEXT, .text = (const char *)p->bytes + p->at, .length = length};
    p->at += length;
    return push_new(p, value, error);
}

/* N bytes of a two's complement number, of which the low 64 bits are kept. */
static int push_integer(fp_pickle *p, size_t n, int is_signed, fp_error *error) {
    uint64_t number = 0;
    if (take_number(p, n, &number, error) < 0)
        return -1;
    if (is_signed && n > 0 && n < 8 && number >> (8 * n - 1))
        number |= UINT64_MAX << (8 * n);
    return push_new(p, (fp_pickle_value){.kind = FP_PICKLE_INTEGER, .integer = (long long)number}, error);
}

static int push_long(fp_pickle *p, fp_error *error) {
    uint64_t n = 0;
    return take_number(p, 1, &n, error) < 0 ? -1 : push_integer(p, n, 1, error);
}

static int push_real(fp_pickle *p, fp_error *error) {
    uint64_t ignored; /* no tensor depends on one */
    return take_number(p, 8, &ignored, error) < 0
               ? -1
               : push_new(p, (fp_pickle_value){.kind = FP_PICKLE_REAL}, error);
}

/* A line of text: up to the newline. */
static int take_line(fp_pickle *p, const char **out, size_t *length, fp_error *error) {
    const unsigned char *start = p->bytes + p->at, *end = memchr(start, '\n', p->size - p->at);
    if (!end)
        return fail(p, error, "it ends in the middle of a name");
    *out = (const char *)start;
    *length = (size_t)(end - start);
    p->at += *length + 1;
    return 0;
}

static int push_global(fp_pickle *p, int from_stack, fp_error *error) {
    const char *text[2] = {NULL, NULL};
    size_t length[2] = {0, 0};
    for (int i = 1; from_stack && i >= 0; i--) {
        uint32_t value = 0;
        if (pop(p, &value, error) < 0)
            return -1;
        if (p->values[value].kind != FP_PICKLE_TEXT)
            return fail(p, error, "a global's name is not a string");
        text[i] = p->values[value].text;
        length[i] = p->values[value].length;
    }
    for (int i = 0; !from_stack && i < 2; i++)
        if (take_line(p, &text[i], &length[i], error) < 0)
            return -1;
    fp_pickle_value value = {0};
    if (fp_pickle_global(p, text[0], length[0], text[1], length[1], &value, error) < 0)
        return -1;
    return push_new(p, value, error);
}

static int reduce(fp_pickle *p, fp_error *error) {
    uint32_t arguments = 0, callable = 0;
    fp_pickle_value value = {0};
    if (pop(p, &arguments, error) < 0 || pop(p, &callable, error) < 0 ||
        fp_pickle_call(p, callable, arguments, &value, error) < 0)
        return -1;
    return push_new(p, value, error);
}

static int refer(fp_pickle *p, fp_error *error) {
    uint32_t id = 0;
    fp_pickle_value value = {0};
    if (pop(p, &id, error) < 0 || fp_pickle_reference(p, id, &value, error) < 0)
        return -1;
    return push_new(p, value, error);
}

/* A state dict's own attributes (its metadata) are of no use here. */
static int build(fp_pickle *p, fp_error *error) {
    uint32_t state;
    if (pop(p, &state, error) < 0)
        return -1;
    if (p->depth == 0 || p->values[p->stack[p->depth - 1]].kind != FP_PICKLE_DICT)
        return fail(p, error, "only dicts may be given attributes (opcode BUILD)");
    return 0;
}

static int remember(fp_pickle *p, uint64_t slot, fp_error *error) {
    if (p->depth == 0 || slot > p->at) /* a pickle has fewer slots than bytes */
        return fail(p, error, "an impossible memo");
    size_t old = p->n_memo;
    if (slot >= p->n_memo) {
        if (fp_grow((void **)&p->memo, &p->memo_room, slot + 1, sizeof *p->memo, error) < 0)
            return -1;
        p->n_memo = slot + 1;
        for (size_t i = old; i < p->n_memo; i++)
            p->memo[i] = UINT32_MAX;
    }
    p->memo[slot] = p->stack[p->depth - 1];
    return 0;
}

static int recall(fp_pickle *p, size_t bytes, fp_error *error) {
    uint64_t slot = 0;
    if (take_number(p, bytes, &slot, error) < 0)
        return -1;
    if (slot >= p->n_memo || p->memo[slot] == UINT32_MAX)
        return fail(p, error, "a memo that was never set");
    return push(p, p->memo[slot], error);
}

static int put(fp_pickle *p, size_t bytes, fp_error *error) {
    uint64_t slot = 0;
    return take_number(p, bytes, &slot, error) < 0 ? -1 : remember(p, slot, error);
}

static int skip(fp_pickle *p, size_t bytes, fp_error *error) {
    uint64_t ignored;
    return take_number(p, bytes, &ignored, error);
}

static int marked_tuple(fp_pickle *p, fp_error *error) {
    size_t n = 0;
    return above_mark(p, &n, error) < 0 ? -1 : make_tuple(p, n, 1, error);
}

static int marked_extend(fp_pickle *p, fp_pickle_kind kind, fp_error *error) {
    size_t n = 0;
    return above_mark(p, &n, error) < 0 ? -1 : extend(p, n, 1, kind, error);
}

static int push_kind(fp_pickle *p, fp_pickle_kind kind, long long integer, fp_error *error) {
    return push_new(p, (fp_pickle_value){.kind = kind, .integer = integer}, error);
}

/* Opcodes that make plain values. */
static int run_value(fp_pickle *p, unsigned op, fp_error *error) {
    switch (op) {
    case OP_NONE:
        return push_kind(p, FP_PICKLE_NONE, 0, error);
    case OP_NEWTRUE:
        return push_kind(p, FP_PICKLE_BOOL, 1, error);
    case OP_NEWFALSE:
        return push_kind(p, FP_PICKLE_BOOL, 0, error);
    case OP_BININT:
        return push_integer(p, 4, 1, error);
    case OP_BININT1:
        return push_integer(p, 1, 0, error);
    case OP_BININT2:
        return push_integer(p, 2, 0, error);
    case OP_LONG1:
        return push_long(p, error);
    case OP_BINFLOAT:
        return push_real(p, error);
    case OP_BINUNICODE:
    case OP_BINSTRING:
        return push_text(p, 4, error);
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING:
        return push_text(p, 1, error);
    case OP_EMPTY_TUPLE:
        return push_kind(p, FP_PICKLE_TUPLE, 0, error);
    case OP_EMPTY_LIST:
        return push_kind(p, FP_PICKLE_LIST, 0, error);
    case OP_EMPTY_DICT:
        return push_kind(p, FP_PICKLE_DICT, 0, error);
    case OP_MARK:
        return push_kind(p, FP_PICKLE_MARK, 0, error);
    default:
        return fp_fail(error, "%s: byte %zu of its pickle: opcode 0x%02x is not one that weights need",
                       p->path, p->at - 1, op);
    }
}

static int run(fp_pickle *p, unsigned op, fp_error *error) {
    switch (op) {
    case OP_PROTO:
        return skip(p, 1, error);
    case OP_FRAME:
        return skip(p, 8, error);
    case OP_TUPLE:
        return marked_tuple(p, error);
    case OP_TUPLE1:
        return make_tuple(p, 1, 0, error);
    case OP_TUPLE2:
        return make_tuple(p, 2, 0, error);
    case OP_TUPLE3:
        return make_tuple(p, 3, 0, error);
    case OP_APPEND:
        return extend(p, 1, 0, FP_PICKLE_LIST, error);
    case OP_APPENDS:
        return marked_extend(p, FP_PICKLE_LIST, error);
    case OP_SETITEM:
        return extend(p, 2, 0, FP_PICKLE_DICT, error);
    case OP_SETITEMS:
        return marked_extend(p, FP_PICKLE_DICT, error);
    case OP_GLOBAL:
        return push_global(p, 0, error);
    case OP_STACK_GLOBAL:
        return push_global(p, 1, error);
    case OP_REDUCE:
        return reduce(p, error);
    case OP_BUILD:
        return build(p, error);
    case OP_BINPERSID:
        return refer(p, error);
    case OP_BINPUT:
        return put(p, 1, error);
    case OP_LONG_BINPUT:
        return put(p, 4, error);
    case OP_MEMOIZE:
        return remember(p, p->n_memo, error);
    case OP_BINGET:
        return recall(p, 1, error);
    case OP_LONG_BINGET:
        return recall(p, 4, error);
    default:
        return run_value(p, op, error);
    }
}

int fp_pickle_load(fp_pickle *p, uint32_t *out, fp_error *error) {
    p->depth = 0;
    p->n_memo = 0;
    for (;;) {
        uint64_t op = 0;
        if (take_number(p, 1, &op, error) < 0)
            return -1;
        if (op == OP_STOP)
            return pop(p, out, error);
        if (run(p, (unsigned)op, error) < 0)
            return -1;
    }
}

void fp_pickle_free(fp_pickle *p) {
    free(p->values);
    free(p->cells);
    free(p->stack);
    free(p->memo);
}

uint32_t fp_pickle_item(const fp_pickle *p, const fp_pickle_value *composite, uint32_t i) {
    uint32_t cell = composite->first;
    while (i-- > 0)
        cell = p->cells[cell].next;
    return p->cells[cell].value;
}

int fp_pickle_is_text(const fp_pickle_value *value, const char *text) {
    return value->kind == FP_PICKLE_TEXT && value->length == strlen(text) &&
           memcmp(value->text, text, value->length) == 0;
}
