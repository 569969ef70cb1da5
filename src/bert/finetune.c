#include "fineprobe/finetune.h"

#include "bert/run.h"
#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

fp_finetune_settings fp_finetune_defaults(void) {
    return (fp_finetune_settings){.objective = FP_OBJECTIVE_CLASSIFY,
                                  .batch = 32,
                                  .epochs = 10,
                                  .learning_rate = 3e-4,
                                  .warmup = 0.1,
                                  .beta1 = 0.9,
                                  .beta2 = 0.999,
                                  .epsilon = 1e-8,
                                  .hidden_dropout = -1,
                                  .attention_dropout = -1,
                                  .threads = 1};
}

static size_t updates_per_epoch(const fp_finetune_settings *settings, size_t n_sentences) {
    return (n_sentences + settings->batch - 1) / settings->batch;
}

size_t fp_finetune_updates(const fp_finetune_settings *settings, size_t n_sentences) {
    return settings->updates ? settings->updates
                             : settings->epochs * updates_per_epoch(settings, n_sentences);
}

static int check_settings(const fp_finetune_settings *s, fp_error *error) {
    if (s->batch < 1)
        return fp_fail(error, "a batch must hold at least one sentence");
    if (!(s->learning_rate >= 0) || !isfinite(s->learning_rate))
        return fp_fail(error, "learning rate %g: must be 0 or more", s->learning_rate);
    if (!(s->warmup >= 0 && s->warmup <= 1))
        return fp_fail(error, "warm-up %g: must be a share of the updates, 0 to 1", s->warmup);
    if (!(s->beta1 >= 0 && s->beta1 < 1 && s->beta2 >= 0 && s->beta2 < 1))
        return fp_fail(error, "betas %g and %g: must be at least 0 and below 1", s->beta1, s->beta2);
    if (!(s->epsilon > 0) || !(s->weight_decay >= 0))
        return fp_fail(error, "epsilon %g must be above 0, weight decay %g not below", s->epsilon,
                       s->weight_decay);
    if (!(s->hidden_dropout < 1 && s->attention_dropout < 1))
        return fp_fail(error, "dropout must be below 1");
    return 0;
}

static int check_data(const fp_encoded *data, size_t n_labels, const fp_finetune_settings *settings,
                      const fp_special_pieces *special, fp_error *error) {
    if (data->n_sentences == 0)
        return fp_fail(error, "there is no sentence to train on");
    if (settings->objective == FP_OBJECTIVE_MLM)
        return special && special->mask >= 0
                   ? 0
                   : fp_fail(error, "masked-language modelling needs a vocabulary with [MASK]");
    if (n_labels == 0)
        return fp_fail(error, "there is no label to learn");
    for (size_t i = 0; i < data->n_instances; i++)
        if (data->instances[i].label < 0 || (size_t)data->instances[i].label >= n_labels)
            return fp_fail(error, "instance %zu has label %d of %zu", i + 1, data->instances[i].label,
                           n_labels);
    return 0;
}

/* The sentences of update K; loads the order of its epoch when another one is there. */
static size_t sentences_of(fp_finetune *run, size_t k, const uint32_t **out) {
    size_t n = run->data->n_sentences, batch = run->settings.batch;
    size_t per_epoch = updates_per_epoch(&run->settings, n), epoch = k / per_epoch;
    if (epoch != run->epoch) {
        fp_rng_permutation(fp_rng_key_of(run->settings.seed, FP_RNG_ORDER, epoch, 0), n, run->order);
        run->epoch = epoch;
    }
    size_t first = k % per_epoch * batch;
    *out = run->order + first;
    return n - first < batch ? n - first : batch;
}

static fp_batch_limits limits_of(fp_finetune *run) {
    fp_batch_limits limits = {0};
    for (size_t k = 0; k < run->total; k++) {
        const uint32_t *sentences;
        size_t n = sentences_of(run, k, &sentences);
        fp_batch_measure(run->data, sentences, n, &limits);
    }
    return limits;
}

size_t fp_finetune_head_numbers(const fp_finetune *run) {
    return run->head.classes * run->head.width + run->head.classes;
}

