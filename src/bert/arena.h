/* arena.h: one block of memory handed out in pieces. The same code that hands out measures first: with no
 * memory behind it, an arena only counts. */
#ifndef FINEPROBE_BERT_ARENA_H
#define FINEPROBE_BERT_ARENA_H

#include <stddef.h>

typedef struct fp_arena {
    char *base; /* NULL: measuring */
    size_t used;
} fp_arena;

/* Room for COUNT items of SIZE bytes, aligned to a cache line; NULL while measuring. */
static inline void *fp_arena_take(fp_arena *arena, size_t count, size_t size) {
    void *piece = arena->base ? arena->base + arena->used : NULL;
    arena->used += (count * size + 63) / 64 * 64;
    return piece;
}

#endif
