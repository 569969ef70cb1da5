#include "plan_text.h"

#include <jansson.h>
#include <stdio.h>

/* A row of the result file's tables as an object. */
static json_t *row_object(const fp_table *table, const char *row) {
    json_t *object = json_object();
    for (size_t i = 0; i < table->n_fields; i++) {
        const fp_field *f = &table->fields[i];
        const void *at = row + f->offset;
        json_t *value = f->type == FP_FIELD_I32   ? json_integer(*(const int32_t *)at)
                        : f->type == FP_FIELD_U32 ? json_integer(*(const uint32_t *)at)
                        : f->type == FP_FIELD_I64 ? json_integer(*(const int64_t *)at)
                        : f->type == FP_FIELD_F64 ? json_real(*(const double *)at)
                                                  : json_string(at);
        json_object_set_new(object, f->name, value ? value : json_null()); /* NaN, not UTF-8 */
    }
    return object;
}

static json_t *rows(const fp_table *table, const void *of, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, row_object(table, (const char *)of + i * table->row_size));
    return list;
}

static json_t *work(const fp_outlook_work *w) {
    return json_pack("{s:I, s:I, s:f, s:f, s:f}", "all", (json_int_t)w->all, "open", (json_int_t)w->open,
                     "seconds", w->seconds, "open_seconds", w->open_seconds, "memory_bytes", w->memory);
}

static json_t *times(const fp_forecast *forecasts, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const fp_forecast *f = &forecasts[i];
        json_array_append_new(list, json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "ranks",
                                              (json_int_t)f->ranks, "seconds", f->seconds, "bound_seconds",
                                              f->bound, "efficiency", f->efficiency, "scratch_bytes",
                                              f->scratch, "seconds_with_endless_scratch", f->endless_seconds,
                                              "endless_scratch_bytes", f->endless_scratch));
    }
    return list;
}

static void put(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

void fp_plan_print_json(const fp_plan *plan, const fp_outlook *o, const fp_forecast *forecasts, size_t n) {
    const fp_layout *l = &plan->layout;
    json_t *all = json_object();
    put(all, "grid", json_string(plan->grid->path));
    put(all, "output", json_string(plan->grid->output));
    fp_problems absent = {0};
    fp_grid_note_absent(plan->grid, &absent);
    json_t *list = json_array();
    for (size_t i = 0; i < absent.count; i++)
        json_array_append_new(list, json_string(absent.texts[i]));
    fp_problems_free(&absent);
    put(all, "to_fetch", list);
    put(all, "exists", json_boolean(o->exists));
    put(all, "models", rows(&fp_table_models, l->models, l->n_models));
    put(all, "tasks", rows(&fp_table_tasks, l->tasks, l->n_tasks));
    put(all, "data", rows(&fp_table_data, l->data, l->n_data));
    put(all, "runs", work(&o->work[FP_PIECE_FINETUNE]));
    put(all, "representations", work(&o->work[FP_PIECE_EMBED]));
    put(all, "units", work(&o->work[FP_PIECE_PROBE]));
    put(all, "grid_searches", work(&o->work[FP_PIECE_CANDIDATES]));
    put(all, "classifiers", work(&o->work[FP_PIECE_CLASSIFIER]));
    put(all, "controls", work(&o->work[FP_PIECE_CONTROL]));
    put(all, "codes", work(&o->work[FP_PIECE_CODE]));
    put(all, "memorisations", work(&o->work[FP_PIECE_MEMORISATION]));
    put(all, "checkpoints", json_integer((json_int_t)o->checkpoints));
    put(all, "open_checkpoints", json_integer((json_int_t)o->open_checkpoints));
    put(all, "updates", json_integer((json_int_t)o->updates));
    put(all, "open_updates", json_integer((json_int_t)o->open_updates));
    put(all, "units_kept", json_integer((json_int_t)o->units_kept));
    put(all, "units_changed", json_integer((json_int_t)o->units_changed));
    json_t *why = json_array();
    for (size_t i = 0; i < o->changes.count; i++)
        json_array_append_new(why, json_pack("{s:s, s:I}", "why", o->changes.of[i].why, "units",
                                             (json_int_t)o->changes.of[i].units));
    put(all, "changes", why);
    put(all, "units_failed", json_integer((json_int_t)o->units_failed));
    put(all, "units_gone", json_integer((json_int_t)o->units_gone));
    put(all, "threads", json_integer(plan->grid->threads));
    put(all, "useful_ranks", json_integer(fp_outlook_useful_ranks(o)));
    put(all, "memory_bytes", json_real(o->memory));
    put(all, "rank_memory_bytes", json_real(o->memory + FP_RANK_MEMORY));
    put(all, "vectors_bytes", json_real(o->vectors));
    put(all, "checkpoint_bytes", json_real(plan->checkpoint_bytes));
    put(all, "kept_checkpoints_bytes", json_real(o->kept_checkpoints));
    put(all, "scratch_limit_bytes", json_real(plan->grid->scratch_limit));
    put(all, "result_bytes", json_real(o->result));
    put(all, "longest_seconds", json_real(o->longest));
    put(all, "times", times(forecasts, n));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}
