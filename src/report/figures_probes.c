/* Figures of the probes that train classifiers. */
#include "report/figure_make.h"

#include <math.h>

/* Learning curves of one memorisation probe as a block of the data; 0 rows when it is not there. */
static int put_curves(fp_figure *f, const fp_drawing *d, int at, const char *which, fp_error *error) {
    const fp_findings *r = d->findings;
    fp_memorisation_record record;
    if (fp_findings_probe_record(r, FP_MEMORISATION, at, &record, error) < 0)
        return -1;
    fp_text_print(&f->data, "# %s; accuracy; columns: epoch, subtrain, subtest, test\n", which);
    for (int32_t e = 0; e < record.row.epochs; e++) {
        const double *row = record.curves + 3 * (size_t)e;
        if (!isnan(row[0]))
            fp_text_print(&f->data, "%d %.6g %.6g %.6g\n", e + 1, row[0], row[1], row[2]);
    }
    fp_text_add(&f->data, "\n\n");
    fp_record_free(&fp_memorisation_records, &record);
    return 0;
}

static void plot_curves(fp_figure *f, size_t block, const char *which, int first) {
    static const char *const sets[] = {"subtrain", "subtest", "test"};
    static const char *const colours[] = {"#2d86c9", "#d55e00", "#009e73"};
    static const int markers[] = {7, 5, 9};
    for (int i = 0; i < 3; i++)
        fp_text_print(&f->body,
                      "%s data index %zu using 1:%d with linespoints linecolor rgb \"%s\" pointtype %d "
                      "pointinterval 10 "
                      "linewidth 1.6 dashtype %d title '%s, %s'",
                      first && i == 0 ? "plot" : ",\\\n    ", block, i + 2, colours[i], markers[i],
                      which[0] == 'b' ? 2 : 1, sets[i], which);
}

int fp_draw_memorisation(const fp_drawing *d, fp_error *error) {
    const fp_course *c = d->course;
    int layer = fp_findings_probe_layer(d->findings, FP_MEMORISATION, c);
    if (layer < 0)
        return 0;
    const char *const which[2] = {"before", "after"};
    const int at[2] = {fp_findings_probe(d->findings, FP_MEMORISATION, c, 0, 0, layer),
                       fp_findings_probe(d->findings, FP_MEMORISATION, c, 0, c->updates, layer)};
    if (at[0] < 0 && at[1] < 0)
        return 0;
    fp_figure *f = fp_drawing_add(d, FP_FIGURE_MEMORISATION, "memorisation", 500, 350, error);
    size_t blocks = 0;
    if (!f)
        return -1;
    fp_text_add(
        &f->body,
        "set xlabel \"epochs of the probe\" offset 0,0.6\nset ylabel \"accuracy\"\nset yrange [*:1]\n");
    for (int i = 0; i < 2; i++) {
        if (at[i] < 0)
            continue;
        if (put_curves(f, d, at[i], which[i], error) < 0)
            return -1;
        plot_curves(f, blocks, which[i], blocks == 0);
        blocks++;
    }
    fp_text_add(&f->body, "\n");
    return fp_caption(
        f, error,
        "%s: learning curves of a probe trained on 80 %% of the training set (subtrain), before (dashed) and "
        "after "
        "(solid) fine-tuning on all of it; subtest: the rest of the training set (layer %d, seed %lld).",
        d->name, layer, (long long)c->seeds[0]);
}
