/* conllu.h: the lines of CoNLL-U and of formats that add columns to it. */
#ifndef FINEPROBE_TASK_CONLLU_H
#define FINEPROBE_TASK_CONLLU_H

#include "task/collect.h"

/* Columns, from 0. */
enum { FP_ID, FP_FORM, FP_LEMMA, FP_UPOS, FP_XPOS, FP_FEATS, FP_HEAD, FP_DEPREL, FP_CONLLU_COLUMNS = 10 };
enum { FP_SMWE = 10, FP_LEXCAT, FP_SS = 13, FP_SS2, FP_CONLLULEX_COLUMNS = 19 };

/* Adds the instances of word INDEX (from 0), which was just added. */
typedef int fp_word_instances(fp_collector *collector, uint32_t index, char **fields, const void *context,
                              fp_error *error);

/* Reads all sentences of N_COLUMNS columns or more, words without the ranges (1-2) and the empty nodes (1.1).
 */
int fp_read_conllu_lines(fp_collector *collector, size_t n_columns, fp_word_instances *add,
                         const void *context, fp_error *error);

#endif
