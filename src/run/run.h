/* run.h: what the three kinds of work share. */
#ifndef FINEPROBE_SRC_RUN_H
#define FINEPROBE_SRC_RUN_H

#include "fineprobe/piece.h"

/* Where reports go; at most a few progress reports a second. */
typedef struct fp_reporter {
    int fd;
    double started, last,
        checkpoint; /* seconds of the monotonic clock: begin, last progress, last checkpoint */
} fp_reporter;

void fp_report_progress(void *reporter, double share); /* an fp_progress */
void fp_report_checkpoint(fp_reporter *reporter, int64_t index);

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

int fp_run_finetune(const fp_piece *piece, fp_reporter *reporter, fp_error *error);
int fp_run_embed(const fp_piece *piece, fp_reporter *reporter, fp_error *error);
int fp_run_probe(const fp_piece *piece, fp_reporter *reporter, fp_error *error);

#endif
