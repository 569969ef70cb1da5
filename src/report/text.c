#include "report/text.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fp_text_free(fp_text *text) {
    free(text->bytes);
    *text = (fp_text){0};
}

void fp_text_add_bytes(fp_text *text, const char *bytes, size_t size) {
    if (text->failed || fp_grow((void **)&text->bytes, &text->capacity, text->size + size + 1, 1, NULL) < 0) {
        text->failed = 1;
        return;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void fp_text_add(fp_text *text, const char *string) {
    fp_text_add_bytes(text, string, strlen(string));
}

void fp_text_print(fp_text *text, const char *format, ...) {
    va_list args;
    char *string = NULL;
    va_start(args, format);
    int size = vasprintf(&string, format, args);
    va_end(args);
    if (size < 0) {
        text->failed = 1;
        return;
    }
    fp_text_add_bytes(text, string, (size_t)size);
    free(string);
}

/* A character and what stands for it. */
typedef struct fp_escape {
    char character;
    const char *escaped;
} fp_escape;

static void add_escaped(fp_text *text, const char *string, const fp_escape *escapes) {
    for (; *string; string++) {
        const fp_escape *e = escapes;
        while (e->escaped && e->character != *string)
            e++;
        if (e->escaped)
            fp_text_add(text, e->escaped);
        else
            fp_text_add_bytes(text, string, 1);
    }
}

void fp_text_html(fp_text *text, const char *string) {
    static const fp_escape escapes[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                                        {'"', "&quot;"}, {'\'', "&#39;"}, {0}};
    add_escaped(text, string, escapes);
}

void fp_text_latex(fp_text *text, const char *string) {
    static const fp_escape escapes[] = {{'&', "\\&"},
                                        {'%', "\\%"},
                                        {'$', "\\$"},
                                        {'#', "\\#"},
                                        {'_', "\\_"},
                                        {'{', "\\{"},
                                        {'}', "\\}"},
                                        {'~', "\\textasciitilde{}"},
                                        {'^', "\\textasciicircum{}"},
                                        {'\\', "\\textbackslash{}"},
                                        {'<', "\\textless{}"},
                                        {'>', "\\textgreater{}"},
                                        {0}};
    add_escaped(text, string, escapes);
}

void fp_text_markdown(fp_text *text, const char *string) {
    static const fp_escape escapes[] = {{'|', "\\|"},  {'*', "\\*"}, {'_', "\\_"}, {'`', "\\`"},
                                        {'<', "&lt;"}, {'\n', " "},  {0}};
    add_escaped(text, string, escapes);
}

int fp_text_check(const fp_text *text, const char *what, fp_error *error) {
    return text->failed ? fp_fail_memory(error, what, text->capacity * 2) : 0;
}

int fp_text_write(const fp_text *text, const char *path, fp_error *error) {
    if (fp_text_check(text, path, error) < 0)
        return -1;
    return fp_file_write(path, text->bytes ? text->bytes : "", text->size, error);
}
