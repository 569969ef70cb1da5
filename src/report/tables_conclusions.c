/* Tables of conclusions, of the paper's figures beside the sweep's, and of what the sweep lacks. */
#include "report/paper.h"
#include "report/tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- conclusions ---- */

int fp_make_conclusions(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"conclusion", "", FP_SHOWN_TEXT},
        {"statement", "statement", FP_SHOWN_TEXT},
        {"verdict", "verdict", FP_SHOWN_TEXT},
        {"measure", "measured", FP_SHOWN_TEXT},
        {"part_verdict", "of this part", FP_SHOWN_TEXT},
        {"held", "hold", FP_SHOWN_COUNT},
        {"cases", "of cases", FP_SHOWN_COUNT},
        {"effect", "effect", FP_SHOWN_SHORT},
        {"low", "95 % from", FP_SHOWN_SHORT},
        {"high", "to", FP_SHOWN_SHORT},
        {"over", "over", FP_SHOWN_TEXT},
        {"effect_is", "the effect is", FP_SHOWN_TEXT},
        {"rule", "rule of a case", FP_SHOWN_TEXT},
    };
    (void)only;
    fp_sheet_begin(out, "conclusions", "The paper's conclusions, tested on this sweep", fp_verdict_rule,
                   FP_COLUMNS(columns));
    for (size_t i = 0; i < FP_N_CONCLUSIONS; i++)
        for (size_t p = 0; p < report->conclusions[i].n_parts; p++) {
            const fp_conclusion *c = &report->conclusions[i];
            const fp_part *part = &c->parts[p];
            fp_sheet_print(out, "%c", c->letter);
            fp_sheet_text(out, c->statement);
            fp_sheet_text(out, fp_verdict_text(c->verdict));
            fp_sheet_text(out, part->measure);
            fp_sheet_text(out, fp_verdict_text(part->verdict));
            fp_sheet_number(out, (double)part->held);
            fp_sheet_number(out, (double)part->n_cases);
            fp_sheet_number(out, part->effect);
            fp_sheet_number(out, part->low);
            fp_sheet_number(out, part->high);
            fp_sheet_text(out, part->over);
            fp_sheet_text(out, part->effect_is);
            fp_sheet_text(out, part->rule);
        }
    return fp_sheet_check(out, error);
}

int fp_make_cases(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"conclusion", "", FP_SHOWN_TEXT}, {"measure", "measured", FP_SHOWN_TEXT},
        {"case", "case", FP_SHOWN_TEXT},   {"value", "value", FP_SHOWN_SHORT},
        {"unit", "unit", FP_SHOWN_TEXT},   {"holds", "holds", FP_SHOWN_TEXT},
    };
    (void)only;
    fp_sheet_begin(out, "cases", "The cases behind every verdict",
                   "Values are means over seeds; the original is the same for all of them.",
                   FP_COLUMNS(columns));
    for (size_t i = 0; i < FP_N_CONCLUSIONS; i++)
        for (size_t p = 0; p < report->conclusions[i].n_parts; p++) {
            const fp_part *part = &report->conclusions[i].parts[p];
            for (size_t k = 0; k < part->n_cases; k++) {
                fp_sheet_print(out, "%c", report->conclusions[i].letter);
                fp_sheet_text(out, part->measure);
                fp_sheet_text(out, part->cases[k].name);
                fp_sheet_number(out, part->cases[k].value);
                fp_sheet_text(out, part->unit);
                fp_sheet_text(out, part->cases[k].holds ? "yes" : "no");
            }
        }
    return fp_sheet_check(out, error);
}

/* ---- the paper's figures ---- */

static void put_quantity(fp_sheet *sheet, const fp_report *report, const fp_course *c,
                         const char *representation, const char *quantity, double here, double paper) {
    const fp_layout *l = &report->findings.standing.layout;
    fp_sheet_text(sheet, l->models[c->model].name);
    fp_sheet_text(sheet, fp_paper_model_of(&l->models[c->model]));
    fp_sheet_text(sheet, l->tasks[c->probed].name);
    fp_sheet_text(sheet, representation);
    fp_sheet_text(sheet, quantity);
    fp_sheet_number(sheet, here);
    fp_sheet_number(sheet, paper);
    fp_sheet_number(sheet, here - paper);
}

