/* A piece of work that carries a run on: updates up to the piece's last checkpoint. */
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "run.h"

#include <math.h>
#include <stdlib.h>

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

/* Updates up to STEP; their losses, one each, into LOSSES. */
static int advance(fp_finetune *run, size_t step, float *losses, const fp_piece *piece, fp_reporter *reporter,
                   fp_error *error) {
    size_t last = (size_t)piece->checkpoints[piece->n_checkpoints - 1].row.step;
    for (size_t i = 0; fp_finetune_step(run) < step; i++) {
        double loss;
        if (fp_finetune_update(run, &loss, error) < 0)
            return -1;
        losses[i] = (float)loss;
        fp_report_progress(reporter, (double)fp_finetune_step(run) / (double)last);
    }
    return 0;
}

/* Carries RUN to one checkpoint and leaves there: the model's folder, the run's state, the record. The record
 * comes last: where it is, the others are. */
static int reach(fp_finetune *run, const fp_piece *piece, const fp_piece_checkpoint *goal,
                 const fp_prepared *prepared, fp_reporter *reporter, fp_error *error) {
    size_t from = fp_finetune_step(run), n = (size_t)goal->row.step - from;
    fp_checkpoint_record record = {
        .row = goal->row, .losses_at = piece->losses_at + (int64_t)from, .n_losses = n};
    record.losses = fp_alloc(n, sizeof *record.losses, "losses", error);
    char *vocab = record.losses ? fp_path_join(piece->model, "vocab.txt", error) : NULL;
    int rc = vocab ? advance(run, (size_t)goal->row.step, record.losses, piece, reporter, error) : -1;
    if (rc == 0)
        rc = examine(run, &prepared->data[1], &record.row, error);
    if (rc == 0)
        record.row.train_loss = fp_losses_mean(record.losses, n);
    if (rc == 0)
        rc = fp_bert_save(fp_finetune_model(run), goal->folder, vocab, error);
    if (rc == 0)
        rc = fp_checkpoint_record_save(goal->record, &record, error);
    if (rc == 0)
        rc = fp_finetune_save(run, piece->state, error);
    free(vocab);
    free(record.losses);
    return rc;
}

static int is_there(const fp_piece_checkpoint *goal) {
    return fp_path_exists(goal->record) && fp_path_exists(goal->folder);
}

/* Whether a saved run that stands at STEP serves: at the checkpoint before the piece's first, or at one of
 * the piece's own whose files, and those of all before it, are there. */
static int serves(const fp_piece *piece, int64_t step) {
    int there = step == piece->start_step;
    for (size_t i = 0; i < piece->n_checkpoints && piece->checkpoints[i].row.step <= step; i++) {
        if (!is_there(&piece->checkpoints[i]))
            return 0;
        there = there || piece->checkpoints[i].row.step == step;
    }
    return there;
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
        if (fp_finetune_restore(run, piece->state, error) == 0 &&
            serves(piece, (int64_t)fp_finetune_step(run)))
            return run;
        fp_finetune_destroy(run);
    }
}

/* From the start to the checkpoint before the piece's first: its losses were recorded when it was first
 * reached. */
static int catch_up(fp_finetune *run, const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    size_t step = (size_t)piece->start_step;
    if (fp_finetune_step(run) >= step)
        return 0;
    float *losses = fp_alloc(step, sizeof *losses, "losses", error);
    int rc = losses ? advance(run, step, losses, piece, reporter, error) : -1;
    free(losses);
    return rc;
}

static int carry_on(fp_finetune *run, const fp_piece *piece, const fp_prepared *prepared,
                    fp_reporter *reporter, fp_error *error) {
    if (catch_up(run, piece, reporter, error) < 0)
        return -1;
    for (size_t i = 0; i < piece->n_checkpoints; i++) {
        const fp_piece_checkpoint *goal = &piece->checkpoints[i];
        if ((size_t)goal->row.step > fp_finetune_step(run) &&
            reach(run, piece, goal, prepared, reporter, error) < 0)
            return fp_error_context(error, "checkpoint %d", goal->row.step);
        fp_report_checkpoint(reporter, goal->index);
    }
    return 0;
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
        rc = run ? carry_on(run, piece, &prepared, reporter, error) : -1;
        fp_finetune_destroy(run);
        fp_prepared_free(&prepared);
    }
    fp_bert_free(model);
    return rc;
}