static void lay(fp_finetune *run, fp_arena *arena, const fp_batch_limits *limits) {
    fp_optimiser *o = &run->optimiser;
    o->parameters = fp_arena_take(arena, o->numbers, sizeof(float));
    o->gradients = fp_arena_take(arena, o->numbers, sizeof(float));
    o->first = fp_arena_take(arena, o->numbers, sizeof(float));
    o->second = fp_arena_take(arena, o->numbers, sizeof(float));
    o->seen = fp_arena_take(arena, o->vocabulary, 1);
    o->decayed = fp_arena_take(arena, 1, sizeof *o->decayed);
    run->encoder.parameters = o->parameters;
    run->encoder.gradients = o->gradients;
    fp_encoder_lay(&run->encoder, arena, limits);
    fp_batch_lay(&run->batch, arena, limits);
    if (run->settings.objective == FP_OBJECTIVE_MLM)
        fp_mlm_lay(&run->mlm, &run->model->config, arena, limits->rows);
    else
        fp_head_lay(&run->head, arena, limits->instances, 1);
}

static void set_up_parts(fp_finetune *run, size_t n_labels, const fp_special_pieces *special) {
    const fp_bert_config *config = &run->model->config;
    const fp_finetune_settings *s = &run->settings;
    const fp_tensor_layout *layout = &run->model->layout;
    int mlm = s->objective == FP_OBJECTIVE_MLM;
    double hidden = s->hidden_dropout < 0 ? config->hidden_dropout : s->hidden_dropout;
    double attention = s->attention_dropout < 0 ? config->attention_dropout : s->attention_dropout;
    run->encoder = (fp_encoder){.config = config,
                                .layout = layout,
                                .threads = s->threads > 1 ? s->threads : 1,
                                .training = 1,
                                .dropout = {.seed = s->seed,
                                            .hidden = fp_dropout_threshold(hidden),
                                            .attention = fp_dropout_threshold(attention)}};
    run->head.classes = mlm ? 0 : n_labels;
    run->head.width = config->hidden * (run->data->kind == FP_KIND_PAIR ? 2 : 1);
    run->head.weight = layout->numbers;
    run->head.bias = layout->numbers + run->head.classes * run->head.width;
    if (mlm)
        run->mlm.special = *special;
    run->optimiser = (fp_optimiser){.settings = s,
                                    .layout = layout,
                                    .vocabulary = config->vocab_size,
                                    .hidden = config->hidden,
                                    .head = run->head.weight,
                                    .head_numbers = run->head.classes * run->head.width,
                                    .numbers = layout->numbers + fp_finetune_head_numbers(run),
                                    .total = run->total};
}

/* The model's weights, and random ones for the head (and that of masked-language modelling when the model has
 * none). */
static void set_weights(fp_finetune *run, const fp_bert *model) {
    const fp_tensor_layout *layout = &run->model->layout;
    float *p = run->optimiser.parameters;
    size_t known = layout->numbers < model->layout.numbers ? layout->numbers : model->layout.numbers;
    memcpy(p, model->parameters, known * sizeof *p);
    if (layout->numbers > known)
        fp_bert_randomise(run->model, model->layout.n_tensors, run->settings.seed, p);
    fp_rng_key key = fp_rng_key_of(run->settings.seed, FP_RNG_INIT, 0, 1);
    for (size_t i = 0; i < run->optimiser.head_numbers; i++)
        p[run->head.weight + i] = (float)(model->config.initializer_range * fp_rng_normal(key, i));
    run->model->parameters = p;
}

/* Everything but memory and weights: the arena has measured what is needed. */
static int plan_run(fp_finetune *run, const fp_bert_config *config, const char *config_text,
                    const fp_encoded *data, size_t n_labels, const fp_special_pieces *special,
                    const fp_finetune_settings *settings, fp_batch_limits *limits, fp_error *error) {
    run->settings = *settings;
    run->data = data;
    run->total = fp_finetune_updates(settings, data->n_sentences);
    run->epoch = SIZE_MAX;
    run->order = fp_alloc(data->n_sentences, sizeof *run->order, "the order of sentences", error);
    run->model = run->order
                     ? fp_bert_shell(config, settings->objective == FP_OBJECTIVE_MLM, config_text, error)
                     : NULL;
    if (!run->model)
        return -1;
    set_up_parts(run, n_labels, special);
    *limits = limits_of(run);
    lay(run, &run->arena, limits);
    return 0;
}