static void put_table7(fp_sheet *sheet, const fp_report *report, const fp_course *c) {
    const fp_layout *l = &report->findings.standing.layout;
    const int steps[2] = {fp_course_original(c), fp_tuned_step(c)};
    for (int tuned = 0; tuned < 2; tuned++) {
        const fp_paper_probing *row =
            fp_paper_probing_of(fp_paper_model_of(&l->models[c->model]), l->tasks[c->probed].name, tuned);
        const char *name = tuned ? "fine-tuned" : "original";
        if (!row)
            continue;
        put_quantity(sheet, report, c, name, "accuracy, %",
                     100 * fp_accuracy_at(report, c, steps[tuned], c->n_layers - 1), row->accuracy);
        put_quantity(sheet, report, c, name, "clusters",
                     fp_value_at(report, c, steps[tuned], c->n_layers - 1, fp_quantity_clusters, 0),
                     row->clusters);
        put_quantity(sheet, report, c, name, "train-test similarity",
                     fp_value_at(report, c, steps[tuned], c->n_layers - 1, fp_quantity_train_test, 0),
                     row->train_test_similarity);
    }
}

static void put_table5(fp_sheet *sheet, const fp_report *report, const fp_course *c) {
    const fp_layout *l = &report->findings.standing.layout;
    const fp_paper_cross *row = fp_paper_cross_of(fp_paper_model_of(&l->models[c->model]),
                                                  l->tasks[c->tuned].name, l->tasks[c->probed].name);
    char name[FP_NAME + 24];
    if (!row)
        return;
    fp_changes changes = fp_changes_of(report, c);
    snprintf(name, sizeof name, "fine-tuned on %s", l->tasks[c->tuned].name);
    put_quantity(sheet, report, c, name, "labels whose minimum distance rises", changes.risen, row->risen);
    put_quantity(sheet, report, c, name, "labels whose minimum distance falls", changes.fallen, row->fallen);
    put_quantity(sheet, report, c, name, "mean change of the minimum distances", changes.mean, row->change);
}

int fp_make_paper(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},       {"paper_model", "paper's", FP_SHOWN_TEXT},
        {"task", "task", FP_SHOWN_TEXT},         {"representation", "representation", FP_SHOWN_TEXT},
        {"quantity", "quantity", FP_SHOWN_TEXT}, {"here", "here", FP_SHOWN_SHORT},
        {"paper", "paper", FP_SHOWN_SHORT},      {"difference", "difference", FP_SHOWN_SHORT},
    };
    fp_sheet_begin(
        out, "paper", "Beside the paper's published figures (tables 7 and 5)",
        "Here: means over seeds. A model is matched by its shape (layers, width, heads), a task by its name. "
        "Whether the weights are "
        "those that the paper used cannot be seen from a result file; the paper used the published "
        "English uncased models.",
        FP_COLUMNS(columns));
    for (size_t i = 0; report->options->compare && i < report->findings.n_courses; i++) {
        const fp_course *c = &report->findings.courses[i];
        if ((only && only != c) || c->n_layers == 0)
            continue;
        if (i < report->findings.n_own)
            put_table7(out, report, c);
        put_table5(out, report, c);
    }
    return fp_sheet_check(out, error);
}

/* ---- what is missing ---- */

typedef struct fp_lack {
    size_t originals, ends, dynamics, layers, similarity, accuracy,
        memorisation; /* own courses that lack it */
} fp_lack;

static int is_defined_anywhere(const fp_findings *r, const fp_course *c, fp_quantity *quantity) {
    for (size_t step = 1; step < c->n_steps; step++)
        for (size_t layer = 0; layer < c->n_layers; layer++)
            if (!isnan(fp_course_value(r, c, step, layer, quantity, 0).mean))
                return 1;
    return 0;
}

static int has_accuracy(const fp_findings *r, const fp_course *c) {
    for (size_t step = 1; step < c->n_steps; step++)
        for (size_t layer = 0; layer < c->n_layers; layer++)
            if (fp_course_accuracy(r, c, step, layer).n)
                return 1;
    return 0;
}

static fp_lack find_lack(const fp_findings *r) {
    fp_lack lack = {0};
    for (size_t i = 0; i < r->n_own; i++) {
        const fp_course *c = &r->courses[i];
        int ends = fp_course_original(c) == 0 && fp_course_last(c) > 0;
        lack.originals += fp_course_original(c) < 0;
        lack.ends += fp_course_last(c) <= 0;
        lack.dynamics += c->n_steps < 3;
        lack.layers += c->n_layers < 2;
        lack.similarity += ends && !is_defined_anywhere(r, c, fp_quantity_similarity);
        lack.memorisation += fp_findings_probe_layer(r, FP_MEMORISATION, c) < 0;
        lack.accuracy += !has_accuracy(r, c);
    }
    return lack;
}

static void put_lack(fp_sheet *sheet, const fp_findings *r, size_t n, const char *what, const char *why,
                     const char *grid) {
    if (!n)
        return;
    fp_sheet_text(sheet, what);
    if (n < r->n_own)
        fp_sheet_print(sheet, "%s, for %zu of %zu models and tasks", why, n, r->n_own);
    else
        fp_sheet_text(sheet, why);
    fp_sheet_text(sheet, grid);
}

