/* questions.h: are two clusters apart? Answered from what is known before the solver is asked.
 *
 * What is left for the solver is shared among the threads of a team. A question is asked with what was known
 * before its list, and what is learnt from questions behind the first overlap is forgotten: the answers, and
 * what is known after, are those of one thread that asks in order. */
#ifndef FINEPROBE_PROBE_QUESTIONS_H
#define FINEPROBE_PROBE_QUESTIONS_H

#include "extents.h"
#include "fineprobe/directprobe.h"
#include "fineprobe/hull.h"
#include "forest.h"
#include "math/team.h"

/* A plane that was found: its normal, and the points that carried weight, for questions alike. */
typedef struct fp_plane {
    uint32_t a; /* the cluster on the normal's side */
    uint32_t n_first, n_support;
    float *plane; /* the normal [d], the support (uint32_t) behind it */
} fp_plane;

/* What is known of a pair of clusters. */
typedef struct fp_known {
    uint32_t low, high, value, used;
} fp_known;

/* What a thread needs to ask. */
typedef struct fp_asker {
    fp_hull_solver *solver;
    uint32_t *members[2]; /* points of the two sides */
    double *directions;   /* [d] */
    float *block;         /* for the filter of many clusters at once */
    size_t block_capacity;
    int failed;
    fp_error error;
} fp_asker;

/* A question that nothing answers but the solver. */
typedef struct fp_ask {
    size_t at;              /* in the list of others */
    uint32_t first, second; /* clusters; FIRST lies where the plane's normal points to */
    int64_t known;          /* a plane to begin with; -1: none */
    int asked;
    fp_hull_verdict verdict;
    uint32_t n_first, n_support;
    float *plane; /* the answer's, as in fp_plane; without a normal after an overlap */
} fp_ask;

typedef struct fp_questions {
    fp_forest *forest;
    const fp_extents *extents;
    fp_team *team;
    fp_asker *askers; /* one a thread */
    fp_known *known;  /* open table */
    size_t known_size, n_known;
    fp_plane *planes;
    size_t n_planes, planes_capacity;
    fp_ask *asks;
    size_t n_asks, asks_capacity;
    float *rows; /* the points of the cluster that is asked about, scaled */
    unsigned char *keep;
    size_t rows_capacity, keep_capacity;
    double scale; /* a power of two that brings all points into the unit ball */
    uint32_t n_first, n_support;
    uint32_t *support; /* of the last overlap: points by which the clusters overlap, the first one's first */
    size_t support_capacity;
    uint64_t solved, undecided;
} fp_questions;

int fp_questions_create(fp_questions *questions, fp_forest *forest, const fp_extents *extents, fp_team *team,
                        fp_error *error);
void fp_questions_destroy(fp_questions *questions);

/* Strikes from OTHERS the clusters that are certainly apart from NODE; returns how many are left, or -1. */
ptrdiff_t fp_questions_filter(fp_questions *questions, uint32_t node, uint32_t *others, size_t n,
                              fp_error *error);

/* The first of OTHERS whose hull overlaps with NODE's (or stayed undecided, which is counted); N: none, -1:
 * error. Unless it was known before (n_support = 0), SUPPORT holds the points by which they overlap. */
ptrdiff_t fp_questions_first_overlap(fp_questions *questions, uint32_t node, const uint32_t *others, size_t n,
                                     fp_error *error);

typedef struct fp_label_pair {
    int32_t a, b;
    fp_hull_verdict verdict;
} fp_label_pair;

/* Are the hulls of whole labels apart? SETS: their points. PROGRESS may be NULL. */
int fp_questions_labels(fp_questions *questions, const fp_hull_set *sets, fp_label_pair *pairs, size_t n,
                        fp_probe_progress *progress, void *context, fp_error *error);

#endif
