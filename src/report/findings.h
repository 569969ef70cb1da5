/* findings.h: a result file as the report sees it, whatever part of the sweep is finished: its tables, and of
 * every finished unit the numbers that tables, figures and conclusions ask for. Large arrays are read again
 * when they are wanted. */
#ifndef FINEPROBE_SRC_FINDINGS_H
#define FINEPROBE_SRC_FINDINGS_H

#include "report/standing.h"

enum { FP_MOST_TESTS = 32 };

/* A classifier probe. */
typedef struct fp_accuracy {
    int32_t trained;             /* initialisations; 0: not finished */
    int32_t hidden[2], labels;   /* LABELS: of the training set */
    double mean, deviation;      /* shares of the test set, over the initialisations */
    size_t n_tests;              /* the first initialisations */
    double tests[FP_MOST_TESTS]; /* and their shares */
} fp_accuracy;

/* One finished unit. Arrays are those of the probed task's labels. */
typedef struct fp_numbers {
    const fp_unit_row *row;
    int32_t original;   /* the same model, probed task and layer at step 0; -1: not finished, or not wanted */
    double *minimum[2]; /* [labels] minimum distances: training set, test set */
    double *movement;   /* [labels] of the training set's centroids since the original; NULL: no original */
    double *directions; /* [labels, labels] inner products of the centroids' differences to the original;
                           NULL unless this is its run's last step */
    double similarity;  /* of the training set's label distances to the original's; NaN: not defined */
} fp_numbers;

/* A model fine-tuned on one task and probed on one task, with all seeds, and the steps and layers of all its
 * probes. */
typedef struct fp_course {
    size_t model, tuned, probed;   /* rows of models and tasks */
    const fp_group *group;         /* NULL: it is not probed */
    size_t n_units, n_classifiers; /* in the sweep, finished or not; 0 units: without DirectProbe */
    size_t n_labels, n_seeds, n_steps, n_layers;
    int64_t *seeds;
    int32_t *runs;                /* [seeds]; -1: the sweep has the original alone, as if of one seed */
    int32_t *steps, *layers;      /* ascending; step 0 is the original, the same for all seeds */
    int32_t *units, *classifiers; /* [seeds, steps, layers]; -1: not in the sweep, or not finished */
    int32_t updates;              /* of a run */
} fp_course;

typedef struct fp_findings {
    char *path;
    fp_store *store;
    fp_standing standing;
    fp_derived_row *derived;             /* [units] */
    fp_classifier_derived_row *compared; /* [classifiers]; ORIGINAL -1: the sweep has not ended */
    fp_accuracy *accuracies;             /* [classifiers] */
    float *losses;                       /* see losses_at in runs; NaN: not made yet */
    fp_numbers *numbers;                 /* [units]; ROW NULL: not finished */
    const char ***labels;                /* [tasks][labels of the task] */
    size_t n_courses, n_own; /* courses; the first OWN are probed on the task they were fine-tuned on */
    fp_course *courses;
} fp_findings;

/* Reads FILE, also while a sweep writes it. NOW: seconds since 1970. Fails when a finished unit's CRC is not
 * that of its numbers. */
int fp_findings_read(const char *file, double now, fp_findings *out, fp_error *error);
void fp_findings_free(fp_findings *findings);

/* All arrays of a finished unit, to be freed with fp_unit_record_free. */
int fp_findings_record(const fp_findings *findings, size_t unit, fp_unit_record *out, fp_error *error);

/* The finished probe of KIND of COURSE at a step and layer of its own seed's run (or of the original, STEP
 * 0); -1: there is none. */
int fp_findings_probe(const fp_findings *findings, fp_product_kind kind, const fp_course *course, size_t seed,
                      int32_t step, int32_t layer);
/* The highest layer with a finished probe of KIND on the course; -1: none. */
int fp_findings_probe_layer(const fp_findings *findings, fp_product_kind kind, const fp_course *course);
/* The one of KIND at the checkpoint, layer and probed task of another probe; -1: none. */
int fp_findings_probe_beside(const fp_findings *findings, fp_product_kind kind, const fp_probe_identity *id);
/* Whether a probe is of the course's model and tasks; the originals belong to all that are probed on the
 * task. */
int fp_findings_is_of(const fp_findings *findings, const fp_probe_identity *id, const fp_course *course);
/* How many units of the course the sweep has, of all kinds, its originals among them; how many are done. */
size_t fp_findings_units(const fp_findings *findings, const fp_course *course, size_t *done);
/* Its arrays, to be freed with fp_record_free. */
int fp_findings_probe_record(const fp_findings *findings, fp_product_kind kind, int index, void *out,
                             fp_error *error);

/* The finished unit at these indices; NULL: there is none. */
const fp_numbers *fp_course_at(const fp_findings *findings, const fp_course *course, size_t seed, size_t step,
                               size_t layer);
/* The finished classifier at these indices; NULL: there is none. */
const fp_accuracy *fp_course_accuracy_at(const fp_findings *findings, const fp_course *course, size_t seed,
                                         size_t step, size_t layer);
/* The course of MODEL fine-tuned on TUNED and probed on PROBED; NULL: not in this sweep. */
const fp_course *fp_course_of(const fp_findings *findings, size_t model, size_t tuned, size_t probed);

/* Index of step 0 (always 0) and of the run's last update among the steps, or -1 where it is not probed. */
int fp_course_original(const fp_course *course);
int fp_course_last(const fp_course *course);

/* A number of a unit, or of one of its labels; NaN: not defined. */
typedef double fp_quantity(const fp_numbers *numbers, size_t label);
double fp_quantity_minimum(const fp_numbers *numbers, size_t label);
double fp_quantity_movement(const fp_numbers *numbers, size_t label);
double fp_quantity_similarity(const fp_numbers *numbers, size_t unused);
double fp_quantity_train_test(const fp_numbers *numbers, size_t unused);
double fp_quantity_clusters(const fp_numbers *numbers, size_t unused);
double fp_quantity_mean_minimum(const fp_numbers *numbers, size_t unused);

/* Mean cosine between the movements of two different labels out of a sample (LABELS NULL: all, N_LABELS) of
 * ALL labels; NaN: not defined, or not the last step. */
double fp_mean_cosine(const fp_numbers *numbers, size_t all, const size_t *labels, size_t n_labels);

/* Mean and deviation (divided by n - 1) over the seeds where it is defined; NaN where too few are. */
typedef struct fp_value {
    size_t n;
    double mean, deviation;
} fp_value;
fp_value fp_course_value(const fp_findings *findings, const fp_course *course, size_t step, size_t layer,
                         fp_quantity *quantity, size_t label);
/* The same of the classifiers' accuracy. */
fp_value fp_course_accuracy(const fp_findings *findings, const fp_course *course, size_t step, size_t layer);

#endif