size_t fp_finetune_memory(const fp_bert_config *config, const fp_encoded *data, size_t n_labels,
                          const fp_finetune_settings *settings, fp_error *error) {
    static const fp_special_pieces none = {0};
    fp_batch_limits limits;
    if (check_settings(settings, error) < 0)
        return 0;
    fp_finetune *run = fp_alloc(1, sizeof *run, "fine-tuning", error);
    size_t bytes = 0;
    if (run && plan_run(run, config, NULL, data, n_labels, &none, settings, &limits, error) == 0)
        bytes = run->arena.used + data->n_sentences * sizeof *run->order + fp_team_memory(settings->threads);
    fp_finetune_destroy(run);
    return bytes;
}

fp_finetune *fp_finetune_create(const fp_bert *model, const fp_encoded *data, size_t n_labels,
                                const fp_special_pieces *special, const fp_finetune_settings *settings,
                                fp_error *error) {
    fp_batch_limits limits;
    if (check_settings(settings, error) < 0 || check_data(data, n_labels, settings, special, error) < 0 ||
        fp_batch_check(data, &model->config, error) < 0)
        return NULL;
    fp_finetune *run = fp_alloc(1, sizeof *run, "fine-tuning", error);
    if (!run)
        return NULL;
    run->team = fp_team_create(settings->threads, error);
    if (!run->team ||
        plan_run(run, &model->config, model->config_text, data, n_labels, special, settings, &limits, error) <
            0 ||
        fp_arena_open(&run->arena, "fine-tuning", error) < 0) {
        fp_finetune_destroy(run);
        return NULL;
    }
    fp_encoder_employ(&run->encoder, run->team);
    run->optimiser.team = run->team;
    lay(run, &run->arena, &limits);
    set_weights(run, model);
    return run;
}

void fp_finetune_destroy(fp_finetune *run) {
    if (!run)
        return;
    fp_bert_free(run->model);
    fp_arena_close(&run->arena);
    fp_team_free(run->team);
    free(run->order);
    free(run);
}

size_t fp_finetune_step(const fp_finetune *run) {
    return run->step;
}

size_t fp_finetune_total(const fp_finetune *run) {
    return run->total;
}

const fp_bert *fp_finetune_model(const fp_finetune *run) {
    fp_optimiser_settle(&run->optimiser, run->step);
    return run->model;
}

void fp_finetune_head(const fp_finetune *run, const float **weight, const float **bias) {
    *weight = run->optimiser.parameters + run->head.weight;
    *bias = run->optimiser.parameters + run->head.bias;
}

/* Rows of the word embedding collect their gradients; those that no piece of the batch has are 0 already. */
static void clear_word_gradients(fp_finetune *run) {
    size_t hidden = run->model->config.hidden;
    float *word = run->optimiser.gradients + run->model->layout.embeddings.word;
    for (size_t r = 0; r < run->batch.rows; r++)
        memset(word + (size_t)run->batch.pieces[r] * hidden, 0, hidden * sizeof *word);
}

double fp_finetune_gradient(fp_finetune *run) {
    fp_encoder *encoder = &run->encoder;
    const uint32_t *sentences;
    size_t n = sentences_of(run, run->step, &sentences), last = encoder->config->layers;
    int mlm = run->settings.objective == FP_OBJECTIVE_MLM;
    double loss;
    encoder->dropout.update = run->step;
    fp_batch_fill(&run->batch, run->data, sentences, n);
    if (mlm)
        fp_mlm_mask(&run->mlm, encoder, &run->batch);
    fp_optimiser_see(&run->optimiser, run->step, mlm ? NULL : run->batch.pieces, run->batch.rows);
    clear_word_gradients(run);
    fp_encoder_forward(encoder, &run->batch, NULL, NULL);
    const float *hidden = encoder->work.hidden[last];
    if (mlm) {
        loss = fp_mlm_backward(&run->mlm, encoder, &run->batch, hidden, encoder->work.d_hidden);
    } else {
        fp_head_forward(&run->head, encoder, &run->batch, hidden);
        loss = fp_head_backward(&run->head, encoder, &run->batch, encoder->work.d_hidden);
    }
    fp_encoder_backward(encoder, &run->batch);
    return loss;
}

void fp_finetune_apply(fp_finetune *run) {
    fp_optimiser_step(&run->optimiser, run->step);
    run->step++;
}

int fp_finetune_update(fp_finetune *run, double *loss, fp_error *error) {
    if (run->step >= run->total)
        return fp_fail(error, "all %zu updates are done", run->total);
    *loss = fp_finetune_gradient(run);
    if (!isfinite(*loss))
        return fp_fail(error, "update %zu: the loss is not finite; a lower learning rate may help",
                       run->step);
    fp_finetune_apply(run);
    return 0;
}
