/* config.json of the BERT family. */
#include "fineprobe/bert.h"

#include "fineprobe/file.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A run of layers or words beyond this is a broken file, and sizes stay far from overflow. */
static const json_int_t MOST_VOCABULARY = 1 << 24, MOST_WIDE = 1 << 18, MOST_LAYERS = 1024;

typedef struct reader {
    const char *path;
    const json_t *root;
    fp_error *error;
    int failed; /* the first failure's message stays */
} reader;

static void read_size(reader *in, const char *key, json_int_t most, size_t preset, size_t *out) {
    if (in->failed)
        return;
    const json_t *value = json_object_get(in->root, key);
    *out = preset;
    if (!value && preset == 0)
        in->failed = fp_fail(in->error, "%s: key \"%s\" is missing", in->path, key);
    else if (value && !json_is_integer(value))
        in->failed = fp_fail(in->error, "%s: \"%s\" must be an integer", in->path, key);
    else if (value && (json_integer_value(value) < 1 || json_integer_value(value) > most))
        in->failed = fp_fail(in->error, "%s: \"%s\" is %lld, must be in 1 .. %lld", in->path, key,
                             (long long)json_integer_value(value), (long long)most);
    else if (value)
        *out = (size_t)json_integer_value(value);
}

static void read_real(reader *in, const char *key, double least, double below, double preset, double *out) {
    if (in->failed)
        return;
    const json_t *value = json_object_get(in->root, key);
    *out = preset;
    if (!value)
        return;
    double number = json_number_value(value);
    if (!json_is_number(value))
        in->failed = fp_fail(in->error, "%s: \"%s\" must be a number", in->path, key);
    else if (!(number >= least && number < below))
        in->failed = fp_fail(in->error, "%s: \"%s\" is %g, must be at least %g and below %g", in->path, key,
                             number, least, below);
    else
        *out = number;
}

/* A key that, when it is there, must have the one value that is supported. */
static void require_text(reader *in, const char *key, const char *supported) {
    const json_t *value = json_object_get(in->root, key);
    if (in->failed || !value || json_is_null(value))
        return;
    const char *text = json_string_value(value);
    if (!text || strcmp(text, supported) != 0)
        in->failed = fp_fail(in->error, "%s: \"%s\" is %s%s%s; only \"%s\" is supported", in->path, key,
                             text ? "\"" : "", text ? text : "not a string", text ? "\"" : "", supported);
}

static void refuse_true(reader *in, const char *key) {
    if (!in->failed && json_is_true(json_object_get(in->root, key)))
        in->failed = fp_fail(in->error, "%s: \"%s\" is true; only encoders are supported", in->path, key);
}

static void read_activation(reader *in, fp_activation *out) {
    static const struct {
        const char *name;
        fp_activation kind;
    } known[] = {{"gelu", FP_GELU_ERF},
                 {"gelu_new", FP_GELU_TANH},
                 {"gelu_pytorch_tanh", FP_GELU_TANH},
                 {"relu", FP_RELU}};
    *out = FP_GELU_ERF;
    const json_t *value = json_object_get(in->root, "hidden_act");
    if (in->failed || !value)
        return;
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].name) == 0) {
            *out = known[i].kind;
            return;
        }
    in->failed = fp_fail(in->error, "%s: \"hidden_act\" is \"%s\"; supported are gelu, gelu_new and relu",
                         in->path, text ? text : "not a string");
}

static void refuse_unsupported(reader *in) {
    require_text(in, "model_type", "bert");
    require_text(in, "position_embedding_type", "absolute");
    refuse_true(in, "is_decoder");
    refuse_true(in, "add_cross_attention");
    if (!in->failed && json_is_object(json_object_get(in->root, "quantization_config")))
        in->failed =
            fp_fail(in->error, "%s: \"quantization_config\": quantised weights are not supported", in->path);
}

static int read_all(reader *in, fp_bert_config *out) {
    refuse_unsupported(in);
    read_size(in, "vocab_size", MOST_VOCABULARY, 0, &out->vocab_size);
    read_size(in, "hidden_size", MOST_WIDE, 0, &out->hidden);
    read_size(in, "num_hidden_layers", MOST_LAYERS, 0, &out->layers);
    read_size(in, "num_attention_heads", MOST_WIDE, 0, &out->heads);
    read_size(in, "intermediate_size", MOST_WIDE, 0, &out->intermediate);
    read_size(in, "max_position_embeddings", MOST_WIDE, 512, &out->positions);
    read_size(in, "type_vocab_size", MOST_WIDE, 2, &out->types);
    read_real(in, "layer_norm_eps", 0, 1, 1e-12, &out->layer_norm_eps);
    read_real(in, "hidden_dropout_prob", 0, 1, 0.1, &out->hidden_dropout);
    read_real(in, "attention_probs_dropout_prob", 0, 1, 0.1, &out->attention_dropout);
    read_real(in, "initializer_range", 0, 100, 0.02, &out->initializer_range);
    read_activation(in, &out->activation);
    if (!in->failed && out->heads && out->hidden % out->heads != 0)
        in->failed =
            fp_fail(in->error, "%s: \"hidden_size\" %zu is not a multiple of \"num_attention_heads\" %zu",
                    in->path, out->hidden, out->heads);
    return in->failed;
}

int fp_bert_config_read(const char *path, fp_bert_config *out, fp_error *error) {
    size_t size;
    char *text = fp_file_read(path, &size, error);
    if (!text)
        return -1;
    json_error_t fault;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &fault);
    free(text);
    if (!root)
        return fp_fail(error, "%s:%d:%d: %s", path, fault.line, fault.column, fault.text);
    reader in = {path, root, error, 0};
    int rc = json_is_object(root) ? read_all(&in, out) : fp_fail(error, "%s: must be a JSON object", path);
    json_decref(root);
    return rc;
}
