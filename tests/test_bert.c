/* Models: configuration, folders, hidden states, vectors of instances. */
#include "bert/model.h"
#include "bert_data.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static fp_error error;
static char folder[] = "/tmp/fineprobe-bert-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return fp_folder_remove(folder, &error);
}

static char *inside(const char *name) {
    return fp_path_join(folder, name, &error);
}

static int read_config(const char *text, fp_bert_config *out) {
    char *path = inside("config.json");
    assert_int_equal(fp_file_write(path, text, strlen(text), &error), 0);
    error.text[0] = '\0';
    int rc = fp_bert_config_read(path, out, &error);
    free(path);
    return rc;
}

#define SIZES                                                                                                \
    "\"vocab_size\": 9, \"hidden_size\": 8, \"num_hidden_layers\": 1, \"num_attention_heads\": 2, "          \
    "\"intermediate_size\": 4"

static void configurations_are_read(void **state) {
    (void)state;
    fp_bert_config config;
    assert_int_equal(
        read_config("{" SIZES ", \"hidden_act\": \"gelu_new\", \"layer_norm_eps\": 1e-5}", &config), 0);
    assert_int_equal(config.vocab_size, 9);
    assert_int_equal(config.positions, 512);
    assert_int_equal(config.activation, FP_GELU_TANH);
    assert_true(config.layer_norm_eps == 1e-5);
}

static void what_is_not_supported_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"{" SIZES, "config.json:1"},
        {"[]", "object"},
        {"{\"vocab_size\": 9}", "\"hidden_size\" is missing"},
        {"{" SIZES ", \"model_type\": \"roberta\"}", "roberta"},
        {"{" SIZES ", \"position_embedding_type\": \"relative_key\"}", "relative_key"},
        {"{" SIZES ", \"is_decoder\": true}", "is_decoder"},
        {"{" SIZES ", \"hidden_act\": \"swish\"}", "swish"},
        {"{" SIZES ", \"quantization_config\": {}}", "quantization_config"},
        {"{" SIZES ", \"hidden_dropout_prob\": 1}", "hidden_dropout_prob"},
        {"{" SIZES ", \"type_vocab_size\": \"2\"}", "type_vocab_size"},
        {"{" SIZES ", \"max_position_embeddings\": 0}", "max_position_embeddings"},
        {"{\"vocab_size\": 9, \"hidden_size\": 8, \"num_hidden_layers\": 1, \"num_attention_heads\": 3, "
         "\"intermediate_size\": 4}",
         "num_attention_heads"},
    };
    fp_bert_config config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_config(cases[i].text, &config), -1);
        if (!strstr(error.text, cases[i].names))
            fail_msg("%s: %s", cases[i].text, error.text);
    }
}

static void the_parameters_are_counted(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_bert *model = fp_bert_random(&config, 1, &error);
    size_t sum = 0;
    for (size_t i = 0; i < fp_bert_tensor_count(model); i++) {
        const fp_bert_tensor *tensor = fp_bert_tensor_at(model, i);
        assert_int_equal(tensor->at, sum);
        sum += tensor->rows * tensor->columns;
    }
    assert_int_equal(sum, fp_bert_config_parameters(&config));
    fp_bert_free(model);
}

/* Reads the tensors with nothing but Python's json and struct, and compares them with a dump of the block. */
static const char READER[] =
    "import json,struct,sys\n"
    "b=open(sys.argv[1],'rb').read();n=struct.unpack('<Q',b[:8])[0]\n"
    "h=json.loads(b[8:8+n]);assert h.pop('__metadata__')['format']=='pt'\n"
    "raw=open(sys.argv[2],'rb').read();at=0\n"
    "for k,v in sorted(h.items(),key=lambda i:i[1]['data_offsets']):\n"
    "    a,e=v['data_offsets'];part=b[8+n+a:8+n+e]\n"
    "    count=1\n"
    "    for d in v['shape']: count*=d\n"
    "    assert v['dtype']=='F32' and e-a==4*count and k.startswith('bert.'),k\n"
    "    assert struct.unpack('<%df'%count,part) and part==raw[at:at+len(part)],k\n"
    "    at+=len(part)\n"
    "assert at==len(raw)\n";

