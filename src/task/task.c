#include "fineprobe/task.h"

#include "fineprobe/memory.h"
#include "task/collect.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    fp_instance_kind kind;
    fp_charset charset;
    int (*read)(fp_collector *collector, fp_error *error);
} readers[] = {
    [FP_READER_CONLLU_WORDS] = {"conllu-words", FP_KIND_WORD, FP_UTF8, fp_read_conllu},
    [FP_READER_CONLLU_PAIRS] = {"conllu-pairs", FP_KIND_PAIR, FP_UTF8, fp_read_conllu},
    [FP_READER_CONLLULEX] = {"conllulex", FP_KIND_WORD, FP_UTF8, fp_read_conllulex},
    [FP_READER_TREC] = {"trec", FP_KIND_SENTENCE, FP_LATIN1, fp_read_trec},
    [FP_READER_TSV_WORDS] = {"tsv-words", FP_KIND_WORD, FP_UTF8, fp_read_tsv},
    [FP_READER_TSV_SENTENCES] = {"tsv-sentences", FP_KIND_SENTENCE, FP_UTF8, fp_read_tsv},
    [FP_READER_TEXT] = {"text", FP_KIND_SENTENCE, FP_UTF8, fp_read_plain},
};

enum { N_READERS = sizeof readers / sizeof readers[0] };

const char *fp_reader_name(fp_reader reader) {
    return readers[reader].name;
}

int fp_reader_parse(const char *name, fp_reader *out) {
    for (int i = 0; i < N_READERS; i++) {
        if (strcmp(readers[i].name, name) == 0) {
            *out = (fp_reader)i;
            return 0;
        }
    }
    return -1;
}

fp_instance_kind fp_reader_kind(fp_reader reader) {
    return readers[reader].kind;
}

static int check_range(const fp_split_spec *from, fp_error *error) {
    if (from->first > from->last || (from->first == 0 && from->last != 0))
        return fp_fail(error, "sentences %llu-%llu are not a range (they are counted from 1)",
                       (unsigned long long)from->first, (unsigned long long)from->last);
    return 0;
}

/* After the reading: are the sentences that were asked for there, and is there anything to learn? */
static int check_split(const fp_collector *collector, fp_error *error) {
    const fp_split_spec *from = collector->from;
    if (from->last > collector->sentences)
        return fp_fail(error, "%s has %zu sentences, the split asks for %llu-%llu", from->path,
                       collector->sentences, (unsigned long long)from->first, (unsigned long long)from->last);
    if (collector->spec->reader == FP_READER_TEXT)
        return collector->split->n_sentences ? 0 : fp_fail(error, "%s has no sentence", from->path);
    if (collector->split->n_instances == 0)
        return fp_fail(error,
                       "%s: none of %zu sentences has an instance; is %s the right reader for this file?",
                       from->path, collector->split->sentences_read, fp_reader_name(collector->spec->reader));
    return 0;
}

static int read_split(const fp_task_spec *spec, const fp_split_spec *from, fp_labels *labels, fp_split *out,
                      fp_error *error) {
    if (check_range(from, error) < 0)
        return -1;
    fp_collector collector = {.spec = spec, .from = from, .split = out, .labels = labels};
    int rc = fp_lines_open(&collector.lines, from->path, readers[spec->reader].charset, error);
    if (rc == 0)
        rc = readers[spec->reader].read(&collector, error);
    if (rc == 0)
        rc = check_split(&collector, error);
    fp_lines_close(&collector.lines);
    free(collector.words);
    free(collector.instances);
    return rc;
}

static void renumber(fp_split *split, const int32_t *rank) {
    for (size_t i = 0; i < split->n_instances; i++)
        split->instances[i].label = rank[split->instances[i].label];
}

/* Moves the labels into the task, sorted, and renumbers the instances. */
static int take_labels(fp_task *task, fp_labels *labels, fp_error *error) {
    int32_t *rank = fp_alloc(labels->count, sizeof *rank, "a list of labels", error);
    char **sorted = fp_alloc(labels->count, sizeof(char *), "a list of labels", error);
    if (!rank || !sorted) {
        free(rank);
        free(sorted);
        return -1;
    }
    for (size_t i = 0; i < labels->count; i++) {
        rank[labels->order[i]] = (int32_t)i;
        sorted[i] = labels->texts[labels->order[i]];
    }
    renumber(&task->train, rank);
    renumber(&task->test, rank);
    free(rank);
    task->labels = sorted;
    task->n_labels = labels->count;
    labels->count = 0; /* the texts are the task's now */
    return 0;
}

fp_task *fp_task_load(const fp_task_spec *spec, fp_error *error) {
    fp_labels labels = {0};
    fp_task *task = fp_alloc(1, sizeof *task, "a task", error);
    if (!task)
        return NULL;
    task->kind = fp_reader_kind(spec->reader);
    task->name = fp_strdup(spec->name, error);
    int rc = task->name ? 0 : -1;
    if (rc == 0)
        rc = read_split(spec, &spec->train, &labels, &task->train, error);
    if (rc == 0 && spec->test.path)
        rc = read_split(spec, &spec->test, &labels, &task->test, error);
    if (rc == 0)
        rc = take_labels(task, &labels, error);
    fp_labels_free(&labels);
    if (rc == 0)
        return task;
    fp_error_context(error, "task %s", spec->name);
    fp_task_free(task);
    return NULL;
}

static void free_split(fp_split *split) {
    for (size_t i = 0; i < split->n_words; i++)
        free(split->words[i]);
    free(split->words);
    free(split->word_at);
    free(split->instances);
}

void fp_task_free(fp_task *task) {
    if (!task)
        return;
    for (size_t i = 0; i < task->n_labels; i++)
        free(task->labels[i]);
    free(task->labels);
    free_split(&task->train);
    free_split(&task->test);
    free(task->name);
    free(task);
}
