/* Model folders whose weights are cut short or whose header tells lies: an error that names the file and the
 * cause, in every container; never a crash, never a model. */
#include "bert_data.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "scratch.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { STEP = 997 /* prime, so that cuts fall everywhere in a number */ };

static char *weights;
static char *good; /* a whole file of weights */
static size_t size, data_at, metadata_at, metadata_end /* free text, not looked at */;

static int make_model(void **state) {
    if (make_scratch(state) < 0)
        return -1;
    fp_error error = {0};
    fp_bert_config config = small_config();
    fp_bert *model = fp_bert_random(&config, 1, &error);
    char *path = fp_format(&error, "%s/model", scratch_folder);
    int rc = fp_bert_save(model, path, NULL, &error);
    weights = fp_path_join(path, "model.safetensors", &error);
    good = fp_file_read(weights, &size, &error);
    uint64_t length;
    memcpy(&length, good, sizeof length);
    data_at = sizeof length + length;
    char *metadata = strstr(good + sizeof length, "__metadata__");
    assert_non_null(metadata);
    metadata_at = (size_t)(metadata - good);
    metadata_end = (size_t)(strchr(metadata, '}') - good);
    fp_bert_free(model);
    free(path);
    return rc;
}

static int remove_model(void **state) {
    free(weights);
    free(good);
    return remove_scratch(state);
}

/* Loads the folder with BYTES as its weights; 1 when that gives a model, else ERROR names the file. */
static int loads(const char *bytes, size_t n, fp_error *error) {
    char *folder = fp_path_folder(weights, error);
    remove(weights); /* a file that is emptied and written again would be synced, and this happens often */
    FILE *file = fopen(weights, "wb");
    assert_true(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
    error->text[0] = '\0';
    fp_bert *model = fp_bert_load(folder, error);
    free(folder);
    if (!model && (!strstr(error->text, weights) || strlen(error->text) < strlen(weights) + 10))
        fail_msg("\"%s\" does not name %s and a cause", error->text, weights);
    fp_bert_free(model);
    return model != NULL;
}

static void weights_cut_short_are_refused(void **state) {
    (void)state;
    fp_error error;
    assert_true(loads(good, size, &error));
    for (size_t n = 0; n < size; n += n < data_at ? 13 : STEP)
        assert_false(loads(good, n, &error));
    assert_false(loads(good, size - 1, &error));
}

/* The header with the text from AT to END replaced, and the data behind it. */
static char *replaced(size_t at, size_t end, const char *by, size_t *n) {
    size_t length = strlen(by);
    uint64_t header = data_at - 8 - (end - at) + length;
    char *bytes = malloc(size + length);
    memcpy(bytes, &header, 8);
    memcpy(bytes + 8, good + 8, at - 8);
    memcpy(bytes + at, by, length);
    memcpy(bytes + at + length, good + end, size - end);
    *n = size - (end - at) + length;
    return bytes;
}

/* Every shape and offset that the header gives, set to what it cannot be. */
static void every_number_of_the_header_at_its_extremes(void **state) {
    (void)state;
    static const char *const extremes[] = {"0",
                                           "-1",
                                           "1",
                                           "2147483647",
                                           "2147483648",
                                           "4294967296",
                                           "9223372036854775807",
                                           "-9223372036854775808",
                                           "18446744073709551616",
                                           "1e308",
                                           "0.5",
                                           "\"4\"",
                                           "null",
                                           "[]"};
    size_t numbers = 0, taken = 0;
    for (size_t at = 9; at < data_at; at++) {
        if (at >= metadata_at && at < metadata_end)
            continue;
        int starts = isdigit((unsigned char)good[at]) &&
                     (good[at - 1] == '[' || good[at - 1] == ',' || good[at - 1] == ' ');
        size_t end = at;
        while (starts && isdigit((unsigned char)good[end]))
            end++;
        if (end == at)
            continue;
        numbers++;
        for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
            fp_error error;
            size_t n, own = strlen(extremes[i]);
            char *bytes = replaced(at, end, extremes[i], &n);
            int same = own == end - at && memcmp(good + at, extremes[i], own) == 0;
            int loaded = loads(bytes, n, &error);
            if (loaded && !same)
                fail_msg("%.*s as %s is taken", (int)(end - at), good + at, extremes[i]);
            taken += (size_t)loaded;
            free(bytes);
        }
    }
    assert_true(numbers > 100 && taken < 20);
}

/* Every word of the header, so dtypes, names and keys, replaced by others. */
static void every_word_of_the_header_replaced(void **state) {
    (void)state;
    static const char *const words[] = {"",      "F16",          "F64",          "I64",     "Q8",  "shape",
                                        "dtype", "data_offsets", "__metadata__", "\\u0000", "\xff"};
    for (size_t at = 9; at < data_at; at++) {
        if (at >= metadata_at && at < metadata_end)
            continue;
        if (good[at - 1] != '"' || !(isalpha((unsigned char)good[at]) || good[at] == '_'))
            continue;
        size_t end = at;
        while (good[end] != '"')
            end++;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            fp_error error;
            size_t n;
            char *bytes = replaced(at, end, words[i], &n);
            int same = strlen(words[i]) == end - at && memcmp(good + at, words[i], end - at) == 0;
            if (loads(bytes, n, &error) && !same)
                fail_msg("%.*s as %s is taken", (int)(end - at), good + at, words[i]);
            free(bytes);
        }
        at = end;
    }
}

static void every_length_of_the_header(void **state) {
    (void)state;
    const uint64_t lengths[] = {0,    1,         data_at - 9, data_at - 7, size - 8,       size - 7,
                                size, INT32_MAX, UINT32_MAX,  INT64_MAX,   UINT64_MAX - 7, UINT64_MAX};
    char *bytes = malloc(size);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        fp_error error;
        memcpy(bytes, good, size);
        memcpy(bytes, &lengths[i], sizeof lengths[i]);
        assert_false(loads(bytes, size, &error));
    }
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_cut_short_are_refused),
        cmocka_unit_test(every_number_of_the_header_at_its_extremes),
        cmocka_unit_test(every_word_of_the_header_replaced),
        cmocka_unit_test(every_length_of_the_header),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
