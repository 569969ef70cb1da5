#include "task/conllu.h"

#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789";

/* A whole number of at most nine digits; -1 for anything else. */
static long parse_number(const char *text) {
    size_t n = strspn(text, digits);
    return n > 0 && n <= 9 && text[n] == '\0' ? strtol(text, NULL, 10) : -1;
}

/* "1-2" or "1.1": a range of words in one token, or a word that is not in the text. */
static int is_no_word(const char *id) {
    size_t n = strspn(id, digits);
    if (n == 0 || (id[n] != '-' && id[n] != '.'))
        return 0;
    return parse_number(id + n + 1) >= 0;
}

static int read_word(fp_collector *collector, size_t n_columns, fp_word_instances *add, const void *context,
                     fp_error *error) {
    const fp_lines *lines = &collector->lines;
    char *fields[FP_CONLLULEX_COLUMNS];
    size_t n = fp_cut_fields(lines->line, '\t', fields, FP_CONLLULEX_COLUMNS);
    if (n < n_columns) /* more are fine: formats add columns to CoNLL-U's */
        return fp_lines_fail(lines, lines->line, error,
                             "%zu columns, %zu or more separated by tabs were expected", n, n_columns);
    if (is_no_word(fields[FP_ID]))
        return 0;
    if (parse_number(fields[FP_ID]) != (long)collector->n_words + 1)
        return fp_lines_fail(lines, fields[FP_ID], error, "ID is \"%s\", %zu was expected", fields[FP_ID],
                             collector->n_words + 1);
    if (fields[FP_FORM][0] == '\0')
        return fp_lines_fail(lines, fields[FP_FORM], error, "FORM is empty");
    if (fp_collect_word(collector, fields[FP_FORM], error) < 0)
        return -1;
    return add(collector, (uint32_t)(collector->n_words - 1), fields, context, error);
}

int fp_read_conllu_lines(fp_collector *collector, size_t n_columns, fp_word_instances *add,
                         const void *context, fp_error *error) {
    int more;
    while ((more = fp_lines_next(&collector->lines, error)) > 0) {
        int rc = 0;
        if (collector->lines.line[0] == '\0')
            rc = fp_collect_end(collector, error);
        else if (collector->lines.line[0] != '#')
            rc = read_word(collector, n_columns, add, context, error);
        if (rc < 0)
            return -1;
    }
    return more < 0 ? -1 : fp_collect_end(collector, error);
}

/* A column that can be a word's label. */
typedef struct label_column {
    const char *name;
    int index;
} label_column;

static int add_word(fp_collector *collector, uint32_t index, char **fields, const void *context,
                    fp_error *error) {
    const label_column *column = context;
    return fp_collect_instance(collector, index, index, fields[column->index], column->name, error);
}

static int add_pair(fp_collector *collector, uint32_t index, char **fields, const void *context,
                    fp_error *error) {
    (void)context;
    long head = parse_number(fields[FP_HEAD]);
    if (head < 0)
        return fp_lines_fail(&collector->lines, fields[FP_HEAD], error,
                             "HEAD is \"%s\", the number of a word (or 0 for the root) was expected",
                             fields[FP_HEAD]);
    if (head == (long)index + 1)
        return fp_lines_fail(&collector->lines, fields[FP_HEAD], error, "HEAD is the word itself");
    if (head == 0)
        return 0;
    return fp_collect_instance(collector, (uint32_t)head - 1, index, fields[FP_DEPREL], "DEPREL", error);
}

int fp_read_conllu(fp_collector *collector, fp_error *error) {
    static const label_column columns[] = {{"UPOS", FP_UPOS},
                                           {"XPOS", FP_XPOS},
                                           {"DEPREL", FP_DEPREL},
                                           {"FEATS", FP_FEATS},
                                           {"LEMMA", FP_LEMMA}};
    const char *label = collector->spec->label;
    if (collector->spec->reader == FP_READER_CONLLU_PAIRS) {
        if (label && strcmp(label, "DEPREL") != 0)
            return fp_fail(error, "label is \"%s\", pairs are labelled by DEPREL", label);
        return fp_read_conllu_lines(collector, FP_CONLLU_COLUMNS, add_pair, NULL, error);
    }
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (strcmp(label ? label : "UPOS", columns[i].name) == 0)
            return fp_read_conllu_lines(collector, FP_CONLLU_COLUMNS, add_word, &columns[i], error);
    }
    return fp_fail(error, "label is \"%s\", a column (UPOS, XPOS, DEPREL, FEATS, LEMMA) was expected", label);
}
