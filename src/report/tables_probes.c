/* Tables of the probes that train classifiers. */
#include "report/tables.h"

#include <math.h>

/* ---- classifiers ---- */

static void put_identity(fp_sheet *sheet, const fp_probe_identity *id) {
    fp_sheet_text(sheet, id->model);
    fp_sheet_text(sheet, id->probed_on);
    fp_sheet_text(sheet, id->run < 0 ? "(original)" : id->finetuned_on);
    fp_sheet_number(sheet, id->run < 0 ? NAN : (double)id->seed);
    fp_sheet_number(sheet, id->step);
    fp_sheet_number(sheet, id->layer);
}

static void put_comparison(fp_sheet *sheet, const fp_classifier_derived_row *row) {
    int compared = row->original >= 0;
    fp_sheet_number(sheet, compared ? row->difference : NAN);
    fp_sheet_number(sheet, compared ? row->low : NAN);
    fp_sheet_number(sheet, compared ? row->high : NAN);
    fp_sheet_number(sheet, compared ? row->p_value : NAN);
}

static void put_classifier(fp_sheet *sheet, const fp_findings *r, size_t at) {
    const fp_layout *l = &r->standing.layout;
    const fp_classifier_row *row = &l->classifiers[at];
    int control = fp_findings_probe_beside(r, FP_CONTROL, &row->id);
    int code = fp_findings_probe_beside(r, FP_CODE, &row->id);
    put_identity(sheet, &row->id);
    fp_sheet_number(sheet, row->accuracy);
    fp_sheet_number(sheet, row->deviation);
    fp_sheet_number(sheet, row->macro_f1);
    fp_sheet_number(sheet, row->majority_accuracy);
    fp_put_hidden(sheet, row->network.hidden1, row->network.hidden2);
    fp_sheet_number(sheet, row->network.l2);
    put_comparison(sheet, &r->compared[at]);
    fp_sheet_number(sheet, control < 0 ? NAN : l->controls[control].selectivity);
    fp_sheet_number(sheet, code < 0 ? NAN : l->codes[code].compression);
    fp_sheet_text(sheet, row->caution);
}

/* Finished probes of a kind, all or those of ONLY. */
static int is_shown(const fp_findings *r, fp_product_kind kind, size_t at, const fp_course *only) {
    return r->standing.probes[kind][at] == FP_DONE &&
           (!only || fp_findings_is_of(r, fp_layout_identity(&r->standing.layout, kind, at), only));
}

int fp_make_classifiers(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},
        {"probed_on", "task", FP_SHOWN_TEXT},
        {"finetuned_on", "fine-tuned on", FP_SHOWN_TEXT},
        {"seed", "seed", FP_SHOWN_COUNT},
        {"step", "step", FP_SHOWN_COUNT},
        {"layer", "layer", FP_SHOWN_COUNT},
        {"accuracy", "accuracy %", FP_SHOWN_PERCENT_2},
        {"deviation", "deviation %", FP_SHOWN_PERCENT_2},
        {"macro_f1", "macro F1", FP_SHOWN_FIXED_3},
        {"majority_accuracy", "majority %", FP_SHOWN_PERCENT_2},
        {"hidden", "hidden", FP_SHOWN_TEXT},
        {"l2", "L2", FP_SHOWN_SHORT},
        {"difference", "to original", FP_SHOWN_FIXED_3},
        {"low", "95 % from", FP_SHOWN_FIXED_3},
        {"high", "to", FP_SHOWN_FIXED_3},
        {"p_value", "p", FP_SHOWN_FIXED_3},
        {"selectivity", "selectivity", FP_SHOWN_FIXED_3},
        {"compression", "compression", FP_SHOWN_FIXED_2},
        {"caution", "caution", FP_SHOWN_TEXT},
    };
    const fp_findings *r = &report->findings;
    fp_sheet_begin(
        out, "classifiers", "Classifier probes",
        "A row a seed; several seeds together are in the table of seeds. On the test set, mean and "
        "deviation over initialisations. To original: difference of accuracies, with the interval "
        "and p of a paired bootstrap over test instances. Selectivity: accuracy minus that on a "
        "control task; compression: uniform code length over online code length.",
        FP_COLUMNS(columns));
    for (size_t i = 0; i < r->standing.layout.n_classifiers; i++)
        if (is_shown(r, FP_CLASSIFIER, i, only))
            put_classifier(out, r, i);
    return fp_sheet_check(out, error);
}

/* ---- memorisation ---- */

int fp_make_memorisation(const fp_report *report, const fp_course *only, fp_sheet *out, fp_error *error) {
    static const fp_sheet_column columns[] = {
        {"model", "model", FP_SHOWN_TEXT},
        {"probed_on", "task", FP_SHOWN_TEXT},
        {"finetuned_on", "fine-tuned on", FP_SHOWN_TEXT},
        {"seed", "seed", FP_SHOWN_COUNT},
        {"step", "step", FP_SHOWN_COUNT},
        {"layer", "layer", FP_SHOWN_COUNT},
        {"subtrain_accuracy", "subtrain %", FP_SHOWN_PERCENT_2},
        {"subtest_accuracy", "subtest %", FP_SHOWN_PERCENT_2},
        {"test_accuracy", "test %", FP_SHOWN_PERCENT_2},
        {"subtest_gap", "subtest - test", FP_SHOWN_FIXED_3},
        {"epochs", "epochs", FP_SHOWN_COUNT},
    };
    const fp_findings *r = &report->findings;
    fp_sheet_begin(
        out, "memorisation", "Memorisation: a probe trained on 80 % of the training set",
        "A row a seed. Accuracy after the last epoch on that part (subtrain), on the rest of the "
        "training set (subtest), which fine-tuning has seen and the probe has not, and on the test set.",
        FP_COLUMNS(columns));
    for (size_t i = 0; i < r->standing.layout.n_memorisations; i++) {
        const fp_memorisation_row *row = &r->standing.layout.memorisations[i];
        if (!is_shown(r, FP_MEMORISATION, i, only))
            continue;
        put_identity(out, &row->id);
        fp_sheet_number(out, row->subtrain_accuracy);
        fp_sheet_number(out, row->subtest_accuracy);
        fp_sheet_number(out, row->test_accuracy);
        fp_sheet_number(out, row->subtest_accuracy - row->test_accuracy);
        fp_sheet_number(out, row->epochs);
    }
    return fp_sheet_check(out, error);
}
