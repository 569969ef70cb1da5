/* Figures of whole label sets: distances as heat maps, centroids in the plane. */
#include "report/figure_make.h"

#include "fineprobe/memory.h"
#include "report/projection.h"
#include "report/statistics.h"
#include <math.h>
#include <stdlib.h>

static void put_number(fp_text *out, double number) {
    if (isnan(number))
        fp_text_add(out, " NaN");
    else
        fp_text_print(out, " %.6g", number);
}

/* ---- distances ---- */

/* One matrix as a block of the data; *LARGEST grows to its largest number. */
static int put_matrix(fp_figure *f, const fp_drawing *d, size_t step, double *largest, fp_error *error) {
    const fp_course *c = d->course;
    const fp_numbers *u = fp_course_at(d->findings, c, 0, step, c->n_layers - 1);
    fp_unit_record record;
    if (fp_findings_record(d->findings, (size_t)u->row->unit, &record, error) < 0)
        return -1;
    fp_text_print(&f->data, "# label distances on the training set, step %d\n", c->steps[step]);
    for (size_t a = 0; a < c->n_labels; a++) {
        for (size_t b = 0; b < c->n_labels; b++) {
            double x = record.label_distances[a * c->n_labels + b];
            put_number(&f->data, x);
            *largest = fmax(*largest, x);
        }
        fp_text_add(&f->data, "\n");
    }
    fp_text_add(&f->data, "\n\n");
    fp_unit_record_free(&record);
    return 0;
}

/* STRING as the name of a tic, which is a format to gnuplot. */
static void put_tic(fp_text *out, const char *string) {
    fp_text format = {0};
    for (; *string; string++)
        fp_text_add_bytes(&format, *string == '%' ? "%%" : string, *string == '%' ? 2 : 1);
    fp_quoted(out, format.bytes ? format.bytes : "");
    out->failed |= format.failed;
    fp_text_free(&format);
}

static void put_label_tics(fp_figure *f, const fp_drawing *d, const char *axis, const char *options) {
    fp_text_print(&f->body, "set %stics scale 0 font \",8\" %s (", axis, options);
    for (size_t i = 0; i < d->course->n_labels; i++) {
        fp_text_add(&f->body, i ? ", " : "");
        put_tic(&f->body, d->findings->labels[d->course->probed][i]);
        fp_text_print(&f->body, " %zu", i);
    }
    fp_text_add(&f->body, ")\n");
}

