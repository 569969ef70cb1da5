/* Safetensors: what is written is read back, and a damaged file is refused by name, never a fault. */
#include "fineprobe/rng.h"
#include "fineprobe/safetensors.h"
#include "scratch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static char path[128];

static int make_folder(void **state) {
    int rc = make_scratch(state);
    snprintf(path, sizeof path, "%s", scratch_path("file.safetensors"));
    return rc;
}

static fp_tensor_view vector(const char *name, fp_dtype dtype, size_t n, const void *data) {
    return (fp_tensor_view){.name = name, .dtype = dtype, .rank = 1, .shape = {n}, .count = n, .data = data};
}

/* A file of four tensors, one of odd length, one scalar, one empty. */
static void write_good(void) {
    static float matrix[6] = {1, -2, 3.5f, 0, -0.0f, 1e-40f};
    static const signed char bytes[3] = {-1, 2, 127};
    static const int64_t scalar = -5000000000;
    fp_tensor_view views[4] = {vector("bytes", FP_I8, 3, bytes), vector("matrix", FP_F32, 6, matrix),
                               vector("scalar", FP_I64, 1, &scalar), vector("empty", FP_F16, 0, NULL)};
    views[1].rank = 2;
    views[1].shape[0] = 2;
    views[1].shape[1] = 3;
    views[2].rank = 0;
    const char *metadata[] = {"format", "pt", "made by", "fineprobe \xc3\xa9", NULL};
    fp_error error = {0};
    if (fp_safetensors_write(path, views, 4, metadata, &error) < 0)
        fail_msg("%s", error.text);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    write_good();
    fp_error error = {0};
    fp_safetensors *file = fp_safetensors_open(path, &error);
    assert_non_null(file);
    assert_int_equal(fp_safetensors_count(file), 4);
    assert_string_equal(fp_safetensors_metadata(file, "format"), "pt");
    assert_string_equal(fp_safetensors_metadata(file, "made by"), "fineprobe \xc3\xa9");
    assert_null(fp_safetensors_metadata(file, "else"));
    assert_null(fp_safetensors_find(file, "matri"));
    const char *order[] = {"scalar", "matrix", "empty", "bytes"}; /* larger elements first */
    for (size_t i = 0; i < 4; i++) {
        const fp_tensor_view *view = fp_safetensors_at(file, i);
        assert_string_equal(view->name, order[i]);
        assert_ptr_equal(view, fp_safetensors_find(file, order[i]));
        assert_int_equal((uintptr_t)view->data % fp_dtype_size(view->dtype), 0);
    }
    assert_int_equal((uintptr_t)fp_safetensors_at(file, 0)->data % 64, 0);
    const fp_tensor_view *matrix = fp_safetensors_find(file, "matrix");
    assert_int_equal(matrix->rank, 2);
    assert_int_equal(matrix->shape[0], 2);
    assert_int_equal(matrix->shape[1], 3);
    float values[6];
    assert_int_equal(fp_tensor_to_float(matrix, values, &error), 0);
    const float expected[6] = {1, -2, 3.5f, 0, -0.0f, 1e-40f};
    assert_memory_equal(values, expected, sizeof expected);
    long long integer = 0, small[3];
    assert_int_equal(fp_safetensors_find(file, "scalar")->rank, 0);
    assert_int_equal(fp_tensor_to_int64(fp_safetensors_find(file, "scalar"), &integer, &error), 0);
    assert_true(integer == -5000000000);
    assert_int_equal(fp_tensor_to_int64(fp_safetensors_find(file, "bytes"), small, &error), 0);
    assert_true(small[0] == -1 && small[1] == 2 && small[2] == 127);
    assert_int_equal(fp_safetensors_find(file, "empty")->count, 0);
    fp_safetensors_close(file);
}

static float one_float(fp_dtype dtype, const void *bits) {
    fp_tensor_view view = vector("x", dtype, 1, bits);
    float out = 0;
    assert_int_equal(fp_tensor_to_float(&view, &out, NULL), 0);
    return out;
}

static float of_half(uint16_t bits) {
    return one_float(FP_F16, &bits);
}

static float of_bfloat(uint16_t bits) {
    return one_float(FP_BF16, &bits);
}

static void halves_convert_exactly(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        int exponent = (int)(bits >> 10 & 31), mantissa = (int)(bits & 1023);
        double sign = bits >> 15 ? -1 : 1;
        float value = of_half((uint16_t)bits);
        if (exponent == 31 && mantissa)
            assert_true(isnan(value));
        else if (exponent == 31)
            assert_true(isinf(value) && (value < 0) == (sign < 0));
        else
            assert_true((double)value ==
                        sign * (exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24)));
        assert_true(!signbit(value) == (sign > 0));
    }
}

