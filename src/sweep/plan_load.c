/* Models, tasks, and the tasks as each model reads them. */
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "run/run.h"
#include "sweep/plan_make.h"
#include <stdlib.h>
#include <string.h>

/* ---- models ---- */

static int load_weights(const fp_grid_model *model, fp_bert_config *config, fp_digest *digest,
                        size_t *parameters, fp_error *error) {
    if (!model->folder || model->absent) {
        *config = model->config;
        *parameters = fp_bert_config_parameters(config);
        return fp_plan_digest_random(config, model->seed, digest, error);
    }
    fp_bert *bert = fp_bert_load(model->folder, error);
    if (!bert)
        return -1;
    error->text[0] = '\0';
    *config = *fp_bert_config_of(bert);
    *parameters = fp_bert_config_parameters(config);
    *digest = fp_bert_digest(bert, error);
    fp_bert_free(bert);
    return error->text[0] ? -1 : fp_plan_check_model(model, config, error);
}

static int load_vocab(const fp_grid_model *model, size_t vocab_size, fp_plan_model *out, fp_error *error) {
    char *path =
        model->folder ? fp_path_join(model->folder, "vocab.txt", error) : fp_strdup(model->vocab, error);
    if (!path)
        return -1;
    int rc = fp_digest_file(path, &out->vocab, error);
    out->tokenizer = rc == 0 ? fp_wordpiece_open(path, error) : NULL;
    if (out->tokenizer && fp_wordpiece_size(out->tokenizer) > vocab_size)
        rc = fp_fail(error, "%s has %zu pieces, but the model only %zu; it belongs to another model", path,
                     fp_wordpiece_size(out->tokenizer), vocab_size);
    free(path);
    return out->tokenizer ? rc : -1;
}

static void load_model(fp_plan_maker *maker, size_t i) {
    const fp_grid_model *model = &maker->grid->models[i];
    fp_bert_config *config = &maker->plan->configs[i];
    fp_plan_model *out = &maker->models[i];
    fp_error error = {0};
    fp_digest weights;
    int rc = load_weights(model, config, &weights, &out->parameters, &error);
    if (rc == 0 && !model->absent)
        rc = load_vocab(model, config->vocab_size, out, &error);
    if (rc == 0 && !model->absent && model->finetune.objective == FP_OBJECTIVE_MLM &&
        fp_wordpiece_special(out->tokenizer).mask < 0)
        rc = fp_fail(&error, "its vocabulary has no [MASK], which objective: mlm needs");
    if (rc == 0)
        rc = fp_model_digest(weights, out->vocab, &out->digest, &error);
    if (rc == 0)
        rc = fp_grid_choose(&maker->grid->layers, (int64_t)config->layers, &out->layers, &out->n_layers,
                            &error);
    if (rc == 0 && out->n_layers == 0)
        rc = fp_fail(&error, "it has layers 0 (embeddings) to %zu, and \"layers\" chooses none of them",
                     config->layers);
    if (rc < 0)
        fp_plan_problem(maker, model->place, "model %s: %s", model->name, error.text);
}

/* ---- tasks ---- */

static void check_labels(fp_plan_maker *maker, const fp_grid_task *task, const fp_task *loaded) {
    for (size_t i = 0; i < loaded->n_labels; i++)
        if (strlen(loaded->labels[i]) >= FP_NAME)
            fp_plan_problem(maker, task->place, "task %s: the label \"%.60s...\" is longer than %d bytes",
                            task->spec.name, loaded->labels[i], FP_NAME - 1);
}

static void load_task(fp_plan_maker *maker, size_t i) {
    const fp_grid_task *task = &maker->grid->tasks[i];
    fp_plan_task *out = &maker->tasks[i];
    fp_error error = {0};
    out->task = task->absent ? fp_plan_expected_task(task, &error) : fp_task_load(&task->spec, &error);
    if (!out->task || (!task->absent && (fp_task_digest(out->task, &out->digest, &error) < 0 ||
                                         fp_plan_check_task(task, out->task, &error) < 0))) {
        fp_plan_problem(maker, task->place, "%s", error.text);
        return;
    }
    out->probed = task->spec.reader != FP_READER_TEXT;
    check_labels(maker, task, out->task);
}

