/* error.h: errors that carry their message.
 *
 * Library code never prints and never exits. A function that can fail takes an fp_error as its last argument,
 * returns 0 on success and -1 on failure (pointers: NULL), and on failure has written what went wrong, where,
 * and what to do about it:
 *
 *     if (fp_bert_load(folder, &model, error) < 0)
 *         return fp_error_context(error, "model %s", name);
 */
#ifndef FINEPROBE_ERROR_H
#define FINEPROBE_ERROR_H

#include <stddef.h>

typedef struct fp_error {
    char text[1024]; /* one line, no newline at its end; empty while nothing has failed */
    int cause;       /* errno of a call that failed; 0: something else is wrong */
} fp_error;

/* Writes the message; always returns -1, so that a function can end with `return fp_fail(...)`.
 * ERROR may be NULL for callers that only want to know that it failed. */
int fp_fail(fp_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As fp_fail, with ": " and the text of errno behind the message. */
int fp_fail_errno(fp_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether CAUSE means that files cannot be written where they belong (disk full, quota, read-only, broken),
 * so that trying other work there is of no use. */
int fp_cause_is_disk(int cause);

/* Out of memory: says for what and how many bytes were wanted. */
int fp_fail_memory(fp_error *error, const char *what, size_t bytes);

/* Puts "context: " before the message that is already there; always returns -1. */
int fp_error_context(fp_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
