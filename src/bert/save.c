/* A model becomes a folder that Hugging Face loads. */
#include "bert/model.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *activation_name(fp_activation kind) {
    return kind == FP_GELU_ERF ? "gelu" : kind == FP_GELU_TANH ? "gelu_new" : "relu";
}

static json_t *config_of_numbers(const fp_bert_config *c) {
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "model_type",
                     "bert", "hidden_act", activation_name(c->activation), "vocab_size",
                     (json_int_t)c->vocab_size, "hidden_size", (json_int_t)c->hidden, "num_hidden_layers",
                     (json_int_t)c->layers, "num_attention_heads", (json_int_t)c->heads, "intermediate_size",
                     (json_int_t)c->intermediate, "max_position_embeddings", (json_int_t)c->positions,
                     "type_vocab_size", (json_int_t)c->types, "layer_norm_eps", c->layer_norm_eps,
                     "hidden_dropout_prob", c->hidden_dropout, "attention_probs_dropout_prob",
                     c->attention_dropout, "initializer_range", c->initializer_range);
}

/* The config.json that the model came with, but for what saving changes: the class and the type of numbers.
 */
static int write_config(const fp_bert *model, const char *path, fp_error *error) {
    json_t *root =
        model->config_text ? json_loads(model->config_text, 0, NULL) : config_of_numbers(&model->config);
    const char *class = model->layout.has_mlm ? "BertForMaskedLM" : "BertModel";
    int rc = -1;
    if (root && json_object_set_new(root, "architectures", json_pack("[s]", class)) == 0 &&
        (!json_object_get(root, "torch_dtype") ||
         json_object_set_new(root, "torch_dtype", json_string("float32")) == 0)) {
        char *text = json_dumps(root, JSON_INDENT(2));
        rc = text ? fp_file_write(path, text, strlen(text), error) : fp_fail_memory(error, path, 4096);
        free(text);
    } else {
        fp_fail_memory(error, path, 4096);
    }
    json_decref(root);
    return rc;
}

static int write_weights(const fp_bert *model, const char *path, fp_error *error) {
    const fp_tensor_layout *layout = &model->layout;
    fp_tensor_view *views = fp_alloc(layout->n_tensors, sizeof *views, "the tensors to write", error);
    if (!views)
        return -1;
    for (size_t i = 0; i < layout->n_tensors; i++) {
        const fp_bert_tensor *tensor = &layout->tensors[i];
        int vector = fp_tensor_is_vector(tensor);
        views[i] =
            (fp_tensor_view){.name = tensor->name,
                             .dtype = FP_F32,
                             .rank = vector ? 1 : 2,
                             .shape = {vector ? tensor->columns : tensor->rows, vector ? 0 : tensor->columns},
                             .count = tensor->rows * tensor->columns,
                             .data = model->parameters + tensor->at};
    }
    static const char *const metadata[] = {"format", "pt", NULL};
    int rc = fp_safetensors_write(path, views, layout->n_tensors, metadata, error);
    free(views);
    return rc;
}

static int copy_file(const char *from, const char *to, fp_error *error) {
    fp_file_map map;
    if (fp_file_map_open(from, &map, error) < 0)
        return -1;
    int rc = fp_file_write(to, map.bytes, map.size, error);
    fp_file_map_close(&map);
    return rc;
}

static int write_files(const fp_bert *model, const char *folder, const char *vocab_path, fp_error *error) {
    char *config = fp_path_join(folder, "config.json", error);
    char *weights = fp_path_join(folder, "model.safetensors", error);
    char *vocab = fp_path_join(folder, "vocab.txt", error);
    int rc = config && weights && vocab ? write_config(model, config, error) : -1;
    if (rc == 0)
        rc = write_weights(model, weights, error);
    if (rc == 0 && vocab_path)
        rc = copy_file(vocab_path, vocab, error);
    if (rc == 0)
        rc = fp_sync_path(folder, error);
    free(config);
    free(weights);
    free(vocab);
    return rc;
}

int fp_bert_save(const fp_bert *model, const char *folder, const char *vocab_path, fp_error *error) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    char *temporary = fp_format(error, "%.*s.%ld.tmp", (int)length, folder, (long)getpid());
    if (!temporary)
        return -1;
    int rc = fp_folder_create(temporary, error);
    if (rc == 0)
        rc = write_files(model, temporary, vocab_path, error);
    if (rc == 0) /* an older folder of that name cannot be renamed over while it holds files */
        rc = fp_folder_remove(folder, error);
    if (rc == 0)
        rc = fp_file_rename(temporary, folder, error);
    if (rc < 0)
        fp_folder_remove(temporary, NULL);
    free(temporary);
    return rc;
}
