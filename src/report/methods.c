/* How the results came about, as text for an appendix. */
#include "report/report.h"

#include "report/paper.h"
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>

static void put_date(fp_text *out, double seconds) {
    char text[64];
    time_t whole = (time_t)seconds;
    struct tm utc;
    if (seconds > 0 && gmtime_r(&whole, &utc) && strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc))
        fp_text_add(out, text);
    else
        fp_text_add(out, "an unknown time");
}

static const char *value_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "unknown";
}

static void put_programs(const fp_report *report, fp_text *out) {
    json_t *how = json_loads(report->findings.standing.layout.provenance, 0, NULL);
    fp_text_print(out,
                  "## Programs and machine\n\n"
                  "%s (compiler %s) with %s, %s, OpenBLAS: %s; made on %s (%s), %s.\n\n",
                  value_of(how, "program"), value_of(how, "compiler"), value_of(how, "mpi"),
                  value_of(how, "hdf5"), value_of(how, "openblas"), value_of(how, "host"),
                  value_of(how, "cpu"), value_of(how, "date"));
    json_decref(how);
}

static void put_work(const fp_standing *s, fp_text *out) {
    double tuning = 0, probing = 0, memory = 0, first = INFINITY, last = 0;
    for (size_t i = 0; i < s->layout.n_checkpoints; i++)
        if (s->checkpoints[i] == FP_DONE && s->layout.checkpoints[i].run >= 0) {
            tuning += s->checkpoint_rows[i].seconds;
            memory = fmax(memory, s->checkpoint_rows[i].peak_memory);
            first = fmin(first, s->checkpoint_rows[i].started > 0 ? s->checkpoint_rows[i].started : INFINITY);
            last = fmax(last, s->checkpoint_rows[i].finished);
        }
    for (size_t i = 0; i < s->layout.n_units; i++)
        if (s->probes[FP_UNIT][i] == FP_DONE) {
            probing += s->probe_rows[FP_UNIT][i].seconds;
            memory = fmax(memory, s->probe_rows[FP_UNIT][i].peak_memory);
            first = fmin(first, s->probe_rows[FP_UNIT][i].started > 0 ? s->probe_rows[FP_UNIT][i].started
                                                                      : INFINITY);
            last = fmax(last, s->probe_rows[FP_UNIT][i].finished);
        }
    fp_text_print(out,
                  "The sweep has %zu units, of which %zu are finished and %zu failed. Its last session "
                  "(number %lld) ran on %d MPI "
                  "rank%s, led from %s. ",
                  s->of_units.all, s->of_units.done, s->of_units.failed, (long long)s->progress.incarnation,
                  s->progress.ranks, s->progress.ranks == 1 ? "" : "s",
                  s->progress.host[0] ? s->progress.host : "an unknown host");
    if (first < INFINITY) {
        fp_text_add(out, "Results were computed from ");
        put_date(out, first);
        fp_text_add(out, " to ");
        put_date(out, last);
        fp_text_print(
            out,
            ": fine-tuning took %.0f s, probing %.0f s of computing; the largest piece of work used %.0f MB.",
            tuning, probing, memory / 1e6);
    }
    fp_text_add(out, "\n\n");
}

static void put_data(const fp_layout *l, fp_text *out) {
    fp_text_add(out, "## Models and tasks\n\n");
    for (size_t i = 0; i < l->n_models; i++) {
        const fp_model_row *m = &l->models[i];
        fp_text_print(out, "- Model %s: %d layers, width %d, %d heads, %lld parameters, %s; digest %s\n",
                      m->name, m->layers, m->hidden, m->heads, (long long)m->parameters,
                      m->folder[0] ? m->folder : "random weights", m->digest);
    }
    for (size_t i = 0; i < l->n_tasks; i++) {
        const fp_task_row *t = &l->tasks[i];
        fp_text_print(out,
                      "- Task %s (%s, reader %s): %d labels; training set %d instances in %d sentences, test "
                      "set %d in %d; "
                      "digest %s\n",
                      t->name, t->kind, t->reader, t->labels, t->train_instances, t->train_sentences,
                      t->test_instances, t->test_sentences, t->digest);
    }
    fp_text_add(out, "\n");
}

static void put_tuning(const fp_layout *l, fp_text *out) {
    fp_text_add(out,
                "## Fine-tuning\n\n"
                "Every model was fine-tuned on every task with one linear layer on the instance's vector and "
                "cross-entropy, all "
                "parameters trained, with AdamW; the learning rate rises over the warm-up and falls to 0 in "
                "a straight line.\n\n");
    for (size_t i = 0; i < l->n_runs; i++) {
        const fp_run_row *r = &l->runs[i];
        fp_text_print(out,
                      "- %s on %s (%s), seed %lld: %d updates of %d sentences, learning rate %g, warm-up %g, "
                      "weight decay %g\n",
                      r->model, r->task, r->objective, (long long)r->seed, r->updates, r->batch,
                      r->learning_rate, r->warmup, r->weight_decay);
    }
    fp_text_add(out, "\n");
}

static const char probing_text[] =
    "## Probing\n\n"
    "DirectProbe (Zhou and Srikumar, 2021) starts from one cluster a point and merges the closest two "
    "clusters of one label as long as "
    "the convex hull of the union stays apart from every cluster of another label. As many clusters as "
    "labels means that the labels are "
    "linearly separable. The distance of two labels is the mean over their pairs of clusters of the distance "
    "between the hulls; the "
    "minimum distance of a label is that to the nearest other one; the spatial similarity of two "
    "representations, or of training and "
    "test set, is Pearson's correlation of their label distances, defined where both are linearly separable. "
    "Layer 0 is the embeddings; "
    "the top layer is the highest one probed. Before: the original model; after: the last update of the "
    "run.\n\n";

void fp_report_methods(const fp_report *report, fp_text *out) {
    const fp_standing *s = &report->findings.standing;
    fp_text_print(out, "# How these results were made\n\nResult file: %s\n\n", report->findings.path);
    put_work(s, out);
    put_programs(report, out);
    put_data(&s->layout, out);
    put_tuning(&s->layout, out);
    fp_text_add(out, probing_text);
    fp_text_print(out,
                  "## Selections and verdicts\n\n- Labels in figures over updates: %s\n- The closest labels: "
                  "%s\n- Related tasks: %s\n- %s\n\n",
                  fp_growth_rule, fp_closest_rule, fp_relation_rule, fp_verdict_rule);
    fp_text_print(out,
                  "## References\n\n- %s\n- Yichu Zhou and Vivek Srikumar. DirectProbe: Studying "
                  "Representations without Classifiers. "
                  "NAACL 2021, pages 5070\xE2\x80\x93"
                  "5083.\n\n",
                  fp_paper_citation);
    fp_text_print(out, "## The grid\n\n```yaml\n%s%s```\n", s->layout.grid,
                  s->layout.grid[0] && s->layout.grid[strlen(s->layout.grid) - 1] != '\n' ? "\n" : "");
}
