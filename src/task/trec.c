/* TREC question classification: "LABEL:sublabel word word ..." */
#include "task/sentence.h"

#include <string.h>

static int read_question(fp_collector *collector, int coarse, fp_error *error) {
    const fp_lines *lines = &collector->lines;
    char *label = lines->line, *text = strchr(label, ' '), *colon = strchr(label, ':');
    if (!text)
        return fp_lines_fail(lines, label, error,
                             "no space behind the label, LABEL:sublabel and a question "
                             "were expected");
    if (!colon || colon > text)
        return fp_lines_fail(lines, label, error, "no colon in the label, LABEL:sublabel was expected");
    if (colon == label || colon + 1 == text)
        return fp_lines_fail(lines, colon, error,
                             "the label is empty %s its colon, LABEL:sublabel was expected",
                             colon == label ? "before" : "behind");
    *text++ = '\0';
    if (coarse)
        *colon = '\0';
    return fp_collect_sentence(collector, text, label, error);
}

int fp_read_trec(fp_collector *collector, fp_error *error) {
    const char *label = collector->spec->label;
    int coarse = label && strcmp(label, "coarse") == 0, more;
    if (label && !coarse && strcmp(label, "fine") != 0)
        return fp_fail(error, "label is \"%s\", fine or coarse was expected", label);
    while ((more = fp_lines_next(&collector->lines, error)) > 0) {
        if (collector->lines.line[0] != '\0' && read_question(collector, coarse, error) < 0)
            return -1;
    }
    return more;
}
