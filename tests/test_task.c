/* The readers of annotated text: what they find, and what they say about files that are not right. */
#include "fineprobe/task.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* One CoNLL-U line. */
#define WORD(id, form, upos, head, deprel)                                                                   \
    id "\t" form "\tlemma\t" upos "\tX\t_\t" head "\t" deprel "\t_\t_\n"

static const char conllu[] = "# a comment\n" /* three sentences, the second of one word */
    WORD("1-2", "don't", "_", "_", "_") WORD("1", "do", "AUX", "3", "aux") WORD("2", "n't", "PART", "3", "advmod")
    WORD("3", "go", "VERB", "0", "root") WORD("3.1", "away", "ADV", "_", "_") "\n"
    "# another\n" WORD("1", "Go", "VERB", "0", "root") "\n\n"
    WORD("1", "we", "PRON", "2", "nsubj:x") "2\tgo\tgo\tVERB\tVB\tA=1\t0\troot\t_\t_"; /* no newline */

/* One CoNLL-U-Lex line. */
#define LEX(id, form, smwe, lexcat, ss, ss2)                                                                 \
    id "\t" form "\t_\t_\t_\t_\t0\t_\t_\t_\t" smwe "\t" lexcat "\tlemma\t" ss "\t" ss2 "\t_\t_\t_\t_\n"

static fp_task_spec make_spec(fp_reader reader, char *label, char *train, char *test) {
    return (fp_task_spec){
        .name = "task", .reader = reader, .label = label, .train = {train, 0, 0}, .test = {test, 0, 0}};
}

static fp_task *load(const fp_task_spec *spec) {
    fp_error error = {0};
    fp_task *task = fp_task_load(spec, &error);
    if (!task)
        fail_msg("%s", error.text);
    return task;
}

static fp_task *load_text(fp_reader reader, char *label, const char *text) {
    char *path = scratch_text("good", text);
    fp_task_spec spec = make_spec(reader, label, path, path);
    return load(&spec);
}

static void expect_instance(const fp_task *task, const fp_split *split, size_t i, uint32_t sentence,
                            uint32_t first, uint32_t second, const char *label) {
    assert_true(i < split->n_instances);
    assert_int_equal(split->instances[i].sentence, sentence);
    assert_int_equal(split->instances[i].first, first);
    assert_int_equal(split->instances[i].second, second);
    assert_string_equal(task->labels[split->instances[i].label], label);
}

static void expect_error(const fp_task_spec *spec, const char *expected) {
    fp_error error = {0};
    fp_task *task = fp_task_load(spec, &error);
    fp_task_free(task);
    if (task || !strstr(error.text, expected))
        fail_msg("\"%s\" does not say \"%s\"", error.text, expected);
}

static void refuse(fp_reader reader, const char *label, const char *text, const char *expected) {
    char *path = scratch_text("bad", text);
    fp_task_spec spec = make_spec(reader, (char *)label, path, path);
    expect_error(&spec, expected);
}

static void readers_have_names(void **state) {
    (void)state;
    fp_reader reader;
    for (int i = FP_READER_CONLLU_WORDS; i <= FP_READER_TEXT; i++) {
        assert_int_equal(fp_reader_parse(fp_reader_name((fp_reader)i), &reader), 0);
        assert_int_equal(reader, i);
    }
    assert_int_equal(fp_reader_parse("conll", &reader), -1);
    assert_int_equal(fp_reader_kind(FP_READER_CONLLU_PAIRS), FP_KIND_PAIR);
}

