#include "plan_text.h"

#include "command.h"
#include <stdio.h>
#include <string.h>

static void put_models(const fp_layout *l) {
    char parameters[32];
    printf("\n%-24s %6s %6s %6s %14s\n", "model", "layers", "hidden", "heads", "parameters");
    for (size_t i = 0; i < l->n_models; i++) {
        const fp_model_row *m = &l->models[i];
        printf("%-24s %6d %6d %6d %14s\n", m->name, m->layers, m->hidden, m->heads,
               fp_grouped((size_t)m->parameters, parameters));
    }
}

static void put_tasks(const fp_layout *l) {
    printf("\n%-24s %-8s %6s  %22s  %22s\n", "task", "kind", "labels", "train: sent./instances",
           "test: sent./instances");
    for (size_t i = 0; i < l->n_tasks; i++) {
        const fp_task_row *t = &l->tasks[i];
        printf("%-24s %-8s %6d  %9d / %10d  %9d / %10d\n", t->name, t->kind, t->labels, t->train_sentences,
               t->train_instances, t->test_sentences, t->test_instances);
    }
}

/* What is to be fetched before the sweep can be carried out. */
static void put_absent(const fp_grid *grid) {
    fp_problems absent = {0};
    fp_grid_note_absent(grid, &absent);
    if (absent.count)
        printf("\nPlanned by what the grid expects of files that are not there:\n");
    for (size_t i = 0; i < absent.count; i++)
        printf("  %s\n", absent.texts[i]);
    fp_problems_free(&absent);
}

/* What the models do not see as it stands in the data; silence would be a lie. */
static void put_cuts(const fp_layout *l) {
    size_t cut = 0, empty = 0;
    for (size_t i = 0; i < l->n_data; i++) {
        const fp_data_row *d = &l->data[i];
        cut += (size_t)d->cut_sentences;
        empty += (size_t)d->empty_words;
        if (d->cut_sentences)
            printf(
                "%s%s, %s, %s: %d of %d sentences are cut at the model's last position; %d words and %d "
                "instances fall away\n",
                cut == (size_t)d->cut_sentences ? "\n" : "", d->model, d->task, d->split, d->cut_sentences,
                d->sentences, d->cut_words, d->cut_instances);
    }
    if (!cut)
        printf("\nNo sentence is longer than a model's positions.\n");
    for (size_t i = 0; empty && i < l->n_data; i++)
        if (l->data[i].empty_words)
            printf("%s, %s, %s: the tokeniser leaves nothing of %d words; each counts as [UNK]\n",
                   l->data[i].model, l->data[i].task, l->data[i].split, l->data[i].empty_words);
}

static void put_work(const fp_outlook *o) {
    static const char *const names[FP_PIECE_KINDS] = {
        [FP_PIECE_FINETUNE] = "fine-tuning runs",  [FP_PIECE_EMBED] = "representations",
        [FP_PIECE_PROBE] = "units of DirectProbe", [FP_PIECE_CANDIDATES] = "parts of grid searches",
        [FP_PIECE_CLASSIFIER] = "classifiers",     [FP_PIECE_CONTROL] = "control tasks",
        [FP_PIECE_CODE] = "description lengths",   [FP_PIECE_MEMORISATION] = "memorisation"};
    fp_outlook_work sum = {0};
    printf("\n%-24s %10s %10s %12s %12s\n", "work", "all", "to do", "core-hours", "to do");
    for (int i = 0; i < FP_PIECE_KINDS; i++) {
        const fp_outlook_work *w = &o->work[i];
        if (i > FP_PIECE_PROBE && !w->all)
            continue;
        printf("%-24s %10zu %10zu %12.4g %12.4g\n", names[i], w->all, w->open, w->seconds / 3600,
               w->open_seconds / 3600);
        sum.seconds += w->seconds;
        sum.open_seconds += w->open_seconds;
    }
    printf("%-24s %10s %10s %12.4g %12.4g\n", "together", "", "", sum.seconds / 3600,
           sum.open_seconds / 3600);
    printf("%-24s %10zu %10zu\n", "checkpoints of runs", o->checkpoints, o->open_checkpoints);
    printf("%-24s %10zu %10zu\n", "updates", o->updates, o->open_updates);
}

