/* Tables of states: the paper's table 7, clusters, runs, and what is not as it should be. */
#include "fineprobe/memory.h"
#include "report/tables.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "linear", or over several seeds "linear in 2 of 3"; empty: nothing is finished. */
static void put_state(fp_sheet *sheet, const fp_report *report, const fp_course *c, size_t step,
                      size_t layer) {
    size_t n = 0, linear = 0, seeds = step == 0 && fp_course_original(c) == 0 ? 1 : c->n_seeds;
    const char *state = "";
    for (size_t s = 0; s < seeds; s++) {
        const fp_numbers *u = fp_course_at(&report->findings, c, s, step, layer);
        if (!u)
            continue;
        state = u->row->train.state;
        linear += strcmp(state, "linear") == 0;
        n++;
    }
    if (n > 1)
        fp_sheet_print(sheet, "linear in %zu of %zu", linear, n);
    else
        fp_sheet_text(sheet, state);
}

/* ---- table 7 ---- */

/* Mean accuracy of the runs' own heads at the end. */
static double head_accuracy(const fp_findings *r, const fp_course *c) {
    double sum = 0, n = 0;
    for (size_t s = 0; s < c->n_seeds; s++) {
        double x = fp_head_accuracy(r, c->runs[s], c->updates);
        if (!isnan(x)) {
            sum += x;
            n++;
        }
    }
    return n > 0 ? sum / n : NAN;
}

static void put_accuracy(fp_sheet *sheet, const fp_report *report, const fp_course *c, size_t step) {
    size_t top = c->n_layers - 1;
    fp_value accuracy = fp_course_accuracy(&report->findings, c, step, top);
    const fp_accuracy *first = fp_course_accuracy_at(&report->findings, c, 0, step, top);
    double deviation = accuracy.deviation;
    if (c->n_seeds == 1 || c->steps[step] == 0)
        deviation = first ? first->deviation : NAN;
    fp_sheet_number(sheet, accuracy.mean);
    fp_sheet_number(sheet, deviation);
    if (first)
        fp_put_hidden(sheet, first->hidden[0], first->hidden[1]);
    else
        fp_sheet_text(sheet, "");
}

static void put_probing(fp_sheet *sheet, const fp_report *report, const fp_course *c, size_t step,
                        const char *representation) {
    const fp_findings *r = &report->findings;
    size_t top = c->n_layers - 1;
    const fp_numbers *u = fp_course_at(r, c, 0, step, top);
    const fp_accuracy *a = fp_course_accuracy_at(r, c, 0, step, top);
    fp_put_names(sheet, report, c);
    fp_sheet_text(sheet, representation);
    put_accuracy(sheet, report, c, step);
    fp_sheet_number(sheet, fp_course_value(r, c, step, top, fp_quantity_clusters, 0).mean);
    fp_sheet_number(sheet, u ? u->row->train.labels_present : a ? a->labels : NAN);
    put_state(sheet, report, c, step, top);
    fp_sheet_number(sheet, fp_course_value(r, c, step, top, fp_quantity_train_test, 0).mean);
    fp_sheet_number(sheet, step == 0 ? NAN : head_accuracy(r, c));
}

int fp_make_probing(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},
        {"task", "task", FP_SHOWN_TEXT},
        {"representation", "representation", FP_SHOWN_TEXT},
        {"accuracy", "accuracy %", FP_SHOWN_PERCENT_2},
        {"accuracy_deviation", "deviation %", FP_SHOWN_PERCENT_2},
        {"hidden", "hidden sizes", FP_SHOWN_TEXT},
        {"clusters", "clusters", FP_SHOWN_COUNT},
        {"labels", "labels", FP_SHOWN_COUNT},
        {"state", "training set", FP_SHOWN_TEXT},
        {"train_test_similarity", "train-test similarity", FP_SHOWN_FIXED_2},
        {"head_accuracy", "own head %", FP_SHOWN_PERCENT_2},
    };
    fp_sheet_begin(
        out, "probing", "Probing before and after fine-tuning, top layer (the paper's table 7)",
        "Means over fine-tuning seeds; hidden sizes of the first seed. "
        "Accuracy, its deviation over initialisations (over seeds where there are several) and hidden sizes: "
        "of the classifier probe on the test set. Clusters: DirectProbe on the training set; as many as "
        "labels, and linear, when the labels are linearly separable. Similarity: Pearson's correlation of "
        "the label distances of training and test set, where both are linear. Own head: test accuracy of "
        "the fine-tuned model's own classification layer, which is not a probe.",
        FP_COLUMNS(columns));
    for (size_t i = 0; i < report->findings.n_own; i++) {
        const fp_course *c = &report->findings.courses[i];
        if (!fp_is_wanted(c, only) || c->n_units + c->n_classifiers == 0)
            continue;
        if (fp_course_original(c) >= 0)
            put_probing(out, report, c, 0, "original");
        if (fp_course_last(c) > 0)
            put_probing(out, report, c, (size_t)fp_course_last(c), "fine-tuned");
    }
    return fp_sheet_check(out, error);
}

