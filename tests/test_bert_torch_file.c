/* pytorch_model.bin: files made here by hand, whole and damaged. */
#include "bert/torch_file.h"
#include "fineprobe/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include <cmocka.h>

static fp_error error;
static char folder[] = "/tmp/fineprobe-torch-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return fp_folder_remove(folder, &error);
}

/* Bytes put together piece by piece. */
typedef struct buffer {
    unsigned char bytes[4096];
    size_t size;
} buffer;

static void put(buffer *b, const void *bytes, size_t n) {
    assert_true(b->size + n <= sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, n);
    b->size += n;
}

static void op(buffer *b, int code) {
    unsigned char byte = (unsigned char)code;
    put(b, &byte, 1);
}

static void put_text(buffer *b, const char *text) {
    uint32_t n = (uint32_t)strlen(text);
    op(b, 'X');
    put(b, &n, 4);
    put(b, text, n);
}

static void put_integer(buffer *b, int32_t value) {
    op(b, 'J');
    put(b, &value, 4);
}

static void put_global(buffer *b, const char *module, const char *name) {
    op(b, 'c');
    put(b, module, strlen(module));
    op(b, '\n');
    put(b, name, strlen(name));
    op(b, '\n');
}

/* name: tensor [2, 3] of storage KEY with these strides, into the dict on the stack. */
static void put_tensor(buffer *b, const char *name, const char *key, int32_t numbers, int32_t offset,
                       int32_t stride0, int32_t stride1, int legacy) {
    put_text(b, name);
    put_global(b, "torch._utils", "_rebuild_tensor_v2");
    op(b, '(');
    op(b, '(');
    put_text(b, "storage");
    put_global(b, "torch", "FloatStorage");
    put_text(b, key);
    put_text(b, "cpu");
    put_integer(b, numbers);
    if (legacy)
        op(b, 'N');
    op(b, 't');
    op(b, 'Q');
    put_integer(b, offset);
    put_integer(b, 2);
    put_integer(b, 3);
    op(b, 0x86);
    put_integer(b, stride0);
    put_integer(b, stride1);
    op(b, 0x86);
    op(b, 0x89);
    put_global(b, "collections", "OrderedDict");
    op(b, ')');
    op(b, 'R');
    op(b, 't');
    op(b, 'R');
}

/* Two tensors that share a storage of 0 .. 7: "plain" from number 1 on, "turned" with its axes swapped. */
static void put_state(buffer *b, int legacy) {
    put(b, "\x80\x02", 2);
    op(b, '}');
    op(b, '(');
    put_tensor(b, "plain", "s", 8, 1, 3, 1, legacy);
    put_tensor(b, "turned", "s", 8, 0, 1, 2, legacy);
    op(b, 'u');
    op(b, '.');
}

static const float NUMBERS[8] = {0, 1, 2, 3, 4, 5, 6, 7};

