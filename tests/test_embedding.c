/* Vectors of a task under a small random model: layers as people write them, files of vectors and what is
 * read back. */
#include "fineprobe/memory.h"
#include "run/embedding.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_layers(const char *text, size_t last, const int *expected, size_t n) {
    fp_error error = {0};
    int *layers;
    size_t count;
    if (fp_layers_parse(text, last, &layers, &count, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(count, n);
    assert_memory_equal(layers, expected, n * sizeof *layers);
    free(layers);
}

static void layers_as_people_write_them(void **state) {
    (void)state;
    assert_layers("all", 3, (const int[]){0, 1, 2, 3}, 4);
    assert_layers("0,2,last", 4, (const int[]){0, 2, 4}, 3);
    assert_layers("last,first", 12, (const int[]){0, 12}, 2);
    assert_layers("2,1,2", 2, (const int[]){1, 2}, 2);
    assert_layers("0", 0, (const int[]){0}, 1);
}

static void layers_that_are_not_there(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "3", "0,,1", "1,", "-1", "one", "1 2", "lastx", "99999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fp_error error = {0};
        int *layers;
        size_t count;
        if (fp_layers_parse(wrong[i], 2, &layers, &count, &error) == 0)
            fail_msg("\"%s\" was taken for layers", wrong[i]);
        assert_non_null(strstr(error.text, "0 to 2"));
    }
}

static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ncat\ndog\nsees\n##s\n";
static const char train_text[] = "a\tDET\ncat\tNOUN\nsees\tVERB\n\na\tDET\ndogs\tNOUN\n";
static const char test_text[] = "a\tDET\ndog\tNOUN\nsees\t_\n";

/* A folder with a random model of two layers, 8 wide. */
static const char *make_model(void) {
    const fp_bert_config config = {.vocab_size = 10,
                                   .hidden = 8,
                                   .layers = 2,
                                   .heads = 2,
                                   .intermediate = 16,
                                   .positions = 12,
                                   .types = 2,
                                   .layer_norm_eps = 1e-12,
                                   .initializer_range = 0.5};
    fp_error error = {0};
    const char *folder = scratch_path("model"), *vocab = scratch_text("vocab.txt", vocabulary);
    fp_bert *model = fp_bert_random(&config, 1, &error);
    if (!model || (!fp_path_exists(folder) && fp_bert_save(model, folder, vocab, &error) < 0))
        fail_msg("%s", error.text);
    fp_bert_free(model);
    return folder;
}

static void note_share(void *context, double share) {
    *(double *)context = share;
}

static void write_vectors(const fp_task_spec *task, const int *layers, size_t n_layers, const char *path) {
    fp_error error = {0};
    fp_embedding embedding;
    double share = 0;
    if (fp_embedding_open(make_model(), task, &embedding, &error) < 0 ||
        fp_embedding_write(&embedding, layers, n_layers, path, note_share, &share, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(share > 0.99 && share < 1.01);
    fp_embedding_close(&embedding);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    const char *path = scratch_path("both.safetensors");
    fp_task_spec task = {.name = "POS",
                         .reader = FP_READER_TSV_WORDS,
                         .train.path = scratch_text("train.tsv", train_text),
                         .test.path = scratch_text("test.tsv", test_text)};
    write_vectors(&task, (const int[]){0, 2}, 2, path);
    fp_error error = {0};
    fp_vectors vectors;
    assert_int_equal(fp_vectors_read(path, 2, "train", &vectors, &error), 0);
    assert_int_equal(vectors.n, 5);
    assert_int_equal(vectors.width, 8);
    assert_memory_equal(vectors.labels, ((const int32_t[]){0, 1, 2, 0, 1}), 5 * sizeof(int32_t));
    assert_memory_not_equal(vectors.points, vectors.points + 8, 8 * sizeof(float));
    fp_vectors_free(&vectors);
    assert_int_equal(fp_vectors_read(path, 0, "test", &vectors, &error), 0);
    assert_int_equal(vectors.n, 2);
    fp_vectors_free(&vectors);
    assert_int_equal(fp_vectors_read(path, 1, "test", &vectors, &error), -1);
}

static void a_test_set_is_optional(void **state) {
    (void)state;
    const char *path = scratch_path("train.safetensors");
    fp_task_spec task = {
        .name = "POS", .reader = FP_READER_TSV_WORDS, .train.path = scratch_text("train.tsv", train_text)};
    write_vectors(&task, (const int[]){1}, 1, path);
    fp_error error = {0};
    fp_vectors vectors;
    assert_int_equal(fp_vectors_read(path, 1, "train", &vectors, &error), 0);
    assert_int_equal(vectors.n, 5);
    fp_vectors_free(&vectors);
    assert_int_equal(fp_vectors_read(path, 1, "test", &vectors, &error), -1);
    assert_non_null(strstr(error.text, "layer.1.test"));
}

static void states_of_a_probe(void **state) {
    (void)state;
    assert_string_equal(fp_probe_state(&(fp_directprobe_result){.n_present = 1, .linear = 1}), "one label");
    assert_string_equal(fp_probe_state(&(fp_directprobe_result){.n_present = 3, .linear = 1}), "linear");
    assert_string_equal(fp_probe_state(&(fp_directprobe_result){.n_present = 3, .linear = 1, .undecided = 1}),
                        "undecided");
    assert_string_equal(fp_probe_state(&(fp_directprobe_result){.n_present = 3}), "not linear");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_as_people_write_them), cmocka_unit_test(layers_that_are_not_there),
        cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(a_test_set_is_optional),
        cmocka_unit_test(states_of_a_probe)};
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
