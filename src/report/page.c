/* The page: everything in one file that needs no other. */
#include "report/page.h"

#include "report/paper.h"
#include "report/tables.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name of the sweep: its file without folder and ending. */
static void put_name(const fp_report *report, fp_text *out) {
    const char *path = report->findings.path, *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    char *text = dot && dot > name ? strndup(name, (size_t)(dot - name)) : strdup(name);
    fp_text_html(out, text ? text : "sweep");
    free(text);
}

/* ---- head ---- */

static void put_state(const fp_report *report, fp_text *out) {
    const fp_standing *s = &report->findings.standing;
    const fp_tally *u = &s->of_units;
    static const char *const pulses[] = {
        [FP_PULSE_NEW] = "The sweep has not begun.",
        [FP_PULSE_BEATING] = "The sweep is in progress.",
        [FP_PULSE_SILENT] = "The sweep is not finished, and nobody is at work on it.",
        [FP_PULSE_STOPPED] = "The sweep was stopped before its end.",
        [FP_PULSE_OVER] = "The sweep has ended.",
    };
    if (u->done == u->all && s->of_checkpoints.failed == 0)
        return;
    fp_text_print(out,
                  "<p class=\"state\" role=\"status\"><strong>%s</strong> %zu of %zu units are finished, %zu "
                  "failed, %zu "
                  "are still to come. This report shows what is there; verdicts may change.</p>\n",
                  pulses[s->pulse], u->done, u->all, u->failed, u->waiting + u->running);
}

/* What the seeds of fine-tuning give. */
static void put_seeds(const fp_report *report, fp_text *out) {
    if (report->findings.standing.layout.n_runs == 0)
        return;
    fp_text_add(out,
                fp_has_seeds(report)
                    ? "<p class=\"note\">Deviations and intervals over fine-tuning seeds, of every "
                      "step, layer and quantity, are in tables/seeds.csv; those of the last step, on the "
                      "<a href=\"#pages\">pages of models and tasks</a>.</p>\n"
                    : "<p class=\"note\">Every model is fine-tuned with one seed on a task, which gives "
                      "no interval over seeds.</p>\n");
}

