/* schedule_graph.h: the nodes of the schedule's graph (inside the schedule). */
#ifndef FINEPROBE_SRC_SCHEDULE_GRAPH_H
#define FINEPROBE_SRC_SCHEDULE_GRAPH_H

#include "heap.h"
#include "schedule.h"

typedef enum fp_stage { STAGE_BLOCKED, STAGE_READY, STAGE_RUNNING, STAGE_DONE, STAGE_FAILED } fp_stage;

typedef struct fp_run_node {
    fp_stage stage;
    size_t next, wanted; /* checkpoints [next, wanted) of the layout are to be reached */
    size_t promised;     /* end of the range given to the running piece */
    int attempts;
    double tail; /* planned seconds behind the run's end: embedding and its longest chain */
} fp_run_node;

typedef struct fp_checkpoint_node {
    int available, recorded, failed;
    size_t unembedded; /* its representations that are still to be embedded */
    size_t first, end; /* its representations in `by_checkpoint` */
} fp_checkpoint_node;

typedef struct fp_representation_node {
    fp_stage stage;
    size_t open; /* its probings that are neither done nor failed: who still needs the vectors */
    size_t node; /* where they are */
    int attempts;
    double tail; /* its longest chain of probings */
} fp_representation_node;

typedef struct fp_probing_node {
    fp_stage stage;
    size_t waits_for; /* probings that must be done before */
    int attempts;
    double chain; /* planned seconds of it and what waits for it */
} fp_probing_node;

struct fp_schedule {
    const fp_plan *plan;
    fp_costs *costs;
    int attempts, local;
    size_t nodes;
    double node_memory;
    double *memory;      /* [nodes] in use */
    size_t *node_pieces; /* [nodes] running */
    fp_run_node *runs;
    fp_checkpoint_node *checkpoints;
    fp_representation_node *representations;
    fp_probing_node *probings;
    size_t *by_checkpoint; /* representations, grouped by checkpoint */
    fp_heap ready_representations;
    fp_heap *ready; /* [nodes] probings whose vectors are there */
    size_t n_ready;
    double *open_seconds; /* [classes of costs] planned seconds that are left */
    size_t next_refresh;  /* number of ended pieces at which priorities are made anew */
    fp_consequence *consequences;
    size_t n_consequences, next_consequence, consequence_capacity;
    fp_schedule_counts counts;
    double scratch_limit, scratch_of_checkpoints; /* bytes; the latter is a part of counts.scratch */
};

/* Shared by the beginning and the rest. */
double fp_updates_between(const fp_plan *plan, const fp_run_node *node, size_t run, size_t end);
double fp_checkpoint_bytes(const fp_schedule *s, size_t checkpoint); /* in scratch, until it is embedded */
void fp_hold_checkpoint(fp_schedule *s, double bytes);               /* BYTES < 0: gives back */
void fp_make_available(fp_schedule *s, size_t checkpoint);
void fp_fail_run(fp_schedule *s, size_t run);
void fp_fail_probing(fp_schedule *s, size_t probing);

#endif