/* An example of a pair from the grid's own tasks. */
static void put_pair_lack(fp_sheet *sheet, const fp_findings *r) {
    const fp_layout *l = &r->standing.layout;
    if (r->n_courses > r->n_own)
        return;
    fp_sheet_text(sheet, "Cross-task table (6); conclusion f");
    fp_sheet_text(sheet, l->n_tasks > 1 ? "no pair of tasks is probed across"
                                        : "the sweep has one task; pairs need two");
    fp_sheet_print(sheet, "cross_task: [{finetune: %s, probe: %s}]",
                   l->n_tasks > 1 ? l->tasks[0].name : "TASK", l->n_tasks > 1 ? l->tasks[1].name : "OTHER");
}

static void put_unfinished(fp_sheet *sheet, const fp_standing *s) {
    size_t waiting = s->of_units.waiting + s->of_units.running;
    if (waiting) {
        fp_sheet_print(sheet, "%zu of %zu units", waiting, s->of_units.all);
        fp_sheet_text(sheet, "not finished yet");
        fp_sheet_text(sheet, "(in the grid; fineprobe run goes on)");
    }
    if (s->of_units.failed || s->of_checkpoints.failed) {
        fp_sheet_print(sheet, "%zu units, %zu checkpoints", s->of_units.failed, s->of_checkpoints.failed);
        fp_sheet_text(sheet, "failed");
        fp_sheet_text(sheet, "(in the grid; fineprobe run --retry-failed tries again)");
    }
}

/* What is only there, or missed, with DirectProbe. */
static void put_geometry_lack(fp_sheet *sheet, const fp_report *report, const fp_lack *lack) {
    const fp_findings *r = &report->findings;
    if (r->standing.layout.n_units == 0) {
        put_lack(sheet, r, r->n_own,
                 "Clusters, distances, similarity, movement (1, 3-9); all conclusions but b, and f but for "
                 "accuracy",
                 "DirectProbe is not in this sweep", "probes: {directprobe: {}, classifier: {}}");
        return;
    }
    put_lack(sheet, r, lack->dynamics, "Dynamics (4, 5, 8); conclusion h",
             "no step between the first and the last is probed", "checkpoints: {every: 25}");
    put_lack(sheet, r, lack->layers, "Layers against each other (7, 9); conclusions g, h, i",
             "one layer is probed", "layers: all");
    put_lack(sheet, r, lack->similarity, "Similarity to the original (8); conclusion h",
             "not defined: no layer is linear before and after",
             "(a larger model, or a task with fewer instances)");
    if (report->conclusions[2].verdict == FP_UNTESTABLE)
        put_lack(sheet, r, r->n_own, "Conclusion c", "models of one size only",
                 "models: two or more, of different sizes");
}

static int is_probed(const fp_layout *l) {
    size_t probes = 0;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        probes += fp_layout_count(l, kind);
    return probes > 0;
}

int fp_make_missing(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"what", "what", FP_SHOWN_TEXT},
        {"why", "why it is missing", FP_SHOWN_TEXT},
        {"grid", "grid lines that would add it", FP_SHOWN_TEXT},
    };
    const fp_findings *r = &report->findings;
    (void)only;
    fp_sheet_begin(out, "missing", "What this sweep does not have",
                   "Numbers in brackets: the paper's items as listed at the top of the page.",
                   FP_COLUMNS(columns));
    fp_lack lack = find_lack(r);
    put_unfinished(out, &r->standing);
    put_lack(out, r, lack.accuracy, "Accuracy in table 7 (1) and across tasks (6); conclusion b",
             "no classifier probe", "probes: {directprobe: {}, classifier: {}}");
    put_lack(out, r, lack.memorisation, "Memorisation (2)", "no probe of memorisation",
             "probes: {directprobe: {}, memorisation: {}}");
    if (is_probed(&r->standing.layout)) {
        put_lack(out, r, lack.originals, "Everything before fine-tuning (1, 3-9); conclusions a to i",
                 "the original is not probed", "checkpoints: first-last");
        put_lack(out, r, lack.ends, "Everything after fine-tuning (1, 3-9); conclusions a, b, d to i",
                 "the last step is not probed", "checkpoints: first-last");
    }
    put_geometry_lack(out, report, &lack);
    put_pair_lack(out, r);
    if (r->standing.layout.n_runs && !fp_has_seeds(report))
        put_lack(out, r, r->n_own, "Deviations and intervals over fine-tuning seeds",
                 "one seed gives no interval", "seeds: [1, 2, 3]");
    return fp_sheet_check(out, error);
}
