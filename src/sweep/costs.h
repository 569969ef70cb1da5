/* costs.h: what pieces of work take, learned while they are done: the plan's arithmetic times a factor for
 * each kind of work, task, model and layer, which moves from that of the coarser class to what was measured
 * as pieces end. */
#ifndef FINEPROBE_SRC_COSTS_H
#define FINEPROBE_SRC_COSTS_H

#include "fineprobe/piece.h"
#include "fineprobe/plan.h"

typedef struct fp_costs fp_costs;

fp_costs *fp_costs_create(const fp_plan *plan, fp_error *error);
void fp_costs_destroy(fp_costs *costs);

/* The class of a piece of work. */
size_t fp_costs_of_run(const fp_costs *costs, size_t run);
size_t fp_costs_of_representation(const fp_costs *costs, size_t representation);
size_t fp_costs_of_probing(const fp_costs *costs, size_t probing);
size_t fp_costs_classes(const fp_costs *costs);

/* A piece of CLASS that the plan gives PLANNED seconds took MEASURED ones. */
void fp_costs_learn(fp_costs *costs, size_t class, double planned, double measured);
/* What the plan's seconds of pieces of CLASS are to be multiplied by. */
double fp_costs_factor(const fp_costs *costs, size_t class);

/* All that the result file's provenance tells of this plan's probings and checkpoints; done by fp_status. */
void fp_costs_learn_history(fp_costs *costs, const unsigned char *probings, const fp_provenance_row *rows,
                            const unsigned char *checkpoints, const fp_provenance_row *checkpoint_rows);

#endif
