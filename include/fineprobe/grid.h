/* grid.h: the grid file: what a sweep is to do. README holds the reference of its keys. */
#ifndef FINEPROBE_GRID_H
#define FINEPROBE_GRID_H

#include "fineprobe/bert.h"
#include "fineprobe/classifier.h"
#include "fineprobe/directprobe.h"
#include "fineprobe/finetune.h"
#include "fineprobe/record.h"
#include "fineprobe/task.h"

/* All that is wrong with a grid, found in one reading; each "file:line:column: what, and what would be
 * right". */
typedef struct fp_problems {
    size_t count, capacity;
    char **texts;
} fp_problems;
void fp_problems_free(fp_problems *problems);
int fp_problems_add(fp_problems *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where something stands in the grid file, for messages of later checks. */
typedef struct fp_place {
    size_t line, column; /* from 1 */
} fp_place;

typedef struct fp_grid_model {
    char *name;
    char *folder;                  /* of a model with weights; NULL: random weights from CONFIG */
    fp_bert_config config;         /* only without FOLDER */
    char *vocab;                   /* only without FOLDER: vocab.txt */
    uint64_t seed;                 /* only without FOLDER: of the random weights; default 1 */
    char *source;                  /* where FOLDER can be fetched; may be NULL */
    int absent;                    /* 1: FOLDER is not there; CONFIG is what the grid expects of it */
    int expected;                  /* 1: CONFIG holds what the grid expects of FOLDER */
    fp_finetune_settings finetune; /* the grid's settings with the model's overrides; SEED is not set here */
    fp_place place;
} fp_grid_model;

/* What a task's files are expected to hold; LABELS 0: nothing was said. */
typedef struct fp_expected_split {
    size_t sentences, instances, pieces, longest; /* pieces with [CLS] and [SEP] */
} fp_expected_split;
typedef struct fp_expected_task {
    size_t labels;
    fp_expected_split train, test;
} fp_expected_task;

typedef struct fp_grid_task {
    fp_task_spec spec;
    char *source; /* where its files can be fetched; may be NULL */
    int absent;   /* 1: a file is not there */
    fp_expected_task expect;
    fp_place place;
} fp_grid_task;

/* A choice out of 0 .. last: steps of a run, layers of a model. */
typedef struct fp_grid_choice {
    int64_t every; /* > 0: 0, every, 2 every, ..., last; 0: the list */
    size_t count;
    int64_t *list; /* -1: the last */
} fp_grid_choice;

/* The chosen numbers out of 0 .. LAST, ascending, each once; numbers beyond LAST are left out. free() the
 * result. */
int fp_grid_choose(const fp_grid_choice *choice, int64_t last, int64_t **out, size_t *count, fp_error *error);

typedef struct fp_grid_pair {
    size_t finetuned_on, probed_on; /* tasks */
} fp_grid_pair;

/* A probe that trains classifiers. Of a control task, a code and memorisation the settings hold one shape and
 * one L2 weight. */
typedef struct fp_grid_probe {
    int wanted;
    fp_classifier_settings settings;
    fp_grid_choice steps, layers; /* as the grid has them; empty: the default */
    fp_place place;
} fp_grid_probe;
/* Among those of the sweep; default: the first and the last step, the last layer. */
const fp_grid_choice *fp_grid_probe_steps(const fp_grid_probe *probe);
const fp_grid_choice *fp_grid_probe_layers(const fp_grid_probe *probe);

typedef enum fp_keep { FP_KEEP_NONE, FP_KEEP_LAST, FP_KEEP_ALL } fp_keep;

/* What a piece of work may take; 0: left to the program. */
typedef struct fp_grid_limits {
    double memory;        /* bytes of a piece */
    double node_memory;   /* bytes of all pieces on one node together; 0: not bounded */
    double time, silence; /* seconds of a piece, in all and without a sign of progress */
    int attempts;         /* times a piece is tried in a session; default 2 */
} fp_grid_limits;

typedef struct fp_grid {
    char *path, *folder, *text;
    char *name; /* "name:" of the grid, or the file's name without its ending */
    size_t n_models, n_tasks, n_pairs, n_seeds;
    fp_grid_model *models;
    fp_grid_task *tasks;
    fp_grid_pair *pairs;
    uint64_t *seeds;
    fp_grid_choice steps, layers;
    int directprobe; /* 1: the probe is wanted */
    fp_directprobe_settings directprobe_settings;
    fp_grid_probe probes[FP_N_PRODUCTS]; /* by the kind of their records; FP_UNIT is DirectProbe, above */
    size_t clusters;      /* rows kept of each cluster table; the largest clusters; default 256 */
    size_t certificates;  /* places for certificates of a unit's split, at most; default 128 */
    int threads;          /* of one rank */
    char *output;         /* result file; default results/NAME.h5 in the current folder */
    char *scratch;        /* default: OUTPUT without .h5 plus .scratch */
    char *checkpoints;    /* default: OUTPUT without .h5 plus .checkpoints */
    fp_keep keep;         /* which checkpoints stay after the sweep; default last */
    double scratch_limit; /* bytes; default 20e9 */
    fp_grid_limits limits;
} fp_grid;

/* NULL when there are problems (all of them listed) or the file cannot be read (one problem). Missing files
 * named in the grid are problems. */
fp_grid *fp_grid_read(const char *path, fp_problems *problems);
void fp_grid_free(fp_grid *grid);

/* A grid whose files are not all there can be planned by what it expects of them, but not carried out: adds
 * what is to be fetched to PROBLEMS. */
void fp_grid_note_absent(const fp_grid *grid, fp_problems *problems);

/* Another result file (the option -o); scratch and checkpoints go with it where the grid does not name them.
 */
int fp_grid_set_output(fp_grid *grid, const char *file, fp_error *error);

/* A part of the grid (the option --models): nothing but the models that LIST names, with commas between. A
 * name that the grid does not have is an error. */
int fp_grid_keep_models(fp_grid *grid, const char *list, fp_error *error);

#endif
