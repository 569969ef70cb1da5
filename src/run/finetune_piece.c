/* A piece of work that carries a run on: updates up to the piece's last checkpoint. */
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include "run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Share of instances whose predicted label is theirs; NaN without instances. */
static double accuracy(const fp_encoded *data, const int32_t *predicted) {
    size_t right = 0;
    for (size_t i = 0; i < data->n_instances; i++)
        right += predicted[i] == data->instances[i].label;
    return data->n_instances ? (double)right / (double)data->n_instances : NAN;
}

/* What the run's own head makes of the test set. */
static int examine(fp_finetune *run, const fp_encoded *test, fp_checkpoint_row *row, fp_error *error) {
    row->test_loss = row->test_accuracy = NAN;
    if (test->n_instances == 0)
        return 0;
    int32_t *predicted = fp_alloc(test->n_instances, sizeof *predicted, "predictions", error);
    int rc = predicted ? fp_finetune_predict(run, test, predicted, &row->test_loss, error) : -1;
    if (rc == 0)
        row->test_accuracy = accuracy(test, predicted);
    free(predicted);
    return rc;
}

/* ---- a run that stands between two checkpoints: its state, and the losses since the one before ---- */

enum { SAVE_EVERY = 600 }; /* seconds: what a crash can cost where checkpoints are far apart */

static char *losses_path(const fp_piece *piece, fp_error *error) {
    return fp_format(error, "%s.losses", piece->state);
}

/* The losses go first: where the state is, they are. */
static int save_between(const fp_finetune *run, const fp_piece *piece, const float *losses, size_t n,
                        fp_error *error) {
    fp_checkpoint_record record = {
        .row = piece->checkpoints[0].row, .losses = (float *)losses, .n_losses = n};
    record.row.step = (int32_t)fp_finetune_step(run);
    char *path = losses_path(piece, error);
    int rc = path ? fp_checkpoint_record_save(path, &record, error) : -1;
    free(path);
    return rc == 0 ? fp_finetune_save(run, piece->state, error) : -1;
}

/* The losses of the N updates before STEP into OUT (may be NULL), as save_between left them. */
static int losses_between(const fp_piece *piece, int64_t step, size_t n, float *out, fp_error *error) {
    fp_checkpoint_record record = {0};
    char *path = losses_path(piece, error);
    int rc = path ? fp_checkpoint_record_load(path, &record, error) : -1;
    if (rc == 0 && (record.row.step != step || record.n_losses != n))
        rc = fp_fail(error, "%s holds the losses of another state", path);
    if (rc == 0 && out)
        memcpy(out, record.losses, n * sizeof *out);
    free(record.losses);
    free(path);
    return rc;
}

/* Updates up to STEP; their losses go into LOSSES, one each, behind the KNOWN ones that it holds. 0,
 * FP_RUN_STOPPED with the run saved, or -1. */
static int advance(fp_finetune *run, size_t step, float *losses, size_t known, const fp_piece *piece,
                   fp_reporter *reporter, fp_error *error) {
    size_t last = (size_t)piece->checkpoints[piece->n_checkpoints - 1].row.step;
    while (fp_finetune_step(run) < step) {
        double loss;
        int stop = reporter->stop && *reporter->stop;
        if (stop || fp_report_clock() - reporter->saved > SAVE_EVERY) {
            if (save_between(run, piece, losses, known, error) < 0)
                return -1;
            reporter->saved = fp_report_clock();
        }
        if (stop)
            return FP_RUN_STOPPED;
        if (fp_finetune_update(run, &loss, error) < 0)
            return -1;
        losses[known++] = (float)loss;
        fp_report_progress(reporter, (double)fp_finetune_step(run) / (double)last);
    }
    return 0;
}

/* Where the run leaves its record, everything else is there already: it comes last. */
static int leave(fp_finetune *run, const fp_piece *piece, const fp_piece_checkpoint *goal,
                 const fp_prepared *prepared, fp_checkpoint_record *record, fp_error *error) {
    char *vocab = fp_path_join(piece->model, "vocab.txt", error);
    int rc = vocab ? examine(run, &prepared->data[1], &record->row, error) : -1;
    if (rc == 0) {
        record->row.train_loss = fp_losses_mean(record->losses, record->n_losses);
        record->row.crc = fp_checkpoint_record_crc(record);
        rc = fp_bert_save(fp_finetune_model(run), goal->folder, vocab, error);
    }
    if (rc == 0)
        rc = fp_checkpoint_record_save(goal->record, record, error);
    if (rc == 0)
        rc = fp_finetune_save(run, piece->state, error);
    free(vocab);
    return rc;
}

/* Carries RUN from the checkpoint at step FROM, or from where it stands behind that, to the next one, GOAL,
 * and leaves there the model's folder, the record, the run's state. */
