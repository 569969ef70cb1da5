/* wordpiece.h: the uncased BERT tokeniser. Text is cleaned (controls dropped, white space unified, CJK
 * ideographs set apart), lower-cased, stripped of accents (NFD without Mn), split at punctuation and matched
 * greedily, longest piece first, against the vocabulary.
 *
 * Categories are those of the Unicode version that utf8proc was built with: a character that it does not know
 * yet counts as unassigned and is dropped. Lower case goes character by character (a final capital sigma
 * gives the medial small one, as in the tokenisers written in Rust). */
#ifndef FINEPROBE_WORDPIECE_H
#define FINEPROBE_WORDPIECE_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct fp_wordpiece fp_wordpiece;

/* Ids of the pieces every vocabulary must have; MASK is -1 where it has none. */
typedef struct fp_special_pieces {
    int32_t pad, unk, cls, sep, mask;
} fp_special_pieces;

/* VOCAB_PATH: one piece a line, the line's number (from 0) its id. */
fp_wordpiece *fp_wordpiece_open(const char *vocab_path, fp_error *error);
void fp_wordpiece_close(fp_wordpiece *tokenizer);

size_t fp_wordpiece_size(const fp_wordpiece *tokenizer);
fp_special_pieces fp_wordpiece_special(const fp_wordpiece *tokenizer);
const char *fp_wordpiece_piece(const fp_wordpiece *tokenizer, int32_t id); /* NULL when there is no such id */

/* Ids of TEXT (UTF-8; invalid bytes count as U+FFFD), without [CLS] and [SEP], appended to *IDS (grown as
 * needed, free() by the caller). A text that cleans to nothing gives no piece. */
int fp_wordpiece_encode(const fp_wordpiece *tokenizer, const char *text, int32_t **ids, size_t *count,
                        size_t *capacity, fp_error *error);

#endif
