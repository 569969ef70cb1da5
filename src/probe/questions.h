/* questions.h: are two clusters apart? Answered from what is known before the solver is asked. */
#ifndef FINEPROBE_PROBE_QUESTIONS_H
#define FINEPROBE_PROBE_QUESTIONS_H

#include "fineprobe/hull.h"
#include "forest.h"

typedef struct fp_questions {
    fp_forest *forest;
    fp_hull_solver *solver;
    fp_hull_settings settings;
    uint64_t *known; /* pairs of nodes that were asked, and the answer */
    size_t known_size, n_known;
    uint32_t *members[2]; /* points of the two sides */
    double *hint;
    size_t n_labels;
    const uint32_t *label_points; /* all points, label by label */
    const size_t *label_at;
    uint64_t asked, solved, undecided;
} fp_questions;

int fp_questions_create(fp_questions *questions, fp_forest *forest, size_t n_labels, const size_t *label_at,
                        const uint32_t *label_points, fp_error *error);
void fp_questions_destroy(fp_questions *questions);

/* 1: the hulls are apart, 0: they overlap (or stayed undecided, which is counted), -1: error. */
int fp_questions_apart(fp_questions *questions, uint32_t a, uint32_t b, fp_error *error);

/* The same for a cluster and all points of a label. */
int fp_questions_apart_from_label(fp_questions *questions, uint32_t node, int32_t label, fp_error *error);
int fp_questions_labels_apart(fp_questions *questions, int32_t a, int32_t b, fp_error *error);

#endif
