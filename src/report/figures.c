/* All figures of a sweep, and what they have in common: colours, markers, the look of axes. */
#include "report/figure_make.h"

#include "fineprobe/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

void fp_quoted(fp_text *out, const char *string) {
    fp_text_add(out, "'");
    for (; *string; string++)
        fp_text_add_bytes(out, *string == '\'' ? "''" : string, *string == '\'' ? 2 : 1);
    fp_text_add(out, "'");
}

/* Okabe and Ito's colours without black and yellow, and two more; all of them readable on white and on dark
 * grey. With a marker each, the first 56 labels differ in black and white, too. */
void fp_label_style(fp_text *out, size_t label) {
    static const char *const colours[] = {"#2d86c9", "#d55e00", "#009e73", "#cc79a7",
                                          "#e69f00", "#56b4e9", "#8a63b8", "#a07f3c"};
    static const int markers[] = {7, 5, 9, 13, 11, 6, 4, 8};
    fp_text_print(out, "linecolor rgb \"%s\" pointtype %d", colours[label % COUNT(colours)],
                  markers[(label + label / COUNT(colours)) % COUNT(markers)]);
}

/* From blue (low) over green to red (high), of like lightness. */
void fp_layer_style(fp_text *out, size_t layer, size_t n_layers) {
    static const int stops[][3] = {
        {0x3b, 0x6f, 0xd4}, {0x1f, 0x9a, 0xa8}, {0x5f, 0xa0, 0x3c}, {0xd9, 0x8a, 0x1e}, {0xcc, 0x3d, 0x4e}};
    static const int markers[] = {7, 5, 9, 13, 11, 6, 4, 8};
    const size_t steps = COUNT(stops) - 1;
    double place = n_layers > 1 ? (double)layer / (double)(n_layers - 1) * (double)steps : 0;
    size_t below = (size_t)place < steps ? (size_t)place : steps - 1;
    int colour[3];
    for (int i = 0; i < 3; i++)
        colour[i] =
            (int)(stops[below][i] + (place - (double)below) * (stops[below + 1][i] - stops[below][i]));
    fp_text_print(out, "linecolor rgb \"#%02x%02x%02x\" pointtype %d", colour[0], colour[1], colour[2],
                  markers[layer % COUNT(markers)]);
}

fp_figure *fp_drawing_add(const fp_drawing *drawing, fp_figure_kind kind, const char *word, int width,
                          int height, fp_error *error) {
    char *name = fp_format(error, "%s-%s", drawing->stem, word);
    fp_figure *figure =
        name ? fp_figure_add(drawing->figures, kind, drawing->course, name, width, height, error) : NULL;
    free(name);
    if (figure)
        fp_text_add(&figure->body,
                    "set border 3 linewidth 0.7\n"
                    "set tics nomirror scale 0.6\n"
                    "set key top center outside horizontal samplen 2.5\n"
                    "set grid ytics linewidth 0.4 linecolor rgb \"#999999\" dashtype 3\n"
                    "set pointsize 0.6\n");
    return figure;
}

int fp_caption(fp_figure *figure, fp_error *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vasprintf(&figure->caption, format, args);
    va_end(args);
    if (size >= 0)
        return figure->data.failed || figure->body.failed ? fp_fail_memory(error, figure->name, 1) : 0;
    figure->caption = NULL;
    return fp_fail_memory(error, "a caption", strlen(format));
}

int fp_caption_layers(fp_figure *figure, const char *there, fp_error *error) {
    fp_text text = {0};
    size_t n = 0;
    for (size_t layer = 0; layer < figure->course->n_layers; layer++)
        if (!there[layer])
            fp_text_print(&text, "%s%d", n++ ? ", " : "", figure->course->layers[layer]);
    int rc = fp_text_check(&text, "a caption", error);
    char *caption = rc == 0 && n ? fp_format(error, "%s Without numbers: layer%s %s.", figure->caption,
                                             n > 1 ? "s" : "", text.bytes)
                                 : NULL;
    if (caption) {
        free(figure->caption);
        figure->caption = caption;
    }
    fp_text_free(&text);
    return rc < 0 || (n && !caption) ? -1 : 0;
}

/* What a figure made of several seeds, at the end of its caption. */
static int say_seeds(fp_figure *figure, size_t n_seeds, int is_mean, fp_error *error) {
    char *caption = is_mean ? fp_format(error, "%s Mean over %zu seeds.", figure->caption, n_seeds)
                            : fp_format(error, "%s First of %zu seeds.", figure->caption, n_seeds);
    free(figure->caption);
    figure->caption = caption;
    return caption ? 0 : -1;
}

static int draw_course(fp_drawing *drawing, fp_error *error) {
    enum { MEAN, FIRST, SAYS_ITSELF };
    static const struct {
        fp_draw_kind *draw;
        int seeds;
    } kinds[] = {
        {fp_draw_distances, FIRST},  {fp_draw_minimum, MEAN},         {fp_draw_clusters, MEAN},
        {fp_draw_similarity, MEAN},  {fp_draw_movement, MEAN},        {fp_draw_paths, FIRST},
        {fp_draw_directions, FIRST}, {fp_draw_training, SAYS_ITSELF}, {fp_draw_memorisation, SAYS_ITSELF}};
    const fp_figures *all = drawing->figures;
    size_t n_seeds = drawing->course->n_seeds;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t before = all->n;
        if (kinds[i].draw(drawing, error) < 0)
            return fp_error_context(error, "figures of %s", drawing->name);
        if (n_seeds > 1 && all->n > before && kinds[i].seeds != SAYS_ITSELF &&
            say_seeds(&all->items[before], n_seeds, kinds[i].seeds == MEAN, error) < 0)
            return -1;
    }
    return 0;
}

int fp_figures_make(const fp_findings *r, const fp_selections *selections, fp_figures *out, fp_error *error) {
    const fp_layout *l = &r->standing.layout;
    *out = (fp_figures){0};
    for (size_t i = 0; i < r->n_own; i++) {
        const fp_course *c = &r->courses[i];
        fp_drawing drawing = {.findings = r, .selections = selections, .course = c, .figures = out};
        const char *model = l->models[c->model].name, *task = l->tasks[c->probed].name;
        snprintf(drawing.name, sizeof drawing.name, "%s, %s", model, task);
        char *stem = fp_format(error, "%s-%s", model, task);
        drawing.stem = stem;
        int rc = stem ? draw_course(&drawing, error) : -1;
        free(stem);
        if (rc < 0)
            return -1;
    }
    return 0;
}
