/* A run's state in one safetensors file, so that it can go on elsewhere with the same bits. */
#include "bert/run.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include <stdlib.h>
#include <string.h>

enum { TENSORS = 5 };

/* The tensors of a state, pointing to where the run keeps them. */
static void describe(const fp_finetune *run, int64_t *step, fp_tensor_view out[TENSORS]) {
    const fp_optimiser *o = &run->optimiser;
    out[0] = (fp_tensor_view){"parameters", FP_F32, 1, {o->numbers}, o->numbers, o->parameters};
    out[1] = (fp_tensor_view){"first_moment", FP_F32, 1, {o->numbers}, o->numbers, o->first};
    out[2] = (fp_tensor_view){"second_moment", FP_F32, 1, {o->numbers}, o->numbers, o->second};
    out[3] = (fp_tensor_view){"seen", FP_U8, 1, {o->vocabulary}, o->vocabulary, o->seen};
    out[4] = (fp_tensor_view){"step", FP_I64, 1, {1}, 1, step};
}

/* What must be the same for a state to go on; the data are the caller's to watch over. */
static int describe_run(const fp_finetune *run, char text[FP_DIGEST_TEXT], fp_error *error) {
    const fp_finetune_settings *s = &run->settings;
    fp_digester *d = fp_digester_create(error);
    if (!d)
        return -1;
    fp_digest_integer(d, "objective", s->objective);
    fp_digest_integer(d, "batch", (int64_t)s->batch);
    fp_digest_integer(d, "total", (int64_t)run->total);
    fp_digest_integer(d, "sentences", (int64_t)run->data->n_sentences);
    fp_digest_integer(d, "pieces", (int64_t)run->data->n_pieces);
    fp_digest_integer(d, "classes", (int64_t)run->head.classes);
    fp_digest_integer(d, "hidden dropout", run->encoder.dropout.hidden);
    fp_digest_integer(d, "attention dropout", run->encoder.dropout.attention);
    fp_digest_integer(d, "seed", (int64_t)s->seed);
    const double reals[] = {s->learning_rate, s->warmup,  s->weight_decay, s->beta1,
                            s->beta2,         s->epsilon, s->clip};
    fp_digest_bytes(d, "rates", reals, sizeof reals);
    fp_digest_format(fp_digest_end(d), text);
    fp_digester_destroy(d);
    return 0;
}

int fp_finetune_save(const fp_finetune *run, const char *path, fp_error *error) {
    char settings[FP_DIGEST_TEXT];
    int64_t step = (int64_t)run->step;
    fp_tensor_view tensors[TENSORS];
    if (describe_run(run, settings, error) < 0)
        return -1;
    fp_optimiser_settle(&run->optimiser, run->step);
    describe(run, &step, tensors);
    const char *const metadata[] = {"settings", settings, NULL};
    return fp_safetensors_write(path, tensors, TENSORS, metadata, error);
}

static int restore(fp_finetune *run, const fp_safetensors *file, const char *path, fp_error *error) {
    char settings[FP_DIGEST_TEXT];
    int64_t step = 0;
    fp_tensor_view own[TENSORS];
    if (describe_run(run, settings, error) < 0)
        return -1;
    const char *theirs = fp_safetensors_metadata(file, "settings");
    if (!theirs || strcmp(settings, theirs) != 0)
        return fp_fail(error, "%s: the state of a run with other settings or data", path);
    describe(run, &step, own);
    const fp_tensor_view *found[TENSORS];
    for (int i = 0; i < TENSORS; i++) {
        found[i] = fp_safetensors_find(file, own[i].name);
        if (!found[i] || found[i]->dtype != own[i].dtype || found[i]->count != own[i].count)
            return fp_fail(error, "%s: tensor %s is missing or has another size or type", path, own[i].name);
    }
    memcpy(&step, found[TENSORS - 1]->data, sizeof step);
    if (step < 0 || (uint64_t)step > run->total)
        return fp_fail(error, "%s: step %lld of a run of %zu updates", path, (long long)step, run->total);
    for (int i = 0; i < TENSORS; i++) {
        memcpy((void *)own[i].data, found[i]->data, found[i]->count * fp_dtype_size(found[i]->dtype));
        fp_safetensors_let_go(found[i]); /* not two states in memory */
    }
    run->step = (size_t)step;
    *run->optimiser.decayed = (size_t)step;
    return 0;
}

int fp_finetune_restore(fp_finetune *run, const char *path, fp_error *error) {
    fp_safetensors *file = fp_safetensors_open(path, error);
    if (!file)
        return -1;
    int rc = restore(run, file, path, error);
    fp_safetensors_close(file);
    return rc;
}
