/* The specification of a piece as JSON, both ways. Each field is named once, in `exchange_*`, which either
 * packs it into an object or unpacks it from one. */
#include "fineprobe/memory.h"
#include "fineprobe/piece.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fp_exchange {
    json_t *object;
    int packing;
    fp_error *error;
    int failed;
} fp_exchange;

static int lacks(fp_exchange *x, const char *key) {
    x->failed =
        fp_fail(x->error, "the specification of a piece of work lacks \"%s\" or has it in another type", key);
    return 0;
}

static void put(fp_exchange *x, const char *key, json_t *value) {
    if (!value || json_object_set_new(x->object, key, value) < 0)
        x->failed = fp_fail(x->error, "cannot pack \"%s\" (out of memory or not UTF-8)", key);
}

static void integer(fp_exchange *x, const char *key, int64_t *value) {
    if (x->failed)
        return;
    if (x->packing) {
        put(x, key, json_integer(*value));
        return;
    }
    json_t *found = json_object_get(x->object, key);
    *value = json_is_integer(found) ? json_integer_value(found) : lacks(x, key);
}

static void size(fp_exchange *x, const char *key, size_t *value) {
    int64_t wide = (int64_t)*value;
    integer(x, key, &wide);
    *value = (size_t)wide;
}

static void natural(fp_exchange *x, const char *key, int *value) {
    int64_t wide = *value;
    integer(x, key, &wide);
    *value = (int)wide;
}

/* Reals go through text in hexadecimal, so that not a bit is lost on the way. */
static void real(fp_exchange *x, const char *key, double *value) {
    if (x->failed)
        return;
    if (x->packing) {
        char text[64];
        snprintf(text, sizeof text, "%a", *value);
        put(x, key, json_string(text));
        return;
    }
    json_t *found = json_object_get(x->object, key);
    *value = json_is_string(found) ? strtod(json_string_value(found), NULL) : lacks(x, key);
}

static void text(fp_exchange *x, const char *key, char **value) {
    if (x->failed)
        return;
    if (x->packing) {
        put(x, key, *value ? json_string(*value) : json_null());
        return;
    }
    *value = NULL;
    json_t *found = json_object_get(x->object, key);
    if (json_is_string(found)) {
        *value = fp_strdup(json_string_value(found), x->error);
        x->failed = *value ? 0 : -1;
    } else if (!json_is_null(found)) {
        lacks(x, key);
    }
}

static void narrow(fp_exchange *x, const char *key, int32_t *value) {
    int64_t wide = *value;
    integer(x, key, &wide);
    *value = (int32_t)wide;
}

/* Text of a fixed length. */
static void words(fp_exchange *x, const char *key, char *value, size_t room) {
    char *copy = value;
    text(x, key, &copy);
    if (x->packing || x->failed)
        return;
    if (copy && strlen(copy) >= room)
        x->failed = fp_fail(x->error, "\"%s\" is longer than %zu bytes: %s", key, room - 1, copy);
    else
        fp_copy_text(value, room, copy ? copy : "");
    free(copy);
}

/* Opens the object KEY inside X for more fields. */
static fp_exchange inner(fp_exchange *x, const char *key) {
    fp_exchange y = *x;
    if (x->failed)
        return y;
    if (x->packing) {
        y.object = json_object();
        put(x, key, y.object);
        y.failed = x->failed;
    } else {
        y.object = json_object_get(x->object, key);
        if (!json_is_object(y.object))
            y.failed = lacks(x, key) - 1;
    }
    return y;
}

/* Opens item I of the list KEY, which is made when packing. */
static fp_exchange item(fp_exchange *x, const char *key, size_t i) {
    fp_exchange y = *x;
    if (x->failed)
        return y;
    json_t *list = json_object_get(x->object, key);
    if (x->packing) {
        if (!list)
            put(x, key, list = json_array());
        y.object = json_object();
        if (x->failed || json_array_append_new(list, y.object) < 0)
            y.failed = x->failed = fp_fail(x->error, "out of memory packing \"%s\"", key);
    } else {
        y.object = json_array_get(list, i);
        if (!json_is_object(y.object))
            y.failed = lacks(x, key) - 1;
    }
    return y;
}

