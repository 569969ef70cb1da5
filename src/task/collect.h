/* collect.h: what the readers of annotated text hand their sentences to. A reader opens the lines, adds the
 * words and instances of a sentence, and ends it; the collector takes the sentences of the split that have an
 * instance, and leaves out the others (but of plain text, which has no instances, it takes all). */
#ifndef FINEPROBE_TASK_COLLECT_H
#define FINEPROBE_TASK_COLLECT_H

#include "fineprobe/task.h"
#include "text/lines.h"

/* The labels of a task as they turn up, in both splits. */
typedef struct fp_labels {
    char **texts;   /* [count] in the order of their ids */
    int32_t *order; /* [count] ids, sorted by the bytes of their texts */
    size_t count, texts_capacity, order_capacity;
} fp_labels;

int fp_labels_id(fp_labels *labels, const char *text, int32_t *id, fp_error *error);
void fp_labels_free(fp_labels *labels);

/* An instance of the sentence being read; its label lives in the lines. */
typedef struct fp_draft_instance {
    uint32_t first, second;
    const char *label;
    size_t line;
} fp_draft_instance;

typedef struct fp_collector {
    const fp_task_spec *spec;
    const fp_split_spec *from;
    fp_split *split;
    fp_labels *labels;
    fp_lines lines;
    size_t sentences; /* of the file, so far */
    char **words;     /* of the sentence being read: places in the lines */
    fp_draft_instance *instances;
    size_t n_words, n_instances;
    size_t words_capacity, instances_capacity;
    size_t split_words_capacity, split_instances_capacity, split_sentences_capacity;
} fp_collector;

int fp_collect_word(fp_collector *collector, char *word, fp_error *error);
/* FIRST and SECOND as in fp_instance. A label "_" is none: nothing is added. FIELD names what holds the label
 * in messages. */
int fp_collect_instance(fp_collector *collector, uint32_t first, uint32_t second, const char *label,
                        const char *field, fp_error *error);
/* Without words since the last end: nothing happens. */
int fp_collect_end(fp_collector *collector, fp_error *error);

/* The readers: each reads the collector's lines to their end. */
int fp_read_conllu(fp_collector *collector, fp_error *error);
int fp_read_conllulex(fp_collector *collector, fp_error *error);
int fp_read_trec(fp_collector *collector, fp_error *error);
int fp_read_tsv(fp_collector *collector, fp_error *error);
int fp_read_plain(fp_collector *collector, fp_error *error);

#endif
