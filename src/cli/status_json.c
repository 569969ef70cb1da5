#include "status_text.h"

#include "command.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const pulses[] = {
    [FP_PULSE_NEW] = "new",         [FP_PULSE_BEATING] = "running", [FP_PULSE_SILENT] = "silent",
    [FP_PULSE_STOPPED] = "stopped", [FP_PULSE_OVER] = "finished",
};

static json_t *moment(double seconds) {
    return seconds > 0 ? json_real(seconds) : json_null();
}

static json_t *tally(const fp_tally *t) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)t->all, "done", (json_int_t)t->done,
                     "running", (json_int_t)t->running, "failed", (json_int_t)t->failed, "waiting",
                     (json_int_t)t->waiting);
}

static json_t *probe_identity(const fp_probe_identity *u, fp_product_kind kind) {
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:i, s:i}", "kind", fp_record_kinds[kind]->name, "index",
                     u->index, "model", u->model, "finetuned_on", u->finetuned_on, "probed_on", u->probed_on,
                     "seed", (json_int_t)u->seed, "step", u->step, "layer", u->layer);
}

static json_t *checkpoint_identity(const fp_checkpoint_row *c, size_t index) {
    return json_pack("{s:s, s:I, s:s, s:s, s:I, s:i}", "kind", "checkpoint", "index", (json_int_t)index,
                     "model", c->model, "finetuned_on", c->finetuned_on, "seed", (json_int_t)c->seed, "step",
                     c->step);
}

/* A message that was cut may end amid a character. */
static json_t *message(const char *text) {
    char *clean = fp_clean_text(text, strlen(text));
    json_t *string = json_string(clean ? clean : "");
    free(clean);
    return string;
}

static void add(json_t *list, json_t *object, const fp_provenance_row *row, int failed) {
    json_object_set_new(object, "rank", json_integer(row->rank));
    json_object_set_new(object, "host", json_string(row->host));
    if (failed) {
        json_object_set_new(object, "attempts", json_integer(row->attempts));
        json_object_set_new(object, "message", message(row->message));
    } else {
        json_object_set_new(object, "since", moment(row->started));
    }
    json_array_append_new(list, object);
}

static json_t *list_of(const fp_standing *s, fp_status status) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->layout.n_checkpoints; i++)
        if (s->checkpoints[i] == status)
            add(list, checkpoint_identity(&s->layout.checkpoints[i], i), &s->checkpoint_rows[i],
                status == FP_FAILED);
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        for (size_t i = 0; i < fp_layout_count(&s->layout, kind); i++)
            if (s->probes[kind][i] == status)
                add(list, probe_identity(fp_layout_identity(&s->layout, kind, i), kind),
                    &s->probe_rows[kind][i], status == FP_FAILED);
    return list;
}

void fp_status_print_json(const char *file, const fp_standing *s) {
    const fp_progress_row *p = &s->progress;
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:i, s:s, s:s, s:o, s:o, s:o, s:f, s:f, s:o, s:o, s:o, s:o}", "file", file,
                  "state", pulses[s->pulse], "session", (json_int_t)p->incarnation, "ranks", p->ranks, "host",
                  p->host, "job", p->job, "started", moment(p->started), "heartbeat", moment(p->heartbeat),
                  "expected_end", moment(p->expected_end), "work_done", p->work_done, "work_total",
                  p->work_total, "units", tally(&s->of_units), "checkpoints", tally(&s->of_checkpoints),
                  "running", list_of(s, FP_RUNNING), "failed", list_of(s, FP_FAILED));
    json_object_set_new(object, "updates_under_way", json_integer((json_int_t)p->updates));
    for (fp_product_kind kind = FP_CLASSIFIER; kind < FP_N_PRODUCTS; kind++) /* parts of the units */
        json_object_set_new(object, fp_record_kinds[kind]->table->name, tally(&s->of_probes[kind]));
    json_dumpf(object, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(object);
}