/* ---- linearity ---- */

int fp_make_linearity(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},
        {"task", "task", FP_SHOWN_TEXT},
        {"layer", "layer", FP_SHOWN_COUNT},
        {"labels", "labels", FP_SHOWN_COUNT},
        {"clusters_before", "clusters before", FP_SHOWN_COUNT},
        {"clusters_after", "after", FP_SHOWN_COUNT},
        {"state_before", "before", FP_SHOWN_TEXT},
        {"state_after", "after", FP_SHOWN_TEXT},
    };
    fp_sheet_begin(out, "linearity", "Clusters before and after fine-tuning, by layer",
                   "Training set; mean over seeds. Layer 0 is the embeddings.", FP_COLUMNS(columns));
    for (size_t i = 0; i < report->findings.n_own; i++) {
        const fp_course *c = &report->findings.courses[i];
        int original = fp_course_original(c);
        for (size_t layer = 0; fp_is_wanted(c, only) && c->n_units && layer < c->n_layers; layer++) {
            const fp_numbers *u = NULL;
            fp_put_names(out, report, c);
            fp_sheet_number(out, c->layers[layer]);
            for (size_t s = 0; s < c->n_steps && !u; s++)
                u = fp_course_at(&report->findings, c, 0, s, layer);
            fp_sheet_number(out, u ? u->row->train.labels_present : NAN);
            const int ends[2] = {original, fp_tuned_step(c)};
            for (int e = 0; e < 2; e++)
                fp_sheet_number(out, ends[e] < 0 ? NAN
                                                 : fp_course_value(&report->findings, c, (size_t)ends[e],
                                                                   layer, fp_quantity_clusters, 0)
                                                       .mean);
            for (int e = 0; e < 2; e++)
                if (ends[e] < 0)
                    fp_sheet_text(out, "");
                else
                    put_state(out, report, c, (size_t)ends[e], layer);
        }
    }
    return fp_sheet_check(out, error);
}

/* ---- runs ---- */

static double final_loss(const fp_findings *r, const fp_run_row *run) {
    int32_t n = run->updates < 20 ? run->updates : 20;
    double sum = 0;
    for (int32_t u = run->updates - n; u < run->updates; u++)
        sum += r->losses[run->losses_at + u];
    return n ? sum / n : NAN;
}

int fp_make_runs(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},
        {"task", "task", FP_SHOWN_TEXT},
        {"objective", "objective", FP_SHOWN_TEXT},
        {"seed", "seed", FP_SHOWN_COUNT},
        {"updates", "updates", FP_SHOWN_COUNT},
        {"batch", "batch, sentences", FP_SHOWN_COUNT},
        {"learning_rate", "learning rate", FP_SHOWN_SHORT},
        {"final_loss", "training loss, nats", FP_SHOWN_FIXED_3},
        {"majority_accuracy", "majority %", FP_SHOWN_PERCENT_2},
        {"head_accuracy", "own head %", FP_SHOWN_PERCENT_2},
    };
    const fp_findings *r = &report->findings;
    const fp_layout *l = &r->standing.layout;
    fp_sheet_begin(out, "runs", "Fine-tuning runs",
                   "A row a seed. Training loss: mean over the last 20 updates. Own head: test accuracy of "
                   "the fine-tuned model's own classification layer; majority: of always answering the most "
                   "frequent label.",
                   FP_COLUMNS(columns));
    for (size_t i = 0; i < r->n_own; i++)
        for (size_t s = 0; fp_is_wanted(&r->courses[i], only) && s < r->courses[i].n_seeds; s++) {
            const fp_course *c = &r->courses[i];
            if (c->runs[s] < 0)
                continue;
            const fp_run_row *run = &l->runs[c->runs[s]];
            fp_put_names(out, report, c);
            fp_sheet_text(out, run->objective);
            fp_sheet_number(out, (double)run->seed);
            fp_sheet_number(out, run->updates);
            fp_sheet_number(out, run->batch);
            fp_sheet_number(out, run->learning_rate);
            fp_sheet_number(out, final_loss(r, run));
            fp_sheet_number(out, l->tasks[c->probed].majority_accuracy);
            fp_sheet_number(out, fp_head_accuracy(r, c->runs[s], c->updates));
        }
    return fp_sheet_check(out, error);
}

/* ---- states other than fine ---- */

/* Distances count as not converged above this relative duality gap. */
static const double wide_gap = 1e-3;

/* What is to be said of a finished unit's split; "": it is fine. */
static const char *trouble(const fp_probe_columns *split) {
    if (split->largest_gap > wide_gap)
        return "distances not converged";
    return strcmp(split->state, "linear") == 0 ? "" : split->state;
}

static const char *split_trouble(const fp_findings *r, const fp_course *c, size_t seed, size_t step,
                                 size_t layer, int test) {
    const fp_numbers *u = fp_course_at(r, c, seed, step, layer);
    return u ? trouble(test ? &u->row->test : &u->row->train) : "";
}

