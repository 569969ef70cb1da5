/* text.h: text that grows. Running out of memory is kept until it is asked for, so that a page can be written
 * line by line without a check behind every line. */
#ifndef FINEPROBE_SRC_TEXT_H
#define FINEPROBE_SRC_TEXT_H

#include "fineprobe/error.h"
#include <stdarg.h>
#include <stddef.h>

typedef struct fp_text {
    char *bytes; /* ended by NUL; NULL while nothing has been added */
    size_t size, capacity;
    int failed; /* 1: something is missing; nothing more is added */
} fp_text;

void fp_text_free(fp_text *text);
void fp_text_add(fp_text *text, const char *string);
void fp_text_add_bytes(fp_text *text, const char *bytes, size_t size);
void fp_text_print(fp_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* STRING with the characters escaped that mean something in HTML (text and attributes), in LaTeX, in a cell
 * of a Markdown table. */
void fp_text_html(fp_text *text, const char *string);
void fp_text_latex(fp_text *text, const char *string);
void fp_text_markdown(fp_text *text, const char *string);

/* 0, or -1 when something is missing. WHAT names the text in the message. */
int fp_text_check(const fp_text *text, const char *what, fp_error *error);
/* The text as the file PATH, whole or not at all. */
int fp_text_write(const fp_text *text, const char *path, fp_error *error);

#endif
