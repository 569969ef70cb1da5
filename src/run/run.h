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
int fp_run_candidates(const fp_piece *piece, fp_reporter *reporter, fp_error *error);
int fp_run_classifier(const fp_piece *piece, fp_reporter *reporter, fp_error *error);
int fp_run_control(const fp_piece *piece, fp_reporter *reporter, fp_error *error);
int fp_run_code(const fp_piece *piece, fp_reporter *reporter, fp_error *error);
int fp_run_memorisation(const fp_piece *piece, fp_reporter *reporter, fp_error *error);

/* Vectors of split S (0 train, 1 test) at LAYER, as many as the piece's group says. */
int fp_piece_vectors(const fp_piece *piece, int layer, int s, fp_vectors *out, fp_error *error);

/* Both sets as the probes that train classifiers take them; to be freed after a failure, too. */
typedef struct fp_probe_sets {
    fp_vectors vectors[2];
    fp_mlp_data data[2];
} fp_probe_sets;
int fp_probe_sets_read(const fp_piece *piece, fp_probe_sets *out, fp_error *error);
void fp_probe_sets_free(fp_probe_sets *sets);
/* The first network of the piece's settings; its record, with its CRC, to where the piece says. */
fp_network_columns fp_piece_network(const fp_piece *piece);
int fp_probe_record_save(const fp_piece *piece, void *record, fp_error *error);

/* Scores of the candidates of one shape [n_l2], on their way to the piece that chooses. */
int fp_candidates_save(const fp_piece *piece, size_t shape, const fp_candidate *scores, fp_error *error);
int fp_candidates_load(const fp_piece *piece, size_t shape, fp_candidate *scores, fp_error *error);

#endif
