#include "report/sheet.h"

#include "fineprobe/memory.h"
#include "report/csv.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fp_sheet_begin(fp_sheet *sheet, const char *name, const char *title, const char *note,
                    const fp_sheet_column *columns, size_t n_columns) {
    *sheet =
        (fp_sheet){.name = name, .title = title, .note = note, .columns = columns, .n_columns = n_columns};
}

void fp_sheet_free(fp_sheet *sheet) {
    for (size_t i = 0; i < sheet->n_cells; i++)
        free(sheet->cells[i].text);
    free(sheet->cells);
    *sheet = (fp_sheet){0};
}

static void add(fp_sheet *sheet, fp_cell cell) {
    if (sheet->failed || fp_grow((void **)&sheet->cells, &sheet->capacity, sheet->n_cells + 1,
                                 sizeof *sheet->cells, NULL) < 0) {
        sheet->failed = 1;
        free(cell.text);
        return;
    }
    sheet->cells[sheet->n_cells++] = cell;
}

void fp_sheet_text(fp_sheet *sheet, const char *text) {
    fp_cell cell = {.text = fp_strdup(text, NULL)};
    sheet->failed |= cell.text == NULL;
    add(sheet, cell);
}

void fp_sheet_print(fp_sheet *sheet, const char *format, ...) {
    fp_cell cell = {0};
    va_list args;
    va_start(args, format);
    if (vasprintf(&cell.text, format, args) < 0) {
        cell.text = NULL;
        sheet->failed = 1;
    }
    va_end(args);
    add(sheet, cell);
}

void fp_sheet_number(fp_sheet *sheet, double number) {
    add(sheet, (fp_cell){.number = number});
}

size_t fp_sheet_rows(const fp_sheet *sheet) {
    return sheet->n_columns ? sheet->n_cells / sheet->n_columns : 0;
}

int fp_sheet_check(const fp_sheet *sheet, fp_error *error) {
    return sheet->failed ? fp_fail_memory(error, sheet->title, sheet->capacity * sizeof *sheet->cells) : 0;
}

static void show_short(char out[32], double number) {
    double size = fabs(number);
    if (number == 0)
        snprintf(out, 32, "0");
    else if (size >= 100 && size < 1e6)
        snprintf(out, 32, "%.0f", number);
    else if (size >= 1e-3 && size < 1e6)
        snprintf(out, 32, "%.*f", size >= 10 ? 1 : size >= 1 ? 2 : 3, number);
    else
        snprintf(out, 32, "%.2e", number);
}

void fp_show(char out[32], double number, fp_shown shown) {
    out[0] = '\0';
    if (isnan(number))
        return;
    switch (shown) {
    case FP_SHOWN_TEXT:
    case FP_SHOWN_SHORT:
        show_short(out, number);
        return;
    case FP_SHOWN_COUNT:
        snprintf(out, 32, number == floor(number) ? "%.0f" : "%.1f", number); /* a mean of counts is none */
        return;
    case FP_SHOWN_FIXED_2:
        snprintf(out, 32, "%.2f", number);
        return;
    case FP_SHOWN_FIXED_3:
        snprintf(out, 32, "%.3f", number);
        return;
    case FP_SHOWN_PERCENT_2:
        snprintf(out, 32, "%.2f", 100 * number);
        return;
    }
}

/* ---- writers ---- */

static int is_text(const fp_sheet *sheet, size_t column) {
    return sheet->columns[column].shown == FP_SHOWN_TEXT;
}

static const fp_cell *cell_at(const fp_sheet *sheet, size_t row, size_t column) {
    return &sheet->cells[row * sheet->n_columns + column];
}

/* The cell as people see it. */
static const char *shown(const fp_sheet *sheet, size_t row, size_t column, char number[32]) {
    const fp_cell *cell = cell_at(sheet, row, column);
    if (cell->text)
        return cell->text;
    fp_show(number, cell->number, sheet->columns[column].shown);
    return number;
}

void fp_sheet_markdown(const fp_sheet *sheet, fp_text *out) {
    char number[32];
    fp_text_print(out, "**%s**\n\n|", sheet->title);
    for (size_t c = 0; c < sheet->n_columns; c++) {
        fp_text_add(out, " ");
        fp_text_markdown(out, sheet->columns[c].heading);
        fp_text_add(out, " |");
    }
    fp_text_add(out, "\n|");
    for (size_t c = 0; c < sheet->n_columns; c++)
        fp_text_add(out, is_text(sheet, c) ? "---|" : "--:|");
    for (size_t r = 0; r < fp_sheet_rows(sheet); r++)
        for (size_t c = 0; c < sheet->n_columns; c++) {
            fp_text_add(out, c ? " " : "\n| ");
            fp_text_markdown(out, shown(sheet, r, c, number));
            fp_text_add(out, " |");
        }
    fp_text_print(out, "\n%s%s%s", sheet->note[0] ? "\n" : "", sheet->note, sheet->note[0] ? "\n" : "");
}

/* Above this many rows a table must be able to go over a page's end. */
enum { ROWS_OF_A_PAGE = 45 };