static int reach(fp_finetune *run, const fp_piece *piece, size_t from, const fp_piece_checkpoint *goal,
                 const fp_prepared *prepared, fp_reporter *reporter, fp_error *error) {
    size_t n = (size_t)goal->row.step - from, known = fp_finetune_step(run) - from;
    fp_checkpoint_record record = {
        .row = goal->row, .losses_at = piece->losses_at + (int64_t)from, .n_losses = n};
    record.losses = fp_alloc(n, sizeof *record.losses, "losses", error);
    int rc = record.losses ? 0 : -1;
    if (rc == 0 && known > 0)
        rc = losses_between(piece, (int64_t)(from + known), known, record.losses, error);
    if (rc == 0)
        rc = advance(run, (size_t)goal->row.step, record.losses, known, piece, reporter, error);
    if (rc == 0)
        rc = leave(run, piece, goal, prepared, &record, error);
    reporter->saved = fp_report_clock();
    free(record.losses);
    return rc;
}

static int is_there(const fp_piece_checkpoint *goal) {
    return fp_path_exists(goal->record) && fp_path_exists(goal->folder);
}

/* Whether a saved run that stands at STEP serves: on its way to the piece's first checkpoint; or behind one
 * of the piece's own whose files, and those of all before it, are there, with the losses since. */
static int serves(const fp_piece *piece, int64_t step) {
    int64_t before = piece->start_step;
    for (size_t i = 0; i < piece->n_checkpoints && piece->checkpoints[i].row.step <= step; i++) {
        if (!is_there(&piece->checkpoints[i]))
            return 0;
        before = piece->checkpoints[i].row.step;
    }
    return step <= before || losses_between(piece, step, (size_t)(step - before), NULL, NULL) == 0;
}

static int intact(const char *path, fp_error *error) {
    fp_safetensors *file = fp_safetensors_open(path, error);
    int whole = file && fp_safetensors_intact(file, error) == 0;
    fp_safetensors_close(file);
    return whole;
}

/* A new run, or the saved one where that serves. */
static fp_finetune *start(const fp_bert *model, const fp_piece *piece, const fp_prepared *prepared,
                          fp_error *error) {
    fp_special_pieces special = fp_wordpiece_special(prepared->tokenizer);
    for (int fresh = 0;; fresh++) {
        fp_finetune *run = fp_finetune_create(model, &prepared->data[0], prepared->task->n_labels, &special,
                                              &piece->settings, error);
        if (!run || fresh || !fp_path_exists(piece->state))
            return run;
        if (intact(piece->state, error) && fp_finetune_restore(run, piece->state, error) == 0 &&
            serves(piece, (int64_t)fp_finetune_step(run)))
            return run;
        fp_finetune_destroy(run);
    }
}

/* Up to the checkpoint before the piece's first: its losses were recorded when it was first reached. */
static int catch_up(fp_finetune *run, const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    size_t step = (size_t)piece->start_step;
    if (fp_finetune_step(run) >= step)
        return 0;
    float *losses = fp_alloc(step, sizeof *losses, "losses", error);
    int rc = losses ? advance(run, step, losses, fp_finetune_step(run), piece, reporter, error) : -1;
    free(losses);
    return rc;
}

static int carry_on(fp_finetune *run, const fp_piece *piece, const fp_prepared *prepared,
                    fp_reporter *reporter, fp_error *error) {
    size_t from = (size_t)piece->start_step;
    int rc = catch_up(run, piece, reporter, error);
    for (size_t i = 0; rc == 0 && i < piece->n_checkpoints; i++) {
        const fp_piece_checkpoint *goal = &piece->checkpoints[i];
        if ((size_t)goal->row.step > fp_finetune_step(run))
            rc = reach(run, piece, from, goal, prepared, reporter, error);
        if (rc < 0)
            return fp_error_context(error, "checkpoint %d", goal->row.step);
        if (rc == 0)
            fp_report_checkpoint(reporter, goal->index);
        from = (size_t)goal->row.step;
    }
    return rc;
}

int fp_run_finetune(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    fp_bert *model = fp_bert_load(piece->model, error);
    if (!model)
        return -1;
    fp_prepared prepared;
    int rc = fp_prepare(piece->model, &piece->task, fp_bert_config_of(model)->positions, &prepared, error);
    if (rc == 0) {
        rc = fp_expect_model(model, piece->model, piece->model_digest, error);
        if (rc == 0)
            rc = fp_expect_task(prepared.task, piece->task_digest, error);
        fp_finetune *run = rc == 0 ? start(model, piece, &prepared, error) : NULL;
        fp_bert_free(model); /* the run has weights of its own, and needs the memory */
        model = NULL;
        rc = run ? carry_on(run, piece, &prepared, reporter, error) : -1;
        fp_finetune_destroy(run);
        fp_prepared_free(&prepared);
    }
    fp_bert_free(model);
    return rc;
}
