/* Figures over updates and over layers. */
#include "report/figure_make.h"

#include "fineprobe/memory.h"
#include "report/statistics.h"
#include <math.h>
#include <stdlib.h>

enum { WIDTH = 500, HEIGHT = 330 };

static void put_number(fp_text *out, double number) {
    if (isnan(number))
        fp_text_add(out, " NaN");
    else
        fp_text_print(out, " %.6g", number);
}

/* Markers every so many steps, so that some twelve remain. */
static int marker_interval(const fp_course *c) {
    return (int)(c->n_steps / 12 + 1);
}

/* ---- minimum distances over updates ---- */

static void plot_label(fp_figure *f, const fp_drawing *d, size_t label, size_t column, int dashed) {
    fp_text_print(&f->body, "%s data using 1:%zu with linespoints ", column == 2 ? "plot" : ",\\\n    ",
                  column);
    fp_label_style(&f->body, label);
    fp_text_print(&f->body, " linewidth 1.6 dashtype %d pointinterval %d title ", dashed ? 2 : 1,
                  marker_interval(d->course));
    fp_quoted(&f->body, d->findings->labels[d->course->probed][label]);
}

static void put_minimum_data(fp_figure *f, const fp_drawing *d, const size_t *labels, size_t n) {
    const fp_course *c = d->course;
    fp_text_add(&f->data, "# minimum distance on the training set, top layer; columns: step");
    for (size_t i = 0; i < n; i++)
        fp_text_print(&f->data, ", %s", d->findings->labels[c->probed][labels[i]]);
    for (size_t s = 0; s < c->n_steps; s++) {
        fp_text_print(&f->data, "\n%d", c->steps[s]);
        for (size_t i = 0; i < n; i++)
            put_number(
                &f->data,
                fp_course_value(d->findings, c, s, c->n_layers - 1, fp_quantity_minimum, labels[i]).mean);
    }
    fp_text_add(&f->data, "\n");
}

/* Whether any of LABELS [N] has a distance at any step. */
static int has_minimum(const fp_drawing *d, const size_t *labels, size_t n) {
    const fp_course *c = d->course;
    for (size_t s = 0; s < c->n_steps; s++)
        for (size_t i = 0; i < n; i++)
            if (!isnan(
                    fp_course_value(d->findings, c, s, c->n_layers - 1, fp_quantity_minimum, labels[i]).mean))
                return 1;
    return 0;
}

int fp_draw_minimum(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    fp_growth growth;
    size_t labels[2 * FP_MOST_SELECTED], n = 0;
    if (c->n_steps < 2)
        return 0;
    fp_select_growth(d->findings, c, d->selections, &growth);
    for (size_t i = 0; i < growth.n_most; i++)
        labels[n++] = growth.most[i];
    for (size_t i = growth.n_least; i-- > 0;)
        labels[n++] = growth.least[i];
    if (!has_minimum(d, labels, n))
        return 0;
    fp_figure *f = fp_drawing_add(d, FP_FIGURE_MINIMUM, "minimum-distances", WIDTH, HEIGHT, error);
    if (!f)
        return -1;
    put_minimum_data(f, d, labels, n);
    fp_text_add(&f->body,
                "set xlabel \"updates\" offset 0,0.6\nset ylabel \"minimum distance\"\nset yrange [0:]\n");
    for (size_t i = 0; i < n; i++)
        plot_label(f, d, labels[i], i + 2, i >= growth.n_most);
    fp_text_add(&f->body, "\n");
    if (growth.chosen)
        return fp_caption(f, error,
                          "%s: minimum distance of the chosen labels over updates (training set, layer %d).",
                          d->name, c->layers[c->n_layers - 1]);
    return fp_caption(
        f, error,
        "%s: minimum distance over updates of the labels that grow most (solid) and least (dashed), from "
        "most to least (training set, layer %d).",
        d->name, c->layers[c->n_layers - 1]);
}

/* ---- clusters by layer ---- */

