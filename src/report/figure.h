/* figure.h: figures, each a data file and a gnuplot script that draws it as SVG and PNG, by the report or by
 * hand. */
#ifndef FINEPROBE_SRC_FIGURE_H
#define FINEPROBE_SRC_FIGURE_H

#include "report/select.h"
#include "report/text.h"

/* What a figure shows; its place on a page. */
typedef enum fp_figure_kind {
    FP_FIGURE_DISTANCES,
    FP_FIGURE_MINIMUM,
    FP_FIGURE_CLUSTERS,
    FP_FIGURE_SIMILARITY,
    FP_FIGURE_MOVEMENT,
    FP_FIGURE_PATHS,
    FP_FIGURE_DIRECTIONS,
    FP_FIGURE_TRAINING,
    FP_FIGURE_MEMORISATION,
    FP_N_FIGURE_KINDS
} fp_figure_kind;

typedef struct fp_figure {
    fp_figure_kind kind;
    const fp_course *course;
    char *name;         /* of its files */
    char *caption;      /* what is to be seen */
    int width, height;  /* pixels */
    int drawn;          /* 1: its bitmap and drawing are there */
    fp_text data, body; /* NAME.dat; the script without its head and foot, which name terminals and files */
} fp_figure;

typedef struct fp_figures {
    size_t n, capacity;
    fp_figure *items;
} fp_figures;

/* All figures that the sweep has the numbers for. */
int fp_figures_make(const fp_findings *findings, const fp_selections *selections, fp_figures *out,
                    fp_error *error);
void fp_figures_free(fp_figures *figures);
/* NULL: the sweep has not what it takes. */
const fp_figure *fp_figures_find(const fp_figures *figures, const fp_course *course, fp_figure_kind kind);

/* NAME.dat and NAME.gp of every figure into FOLDER, which exists. The scripts draw SVG, PNG or both. */
int fp_figures_write(const fp_figures *figures, const char *folder, int svg, int png, fp_error *error);
/* Runs gnuplot on them in FOLDER and marks those that were drawn. -1 with a message when there is no gnuplot,
 * or it fails with one of them; the others are drawn all the same. */
int fp_figures_draw(fp_figures *figures, const char *folder, fp_error *error);
/* FOLDER/NAME.svg for a page: without its head, with ids that begin with NAME, black as the page's ink. NULL
 * with a message when it cannot be read; free(). */
char *fp_figure_inline(const fp_figure *figure, const char *folder, fp_error *error);

#endif