static void other_reals_convert(void **state) {
    (void)state;
    assert_true(of_bfloat(0x3f80) == 1.0f);
    assert_true(of_bfloat(0xc049) == -3.140625f);
    assert_true(of_bfloat(0x0001) == 0x1p-133f);
    assert_true(isinf(of_bfloat(0xff80)) && of_bfloat(0xff80) < 0);
    assert_true(isnan(of_bfloat(0x7fc0)));
    double tie = 1 + 0x1p-24, above = 1 + 0x1p-24 + 0x1p-50, huge = 1e300;
    assert_true(one_float(FP_F64, &tie) == 1.0f);
    assert_true(one_float(FP_F64, &above) == 1 + 0x1p-23f);
    assert_true(isinf(one_float(FP_F64, &huge)));
    unsigned char unaligned[9] = {0};
    memcpy(unaligned + 1, &tie, sizeof tie);
    assert_true(one_float(FP_F64, unaligned + 1) == 1.0f);
}

static void wrong_kinds_are_refused(void **state) {
    (void)state;
    fp_error error = {0};
    int32_t integer = 3;
    float real = 3;
    long long out;
    fp_tensor_view view = vector("counts", FP_I32, 1, &integer);
    assert_int_equal(fp_tensor_to_float(&view, &real, &error), -1);
    assert_non_null(strstr(error.text, "counts"));
    view = vector("weights", FP_F32, 1, &real);
    assert_int_equal(fp_tensor_to_int64(&view, &out, &error), -1);
    assert_non_null(strstr(error.text, "weights"));
}

static void refuse_views(const fp_tensor_view *views, size_t n, const char *expected) {
    fp_error error = {0};
    assert_int_equal(fp_safetensors_write(path, views, n, NULL, &error), -1);
    if (!strstr(error.text, expected) || !strstr(error.text, path))
        fail_msg("\"%s\" does not say \"%s\"", error.text, expected);
}

static void the_writer_refuses_contradictions(void **state) {
    (void)state;
    unlink(path);
    float x[2] = {1, 2};
    fp_tensor_view views[2] = {vector("same", FP_F32, 2, x), vector("same", FP_F32, 2, x)};
    refuse_views(views, 2, "tensor same: two tensors");
    views[1] = vector("b", FP_F32, 2, x);
    views[1].count = 3;
    refuse_views(views, 2, "tensor b: its shape has 2 elements");
    views[1] = vector("b", FP_F32, 2, NULL);
    refuse_views(views, 2, "tensor b: it has no data");
    views[1] = vector("__metadata__", FP_F32, 2, x);
    refuse_views(views, 2, "reserved");
    views[1] = vector("\xff", FP_F32, 2, x);
    refuse_views(views, 2, "not UTF-8");
    views[1] = vector("b", FP_F32, 2, x);
    views[1].rank = 2;
    views[1].shape[0] = views[1].shape[1] = (size_t)1 << 40;
    refuse_views(views, 2, "than can be counted");
    const char *metadata[] = {"k", "\xff", NULL};
    fp_error error = {0};
    assert_int_equal(fp_safetensors_write(path, views, 1, metadata, &error), -1);
    assert_non_null(strstr(error.text, "metadata k"));
    assert_false(fp_path_exists(path));
    assert_int_equal(fp_safetensors_write("/nowhere/at/all", views, 1, NULL, &error), -1);
    assert_non_null(strstr(error.text, "/nowhere/at/all"));
    assert_true(fp_folder_bytes(scratch_folder) == 0);
}

/* Writes HEADER (its length before it) and DATA_SIZE bytes, and expects the reader to refuse them so. */
static void refuse_header(const char *header, size_t data_size, const char *expected) {
    uint64_t length = strlen(header);
    char *bytes = calloc(1, sizeof length + length + data_size);
    memcpy(bytes, &length, sizeof length);
    for (size_t i = 0; i < length; i++)
        bytes[sizeof length + i] = header[i];
    fp_error error = {0};
    assert_int_equal(fp_file_write(path, bytes, sizeof length + length + data_size, &error), 0);
    free(bytes);
    fp_safetensors *file = fp_safetensors_open(path, &error);
    fp_safetensors_close(file);
    if (file || !strstr(error.text, expected) || !strstr(error.text, path))
        fail_msg("%s: \"%s\" does not say \"%s\"", header, error.text, expected);
}

