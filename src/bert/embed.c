/* Vectors out of a model, a few thousand pieces at a time. */
#include "bert/encoder.h"
#include "bert/model.h"
#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

/* Rows of a pass: enough to keep the matrix products efficient, few enough to stay in the caches. */
enum { ROWS_AT_ONCE = 1024 };

typedef struct embedding {
    fp_team *team;
    fp_encoder encoder;
    fp_batch batch;
    fp_batch_limits limits;
    uint32_t *sentences; /* 0, 1, 2, ... */
    fp_arena arena;
    const fp_encoded *data;
    const int *layers;
    size_t n_layers, done; /* instances (or pieces) written so far */
    int whole;             /* 1: hidden states of all pieces, 0: vectors of instances */
    float **out;
} embedding;

/* One past the last sentence of the pass that begins with FIRST. */
static size_t pass_end(const fp_encoded *data, size_t first) {
    size_t end = first + 1;
    while (end < data->n_sentences && data->piece_at[end + 1] - data->piece_at[first] <= ROWS_AT_ONCE)
        end++;
    return end;
}

static int check_layers(const fp_bert *model, const int *layers, size_t n, fp_error *error) {
    for (size_t i = 0; i < n; i++)
        if (layers[i] < 0 || (size_t)layers[i] > model->config.layers)
            return fp_fail(error, "layer %d is asked for; the model has layers 0 (embeddings) to %zu",
                           layers[i], model->config.layers);
    return 0;
}

static int prepare(embedding *e, const fp_bert *model, fp_error *error) {
    if (check_layers(model, e->layers, e->n_layers, error) < 0 ||
        fp_batch_check(e->data, &model->config, error) < 0)
        return -1;
    e->encoder =
        (fp_encoder){.config = &model->config, .layout = &model->layout, .parameters = model->parameters};
    fp_encoder_employ(&e->encoder, e->team);
    e->sentences = fp_alloc(e->data->n_sentences, sizeof *e->sentences, "the order of sentences", error);
    if (!e->sentences)
        return -1;
    for (size_t s = 0; s < e->data->n_sentences; s++)
        e->sentences[s] = (uint32_t)s;
    for (size_t s = 0, end; s < e->data->n_sentences; s = end) {
        end = pass_end(e->data, s);
        fp_batch_measure(e->data, e->sentences + s, end - s, &e->limits);
    }
    for (int measured = 0; measured < 2; measured++) {
        fp_encoder_lay(&e->encoder, &e->arena, &e->limits);
        fp_batch_lay(&e->batch, &e->arena, &e->limits);
        if (!measured && fp_arena_open(&e->arena, "embedding", error) < 0)
            return -1;
    }
    return 0;
}

static void keep_layer(void *context, size_t layer, const float *hidden) {
    embedding *e = context;
    size_t width = e->encoder.config->hidden;
    for (size_t i = 0; i < e->n_layers; i++) {
        if ((size_t)e->layers[i] != layer)
            continue;
        if (e->whole)
            memcpy(e->out[i] + e->done * width, hidden, e->batch.rows * width * sizeof *hidden);
        else
            fp_batch_pool(&e->batch, width, hidden, e->out[i] + e->done * width * (size_t)e->batch.spans);
    }
}

static int embed(embedding *e, const fp_bert *model, int threads, fp_progress *progress, void *context,
                 fp_error *error) {
    e->team = fp_team_create(threads, error);
    int rc = e->team ? prepare(e, model, error) : -1;
    for (size_t s = 0, end; rc == 0 && s < e->data->n_sentences; s = end) {
        end = pass_end(e->data, s);
        fp_batch_fill(&e->batch, e->data, e->sentences + s, end - s);
        fp_encoder_forward(&e->encoder, &e->batch, keep_layer, e);
        e->done += e->whole ? e->batch.rows : e->batch.n_instances;
        if (progress)
            progress(context, (double)e->data->piece_at[end] / (double)e->data->n_pieces);
    }
    fp_arena_close(&e->arena);
    fp_team_free(e->team);
    free(e->sentences);
    return rc;
}

int fp_bert_embed(const fp_bert *model, const fp_encoded *data, const int *layers, size_t n_layers,
                  float **out, int threads, fp_progress *progress, void *context, fp_error *error) {
    embedding e = {.data = data, .layers = layers, .n_layers = n_layers, .out = out};
    return embed(&e, model, threads, progress, context, error);
}

int fp_bert_hidden(const fp_bert *model, const fp_encoded *data, const int *layers, size_t n_layers,
                   float **out, fp_error *error) {
    embedding e = {.data = data, .layers = layers, .n_layers = n_layers, .out = out, .whole = 1};
    return embed(&e, model, 1, NULL, NULL, error);
}
