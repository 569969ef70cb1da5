#include "fineprobe/memory.h"
#include "fineprobe/piece.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"progress", "checkpoint", "done", "stopped", "error"};

size_t fp_report_format(const fp_report *report, char *out, size_t size) {
    /* "s%" takes a length; invalid UTF-8 (a path, say) is kept out of JSON by packing the rest without it */
    json_t *line = json_pack("{s:s, s:f, s:f, s:f, s:I, s:i, s:s*}", "report", names[report->kind], "share",
                             report->share, "seconds", report->seconds, "memory", report->memory, "index",
                             (json_int_t)report->index, "cause", report->cause, "message",
                             report->message[0] ? report->message : NULL);
    if (!line)
        line = json_pack("{s:s, s:s}", "report", names[report->kind], "message",
                         "(a message that is not UTF-8)");
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    int n = snprintf(out, size, "%s\n", text ? text : "{\"report\":\"error\",\"message\":\"out of memory\"}");
    free(text);
    json_decref(line);
    if (n >= 0 && (size_t)n >= size) { /* too long for a line: an error without its text is one still */
        n = snprintf(out, size, "{\"report\":\"%s\",\"message\":\"(a message too long to report)\"}\n",
                     names[report->kind]);
    }
    return n < 0 ? 0 : (size_t)n;
}

int fp_report_parse(const char *line, fp_report *out) {
    memset(out, 0, sizeof *out);
    json_t *object = json_loads(line, 0, NULL);
    const char *name = json_string_value(json_object_get(object, "report"));
    int rc = -1;
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            out->kind = (fp_report_kind)i;
            rc = 0;
        }
    out->share = json_number_value(json_object_get(object, "share"));
    out->seconds = json_number_value(json_object_get(object, "seconds"));
    out->memory = json_number_value(json_object_get(object, "memory"));
    out->index = json_integer_value(json_object_get(object, "index"));
    out->cause = (int)json_integer_value(json_object_get(object, "cause"));
    const char *message = json_string_value(json_object_get(object, "message"));
    fp_copy_text(out->message, sizeof out->message, message ? message : "");
    json_decref(object);
    return rc;
}
