/* Sentences as pieces, instances as spans, and what the position limit takes away. */
#include "fineprobe/encode.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { PAD, UNK, CLS, SEP, A, B, MORE };

static fp_wordpiece *tokenizer;

static int open_tokenizer(void **state) {
    fp_error error = {0};
    if (make_scratch(state) < 0)
        return -1;
    tokenizer =
        fp_wordpiece_open(scratch_text("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##b\n"), &error);
    return tokenizer ? 0 : -1;
}

static int close_tokenizer(void **state) {
    fp_wordpiece_close(tokenizer);
    return remove_scratch(state);
}

/* Two sentences: "a <empty> abb" and "b ab", every word an instance. */
static char *words[] = {"a", "\xe2\x80\x8b", "abb", "b", "ab"};
static size_t word_at[] = {0, 3, 5};
static fp_instance instances[] = {{0, 0, 0, 0}, {0, 1, 1, 1}, {0, 2, 2, 0}, {1, 0, 0, 1}, {1, 1, 1, 0}};
static const fp_split split = {2, 5, 5, word_at, words, instances, 2};

static fp_encoded encode(const fp_split *from, fp_instance_kind kind, size_t limit) {
    fp_error error = {0};
    fp_encoded out;
    if (fp_encode(tokenizer, from, kind, limit, &out, &error) < 0)
        fail_msg("%s", error.text);
    return out;
}

static void expect_span(fp_span span, uint32_t begin, uint32_t end) {
    assert_int_equal(span.begin, begin);
    assert_int_equal(span.end, end);
}

static void words_become_spans(void **state) {
    (void)state;
    fp_encoded out = encode(&split, FP_KIND_WORD, 512);
    const int32_t pieces[] = {CLS, A, UNK, A, MORE, MORE, SEP, CLS, B, A, MORE, SEP};
    assert_int_equal(out.n_pieces, 12);
    assert_memory_equal(out.pieces, pieces, sizeof pieces);
    assert_int_equal(out.piece_at[1], 7);
    assert_int_equal(out.piece_at[2], 12);
    assert_int_equal(out.instance_at[0], 0);
    assert_int_equal(out.instance_at[1], 3);
    assert_int_equal(out.instance_at[2], 5);
    expect_span(out.instances[0].first, 1, 2);
    expect_span(out.instances[1].first, 2, 3);
    expect_span(out.instances[2].first, 3, 6);
    expect_span(out.instances[4].first, 2, 4);
    assert_int_equal(out.instances[4].sentence, 1);
    assert_int_equal(out.instances[3].label, 1);
    assert_int_equal(out.longest, 7);
    assert_int_equal(out.empty_words, 1);
    assert_int_equal(out.cut_sentences + out.cut_words + out.cut_instances, 0);
    fp_encoded_free(&out);
}

static void pairs_have_two_spans(void **state) {
    (void)state;
    fp_instance pairs[] = {{0, 2, 0, 0}, {1, 0, 1, 1}};
    fp_split of_pairs = {2, 5, 2, word_at, words, pairs, 2};
    fp_encoded out = encode(&of_pairs, FP_KIND_PAIR, 512);
    expect_span(out.instances[0].first, 3, 6);
    expect_span(out.instances[0].second, 1, 2);
    expect_span(out.instances[1].second, 2, 4);
    fp_encoded_free(&out);
    out = encode(&of_pairs, FP_KIND_PAIR, 6); /* the head of the first falls away */
    assert_int_equal(out.n_instances, 1);
    assert_int_equal(out.cut_instances, 1);
    assert_int_equal(out.instance_at[1], 0);
    assert_int_equal(out.instances[0].sentence, 1);
    fp_encoded_free(&out);
}

static void sentences_are_their_first_piece(void **state) {
    (void)state;
    fp_instance whole[] = {{0, 0, 0, 0}, {1, 0, 0, 1}};
    fp_split of_sentences = {2, 5, 2, word_at, words, whole, 2};
    fp_encoded out = encode(&of_sentences, FP_KIND_SENTENCE, 3);
    assert_int_equal(out.n_instances, 2);
    expect_span(out.instances[0].first, 0, 1);
    expect_span(out.instances[1].first, 0, 1);
    assert_int_equal(out.cut_words, 3);
    fp_encoded_free(&out);
}

static void a_limit_cuts_behind_whole_words(void **state) {
    (void)state;
    fp_encoded out = encode(&split, FP_KIND_WORD, 7); /* just enough */
    assert_int_equal(out.cut_sentences, 0);
    fp_encoded_free(&out);
    out = encode(&split, FP_KIND_WORD, 6);
    const int32_t pieces[] = {CLS, A, UNK, SEP, CLS, B, A, MORE, SEP};
    assert_int_equal(out.n_pieces, 9);
    assert_memory_equal(out.pieces, pieces, sizeof pieces);
    assert_int_equal(out.n_instances, 4);
    assert_int_equal(out.longest, 5);
    assert_int_equal(out.cut_sentences, 1);
    assert_int_equal(out.cut_words, 1);
    assert_int_equal(out.cut_instances, 1);
    fp_encoded_free(&out);
}

static void a_first_word_too_long_leaves_an_empty_sentence(void **state) {
    (void)state;
    char *text[] = {"abbb", "a"};
    size_t at[] = {0, 2};
    fp_instance both[] = {{0, 0, 0, 0}, {0, 1, 1, 0}};
    fp_split one = {1, 2, 2, at, text, both, 1};
    fp_encoded out = encode(&one, FP_KIND_WORD, 5);
    assert_int_equal(out.n_sentences, 1);
    assert_int_equal(out.n_pieces, 2);
    assert_int_equal(out.n_instances, 0);
    assert_int_equal(out.cut_words, 2);
    assert_int_equal(out.instance_at[1], 0);
    fp_encoded_free(&out);
}

static void too_few_positions_are_refused(void **state) {
    (void)state;
    fp_error error = {0};
    fp_encoded out;
    assert_int_equal(fp_encode(tokenizer, &split, FP_KIND_WORD, 2, &out, &error), -1);
    assert_non_null(strstr(error.text, "2 positions"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_spans),
        cmocka_unit_test(pairs_have_two_spans),
        cmocka_unit_test(sentences_are_their_first_piece),
        cmocka_unit_test(a_limit_cuts_behind_whole_words),
        cmocka_unit_test(a_first_word_too_long_leaves_an_empty_sentence),
        cmocka_unit_test(too_few_positions_are_refused),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
