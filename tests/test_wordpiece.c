/* The tokeniser, against a small vocabulary and the rules of the uncased BERT models. */
#include "fineprobe/wordpiece.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char vocabulary[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
    "un\n##aff\n##able\n##a\na\n.\n,\n$\ncafe\n##s\n"
    "\xe4\xb8\x80\nstra\xc3\x9f\n##e\n\xcf\x83\n(\n##un\n\xe2\x80\x94\nab\n";

static fp_wordpiece *tokenizer;

static int open_tokenizer(void **state) {
    fp_error error = {0};
    if (make_scratch(state) < 0)
        return -1;
    tokenizer = fp_wordpiece_open(scratch_text("vocab.txt", vocabulary), &error);
    return tokenizer ? 0 : -1;
}

static int close_tokenizer(void **state) {
    fp_wordpiece_close(tokenizer);
    return remove_scratch(state);
}

/* The pieces of TEXT, joined by spaces, are EXPECTED. */
static void expect(const char *text, const char *expected) {
    fp_error error = {0};
    int32_t *ids = NULL;
    size_t n = 0, capacity = 0;
    char found[2048] = "";
    if (fp_wordpiece_encode(tokenizer, text, &ids, &n, &capacity, &error) < 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%s", i ? " " : "",
                 fp_wordpiece_piece(tokenizer, ids[i]));
    }
    free(ids);
    assert_string_equal(found, expected);
}

static void pieces_have_their_line_as_id(void **state) {
    (void)state;
    fp_special_pieces special = fp_wordpiece_special(tokenizer);
    assert_int_equal(special.pad, 0);
    assert_int_equal(special.unk, 1);
    assert_int_equal(special.cls, 2);
    assert_int_equal(special.sep, 3);
    assert_int_equal(special.mask, 4);
    assert_int_equal(fp_wordpiece_size(tokenizer), 23);
    assert_string_equal(fp_wordpiece_piece(tokenizer, 7), "##able");
    assert_null(fp_wordpiece_piece(tokenizer, -1));
    assert_null(fp_wordpiece_piece(tokenizer, 23));
}

static void the_longest_piece_wins(void **state) {
    (void)state;
    expect("unaffable", "un ##aff ##able");
    expect("una", "un ##a");
    expect("unab", "[UNK]");
    expect("unun", "un ##un");
    expect("ab a", "ab a");
    expect("xyz un", "[UNK] un");
    expect("able", "[UNK]"); /* only known as a continuation */
    expect("", "");
    expect(" \t\r\n", "");
}

static void case_and_accents_go(void **state) {
    (void)state;
    expect("UnAffAble", "un ##aff ##able");
    expect("Caf\xc3\xa9s", "cafe ##s");  /* composed */
    expect("CAFE\xcc\x81S", "cafe ##s"); /* combining */
    expect(
        "STRA\xc3\x9f"
        "E",
        "stra\xc3\x9f ##e");
    expect("\xce\xa3", "\xcf\x83");
    expect("\xcc\x81", ""); /* an accent alone */
}

static void punctuation_and_ideographs_stand_alone(void **state) {
    (void)state;
    expect("un.,$a", "un . , $ a");
    expect("(un)", "( un [UNK]");
    expect("un\xe2\x80\x94un", "un \xe2\x80\x94 un");
    expect(
        "a\xe4\xb8\x80"
        "a",
        "a \xe4\xb8\x80 a");
    expect("[CLS]", "[UNK] [UNK] [UNK]"); /* text never becomes a special piece */
    expect("##a", "[UNK] [UNK] a");
}

static void text_is_cleaned(void **state) {
    (void)state;
    expect("u\x01n", "un");
    expect("u\xe2\x80\x8bn", "un"); /* zero-width space: a format character */
    expect("u\xef\xbf\xbdn", "un"); /* U+FFFD */
    expect("u\xffn a\xc3", "un a"); /* not UTF-8 */
    expect(
        "a\xc2\xa0"
        "a",
        "a a"); /* no-break space */
    expect(
        "a\xe3\x80\x80"
        "a\ta\na",
        "a a a a"); /* ideographic space */
    expect(
        "a\xe2\x80\xa8"
        "a",
        "a a");                 /* line separator */
    expect("\xee\x80\x80", ""); /* private use */
}

static void words_over_a_hundred_characters_are_unknown(void **state) {
    (void)state;
    char word[256], expected[1024] = "a", accents[256];
    memset(word, 'a', sizeof word);
    for (size_t i = 1, used = 1; i < 100; i++, used += 4)
        snprintf(expected + used, sizeof expected - used, " ##a");
    word[100] = '\0';
    expect(word, expected);
    word[100] = 'a';
    word[101] = '\0';
    expect(word, "[UNK]");
    word[101] = ' ';
    word[103] = '\0';
    expect(word, "[UNK] a");
    for (size_t i = 0; i < 200; i += 2) /* a hundred characters of two bytes are not too many */
        snprintf(accents + i, sizeof accents - i, "\xc3\xa1");
    expect(accents, expected);
}

static void ids_are_appended(void **state) {
    (void)state;
    fp_error error = {0};
    int32_t *ids = NULL;
    size_t n = 0, capacity = 0;
    for (int i = 0; i < 100; i++)
        assert_int_equal(fp_wordpiece_encode(tokenizer, "una", &ids, &n, &capacity, &error), 0);
    assert_int_equal(n, 200);
    assert_int_equal(ids[198], 5);
    assert_int_equal(ids[199], 8);
    free(ids);
}

static void refuse(const char *text, const char *expected) {
    fp_error error = {0};
    assert_null(fp_wordpiece_open(scratch_text("bad.txt", text), &error));
    if (!strstr(error.text, expected) || !strstr(error.text, "bad.txt"))
        fail_msg("\"%s\" does not say \"%s\"", error.text, expected);
}

static void broken_vocabularies_are_refused(void **state) {
    (void)state;
    fp_error error = {0};
    refuse("", "no piece [PAD]");
    refuse("[PAD]\n[UNK]\n[CLS]\na\n", "no piece [SEP]");
    refuse("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\na\n", "bad.txt:7: piece a is already on line 5");
    refuse("[PAD]\n[UNK]\na\xff\n", "bad.txt:3:2: byte 0xff is not UTF-8");
    assert_null(fp_wordpiece_open(scratch_path("none.txt"), &error));
    assert_non_null(strstr(error.text, "none.txt"));
}

static void line_ends_and_missing_masks_are_fine(void **state) {
    (void)state;
    fp_error error = {0};
    char *path = scratch_text("crlf.txt", "[PAD]\r\n\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n\r\nun");
    fp_wordpiece *other = fp_wordpiece_open(path, &error);
    assert_non_null(other);
    assert_int_equal(fp_wordpiece_size(other), 7);
    assert_int_equal(fp_wordpiece_special(other).unk, 2);
    assert_int_equal(fp_wordpiece_special(other).mask, -1);
    assert_string_equal(fp_wordpiece_piece(other, 6), "un");
    fp_wordpiece_close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_have_their_line_as_id),
        cmocka_unit_test(the_longest_piece_wins),
        cmocka_unit_test(case_and_accents_go),
        cmocka_unit_test(punctuation_and_ideographs_stand_alone),
        cmocka_unit_test(text_is_cleaned),
        cmocka_unit_test(words_over_a_hundred_characters_are_unknown),
        cmocka_unit_test(ids_are_appended),
        cmocka_unit_test(broken_vocabularies_are_refused),
        cmocka_unit_test(line_ends_and_missing_masks_are_fine),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