static void folders_keep_every_bit(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_bert *model = fp_bert_random(&config, 1, &error), *other = fp_bert_random(&config, 2, &error);
    size_t bytes = fp_bert_config_parameters(&config) * sizeof(float);
    char *saved = inside("saved"), *vocab = inside("words"), *copied = inside("saved/vocab.txt"),
         *raw = inside("raw"), *script = inside("reader.py");
    assert_int_equal(fp_file_write(vocab, "a\nb\n", 4, &error), 0);
    assert_int_equal(fp_bert_save(other, saved, NULL, &error), 0);
    assert_int_equal(fp_bert_save(model, saved, vocab, &error), 0); /* replaces */
    fp_bert *back = fp_bert_load(saved, &error);
    assert_non_null(back);
    assert_memory_equal(fp_bert_parameters(back), fp_bert_parameters(model), bytes);
    assert_null(back->own); /* mapped, not copied */
    assert_true(fp_digest_equal(fp_bert_digest(back, &error), fp_bert_digest(model, &error)));
    assert_false(fp_digest_equal(fp_bert_digest(back, &error), fp_bert_digest(other, &error)));
    assert_true(fp_path_exists(copied));
    if (fp_path_exists("/usr/bin/python3")) {
        assert_int_equal(fp_file_write(raw, fp_bert_parameters(model), bytes, &error), 0);
        assert_int_equal(fp_file_write(script, READER, strlen(READER), &error), 0);
        char *command = fp_format(&error, "/usr/bin/python3 %s %s/model.safetensors %s", script, saved, raw);
        assert_int_equal(system(command), 0);
        free(command);
    }
    free(saved);
    free(vocab);
    free(copied);
    free(raw);
    free(script);
    fp_bert_free(model);
    fp_bert_free(other);
    fp_bert_free(back);
}

/* Writes MODEL's tensors under the names that RENAME gives them (NULL: left out). */
static void write_renamed(const fp_bert *model, const char *name, char *(*rename)(const char *)) {
    char *target = inside(name), *weights = fp_path_join(target, "model.safetensors", &error);
    assert_int_equal(fp_bert_save(model, target, NULL, &error), 0);
    fp_safetensors *file = fp_safetensors_open(weights, &error);
    size_t n = fp_safetensors_count(file), written = 0;
    fp_tensor_view *views = calloc(n, sizeof *views);
    for (size_t i = 0; i < n; i++) {
        views[written] = *fp_safetensors_at(file, n - 1 - i); /* in another order, too */
        views[written].name = rename(views[written].name);
        written += views[written].name != NULL;
    }
    assert_int_equal(fp_safetensors_write(weights, views, written, NULL, &error), 0);
    for (size_t i = 0; i < written; i++)
        free((void *)views[i].name);
    free(views);
    fp_safetensors_close(file);
    free(target);
    free(weights);
}

static char *old_names(const char *name) {
    const char *bare = name + strlen("bert."), *norm = strstr(bare, "LayerNorm.");
    if (!norm)
        return strdup(bare);
    return fp_format(&error, "%.*sLayerNorm.%s", (int)(norm - bare), bare,
                     strstr(norm, "weight") ? "gamma" : "beta");
}

static char *without_a_key(const char *name) {
    return strstr(name, "layer.1.attention.self.key.weight") ? NULL : strdup(name);
}

static char *two_swapped(const char *name) {
    if (strstr(name, "layer.0.intermediate.dense.weight"))
        return strdup("bert.encoder.layer.0.output.dense.weight");
    if (strstr(name, "layer.0.output.dense.weight"))
        return strdup("bert.encoder.layer.0.intermediate.dense.weight");
    return strdup(name);
}

static void other_spellings_are_understood_and_faults_named(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_bert *model = fp_bert_random(&config, 1, &error);
    char *path = inside("renamed");
    write_renamed(model, "renamed", old_names);
    fp_bert *back = fp_bert_load(path, &error);
    assert_non_null(back);
    assert_memory_equal(fp_bert_parameters(back), fp_bert_parameters(model),
                        fp_bert_config_parameters(&config) * sizeof(float));
    fp_bert_free(back);
    write_renamed(model, "renamed", without_a_key);
    assert_null(fp_bert_load(path, &error));
    assert_non_null(strstr(error.text, "bert.encoder.layer.1.attention.self.key.weight is missing"));
    write_renamed(model, "renamed", two_swapped);
    assert_null(fp_bert_load(path, &error));
    assert_non_null(strstr(error.text, "layer.0.intermediate.dense.weight has shape [20, 36]"));
    assert_null(fp_bert_load("/nowhere", &error));
    assert_non_null(strstr(error.text, "/nowhere"));
    free(path);
    fp_bert_free(model);
}

