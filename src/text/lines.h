/* lines.h: a text file line by line, for the readers of vocabularies and annotated text. CRLF counts as a
 * line's end, a byte-order mark at the beginning is skipped, the last line needs no newline. */
#ifndef FINEPROBE_TEXT_LINES_H
#define FINEPROBE_TEXT_LINES_H

#include "fineprobe/error.h"
#include <stddef.h>

typedef enum fp_charset { FP_UTF8, FP_LATIN1 } fp_charset;

typedef struct fp_lines {
    const char *path;
    char *text, *rest; /* the whole file in UTF-8; what was not read yet */
    char *end;
    char *line;    /* the current one, without its end; stays valid until the file is closed */
    size_t number; /* of the current line, from 1 */
} fp_lines;

/* PATH must outlive LINES. Always close, also after a failure. */
int fp_lines_open(fp_lines *lines, const char *path, fp_charset charset, fp_error *error);
void fp_lines_close(fp_lines *lines);

/* 1 and the next line, 0 at the end, -1 for a line that is not UTF-8 or has a NUL. */
int fp_lines_next(fp_lines *lines, fp_error *error);

/* Fails with "path:line:column: " and the message, AT being a place in the current line. */
int fp_lines_fail(const fp_lines *lines, const char *at, fp_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Cuts TEXT at every SEPARATOR, in place. Returns the number of fields, of which at most MAX are stored. */
size_t fp_cut_fields(char *text, char separator, char **fields, size_t max);

#endif