static void words_are_labelled_by_a_column(void **state) {
    (void)state;
    fp_task *task = load_text(FP_READER_CONLLU_WORDS, NULL, conllu);
    assert_int_equal(task->train.n_sentences, 3);
    assert_int_equal(task->train.n_words, 6);
    assert_int_equal(task->train.n_instances, 6);
    assert_string_equal(task->train.words[1], "n't");
    assert_string_equal(task->train.words[5], "go");
    assert_int_equal(task->train.word_at[1], 3);
    assert_int_equal(task->train.word_at[3], 6);
    assert_int_equal(task->n_labels, 4); /* sorted by bytes */
    assert_string_equal(task->labels[0], "AUX");
    assert_string_equal(task->labels[3], "VERB");
    expect_instance(task, &task->train, 1, 0, 1, 1, "PART");
    expect_instance(task, &task->train, 4, 2, 0, 0, "PRON");
    fp_task_free(task);
    task = load_text(FP_READER_CONLLU_WORDS, "FEATS", conllu); /* "_": no label */
    assert_int_equal(task->train.n_sentences, 1);
    assert_int_equal(task->train.sentences_read, 3);
    assert_int_equal(task->train.n_words, 2);
    expect_instance(task, &task->train, 0, 0, 1, 1, "A=1");
    fp_task_free(task);
}

static void pairs_are_head_and_dependent(void **state) {
    (void)state;
    fp_task *task = load_text(FP_READER_CONLLU_PAIRS, NULL, conllu);
    assert_int_equal(task->kind, FP_KIND_PAIR);
    assert_int_equal(task->train.n_instances, 3);
    assert_int_equal(task->train.n_sentences, 2); /* the one with a root alone is left out */
    assert_int_equal(task->train.sentences_read, 3);
    expect_instance(task, &task->train, 0, 0, 2, 0, "aux");
    expect_instance(task, &task->train, 1, 0, 2, 1, "advmod");
    expect_instance(task, &task->train, 2, 1, 1, 0, "nsubj:x");
    fp_task_free(task);
}

static void splits_take_ranges(void **state) {
    (void)state;
    char *path = scratch_text("good", conllu);
    fp_task_spec spec = make_spec(FP_READER_CONLLU_WORDS, NULL, path, path);
    spec.train.first = 2;
    spec.train.last = 2;
    spec.test.first = 3;
    spec.test.last = 3;
    fp_task *task = load(&spec);
    assert_int_equal(task->train.n_words, 1);
    assert_int_equal(task->train.sentences_read, 1);
    assert_int_equal(task->test.n_words, 2);
    assert_int_equal(task->n_labels, 2); /* the union: PRON is in the test set alone */
    expect_instance(task, &task->train, 0, 0, 0, 0, "VERB");
    expect_instance(task, &task->test, 0, 0, 0, 0, "PRON");
    fp_task_free(task);
    spec.test.last = 4;
    expect_error(&spec, "has 3 sentences, the split asks for 3-4");
    spec.test.last = 2;
    expect_error(&spec, "3-2 are not a range");
    spec.test.first = 0;
    expect_error(&spec, "0-2 are not a range");
}

static void prepositions_are_selected(void **state) {
    (void)state;
    static const char text[] =
        LEX("1", "in", "_", "P", "p.Time", "p.Locus") LEX("2", "of", "1:1", "P", "p.A", "p.B")
            LEX("3", "course", "1:2", "_", "_", "_") LEX("4", "my", "_", "PRON.POSS", "p.Owner", "p.Gestalt")
                LEX("5", "to", "_", "INF", "`i", "`i") LEX("6", "up", "_", "P", "??", "??")
                    LEX("7", "run", "_", "V", "v.motion", "_") "\n" LEX("1", "no", "_", "DISC", "_", "_");
    fp_task *task = load_text(FP_READER_CONLLULEX, NULL, text);
    assert_int_equal(task->train.n_sentences, 1);
    assert_int_equal(task->train.n_words, 7);
    assert_int_equal(task->train.n_instances, 2);
    expect_instance(task, &task->train, 0, 0, 0, 0, "p.Time");
    expect_instance(task, &task->train, 1, 0, 3, 3, "p.Owner");
    fp_task_free(task);
    task = load_text(FP_READER_CONLLULEX, "function", text);
    expect_instance(task, &task->train, 1, 0, 3, 3, "p.Gestalt");
    fp_task_free(task);
    char *only[] = {"P"}, *path = scratch_text("good", text);
    fp_task_spec spec = make_spec(FP_READER_CONLLULEX, "role", path, path);
    spec.lexcats = only;
    spec.n_lexcats = 1;
    task = load(&spec);
    assert_int_equal(task->train.n_instances, 1);
    fp_task_free(task);
}

