/* task.h: annotated text as instances to classify. A reader turns a file into sentences of words and
 * instances of labels; the labels of a task are the sorted union of those in its training and its test set.
 * A label "_" is none: the word or sentence is there, but is no instance. An empty label is an error. */
#ifndef FINEPROBE_TASK_H
#define FINEPROBE_TASK_H

#include "fineprobe/digest.h"
#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef enum fp_instance_kind {
    FP_KIND_WORD,    /* the vector of one word */
    FP_KIND_PAIR,    /* the vectors of two words, head then dependent: twice as wide */
    FP_KIND_SENTENCE /* the vector of [CLS] */
} fp_instance_kind;

typedef enum fp_reader {
    FP_READER_CONLLU_WORDS, /* CoNLL-U: every word, labelled by one column (POS) */
    FP_READER_CONLLU_PAIRS, /* CoNLL-U: every (head, dependent) pair but the root's, labelled by DEPREL (DEP)
                             */
    FP_READER_CONLLULEX,    /* CoNLL-U-Lex: single-token prepositions by role (SS) or function (SS2) (PS) */
    FP_READER_TREC,         /* one question a line, LABEL:sublabel first; latin-1 */
    FP_READER_TSV_WORDS, /* word TAB label, a blank line between sentences; label "_" or none: not an instance
                          */
    FP_READER_TSV_SENTENCES, /* label TAB sentence (words split at spaces) */
    FP_READER_TEXT /* one sentence a line, words split at spaces; no labels, no instances (pre-training) */
} fp_reader;

/* The names used in grids: conllu-words, conllu-pairs, conllulex, trec, tsv-words, tsv-sentences, text. */
const char *fp_reader_name(fp_reader reader);
int fp_reader_parse(const char *name, fp_reader *out); /* 0, or -1 for a name that is not one */
fp_instance_kind fp_reader_kind(fp_reader reader);

/* Where a split's sentences come from. */
typedef struct fp_split_spec {
    char *path;
    uint64_t first, last; /* sentences of the file to take, counted from 1, both ends included; 0, 0: all */
} fp_split_spec;

typedef struct fp_task_spec {
    char *name;
    fp_reader reader;
    char *label;    /* conllu-words: a column name (UPOS, XPOS, DEPREL, FEATS, LEMMA); conllulex: role or
                       function;    trec: fine or coarse; NULL: the reader's default (UPOS, role, fine) */
    char **lexcats; /* conllulex: lexical categories to take; NULL: P, INF.P, PRON.POSS, POSS */
    size_t n_lexcats;
    fp_split_spec train, test; /* a test set without PATH: none */
} fp_task_spec;

typedef struct fp_instance {
    uint32_t sentence; /* index into the split's sentences */
    uint32_t first,
        second;    /* words of the sentence (from 0); word: first; pair: head, dependent; sentence: unused */
    int32_t label; /* index into the task's labels */
} fp_instance;

typedef struct fp_split {
    size_t n_sentences, n_words, n_instances;
    size_t *word_at; /* [n_sentences + 1] first word of each sentence in WORDS */
    char **words;    /* [n_words] UTF-8 */
    fp_instance
        *instances; /* [n_instances] in the order of the text; sentences without an instance are left out */
    size_t sentences_read; /* before those were left out */
} fp_split;

typedef struct fp_task {
    char *name;
    fp_instance_kind kind;
    size_t n_labels;
    char **labels; /* [n_labels] sorted by bytes */
    fp_split train, test;
} fp_task;

/* Reads both splits. Errors name file, line and column. NULL on failure; free with fp_task_free. */
fp_task *fp_task_load(const fp_task_spec *spec, fp_error *error);
void fp_task_free(fp_task *task);

/* Of everything that a result depends on: words, instances and labels, in order; not of names and paths. */
int fp_task_digest(const fp_task *task, fp_digest *out, fp_error *error);

#endif
