/* A section for each model and task. */
#include "fineprobe/memory.h"
#include "report/page.h"

#include <stdlib.h>
#include <string.h>

typedef struct fp_course_page {
    const fp_report *report;
    const fp_report_outcome *outcome;
    const fp_course *course;
    const char *folder; /* of the figures */
} fp_course_page;

static int put_figure(const fp_course_page *p, fp_figure_kind kind, fp_text *out, fp_error *error) {
    const fp_figure *figure = fp_figures_find(&p->report->figures, p->course, kind);
    if (!figure || !figure->drawn)
        return 0;
    char *svg = fp_figure_inline(figure, p->folder, error);
    if (!svg)
        return -1;
    fp_text_print(out, "<figure%s><div class=\"scroll\">", figure->width > 520 ? " class=\"wide\"" : "");
    fp_text_add(out, svg);
    fp_text_add(out, "</div><figcaption>");
    fp_text_html(out, figure->caption);
    fp_text_add(out, "</figcaption></figure>\n");
    free(svg);
    return 0;
}

/* A table of this model and task alone; CLOSED: to be opened by the reader. */
static int put_table(const fp_course_page *p, fp_sheet_make *make, const char *closed, fp_text *out,
                     fp_error *error) {
    fp_sheet sheet;
    int rc = make(p->report, p->course, &sheet, error);
    if (rc == 0 && fp_sheet_rows(&sheet)) {
        if (closed)
            fp_text_print(out, "<details><summary>%s</summary>\n", closed);
        if (!closed)
            sheet.note = ""; /* it stands where the whole table does */
        fp_sheet_html(&sheet, NULL, out);
        if (closed)
            fp_text_add(out, "</details>\n");
    }
    fp_sheet_free(&sheet);
    return rc;
}

/* In the order of the page. */
static const struct {
    fp_figure_kind kind;
    const char *what;
} shown[] = {
    {FP_FIGURE_DISTANCES, "distances between labels"},
    {FP_FIGURE_MINIMUM, "minimum distances over updates"},
    {FP_FIGURE_CLUSTERS, "clusters by layer"},
    {FP_FIGURE_SIMILARITY, "similarity to the original over updates"},
    {FP_FIGURE_MOVEMENT, "movement of centroids by layer"},
    {FP_FIGURE_PATHS, "paths of centroids"},
    {FP_FIGURE_DIRECTIONS, "directions of movement"},
    {FP_FIGURE_TRAINING, "training loss"},
    {FP_FIGURE_MEMORISATION, "memorisation"},
};
enum { N_SHOWN = sizeof shown / sizeof *shown };

/* The figures that are left out, and what would draw them. */
static void put_lacking(const fp_course_page *p, fp_text *out) {
    size_t lacking = 0, done, all = fp_findings_units(&p->report->findings, p->course, &done);
    for (size_t i = 0; i < N_SHOWN; i++) {
        if (fp_figures_find(&p->report->figures, p->course, shown[i].kind))
            continue;
        if (!lacking++) {
            fp_text_add(out,
                        "<p class=\"note\">Not drawn, for the numbers are not defined, or <a "
                        "href=\"#missing\">missing</a>");
            if (done < all)
                fp_text_print(out,
                              ", or not there yet (%zu of %zu units of this model and task are finished)",
                              done, all);
        }
        fp_text_print(out, "%s%s", lacking > 1 ? ", " : ": ", shown[i].what);
    }
    fp_text_add(out, lacking ? ".</p>\n" : "");
}

static int put_figures(const fp_course_page *p, fp_text *out, fp_error *error) {
    fp_text_add(out, "<div class=\"figures\">\n");
    for (size_t i = 0; i < N_SHOWN; i++)
        if (put_figure(p, shown[i].kind, out, error) < 0)
            return -1;
    fp_text_add(out, "</div>\n");
    put_lacking(p, out);
    return 0;
}

static int put_course(const fp_course_page *p, size_t number, fp_text *out, fp_error *error) {
    const fp_layout *l = &p->report->findings.standing.layout;
    fp_text_print(out, "<section class=\"course\" id=\"page-%zu\">\n<h3>", number);
    fp_text_html(out, l->models[p->course->model].name);
    fp_text_add(out, " on ");
    fp_text_html(out, l->tasks[p->course->probed].name);
    fp_text_add(out, "</h3>\n");
    if (put_table(p, fp_make_probing, NULL, out, error) < 0 || put_figures(p, out, error) < 0 ||
        put_table(p, fp_make_linearity, "Clusters by layer", out, error) < 0 ||
        put_table(p, fp_make_minimum, "Minimum distance of every label", out, error) < 0 ||
        put_table(p, fp_make_movement, "Movement by layer", out, error) < 0 ||
        put_table(p, fp_make_directions, "Directions by layer", out, error) < 0 ||
        put_table(p, fp_make_classifiers, "Classifier probes", out, error) < 0 ||
        put_table(p, fp_make_memorisation, "Memorisation", out, error) < 0 ||
        put_table(p, fp_make_seeds, "Fine-tuning seeds, last step", out, error) < 0 ||
        put_table(p, fp_make_states, "States other than linear", out, error) < 0)
        return -1;
    fp_text_add(out, "<p class=\"up\"><a href=\"#pages\">All models and tasks</a></p>\n</section>\n");
    return 0;
}

/* Models down, tasks across. */
static void put_matrix(const fp_findings *r, fp_text *out) {
    const fp_layout *l = &r->standing.layout;
    fp_text_add(out, "<div class=\"scroll\"><table class=\"matrix\"><caption>Pages</caption><tbody>\n");
    for (size_t m = 0; m < l->n_models; m++) {
        fp_text_add(out, "<tr><th scope=\"row\">");
        fp_text_html(out, l->models[m].name);
        fp_text_add(out, "</th>");
        for (size_t i = 0; i < r->n_own; i++)
            if (r->courses[i].model == m) {
                fp_text_print(out, "<td><a href=\"#page-%zu\">", i);
                fp_text_html(out, l->tasks[r->courses[i].probed].name);
                fp_text_add(out, "</a></td>");
            }
        fp_text_add(out, "</tr>\n");
    }
    fp_text_add(out, "</tbody></table></div>\n");
}

int fp_page_courses(const fp_report *report, const fp_report_outcome *outcome, fp_text *out,
                    fp_error *error) {
    char *folder = fp_format(error, "%s/figures", report->options->folder);
    fp_text_add(out, "<section id=\"pages\">\n<h2>Models and tasks</h2>\n");
    put_matrix(&report->findings, out);
    int rc = folder ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < report->findings.n_own; i++) {
        fp_course_page page = {report, outcome, &report->findings.courses[i], folder};
        rc = put_course(&page, i, out, error);
    }
    free(folder);
    fp_text_add(out, "</section>\n");
    return rc;
}
