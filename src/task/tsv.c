/* Tables of tab-separated values: a word a line, or a sentence a line. */
#include "task/sentence.h"

#include <string.h>

int fp_collect_sentence(fp_collector *collector, char *text, const char *label, fp_error *error) {
    const char *begin = text;
    for (char *word = text; word;) {
        char *next = strchr(word, ' ');
        if (next)
            *next++ = '\0';
        if (word[0] != '\0' && fp_collect_word(collector, word, error) < 0)
            return -1;
        word = next;
    }
    if (collector->n_words == 0)
        return fp_lines_fail(&collector->lines, begin, error, "the sentence is empty");
    if (fp_collect_instance(collector, 0, 0, label, "the label", error) < 0)
        return -1;
    return fp_collect_end(collector, error);
}

static int read_word(fp_collector *collector, fp_error *error) {
    char *fields[2];
    if (collector->lines.line[0] == '\0')
        return fp_collect_end(collector, error);
    size_t n = fp_cut_fields(collector->lines.line, '\t', fields, 2);
    if (n > 2)
        return fp_lines_fail(&collector->lines, fields[0], error,
                             "%zu columns, a word and its label separated by a tab were expected", n);
    if (fp_collect_word(collector, fields[0], error) < 0)
        return -1;
    uint32_t index = (uint32_t)(collector->n_words - 1);
    return n == 1 ? 0 : fp_collect_instance(collector, index, index, fields[1], "the label", error);
}

static int read_sentence(fp_collector *collector, fp_error *error) {
    char *fields[2];
    if (collector->lines.line[0] == '\0')
        return 0;
    size_t n = fp_cut_fields(collector->lines.line, '\t', fields, 2);
    if (n != 2)
        return fp_lines_fail(&collector->lines, fields[0], error,
                             "%zu columns, a label and a sentence separated by a tab were expected", n);
    return fp_collect_sentence(collector, fields[1], fields[0], error);
}

int fp_read_tsv(fp_collector *collector, fp_error *error) {
    int words = collector->spec->reader == FP_READER_TSV_WORDS, more;
    if (collector->spec->label)
        return fp_fail(error, "label is \"%s\", but %s has only one label; leave it out",
                       collector->spec->label, fp_reader_name(collector->spec->reader));
    while ((more = fp_lines_next(&collector->lines, error)) > 0) {
        if ((words ? read_word(collector, error) : read_sentence(collector, error)) < 0)
            return -1;
    }
    return more < 0 ? -1 : fp_collect_end(collector, error);
}
