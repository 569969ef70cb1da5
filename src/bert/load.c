/* A model folder becomes a model. */
#include "bert/model.h"
#include "bert/weights.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int shape_fits(const fp_bert_tensor *tensor, const fp_tensor_view *view) {
    if (fp_tensor_is_vector(tensor))
        return view->rank == 1 && view->shape[0] == tensor->columns;
    return view->rank == 2 && view->shape[0] == tensor->rows && view->shape[1] == tensor->columns;
}

static int fail_shape(const char *path, const fp_bert_tensor *tensor, const fp_tensor_view *view,
                      fp_error *error) {
    char shape[FP_MAX_RANK * 24] = "";
    for (int i = 0, n = 0; i < view->rank; i++)
        n += snprintf(shape + n, sizeof shape - (size_t)n, "%s%zu", i ? ", " : "", view->shape[i]);
    char wanted[64];
    if (fp_tensor_is_vector(tensor))
        snprintf(wanted, sizeof wanted, "%zu", tensor->columns);
    else
        snprintf(wanted, sizeof wanted, "%zu, %zu", tensor->rows, tensor->columns);
    return fp_fail(error, "%s: tensor %s has shape [%s]; config.json says [%s]", path, view->name, shape,
                   wanted);
}

/* All tensors of the layout, checked. VIEWS [n_tensors]. */
static int find_tensors(const fp_tensor_layout *layout, const fp_weights *weights,
                        const fp_tensor_view **views, fp_error *error) {
    for (size_t i = 0; i < layout->n_tensors; i++) {
        const fp_bert_tensor *tensor = &layout->tensors[i];
        views[i] = fp_weights_find(weights, tensor->name);
        if (!views[i])
            return fp_fail(error, "%s: tensor %s is missing", weights->path, tensor->name);
        if (!shape_fits(tensor, views[i]))
            return fail_shape(weights->path, tensor, views[i], error);
    }
    return 0;
}

/* 1 when the file holds the parameters just as the layout wants them, so that they can be used in place. */
static int lies_in_order(const fp_tensor_layout *layout, const fp_tensor_view *const *views) {
    const char *start = views[0]->data;
    if ((uintptr_t)start % sizeof(float) != 0)
        return 0;
    for (size_t i = 0; i < layout->n_tensors; i++)
        if (views[i]->dtype != FP_F32 ||
            (const char *)views[i]->data != start + layout->tensors[i].at * sizeof(float))
            return 0;
    return 1;
}

/* Memory for all numbers in large pages, not written to yet: that halves the time that copying takes. */
static float *room_for(size_t numbers, fp_error *error) {
    enum { PAGE = 1 << 21 };
    size_t bytes = (numbers * sizeof(float) + PAGE - 1) / PAGE * PAGE;
    float *room = aligned_alloc(PAGE, bytes);
    if (!room)
        fp_fail_memory(error, "the model's weights", bytes);
    else
        madvise(room, bytes, MADV_HUGEPAGE);
    return room;
}

static int copy_tensors(fp_bert *model, const fp_weights *weights, const fp_tensor_view *const *views,
                        fp_error *error) {
    model->own = room_for(model->layout.numbers, error);
    if (!model->own)
        return -1;
    for (size_t i = 0; i < model->layout.n_tensors; i++)
        if (fp_tensor_to_float(views[i], model->own + model->layout.tensors[i].at, error) < 0)
            return fp_error_context(error, "%s: tensor %s", weights->path, views[i]->name);
    model->parameters = model->own;
    return 0;
}

static int has_mlm_head(const fp_weights *weights) {
    static const char *const names[] = {"cls.predictions.transform.dense.weight",
                                        "cls.predictions.transform.dense.bias",
                                        "cls.predictions.transform.LayerNorm.weight",
                                        "cls.predictions.transform.LayerNorm.bias", "cls.predictions.bias"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!fp_weights_find(weights, names[i]))
            return 0;
    return 1;
}

/* Takes WEIGHTS's mapping over when the parameters can stay in it. */
static int take_weights(fp_bert *model, fp_weights *weights, fp_error *error) {
    const fp_tensor_view **views =
        fp_alloc(model->layout.n_tensors, sizeof(const fp_tensor_view *), "the tensors of a file", error);
    if (!views)
        return -1;
    int rc = find_tensors(&model->layout, weights, views, error);
    if (rc == 0 && weights->safetensors && lies_in_order(&model->layout, views)) {
        model->parameters = views[0]->data;
        model->file = weights->safetensors;
        weights->safetensors = NULL;
    } else if (rc == 0) {
        rc = copy_tensors(model, weights, views, error);
    }
    free(views);
    return rc;
}

static fp_bert *load_weights(const char *folder, const fp_bert_config *config, const char *config_text,
                             fp_error *error) {
    fp_weights weights;
    if (fp_weights_open(folder, &weights, error) < 0)
        return NULL;
    fp_bert *model = fp_bert_shell(config, has_mlm_head(&weights), config_text, error);
    if (model && take_weights(model, &weights, error) < 0) {
        fp_bert_free(model);
        model = NULL;
    }
    fp_weights_close(&weights);
    return model;
}

fp_bert *fp_bert_load(const char *folder, fp_error *error) {
    fp_bert *model = NULL;
    char *path = fp_path_join(folder, "config.json", error);
    char *text = path ? fp_file_read(path, NULL, error) : NULL;
    fp_bert_config config;
    if (text && fp_bert_config_read(path, &config, error) == 0)
        model = load_weights(folder, &config, text, error);
    free(text);
    free(path);
    return model;
}
