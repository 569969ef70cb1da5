/* plan_make.h: a plan in the making (inside the planner). */
#ifndef FINEPROBE_PLAN_MAKE_H
#define FINEPROBE_PLAN_MAKE_H

#include "fineprobe/plan.h"

/* One split of one task as one model reads it. */
typedef struct fp_plan_data {
    fp_data_row row;
    double squares; /* sum over sentences of the square of their pieces: the work of attention */
} fp_plan_data;

/* What is known of a model before anything runs. */
typedef struct fp_plan_model {
    fp_wordpiece *tokenizer;
    fp_digest vocab, digest;
    size_t parameters;
    int64_t *layers; /* chosen */
    size_t n_layers;
} fp_plan_model;

typedef struct fp_plan_task {
    fp_task *task; /* NULL: could not be read */
    fp_digest digest;
    int probed;        /* it has instances */
    double squares[2]; /* per split: sum over labels of the square of their instances: pairs to merge */
} fp_plan_task;

typedef struct fp_plan_maker {
    const fp_grid *grid;
    fp_problems *problems;
    int failed; /* 1 as soon as there is a problem */
    fp_plan *plan;
    fp_plan_model *models;
    fp_plan_task *tasks;
    fp_plan_data *data;            /* [models, tasks, 2] */
    fp_digest *runs, *checkpoints; /* of the layout's rows */
    size_t runs_capacity, plan_runs_capacity, run_digests_capacity;
    size_t checkpoints_capacity, checkpoint_digests_capacity;
    size_t rows_capacity[FP_N_PRODUCTS], unit_groups_capacity;
    size_t groups_capacity, representations_capacity, probings_capacity;
} fp_plan_maker;

/* Adds a problem with its place in the grid; always returns -1. */
int fp_plan_problem(fp_plan_maker *maker, fp_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const fp_plan_data *fp_plan_data_of(const fp_plan_maker *maker, size_t model, size_t task, int split);
/* Adds a section to the plan's settings, which tell the plans of later sessions what changed: its head,
 * NOTES. */
int fp_plan_note(fp_plan *plan, const char *notes, fp_error *error, const char *head, ...)
    __attribute__((format(printf, 4, 5)));
/* TEXT into a field of a row; when it is too long, its end behind "...". */
void fp_plan_text(char *out, size_t size, const char *text);

/* The steps of planning, in this order. Problems are noted and the rest is gone on with. */
void fp_plan_load(fp_plan_maker *maker);                   /* models, tasks and data */
int fp_plan_tables(fp_plan_maker *maker, fp_error *error); /* rows of models, tasks, labels and data */
int fp_plan_runs(fp_plan_maker *maker, fp_error *error);   /* runs and checkpoints */
int fp_plan_units(fp_plan_maker *maker, fp_error *error);  /* representations, units and groups */
/* Of the representation AT, the last one so far: its probes that train classifiers. */
int fp_plan_classifiers(fp_plan_maker *maker, size_t at, int32_t group, fp_error *error);
/* Another probing of that representation; NULL: out of memory. */
fp_plan_probing *fp_plan_add_probing(fp_plan_maker *maker, size_t at, fp_piece_kind kind, size_t index,
                                     int64_t layer, fp_error *error);
/* What all rows begin with; the digest is left open. */
fp_probe_identity fp_plan_identity(fp_plan_maker *maker, size_t at, int32_t group, int64_t layer);
int fp_plan_provenance(fp_plan *plan, fp_error *error);

/* Of files that are not there: what the grid expects of them. The names of labels are made up. */
fp_task *fp_plan_expected_task(const fp_grid_task *task, fp_error *error);
void fp_plan_expected_data(const fp_expected_split *expected, fp_plan_data *out);
/* Of files that are there: whether they are what the grid expects, if it says so. */
int fp_plan_check_model(const fp_grid_model *model, const fp_bert_config *found, fp_error *error);
int fp_plan_check_task(const fp_grid_task *task, const fp_task *found, fp_error *error);

/* Digests: of all that decides a result, and of nothing else. NOTES: what went in, a line each. */
enum { FP_NOTES = 2048 };
int fp_plan_digest_random(const fp_bert_config *config, uint64_t seed, fp_digest *out, fp_error *error);
int fp_plan_digest_run(fp_digest model, fp_digest task, const fp_finetune_settings *settings,
                       const fp_bert_config *config, size_t updates, char notes[FP_NOTES], fp_digest *out,
                       fp_error *error);
int fp_plan_digest_checkpoint(fp_digest run, int64_t step, fp_digest *out, fp_error *error);
int fp_plan_digest_unit(fp_digest checkpoint, fp_digest task, int64_t layer, const fp_grid *grid,
                        size_t clusters, char notes[FP_NOTES], fp_digest *out, fp_error *error);

int fp_plan_digest_probe(fp_digest checkpoint, fp_digest task, int64_t layer, const fp_grid *grid,
                         fp_product_kind kind, char notes[FP_NOTES], fp_digest *out, fp_error *error);

/* Costs: expected seconds of one core and bytes. */
void fp_cost_run(const fp_bert_config *config, size_t parameters, const fp_plan_data *train,
                 fp_plan_run *run);
double fp_cost_checkpoint(size_t parameters); /* bytes of a checkpoint's folder with the state of its run */
void fp_cost_representation(const fp_bert_config *config, size_t parameters, const fp_plan_data *train,
                            const fp_plan_data *test, size_t width, fp_plan_representation *out);
/* SHAPE: of a search's candidates or the network; KIND: of the piece. */
void fp_cost_classifier(const fp_group *group, fp_piece_kind kind, const fp_classifier_settings *settings,
                        const fp_shape *shape, fp_plan_probing *out);
void fp_cost_unit(const fp_group *group, const fp_plan_task *task, int threads, fp_plan_probing *out);

#endif
