#include "command.h"

#include "fineprobe/file.h"
#include "fineprobe/wordpiece.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: fineprobe tokenize --model=DIR [FILE]\n"
    "\n"
    "Cuts every line of FILE (or of standard input) into the word pieces of a model, as uncased\n"
    "BERT does. Writes one JSON object a line: \"text\", \"pieces\", and their \"ids\", without\n"
    "[CLS] and [SEP].\n"
    "\n"
    "Options:\n"
    "  -m, --model=DIR   a folder with vocab.txt\n"
    "      --help        this text\n"
    "\n"
    "Bytes that are not UTF-8 count as U+FFFD, which the tokeniser drops; so does NUL.\n"
    "\n"
    "Example:\n"
    "  echo 'The cook saw her.' | fineprobe tokenize --model experiments/demo\n";

typedef struct fp_ids {
    int32_t *of;
    size_t count, capacity;
} fp_ids;

/* One line out; 0, or -1. */
static int put_line(const fp_wordpiece *tokenizer, const char *text, fp_ids *ids, fp_error *error) {
    ids->count = 0;
    if (fp_wordpiece_encode(tokenizer, text, &ids->of, &ids->count, &ids->capacity, error) < 0)
        return -1;
    json_t *pieces = json_array(), *numbers = json_array();
    for (size_t i = 0; i < ids->count; i++) {
        json_array_append_new(pieces, json_string(fp_wordpiece_piece(tokenizer, ids->of[i])));
        json_array_append_new(numbers, json_integer(ids->of[i]));
    }
    json_t *object = json_pack("{s:s, s:o, s:o}", "text", text, "pieces", pieces, "ids", numbers);
    int rc = object ? 0 : fp_fail_memory(error, "a line", strlen(text));
    if (rc == 0 && (json_dumpf(object, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF))
        rc = fp_fail_errno(error, "cannot write the output");
    json_decref(object);
    return rc;
}

static int put_lines(const fp_wordpiece *tokenizer, FILE *in, const char *name, fp_error *error) {
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    fp_ids ids = {0};
    int rc = 0;
    errno = 0;
    while (rc == 0 && (size = getline(&line, &room, in)) >= 0) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
            size--;
        char *text = fp_clean_text(line, (size_t)size);
        rc = text ? put_line(tokenizer, text, &ids, error) : fp_fail_memory(error, "a line", (size_t)size);
        free(text);
    }
    if (rc == 0 && !feof(in))
        rc = fp_fail_errno(error, "cannot read %s", name);
    if (rc == 0 && fflush(stdout) != 0)
        rc = fp_fail_errno(error, "cannot write the output");
    free(line);
    free(ids.of);
    return rc;
}

static int tokenize(const char *model, const char *file) {
    fp_error error = {0};
    char *vocab = fp_path_join(model, "vocab.txt", &error);
    fp_wordpiece *tokenizer = vocab ? fp_wordpiece_open(vocab, &error) : NULL;
    FILE *in = tokenizer && file ? fopen(file, "r") : stdin;
    int rc = -1;
    if (!in)
        fp_fail_errno(&error, "cannot read %s", file);
    else if (tokenizer)
        rc = put_lines(tokenizer, in, file ? file : "standard input", &error);
    if (in && in != stdin)
        fclose(in);
    fp_wordpiece_close(tokenizer);
    free(vocab);
    if (rc < 0)
        fp_complain(error.text);
    return rc < 0 ? FP_EXIT_FAILED : FP_EXIT_OK;
}

static int run(int argc, char **argv) {
    static const struct option options[] = {{"model", required_argument, NULL, 'm'}, {0}};
    const char *model = NULL, *file = NULL;
    int c, code = 0;
    while ((c = fp_option(&fp_command_tokenize, argc, argv, "m:", options, &code)) != -1) {
        if (c == -2)
            return code;
        model = optarg;
    }
    if (optind < argc && !(file = fp_argument(&fp_command_tokenize, argc, argv, "FILE")))
        return FP_EXIT_USAGE;
    if (!model)
        return fp_misused(&fp_command_tokenize, "--model DIR is missing: a folder with vocab.txt");
    return tokenize(model, file && strcmp(file, "-") != 0 ? file : NULL);
}

const fp_command fp_command_tokenize = {"tokenize", "cut lines of text into word pieces", help, run};