static void close_inner(fp_exchange *x, const fp_exchange *y) {
    if (y->failed)
        x->failed = y->failed;
}

/* Room for N items when unpacking. */
static void *items(fp_exchange *x, size_t n, size_t bytes, const char *what) {
    if (x->failed || n > 1000000) {
        x->failed = x->failed ? x->failed : fp_fail(x->error, "%zu %s is beyond reason", n, what);
        return NULL;
    }
    void *memory = fp_alloc(n, bytes, what, x->error);
    x->failed = memory ? 0 : -1;
    return memory;
}

static void exchange_split(fp_exchange *outer, const char *key, fp_split_spec *split) {
    fp_exchange x = inner(outer, key);
    int64_t first = (int64_t)split->first, last = (int64_t)split->last;
    text(&x, "path", &split->path);
    integer(&x, "first", &first);
    integer(&x, "last", &last);
    split->first = (uint64_t)first;
    split->last = (uint64_t)last;
    close_inner(outer, &x);
}

static void exchange_task(fp_exchange *outer, fp_task_spec *task) {
    fp_exchange x = inner(outer, "task");
    int reader = (int)task->reader;
    text(&x, "name", &task->name);
    natural(&x, "reader", &reader);
    task->reader = (fp_reader)reader;
    text(&x, "label", &task->label);
    size(&x, "n_lexcats", &task->n_lexcats);
    if (!x.packing && task->n_lexcats)
        task->lexcats = items(&x, task->n_lexcats, sizeof *task->lexcats, "lexical categories");
    for (size_t i = 0; i < task->n_lexcats && !x.failed; i++) {
        fp_exchange y = item(&x, "lexcats", i);
        text(&y, "name", &task->lexcats[i]);
        close_inner(&x, &y);
    }
    exchange_split(&x, "train", &task->train);
    exchange_split(&x, "test", &task->test);
    close_inner(outer, &x);
}

static void exchange_settings(fp_exchange *outer, fp_finetune_settings *s) {
    fp_exchange x = inner(outer, "settings");
    int objective = (int)s->objective;
    int64_t seed = (int64_t)s->seed;
    natural(&x, "objective", &objective);
    size(&x, "batch", &s->batch);
    size(&x, "epochs", &s->epochs);
    size(&x, "updates", &s->updates);
    real(&x, "learning_rate", &s->learning_rate);
    real(&x, "warmup", &s->warmup);
    real(&x, "weight_decay", &s->weight_decay);
    real(&x, "beta1", &s->beta1);
    real(&x, "beta2", &s->beta2);
    real(&x, "epsilon", &s->epsilon);
    real(&x, "clip", &s->clip);
    real(&x, "hidden_dropout", &s->hidden_dropout);
    real(&x, "attention_dropout", &s->attention_dropout);
    integer(&x, "seed", &seed);
    natural(&x, "threads", &s->threads);
    s->objective = (fp_objective)objective;
    s->seed = (uint64_t)seed;
    close_inner(outer, &x);
}

static void exchange_checkpoint(fp_exchange *x, fp_piece_checkpoint *checkpoint) {
    fp_checkpoint_row *row = &checkpoint->row;
    if (!x->packing)
        fp_checkpoint_row_open(row);
    integer(x, "index", &checkpoint->index);
    text(x, "folder", &checkpoint->folder);
    text(x, "record", &checkpoint->record);
    narrow(x, "run", &row->run);
    words(x, "model", row->model, sizeof row->model);
    words(x, "finetuned_on", row->finetuned_on, sizeof row->finetuned_on);
    integer(x, "seed", &row->seed);
    narrow(x, "step", &row->step);
    words(x, "digest", row->digest, sizeof row->digest);
}

/* Both ways of a row's identity; a unit's row begins with the same. */
static void exchange_identity(fp_exchange *x, fp_probe_identity *row) {
    narrow(x, "index", &row->index);
    narrow(x, "checkpoint", &row->checkpoint);
    narrow(x, "run", &row->run);
    words(x, "model", row->model, sizeof row->model);
    words(x, "finetuned_on", row->finetuned_on, sizeof row->finetuned_on);
    words(x, "probed_on", row->probed_on, sizeof row->probed_on);
    integer(x, "seed", &row->seed);
    narrow(x, "step", &row->step);
    narrow(x, "layer", &row->layer);
    words(x, "results", row->results, sizeof row->results);
    narrow(x, "row", &row->row);
    words(x, "digest", row->digest, sizeof row->digest);
}

