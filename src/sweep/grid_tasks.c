/* Tasks and cross-task pairs of a grid. */
#include "fineprobe/memory.h"
#include "sweep/grid_read.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { N_READERS = FP_READER_TEXT + 1 };

static const fp_key task_keys[] = {
    {"name", FP_KEY_OTHER, 0, 0, 0, NULL},   {"reader", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"label", FP_KEY_OTHER, 0, 0, 0, NULL},  {"lexcats", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"train", FP_KEY_OTHER, 0, 0, 0, NULL},  {"test", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"source", FP_KEY_OTHER, 0, 0, 0, NULL}, {"expect", FP_KEY_OTHER, 0, 0, 0, NULL},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};

/* What "label" can be, with each reader that takes it. */
static const char *const *label_words(fp_reader reader) {
    static const char *const columns[] = {"UPOS", "XPOS", "DEPREL", "FEATS", "LEMMA", NULL};
    static const char *const relations[] = {"DEPREL", NULL};
    static const char *const supersenses[] = {"role", "function", NULL};
    static const char *const questions[] = {"fine", "coarse", NULL};
    switch (reader) {
    case FP_READER_CONLLU_WORDS:
        return columns;
    case FP_READER_CONLLU_PAIRS:
        return relations;
    case FP_READER_CONLLULEX:
        return supersenses;
    case FP_READER_TREC:
        return questions;
    default:
        return NULL;
    }
}

static int read_reader(fp_grid_reader *reader, const fp_yaml_node *node, fp_reader *out) {
    const char *words[N_READERS + 1];
    for (int i = 0; i < N_READERS; i++)
        words[i] = fp_reader_name((fp_reader)i);
    words[N_READERS] = NULL;
    int i = fp_read_word(reader, node, "reader", words);
    if (i >= 0)
        *out = (fp_reader)i;
    return i < 0 ? -1 : 0;
}

static void read_label(fp_grid_reader *reader, const fp_yaml_node *node, fp_task_spec *spec) {
    const char *const *words = label_words(spec->reader);
    if (!words)
        fp_note(reader, node->place, "label does not go with the reader %s; leave it out",
                fp_reader_name(spec->reader));
    else if (fp_read_word(reader, node, "label", words) >= 0)
        fp_read_text(reader, node, "label", &spec->label);
}

static void read_lexcats(fp_grid_reader *reader, const fp_yaml_node *node, fp_task_spec *spec) {
    if (spec->reader != FP_READER_CONLLULEX) {
        fp_note(reader, node->place, "lexcats go with the reader %s only; leave them out",
                fp_reader_name(FP_READER_CONLLULEX));
        return;
    }
    if (node->kind != FP_YAML_LIST || node->count == 0) {
        fp_note(reader, node->place, "lexcats must be a list, e.g. [P, INF.P, PRON.POSS, POSS]");
        return;
    }
    fp_error error;
    spec->lexcats = fp_alloc(node->count, sizeof *spec->lexcats, "lexcats", &error);
    if (!spec->lexcats) {
        fp_note(reader, node->place, "%s", error.text);
        return;
    }
    spec->n_lexcats = node->count;
    for (size_t i = 0; i < node->count; i++)
        fp_read_text(reader, node->items[i], "a lexical category", &spec->lexcats[i]);
}

/* "1-800" or "7". */
static int parse_range(const char *text, uint64_t *first, uint64_t *last) {
    if (text[strspn(text, "0123456789-")] || text[0] == '-')
        return -1;
    char *end;
    errno = 0;
    *first = *last = strtoull(text, &end, 10);
    if (*end == '-') {
        const char *second = end + 1;
        *last = strtoull(second, &end, 10);
        if (end == second)
            return -1;
    }
    return errno || *end || end == text || *first < 1 || *last < *first ? -1 : 0;
}

static const fp_key split_keys[] = {
    {"file", FP_KEY_PATH, offsetof(fp_split_spec, path), 0, 0, NULL},
    {"sentences", FP_KEY_OTHER, 0, 0, 0, NULL},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};

/* EXPECT: what the task expects of its files, or NULL; 1: the file is not there, and need not be for a plan.
 */
static int read_split(fp_grid_reader *reader, const fp_yaml_node *node, const char *what,
                      const fp_yaml_node *expect, fp_split_spec *out) {
    const fp_key whole = {what, FP_KEY_PATH, 0, 0, 0, NULL};
    const fp_yaml_node *file = node;
    if (node->kind != FP_YAML_MAP) {
        fp_read_value(reader, node, &whole, &out->path);
    } else {
        fp_read_keys(reader, node, what, split_keys, out);
        file = fp_require(reader, node, what, "file", "a file, e.g. {file: pud.conllu, sentences: 1-800}");
        const fp_yaml_node *range = fp_yaml_get(node, "sentences");
        if (range && (range->kind != FP_YAML_TEXT || parse_range(range->text, &out->first, &out->last) < 0))
            fp_note(reader, range->place,
                    "sentences must be the first and the last sentence, counted from 1, e.g. 1-800%s%s%s",
                    range->text ? ", not \"" : "", range->text ? range->text : "", range->text ? "\"" : "");
    }
    int absent = out->path && fp_grid_is_absent(expect, out->path);
    if (file && out->path && !absent)
        fp_require_path(reader, file->place, what, out->path);
    return absent;
}