/* ---- data ---- */

static void count(const fp_encoded *encoded, fp_plan_data *out) {
    fp_data_row *row = &out->row;
    row->sentences = (int32_t)encoded->n_sentences;
    row->pieces = (int32_t)encoded->n_pieces;
    row->longest = (int32_t)encoded->longest;
    row->instances = (int32_t)encoded->n_instances;
    row->cut_sentences = (int32_t)encoded->cut_sentences;
    row->cut_words = (int32_t)encoded->cut_words;
    row->cut_instances = (int32_t)encoded->cut_instances;
    row->empty_words = (int32_t)encoded->empty_words;
    out->squares = 0;
    for (size_t s = 0; s < encoded->n_sentences; s++) {
        double pieces = (double)(encoded->piece_at[s + 1] - encoded->piece_at[s]);
        out->squares += pieces * pieces;
    }
}

/* An earlier model that reads text just as model I does; I itself when there is none. */
static size_t same_reading(const fp_plan_maker *maker, size_t i) {
    const fp_bert_config *configs = maker->plan->configs;
    for (size_t j = 0; j < i; j++)
        if (maker->models[j].tokenizer && fp_digest_equal(maker->models[j].vocab, maker->models[i].vocab) &&
            configs[j].positions == configs[i].positions)
            return j;
    return i;
}

static int read_split(fp_plan_maker *maker, size_t model, size_t task, int split, fp_error *error) {
    const fp_task *loaded = maker->tasks[task].task;
    fp_plan_data *out = &maker->data[(model * maker->grid->n_tasks + task) * 2 + (size_t)split];
    const fp_grid_task *spec = &maker->grid->tasks[task];
    size_t same = same_reading(maker, model);
    if (maker->grid->models[model].absent || spec->absent) {
        if (!spec->expect.labels)
            return fp_fail(error,
                           "the files of the model are not there, and \"expect\" does not give the "
                           "sizes of the task");
        fp_plan_expected_data(split ? &spec->expect.test : &spec->expect.train, out);
    } else if (same != model) {
        *out = *fp_plan_data_of(maker, same, task, split);
    } else {
        fp_encoded encoded = {0};
        if (fp_encode(maker->models[model].tokenizer, split ? &loaded->test : &loaded->train, loaded->kind,
                      maker->plan->configs[model].positions, &encoded, error) < 0)
            return -1;
        count(&encoded, out);
        fp_encoded_free(&encoded);
    }
    fp_plan_text(out->row.model, sizeof out->row.model, maker->grid->models[model].name);
    fp_plan_text(out->row.task, sizeof out->row.task, maker->grid->tasks[task].spec.name);
    fp_plan_text(out->row.split, sizeof out->row.split, split ? "test" : "train");
    return 0;
}

static void read_data(fp_plan_maker *maker, size_t model, size_t task) {
    const fp_grid_task *t = &maker->grid->tasks[task];
    const char *model_name = maker->grid->models[model].name;
    if ((!maker->models[model].tokenizer && !maker->grid->models[model].absent) || !maker->tasks[task].task)
        return;
    for (int split = 0; split < 2; split++) {
        fp_error error = {0};
        const fp_data_row *row = &fp_plan_data_of(maker, model, task, split)->row;
        if (read_split(maker, model, task, split, &error) < 0)
            fp_plan_problem(maker, t->place, "task %s for model %s: %s", t->spec.name, model_name,
                            error.text);
        else if (maker->tasks[task].probed && row->instances == 0)
            fp_plan_problem(maker, t->place, "task %s has no instance in its %s set as model %s reads it",
                            t->spec.name, row->split, model_name);
        else if (!maker->tasks[task].probed && split == 0 && row->sentences == 0)
            fp_plan_problem(maker, t->place, "task %s has no sentence to train on", t->spec.name);
    }
}

void fp_plan_load(fp_plan_maker *maker) {
    for (size_t i = 0; i < maker->grid->n_models; i++)
        load_model(maker, i);
    for (size_t i = 0; i < maker->grid->n_tasks; i++)
        load_task(maker, i);
    for (size_t i = 0; i < maker->grid->n_models; i++)
        for (size_t j = 0; j < maker->grid->n_tasks; j++)
            read_data(maker, i, j);
}
