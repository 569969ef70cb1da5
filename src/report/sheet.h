/* sheet.h: a table of the report, described once, written as CSV, Markdown, LaTeX (booktabs) and HTML. */
#ifndef FINEPROBE_SRC_SHEET_H
#define FINEPROBE_SRC_SHEET_H

#include "report/text.h"

/* How a column's numbers are shown to people; CSV has all digits. */
typedef enum fp_shown {
    FP_SHOWN_TEXT,
    FP_SHOWN_COUNT,
    FP_SHOWN_FIXED_2,
    FP_SHOWN_FIXED_3,
    FP_SHOWN_PERCENT_2, /* a share, as per cent with two digits */
    FP_SHOWN_SHORT      /* three significant digits */
} fp_shown;

typedef struct fp_sheet_column {
    const char *name;    /* header of the CSV file */
    const char *heading; /* for people, with the unit */
    fp_shown shown;
} fp_sheet_column;

typedef struct fp_cell {
    char *text; /* NULL: a number */
    double number;
} fp_cell;

typedef struct fp_sheet {
    const char *name;  /* of its files, and its anchor in the page */
    const char *title; /* one line */
    const char *note;  /* what the columns are; "" without */
    const fp_sheet_column *columns;
    size_t n_columns, n_cells, capacity;
    fp_cell *cells; /* row after row */
    int failed;     /* 1: out of memory; cells are missing */
} fp_sheet;

void fp_sheet_begin(fp_sheet *sheet, const char *name, const char *title, const char *note,
                    const fp_sheet_column *columns, size_t n_columns);
void fp_sheet_free(fp_sheet *sheet);

/* The next cell, row by row. What is not defined is NaN, or the empty text. */
void fp_sheet_text(fp_sheet *sheet, const char *text);
void fp_sheet_print(fp_sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fp_sheet_number(fp_sheet *sheet, double number);

size_t fp_sheet_rows(const fp_sheet *sheet);
int fp_sheet_check(const fp_sheet *sheet, fp_error *error);

/* Shows NUMBER as SHOWN says; "" for NaN. */
void fp_show(char out[32], double number, fp_shown shown);

void fp_sheet_markdown(const fp_sheet *sheet, fp_text *out);
void fp_sheet_latex(const fp_sheet *sheet, fp_text *out);
/* <table> with its caption; ANCHOR becomes its id, NULL: none. */
void fp_sheet_html(const fp_sheet *sheet, const char *anchor, fp_text *out);
/* FOLDER/NAME.csv */
int fp_sheet_csv(const fp_sheet *sheet, const char *folder, fp_error *error);

#endif
