/* vocabulary.h: the pieces of a WordPiece vocabulary, found by their bytes. */
#ifndef FINEPROBE_TEXT_VOCABULARY_H
#define FINEPROBE_TEXT_VOCABULARY_H

#include "text/lines.h"
#include <stdint.h>

typedef struct fp_vocabulary {
    fp_lines lines; /* owns the text */
    char **pieces;  /* [count] by id */
    size_t count;
    int32_t *buckets; /* open addressing: an id, or -1 */
    size_t mask;      /* their number less one; a power of two less one */
    size_t longest;   /* bytes of the longest piece */
} fp_vocabulary;

/* PATH is kept: it must outlive the vocabulary. Always close, also after a failure. */
int fp_vocabulary_open(fp_vocabulary *vocabulary, const char *path, fp_error *error);
void fp_vocabulary_close(fp_vocabulary *vocabulary);

/* The id of the piece with these bytes, written with "##" before it when CONTINUING; -1 when there is none.
 */
int32_t fp_vocabulary_find(const fp_vocabulary *vocabulary, const char *bytes, size_t size, int continuing);

#endif
