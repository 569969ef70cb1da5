/* plan.h: a grid expanded: every run, checkpoint, representation and unit with its identity, size and
 * expected cost. */
#ifndef FINEPROBE_PLAN_H
#define FINEPROBE_PLAN_H

#include "fineprobe/grid.h"
#include "fineprobe/piece.h"
#include "fineprobe/store.h"

/* One fine-tuning of one model on one task with one seed. Layout.runs has its row. */
typedef struct fp_plan_run {
    size_t model, task;                     /* of the grid */
    fp_finetune_settings settings;          /* with its seed */
    size_t first_checkpoint, n_checkpoints; /* its checkpoints (step > 0) in layout.checkpoints, ascending */
    double seconds_per_update;              /* expected, one core */
    double memory;                          /* bytes, peak */
    double checkpoint_bytes;                /* of a checkpoint's folder with the run's state */
} fp_plan_run;

/* The vectors of one task's instances at all wanted layers of one checkpoint. */
typedef struct fp_plan_representation {
    size_t checkpoint, model, task;
    size_t first_unit, n_units; /* of DirectProbe: one a layer, or none */
    size_t n_layers;            /* that its probings look at */
    size_t first_probing, n_probings;
    double seconds, memory; /* of embedding */
    double bytes;           /* of its vectors in scratch */
} fp_plan_representation;

/* A piece of probing: needs the vectors of one representation. Those of a representation follow one another.
 */
#define FP_NOTHING SIZE_MAX
typedef struct fp_plan_probing {
    fp_piece_kind kind;
    size_t index; /* row in the table of what it hands in, or has a part in: fp_piece_product(kind) */
    size_t shape; /* FP_PIECE_CANDIDATES: of the classifier's settings */
    size_t representation;
    size_t then; /* the probing, behind this one, that must wait for it; FP_NOTHING: it is an end in itself */
    int32_t layer;
    double seconds, memory; /* expected */
} fp_plan_probing;

typedef struct fp_plan {
    const fp_grid *grid; /* not owned */
    fp_layout layout;
    fp_bert_config *configs; /* [models] */
    fp_plan_run *runs;       /* [layout.n_runs] */
    size_t n_representations;
    fp_plan_representation *representations;
    size_t n_probings;
    fp_plan_probing *probings;
    double checkpoint_bytes; /* of the largest of them */
} fp_plan;

/* Loads every task, reads every config, hashes weights and data. Problems: tasks that cannot be read, models
 * that cannot be loaded, names that clash, empty choices; all of them, with the place in the grid. */
fp_plan *fp_plan_make(const fp_grid *grid, fp_problems *problems);
void fp_plan_free(fp_plan *plan);

#endif