static void put_legacy(buffer *b) {
    put(b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    put(b, "\x80\x02M\xe9\x03.", 6);
    put(b, "\x80\x02}.", 4);
    put_state(b, 1);
    put(b, "\x80\x02]", 3);
    put_text(b, "s");
    put(b, "a.", 2);
    int64_t n = 8;
    put(b, &n, sizeof n);
    put(b, NUMBERS, sizeof NUMBERS);
}

static char *write_file(const char *name, const void *bytes, size_t size) {
    char *path = fp_path_join(folder, name, &error);
    remove(path); /* a file that is emptied and written again would be synced, and this happens often */
    FILE *file = fopen(path, "wb");
    assert_true(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
    return path;
}

static char *write_zip(const buffer *pickle) {
    char *path = fp_path_join(folder, "zip.bin", &error);
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    zip_source_t *state = zip_source_buffer(archive, pickle->bytes, pickle->size, 0);
    zip_source_t *numbers = zip_source_buffer(archive, NUMBERS, sizeof NUMBERS, 0);
    zip_int64_t first = zip_file_add(archive, "model/data.pkl", state, 0);
    zip_int64_t second = zip_file_add(archive, "model/data/s", numbers, 0);
    assert_true(first >= 0 && second >= 0);
    zip_set_file_compression(archive, (zip_uint64_t)first, ZIP_CM_STORE, 0);
    zip_set_file_compression(archive, (zip_uint64_t)second, ZIP_CM_STORE, 0);
    assert_int_equal(zip_close(archive), 0);
    return path;
}

static void expect_numbers(const char *path) {
    fp_torch_file *file = fp_torch_open(path, &error);
    if (!file)
        fail_msg("%s", error.text);
    const fp_tensor_view *plain = fp_torch_find(file, "plain"), *turned = fp_torch_find(file, "turned");
    float a[6], b[6];
    const float expected_a[6] = {1, 2, 3, 4, 5, 6}, expected_b[6] = {0, 2, 4, 1, 3, 5};
    assert_int_equal(fp_tensor_to_float(plain, a, &error), 0);
    assert_int_equal(fp_tensor_to_float(turned, b, &error), 0);
    assert_memory_equal(a, expected_a, sizeof a);
    assert_memory_equal(b, expected_b, sizeof b);
    assert_int_equal(turned->shape[1], 3);
    assert_null(fp_torch_find(file, "other"));
    fp_torch_close(file);
}

static void both_containers_are_read(void **state) {
    (void)state;
    buffer legacy = {.size = 0}, pickle = {.size = 0};
    put_legacy(&legacy);
    put_state(&pickle, 0);
    char *a = write_file("legacy.bin", legacy.bytes, legacy.size), *b = write_zip(&pickle);
    expect_numbers(a);
    expect_numbers(b);
    free(a);
    free(b);
}

static void expect_refusal(const buffer *pickle, const char *names) {
    char *path = write_zip(pickle);
    assert_null(fp_torch_open(path, &error));
    if (!strstr(error.text, names) || !strstr(error.text, "zip.bin"))
        fail_msg("\"%s\" does not name \"%s\"", error.text, names);
    free(path);
}

static void what_could_run_code_is_refused_by_name(void **state) {
    (void)state;
    buffer b = {.size = 0};
    put(&b, "\x80\x02", 2);
    put_global(&b, "os", "system");
    put_text(&b, "true");
    put(&b, "\x85R.", 3);
    expect_refusal(&b, "os.system");
    b.size = 0;
    put(&b, "\x80\x04", 2);
    put_text(&b, "builtins");
    put_text(&b, "eval");
    put(&b, "\x93.", 2);
    expect_refusal(&b, "builtins.eval");
    b.size = 0;
    put(&b, "\x80\x02(i", 4);
    expect_refusal(&b, "opcode 0x69");
    b.size = 0;
    put(&b, "\x80\x02", 2);
    put_global(&b, "torch", "FloatStorage");
    put(&b, ")R.", 3);
    expect_refusal(&b, "call");
}

static void impossible_tensors_are_refused(void **state) {
    (void)state;
    static const int32_t cases[][4] = {/* numbers, offset, strides */
                                       {8, 3, 3, 1},         {8, 0, 4, 2}, {8, -1, 3, 1}, {8, 0, -1, 1},
                                       {8, 0, INT32_MAX, 1}, {1, 0, 0, 0}, {9, 0, 3, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buffer b = {.size = 0};
        put(&b, "\x80\x02}(", 4);
        put_tensor(&b, "w", "s", cases[i][0], cases[i][1], cases[i][2], cases[i][3], 0);
        put(&b, "u.", 2);
        expect_refusal(&b, i + 1 < sizeof cases / sizeof *cases ? "a tensor" : "too few");
    }
    buffer b = {.size = 0};
    put(&b, "\x80\x02}(", 4);
    put_tensor(&b, "w", "elsewhere", 8, 0, 3, 1, 0);
    put(&b, "u.", 2);
    expect_refusal(&b, "data/elsewhere");
    b.size = 0;
    put(&b, "\x80\x02}.", 4);
    expect_refusal(&b, "no tensor");
    b.size = 0;
    put(&b, "\x80\x02K\x01.", 5);
    expect_refusal(&b, "no state dict");
}

/* Whatever happens to the bytes, the answer is a file or an error, not a crash; a file cut short is an error.
 */
static void damage_is_noticed(void **state) {
    (void)state;
    buffer whole = {.size = 0};
    put_legacy(&whole);
    for (size_t n = 0; n < whole.size; n++) {
        char *path = write_file("cut.bin", whole.bytes, n);
        assert_null(fp_torch_open(path, &error));
        assert_non_null(strstr(error.text, "cut.bin"));
        free(path);
    }
    static const unsigned char extremes[] = {0, 1, 0x7f, 0x80, 0xff, '(', '.', 't', 'R', 'u', 'h', 'Q'};
    for (size_t i = 0; i < whole.size - sizeof NUMBERS; i++)
        for (size_t k = 0; k < sizeof extremes; k++) {
            buffer damaged = whole;
            damaged.bytes[i] = extremes[k];
            char *path = write_file("damaged.bin", damaged.bytes, damaged.size);
            fp_torch_close(fp_torch_open(path, &error));
            free(path);
        }
}

static void damage_to_archives_is_noticed(void **state) {
    (void)state;
    buffer pickle = {.size = 0};
    put_state(&pickle, 0);
    char *archive = write_zip(&pickle);
    size_t size;
    unsigned char *whole = (unsigned char *)fp_file_read(archive, &size, &error);
    for (size_t n = 0; n < size; n++) {
        char *path = write_file("cut.bin", whole, n);
        assert_null(fp_torch_open(path, &error));
        assert_non_null(strstr(error.text, "cut.bin"));
        free(path);
    }
    static const unsigned char extremes[] = {0, 1, 0x7f, 0x80, 0xff, '(', '.', 'R'};
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < sizeof extremes; k++) {
            unsigned char kept = whole[i];
            whole[i] = extremes[k];
            char *path = write_file("damaged.bin", whole, size);
            fp_torch_close(fp_torch_open(path, &error));
            free(path);
            whole[i] = kept;
        }
    free(whole);
    free(archive);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_containers_are_read),
        cmocka_unit_test(what_could_run_code_is_refused_by_name),
        cmocka_unit_test(impossible_tensors_are_refused),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(damage_to_archives_is_noticed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
