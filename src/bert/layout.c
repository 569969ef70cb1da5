#include "bert/layout.h"

#include "fineprobe/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EMBEDDING_TENSORS = 5, LAYER_TENSORS = 16, MLM_TENSORS = 5 };

/* Puts the next tensor behind those so far and returns its offset. */
__attribute__((format(printf, 4, 5))) static size_t put(fp_tensor_layout *layout, size_t rows, size_t columns,
                                                        const char *format, ...) {
    fp_bert_tensor *tensor = &layout->tensors[layout->n_tensors++];
    va_list args;
    va_start(args, format);
    vsnprintf(tensor->name, sizeof tensor->name, format, args);
    va_end(args);
    tensor->rows = rows;
    tensor->columns = columns;
    tensor->at = layout->numbers;
    layout->numbers += rows * columns;
    return tensor->at;
}

static void put_embeddings(fp_tensor_layout *layout, const fp_bert_config *config) {
    fp_embeddings_at *at = &layout->embeddings;
    size_t hidden = config->hidden;
    at->word = put(layout, config->vocab_size, hidden, "bert.embeddings.word_embeddings.weight");
    at->position = put(layout, config->positions, hidden, "bert.embeddings.position_embeddings.weight");
    at->type = put(layout, config->types, hidden, "bert.embeddings.token_type_embeddings.weight");
    at->norm_gain = put(layout, 1, hidden, "bert.embeddings.LayerNorm.weight");
    at->norm_shift = put(layout, 1, hidden, "bert.embeddings.LayerNorm.bias");
}

static void put_layer(fp_tensor_layout *layout, const fp_bert_config *config, size_t l) {
    static const char *const attention[3] = {"query", "key", "value"};
    size_t hidden = config->hidden, start = layout->numbers;
    fp_layer_at at = {0};
    for (int i = 0; i < 3; i++)
        put(layout, hidden, hidden, "bert.encoder.layer.%zu.attention.self.%s.weight", l, attention[i]);
    at.qkv_bias = layout->numbers - start;
    for (int i = 0; i < 3; i++)
        put(layout, 1, hidden, "bert.encoder.layer.%zu.attention.self.%s.bias", l, attention[i]);
    at.mix = put(layout, hidden, hidden, "bert.encoder.layer.%zu.attention.output.dense.weight", l) - start;
    at.mix_bias = put(layout, 1, hidden, "bert.encoder.layer.%zu.attention.output.dense.bias", l) - start;
    at.norm1_gain =
        put(layout, 1, hidden, "bert.encoder.layer.%zu.attention.output.LayerNorm.weight", l) - start;
    at.norm1_shift =
        put(layout, 1, hidden, "bert.encoder.layer.%zu.attention.output.LayerNorm.bias", l) - start;
    size_t wide = config->intermediate;
    at.up = put(layout, wide, hidden, "bert.encoder.layer.%zu.intermediate.dense.weight", l) - start;
    at.up_bias = put(layout, 1, wide, "bert.encoder.layer.%zu.intermediate.dense.bias", l) - start;
    at.down = put(layout, hidden, wide, "bert.encoder.layer.%zu.output.dense.weight", l) - start;
    at.down_bias = put(layout, 1, hidden, "bert.encoder.layer.%zu.output.dense.bias", l) - start;
    at.norm2_gain = put(layout, 1, hidden, "bert.encoder.layer.%zu.output.LayerNorm.weight", l) - start;
    at.norm2_shift = put(layout, 1, hidden, "bert.encoder.layer.%zu.output.LayerNorm.bias", l) - start;
    layout->layer = at;
    layout->layer_numbers = layout->numbers - start;
}

static void put_mlm(fp_tensor_layout *layout, const fp_bert_config *config) {
    fp_mlm_at *at = &layout->mlm;
    size_t hidden = config->hidden;
    at->dense = put(layout, hidden, hidden, "cls.predictions.transform.dense.weight");
    at->dense_bias = put(layout, 1, hidden, "cls.predictions.transform.dense.bias");
    at->norm_gain = put(layout, 1, hidden, "cls.predictions.transform.LayerNorm.weight");
    at->norm_shift = put(layout, 1, hidden, "cls.predictions.transform.LayerNorm.bias");
    at->decoder_bias = put(layout, 1, config->vocab_size, "cls.predictions.bias");
}

int fp_tensor_layout_create(const fp_bert_config *config, int has_mlm, fp_tensor_layout *out,
                            fp_error *error) {
    memset(out, 0, sizeof *out);
    size_t most = EMBEDDING_TENSORS + LAYER_TENSORS * config->layers + MLM_TENSORS;
    out->tensors = fp_alloc(most, sizeof *out->tensors, "the table of tensors", error);
    if (!out->tensors)
        return -1;
    put_embeddings(out, config);
    out->first_layer = out->numbers;
    for (size_t l = 0; l < config->layers; l++)
        put_layer(out, config, l);
    out->encoder_numbers = out->numbers;
    out->has_mlm = has_mlm;
    if (has_mlm)
        put_mlm(out, config);
    return 0;
}

void fp_tensor_layout_free(fp_tensor_layout *layout) {
    free(layout->tensors);
    layout->tensors = NULL;
}

int fp_tensor_is_vector(const fp_bert_tensor *tensor) {
    return strstr(tensor->name, ".bias") || strstr(tensor->name, ".LayerNorm.");
}

size_t fp_bert_config_parameters(const fp_bert_config *config) {
    size_t hidden = config->hidden, wide = config->intermediate;
    size_t embeddings = (config->vocab_size + config->positions + config->types + 2) * hidden;
    size_t layer = 4 * (hidden * hidden + hidden) + 2 * hidden * wide + wide + hidden + 4 * hidden;
    return embeddings + config->layers * layer;
}
