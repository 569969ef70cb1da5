#include "fineprobe/task.h"

static void add_split(fp_digester *d, const char *name, const fp_split *split) {
    fp_digest_text(d, "split", name);
    fp_digest_integer(d, "sentences", (int64_t)split->n_sentences);
    for (size_t s = 0; s < split->n_sentences; s++) {
        fp_digest_integer(d, "words", (int64_t)(split->word_at[s + 1] - split->word_at[s]));
        for (size_t w = split->word_at[s]; w < split->word_at[s + 1]; w++)
            fp_digest_text(d, "word", split->words[w]);
    }
    fp_digest_integer(d, "instances", (int64_t)split->n_instances);
    for (size_t i = 0; i < split->n_instances; i++) {
        const fp_instance *instance = &split->instances[i];
        fp_digest_integer(d, "sentence", instance->sentence);
        fp_digest_integer(d, "first", instance->first);
        fp_digest_integer(d, "second", instance->second);
        fp_digest_integer(d, "label", instance->label);
    }
}

int fp_task_digest(const fp_task *task, fp_digest *out, fp_error *error) {
    fp_digester *d = fp_digester_create(error);
    if (!d)
        return -1;
    fp_digest_integer(d, "kind", task->kind);
    fp_digest_integer(d, "labels", (int64_t)task->n_labels);
    for (size_t i = 0; i < task->n_labels; i++)
        fp_digest_text(d, "label", task->labels[i]);
    add_split(d, "train", &task->train);
    add_split(d, "test", &task->test);
    *out = fp_digest_end(d);
    fp_digester_destroy(d);
    return 0;
}