static void a_sentence_alone_is_the_sentence_in_a_batch(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_bert *model = fp_bert_random(&config, 1, &error);
    fp_encoded data = make_sentences(9, FP_KIND_WORD, config.vocab_size);
    const int layers[3] = {0, 1, 2};
    float *all[3], *alone[3];
    for (int l = 0; l < 3; l++) {
        all[l] = malloc(data.n_pieces * config.hidden * sizeof(float));
        alone[l] = malloc(data.longest * config.hidden * sizeof(float));
    }
    assert_int_equal(fp_bert_hidden(model, &data, layers, 3, all, &error), 0);
    for (size_t s = 0; s < data.n_sentences; s++) {
        uint32_t first = data.piece_at[s], at[2] = {0, data.piece_at[s + 1] - first}, none[2] = {0, 0};
        fp_encoded one = {.n_sentences = 1,
                          .n_pieces = at[1],
                          .piece_at = at,
                          .pieces = data.pieces + first,
                          .instance_at = none,
                          .longest = at[1]};
        assert_int_equal(fp_bert_hidden(model, &one, layers, 3, alone, &error), 0);
        for (int l = 0; l < 3; l++)
            assert_memory_equal(alone[l], all[l] + first * config.hidden,
                                at[1] * config.hidden * sizeof(float));
    }
    for (int l = 0; l < 3; l++) {
        free(all[l]);
        free(alone[l]);
    }
    free_sentences(&data);
    fp_bert_free(model);
}

static double mean_of(const float *hidden, size_t width, size_t begin, size_t end, size_t c) {
    double sum = 0;
    for (size_t r = begin; r < end; r++)
        sum += hidden[r * width + c];
    return sum / (double)(end - begin);
}

static void vectors_are_means_of_pieces(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_bert *model = fp_bert_random(&config, 1, &error);
    const fp_instance_kind kinds[3] = {FP_KIND_WORD, FP_KIND_PAIR, FP_KIND_SENTENCE};
    for (int kind = 0; kind < 3; kind++) {
        fp_encoded data = make_sentences(200, kinds[kind], config.vocab_size); /* several passes */
        size_t spans = kinds[kind] == FP_KIND_PAIR ? 2 : 1, width = config.hidden;
        const int layers[2] = {2, 0};
        float *hidden[2], *vectors[2];
        for (int l = 0; l < 2; l++) {
            hidden[l] = malloc(data.n_pieces * width * sizeof(float));
            vectors[l] = malloc(data.n_instances * spans * width * sizeof(float));
        }
        assert_int_equal(fp_bert_hidden(model, &data, layers, 2, hidden, &error), 0);
        assert_int_equal(fp_bert_embed(model, &data, layers, 2, vectors, 2, NULL, NULL, &error), 0);
        for (int l = 0; l < 2; l++)
            for (size_t i = 0; i < data.n_instances * spans; i++) {
                const fp_encoded_instance *in = &data.instances[i / spans];
                fp_span span = i % spans ? in->second : in->first;
                size_t first = data.piece_at[in->sentence];
                for (size_t c = 0; c < width; c++)
                    assert_true(fabs(vectors[l][i * width + c] - mean_of(hidden[l], width, first + span.begin,
                                                                         first + span.end, c)) < 1e-6);
            }
        for (int l = 0; l < 2; l++) {
            free(hidden[l]);
            free(vectors[l]);
        }
        free_sentences(&data);
    }
    fp_bert_free(model);
}

static void impossible_requests_are_errors(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_bert *model = fp_bert_random(&config, 1, &error);
    fp_encoded data = make_sentences(3, FP_KIND_WORD, config.vocab_size);
    float *out[1] = {malloc(data.n_instances * config.hidden * sizeof(float))};
    int layer = 3;
    assert_int_equal(fp_bert_embed(model, &data, &layer, 1, out, 1, NULL, NULL, &error), -1);
    assert_non_null(strstr(error.text, "layer 3"));
    layer = 0;
    data.pieces[2] = (int32_t)config.vocab_size;
    assert_int_equal(fp_bert_embed(model, &data, &layer, 1, out, 1, NULL, NULL, &error), -1);
    assert_non_null(strstr(error.text, "piece 53"));
    free(out[0]);
    free_sentences(&data);
    fp_bert_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_are_read),
        cmocka_unit_test(what_is_not_supported_is_refused_by_name),
        cmocka_unit_test(the_parameters_are_counted),
        cmocka_unit_test(folders_keep_every_bit),
        cmocka_unit_test(other_spellings_are_understood_and_faults_named),
        cmocka_unit_test(a_sentence_alone_is_the_sentence_in_a_batch),
        cmocka_unit_test(vectors_are_means_of_pieces),
        cmocka_unit_test(impossible_requests_are_errors),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
