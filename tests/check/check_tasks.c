/* Reads the five tasks of the paper from a folder of data (ud-pud, streusle, trec, bert-vocab) and compares
 * their counts with those a correct reader finds: check_tasks FOLDER. */
#include "fineprobe/encode.h"
#include "fineprobe/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct counts {
    size_t sentences, instances, labels, pieces, longest;
} counts;

typedef struct expectation {
    const char *name;
    fp_reader reader;
    const char *label, *train, *test;
    size_t last_of_train, last_of_test; /* 0: the whole files */
    counts of_train, of_test;           /* pieces and longest of the test sets are not recorded */
    const char *majority;
    size_t n_majority;
} expectation;

#define PUD "data/ud-pud/en_pud-ud-test.conllu"
#define STREUSLE(split) "data/streusle/" split "/streusle.ud_" split ".conllulex"

static const expectation expectations[] = {
    {"POS",
     FP_READER_CONLLU_WORDS,
     NULL,
     PUD,
     PUD,
     800,
     1000,
     {800, 16858, 17, 19909, 67},
     {200, 4322, 16, 0, 0},
     "NOUN",
     781},
    {"DEP",
     FP_READER_CONLLU_PAIRS,
     NULL,
     PUD,
     PUD,
     800,
     1000,
     {800, 16058, 46, 19909, 67},
     {200, 4122, 39, 0, 0},
     "case",
     576},
    {"PS-role",
     FP_READER_CONLLULEX,
     "role",
     STREUSLE("train"),
     STREUSLE("test"),
     0,
     0,
     {1859, 4285, 46, 43932, 91},
     {249, 457, 39, 0, 0},
     "p.Locus",
     74},
    {"PS-fxn",
     FP_READER_CONLLULEX,
     "function",
     STREUSLE("train"),
     STREUSLE("test"),
     0,
     0,
     {1859, 4285, 38, 43932, 91},
     {249, 457, 33, 0, 0},
     "p.Locus",
     86},
    {"TREC-50",
     FP_READER_TREC,
     NULL,
     "data/trec/train_5500.label",
     "data/trec/TREC_10.label",
     0,
     0,
     {5452, 5452, 50, 73443, 41},
     {500, 500, 42, 0, 0},
     "DESC:def",
     123},
};

/* The number of instances of every label. */
static size_t *tally(const fp_split *split, size_t n_labels) {
    size_t *out = calloc(n_labels, sizeof *out);
    for (size_t i = 0; out && i < split->n_instances; i++)
        out[split->instances[i].label]++;
    return out;
}

static int count_split(const fp_wordpiece *tokenizer, const fp_task *task, const fp_split *split, counts *out,
                       fp_error *error) {
    fp_encoded encoded;
    if (fp_encode(tokenizer, split, task->kind, 512, &encoded, error) < 0)
        return -1;
    *out = (counts){encoded.n_sentences, encoded.n_instances, 0, encoded.n_pieces, encoded.longest};
    size_t *by_label = tally(split, task->n_labels);
    for (size_t i = 0; by_label && i < task->n_labels; i++)
        out->labels += by_label[i] > 0;
    free(by_label);
    fp_encoded_free(&encoded);
    return 0;
}

static int same(const counts *found, const counts *expected) {
    return found->sentences == expected->sentences && found->instances == expected->instances &&
           found->labels == expected->labels && (!expected->pieces || found->pieces == expected->pieces) &&
           (!expected->longest || found->longest == expected->longest);
}

static void print_counts(const char *title, const counts *c) {
    printf(" %s %zu sentences, %zu instances, %zu labels, %zu pieces, longest %zu;", title, c->sentences,
           c->instances, c->labels, c->pieces, c->longest);
}

static int compare(const expectation *expected, const fp_task *task, const fp_wordpiece *tokenizer,
                   fp_error *error) {
    counts train, test;
    if (count_split(tokenizer, task, &task->train, &train, error) < 0 ||
        count_split(tokenizer, task, &task->test, &test, error) < 0)
        return -1;
    size_t *by_label = tally(&task->test, task->n_labels), most = 0;
    for (size_t i = 0; by_label && i < task->n_labels; i++)
        most = by_label[i] > by_label[most] ? i : most;
    size_t n_majority = by_label ? by_label[most] : 0;
    free(by_label);
    int right = same(&train, &expected->of_train) && same(&test, &expected->of_test) &&
                strcmp(task->labels[most], expected->majority) == 0 && n_majority == expected->n_majority;
    printf("%-8s %s:", expected->name, right ? "right" : "WRONG");
    print_counts("train", &train);
    print_counts("test", &test);
    printf(" majority %s %zu\n", task->labels[most], n_majority);
    return right;
}

static int check(const expectation *expected, const char *folder, const fp_wordpiece *tokenizer,
                 fp_error *error) {
    fp_task_spec spec = {.name = (char *)expected->name,
                         .reader = expected->reader,
                         .label = (char *)expected->label,
                         .train = {fp_path_join(folder, expected->train, error), 0, 0},
                         .test = {fp_path_join(folder, expected->test, error), 0, 0}};
    if (expected->last_of_train) {
        spec.train.first = 1;
        spec.train.last = expected->last_of_train;
        spec.test.first = expected->last_of_train + 1;
        spec.test.last = expected->last_of_test;
    }
    fp_task *task = fp_task_load(&spec, error);
    int rc = task ? compare(expected, task, tokenizer, error) : -1;
    fp_task_free(task);
    free(spec.train.path);
    free(spec.test.path);
    return rc;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER (with data/ud-pud, data/streusle, data/trec, data/bert-vocab)\n",
                argv[0]);
        return 2;
    }
    fp_error error = {0};
    char *vocab = fp_path_join(argv[1], "data/bert-vocab/vocab.txt", &error);
    fp_wordpiece *tokenizer = fp_wordpiece_open(vocab, &error);
    free(vocab);
    if (!tokenizer) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    int wrong = 0;
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        clock_t begin = clock();
        int rc = check(&expectations[i], argv[1], tokenizer, &error);
        if (rc < 0)
            printf("%-8s WRONG: %s\n", expectations[i].name, error.text);
        printf("         read and encoded in %.1f ms\n", 1e3 * (double)(clock() - begin) / CLOCKS_PER_SEC);
        wrong += rc <= 0;
    }
    fp_wordpiece_close(tokenizer);
    return wrong ? 1 : 0;
}
