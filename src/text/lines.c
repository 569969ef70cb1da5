#include "text/lines.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* latin-1 bytes are the first 256 code points: one or two bytes each in UTF-8. */
static char *utf8_of_latin1(const char *text, size_t *size, fp_error *error) {
    char *out = fp_alloc(2 * *size + 1, 1, "a text", error);
    if (!out)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < *size; i++)
        n += (size_t)utf8proc_encode_char((unsigned char)text[i], (utf8proc_uint8_t *)out + n);
    *size = n;
    return out;
}

int fp_lines_open(fp_lines *lines, const char *path, fp_charset charset, fp_error *error) {
    *lines = (fp_lines){.path = path};
    size_t size = 0;
    char *text = fp_file_read(path, &size, error);
    if (text && charset == FP_LATIN1) {
        char *converted = utf8_of_latin1(text, &size, error);
        free(text);
        text = converted;
    }
    if (!text)
        return -1;
    lines->text = lines->rest = text;
    lines->end = text + size;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        lines->rest += 3;
    return 0;
}

void fp_lines_close(fp_lines *lines) {
    free(lines->text);
    lines->text = lines->rest = lines->end = lines->line = NULL;
}

static int check_text(const fp_lines *lines, const char *line, const char *end, fp_error *error) {
    while (line < end) {
        if ((signed char)*line > 0) { /* ASCII: nearly everything */
            line++;
            continue;
        }
        utf8proc_int32_t character;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)line, end - line, &character);
        if (n <= 0)
            return fp_lines_fail(lines, line, error, "byte 0x%02x is not UTF-8", (unsigned char)*line);
        if (character == 0)
            return fp_lines_fail(lines, line, error, "a NUL byte; this is not a text file");
        line += n;
    }
    return 0;
}

int fp_lines_next(fp_lines *lines, fp_error *error) {
    if (lines->rest >= lines->end)
        return 0;
    char *newline = memchr(lines->rest, '\n', (size_t)(lines->end - lines->rest));
    char *end = newline ? newline : lines->end;
    lines->line = lines->rest;
    lines->rest = newline ? newline + 1 : lines->end;
    lines->number++;
    if (end > lines->line && end[-1] == '\r')
        end--;
    if (check_text(lines, lines->line, end, error) < 0)
        return -1;
    *end = '\0';
    return 1;
}

int fp_lines_fail(const fp_lines *lines, const char *at, fp_error *error, const char *format, ...) {
    char message[sizeof error->text];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return fp_fail(error, "%s:%zu:%td: %s", lines->path, lines->number, at - lines->line + 1, message);
}

size_t fp_cut_fields(char *text, char separator, char **fields, size_t max) {
    size_t n = 0;
    for (char *at = text; at;) {
        char *next = strchr(at, separator);
        if (next)
            *next++ = '\0';
        if (n < max)
            fields[n] = at;
        n++;
        at = next;
    }
    return n;
}
