/* arena.h: one block of memory handed out in pieces. The same code that hands out measures first: with no
 * memory behind it, an arena only counts. */
#ifndef FINEPROBE_BERT_ARENA_H
#define FINEPROBE_BERT_ARENA_H

#include "fineprobe/error.h"
#include <stddef.h>

typedef struct fp_arena {
    char *base; /* NULL: measuring */
    size_t used, size;
} fp_arena;

/* Room for COUNT items of SIZE bytes, aligned to a cache line; NULL while measuring. */
static inline void *fp_arena_take(fp_arena *arena, size_t count, size_t size) {
    void *piece = arena->base ? arena->base + arena->used : NULL;
    arena->used += (count * size + 63) / 64 * 64;
    return piece;
}

/* After measuring: zeroed memory for all that was asked for, to be handed out from the start again. Pages
 * count only once they are written to. */
int fp_arena_open(fp_arena *arena, const char *what, fp_error *error);
void fp_arena_close(fp_arena *arena);

#endif
