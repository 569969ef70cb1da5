/* report.h: a folder that shows what a sweep found: tables, figures, conclusions, and one page with all of
 * them. */
#ifndef FINEPROBE_SRC_REPORT_H
#define FINEPROBE_SRC_REPORT_H

#include "report/conclusion.h"
#include "report/figure.h"
#include "report/select.h"
#include "report/sheet.h"

typedef enum fp_report_format {
    FP_REPORT_HTML = 1,
    FP_REPORT_SVG = 2,
    FP_REPORT_PNG = 4,
    FP_REPORT_CSV = 8,
    FP_REPORT_MARKDOWN = 16,
    FP_REPORT_LATEX = 32,
    FP_REPORT_ALL = 63
} fp_report_format;

typedef struct fp_report_options {
    const char *folder; /* made when it is missing */
    unsigned formats;
    int compare; /* 1: with the paper's published figures */
    fp_choices choices;
    fp_selections selections;
    double now; /* seconds since 1970 */
} fp_report_options;

/* The tables, in the order of the page. */
typedef enum fp_report_sheet {
    FP_SHEET_CONCLUSIONS,
    FP_SHEET_CASES,
    FP_SHEET_PROBING,
    FP_SHEET_LINEARITY,
    FP_SHEET_MINIMUM,
    FP_SHEET_CROSS,
    FP_SHEET_CLASSIFIERS,
    FP_SHEET_MEMORISATION,
    FP_SHEET_MOVEMENT,
    FP_SHEET_SIMILARITY,
    FP_SHEET_DIRECTIONS,
    FP_SHEET_SEEDS, /* without rows unless a model is fine-tuned with several */
    FP_SHEET_RUNS,
    FP_SHEET_STATES,
    FP_SHEET_MISSING,
    FP_SHEET_PAPER, /* without rows unless compared */
    FP_N_SHEETS
} fp_report_sheet;

typedef struct fp_report {
    const fp_report_options *options;
    fp_findings findings;
    fp_conclusion conclusions[FP_N_CONCLUSIONS];
    fp_sheet sheets[FP_N_SHEETS];
    fp_figures figures;
} fp_report;

/* Everything computed, nothing written. To be freed with fp_report_free, also after a failure. */
int fp_report_make(const char *file, const fp_report_options *options, fp_report *out, fp_error *error);
void fp_report_free(fp_report *report);

typedef struct fp_report_outcome {
    size_t tables, figures; /* written */
    size_t units, done;
    int complete;          /* every unit of the sweep is finished */
    char no_figures[1024]; /* why figures are missing; "" when none is */
} fp_report_outcome;

/* Writes what the options ask for. */
int fp_report_write(fp_report *report, fp_report_outcome *outcome, fp_error *error);

/* The whole page, with the figures that lie in the folder unless OUTCOME says that there are none. */
int fp_report_page(const fp_report *report, const fp_report_outcome *outcome, fp_text *out, fp_error *error);
/* How it was made, for an appendix (Markdown). */
void fp_report_methods(const fp_report *report, fp_text *out);
extern const char fp_page_style[]; /* CSS */

/* Tables for one course alone (NULL: for all of them). */
typedef int fp_sheet_make(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error);
fp_sheet_make fp_make_conclusions, fp_make_cases, fp_make_probing, fp_make_linearity, fp_make_minimum,
    fp_make_cross, fp_make_movement, fp_make_similarity, fp_make_directions, fp_make_runs, fp_make_states,
    fp_make_missing, fp_make_paper, fp_make_seeds, fp_make_classifiers, fp_make_memorisation;

#endif
