#include "run/embedding.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include <stdlib.h>

/* A checkpoint that this program wrote must still be what it was. */
static int check_intact(const char *model, fp_error *error) {
    char *path = fp_path_join(model, "model.safetensors", error);
    int rc = path ? 0 : -1;
    if (rc == 0 && fp_path_exists(path)) {
        fp_safetensors *file = fp_safetensors_open(path, error);
        rc = file ? fp_safetensors_intact(file, error) : -1;
        fp_safetensors_close(file);
        if (rc < 0)
            fp_error_context(error, "%s", path);
    }
    free(path);
    return rc;
}

int fp_embedding_open(const char *model, const fp_task_spec *task, fp_embedding *out, fp_error *error) {
    if (check_intact(model, error) < 0)
        return -1;
    *out = (fp_embedding){.model = fp_bert_load(model, error)};
    if (!out->model)
        return -1;
    const fp_bert_config *config = fp_bert_config_of(out->model);
    if (fp_prepare(model, task, config->positions, &out->prepared, error) < 0) {
        fp_embedding_close(out);
        return -1;
    }
    out->width = config->hidden * (out->prepared.task->kind == FP_KIND_PAIR ? 2 : 1);
    return 0;
}

void fp_embedding_close(fp_embedding *embedding) {
    if (embedding->prepared.task)
        fp_prepared_free(&embedding->prepared);
    fp_bert_free(embedding->model);
    *embedding = (fp_embedding){0};
}

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

/* The progress of one split as a part of the whole. */
typedef struct fp_part {
    double from, share;
    fp_progress *progress;
    void *context;
} fp_part;

static void part_progress(void *context, double share) {
    const fp_part *part = context;
    part->progress(part->context, part->from + part->share * share);
}

static int embed_splits(const fp_embedding *embedding, const int *layers, size_t n_layers,
                        const fp_layers *vectors, fp_progress *progress, void *context, fp_error *error) {
    const fp_encoded *data = embedding->prepared.data;
    double all = (double)(data[0].n_pieces + data[1].n_pieces);
    fp_part part = {.progress = progress, .context = context};
    for (int s = 0; s < 2; s++) {
        part.from += part.share;
        part.share = all > 0 ? (double)data[s].n_pieces / all : 0;
        if (data[s].n_instances > 0 &&
            fp_bert_embed(embedding->model, &data[s], layers, n_layers, vectors->of[s], embedding->threads,
                          progress ? part_progress : NULL, &part, error) < 0)
            return -1;
    }
    return 0;
}

int fp_embedding_write(const fp_embedding *embedding, const int *layers, size_t n_layers, const char *path,
                       fp_progress *progress, void *context, fp_error *error) {
    const fp_prepared *prepared = &embedding->prepared;
    fp_layers vectors;
    int rc = layers_alloc(prepared->data, n_layers, embedding->width, &vectors, error);
    if (rc == 0)
        rc = embed_splits(embedding, layers, n_layers, &vectors, progress, context, error);
    if (rc == 0)
        rc = fp_vectors_write(path, prepared->task, prepared->data, layers, n_layers, embedding->width,
                              (float *const *const *)vectors.of, error);
    layers_free(&vectors);
    return rc;
}
