/* encode.h: a split's sentences as pieces, its instances as spans of pieces: what the model reads.
 *
 * A sentence is [CLS], the pieces of its words, [SEP]. A word that cleans to nothing counts as one [UNK]. A
 * sentence that has more pieces than the model has positions is cut after its last word that fits whole;
 * instances whose words fell away are left out. Both are counted. Sentences keep their numbers: one that has
 * lost all its instances stays, with none. */
#ifndef FINEPROBE_ENCODE_H
#define FINEPROBE_ENCODE_H

#include "fineprobe/task.h"
#include "fineprobe/wordpiece.h"

typedef struct fp_span {
    uint32_t begin, end; /* pieces of the sentence, [CLS] is 0; END is one past the last */
} fp_span;

typedef struct fp_encoded_instance {
    uint32_t sentence;
    fp_span first, second; /* sentence kind: FIRST is [CLS]; SECOND only for pairs */
    int32_t label;
    int64_t word; /* a hash of the word, of a pair's dependent; the same in all data. Sentence kind: 0 */
} fp_encoded_instance;

typedef struct fp_encoded {
    fp_instance_kind kind;
    size_t n_sentences, n_pieces, n_instances;
    uint32_t *piece_at;             /* [n_sentences + 1] first piece of each sentence in PIECES */
    int32_t *pieces;                /* [n_pieces] */
    uint32_t *instance_at;          /* [n_sentences + 1] first instance of each sentence */
    fp_encoded_instance *instances; /* [n_instances] ordered by sentence */
    size_t longest;                 /* pieces of the longest sentence, after cutting */
    size_t cut_sentences, cut_words, cut_instances; /* what the position limit took away */
    size_t empty_words;                             /* words that cleaned to nothing */
} fp_encoded;

int fp_encode(const fp_wordpiece *tokenizer, const fp_split *split, fp_instance_kind kind,
              size_t max_positions, fp_encoded *out, fp_error *error);
void fp_encoded_free(fp_encoded *encoded);

#endif
