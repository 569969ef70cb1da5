#include "bert/arena.h"

#include <sys/mman.h>

int fp_arena_open(fp_arena *arena, const char *what, fp_error *error) {
    size_t size = arena->used;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return fp_fail_memory(error, what, size);
    madvise(memory, size, MADV_HUGEPAGE); /* fewer faults; without it nothing else changes */
    *arena = (fp_arena){.base = memory, .size = size};
    return 0;
}

void fp_arena_close(fp_arena *arena) {
    if (arena->base)
        munmap(arena->base, arena->size);
    *arena = (fp_arena){0};
}