static void put_head(const fp_report *report, fp_text *out) {
    const fp_layout *l = &report->findings.standing.layout;
    fp_text_add(out,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    put_name(report, out);
    fp_text_print(out,
                  " – fineprobe</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<p "
                  "class=\"kicker\">fineprobe report</p>\n<h1>",
                  fp_page_style);
    put_name(report, out);
    fp_text_print(out, "</h1>\n<p class=\"lead\">How fine-tuning changes %zu model%s on %zu task%s.</p>\n",
                  l->n_models, l->n_models == 1 ? "" : "s", l->n_tasks, l->n_tasks == 1 ? "" : "s");
    put_state(report, out);
    fp_text_add(out,
                "<nav aria-label=\"Contents\"><ul>\n<li><a href=\"#conclusions\">Conclusions</a></li>\n"
                "<li><a href=\"#items\">The paper's items</a></li>\n"
                "<li><a href=\"#probing\">Table 7</a></li>\n");
    if (fp_sheet_rows(&report->sheets[FP_SHEET_CROSS]))
        fp_text_add(out, "<li><a href=\"#cross\">Across tasks</a></li>\n");
    if (report->options->compare)
        fp_text_add(out, "<li><a href=\"#paper\">Beside the paper</a></li>\n");
    fp_text_add(out,
                "<li><a href=\"#pages\">Models and tasks</a></li>\n<li><a href=\"#missing\">What is "
                "missing</a></li>\n"
                "<li><a href=\"#methods\">Methods</a></li>\n</ul></nav>\n</header>\n<main>\n");
}

/* ---- conclusions ---- */

static const char *const verdict_classes[] = {"untestable", "no", "mostly", "yes"};
static const char *const verdict_marks[] = {"–", "○", "◐", "●"};

static void put_verdict(fp_verdict verdict, fp_text *out) {
    fp_text_print(out, "<span class=\"verdict %s\"><span aria-hidden=\"true\">%s</span> %s</span>",
                  verdict_classes[verdict], verdict_marks[verdict], fp_verdict_text(verdict));
}

/* How many of several parts could be tested, unless all or none. */
static void put_share(const fp_conclusion *c, fp_text *out) {
    size_t tested = 0;
    for (size_t p = 0; p < c->n_parts; p++)
        tested += c->parts[p].n_cases > 0;
    if (tested > 0 && tested < c->n_parts)
        fp_text_print(out, " <span class=\"share\">(%zu of %zu parts testable)</span>", tested, c->n_parts);
}

/* Three digits, and a minus sign that is one. */
static void put_short(double number, fp_text *out) {
    char text[32];
    fp_show(text, number, FP_SHOWN_SHORT);
    fp_text_print(out, "%s%s", text[0] == '-' ? "−" : "", text + (text[0] == '-'));
}

enum { EXCEPTIONS_SHOWN = 12 };

static void put_exceptions(const fp_part *part, fp_text *out) {
    size_t n = part->n_cases - part->held, shown = 0;
    if (n == 0)
        return;
    fp_text_print(out, "<p class=\"exceptions\"><b>Exception%s:</b> ", n == 1 ? "" : "s");
    for (size_t i = 0; i < part->n_cases && shown < EXCEPTIONS_SHOWN; i++) {
        if (part->cases[i].holds)
            continue;
        fp_text_add(out, shown++ ? "; " : "");
        fp_text_html(out, part->cases[i].name);
        fp_text_add(out, " (");
        put_short(part->cases[i].value, out);
        fp_text_add(out, ")");
    }
    if (n > shown)
        fp_text_print(out, "; and %zu more, in tables/cases.csv", n - shown);
    fp_text_add(out, "</p>\n");
}

static void put_effect(const fp_part *part, fp_text *out) {
    if (isnan(part->effect))
        return;
    fp_text_add(out, "<p class=\"effect\">Effect: <b>");
    put_short(part->effect, out);
    fp_text_add(out, "</b>");
    if (part->over[0]) {
        fp_text_add(out, " [");
        put_short(part->low, out);
        fp_text_add(out, ", ");
        put_short(part->high, out);
        fp_text_print(out, "], 95 %% over %s", part->over);
    } else {
        fp_text_add(out, ", without an interval");
    }
    fp_text_add(out, "; ");
    fp_text_html(out, part->effect_is);
    fp_text_print(out, "; the statement wants it %s %g.</p>\n", part->side > 0 ? "above" : "below",
                  part->border);
}

/* SINGLE: the conclusion has no other part, and its verdict stands above. */
static void put_part(const fp_part *part, int single, fp_text *out) {
    fp_text_add(out, "<li><p><span class=\"measure\">Measured: ");
    fp_text_html(out, part->measure);
    fp_text_add(out, ".</span> ");
    if (part->n_cases)
        fp_text_print(out, "<b>%zu of %zu</b> case%s hold%s%s", part->held, part->n_cases,
                      part->n_cases == 1 ? "" : "s", part->n_cases == 1 ? "s" : "", single ? "." : ": ");
    if (!single)
        put_verdict(part->verdict, out);
    fp_text_add(out, "</p>\n");
    put_effect(part, out);
    fp_text_add(out, "<p class=\"rule\">Rule: ");
    fp_text_html(out, part->rule);
    fp_text_add(out, "</p>\n");
    put_exceptions(part, out);
    if (!part->n_cases) {
        fp_text_add(out, "<p class=\"rule\">It would take: ");
        fp_text_add(out, "<code>");
        fp_text_html(out, part->wanted);
        fp_text_add(out, "</code></p>\n");
    }
    fp_text_add(out, "</li>\n");
}

static void put_conclusions(const fp_report *report, fp_text *out) {
    fp_text_add(out, "<section id=\"conclusions\">\n<h2>Does what the paper concludes hold here?</h2>\n<p>");
    fp_text_html(out, fp_verdict_rule);
    fp_text_add(out,
                "</p>\n<div class=\"scroll\"><table class=\"overview\"><caption>Verdicts</caption><tbody>\n");
    for (size_t i = 0; i < FP_N_CONCLUSIONS; i++) {
        const fp_conclusion *c = &report->conclusions[i];
        fp_text_print(out, "<tr><th scope=\"row\"><a href=\"#conclusion-%c\">%c</a></th><td>", c->letter,
                      c->letter);
        fp_text_html(out, c->statement);
        fp_text_add(out, "</td><td>");
        put_verdict(c->verdict, out);
        put_share(c, out);
        fp_text_add(out, "</td></tr>\n");
    }
    fp_text_add(out, "</tbody></table></div>\n");
    for (size_t i = 0; i < FP_N_CONCLUSIONS; i++) {
        const fp_conclusion *c = &report->conclusions[i];
        fp_text_print(
            out, "<article class=\"conclusion\" id=\"conclusion-%c\">\n<h3><span class=\"letter\">%c</span> ",
            c->letter, c->letter);
        fp_text_html(out, c->statement);
        fp_text_add(out, "</h3>\n<p>");
        put_verdict(c->verdict, out);
        put_share(c, out);
        fp_text_add(out, "</p>\n<ul>\n");
        for (size_t p = 0; p < c->n_parts; p++)
            put_part(&c->parts[p], c->n_parts == 1, out);
        fp_text_add(out, "</ul>\n");
        if (c->remark[0]) {
            fp_text_add(out, "<p>");
            fp_text_html(out, c->remark);
            fp_text_add(out, "</p>\n");
        }
        fp_text_add(out, "</article>\n");
    }
    fp_text_add(out, "</section>\n");
}

/* ---- the paper's items ---- */

/* Courses that have a figure of KIND. */
static size_t with_figure(const fp_report *report, fp_figure_kind kind) {
    size_t n = 0;
    for (size_t i = 0; i < report->findings.n_own; i++)
        n += fp_figures_find(&report->figures, &report->findings.courses[i], kind) != NULL;
    return n;
}

static void put_item(fp_text *out, int number, const char *what, const char *where, size_t n, size_t all) {
    fp_text_print(out, "<tr><th scope=\"row\">%d</th><td>%s</td><td>", number, what);
    if (n == 0)
        fp_text_add(out, "<a href=\"#missing\">missing</a>");
    else if (all > 1)
        fp_text_print(out, "%s, %zu of %zu", where, n, all);
    else
        fp_text_add(out, where);
    fp_text_add(out, "</td></tr>\n");
}

static void put_items(const fp_report *report, fp_text *out) {
    size_t own = report->findings.n_own;
    fp_text_add(
        out,
        "<section id=\"items\">\n<h2>The paper's items in this sweep</h2>\n<div class=\"scroll\"><table "
        "class=\"overview\"><caption>What the paper shows, and where it is here</caption><tbody>\n");
    put_item(out, 1, "Accuracy, clusters and train-test similarity of every model and task",
             "<a href=\"#probing\">Table 7</a>", fp_sheet_rows(&report->sheets[FP_SHEET_PROBING]), 1);
    put_item(out, 2, "Memorisation: learning curves of a probe on subtrain, subtest and test",
             "<a href=\"#pages\">pages</a>", with_figure(report, FP_FIGURE_MEMORISATION), own);
    put_item(out, 3, "Linearity: clusters before and after, against the number of labels",
             "<a href=\"#pages\">pages</a>", with_figure(report, FP_FIGURE_CLUSTERS), own);
    put_item(out, 4, "Minimum distances over updates", "<a href=\"#pages\">pages</a>",
             with_figure(report, FP_FIGURE_MINIMUM), own);
    put_item(out, 5, "Paths of the closest labels' centroids", "<a href=\"#pages\">pages</a>",
             with_figure(report, FP_FIGURE_PATHS), own);
    put_item(out, 6, "Fine-tuned on one task, probed on another", "<a href=\"#cross\">Across tasks</a>",
             fp_sheet_rows(&report->sheets[FP_SHEET_CROSS]), 1);
    put_item(out, 7, "Movement of the labels' centroids, by layer", "<a href=\"#pages\">pages</a>",
             with_figure(report, FP_FIGURE_MOVEMENT), own);
    put_item(out, 8, "Similarity of each layer to its original, over updates", "<a href=\"#pages\">pages</a>",
             with_figure(report, FP_FIGURE_SIMILARITY), own);
    put_item(out, 9, "Directions of the movement, by layer", "<a href=\"#pages\">pages</a>",
             with_figure(report, FP_FIGURE_DIRECTIONS), own);
    fp_text_add(out, "</tbody></table></div>\n</section>\n");
}

/* ---- the rest ---- */

static void put_section(const fp_report *report, const char *id, const char *title, fp_report_sheet sheet,
                        const char *empty, fp_text *out) {
    fp_text_print(out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
    if (fp_sheet_rows(&report->sheets[sheet]))
        fp_sheet_html(&report->sheets[sheet], NULL, out);
    else
        fp_text_print(out, "<p>%s</p>\n", empty);
    fp_text_add(out, "</section>\n");
}

static void put_paper(const fp_report *report, fp_text *out) {
    put_section(report, "paper", "Beside the paper's published figures", FP_SHEET_PAPER,
                "No model of this sweep has the shape of one of the paper's, on a task of the paper's name.",
                out);
    fp_text_add(out, "<p class=\"note\">Published figures: ");
    fp_text_html(out, fp_paper_citation);
    fp_text_add(out, "</p>\n");
}

static void put_methods(const fp_report *report, fp_text *out) {
    fp_text methods = {0};
    fp_report_methods(report, &methods);
    fp_text_add(
        out,
        "<section id=\"methods\">\n<h2>Methods</h2>\n<p>For an appendix; also in methods.md.</p>\n<pre>");
    fp_text_html(out, methods.bytes ? methods.bytes : "");
    fp_text_add(out, "</pre>\n</section>\n");
    out->failed |= methods.failed;
    fp_text_free(&methods);
}

int fp_report_page(const fp_report *report, const fp_report_outcome *outcome, fp_text *out, fp_error *error) {
    put_head(report, out);
    if (outcome->no_figures[0]) {
        fp_text_add(out, "<p class=\"state\"><strong>Figures are missing:</strong> ");
        fp_text_html(out, outcome->no_figures);
        fp_text_add(out, "</p>\n");
    }
    put_conclusions(report, out);
    put_items(report, out);
    put_section(report, "probing", "Probing before and after fine-tuning", FP_SHEET_PROBING,
                "Nothing has been probed.", out);
    put_seeds(report, out);
    if (fp_sheet_rows(&report->sheets[FP_SHEET_CROSS]))
        put_section(report, "cross", "Across tasks", FP_SHEET_CROSS, "", out);
    if (report->options->compare)
        put_paper(report, out);
    if (fp_page_courses(report, outcome, out, error) < 0)
        return -1;
    put_section(report, "missing", "What is missing", FP_SHEET_MISSING, "Nothing: the sweep has all of it.",
                out);
    put_methods(report, out);
    fp_text_add(out, "</main>\n</body>\n</html>\n");
    return fp_text_check(out, "the page", error);
}
