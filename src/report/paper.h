/* paper.h: the figures that the paper published, as data, and which of a sweep's models and tasks they match.
 */
#ifndef FINEPROBE_SRC_PAPER_H
#define FINEPROBE_SRC_PAPER_H

#include "fineprobe/table.h"

extern const char fp_paper_citation[];

typedef struct fp_paper_model {
    const char *name;
    int32_t layers, hidden, heads;
} fp_paper_model;
extern const fp_paper_model fp_paper_models[];
extern const size_t fp_paper_n_models;

typedef struct fp_paper_probing { /* table 7 */
    const char *model, *task;
    int tuned; /* 0: the original; 1: fine-tuned */
    double accuracy, deviation;
    int hidden[2];
    int clusters, linear;
    double train_test_similarity; /* NaN: not given */
} fp_paper_probing;
extern const fp_paper_probing fp_paper_table7[];
extern const size_t fp_paper_n_table7;

typedef struct fp_paper_cross {         /* table 5 */
    const char *model, *tuned, *probed; /* TUNED "": the original */
    int risen, fallen;                  /* labels; -1: not given */
    double change, accuracy;
} fp_paper_cross;
extern const fp_paper_cross fp_paper_table5[];
extern const size_t fp_paper_n_table5;

/* The paper's model of this shape; NULL: none. Whether the weights are the published ones cannot be seen. */
const char *fp_paper_model_of(const fp_model_row *model);
/* Whether the sweep's task NAME is the paper's PAPER: equal but for case; TREC counts as TREC-50. */
int fp_paper_is_task(const char *name, const char *paper);
/* Table 7's row; NULL: not published. */
const fp_paper_probing *fp_paper_probing_of(const char *model, const char *task, int tuned);
const fp_paper_cross *fp_paper_cross_of(const char *model, const char *tuned, const char *probed);

#endif