static void exchange_group(fp_exchange *outer, fp_group *group) {
    fp_exchange x = inner(outer, "group");
    words(&x, "name", group->name, sizeof group->name);
    for (size_t i = 0; i < FP_GROUP_SIZES; i++)
        size(&x, fp_group_sizes[i].name, fp_group_member(group, &fp_group_sizes[i]));
    close_inner(outer, &x);
}

static void exchange_unit(fp_exchange *x, fp_unit_row *row) {
    fp_probe_identity id;
    if (!x->packing)
        fp_unit_row_open(row);
    memcpy(&id, row, sizeof id);
    exchange_identity(x, &id);
    memcpy(row, &id, sizeof id);
}

static void exchange_finetune(fp_exchange *x, fp_piece *piece) {
    text(x, "model", &piece->model);
    exchange_task(x, &piece->task);
    words(x, "model_digest", piece->model_digest, sizeof piece->model_digest);
    words(x, "task_digest", piece->task_digest, sizeof piece->task_digest);
    exchange_settings(x, &piece->settings);
    text(x, "state", &piece->state);
    integer(x, "losses_at", &piece->losses_at);
    integer(x, "start_step", &piece->start_step);
    size(x, "n_checkpoints", &piece->n_checkpoints);
    if (!x->packing)
        piece->checkpoints = items(x, piece->n_checkpoints, sizeof *piece->checkpoints, "checkpoints");
    for (size_t i = 0; i < piece->n_checkpoints && !x->failed; i++) {
        fp_exchange y = item(x, "checkpoints", i);
        exchange_checkpoint(&y, &piece->checkpoints[i]);
        close_inner(x, &y);
    }
}

static void exchange_embed(fp_exchange *x, fp_piece *piece) {
    text(x, "model", &piece->model);
    exchange_task(x, &piece->task);
    words(x, "model_digest", piece->model_digest, sizeof piece->model_digest);
    words(x, "task_digest", piece->task_digest, sizeof piece->task_digest);
    text(x, "vectors", &piece->vectors);
    size(x, "n_layers", &piece->n_layers);
    if (!x->packing)
        piece->layers = items(x, piece->n_layers, sizeof *piece->layers, "layers");
    for (size_t i = 0; i < piece->n_layers && !x->failed; i++) {
        fp_exchange y = item(x, "layers", i);
        natural(&y, "layer", &piece->layers[i]);
        close_inner(x, &y);
    }
}

static void exchange_probe(fp_exchange *x, fp_piece *piece) {
    text(x, "vectors", &piece->vectors);
    text(x, "record", &piece->record);
    fp_exchange u = inner(x, "unit");
    exchange_unit(&u, &piece->unit);
    close_inner(x, &u);
    exchange_group(x, &piece->group);
    fp_exchange z = inner(x, "directprobe");
    real(&z, "gap", &piece->directprobe.gap);
    size(&z, "small", &piece->directprobe.small);
    natural(&z, "threads", &piece->directprobe.threads);
    close_inner(x, &z);
}

static void exchange_classifier_settings(fp_exchange *outer, fp_classifier_settings *s) {
    fp_exchange x = inner(outer, "classifier");
    int64_t seed = (int64_t)s->seed;
    size(&x, "n_shapes", &s->n_shapes);
    size(&x, "n_l2", &s->n_l2);
    if (!x.failed && (s->n_shapes > FP_MOST_SHAPES || s->n_l2 > FP_MOST_L2))
        x.failed = fp_fail(x.error, "%zu shapes and %zu L2 weights are too many", s->n_shapes, s->n_l2);
    for (size_t i = 0; i < s->n_shapes && !x.failed; i++) {
        fp_exchange y = item(&x, "shapes", i);
        size(&y, "hidden1", &s->shapes[i].hidden[0]);
        size(&y, "hidden2", &s->shapes[i].hidden[1]);
        close_inner(&x, &y);
    }
    for (size_t i = 0; i < s->n_l2 && !x.failed; i++) {
        fp_exchange y = item(&x, "l2", i);
        real(&y, "weight", &s->l2[i]);
        close_inner(&x, &y);
    }
    size(&x, "folds", &s->folds);
    real(&x, "held_out", &s->held_out);
    real(&x, "drop", &s->drop);
    size(&x, "initialisations", &s->initialisations);
    size(&x, "epochs", &s->epochs);
    integer(&x, "seed", &seed);
    natural(&x, "threads", &s->threads);
    s->seed = (uint64_t)seed;
    close_inner(outer, &x);
}

