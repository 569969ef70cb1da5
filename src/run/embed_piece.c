/* A piece of work that embeds a task's instances: all wanted layers of one checkpoint at once. */
#include "fineprobe/memory.h"
#include "run.h"

#include <stdlib.h>

typedef struct fp_layers {
    float **of[2]; /* [split][layer] */
    size_t n;
} fp_layers;

static void layers_free(fp_layers *layers) {
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; layers->of[s] && i < layers->n; i++)
            free(layers->of[s][i]);
        free(layers->of[s]);
    }
}

static int layers_alloc(const fp_encoded data[2], size_t n, size_t width, fp_layers *out, fp_error *error) {
    *out = (fp_layers){.n = n};
    for (int s = 0; s < 2; s++) {
        if (!(out->of[s] = fp_alloc(n, sizeof *out->of[s], "layers", error)))
            return -1;
        for (size_t i = 0; i < n; i++)
            if (!(out->of[s][i] = fp_alloc(data[s].n_instances * width, sizeof(float), "vectors", error)))
                return -1;
    }
    return 0;
}

int fp_run_embed(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    fp_bert *model = fp_bert_load(piece->model, error);
    if (!model)
        return -1;
    const fp_bert_config *config = fp_bert_config_of(model);
    fp_prepared prepared;
    int rc = fp_prepare(piece->model, &piece->task, config->positions, &prepared, error);
    if (rc == 0) {
        size_t width = config->hidden * (prepared.task->kind == FP_KIND_PAIR ? 2 : 1);
        fp_layers layers;
        rc = layers_alloc(prepared.data, piece->n_layers, width, &layers, error);
        for (int s = 0; rc == 0 && s < 2; s++)
            rc = fp_bert_embed(model, &prepared.data[s], piece->layers, piece->n_layers, layers.of[s],
                               fp_report_progress, reporter, error);
        if (rc == 0)
            rc = fp_vectors_write(piece->vectors, prepared.task, prepared.data, piece->layers,
                                  piece->n_layers, width, (float *const *const *)layers.of, error);
        layers_free(&layers);
        fp_prepared_free(&prepared);
    }
    fp_bert_free(model);
    return rc;
}
