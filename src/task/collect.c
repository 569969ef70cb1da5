#include "task/collect.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

int fp_labels_id(fp_labels *labels, const char *text, int32_t *id, fp_error *error) {
    size_t low = 0, high = labels->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(text, labels->texts[labels->order[middle]]);
        if (order == 0) {
            *id = labels->order[middle];
            return 0;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (fp_grow((void **)&labels->texts, &labels->texts_capacity, labels->count + 1, sizeof(char *), error) <
            0 ||
        fp_grow((void **)&labels->order, &labels->order_capacity, labels->count + 1, sizeof(int32_t), error) <
            0)
        return -1;
    char *copy = fp_strdup(text, error);
    if (!copy)
        return -1;
    memmove(labels->order + low + 1, labels->order + low, (labels->count - low) * sizeof(int32_t));
    *id = labels->order[low] = (int32_t)labels->count;
    labels->texts[labels->count++] = copy;
    return 0;
}

void fp_labels_free(fp_labels *labels) {
    for (size_t i = 0; i < labels->count; i++)
        free(labels->texts[i]);
    free(labels->texts);
    free(labels->order);
    *labels = (fp_labels){0};
}

int fp_collect_word(fp_collector *collector, char *word, fp_error *error) {
    if (word[0] == '\0')
        return fp_lines_fail(&collector->lines, word, error, "the word is empty");
    if (fp_grow((void **)&collector->words, &collector->words_capacity, collector->n_words + 1,
                sizeof(char *), error) < 0)
        return -1;
    collector->words[collector->n_words++] = word;
    return 0;
}

int fp_collect_instance(fp_collector *collector, uint32_t first, uint32_t second, const char *label,
                        const char *field, fp_error *error) {
    if (label[0] == '\0')
        return fp_lines_fail(&collector->lines, label, error, "%s is empty", field);
    if (strcmp(label, "_") == 0)
        return 0;
    if (fp_grow((void **)&collector->instances, &collector->instances_capacity, collector->n_instances + 1,
                sizeof *collector->instances, error) < 0)
        return -1;
    collector->instances[collector->n_instances++] =
        (fp_draft_instance){first, second, label, collector->lines.number};
    return 0;
}

/* Heads come before their words: only now it is known whether there are such words. */
static int check_instances(const fp_collector *collector, fp_error *error) {
    for (size_t i = 0; i < collector->n_instances; i++) {
        const fp_draft_instance *instance = &collector->instances[i];
        if (instance->first >= collector->n_words)
            return fp_fail(error, "%s:%zu: the head is word %u, but the sentence has %zu words",
                           collector->from->path, instance->line, instance->first + 1, collector->n_words);
    }
    return 0;
}

static int keep_words(fp_collector *collector, fp_error *error) {
    fp_split *split = collector->split;
    if (fp_grow((void **)&split->words, &collector->split_words_capacity, split->n_words + collector->n_words,
                sizeof(char *), error) < 0 ||
        fp_grow((void **)&split->word_at, &collector->split_sentences_capacity, split->n_sentences + 2,
                sizeof(size_t), error) < 0)
        return -1;
    split->word_at[split->n_sentences] = split->n_words;
    for (size_t i = 0; i < collector->n_words; i++) {
        char *copy = fp_strdup(collector->words[i], error);
        if (!copy)
            return -1;
        split->words[split->n_words++] = copy;
    }
    split->word_at[++split->n_sentences] = split->n_words;
    return 0;
}

static int keep_instances(fp_collector *collector, fp_error *error) {
    fp_split *split = collector->split;
    if (fp_grow((void **)&split->instances, &collector->split_instances_capacity,
                split->n_instances + collector->n_instances, sizeof *split->instances, error) < 0)
        return -1;
    for (size_t i = 0; i < collector->n_instances; i++) {
        const fp_draft_instance *draft = &collector->instances[i];
        fp_instance *kept = &split->instances[split->n_instances];
        *kept = (fp_instance){(uint32_t)(split->n_sentences - 1), draft->first, draft->second, -1};
        if (fp_labels_id(collector->labels, draft->label, &kept->label, error) < 0)
            return -1;
        split->n_instances++;
    }
    return 0;
}

int fp_collect_end(fp_collector *collector, fp_error *error) {
    if (collector->n_words == 0)
        return 0;
    if (check_instances(collector, error) < 0)
        return -1;
    const fp_split_spec *from = collector->from;
    size_t number = ++collector->sentences;
    int wanted = from->last == 0 || (number >= from->first && number <= from->last);
    collector->split->sentences_read += wanted;
    int rc = 0, of_use = collector->n_instances > 0 || collector->spec->reader == FP_READER_TEXT;
    if (wanted && of_use)
        rc = keep_words(collector, error) < 0 || keep_instances(collector, error) < 0 ? -1 : 0;
    collector->n_words = collector->n_instances = 0;
    return rc;
}