static size_t longest_label(const fp_drawing *d) {
    size_t longest = 0;
    for (size_t i = 0; i < d->course->n_labels; i++) {
        size_t n = 0;
        for (const char *at = d->findings->labels[d->course->probed][i]; *at; at++)
            n += (*at & 0xc0) != 0x80;
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* Whether any distance is defined in the top layer at STEP, with the first seed. */
static int has_distances(const fp_drawing *d, int step) {
    const fp_course *c = d->course;
    const fp_numbers *u =
        step >= 0 && c->n_layers ? fp_course_at(d->findings, c, 0, (size_t)step, c->n_layers - 1) : NULL;
    return u && !isnan(fp_mean_of(u->minimum[0], c->n_labels));
}

int fp_draw_distances(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    size_t steps[2], n = 0;
    int original = fp_course_original(c), last = fp_course_last(c);
    if (has_distances(d, original))
        steps[n++] = 0;
    if (last > 0 && has_distances(d, last))
        steps[n++] = (size_t)last;
    if (n == 0 || c->n_labels < 2)
        return 0;
    /* pixels: a cell a label, room for their names on the left and below */
    double cell = fmin(24, fmax(9.5, 250.0 / (double)c->n_labels)), side = cell * (double)c->n_labels;
    double names = 5.2 * (double)longest_label(d) + 12, bar = 70, top = 26, gap = 10;
    double panel = names + side + gap, width = (double)n * panel + bar, height = top + side + names + 6;
    fp_figure *f =
        fp_drawing_add(d, FP_FIGURE_DISTANCES, "distances", (int)ceil(width), (int)ceil(height), error);
    double largest = 0;
    if (!f)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (put_matrix(f, d, steps[i], &largest, error) < 0)
            return -1;
    fp_text_print(
        &f->body,
        "unset grid\nunset key\nset border 15\n"
        "set palette defined (0 \"#440154\", 1 \"#3b528b\", 2 \"#21918c\", 3 \"#5ec962\", 4 \"#fde725\") "
        "maxcolors 32\n"
        "set cbrange [0:%.6g]\nset cblabel \"distance\"\nset xrange [-0.5:%g]\nset yrange [%g:-0.5]\n",
        largest > 0 ? largest : 1, (double)c->n_labels - 0.5, (double)c->n_labels - 0.5);
    put_label_tics(f, d, "x", "rotate by 90 right");
    put_label_tics(f, d, "y", "");
    fp_text_add(&f->body, "set multiplot\n");
    for (size_t i = 0; i < n; i++) {
        double left = ((double)i * panel + names) / width, bottom = (names + 6) / height;
        fp_text_print(&f->body,
                      "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.5f\n"
                      "set tmargin at screen %.5f\nset title \"%s\" offset 0,-0.6\n%s"
                      "plot data index %zu matrix with image\n",
                      left, left + side / width, bottom, bottom + side / height,
                      steps[i] == 0 ? "before fine-tuning" : "after fine-tuning",
                      i + 1 == n ? "set colorbox\n" : "unset colorbox\n", i);
    }
    fp_text_add(&f->body, "unset multiplot\n");
    return fp_caption(
        f, error,
        "%s: distances between the labels on the training set, layer %d%s. Mean over the labels' clusters of "
        "the distance between their hulls; blank: not defined.",
        d->name, c->layers[c->n_layers - 1], n > 1 ? ", before and after fine-tuning, in one scale" : "");
}

/* ---- paths ---- */

static int put_paths(fp_figure *f, const fp_drawing *d, size_t layer, const size_t *labels, size_t n,
                     double share[2], fp_error *error) {
    const fp_course *c = d->course;
    double *points = fp_alloc(n * c->n_steps * 2, sizeof *points, "paths", error);
    int rc = points ? fp_project_paths(d->findings, c, layer, labels, n, points, share, error) : -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        fp_text_print(&f->data, "# layer %d, label %s; columns: step, component 1, component 2\n",
                      c->layers[layer], d->findings->labels[c->probed][labels[i]]);
        for (size_t s = 0; s < c->n_steps; s++) {
            const double *at = points + (i * c->n_steps + s) * 2;
            if (isnan(at[0]))
                continue;
            fp_text_print(&f->data, "%d %.5g %.5g\n", c->steps[s], at[0], at[1]);
        }
        fp_text_add(&f->data, "\n\n");
    }
    free(points);
    return rc;
}

/* Steps that are finished in a layer, with the first seed. */
static size_t steps_there(const fp_drawing *d, size_t layer) {
    size_t n = 0;
    for (size_t s = 0; s < d->course->n_steps; s++)
        n += fp_course_at(d->findings, d->course, 0, s, layer) != NULL;
    return n;
}

static void plot_paths(fp_figure *f, const fp_drawing *d, size_t panel, size_t layer, const size_t *labels,
                       size_t n, const double share[2]) {
    fp_text_print(
        &f->body,
        "set title \"layer %d\"\nset xlabel \"component 1 (%.0f %% of the variance)\" offset 0,0.4\n"
        "set ylabel \"component 2 (%.0f %%)\"\n",
        d->course->layers[layer], 100 * share[0], 100 * share[1]);
    for (size_t i = 0; i < n; i++) {
        size_t index = panel * n + i;
        fp_text_print(&f->body, "%s data index %zu using 2:3 with linespoints ", i ? ",\\\n    " : "plot",
                      index);
        fp_label_style(&f->body, labels[i]);
        fp_text_print(&f->body, " linewidth 1.2 pointsize 0.5 dashtype %zu title ", i % 4 + 1);
        fp_quoted(&f->body, d->findings->labels[d->course->probed][labels[i]]);
        /* the beginning, ringed; the end, larger */
        fp_text_print(
            &f->body,
            ",\\\n     data index %zu using 2:3 every ::0::0 with points pointtype 6 pointsize 1.5 "
            "linecolor rgb \"#777777\" notitle,\\\n     data index %zu using 2:3 every ::%zu with points ",
            index, index, steps_there(d, layer) - 1);
        fp_label_style(&f->body, labels[i]);
        fp_text_add(&f->body, " pointsize 1.2 notitle");
    }
    fp_text_add(&f->body, "\n");
}

int fp_draw_paths(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    size_t labels[FP_MOST_SELECTED], n = 0;
    if (c->n_steps < 2 || c->n_layers == 0)
        return 0;
    if (fp_select_closest(d->findings, c, d->selections, labels, &n, error) < 0)
        return -1;
    if (n == 0 || steps_there(d, c->n_layers - 1) < 2)
        return 0;
    size_t layers[2] = {fp_first_layer(c), c->n_layers - 1};
    if (steps_there(d, layers[0]) == 0)
        layers[0] = layers[1];
    size_t panels = layers[0] == layers[1] ? 1 : 2;
    fp_figure *f = fp_drawing_add(d, FP_FIGURE_PATHS, "paths", panels == 2 ? 660 : 400, 340, error);
    double share[2][2];
    if (!f)
        return -1;
    for (size_t p = 0; p < panels; p++)
        if (put_paths(f, d, layers[p], labels, n, share[p], error) < 0)
            return -1;
    fp_text_print(&f->body,
                  "set grid xtics ytics\nset key top center outside horizontal\n"
                  "set offsets graph 0.06, graph 0.06, graph 0.06, graph 0.06\n"
                  "set multiplot layout 1,%zu\n",
                  panels);
    for (size_t p = 0; p < panels; p++)
        plot_paths(f, d, p, layers[p], labels, n, share[p]);
    fp_text_add(&f->body, "unset multiplot\n");
    return fp_caption(
        f, error,
        "%s: paths of the centroids of the three closest labels over updates, first two principal components "
        "of the paths, first and last layer (training set). Ringed: the original; large: the last step.",
        d->name);
}

/* ---- directions ---- */

static int put_directions(fp_figure *f, const fp_drawing *d, size_t layer, double share[2], double *reach,
                          fp_error *error) {
    const fp_course *c = d->course;
    double *points = fp_alloc(2 * c->n_labels, sizeof *points, "directions", error);
    int rc = points ? fp_project_directions(d->findings, c, layer, points, share, error) : -1;
    if (rc != 0) {
        free(points);
        return -1;
    }
    fp_text_print(&f->data, "# layer %d; columns: label, component 1, component 2\n", c->layers[layer]);
    for (size_t i = 0; i < c->n_labels; i++) {
        double x = points[2 * i], y = points[2 * i + 1];
        fp_text_print(&f->data, "%zu", i);
        put_number(&f->data, x);
        put_number(&f->data, y);
        fp_text_add(&f->data, "\n");
        *reach = fmax(*reach, fmax(fabs(x), fabs(y)));
    }
    fp_text_add(&f->data, "\n\n");
    free(points);
    return 0;
}

/* Panel PANEL: every label a point of its own. */
static void plot_directions(fp_figure *f, const fp_drawing *d, size_t panel, size_t layer,
                            const double share[2]) {
    fp_text_print(&f->body, "set title \"layer %d (%.0f + %.0f %%)\"\n", d->course->layers[layer],
                  100 * share[0], 100 * share[1]);
    for (size_t i = 0; i < d->course->n_labels; i++) {
        fp_text_print(&f->body, "%s data index %zu using 2:3 every ::%zu::%zu with points ",
                      i ? ",\\\n    " : "plot", panel, i, i);
        fp_label_style(&f->body, i);
        fp_text_add(&f->body, " pointsize 0.8 notitle");
    }
    fp_text_add(&f->body, "\n");
}

/* The last panel: which mark is which label. */
static void plot_legend(fp_figure *f, const fp_drawing *d) {
    fp_text_print(
        &f->body,
        "set title \"\"\nunset border\nunset tics\nunset xlabel\nunset ylabel\nunset grid\nunset arrow\n"
        "set xrange [0:1]\nset yrange [0:1]\n"
        "set key at screen 0.99, screen 0.98 right top vertical maxrows %d samplen 1 spacing 0.9 font \",8\" "
        "opaque\n",
        40);
    for (size_t i = 0; i < d->course->n_labels; i++) {
        fp_text_add(&f->body, i ? ",\\\n     NaN with points " : "plot NaN with points ");
        fp_label_style(&f->body, i);
        fp_text_add(&f->body, " pointsize 0.8 title ");
        fp_quoted(&f->body, d->findings->labels[d->course->probed][i]);
    }
    fp_text_add(&f->body, "\n");
}

/* The panels' places and scale, then the panels, then the legend. SHARE [panels]; LEGEND: its width. */
static void plot_panels(fp_figure *f, const fp_drawing *d, const size_t *layers, size_t n, size_t columns,
                        double side, double legend, double height, double reach, double (*share)[2]) {
    double width = (double)columns * side + legend;
    fp_text_print(
        &f->body,
        "unset key\nset border 15\nset xrange [%.5g:%.5g]\nset yrange [%.5g:%.5g]\n"
        "set xtics font \",8\"\nset ytics font \",8\"\nset xlabel \"component 1\" font \",9\" offset "
        "0,0.6\n"
        "set ylabel \"component 2\" font \",9\" offset 1.2,0\nset grid xtics ytics\nset multiplot\n",
        -reach, reach, -reach, reach);
    for (size_t panel = 0; panel < n; panel++) {
        size_t row = panel / columns + 1;
        double left = (double)(panel % columns) * side + 44;
        double bottom = height - (double)row * (side + 18) + 40;
        fp_text_print(&f->body,
                      "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.5f\n"
                      "set tmargin at screen %.5f\n",
                      left / width, (left + side - 56) / width, bottom / height,
                      (bottom + side - 56) / height);
        plot_directions(f, d, panel, layers[panel], share[panel]);
    }
    fp_text_print(&f->body,
                  "set lmargin at screen %.5f\nset rmargin at screen 0.999\nset bmargin at screen 0.005\n"
                  "set tmargin at screen 0.995\n",
                  1 - legend / width);
    plot_legend(f, d);
    fp_text_add(&f->body, "unset multiplot\n");
}

/* Panels of the N LAYERS, in rows of four at most. */
static fp_figure *draw_panels(const fp_drawing *d, const size_t *layers, size_t n, fp_error *error) {
    const fp_course *c = d->course;
    size_t columns = n < 4 ? n : 4, rows = (n + columns - 1) / columns;
    size_t legend_columns = (c->n_labels + 39) / 40, legend_rows = c->n_labels < 40 ? c->n_labels : 40;
    double legend = (double)legend_columns * (6.0 * (double)longest_label(d) + 34),
           side = columns < 3 ? 260 : 210;
    double width = (double)columns * side + legend, height = (double)rows * (side + 18), reach = 0;
    height = fmax(height, 10.5 * (double)legend_rows + 16);
    double(*share)[2] = fp_alloc(n, sizeof *share, "directions", error);
    fp_figure *f = share ? fp_drawing_add(d, FP_FIGURE_DIRECTIONS, "directions", (int)ceil(width),
                                          (int)ceil(height), error)
                         : NULL;
    for (size_t panel = 0; f && panel < n; panel++)
        if (put_directions(f, d, layers[panel], share[panel], &reach, error) < 0)
            f = NULL;
    if (f)
        plot_panels(f, d, layers, n, columns, side, legend, height, reach > 0 ? 1.08 * reach : 1, share);
    free(share);
    return f;
}

int fp_draw_directions(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    int original = fp_course_original(c), last = fp_course_last(c);
    if (original < 0 || last <= 0 || c->n_layers == 0)
        return 0;
    size_t *layers = fp_alloc(c->n_layers, sizeof *layers, "layers", error), n = 0;
    char *there = fp_alloc(c->n_layers, 1, "layers", error);
    int rc = layers && there ? 0 : -1;
    for (size_t layer = 0; rc == 0 && layer < c->n_layers; layer++)
        if (fp_course_at(d->findings, c, 0, (size_t)original, layer) &&
            fp_course_at(d->findings, c, 0, (size_t)last, layer)) {
            layers[n++] = layer;
            there[layer] = 1;
        }
    if (rc == 0 && n) {
        fp_figure *f = draw_panels(d, layers, n, error);
        rc =
            f ? fp_caption(f, error,
                           "%s: in which directions the labels' centroids move: their differences, last step "
                           "minus original, on their first two principal components; a panel a layer, all in "
                           "one scale (training set; in brackets, shares of the variance).",
                           d->name)
              : -1;
        rc = rc == 0 ? fp_caption_layers(f, there, error) : -1;
    }
    free(layers);
    free(there);
    return rc;
}