static void read_task(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_task *task) {
    fp_task_spec *spec = &task->spec;
    task->place = node->place;
    if (fp_read_keys(reader, node, "task", task_keys, spec) < 0)
        return;
    const fp_yaml_node *name = fp_require(reader, node, "task", "name", "a short word, e.g. name: POS");
    const fp_yaml_node *kind = fp_require(reader, node, "task", "reader", "e.g. reader: conllu-words");
    const fp_yaml_node *train = fp_require(reader, node, "task", "train", "the file to train on");
    const fp_yaml_node *label = fp_yaml_get(node, "label"), *lexcats = fp_yaml_get(node, "lexcats");
    if (name) {
        task->place = name->place;
        fp_read_name(reader, name, "task name", &spec->name);
    }
    int known = kind && read_reader(reader, kind, &spec->reader) == 0;
    if (known && label)
        read_label(reader, label, spec);
    if (known && lexcats)
        read_lexcats(reader, lexcats, spec);
    const fp_yaml_node *source = fp_yaml_get(node, "source"), *expect = fp_yaml_get(node, "expect");
    if (source)
        fp_read_text(reader, source, "source", &task->source);
    if (expect)
        fp_grid_expect_task(reader, expect, &task->expect);
    if (train)
        task->absent |= read_split(reader, train, "train", expect, &spec->train);
    const fp_yaml_node *test = fp_yaml_get(node, "test");
    if (test)
        task->absent |= read_split(reader, test, "test", expect, &spec->test);
    else if (known && spec->reader != FP_READER_TEXT)
        fp_require(reader, node, "task", "test", "the file to test on");
}

void fp_grid_read_tasks(fp_grid_reader *reader, const fp_yaml_node *root, fp_grid *grid) {
    const fp_yaml_node *list =
        fp_require(reader, root, "the grid", "tasks",
                   "a list, e.g. [{name: POS, reader: conllu-words, train: a.conllu, test: b.conllu}]");
    if (!list)
        return;
    if (list->kind != FP_YAML_LIST || list->count == 0) {
        fp_note(reader, list->place, "tasks must be a list with at least one task");
        return;
    }
    fp_error error;
    grid->tasks = fp_alloc(list->count, sizeof *grid->tasks, "tasks", &error);
    if (!grid->tasks) {
        fp_note(reader, list->place, "%s", error.text);
        return;
    }
    grid->n_tasks = list->count;
    for (size_t i = 0; i < list->count; i++) {
        fp_grid_task *task = &grid->tasks[i];
        read_task(reader, list->items[i], task);
        for (size_t j = 0; j < i && task->spec.name; j++)
            if (grid->tasks[j].spec.name && strcmp(grid->tasks[j].spec.name, task->spec.name) == 0)
                fp_note(reader, task->place, "two tasks are named \"%s\" (first in line %zu)",
                        task->spec.name, grid->tasks[j].place.line);
    }
}

static const fp_key pair_keys[] = {
    {"finetune", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"probe", FP_KEY_OTHER, 0, 0, 0, NULL},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};

/* The index of the task that KEY of the pair names, or -1. */
static int read_task_of_pair(fp_grid_reader *reader, const fp_yaml_node *pair, const char *key,
                             const char *const *names) {
    const fp_yaml_node *node = fp_require(reader, pair, "a cross_task pair", key,
                                          "the name of a task, e.g. {finetune: A, probe: B}");
    return node ? fp_read_word(reader, node, key, names) : -1;
}

static void read_pair(fp_grid_reader *reader, const fp_yaml_node *node, const char *const *names,
                      fp_grid *grid) {
    if (fp_read_keys(reader, node, "a cross_task pair", pair_keys, NULL) < 0)
        return;
    int from = read_task_of_pair(reader, node, "finetune", names),
        to = read_task_of_pair(reader, node, "probe", names);
    if (from < 0 || to < 0)
        return;
    if (from == to) {
        fp_note(reader, node->place,
                "a cross_task pair needs two tasks; each task is probed on itself anyway");
        return;
    }
    fp_grid_pair pair = {(size_t)from, (size_t)to};
    for (size_t i = 0; i < grid->n_pairs; i++)
        if (grid->pairs[i].finetuned_on == pair.finetuned_on && grid->pairs[i].probed_on == pair.probed_on) {
            fp_note(reader, node->place, "the pair %s, %s stands in cross_task twice", names[from],
                    names[to]);
            return;
        }
    if (grid->tasks[to].spec.reader == FP_READER_TEXT)
        fp_note(reader, node->place, "the task %s has plain text without labels: it cannot be probed",
                names[to]);
    grid->pairs[grid->n_pairs++] = pair;
}

void fp_grid_read_pairs(fp_grid_reader *reader, const fp_yaml_node *root, fp_grid *grid) {
    const fp_yaml_node *list = fp_yaml_get(root, "cross_task");
    if (!list || grid->n_tasks == 0)
        return;
    if (list->kind != FP_YAML_LIST) {
        fp_note(reader, list->place, "cross_task must be a list, e.g. [{finetune: PS-role, probe: PS-fxn}]");
        return;
    }
    fp_error error;
    const char **names = fp_alloc(grid->n_tasks + 1, sizeof *names, "task names", &error);
    grid->pairs = fp_alloc(list->count, sizeof *grid->pairs, "cross-task pairs", &error);
    if (names && grid->pairs) {
        size_t named = 0; /* when a task has no name, that is the problem, and not the pairs */
        while (named < grid->n_tasks && (names[named] = grid->tasks[named].spec.name))
            named++;
        for (size_t i = 0; i < list->count && named == grid->n_tasks; i++)
            read_pair(reader, list->items[i], names, grid);
    } else {
        fp_note(reader, list->place, "%s", error.text);
    }
    free(names);
}
