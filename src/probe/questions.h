/* questions.h: are two clusters apart? Answered from what is known before the solver is asked. */
#ifndef FINEPROBE_PROBE_QUESTIONS_H
#define FINEPROBE_PROBE_QUESTIONS_H

#include "extents.h"
#include "fineprobe/hull.h"
#include "forest.h"

/* A plane that was found: its normal, and the points that carried weight, for questions alike. */
typedef struct fp_plane {
    uint32_t a; /* the cluster on the normal's side */
    uint32_t n_first, n_support;
    float *normal; /* [d], the support (uint32_t) behind it */
} fp_plane;

/* What is known of a pair of clusters. */
typedef struct fp_known {
    uint32_t low, high, value, used;
} fp_known;

typedef struct fp_questions {
    fp_forest *forest;
    const fp_extents *extents;
    fp_hull_solver *solver;
    fp_hull_settings settings;
    fp_known *known; /* open table */
    size_t known_size, n_known;
    fp_plane *planes;
    size_t n_planes, planes_capacity;
    uint32_t *members[2]; /* points of the two sides */
    double *directions;   /* [2, d] */
    double scale;         /* a power of two that brings all points into the unit ball */
    float *block;         /* for the filter of many clusters at once */
    size_t block_capacity;
    fp_hull_answer answer; /* of the last overlap */
    uint64_t solved, undecided;
} fp_questions;

int fp_questions_create(fp_questions *questions, fp_forest *forest, const fp_extents *extents,
                        fp_error *error);
void fp_questions_destroy(fp_questions *questions);

/* Strikes from OTHERS the clusters that are certainly apart from NODE; returns how many are left, or -1. */
ptrdiff_t fp_questions_filter(fp_questions *questions, uint32_t node, uint32_t *others, size_t n,
                              fp_error *error);

/* 1: the hulls are apart, 0: they overlap (or stayed undecided, which is counted), -1: error. After 0 and
 * unless it was known before (n_support = 0), ANSWER holds the points by which they overlap, those of A
 * first. */
int fp_questions_apart(fp_questions *questions, uint32_t a, uint32_t b, fp_error *error);

/* Of the points of two labels. */
int fp_questions_sets_apart(fp_questions *questions, fp_hull_set a, fp_hull_set b, int32_t label_a,
                            int32_t label_b, fp_error *error);

#endif