/* The steps at which STATE is met, as "0, 20, 60 and 8 more". */
static void put_steps(fp_sheet *sheet, const fp_findings *r, const fp_course *c, size_t layer, int test,
                      const char *state) {
    fp_text text = {0};
    size_t n = 0, units = 0;
    for (size_t step = 0; step < c->n_steps; step++) {
        size_t found = 0, seeds = c->steps[step] == 0 ? 1 : c->n_seeds;
        for (size_t s = 0; s < seeds; s++)
            found += strcmp(split_trouble(r, c, s, step, layer, test), state) == 0;
        units += found;
        if (found && n++ < 6)
            fp_text_print(&text, "%s%d", n > 1 ? ", " : "", c->steps[step]);
    }
    if (n > 6)
        fp_text_print(&text, " and %zu more", n - 6);
    fp_sheet_number(sheet, (double)units);
    fp_sheet_text(sheet, text.bytes ? text.bytes : "");
    sheet->failed |= text.failed;
    fp_text_free(&text);
}

static void put_course_states(fp_sheet *sheet, const fp_report *report, const fp_course *c) {
    static const char *const states[] = {"not linear", "undecided", "one label", "distances not converged"};
    const fp_layout *l = &report->findings.standing.layout;
    for (size_t k = 0; k < sizeof states / sizeof *states; k++)
        for (size_t layer = 0; layer < c->n_layers; layer++)
            for (int test = 0; test < 2; test++) {
                size_t found = 0;
                for (size_t step = 0; step < c->n_steps; step++)
                    for (size_t s = 0; s < c->n_seeds; s++)
                        found +=
                            strcmp(split_trouble(&report->findings, c, s, step, layer, test), states[k]) == 0;
                if (!found)
                    continue;
                fp_sheet_text(sheet, l->models[c->model].name);
                fp_sheet_text(sheet, l->tasks[c->tuned].name);
                fp_sheet_text(sheet, l->tasks[c->probed].name);
                fp_sheet_text(sheet, states[k]);
                fp_sheet_number(sheet, c->layers[layer]);
                fp_sheet_text(sheet, test ? "test" : "training");
                put_steps(sheet, &report->findings, c, layer, test, states[k]);
                fp_sheet_text(sheet, "");
            }
}

static void put_failure(fp_sheet *sheet, const char *model, const char *tuned, const char *probed,
                        double layer, int32_t step, const char *message) {
    fp_sheet_text(sheet, model);
    fp_sheet_text(sheet, tuned);
    fp_sheet_text(sheet, probed);
    fp_sheet_text(sheet, "failed");
    fp_sheet_number(sheet, layer);
    fp_sheet_text(sheet, "");
    fp_sheet_number(sheet, 1);
    fp_sheet_print(sheet, "%d", step);
    fp_sheet_text(sheet, message[0] ? message : "(no message)");
}

static void put_failures(fp_sheet *sheet, const fp_findings *r, const fp_course *only) {
    const fp_standing *s = &r->standing;
    const char *model = only ? s->layout.models[only->model].name : NULL;
    const char *task = only ? s->layout.tasks[only->probed].name : NULL;
    for (size_t i = 0; i < s->layout.n_checkpoints; i++) {
        const fp_checkpoint_row *row = &s->layout.checkpoints[i];
        if (s->checkpoints[i] == FP_FAILED &&
            (!only || (strcmp(row->model, model) == 0 && strcmp(row->finetuned_on, task) == 0)))
            put_failure(sheet, row->model, row->finetuned_on, "", NAN, row->step,
                        s->checkpoint_rows[i].message);
    }
    for (size_t i = 0; i < s->layout.n_units; i++) {
        const fp_unit_row *row = &s->layout.units[i];
        if (s->probes[FP_UNIT][i] == FP_FAILED &&
            (!only || (strcmp(row->model, model) == 0 && strcmp(row->probed_on, task) == 0)))
            put_failure(sheet, row->model, row->finetuned_on, row->probed_on, row->layer, row->step,
                        s->probe_rows[FP_UNIT][i].message);
    }
}

int fp_make_states(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},         {"finetuned_on", "fine-tuned on", FP_SHOWN_TEXT},
        {"probed_on", "probed on", FP_SHOWN_TEXT}, {"state", "state", FP_SHOWN_TEXT},
        {"layer", "layer", FP_SHOWN_COUNT},        {"set", "set", FP_SHOWN_TEXT},
        {"units", "units", FP_SHOWN_COUNT},        {"steps", "steps", FP_SHOWN_TEXT},
        {"message", "message", FP_SHOWN_TEXT},
    };
    fp_sheet_begin(
        out, "states", "States other than linear, and what failed",
        "Not linear: the hulls of some labels meet, and the set has more clusters than labels. Distances not "
        "converged: a relative duality gap above 0.001, where hulls nearly touch. Step 0 is the original. "
        "Units are counted over all seeds.",
        FP_COLUMNS(columns));
    for (size_t i = 0; i < report->findings.n_courses; i++)
        if (fp_is_wanted(&report->findings.courses[i], only))
            put_course_states(out, report, &report->findings.courses[i]);
    put_failures(out, &report->findings, only);
    return fp_sheet_check(out, error);
}
