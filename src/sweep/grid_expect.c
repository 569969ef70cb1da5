/* What files are expected to hold, so that a sweep can be planned before they are fetched. */
#include "sweep/grid_read.h"

#include "fineprobe/file.h"
#include <limits.h>
#include <stddef.h>

#define NUMBER(name, member, most)                                                                           \
    { name, FP_KEY_SIZE, offsetof(STRUCT, member), 1, most, "a whole number of 1 or more" }

#define STRUCT fp_bert_config
static const fp_key shape_keys[] = {
    NUMBER("layers", layers, 1000),
    NUMBER("hidden", hidden, 1000000),
    NUMBER("heads", heads, 10000),
    NUMBER("intermediate", intermediate, 10000000),
    NUMBER("vocabulary", vocab_size, INT_MAX),
    NUMBER("positions", positions, 1000000),
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
#undef STRUCT

#define STRUCT fp_expected_split
static const fp_key split_keys[] = {
    NUMBER("sentences", sentences, INT_MAX), NUMBER("instances", instances, INT_MAX),
    NUMBER("pieces", pieces, INT_MAX),       NUMBER("longest", longest, INT_MAX),
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
#undef STRUCT

#define STRUCT fp_expected_task
static const fp_key task_keys[] = {
    NUMBER("labels", labels, INT_MAX),
    {"train", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"test", FP_KEY_OTHER, 0, 0, 0, NULL},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
#undef STRUCT

void fp_grid_expect_model(fp_grid_reader *reader, const fp_yaml_node *node, fp_bert_config *out) {
    static const char right[] = "a number, e.g. expect: {layers: 12, hidden: 768, heads: 12}";
    *out = (fp_bert_config){.vocab_size = 30522,
                            .positions = 512,
                            .types = 2,
                            .layer_norm_eps = 1e-12,
                            .hidden_dropout = 0.1,
                            .attention_dropout = 0.1,
                            .initializer_range = 0.02};
    if (fp_read_keys(reader, node, "expect", shape_keys, out) < 0)
        return;
    fp_require(reader, node, "expect", "layers", right);
    fp_require(reader, node, "expect", "hidden", right);
    fp_require(reader, node, "expect", "heads", right);
    if (!out->intermediate)
        out->intermediate = 4 * out->hidden;
}

static void expect_split(fp_grid_reader *reader, const fp_yaml_node *map, const char *name,
                         fp_expected_split *out) {
    static const char right[] = "e.g. {sentences: 800, instances: 16858, pieces: 19909}";
    const fp_yaml_node *node = fp_require(reader, map, "expect", name, right);
    if (!node || fp_read_keys(reader, node, name, split_keys, out) < 0)
        return;
    fp_require(reader, node, name, "sentences", right);
    fp_require(reader, node, name, "instances", right);
    fp_require(reader, node, name, "pieces", right);
    if (out->sentences > out->instances)
        fp_note(reader, node->place, "%s has more sentences than instances; only sentences with one count",
                name);
    if (!out->longest && out->sentences)
        out->longest = 4 * out->pieces / out->sentences;
}

void fp_grid_expect_task(fp_grid_reader *reader, const fp_yaml_node *node, fp_expected_task *out) {
    if (fp_read_keys(reader, node, "expect", task_keys, out) < 0)
        return;
    fp_require(reader, node, "expect", "labels", "their number, e.g. labels: 17");
    expect_split(reader, node, "train", &out->train);
    expect_split(reader, node, "test", &out->test);
}

int fp_grid_is_absent(const fp_yaml_node *expect, const char *path) {
    return expect && !fp_path_exists(path);
}

void fp_grid_note_absent(const fp_grid *grid, fp_problems *problems) {
    for (size_t i = 0; i < grid->n_models; i++)
        if (grid->models[i].absent)
            fp_problems_add(problems, "%s:%zu:%zu: model %s: there is no %s; fetch it%s%s", grid->path,
                            grid->models[i].place.line, grid->models[i].place.column, grid->models[i].name,
                            grid->models[i].folder, grid->models[i].source ? ": " : "",
                            grid->models[i].source ? grid->models[i].source : "");
    for (size_t i = 0; i < grid->n_tasks; i++) {
        const fp_grid_task *task = &grid->tasks[i];
        const fp_task_spec *spec = &task->spec;
        if (task->absent)
            fp_problems_add(problems, "%s:%zu:%zu: task %s: there is no %s; fetch it%s%s", grid->path,
                            task->place.line, task->place.column, spec->name,
                            fp_path_exists(spec->train.path) ? spec->test.path : spec->train.path,
                            task->source ? ": " : "", task->source ? task->source : "");
    }
}