static void questions_are_latin1(void **state) {
    (void)state;
    static const char text[] = "NUM:date When was  the caf\xe9 built ?\r\n\nHUM:ind Who \x80 ?\n";
    fp_task *task = load_text(FP_READER_TREC, NULL, text);
    assert_int_equal(task->train.n_sentences, 2);
    assert_int_equal(task->train.word_at[1], 6);
    assert_string_equal(task->train.words[3], "caf\xc3\xa9");
    assert_string_equal(task->train.words[5], "?");
    expect_instance(task, &task->train, 0, 0, 0, 0, "NUM:date");
    fp_task_free(task);
    task = load_text(FP_READER_TREC, "coarse", text);
    assert_string_equal(task->labels[0], "HUM");
    assert_string_equal(task->labels[1], "NUM");
    fp_task_free(task);
}

static void tables_of_words_are_read(void **state) {
    (void)state;
    fp_task *task =
        load_text(FP_READER_TSV_WORDS, NULL, "\xef\xbb\xbfone\tB\r\ntwo\r\n\r\nthree\t_\n\n\n#\tA\nfive\tB");
    assert_int_equal(task->train.n_sentences, 2);
    assert_int_equal(task->train.sentences_read, 3);
    assert_int_equal(task->train.n_words, 4);
    assert_int_equal(task->train.n_instances, 3);
    assert_string_equal(task->train.words[0], "one");
    expect_instance(task, &task->train, 0, 0, 0, 0, "B");
    expect_instance(task, &task->train, 1, 1, 0, 0, "A");
    fp_task_free(task);
}

static void tables_of_sentences_are_read(void **state) {
    (void)state;
    fp_task *task = load_text(FP_READER_TSV_SENTENCES, NULL, "yes\tIt is \nno\tNot at all");
    assert_int_equal(task->kind, FP_KIND_SENTENCE);
    assert_int_equal(task->train.n_instances, 2);
    assert_int_equal(task->train.n_words, 5);
    expect_instance(task, &task->train, 1, 1, 0, 0, "no");
    fp_task_free(task);
}

static void plain_text_has_no_instances(void **state) {
    (void)state;
    fp_task_spec spec =
        make_spec(FP_READER_TEXT, NULL, scratch_text("plain", "one  two\n\n  \nthree\n_ five six"), NULL);
    fp_task *task = load(&spec);
    assert_int_equal(task->train.n_sentences, 3);
    assert_int_equal(task->train.n_words, 6);
    assert_string_equal(task->train.words[3], "_");
    assert_int_equal(task->n_labels, 0);
    assert_int_equal(task->train.n_instances, 0);
    assert_int_equal(task->test.n_sentences, 0);
    fp_task_free(task);
    spec.train.first = spec.train.last = 2;
    task = load(&spec);
    assert_string_equal(task->train.words[0], "three");
    fp_task_free(task);
    refuse(FP_READER_TEXT, NULL, "\n \n", "bad has no sentence");
    refuse(FP_READER_TEXT, "x", "a\n", "leave it out");
}

