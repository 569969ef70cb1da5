#include "report/tables.h"

#include <math.h>

int fp_is_wanted(const fp_course *course, const fp_course *only) {
    return !only || only == course;
}

void fp_put_names(fp_sheet *sheet, const fp_report *report, const fp_course *c) {
    const fp_layout *l = &report->findings.standing.layout;
    fp_sheet_text(sheet, l->models[c->model].name);
    fp_sheet_text(sheet, l->tasks[c->probed].name);
}

void fp_put_hidden(fp_sheet *sheet, int32_t first, int32_t second) {
    if (second)
        fp_sheet_print(sheet, "(%d, %d)", first, second);
    else if (first)
        fp_sheet_print(sheet, "(%d)", first);
    else
        fp_sheet_text(sheet, "linear");
}

double fp_value_at(const fp_report *report, const fp_course *c, int step, size_t layer, fp_quantity *quantity,
                   size_t label) {
    return step < 0 ? NAN : fp_course_value(&report->findings, c, (size_t)step, layer, quantity, label).mean;
}

double fp_accuracy_at(const fp_report *report, const fp_course *c, int step, size_t layer) {
    return step < 0 ? NAN : fp_course_accuracy(&report->findings, c, (size_t)step, layer).mean;
}

int fp_tuned_step(const fp_course *c) {
    int last = fp_course_last(c);
    return last > 0 ? last : -1;
}

double fp_head_accuracy(const fp_findings *r, int32_t run, int32_t step) {
    const fp_layout *l = &r->standing.layout;
    for (size_t i = 0; i < l->n_checkpoints; i++)
        if (l->checkpoints[i].run == run && l->checkpoints[i].step == step &&
            r->standing.checkpoints[i] == FP_DONE)
            return l->checkpoints[i].test_accuracy;
    return NAN;
}

fp_changes fp_changes_of(const fp_report *report, const fp_course *c) {
    fp_changes changes = {0};
    double n = 0, sum = 0;
    for (size_t i = 0; c->n_layers && i < c->n_labels; i++) {
        double change =
            fp_value_at(report, c, fp_tuned_step(c), c->n_layers - 1, fp_quantity_minimum, i) -
            fp_value_at(report, c, fp_course_original(c), c->n_layers - 1, fp_quantity_minimum, i);
        if (isnan(change))
            continue;
        changes.risen += change > 0;
        changes.fallen += change < 0;
        sum += change;
        n++;
    }
    changes.mean = n > 0 ? sum / n : NAN;
    if (n == 0)
        changes.risen = changes.fallen = NAN;
    return changes;
}
