/* Plain text: a sentence a line, nothing to classify. */
#include "task/sentence.h"

#include <string.h>

int fp_read_plain(fp_collector *collector, fp_error *error) {
    int more;
    if (collector->spec->label)
        return fp_fail(error, "label is \"%s\", but plain text has no labels; leave it out",
                       collector->spec->label);
    while ((more = fp_lines_next(&collector->lines, error)) > 0) {
        char *line = collector->lines.line;
        if (line[strspn(line, " ")] && fp_collect_sentence(collector, line, "_", error) < 0)
            return -1;
    }
    return more;
}