static void exchange_classifier(fp_exchange *x, fp_piece *piece) {
    text(x, "vectors", &piece->vectors);
    text(x, "record", &piece->record);
    text(x, "candidates", &piece->candidates);
    size(x, "shape", &piece->shape);
    fp_exchange y = inner(x, "probe");
    exchange_identity(&y, &piece->probe);
    close_inner(x, &y);
    exchange_group(x, &piece->group);
    exchange_classifier_settings(x, &piece->classifier);
}

static void exchange_piece(fp_exchange *x, fp_piece *piece) {
    int kind = (int)piece->kind;
    natural(x, "kind", &kind);
    piece->kind = (fp_piece_kind)kind;
    integer(x, "index", &piece->index);
    natural(x, "threads", &piece->threads);
    natural(x, "attempt", &piece->attempt);
    real(x, "time_limit", &piece->time_limit);
    real(x, "silence_limit", &piece->silence_limit);
    real(x, "memory_limit", &piece->memory_limit);
    if (x->failed)
        return;
    switch (piece->kind) {
    case FP_PIECE_FINETUNE:
        exchange_finetune(x, piece);
        return;
    case FP_PIECE_EMBED:
        exchange_embed(x, piece);
        return;
    case FP_PIECE_PROBE:
        exchange_probe(x, piece);
        return;
    case FP_PIECE_CANDIDATES:
    case FP_PIECE_CLASSIFIER:
    case FP_PIECE_CONTROL:
    case FP_PIECE_CODE:
    case FP_PIECE_MEMORISATION:
        exchange_classifier(x, piece);
        return;
    }
    x->failed = fp_fail(x->error, "there is no kind %d of work", kind);
}

char *fp_piece_format(const fp_piece *piece, fp_error *error) {
    fp_exchange x = {json_object(), 1, error, 0};
    exchange_piece(&x, (fp_piece *)piece); /* packing only reads */
    char *out = x.failed ? NULL : json_dumps(x.object, JSON_COMPACT);
    if (!out && !x.failed)
        fp_fail_memory(error, "a specification", 0);
    json_decref(x.object);
    return out;
}

int fp_piece_parse(const char *line, fp_piece *out, fp_error *error) {
    memset(out, 0, sizeof *out);
    json_error_t where;
    json_t *object = json_loads(line, 0, &where);
    if (!object)
        return fp_fail(error, "the specification of a piece of work is not JSON: %s (character %d)",
                       where.text, where.position);
    fp_exchange x = {object, 0, error, 0};
    exchange_piece(&x, out);
    json_decref(object);
    if (x.failed)
        fp_piece_free(out);
    return x.failed ? -1 : 0;
}

void fp_piece_free(fp_piece *piece) {
    free(piece->model);
    free(piece->task.name);
    free(piece->task.label);
    for (size_t i = 0; piece->task.lexcats && i < piece->task.n_lexcats; i++)
        free(piece->task.lexcats[i]);
    free(piece->task.lexcats);
    free(piece->task.train.path);
    free(piece->task.test.path);
    free(piece->state);
    for (size_t i = 0; piece->checkpoints && i < piece->n_checkpoints; i++) {
        free(piece->checkpoints[i].folder);
        free(piece->checkpoints[i].record);
    }
    free(piece->checkpoints);
    free(piece->vectors);
    free(piece->layers);
    free(piece->record);
    free(piece->candidates);
    memset(piece, 0, sizeof *piece);
}
