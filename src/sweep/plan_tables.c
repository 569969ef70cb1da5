/* Rows of models, tasks, labels and data. */
#include "fineprobe/memory.h"
#include "sweep/plan_make.h"
#include <math.h>
#include <stdlib.h>

static void fill_model(const fp_plan_maker *maker, size_t i, fp_model_row *row) {
    const fp_grid_model *model = &maker->grid->models[i];
    const fp_bert_config *config = &maker->plan->configs[i];
    *row = (fp_model_row){.layers = (int32_t)config->layers,
                          .hidden = (int32_t)config->hidden,
                          .heads = (int32_t)config->heads,
                          .intermediate = (int32_t)config->intermediate,
                          .vocabulary = (int32_t)config->vocab_size,
                          .positions = (int32_t)config->positions,
                          .parameters = (int64_t)maker->models[i].parameters};
    fp_plan_text(row->name, sizeof row->name, model->name);
    fp_plan_text(row->folder, sizeof row->folder, model->folder ? model->folder : "");
    fp_digest_format(maker->models[i].digest, row->digest);
}

static void count_labels(const fp_split *split, int32_t *counts) {
    for (size_t i = 0; i < split->n_instances; i++)
        counts[split->instances[i].label]++;
}

static void fill_majority(const fp_task *task, const int32_t *train, const int32_t *test, fp_task_row *row) {
    size_t best = 0;
    for (size_t i = 1; i < task->n_labels; i++)
        if (train[i] > train[best])
            best = i;
    row->majority_accuracy = NAN;
    if (task->n_labels == 0)
        return;
    fp_plan_text(row->majority_label, sizeof row->majority_label, task->labels[best]);
    if (task->test.n_instances)
        row->majority_accuracy = (double)test[best] / (double)task->test.n_instances;
}

static void fill_task(const fp_plan_maker *maker, size_t i, const int32_t *train, const int32_t *test,
                      fp_task_row *row) {
    static const char *const kinds[] = {
        [FP_KIND_WORD] = "word", [FP_KIND_PAIR] = "pair", [FP_KIND_SENTENCE] = "sentence"};
    const fp_task_spec *spec = &maker->grid->tasks[i].spec;
    const fp_task *task = maker->tasks[i].task;
    *row = (fp_task_row){.labels = (int32_t)task->n_labels,
                         .train_sentences = (int32_t)task->train.n_sentences,
                         .test_sentences = (int32_t)task->test.n_sentences,
                         .train_instances = (int32_t)task->train.n_instances,
                         .test_instances = (int32_t)task->test.n_instances};
    fp_plan_text(row->name, sizeof row->name, spec->name);
    fp_plan_text(row->kind, sizeof row->kind, kinds[task->kind]);
    fp_plan_text(row->reader, sizeof row->reader, fp_reader_name(spec->reader));
    fp_plan_text(row->train_file, sizeof row->train_file, spec->train.path);
    fp_plan_text(row->test_file, sizeof row->test_file, spec->test.path ? spec->test.path : "");
    fp_digest_format(maker->tasks[i].digest, row->digest);
    fill_majority(task, train, test, row);
}

/* The task's row and its labels' rows, which start at LABELS. */
static int fill_task_and_labels(fp_plan_maker *maker, size_t i, fp_task_row *row, fp_label_row *labels,
                                fp_error *error) {
    double *squares = maker->tasks[i].squares;
    const fp_task *task = maker->tasks[i].task;
    int32_t *train = fp_alloc(2 * task->n_labels, sizeof *train, "counts of labels", error);
    if (!train)
        return -1;
    int32_t *test = train + task->n_labels;
    count_labels(&task->train, train);
    count_labels(&task->test, test);
    fill_task(maker, i, train, test, row);
    for (size_t j = 0; j < task->n_labels; j++) {
        labels[j] =
            (fp_label_row){.index = (int32_t)j, .train_instances = train[j], .test_instances = test[j]};
        squares[0] += (double)train[j] * (double)train[j];
        squares[1] += (double)test[j] * (double)test[j];
        fp_plan_text(labels[j].task, sizeof labels[j].task, row->name);
        fp_plan_text(labels[j].label, sizeof labels[j].label, task->labels[j]);
    }
    free(train);
    return 0;
}

int fp_plan_tables(fp_plan_maker *maker, fp_error *error) {
    fp_layout *layout = &maker->plan->layout;
    size_t n_models = maker->grid->n_models, n_tasks = maker->grid->n_tasks, n_labels = 0;
    for (size_t i = 0; i < n_tasks; i++)
        n_labels += maker->tasks[i].task->n_labels;
    layout->models = fp_alloc(n_models, sizeof *layout->models, "models", error);
    layout->tasks = fp_alloc(n_tasks, sizeof *layout->tasks, "tasks", error);
    layout->labels = fp_alloc(n_labels, sizeof *layout->labels, "labels", error);
    layout->data = fp_alloc(n_models * n_tasks * 2, sizeof *layout->data, "the data's table", error);
    if (!layout->models || !layout->tasks || !layout->labels || !layout->data)
        return -1;
    for (; layout->n_models < n_models; layout->n_models++)
        fill_model(maker, layout->n_models, &layout->models[layout->n_models]);
    for (; layout->n_tasks < n_tasks; layout->n_tasks++) {
        size_t i = layout->n_tasks;
        if (fill_task_and_labels(maker, i, &layout->tasks[i], layout->labels + layout->n_labels, error) < 0)
            return -1;
        layout->n_labels += maker->tasks[i].task->n_labels;
    }
    for (; layout->n_data < n_models * n_tasks * 2; layout->n_data++)
        layout->data[layout->n_data] = maker->data[layout->n_data].row;
    return 0;
}
