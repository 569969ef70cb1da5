/* What a run's head says of a split: its own pass without dropout, beside the training's memory. */
#include "bert/run.h"
#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

typedef struct prediction {
    fp_encoder encoder;
    fp_head head;
    fp_batch batch;
    fp_batch_limits limits;
    uint32_t *sentences; /* 0, 1, 2, ... */
    fp_arena arena;
} prediction;

static int prepare(prediction *p, const fp_finetune *run, const fp_encoded *data, fp_error *error) {
    p->encoder = (fp_encoder){
        .config = run->encoder.config, .layout = run->encoder.layout, .parameters = run->encoder.parameters};
    fp_encoder_employ(&p->encoder, run->team);
    p->head = run->head;
    p->sentences = fp_alloc(data->n_sentences, sizeof *p->sentences, "the order of sentences", error);
    if (!p->sentences)
        return -1;
    for (size_t s = 0; s < data->n_sentences; s++)
        p->sentences[s] = (uint32_t)s;
    for (size_t s = 0; s < data->n_sentences; s += run->settings.batch) {
        size_t left = data->n_sentences - s;
        fp_batch_measure(data, p->sentences + s, left < run->settings.batch ? left : run->settings.batch,
                         &p->limits);
    }
    for (int measured = 0; measured < 2; measured++) {
        fp_encoder_lay(&p->encoder, &p->arena, &p->limits);
        fp_batch_lay(&p->batch, &p->arena, &p->limits);
        fp_head_lay(&p->head, &p->arena, p->limits.instances, 0);
        if (!measured && fp_arena_open(&p->arena, "prediction", error) < 0)
            return -1;
    }
    return 0;
}

/* Labels and the sum of cross-entropies of the batch that is filled. */
static double predict_batch(prediction *p, int32_t *predicted) {
    size_t classes = p->head.classes, row = fp_logits_row(classes);
    fp_encoder_forward(&p->encoder, &p->batch, NULL, NULL);
    fp_head_forward(&p->head, &p->encoder, &p->batch, p->encoder.work.hidden[p->encoder.config->layers]);
    for (size_t i = 0; i < p->batch.n_instances; i++) {
        const float *logits = p->head.logits + i * row;
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            best = logits[c] > logits[best] ? c : best;
        predicted[i] = (int32_t)best;
    }
    return fp_cross_entropy(p->encoder.kernels, p->batch.n_instances, classes, p->head.labels, 1,
                            p->head.logits);
}

static int check(const fp_finetune *run, const fp_encoded *data, fp_error *error) {
    if (run->head.classes == 0)
        return fp_fail(error, "masked-language modelling has no head that classifies");
    if (data->kind != run->data->kind)
        return fp_fail(error, "the instances to predict are of another kind than those trained on");
    for (size_t i = 0; i < data->n_instances; i++)
        if (data->instances[i].label < 0 || (size_t)data->instances[i].label >= run->head.classes)
            return fp_fail(error, "instance %zu has label %d of %zu", i + 1, data->instances[i].label,
                           run->head.classes);
    return fp_batch_check(data, run->encoder.config, error);
}

int fp_finetune_predict(fp_finetune *run, const fp_encoded *data, int32_t *predicted, double *loss,
                        fp_error *error) {
    if (check(run, data, error) < 0)
        return -1;
    fp_optimiser_settle(&run->optimiser, run->step);
    prediction p = {.sentences = NULL};
    int rc = prepare(&p, run, data, error);
    double sum = 0;
    size_t batch = run->settings.batch;
    for (size_t s = 0, done = 0; rc == 0 && s < data->n_sentences; s += batch) {
        size_t left = data->n_sentences - s;
        fp_batch_fill(&p.batch, data, p.sentences + s, left < batch ? left : batch);
        sum += predict_batch(&p, predicted + done);
        done += p.batch.n_instances;
    }
    *loss = data->n_instances ? sum / (double)data->n_instances : 0;
    fp_arena_close(&p.arena);
    free(p.sentences);
    return rc;
}
