/* Probes that train classifiers, as the report sees them. */
#include "fineprobe/memory.h"
#include "report/findings_make.h"
#include <stdlib.h>
#include <string.h>

int fp_findings_probe_record(const fp_findings *r, fp_product_kind kind, int index, void *out,
                             fp_error *error) {
    const fp_layout *l = &r->standing.layout;
    const fp_probe_identity *id = fp_layout_identity(l, kind, (size_t)index);
    const fp_group *group = &l->groups[fp_layout_group(l, id->results)];
    if (fp_store_read_record(r->store, kind, group, (size_t)index, (size_t)id->row, out, error) < 0)
        return -1;
    if (fp_record_check(fp_record_kinds[kind], group, out, error) == 0)
        return 0;
    fp_record_free(fp_record_kinds[kind], out);
    return fp_error_context(error, "%s %d", fp_record_kinds[kind]->name, index);
}

static int read_classifier(const fp_findings *r, size_t at, fp_accuracy *out, fp_error *error) {
    const fp_classifier_row *row = &r->standing.layout.classifiers[at];
    fp_classifier_record record;
    if (fp_findings_probe_record(r, FP_CLASSIFIER, (int)at, &record, error) < 0)
        return -1;
    *out = (fp_accuracy){.trained = row->initialisations,
                         .hidden = {row->network.hidden1, row->network.hidden2},
                         .labels = row->labels_trained,
                         .mean = row->accuracy,
                         .deviation = row->deviation};
    for (; out->n_tests < (size_t)row->initialisations && out->n_tests < FP_MOST_TESTS; out->n_tests++)
        out->tests[out->n_tests] = record.initialisations[out->n_tests].test_accuracy;
    fp_record_free(&fp_classifier_records, &record);
    return 0;
}

int fp_findings_classifiers(fp_findings *r, fp_error *error) {
    size_t n = r->standing.layout.n_classifiers;
    r->compared = fp_alloc(n, sizeof *r->compared, "classifiers", error);
    r->accuracies = fp_alloc(n, sizeof *r->accuracies, "classifiers", error);
    if (!r->compared || !r->accuracies || fp_store_read_classifier_derived(r->store, r->compared, error) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (r->standing.probes[FP_CLASSIFIER][i] == FP_DONE &&
            read_classifier(r, i, &r->accuracies[i], error) < 0)
            return -1;
    return 0;
}

/* ---- asking ---- */

int fp_findings_is_of(const fp_findings *r, const fp_probe_identity *id, const fp_course *c) {
    const fp_layout *l = &r->standing.layout;
    return strcmp(id->model, l->models[c->model].name) == 0 &&
           strcmp(id->probed_on, l->tasks[c->probed].name) == 0 &&
           (id->run < 0 || strcmp(id->finetuned_on, l->tasks[c->tuned].name) == 0);
}

int fp_findings_probe(const fp_findings *r, fp_product_kind kind, const fp_course *c, size_t seed,
                      int32_t step, int32_t layer) {
    for (size_t i = 0; i < fp_layout_count(&r->standing.layout, kind); i++) {
        const fp_probe_identity *id = fp_layout_identity(&r->standing.layout, kind, i);
        if (r->standing.probes[kind][i] == FP_DONE && fp_findings_is_of(r, id, c) && id->step == step &&
            id->layer == layer && (id->run < 0 || id->run == c->runs[seed]))
            return (int)i;
    }
    return -1;
}

int fp_findings_probe_layer(const fp_findings *r, fp_product_kind kind, const fp_course *c) {
    int highest = -1;
    for (size_t i = 0; i < fp_layout_count(&r->standing.layout, kind); i++) {
        const fp_probe_identity *id = fp_layout_identity(&r->standing.layout, kind, i);
        if (r->standing.probes[kind][i] == FP_DONE && fp_findings_is_of(r, id, c) && id->layer > highest)
            highest = id->layer;
    }
    return highest;
}

int fp_findings_probe_beside(const fp_findings *r, fp_product_kind kind, const fp_probe_identity *id) {
    for (size_t i = 0; i < fp_layout_count(&r->standing.layout, kind); i++) {
        const fp_probe_identity *other = fp_layout_identity(&r->standing.layout, kind, i);
        if (r->standing.probes[kind][i] == FP_DONE && other->checkpoint == id->checkpoint &&
            other->layer == id->layer && strcmp(other->probed_on, id->probed_on) == 0)
            return (int)i;
    }
    return -1;
}

size_t fp_findings_units(const fp_findings *r, const fp_course *c, size_t *done) {
    size_t all = 0;
    *done = 0;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        for (size_t i = 0; i < fp_layout_count(&r->standing.layout, kind); i++)
            if (fp_findings_is_of(r, fp_layout_identity(&r->standing.layout, kind, i), c)) {
                *done += r->standing.probes[kind][i] == FP_DONE;
                all++;
            }
    return all;
}
