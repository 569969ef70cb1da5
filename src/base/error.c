#include "fineprobe/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fp_fail(fp_error *error, const char *format, ...) {
    if (!error)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    error->cause = 0;
    return -1;
}

int fp_fail_errno(fp_error *error, const char *format, ...) {
    int cause = errno;
    if (!error)
        return -1;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof error->text)
        snprintf(error->text + n, sizeof error->text - (size_t)n, ": %s", strerror(cause));
    error->cause = cause;
    return -1;
}

int fp_cause_is_disk(int cause) {
    return cause == ENOSPC || cause == EDQUOT || cause == EROFS || cause == EIO || cause == ESTALE;
}

int fp_fail_memory(fp_error *error, const char *what, size_t bytes) {
    return fp_fail(error,
                   "out of memory: %s needs %zu bytes; use fewer ranks on this node or ask for more memory",
                   what, bytes);
}

int fp_error_context(fp_error *error, const char *format, ...) {
    if (!error)
        return -1;
    char inner[sizeof error->text];
    memcpy(inner, error->text, sizeof inner);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof error->text)
        snprintf(error->text + n, sizeof error->text - (size_t)n, ": %s", inner);
    return -1;
}