typedef struct fp_clusters {
    size_t layers[2]; /* that have a number: before, after */
    double labels, largest;
    char *there; /* [layers] */
} fp_clusters;

/* A layer's clusters before and after as a line of the data. */
static void put_clusters(fp_figure *f, const fp_drawing *d, size_t layer, fp_clusters *all) {
    const fp_course *c = d->course;
    const int steps[2] = {fp_course_original(c), fp_course_last(c) > 0 ? fp_course_last(c) : -1};
    fp_text_print(&f->data, "\n%d", c->layers[layer]);
    for (int e = 0; e < 2; e++) {
        double clusters = NAN;
        for (size_t s = 0; steps[e] >= 0 && s < c->n_seeds; s++) {
            const fp_numbers *u = fp_course_at(d->findings, c, s, (size_t)steps[e], layer);
            all->labels = u ? u->row->train.labels_present : all->labels;
        }
        if (steps[e] >= 0)
            clusters = fp_course_value(d->findings, c, (size_t)steps[e], layer, fp_quantity_clusters, 0).mean;
        put_number(&f->data, clusters);
        all->largest = fmax(all->largest, clusters);
        all->layers[e] += !isnan(clusters);
        all->there[layer] |= !isnan(clusters);
    }
}

static void plot_clusters(fp_figure *f, const fp_clusters *all) {
    static const char *const styles[2] = {"linecolor rgb \"#888888\" pointtype 6",
                                          "linecolor rgb \"#d55e00\" pointtype 7"};
    const fp_course *c = f->course;
    fp_text_print(&f->body,
                  "set xlabel \"layer\" offset 0,0.6\nset ylabel \"clusters\"\n%sset xtics 1\n"
                  "set xrange [%g:%g]\nset yrange [%g:]\nplot",
                  all->largest > 5 * all->labels ? "set logscale y\n" : "", c->layers[0] - 0.3,
                  c->layers[c->n_layers - 1] + 0.3, 0.9 * all->labels);
    for (int e = 0; e < 2; e++)
        if (all->layers[e])
            fp_text_print(
                &f->body,
                " data using 1:%d with linespoints %s linewidth 1.6 pointsize 0.9 title '%s',\\\n    ", e + 2,
                styles[e], e ? "after" : "before");
    fp_text_print(&f->body, " %g with lines linecolor rgb \"#2d86c9\" dashtype 2 title 'labels'\n",
                  all->labels);
}

/* Whether a layer is finished before or after, with any seed. */
static int has_clusters(const fp_drawing *d) {
    const fp_course *c = d->course;
    const int steps[2] = {fp_course_original(c), fp_course_last(c)};
    for (size_t layer = 0; layer < c->n_layers; layer++)
        for (int e = 0; e < 2; e++)
            for (size_t s = 0; steps[e] >= 0 && s < c->n_seeds; s++)
                if (fp_course_at(d->findings, c, s, (size_t)steps[e], layer))
                    return 1;
    return 0;
}

int fp_draw_clusters(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    if (c->n_layers < 2 || !has_clusters(d))
        return 0;
    fp_clusters all = {.labels = NAN, .there = fp_alloc(c->n_layers, 1, "layers", error)};
    fp_figure *f = all.there ? fp_drawing_add(d, FP_FIGURE_CLUSTERS, "clusters", WIDTH, HEIGHT, error) : NULL;
    int rc = f ? 0 : -1;
    if (rc == 0) {
        fp_text_add(&f->data, "# clusters on the training set; columns: layer, original, fine-tuned");
        for (size_t layer = 0; layer < c->n_layers; layer++)
            put_clusters(f, d, layer, &all);
        fp_text_print(&f->data, "\n# labels:");
        put_number(&f->data, all.labels);
        fp_text_print(&f->data, "\n");
        plot_clusters(f, &all);
        rc =
            fp_caption(f, error,
                       "%s: clusters on the training set by layer, %s; as many as labels when the labels are "
                       "linearly separable.",
                       d->name,
                       !all.layers[1]   ? "before fine-tuning, without numbers after it"
                       : !all.layers[0] ? "after fine-tuning, without numbers before it"
                                        : "before and after fine-tuning");
    }
    if (rc == 0)
        rc = fp_caption_layers(f, all.there, error);
    free(all.there);
    return rc;
}

