#include "report/report.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static fp_sheet_make *const makers[FP_N_SHEETS] = {
    [FP_SHEET_CONCLUSIONS] = fp_make_conclusions,
    [FP_SHEET_CASES] = fp_make_cases,
    [FP_SHEET_PROBING] = fp_make_probing,
    [FP_SHEET_LINEARITY] = fp_make_linearity,
    [FP_SHEET_MINIMUM] = fp_make_minimum,
    [FP_SHEET_CROSS] = fp_make_cross,
    [FP_SHEET_MOVEMENT] = fp_make_movement,
    [FP_SHEET_SIMILARITY] = fp_make_similarity,
    [FP_SHEET_DIRECTIONS] = fp_make_directions,
    [FP_SHEET_SEEDS] = fp_make_seeds,
    [FP_SHEET_RUNS] = fp_make_runs,
    [FP_SHEET_STATES] = fp_make_states,
    [FP_SHEET_MISSING] = fp_make_missing,
    [FP_SHEET_PAPER] = fp_make_paper,
    [FP_SHEET_CLASSIFIERS] = fp_make_classifiers,
    [FP_SHEET_MEMORISATION] = fp_make_memorisation,
};

int fp_report_make(const char *file, const fp_report_options *options, fp_report *out, fp_error *error) {
    *out = (fp_report){.options = options};
    if (fp_findings_read(file, options->now, &out->findings, error) < 0)
        return -1;
    const char *unknown = fp_unknown_choice(&out->findings, &options->selections);
    if (unknown)
        return fp_fail(error, "'%s' is no task of %s, or no label of that task", unknown, file);
    if (fp_conclude(&out->findings, &options->choices, out->conclusions, error) < 0)
        return -1;
    for (size_t i = 0; i < FP_N_SHEETS; i++)
        if (makers[i](out, NULL, &out->sheets[i], error) < 0)
            return -1;
    return fp_figures_make(&out->findings, &options->selections, &out->figures, error);
}

void fp_report_free(fp_report *report) {
    for (size_t i = 0; i < FP_N_SHEETS; i++)
        fp_sheet_free(&report->sheets[i]);
    fp_figures_free(&report->figures);
    fp_conclusions_free(report->conclusions);
    fp_findings_free(&report->findings);
}

/* ---- writing ---- */

static int write_text(fp_text *text, const char *folder, const char *name, const char *ending,
                      fp_error *error) {
    char *path = fp_format(error, "%s/%s.%s", folder, name, ending);
    int rc = path ? fp_text_write(text, path, error) : -1;
    free(path);
    fp_text_free(text);
    return rc;
}

static int write_sheet(const fp_sheet *sheet, const char *folder, unsigned formats, fp_error *error) {
    fp_text markdown = {0}, latex = {0};
    if (formats & FP_REPORT_CSV && fp_sheet_csv(sheet, folder, error) < 0)
        return -1;
    if (formats & FP_REPORT_MARKDOWN) {
        fp_sheet_markdown(sheet, &markdown);
        if (write_text(&markdown, folder, sheet->name, "md", error) < 0)
            return -1;
    }
    if (formats & FP_REPORT_LATEX) {
        fp_sheet_latex(sheet, &latex);
        if (write_text(&latex, folder, sheet->name, "tex", error) < 0)
            return -1;
    }
    return 0;
}

/* A table that an earlier report in this folder had, and this one has not. */
static void remove_sheet(const fp_sheet *sheet, const char *folder) {
    static const char *const endings[] = {"csv", "md", "tex"};
    for (size_t i = 0; i < 3; i++) {
        char *path = fp_format(NULL, "%s/%s.%s", folder, sheet->name, endings[i]);
        if (path)
            unlink(path);
        free(path);
    }
}

static int write_tables(const fp_report *report, fp_report_outcome *outcome, fp_error *error) {
    const unsigned wanted = FP_REPORT_CSV | FP_REPORT_MARKDOWN | FP_REPORT_LATEX;
    char *folder = fp_format(error, "%s/tables", report->options->folder);
    int rc = folder ? 0 : -1;
    if (rc == 0 && report->options->formats & wanted)
        rc = fp_folder_create(folder, error);
    for (size_t i = 0; rc == 0 && report->options->formats & wanted && i < FP_N_SHEETS; i++) {
        if (fp_sheet_rows(&report->sheets[i]) == 0) {
            remove_sheet(&report->sheets[i], folder);
            continue;
        }
        rc = write_sheet(&report->sheets[i], folder, report->options->formats, error);
        outcome->tables++;
    }
    free(folder);
    return rc;
}

/* Figures that cannot be drawn are no reason to do without the rest. */
static int write_figures(fp_report *report, fp_report_outcome *outcome, fp_error *error) {
    unsigned formats = report->options->formats;
    int svg = (formats & (FP_REPORT_SVG | FP_REPORT_HTML)) != 0, png = (formats & FP_REPORT_PNG) != 0;
    fp_error trouble = {0};
    if (!svg && !png)
        return 0;
    char *folder = fp_format(error, "%s/figures", report->options->folder);
    int rc = folder && fp_folder_create(folder, error) == 0 ? 0 : -1;
    if (rc == 0)
        rc = fp_figures_write(&report->figures, folder, svg, png, error);
    if (rc == 0 && fp_figures_draw(&report->figures, folder, &trouble) < 0)
        snprintf(outcome->no_figures, sizeof outcome->no_figures, "%s", trouble.text);
    for (size_t i = 0; i < report->figures.n; i++)
        outcome->figures += report->figures.items[i].drawn != 0;
    free(folder);
    return rc;
}

static int write_page(const fp_report *report, const fp_report_outcome *outcome, fp_error *error) {
    fp_text methods = {0}, page = {0};
    fp_report_methods(report, &methods);
    if (write_text(&methods, report->options->folder, "methods", "md", error) < 0)
        return -1;
    if (!(report->options->formats & FP_REPORT_HTML))
        return 0;
    if (fp_report_page(report, outcome, &page, error) < 0) {
        fp_text_free(&page);
        return -1;
    }
    return write_text(&page, report->options->folder, "index", "html", error);
}

int fp_report_write(fp_report *report, fp_report_outcome *outcome, fp_error *error) {
    const fp_standing *s = &report->findings.standing;
    *outcome = (fp_report_outcome){
        .units = s->of_units.all, .done = s->of_units.done, .complete = s->of_units.done == s->of_units.all};
    if (fp_folder_create(report->options->folder, error) < 0 || write_tables(report, outcome, error) < 0 ||
        write_figures(report, outcome, error) < 0)
        return -1;
    return write_page(report, outcome, error);
}
