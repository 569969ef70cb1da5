/* The base: errors, memory, random numbers, digests, files. */
#include "fineprobe/digest.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/rng.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void errors_carry_their_context(void **state) {
    (void)state;
    fp_error error = {0};
    assert_int_equal(fp_fail(&error, "tensor %s is missing", "w"), -1);
    assert_int_equal(fp_error_context(&error, "model %s", "tiny"), -1);
    assert_string_equal(error.text, "model tiny: tensor w is missing");
    errno = ENOENT;
    fp_fail_errno(&error, "cannot open %s", "x");
    assert_string_equal(error.text, "cannot open x: No such file or directory");
    assert_int_equal(fp_fail(NULL, "nobody listens"), -1);
}

static void allocations_refuse_overflow(void **state) {
    (void)state;
    fp_error error = {0};
    assert_null(fp_alloc((size_t)-1, 16, "far too much", &error));
    assert_non_null(strstr(error.text, "far too much"));
    unsigned char *bytes = fp_alloc(3, 5, "little", &error);
    assert_int_equal((size_t)bytes % 64, 0);
    for (int i = 0; i < 15; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
}

/* The known answers of Philox4x32-10 published with Random123. */
static void philox_gives_its_published_numbers(void **state) {
    (void)state;
    uint32_t out[4];
    fp_rng_block((fp_rng_key){{0, 0}}, 0, out);
    const uint32_t expected[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    assert_memory_equal(out, expected, sizeof out);
}

static void random_numbers_have_their_distribution(void **state) {
    (void)state;
    fp_rng_key key = fp_rng_key_of(1, FP_RNG_DATA, 2, 3);
    double sum = 0, square = 0, uniform = 0;
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        double x = fp_rng_normal(key, (uint64_t)i);
        sum += x;
        square += x * x;
        uniform += fp_rng_uniform(key, (uint64_t)i);
    }
    assert_true(fabs(sum / N) < 0.02);
    assert_true(fabs(square / N - 1) < 0.02);
    assert_true(fabs(uniform / N - 0.5) < 0.005);
    fp_rng_key other = fp_rng_key_of(1, FP_RNG_ORDER, 2, 3);
    assert_true(memcmp(&key, &other, sizeof key) != 0);
}

static void permutations_hold_everything_once(void **state) {
    (void)state;
    enum { N = 257 };
    uint32_t out[N];
    int seen[N] = {0}, moved = 0;
    fp_rng_permutation(fp_rng_key_of(7, FP_RNG_ORDER, 0, 0), N, out);
    for (int i = 0; i < N; i++) {
        assert_true(out[i] < N);
        seen[out[i]]++;
        moved += out[i] != (uint32_t)i;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > N / 2);
}

static void digests_tell_pieces_apart(void **state) {
    (void)state;
    fp_error error = {0};
    fp_digester *a = fp_digester_create(&error), *b = fp_digester_create(&error);
    fp_digest_text(a, "x", "ab");
    fp_digest_text(a, "y", "c");
    fp_digest_text(b, "x", "a");
    fp_digest_text(b, "y", "bc");
    assert_false(fp_digest_equal(fp_digest_end(a), fp_digest_end(b)));
    char text[FP_DIGEST_TEXT];
    fp_digest back;
    fp_digest_format(fp_digest_end(a), text);
    assert_int_equal(fp_digest_parse(text, &back), 0);
    assert_true(fp_digest_equal(fp_digest_end(a), back));
    assert_int_equal(fp_digest_parse("not hexadecimal", &back), -1);
    fp_digester_destroy(a);
    fp_digester_destroy(b);
}

static void files_are_written_whole(void **state) {
    (void)state;
    fp_error error = {0};
    char folder[] = "/tmp/fineprobe-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *deep = fp_path_join(folder, "a/b/c", &error), *path = fp_path_join(deep, "file", &error);
    assert_int_equal(fp_folder_create(deep, &error), 0);
    assert_int_equal(fp_folder_create(deep, &error), 0);
    assert_int_equal(fp_file_write(path, "hello", 5, &error), 0);
    size_t size = 0;
    char *text = fp_file_read(path, &size, &error);
    assert_string_equal(text, "hello");
    assert_int_equal(size, 5);
    assert_int_equal(fp_folder_bytes(folder), 5);
    assert_int_equal(fp_folder_remove(folder, &error), 0);
    assert_false(fp_path_exists(folder));
    assert_int_equal(fp_folder_remove(folder, &error), 0);
    assert_null(fp_file_read(path, &size, &error));
    assert_non_null(strstr(error.text, path));
    free(text);
    free(path);
    free(deep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_carry_their_context),
        cmocka_unit_test(allocations_refuse_overflow),
        cmocka_unit_test(philox_gives_its_published_numbers),
        cmocka_unit_test(random_numbers_have_their_distribution),
        cmocka_unit_test(permutations_hold_everything_once),
        cmocka_unit_test(digests_tell_pieces_apart),
        cmocka_unit_test(files_are_written_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
