/* figure_make.h: what figures are made with. */
#ifndef FINEPROBE_SRC_FIGURE_MAKE_H
#define FINEPROBE_SRC_FIGURE_MAKE_H

#include "report/figure.h"

/* A new figure at the end of the list; NAME is made fit for a file and unique. NULL without memory. */
fp_figure *fp_figure_add(fp_figures *figures, fp_figure_kind kind, const fp_course *course, const char *name,
                         int width, int height, fp_error *error);

/* How a label, or layer LAYER of N, is drawn in every figure: a colour and a marker of its own, as gnuplot
 * takes them. */
void fp_label_style(fp_text *out, size_t label);
void fp_layer_style(fp_text *out, size_t layer, size_t n_layers);

/* STRING as gnuplot's 'single-quoted' text. */
void fp_quoted(fp_text *out, const char *string);

/* A course of figures: one function a kind. They add a figure when there are numbers for it. */
typedef struct fp_drawing {
    const fp_findings *findings;
    const fp_selections *selections;
    const fp_course *course;
    fp_figures *figures;
    const char *stem; /* names of this course's figures begin with it */
    char name[256];   /* of the course, for captions */
} fp_drawing;

typedef int fp_draw_kind(const fp_drawing *drawing, fp_error *error);
fp_draw_kind fp_draw_distances, fp_draw_minimum, fp_draw_clusters, fp_draw_similarity, fp_draw_movement,
    fp_draw_paths, fp_draw_directions, fp_draw_training, fp_draw_memorisation;

/* fp_figure_add with the drawing's names; KIND's word is part of the file's. */
fp_figure *fp_drawing_add(const fp_drawing *drawing, fp_figure_kind kind, const char *word, int width,
                          int height, fp_error *error);
/* The caption, printed; -1 without memory. */
int fp_caption(fp_figure *figure, fp_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds which of the course's layers have no numbers (THERE [layers] is 0); nothing where all have. */
int fp_caption_layers(fp_figure *figure, const char *there, fp_error *error);

#endif
