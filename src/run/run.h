/* run.h: what the three kinds of work share. */
#ifndef FINEPROBE_SRC_RUN_H
#define FINEPROBE_SRC_RUN_H

#include "fineprobe/piece.h"

/* Where reports go; at most a few progress reports a second. */
typedef struct fp_reporter {
    int fd;
    /* seconds of the monotonic clock: begin, last progress, last checkpoint, last time the run's state was
     * saved */
    double started, last, checkpoint, saved;
    volatile int *stop; /* asked to stop; may be NULL */
} fp_reporter;

void fp_report_progress(void *reporter, double share); /* an fp_progress */
void fp_report_checkpoint(fp_reporter *reporter, int64_t index);
double fp_report_clock(void);

/* What a piece returns that was asked to stop, and has saved what it needs to go on. */
enum { FP_RUN_STOPPED = 1 };

/* Of a model: its weights with their configuration, and the bytes of its vocabulary. */
int fp_model_digest(fp_digest weights, fp_digest vocab, fp_digest *out, fp_error *error);

/* Whether MODEL, read from FOLDER, is the one that EXPECTED (hexadecimal) was planned for; "" expects
 * nothing. */
int fp_expect_model(const fp_bert *model, const char *folder, const char *expected, fp_error *error);
int fp_expect_task(const fp_task *task, const char *expected, fp_error *error);

/* A task read and turned into pieces for one model. */
typedef struct fp_prepared {
    fp_task *task;
    fp_wordpiece *tokenizer;
    fp_encoded data[2]; /* train, test */
} fp_prepared;

/* MODEL: a folder with vocab.txt; POSITIONS: its limit. */
int fp_prepare(const char *model, const fp_task_spec *spec, size_t positions, fp_prepared *out,
               fp_error *error);
void fp_prepared_free(fp_prepared *prepared);

/* What a unit's row calls it: "linear", "not linear", "undecided", "one label". */
const char *fp_probe_state(const fp_directprobe_result *result);

/* The file that PIECE hands in; not of a run, which has many. */
const char *fp_piece_result(const fp_piece *piece);

/* 0, FP_RUN_STOPPED or -1. */
int fp_run_finetune(const fp_piece *piece, fp_reporter *reporter, fp_error *error);
int fp_run_embed(const fp_piece *piece, fp_reporter *reporter, fp_error *error);
int fp_run_probe(const fp_piece *piece, fp_reporter *reporter, fp_error *error);

#endif
