/* memory.h: checked allocation and growable arrays. */
#ifndef FINEPROBE_MEMORY_H
#define FINEPROBE_MEMORY_H

#include "fineprobe/error.h"
#include <stddef.h>

/* COUNT x SIZE zeroed bytes, aligned to 64 (a cache line, an AVX-512 vector); never NULL for COUNT = 0.
 * NULL with a message on overflow or exhaustion. Free with free(). */
void *fp_alloc(size_t count, size_t size, const char *what, fp_error *error);

/* Makes room for at least NEEDED items of SIZE bytes in *ITEMS (doubling), *CAPACITY updated; contents kept.
 * 0, or -1 with *ITEMS unchanged. */
int fp_grow(void **items, size_t *capacity, size_t needed, size_t size, fp_error *error);

/* A copy of TEXT; free with free(). */
char *fp_strdup(const char *text, fp_error *error);

/* TEXT into SIZE bytes at OUT, cut where it does not fit, always ended; the rest of OUT is zeroed, so that
 * equal texts are equal bytes. */
void fp_copy_text(char *out, size_t size, const char *text);

/* A string printed into fresh memory; free with free(). */
char *fp_format(fp_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