static void latex_head(const fp_sheet *sheet, int is_long, fp_text *out) {
    fp_text_print(out, "%% needs \\usepackage{booktabs}%s\n", is_long ? " and \\usepackage{longtable}" : "");
    fp_text_add(out, is_long ? "\\begin{longtable}{" : "\\begin{table}\n\\centering\n");
    if (!is_long) {
        fp_text_add(out, "\\caption{");
        fp_text_latex(out, sheet->title);
        fp_text_print(out, "}\n\\label{tab:%s}\n\\begin{tabular}{", sheet->name);
    }
    for (size_t c = 0; c < sheet->n_columns; c++)
        fp_text_add(out, is_text(sheet, c) ? "l" : "r");
    fp_text_add(out, "}\n");
    if (is_long) {
        fp_text_add(out, "\\caption{");
        fp_text_latex(out, sheet->title);
        fp_text_print(out, "}\\label{tab:%s}\\\\\n", sheet->name);
    }
    fp_text_add(out, "\\toprule\n");
    for (size_t c = 0; c < sheet->n_columns; c++) {
        fp_text_add(out, c ? " & " : "");
        fp_text_latex(out, sheet->columns[c].heading);
    }
    fp_text_print(out, " \\\\\n\\midrule\n%s", is_long ? "\\endhead\n\\bottomrule\n\\endfoot\n" : "");
}

static void latex_row(const fp_sheet *sheet, size_t row, fp_text *out) {
    char number[32];
    for (size_t c = 0; c < sheet->n_columns; c++) {
        const char *text = shown(sheet, row, c, number);
        int negative = !is_text(sheet, c) && text[0] == '-';
        fp_text_add(out, c ? " & " : "");
        fp_text_add(out, negative ? "$-$" : !is_text(sheet, c) && !text[0] ? "--" : "");
        fp_text_latex(out, text + negative);
    }
    fp_text_add(out, " \\\\\n");
}

void fp_sheet_latex(const fp_sheet *sheet, fp_text *out) {
    int is_long = fp_sheet_rows(sheet) > ROWS_OF_A_PAGE;
    latex_head(sheet, is_long, out);
    for (size_t r = 0; r < fp_sheet_rows(sheet); r++)
        latex_row(sheet, r, out);
    fp_text_add(out, is_long ? "\\end{longtable}\n" : "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}

static void html_cell(const fp_sheet *sheet, size_t row, size_t c, fp_text *out) {
    char number[32];
    const char *text = shown(sheet, row, c, number);
    fp_text_add(out, is_text(sheet, c) ? "<td>" : text[0] ? "<td class=\"n\">" : "<td class=\"n none\">");
    int negative = !is_text(sheet, c) && text[0] == '-';
    fp_text_add(out, negative ? "−" : !is_text(sheet, c) && !text[0] ? "–" : "");
    for (const char *line = text + negative, *end; *line || line == text + negative;
         line = end + (*end == '\n')) {
        end = line;
        while (*end && *end != '\n')
            end++;
        char *part = strndup(line, (size_t)(end - line));
        if (part)
            fp_text_html(out, part);
        free(part);
        if (!*end)
            break;
        fp_text_add(out, "<br>");
    }
    fp_text_add(out, "</td>");
}

void fp_sheet_html(const fp_sheet *sheet, const char *anchor, fp_text *out) {
    fp_text_add(out, "<div class=\"scroll\"><table");
    if (anchor)
        fp_text_print(out, " id=\"%s\"", anchor);
    fp_text_add(out, ">\n<caption>");
    fp_text_html(out, sheet->title);
    fp_text_add(out, "</caption>\n<thead><tr>");
    for (size_t c = 0; c < sheet->n_columns; c++) {
        fp_text_add(out, is_text(sheet, c) ? "<th scope=\"col\">" : "<th scope=\"col\" class=\"n\">");
        fp_text_html(out, sheet->columns[c].heading);
        fp_text_add(out, "</th>");
    }
    fp_text_add(out, "</tr></thead>\n<tbody>");
    for (size_t r = 0; r < fp_sheet_rows(sheet); r++) {
        fp_text_add(out, "\n<tr>");
        for (size_t c = 0; c < sheet->n_columns; c++)
            html_cell(sheet, r, c, out);
        fp_text_add(out, "</tr>");
    }
    fp_text_add(out, "\n</tbody></table></div>\n");
    if (sheet->note[0]) {
        fp_text_add(out, "<p class=\"note\">");
        fp_text_html(out, sheet->note);
        fp_text_add(out, "</p>\n");
    }
}

int fp_sheet_csv(const fp_sheet *sheet, const char *folder, fp_error *error) {
    fp_csv *csv = fp_csv_create(folder, sheet->name, error);
    if (!csv)
        return -1;
    for (size_t c = 0; c < sheet->n_columns; c++)
        fp_csv_text(csv, sheet->columns[c].name);
    fp_csv_end_row(csv);
    for (size_t r = 0; r < fp_sheet_rows(sheet); r++) {
        for (size_t c = 0; c < sheet->n_columns; c++) {
            const fp_cell *cell = cell_at(sheet, r, c);
            if (cell->text)
                fp_csv_text(csv, cell->text);
            else
                fp_csv_real(csv, cell->number);
        }
        fp_csv_end_row(csv);
    }
    return fp_csv_close(csv, NULL, error);
}
