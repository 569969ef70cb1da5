#include "fineprobe/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

void *fp_alloc(size_t count, size_t size, const char *what, fp_error *error) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT) {
        fp_fail_memory(error, what, SIZE_MAX);
        return NULL;
    }
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = aligned_alloc(ALIGNMENT, rounded ? rounded : ALIGNMENT);
    if (!memory) {
        fp_fail_memory(error, what, bytes);
        return NULL;
    }
    memset(memory, 0, rounded ? rounded : ALIGNMENT);
    return memory;
}

int fp_grow(void **items, size_t *capacity, size_t needed, size_t size, fp_error *error) {
    if (needed <= *capacity)
        return 0;
    size_t wanted = *capacity < 8 ? 8 : *capacity;
    while (wanted < needed)
        wanted = wanted > SIZE_MAX / 2 ? needed : wanted * 2;
    size_t bytes;
    void *grown = __builtin_mul_overflow(wanted, size, &bytes) ? NULL : realloc(*items, bytes);
    if (!grown)
        return fp_fail_memory(error, "a growing array", needed);
    *items = grown;
    *capacity = wanted;
    return 0;
}

char *fp_strdup(const char *text, fp_error *error) {
    char *copy = strdup(text);
    if (!copy)
        fp_fail_memory(error, "a string", strlen(text) + 1);
    return copy;
}

void fp_copy_text(char *out, size_t size, const char *text) {
    size_t n = strnlen(text, size - 1);
    memcpy(out, text, n);
    memset(out + n, 0, size - n);
}

char *fp_format(fp_error *error, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        fp_fail_memory(error, "a string", strlen(format));
        return NULL;
    }
    return text;
}
