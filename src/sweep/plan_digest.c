/* Identities. A version counts up whenever its algorithm gives other numbers than before. */
#include "sweep/plan_make.h"

enum { FINETUNE_VERSION = 2, EMBED_VERSION = 2, DIRECTPROBE_VERSION = 2 };
/* Of the probes that train classifiers, by kind. */
static const int versions[FP_N_PRODUCTS] = {
    [FP_CLASSIFIER] = 1, [FP_CONTROL] = 1, [FP_CODE] = 1, [FP_MEMORISATION] = 1};

static int end(fp_digester *digester, fp_digest *out) {
    *out = fp_digest_end(digester);
    fp_digester_destroy(digester);
    return 0;
}

int fp_plan_digest_random(const fp_bert_config *config, uint64_t seed, fp_digest *out, fp_error *error) {
    fp_digester *d = fp_digester_create(error);
    if (!d)
        return -1;
    fp_digest_integer(d, "vocab_size", (int64_t)config->vocab_size);
    fp_digest_integer(d, "layers", (int64_t)config->layers);
    fp_digest_integer(d, "hidden", (int64_t)config->hidden);
    fp_digest_integer(d, "heads", (int64_t)config->heads);
    fp_digest_integer(d, "intermediate", (int64_t)config->intermediate);
    fp_digest_integer(d, "positions", (int64_t)config->positions);
    fp_digest_integer(d, "types", (int64_t)config->types);
    fp_digest_integer(d, "activation", config->activation);
    fp_digest_real(d, "layer_norm_eps", config->layer_norm_eps);
    fp_digest_real(d, "hidden_dropout", config->hidden_dropout);
    fp_digest_real(d, "attention_dropout", config->attention_dropout);
    fp_digest_real(d, "initializer_range", config->initializer_range);
    fp_digest_integer(d, "seed", (int64_t)seed);
    return end(d, out);
}

int fp_plan_digest_run(fp_digest model, fp_digest task, const fp_finetune_settings *settings,
                       const fp_bert_config *config, size_t updates, char notes[FP_NOTES], fp_digest *out,
                       fp_error *error) {
    fp_digester *d = fp_digester_create(error);
    if (!d)
        return -1;
    fp_digester_note(d, notes, FP_NOTES);
    double hidden = settings->hidden_dropout, attention = settings->attention_dropout;
    fp_digest_integer(d, "finetune", FINETUNE_VERSION);
    fp_digest_other(d, "model", model);
    fp_digest_other(d, "task", task);
    fp_digest_integer(d, "objective", settings->objective);
    fp_digest_integer(d, "batch", (int64_t)settings->batch);
    fp_digest_integer(d, "updates", (int64_t)updates);
    fp_digest_real(d, "learning_rate", settings->learning_rate);
    fp_digest_real(d, "warmup", settings->warmup);
    fp_digest_real(d, "weight_decay", settings->weight_decay);
    fp_digest_real(d, "beta1", settings->beta1);
    fp_digest_real(d, "beta2", settings->beta2);
    fp_digest_real(d, "epsilon", settings->epsilon);
    fp_digest_real(d, "clip", settings->clip);
    fp_digest_real(d, "hidden_dropout", hidden < 0 ? config->hidden_dropout : hidden);
    fp_digest_real(d, "attention_dropout", attention < 0 ? config->attention_dropout : attention);
    fp_digest_integer(d, "seed", (int64_t)settings->seed);
    return end(d, out);
}

int fp_plan_digest_checkpoint(fp_digest run, int64_t step, fp_digest *out, fp_error *error) {
    fp_digester *d = fp_digester_create(error);
    if (!d)
        return -1;
    fp_digest_other(d, "run", run);
    fp_digest_integer(d, "step", step);
    return end(d, out);
}

int fp_plan_digest_unit(fp_digest checkpoint, fp_digest task, int64_t layer, const fp_grid *grid,
                        size_t clusters, char notes[FP_NOTES], fp_digest *out, fp_error *error) {
    fp_digester *d = fp_digester_create(error);
    if (!d)
        return -1;
    fp_digester_note(d, notes, FP_NOTES);
    fp_digest_integer(d, "embed", EMBED_VERSION);
    fp_digest_other(d, "checkpoint", checkpoint);
    fp_digest_other(d, "task", task);
    fp_digest_integer(d, "threads", grid->threads);
    fp_digest_integer(d, "layer", layer);
    fp_digest_integer(d, "directprobe", DIRECTPROBE_VERSION);
    fp_digest_real(d, "gap", grid->directprobe_settings.gap);
    fp_digest_integer(d, "small_clusters", (int64_t)grid->directprobe_settings.small);
    fp_digest_integer(d, "clusters", (int64_t)clusters);
    fp_digest_integer(d, "certificates", (int64_t)grid->certificates);
    return end(d, out);
}

int fp_plan_digest_probe(fp_digest checkpoint, fp_digest task, int64_t layer, const fp_grid *grid,
                         fp_product_kind kind, char notes[FP_NOTES], fp_digest *out, fp_error *error) {
    const fp_classifier_settings *s = &grid->probes[kind].settings;
    fp_digester *d = fp_digester_create(error);
    if (!d)
        return -1;
    fp_digester_note(d, notes, FP_NOTES);
    fp_digest_integer(d, "embed", EMBED_VERSION);
    fp_digest_other(d, "checkpoint", checkpoint);
    fp_digest_other(d, "task", task);
    fp_digest_integer(d, "threads", grid->threads);
    fp_digest_integer(d, "layer", layer);
    fp_digest_integer(d, fp_record_kinds[kind]->name, versions[kind]);
    fp_digest_integer(d, "shapes", (int64_t)s->n_shapes);
    for (size_t i = 0; i < s->n_shapes; i++) {
        fp_digest_integer(d, "hidden1", (int64_t)s->shapes[i].hidden[0]);
        fp_digest_integer(d, "hidden2", (int64_t)s->shapes[i].hidden[1]);
    }
    for (size_t i = 0; i < s->n_l2; i++)
        fp_digest_real(d, "l2", s->l2[i]);
    fp_digest_integer(d, "folds", (int64_t)s->folds);
    fp_digest_real(d, "held_out", s->held_out);
    fp_digest_real(d, "drop", s->drop);
    fp_digest_integer(d, "initialisations", (int64_t)s->initialisations);
    fp_digest_integer(d, "epochs", (int64_t)s->epochs);
    fp_digest_integer(d, "seed", (int64_t)s->seed);
    return end(d, out);
}
