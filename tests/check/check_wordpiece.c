/* Compares the tokeniser with recorded cases: check_wordpiece VOCAB CASES, each line of CASES an object with
 * "text" and "ids". Prints how many agree and the first that does not. */
#include "fineprobe/wordpiece.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print_pieces(const char *title, const fp_wordpiece *tokenizer, const int32_t *ids, size_t n) {
    printf("  %s:", title);
    for (size_t i = 0; i < n; i++)
        printf(" %d=%s", ids[i], fp_wordpiece_piece(tokenizer, ids[i]));
    printf("\n");
}

/* The text without its NULs, which the tokeniser drops and a C string cannot hold. */
static char *text_of(const json_t *string) {
    size_t size = json_string_length(string), n = 0;
    char *out = json_is_string(string) ? calloc(size + 1, 1) : NULL;
    for (size_t i = 0; out && i < size; i++) {
        if (json_string_value(string)[i] != '\0')
            out[n++] = json_string_value(string)[i];
    }
    return out;
}

/* 1 when the case agrees, 0 when not, -1 when it is no case; SHOW prints the difference. */
static int check_case(const fp_wordpiece *tokenizer, const char *line, int show, double *seconds) {
    json_t *json = json_loads(line, JSON_ALLOW_NUL, NULL);
    char *text = text_of(json_object_get(json, "text"));
    const json_t *expected = json_object_get(json, "ids");
    if (!text || !json_is_array(expected)) {
        free(text);
        json_decref(json);
        return -1;
    }
    int32_t *ids = NULL, *wanted = calloc(json_array_size(expected) + 1, sizeof *wanted);
    size_t n = 0, capacity = 0, n_wanted = json_array_size(expected);
    for (size_t i = 0; i < n_wanted; i++)
        wanted[i] = (int32_t)json_integer_value(json_array_get(expected, i));
    fp_error error = {0};
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    int rc = fp_wordpiece_encode(tokenizer, text, &ids, &n, &capacity, &error);
    clock_gettime(CLOCK_MONOTONIC, &end);
    *seconds += (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    int same = rc == 0 && n == n_wanted && (n == 0 || memcmp(ids, wanted, n * sizeof *ids) == 0);
    if (!same && show) {
        printf("differs: %s", line);
        if (rc < 0)
            printf("  %s\n", error.text);
        print_pieces("expected", tokenizer, wanted, n_wanted);
        print_pieces("found", tokenizer, ids, n);
    }
    free(ids);
    free(wanted);
    free(text);
    json_decref(json);
    return same;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s VOCAB CASES\n", argv[0]);
        return 2;
    }
    fp_error error = {0};
    fp_wordpiece *tokenizer = fp_wordpiece_open(argv[1], &error);
    FILE *cases = fopen(argv[2], "r");
    if (!tokenizer || !cases) {
        fprintf(stderr, "%s\n", tokenizer ? "cannot open the cases" : error.text);
        return 2;
    }
    char *line = NULL;
    size_t capacity = 0, n = 0, agree = 0;
    double seconds = 0;
    int broken = 0;
    while (!broken && getline(&line, &capacity, cases) > 0) {
        int same = check_case(tokenizer, line, agree == n, &seconds);
        broken = same < 0;
        agree += same > 0;
        n++;
    }
    if (broken)
        fprintf(stderr, "%s:%zu: not a case\n", argv[2], n);
    printf("%zu of %zu (%.2f ms)\n", agree, n, seconds * 1e3);
    free(line);
    fclose(cases);
    fp_wordpiece_close(tokenizer);
    return broken ? 2 : agree == n && n > 0 ? 0 : 1;
}