/* ---- similarity to the original over updates ---- */

static int layer_is_defined(const fp_drawing *d, size_t layer) {
    for (size_t s = 1; s < d->course->n_steps; s++)
        if (!isnan(fp_course_value(d->findings, d->course, s, layer, fp_quantity_similarity, 0).mean))
            return 1;
    return 0;
}

int fp_draw_similarity(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    size_t defined = 0;
    for (size_t layer = 0; fp_course_original(c) == 0 && layer < c->n_layers; layer++)
        defined += (size_t)layer_is_defined(d, layer);
    if (c->n_steps < 2 || !defined)
        return 0;
    fp_figure *f = fp_drawing_add(d, FP_FIGURE_SIMILARITY, "similarity", WIDTH, HEIGHT, error);
    if (!f)
        return -1;
    fp_text_add(&f->data, "# spatial similarity to the original, training set; columns: step");
    for (size_t layer = 0; layer < c->n_layers; layer++)
        fp_text_print(&f->data, ", layer %d", c->layers[layer]);
    for (size_t s = 0; s < c->n_steps; s++) {
        fp_text_print(&f->data, "\n%d", c->steps[s]);
        for (size_t layer = 0; layer < c->n_layers; layer++)
            put_number(&f->data, fp_course_value(d->findings, c, s, layer, fp_quantity_similarity, 0).mean);
    }
    fp_text_add(&f->data, "\n");
    fp_text_add(&f->body,
                "set xlabel \"updates\" offset 0,0.6\nset ylabel \"similarity to the original\"\n"
                "set yrange [*:1]\n");
    size_t drawn = 0;
    for (size_t layer = c->n_layers; layer-- > 0;) {
        if (!layer_is_defined(d, layer))
            continue;
        fp_text_print(&f->body, "%s data using 1:%zu with linespoints ", drawn++ ? ",\\\n    " : "plot",
                      layer + 2);
        fp_layer_style(&f->body, layer, c->n_layers);
        fp_text_print(&f->body, " linewidth 1.6 dashtype %zu pointinterval %d title 'layer %d'",
                      layer % 4 + 1, marker_interval(c), c->layers[layer]);
    }
    fp_text_add(&f->body, "\n");
    if (defined < c->n_layers)
        return fp_caption(
            f, error,
            "%s: spatial similarity of each layer to its own original over updates (training set). Not "
            "defined where the labels are not linearly separable: %zu of %zu layers are drawn.",
            d->name, defined, c->n_layers);
    return fp_caption(f, error,
                      "%s: spatial similarity of each layer to its own original over updates (training set).",
                      d->name);
}

/* ---- movement by layer ---- */

/* Whether any layer is finished before and after. */
static int has_moved(const fp_drawing *d, int last) {
    for (size_t layer = 0; last > 0 && layer < d->course->n_layers; layer++)
        for (size_t s = 0; s < d->course->n_seeds; s++) {
            const fp_numbers *u = fp_course_at(d->findings, d->course, s, (size_t)last, layer);
            if (u && u->movement)
                return 1;
        }
    return 0;
}