static void put_needs(const fp_plan *plan, const fp_outlook *o) {
    char a[32], b[32], c[32], limit[32];
    static const char *const keeps[] = {
        [FP_KEEP_NONE] = "none", [FP_KEEP_LAST] = "last", [FP_KEEP_ALL] = "all"};
    printf("\nmemory       at most about %s a rank: fine-tuning %s, embedding %s, probing %s\n",
           fp_bytes(o->memory, a), fp_bytes(o->work[FP_PIECE_FINETUNE].memory, b),
           fp_bytes(o->work[FP_PIECE_EMBED].memory, c), fp_bytes(o->work[FP_PIECE_PROBE].memory, limit));
    printf(
        "scratch      %s: held to %s; all vectors to come %s, of one checkpoint and task at most %s;\n"
        "             a checkpoint under way %s\n",
        plan->grid->scratch, fp_bytes(plan->grid->scratch_limit, limit), fp_bytes(o->vectors, a),
        fp_bytes(o->largest_vectors, b), fp_bytes(plan->checkpoint_bytes, c));
    printf("checkpoints  %s: about %s stay (keep: %s)\n", plan->grid->checkpoints,
           fp_bytes(o->kept_checkpoints, a), keeps[plan->grid->keep]);
    printf("result       %s: about %s\n", plan->grid->output, fp_bytes(o->result, a));
}

/* Units and the like. */
static size_t count_units(const fp_plan *plan) {
    size_t n = 0;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        n += fp_layout_count(&plan->layout, kind);
    return n;
}

static void put_history(const fp_plan *plan, const fp_outlook *o) {
    if (!o->exists) {
        printf("             does not exist yet\n");
        return;
    }
    printf("             exists: %zu of %zu units are done and stay", o->units_kept, count_units(plan));
    if (o->units_changed)
        printf("; %zu are done but were made with another model, data or settings, and come again",
               o->units_changed);
    if (o->units_failed)
        printf("; %zu failed (--retry-failed tries again)", o->units_failed);
    if (o->units_gone)
        printf("; %zu are not wanted any more", o->units_gone);
    putchar('\n');
    for (size_t i = 0; i < o->changes.count; i++)
        printf("             %zu come again: %s\n", o->changes.of[i].units, o->changes.of[i].why);
}

static void put_times(const fp_forecast *forecasts, size_t n) {
    char time[32], bound[32], scratch[32];
    printf("\n%-8s %16s %16s %12s %14s\n", "ranks", "expected time", "no less than", "efficiency",
           "scratch, most");
    for (size_t i = 0; i < n; i++)
        printf("%-8ld %16s %16s %10.1f %% %14s\n", forecasts[i].ranks,
               fp_duration(forecasts[i].seconds, time), fp_duration(forecasts[i].bound, bound),
               100 * forecasts[i].efficiency, fp_bytes(forecasts[i].scratch, scratch));
}

/* Where the bound on scratch costs more than a twentieth of the time. */
static void put_scratch_advice(const fp_grid *grid, const fp_forecast *forecasts, size_t n) {
    char time[32], scratch[32], limit[32];
    const char *before = "\n";
    for (size_t i = 0; i < n; i++)
        if (forecasts[i].seconds > 1.05 * forecasts[i].endless_seconds) {
            printf("%sscratch_limit (%s) holds %ld ranks back: without it %s, with up to %s in scratch\n",
                   before, fp_bytes(grid->scratch_limit, limit), forecasts[i].ranks,
                   fp_duration(forecasts[i].endless_seconds, time),
                   fp_bytes(forecasts[i].endless_scratch, scratch));
            before = "";
        }
}

void fp_plan_print(const fp_plan *plan, const fp_outlook *outlook, const fp_forecast *forecasts, size_t n) {
    printf("%s\n", plan->grid->path);
    put_models(&plan->layout);
    put_tasks(&plan->layout);
    put_cuts(&plan->layout);
    put_absent(plan->grid);
    put_work(outlook);
    put_needs(plan, outlook);
    put_history(plan, outlook);
    put_times(forecasts, n);
    put_scratch_advice(plan->grid, forecasts, n);
}