static void broken_headers_are_refused(void **state) {
    (void)state;
    refuse_header("{", 0, "header, byte");
    refuse_header("[]", 0, "not a JSON object");
    refuse_header("{} x", 0, "header, byte");
    refuse_header("{}", 4, "the file has 4");
    refuse_header("{\"a\":3}", 0, "tensor a: no dtype");
    refuse_header("{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype F99");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor a: no shape");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape[0] is not");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "shape[0] is not");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
                  "9 dimensions");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4,
                  "than can be counted");
    refuse_header("{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0,
                  "do not fill");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "do not fill");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "no data_offsets");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "no data_offsets");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 4,
                  "outside the 4 bytes");
    refuse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4,
                  "outside the 4 bytes");
    refuse_header(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        4, "tensor b: its data begin at 0, overlapping");
    refuse_header(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
        12, "tensor b: its data begin at 8, behind");
    refuse_header(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        8, "duplicate object key");
    refuse_header("{\"__metadata__\":[]}", 0, "__metadata__ is not");
    refuse_header("{\"__metadata__\":{\"k\":1}}", 0, "the value of k");
}

static void absurd_lengths_are_refused(void **state) {
    (void)state;
    const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 7, 100000001, 3, 1u << 20};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char bytes[10] = {0};
        fp_error error = {0};
        memcpy(bytes, &lengths[i], 8);
        bytes[8] = '{';
        bytes[9] = '}';
        assert_int_equal(fp_file_write(path, bytes, sizeof bytes, &error), 0);
        assert_null(fp_safetensors_open(path, &error));
        assert_non_null(strstr(error.text, "header has"));
    }
}

/* Opens the file and, when it is taken, touches every byte of it. */
static int opens(fp_error *error) {
    fp_safetensors *file = fp_safetensors_open(path, error);
    if (!file)
        return 0;
    size_t sum = 0, touched = 0;
    for (size_t i = 0; i < fp_safetensors_count(file); i++) {
        const fp_tensor_view *view = fp_safetensors_at(file, i);
        assert_ptr_equal(view, fp_safetensors_find(file, view->name));
        for (size_t k = 0; k < view->count * fp_dtype_size(view->dtype); k++, touched++)
            sum += ((const unsigned char *)view->data)[k];
    }
    assert_true(sum <= 255 * touched);
    fp_safetensors_close(file);
    return 1;
}

static void truncated_files_are_refused(void **state) {
    (void)state;
    enum { N = 3000 };
    static float data[N];
    fp_tensor_view views[3] = {vector("a", FP_F32, N, data), vector("b", FP_F16, N, data),
                               vector("c", FP_U8, N, data)};
    fp_error error = {0};
    assert_int_equal(fp_safetensors_write(path, views, 3, NULL, &error), 0);
    size_t size = 0;
    char *bytes = fp_file_read(path, &size, &error);
    assert_true(opens(&error));
    for (size_t keep = 0; keep < size; keep += keep < 400 ? 1 : 97) {
        scratch_write("file.safetensors", bytes, keep);
        error.text[0] = '\0';
        assert_false(opens(&error));
        assert_non_null(strstr(error.text, path));
    }
    free(bytes);
}

static void damaged_headers_never_fault(void **state) {
    (void)state;
    write_good();
    fp_error error = {0};
    size_t size = 0;
    char *bytes = fp_file_read(path, &size, &error);
    fp_rng_key key = fp_rng_key_of(11, FP_RNG_DATA, 0, 0);
    const char values[] = "\0\xff{}[]\":,0129e-. \\u";
    int refused = 0;
    for (size_t at = 0; at < size; at++) {
        for (int trial = 0; trial < 2; trial++) {
            char kept = bytes[at];
            bytes[at] = values[fp_rng_below(key, 2 * at + (size_t)trial, sizeof values - 1)];
            scratch_write("file.safetensors", bytes, size);
            error.text[0] = '\0';
            if (!opens(&error)) {
                assert_true(error.text[0] != '\0');
                refused++;
            }
            bytes[at] = kept;
        }
    }
    assert_true(refused > 100);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(halves_convert_exactly),
        cmocka_unit_test(other_reals_convert),
        cmocka_unit_test(wrong_kinds_are_refused),
        cmocka_unit_test(the_writer_refuses_contradictions),
        cmocka_unit_test(broken_headers_are_refused),
        cmocka_unit_test(absurd_lengths_are_refused),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(damaged_headers_never_fault),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_scratch);
}
