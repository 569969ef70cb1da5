/* Models and fine-tuning settings of a grid. */
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/wordpiece.h"
#include "sweep/grid_read.h"
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 2147483647.0 /* the result file holds counts as i4 */
#define BELOW_ONE (1 - DBL_EPSILON)

#define AT(member) offsetof(fp_finetune_settings, member)
static const fp_key finetune_keys[] = {
    {"objective", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"batch", FP_KEY_SIZE, AT(batch), 1, 65536, "a whole number from 1 to 65536"},
    {"epochs", FP_KEY_SIZE, AT(epochs), 1, 1000000, "a whole number of 1 or more"},
    {"updates", FP_KEY_SIZE, AT(updates), 1, MOST, "a whole number of 1 or more"},
    {"learning_rate", FP_KEY_REAL, AT(learning_rate), DBL_MIN, 1e3, "a number above 0, e.g. 3e-4"},
    {"warmup", FP_KEY_REAL, AT(warmup), 0, 1, "a share of the updates from 0 to 1, e.g. 0.1"},
    {"weight_decay", FP_KEY_REAL, AT(weight_decay), 0, 1e3, "a number of 0 or more"},
    {"betas", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"epsilon", FP_KEY_REAL, AT(epsilon), DBL_MIN, 1, "a number above 0, e.g. 1e-8"},
    {"clip", FP_KEY_REAL, AT(clip), 0, DBL_MAX, "a number of 0 (no clipping) or more"},
    {"dropout", FP_KEY_OTHER, 0, 0, 0, NULL},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
static const fp_key beta_keys[] = {
    {"betas", FP_KEY_REAL, 0, 0, BELOW_ONE, "two numbers from 0 to below 1, e.g. [0.9, 0.999]"}};
static const fp_key dropout_keys[] = {
    {"hidden", FP_KEY_REAL, AT(hidden_dropout), 0, BELOW_ONE, "a number from 0 to below 1"},
    {"attention", FP_KEY_REAL, AT(attention_dropout), 0, BELOW_ONE, "a number from 0 to below 1"},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
static const fp_key dropout_key = {
    "dropout", FP_KEY_REAL, 0,
    0,         BELOW_ONE,   "\"model\", a number from 0 to below 1, or {hidden: 0.1, attention: 0.1}"};
#undef AT

static void read_betas(fp_grid_reader *reader, const fp_yaml_node *node, fp_finetune_settings *out) {
    double *betas[2] = {&out->beta1, &out->beta2};
    if (node->kind != FP_YAML_LIST || node->count != 2) {
        fp_note(reader, node->place, "betas must be %s", beta_keys->right);
        return;
    }
    for (size_t i = 0; i < 2; i++)
        fp_read_value(reader, node->items[i], beta_keys, betas[i]);
}

static void read_dropout(fp_grid_reader *reader, const fp_yaml_node *node, fp_finetune_settings *out) {
    if (node->kind == FP_YAML_MAP) {
        fp_read_keys(reader, node, "dropout", dropout_keys, out);
        return;
    }
    double value = -1;
    if (node->kind == FP_YAML_TEXT && strcmp(node->text, "model") == 0)
        out->hidden_dropout = out->attention_dropout = value;
    else if (fp_read_value(reader, node, &dropout_key, &value) == 0)
        out->hidden_dropout = out->attention_dropout = value;
}

void fp_grid_read_finetune(fp_grid_reader *reader, const fp_yaml_node *node, fp_finetune_settings *out) {
    static const char *const objectives[] = {"classify", "mlm", NULL};
    if (fp_read_keys(reader, node, "finetune", finetune_keys, out) < 0)
        return;
    const fp_yaml_node *objective = fp_yaml_get(node, "objective"), *betas = fp_yaml_get(node, "betas"),
                       *dropout = fp_yaml_get(node, "dropout"), *updates = fp_yaml_get(node, "updates"),
                       *epochs = fp_yaml_get(node, "epochs");
    if (objective) {
        int i = fp_read_word(reader, objective, "objective", objectives);
        out->objective = i == 1 ? FP_OBJECTIVE_MLM : FP_OBJECTIVE_CLASSIFY;
    }
    if (betas)
        read_betas(reader, betas, out);
    if (dropout)
        read_dropout(reader, dropout, out);
    if (epochs && updates)
        fp_note(reader, updates->place, "finetune has both epochs and updates; give one of them");
    else if (epochs)
        out->updates = 0; /* epochs of a model go before updates of the grid */
}

#define AT(member) offsetof(fp_bert_config, member)
static const fp_key config_keys[] = {
    {"layers", FP_KEY_SIZE, AT(layers), 1, 1024, "a whole number from 1 to 1024"},
    {"hidden", FP_KEY_SIZE, AT(hidden), 1, 65536, "a whole number from 1 to 65536"},
    {"heads", FP_KEY_SIZE, AT(heads), 1, 1024, "a whole number from 1 to 1024"},
    {"intermediate", FP_KEY_SIZE, AT(intermediate), 1, 262144, "a whole number from 1 to 262144"},
    {"positions", FP_KEY_SIZE, AT(positions), 3, 65536, "a whole number from 3 to 65536"},
    {"types", FP_KEY_SIZE, AT(types), 1, 16, "a whole number from 1 to 16"},
    {"layer_norm_eps", FP_KEY_REAL, AT(layer_norm_eps), DBL_MIN, 1, "a number above 0, e.g. 1e-12"},
    {"hidden_dropout", FP_KEY_REAL, AT(hidden_dropout), 0, BELOW_ONE, "a number from 0 to below 1"},
    {"attention_dropout", FP_KEY_REAL, AT(attention_dropout), 0, BELOW_ONE, "a number from 0 to below 1"},
    {"initializer_range", FP_KEY_REAL, AT(initializer_range), DBL_MIN, 1, "a number above 0, e.g. 0.02"},
    {"activation", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"seed", FP_KEY_OTHER, 0, 0, 0, NULL},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
#undef AT

static void read_config(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_model *model) {
    fp_bert_config *out = &model->config;
    static const char *const activations[] = {"gelu", "gelu_new", "relu", NULL};
    *out = (fp_bert_config){.positions = 512,
                            .types = 2,
                            .layer_norm_eps = 1e-12,
                            .hidden_dropout = 0.1,
                            .attention_dropout = 0.1,
                            .initializer_range = 0.02,
                            .activation = FP_GELU_ERF};
    if (fp_read_keys(reader, node, "config", config_keys, out) < 0)
        return;
    const char *right = "config needs layers, hidden and heads, e.g. {layers: 2, hidden: 64, heads: 2}";
    fp_require(reader, node, "config", "layers", right);
    fp_require(reader, node, "config", "hidden", right);
    fp_require(reader, node, "config", "heads", right);
    const fp_yaml_node *activation = fp_yaml_get(node, "activation"), *seed = fp_yaml_get(node, "seed");
    model->seed = 1;
    if (seed)
        fp_read_seed(reader, seed, &model->seed);
    int i = activation ? fp_read_word(reader, activation, "activation", activations) : 0;
    out->activation = i == 2 ? FP_RELU : i == 1 ? FP_GELU_TANH : FP_GELU_ERF;
    if (!out->intermediate)
        out->intermediate = 4 * out->hidden;
    if (out->heads && out->hidden % out->heads)
        fp_note(reader, fp_yaml_get(node, "heads")->place,
                "heads must divide hidden: %zu heads cannot share %zu numbers", out->heads, out->hidden);
}

/* A folder as the hubs give it. */
static void check_folder(fp_grid_reader *reader, fp_place place, const char *folder) {
    static const char *const files[] = {"config.json", "vocab.txt"};
    if (fp_require_path(reader, place, "folder", folder) < 0)
        return;
    char path[4096];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        if (!fp_path_exists(path))
            fp_note(reader, place, "the model folder %s has no %s", folder, files[i]);
    }
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    int weights = fp_path_exists(path);
    snprintf(path, sizeof path, "%s/pytorch_model.bin", folder);
    if (!weights && !fp_path_exists(path))
        fp_note(reader, place, "the model folder %s has no model.safetensors (or pytorch_model.bin)", folder);
}

static void check_vocab(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_model *model) {
    if (!model->vocab || fp_require_path(reader, node->place, "vocab", model->vocab) < 0)
        return;
    fp_error error;
    fp_wordpiece *tokenizer = fp_wordpiece_open(model->vocab, &error);
    if (!tokenizer) {
        fp_note(reader, node->place, "%s", error.text);
        return;
    }
    model->config.vocab_size = fp_wordpiece_size(tokenizer);
    fp_wordpiece_close(tokenizer);
}

static void check_source(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_model *model) {
    const fp_yaml_node *folder = fp_yaml_get(node, "folder"), *config = fp_yaml_get(node, "config"),
                       *vocab = fp_yaml_get(node, "vocab"), *expect = fp_yaml_get(node, "expect");
    if (!folder && !config)
        fp_note(reader, node->place,
                "model has no \"folder\": give folder (with config.json, model.safetensors, vocab.txt), or "
                "config and vocab for random weights");
    else if (folder && config)
        fp_note(reader, config->place, "model has both folder and config; give one of them");
    else if (folder && vocab)
        fp_note(reader, vocab->place,
                "vocab goes with config; a model with a folder has its vocab.txt there");
    else if (config && !vocab)
        fp_note(reader, node->place, "model has no \"vocab\": a model from config needs a vocab.txt");
    if (config)
        read_config(reader, config, model);
    if (expect && !folder)
        fp_note(reader, expect->place, "expect goes with folder");
    else if (expect)
        fp_grid_expect_model(reader, expect, &model->config);
    model->expected = expect != NULL;
    model->absent = folder && model->folder && fp_grid_is_absent(expect, model->folder);
    if (folder && model->folder && !model->absent)
        check_folder(reader, folder->place, model->folder);
    else if (vocab && config)
        check_vocab(reader, vocab, model);
}

static const fp_key model_keys[] = {
    {"name", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"folder", FP_KEY_PATH, offsetof(fp_grid_model, folder), 0, 0, NULL},
    {"config", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"vocab", FP_KEY_PATH, offsetof(fp_grid_model, vocab), 0, 0, NULL},
    {"source", FP_KEY_TEXT, offsetof(fp_grid_model, source), 0, 0, NULL},
    {"expect", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"finetune", FP_KEY_OTHER, 0, 0, 0, NULL},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};

static void read_model(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_model *model) {
    model->place = node->place;
    if (fp_read_keys(reader, node, "model", model_keys, model) < 0)
        return;
    const fp_yaml_node *name = fp_require(reader, node, "model", "name", "a short word, e.g. name: tiny");
    if (name) {
        model->place = name->place;
        fp_read_name(reader, name, "model name", &model->name);
    }
    check_source(reader, node, model);
    const fp_yaml_node *finetune = fp_yaml_get(node, "finetune");
    if (finetune)
        fp_grid_read_finetune(reader, finetune, &model->finetune);
}

void fp_grid_read_models(fp_grid_reader *reader, const fp_yaml_node *root, fp_grid *grid,
                         const fp_finetune_settings *settings) {
    const fp_yaml_node *list =
        fp_require(reader, root, "the grid", "models", "a list, e.g. [{name: tiny, folder: models/tiny}]");
    if (!list)
        return;
    if (list->kind != FP_YAML_LIST || list->count == 0) {
        fp_note(reader, list->place, "models must be a list with at least one model");
        return;
    }
    fp_error error;
    grid->models = fp_alloc(list->count, sizeof *grid->models, "models", &error);
    if (!grid->models) {
        fp_note(reader, list->place, "%s", error.text);
        return;
    }
    grid->n_models = list->count;
    for (size_t i = 0; i < list->count; i++) {
        fp_grid_model *model = &grid->models[i];
        model->finetune = *settings;
        read_model(reader, list->items[i], model);
        for (size_t j = 0; j < i && model->name; j++)
            if (grid->models[j].name && strcmp(grid->models[j].name, model->name) == 0)
                fp_note(reader, model->place, "two models are named \"%s\" (first in line %zu)", model->name,
                        grid->models[j].place.line);
    }
}