static void broken_conllu_is_refused(void **state) {
    (void)state;
    const fp_reader words = FP_READER_CONLLU_WORDS, pairs = FP_READER_CONLLU_PAIRS;
    refuse(words, NULL, "1\ta\tb\n", "bad:1:1: 3 columns, 10");
    refuse(words, NULL, "# x\n\n1 a\n", "bad:3:1: 1 columns, 10");
    refuse(FP_READER_CONLLULEX, NULL, conllu, "bad:2:1: 10 columns, 19");
    refuse(words, NULL, WORD("1", "", "X", "0", "root"), "bad:1:3: FORM is empty");
    refuse(words, NULL, WORD("1", "a", "", "0", "root"), "bad:1:11: UPOS is empty");
    refuse(words, NULL, WORD("2", "a", "X", "0", "root"), "bad:1:1: ID is \"2\", 1 was expected");
    refuse(words, NULL, WORD("1", "a", "X", "0", "root") WORD("1", "a", "X", "0", "root"),
           "bad:2:1: ID is \"1\"");
    refuse(words, NULL, WORD("1-", "a", "X", "0", "root"), "ID is \"1-\"");
    refuse(words, NULL, WORD("1", "a\xc3", "X", "0", "root"), "bad:1:4: byte 0xc3 is not UTF-8");
    refuse(words, "COLOUR", conllu, "label is \"COLOUR\"");
    refuse(pairs, "UPOS", conllu, "label is \"UPOS\"");
    refuse(pairs, NULL, WORD("1", "a", "X", "0", "root") WORD("2", "b", "X", "3", "dep"),
           "bad:2: the head is word 3, but the sentence has 2 words");
    refuse(pairs, NULL, WORD("1", "a", "X", "1", "dep"), "HEAD is the word itself");
    refuse(pairs, NULL, WORD("1", "a", "X", "x", "dep"), "HEAD is \"x\"");
    refuse(pairs, NULL, WORD("1", "a", "X", "-1", "dep"), "HEAD is \"-1\"");
    refuse(pairs, NULL, WORD("1", "a", "X", "99999999999999999999", "dep"), "HEAD is \"9999");
    refuse(pairs, NULL, WORD("1", "a", "X", "2", "") WORD("2", "b", "X", "0", "root"), "DEPREL is empty");
    refuse(pairs, NULL, WORD("1", "a", "X", "0", "root"), "none of 1 sentences has an instance");
    refuse(words, NULL, "", "none of 0 sentences has an instance");
    refuse(words, NULL, "# only comments\n\n", "none of 0 sentences has an instance");
    refuse(FP_READER_CONLLULEX, "lemma", "", "label is \"lemma\"");
    refuse(FP_READER_CONLLULEX, NULL, LEX("1", "in", "_", "P", "", "p.X"), "SS is empty");
}

static void broken_lines_are_refused(void **state) {
    (void)state;
    refuse(FP_READER_TREC, NULL, "NUM:date When ?\nNUM\n", "bad:2:1: no space behind the label");
    refuse(FP_READER_TREC, NULL, "NUM When : ?\n", "no colon in the label");
    refuse(FP_READER_TREC, NULL, "NUM: When ?\n", "empty behind its colon");
    refuse(FP_READER_TREC, NULL, ":date When ?\n", "empty before its colon");
    refuse(FP_READER_TREC, NULL, "NUM:date  \n", "the sentence is empty");
    refuse(FP_READER_TREC, "medium", "NUM:date When ?\n", "label is \"medium\"");
    refuse(FP_READER_TSV_WORDS, NULL, "a\tb\tc\n", "bad:1:1: 3 columns");
    refuse(FP_READER_TSV_WORDS, NULL, "a\tb\n\tb\n", "bad:2:1: the word is empty");
    refuse(FP_READER_TSV_WORDS, NULL, "a\t\n", "bad:1:3: the label is empty");
    refuse(FP_READER_TSV_WORDS, "x", "a\tb\n", "leave it out");
    refuse(FP_READER_TSV_SENTENCES, NULL, "a\n", "bad:1:1: 1 columns");
    refuse(FP_READER_TSV_SENTENCES, NULL, "a\t\n", "bad:1:3: the sentence is empty");
    refuse(FP_READER_TSV_SENTENCES, NULL, "\ta b\n", "the label is empty");
    fp_task_spec spec =
        make_spec(FP_READER_TREC, NULL, scratch_write("nul", "A:b c\0d\n", 8), scratch_path("nul"));
    expect_error(&spec, "nul:1:6: a NUL byte");
    spec.train.path = scratch_path("missing");
    expect_error(&spec, "missing: No such file");
    expect_error(&spec, "task task: ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_have_names),           cmocka_unit_test(words_are_labelled_by_a_column),
        cmocka_unit_test(pairs_are_head_and_dependent), cmocka_unit_test(splits_take_ranges),
        cmocka_unit_test(prepositions_are_selected),    cmocka_unit_test(questions_are_latin1),
        cmocka_unit_test(tables_of_words_are_read),     cmocka_unit_test(tables_of_sentences_are_read),
        cmocka_unit_test(plain_text_has_no_instances),  cmocka_unit_test(broken_conllu_is_refused),
        cmocka_unit_test(broken_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
