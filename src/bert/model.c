#include "bert/model.h"

#include "fineprobe/memory.h"
#include "fineprobe/rng.h"
#include <stdlib.h>
#include <string.h>

fp_bert *fp_bert_shell(const fp_bert_config *config, int has_mlm, const char *config_text, fp_error *error) {
    fp_bert *model = fp_alloc(1, sizeof *model, "a model", error);
    if (!model)
        return NULL;
    model->config = *config;
    if (fp_tensor_layout_create(config, has_mlm, &model->layout, error) < 0 ||
        (config_text && !(model->config_text = fp_strdup(config_text, error)))) {
        fp_bert_free(model);
        return NULL;
    }
    return model;
}

void fp_bert_free(fp_bert *model) {
    if (!model)
        return;
    fp_tensor_layout_free(&model->layout);
    fp_safetensors_close(model->file);
    free(model->own);
    free(model->config_text);
    free(model);
}

static int is_norm_gain(const fp_bert_tensor *tensor) {
    return strstr(tensor->name, "LayerNorm.weight") != NULL;
}

void fp_bert_randomise(const fp_bert *shape, size_t from, uint64_t seed, float *parameters) {
    for (size_t i = from; i < shape->layout.n_tensors; i++) {
        const fp_bert_tensor *tensor = &shape->layout.tensors[i];
        fp_rng_key key = fp_rng_key_of(seed, FP_RNG_INIT, i, 0);
        int matrix = !fp_tensor_is_vector(tensor);
        for (size_t k = 0; k < tensor->rows * tensor->columns; k++)
            parameters[tensor->at + k] =
                matrix ? (float)(shape->config.initializer_range * fp_rng_normal(key, k))
                       : (float)is_norm_gain(tensor);
    }
}

fp_bert *fp_bert_random(const fp_bert_config *config, uint64_t seed, fp_error *error) {
    fp_bert *model = fp_bert_shell(config, 0, NULL, error);
    if (!model)
        return NULL;
    model->own = fp_alloc(model->layout.numbers, sizeof(float), "the model's weights", error);
    if (!model->own) {
        fp_bert_free(model);
        return NULL;
    }
    fp_bert_randomise(model, 0, seed, model->own);
    model->parameters = model->own;
    return model;
}

const fp_bert_config *fp_bert_config_of(const fp_bert *model) {
    return &model->config;
}

size_t fp_bert_tensor_count(const fp_bert *model) {
    return model->layout.n_tensors;
}

const fp_bert_tensor *fp_bert_tensor_at(const fp_bert *model, size_t i) {
    return &model->layout.tensors[i];
}

const float *fp_bert_parameters(const fp_bert *model) {
    return model->parameters;
}

static void digest_config(fp_digester *digester, const fp_bert_config *config) {
    fp_digest_integer(digester, "vocab_size", (int64_t)config->vocab_size);
    fp_digest_integer(digester, "hidden", (int64_t)config->hidden);
    fp_digest_integer(digester, "layers", (int64_t)config->layers);
    fp_digest_integer(digester, "heads", (int64_t)config->heads);
    fp_digest_integer(digester, "intermediate", (int64_t)config->intermediate);
    fp_digest_integer(digester, "positions", (int64_t)config->positions);
    fp_digest_integer(digester, "types", (int64_t)config->types);
    fp_digest_integer(digester, "activation", config->activation);
    fp_digest_real(digester, "layer_norm_eps", config->layer_norm_eps);
    fp_digest_real(digester, "hidden_dropout", config->hidden_dropout);
    fp_digest_real(digester, "attention_dropout", config->attention_dropout);
    fp_digest_real(digester, "initializer_range", config->initializer_range);
}

fp_digest fp_bert_digest(const fp_bert *model, fp_error *error) {
    fp_digester *digester = fp_digester_create(error);
    if (!digester)
        return (fp_digest){0, 0};
    digest_config(digester, &model->config);
    fp_digest_bytes(digester, "weights", model->parameters, model->layout.numbers * sizeof(float));
    fp_digest digest = fp_digest_end(digester);
    fp_digester_destroy(digester);
    return digest;
}
