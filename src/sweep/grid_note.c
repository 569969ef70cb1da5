/* Notes on what is wrong with a grid, put into the order of the file at the end. */
#include "fineprobe/memory.h"
#include "sweep/grid_read.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int add_text(fp_problems *problems, char *text) {
    if (!text || fp_grow((void **)&problems->texts, &problems->capacity, problems->count + 1, sizeof(char *),
                         NULL) < 0) {
        free(text);
        return -1;
    }
    problems->texts[problems->count++] = text;
    return -1;
}

int fp_problems_add(fp_problems *problems, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return add_text(problems, text);
}

void fp_problems_free(fp_problems *problems) {
    for (size_t i = 0; i < problems->count; i++)
        free(problems->texts[i]);
    free(problems->texts);
    *problems = (fp_problems){0};
}

int fp_note(fp_grid_reader *reader, fp_place place, const char *format, ...) {
    reader->failed = 1;
    char *what = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&what, format, args) < 0)
        what = NULL;
    va_end(args);
    if (!what)
        return -1;
    char *text = fp_format(NULL, "%s:%zu:%zu: %s", reader->path, place.line, place.column, what);
    free(what);
    if (!text || fp_grow((void **)&reader->notes, &reader->capacity, reader->n_notes + 1,
                         sizeof(fp_grid_note), NULL) < 0) {
        free(text);
        return -1;
    }
    for (char *at = text; *at; at++) /* a message is one line, whatever it quotes */
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
    reader->notes[reader->n_notes] = (fp_grid_note){place, reader->n_notes, text};
    reader->n_notes++;
    return -1;
}

static int compare_notes(const void *a, const void *b) {
    const fp_grid_note *x = a, *y = b;
    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    if (x->place.column != y->place.column)
        return x->place.column < y->place.column ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void fp_notes_move(fp_grid_reader *reader, fp_problems *problems) {
    if (reader->n_notes)
        qsort(reader->notes, reader->n_notes, sizeof *reader->notes, compare_notes);
    const char *last = "";
    for (size_t i = 0; i < reader->n_notes; i++) {
        char *text = reader->notes[i].text;
        if (strcmp(text, last) == 0) { /* a node that several aliases share says it once */
            free(text);
            continue;
        }
        add_text(problems, text);
        last = problems->count ? problems->texts[problems->count - 1] : "";
    }
    free(reader->notes);
    reader->notes = NULL;
    reader->n_notes = reader->capacity = 0;
}

enum { LONGEST_WORD = 32 };

/* Letters to insert, leave out or change to make B of A, whatever their case. */
static size_t edit_distance(const char *a, const char *b) {
    size_t n = strlen(b), row[LONGEST_WORD + 1];
    if (n > LONGEST_WORD || strlen(a) > LONGEST_WORD)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            int differs = tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]);
            size_t best = diagonal + (size_t)differs;
            diagonal = row[j + 1];
            if (diagonal + 1 < best)
                best = diagonal + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
        }
    }
    return row[n];
}

const char *fp_nearest(const char *text, const char *const *words) {
    const char *nearest = NULL;
    size_t least = (strlen(text) + 1) / 3 + 1;
    for (; *words; words++) {
        size_t distance = edit_distance(text, *words);
        if (distance < least && distance < strlen(*words)) {
            least = distance;
            nearest = *words;
        }
    }
    return nearest;
}