int fp_draw_movement(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    int last = fp_course_last(c);
    if (!has_moved(d, last))
        return 0;
    double *sorted = fp_alloc(c->n_labels, sizeof *sorted, "movements", error);
    char *there = fp_alloc(c->n_layers, 1, "layers", error);
    fp_figure *f =
        sorted && there ? fp_drawing_add(d, FP_FIGURE_MOVEMENT, "movement", WIDTH, HEIGHT, error) : NULL;
    if (!f) {
        free(sorted);
        free(there);
        return -1;
    }
    fp_text_add(
        &f->data,
        "# movement of the labels' centroids, training set; columns: layer, smallest, lower quartile, "
        "median, upper quartile, largest\n");
    for (size_t layer = 0; layer < c->n_layers; layer++) {
        for (size_t i = 0; i < c->n_labels; i++)
            sorted[i] = fp_course_value(d->findings, c, (size_t)last, layer, fp_quantity_movement, i).mean;
        size_t n = fp_sort_numbers(sorted, c->n_labels);
        there[layer] = n > 0;
        fp_text_print(&f->data, "%d", c->layers[layer]);
        for (int q = 0; q < 5; q++)
            put_number(&f->data, fp_quantile(sorted, n, q / 4.0));
        fp_text_add(&f->data, "\n");
    }
    free(sorted);
    fp_text_print(&f->body,
                  "set xlabel \"layer\" offset 0,0.6\nset ylabel \"distance moved by a label's "
                  "centroid\"\nset xtics 1\nset "
                  "boxwidth 0.5\nset xrange [%g:%g]\nset yrange [0:]\nset style fill solid 0.25\nunset key\n"
                  "plot data using 1:3:2:6:5 with candlesticks linecolor rgb \"#2d86c9\" whiskerbars 0.6,\\\n"
                  "     data using 1:4:4:4:4 with candlesticks linecolor rgb \"#d55e00\" linewidth 2\n",
                  c->layers[0] - 0.5, c->layers[c->n_layers - 1] + 0.5);
    int rc = fp_caption(
        f, error,
        "%s: Euclidean distance between each label's centroid before and after fine-tuning, by layer: box "
        "from lower to upper quartile over labels, bar at the median, whiskers to the extremes.",
        d->name);
    if (rc == 0)
        rc = fp_caption_layers(f, there, error);
    free(there);
    return rc;
}

/* ---- training ---- */

int fp_draw_training(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    const fp_layout *l = &d->findings->standing.layout;
    const fp_run_row *run = c->runs[0] >= 0 ? &l->runs[c->runs[0]] : NULL;
    if (!run || run->updates < 1 || isnan(d->findings->losses[run->losses_at]))
        return 0;
    fp_figure *f = fp_drawing_add(d, FP_FIGURE_TRAINING, "training", WIDTH, HEIGHT, error);
    if (!f)
        return -1;
    fp_text_add(&f->data, "# columns: update, training loss (nats)\n");
    for (int32_t u = 0; u < run->updates; u++) {
        fp_text_print(&f->data, "%d", u + 1);
        put_number(&f->data, (double)d->findings->losses[run->losses_at + u]);
        fp_text_add(&f->data, "\n");
    }
    fp_text_add(&f->data, "\n\n# columns: step, test accuracy of the run's own head\n");
    size_t points = 0;
    for (size_t i = 0; i < l->n_checkpoints; i++)
        if (l->checkpoints[i].run == c->runs[0] && d->findings->standing.checkpoints[i] == FP_DONE &&
            !isnan(l->checkpoints[i].test_accuracy)) {
            fp_text_print(&f->data, "%d %.6g\n", l->checkpoints[i].step, l->checkpoints[i].test_accuracy);
            points++;
        }
    fp_text_print(
        &f->body,
        "set key inside right center\n"
        "set xlabel \"updates\" offset 0,0.6\nset ylabel \"training loss, nats\"\nset yrange [0:]\n"
        "%s"
        "plot data index 0 using 1:2 with lines linecolor rgb \"#56b4e9\" linewidth 0.8 title 'loss'%s\n",
        points ? "set border 11\nset y2label \"test accuracy\"\nset y2range [0:1]\nset y2tics scale 0.6\n"
               : "",
        points ? ",\\\n     data index 1 using 1:2 axes x1y2 with linespoints linecolor rgb \"#d55e00\" "
                 "pointtype 7 linewidth 1.6 title 'own head'"
               : "");
    return fp_caption(f, error, "%s: training loss of every update%s (seed %lld).", d->name,
                      points ? ", and test accuracy of the run's own classification layer at its checkpoints"
                             : "",
                      (long long)run->seed);
}
