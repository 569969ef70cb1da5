/* Reports of planted sweeps, in a folder of the test's own. */
#ifndef FINEPROBE_TESTS_PLANTED_REPORT_H
#define FINEPROBE_TESTS_PLANTED_REPORT_H

#include "planted.h"
#include "report/report.h"
#include <unistd.h>

static char folder[] = "/tmp/fineprobe-report-XXXXXX";

static char *in(const char *name) {
    return fp_path_join(folder, name, NULL);
}

static char *read_file(const char *name) {
    char *path = in(name), *text = fp_file_read(path, NULL, &p_error);
    if (!text)
        fail_msg("%s", p_error.text);
    free(path);
    return text;
}

/* The report of a planted sweep in FOLDER/NAME. */
static fp_report_outcome report_of(const planted *p, const char *name, unsigned formats,
                                   const fp_selections *selections) {
    char *file = in("planted.h5"), *to = in(name);
    fp_report_options options = {.folder = to, .formats = formats, .compare = 1, .now = 1e9 + 130};
    fp_report report;
    fp_report_outcome outcome;
    options.selections = selections ? *selections : (fp_selections){.number = 3};
    plant(file, p);
    p_must(fp_report_make(file, &options, &report, &p_error));
    p_must(fp_report_write(&report, &outcome, &p_error));
    fp_report_free(&report);
    free(file);
    free(to);
    return outcome;
}

static int has(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

static int has_gnuplot(void) {
    return system("command -v gnuplot >/dev/null 2>&1") == 0; /* NOLINT: a test */
}

#endif
