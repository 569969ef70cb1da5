/* A piece of work that embeds a task's instances: all wanted layers of one checkpoint at once. */
#include "run/embedding.h"

int fp_run_embed(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    fp_embedding embedding;
    if (fp_embedding_open(piece->model, &piece->task, &embedding, error) < 0)
        return -1;
    embedding.threads = piece->threads;
    int rc = fp_expect_model(embedding.model, piece->model, piece->model_digest, error);
    if (rc == 0)
        rc = fp_expect_task(embedding.prepared.task, piece->task_digest, error);
    if (rc == 0)
        rc = fp_embedding_write(&embedding, piece->layers, piece->n_layers, piece->vectors,
                                fp_report_progress, reporter, error);
    fp_embedding_close(&embedding);
    return rc;
}
