/* Classifiers compared with those of the original model, one by one and all seeds together. */
#include "derive.h"

#include "fineprobe/classifier.h"
#include "fineprobe/memory.h"
#include "fineprobe/resample.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct fp_comparison {
    const fp_layout *layout;
    fp_store *store;
    unsigned char *status; /* [n_classifiers] */
    size_t *of_seeds;      /* [n_classifiers] those of one fine-tuning */
    double *accuracies;    /* [n_classifiers] of these */
    double *own, *other;   /* [most test instances] how often each is right */
} fp_comparison;

static const fp_group *group_of(const fp_comparison *c, size_t classifier) {
    const fp_layout *layout = c->layout;
    return &layout->groups[fp_layout_group(layout, layout->classifiers[classifier].id.results)];
}

/* For each test instance the share of initialisations that are right, added to SHARES; the row into ROW. */
static int add_shares(const fp_comparison *c, size_t classifier, double *shares, fp_classifier_row *row,
                      fp_error *error) {
    fp_classifier_record record;
    const fp_group *g = group_of(c, classifier);
    size_t at = (size_t)c->layout->classifiers[classifier].id.row;
    if (fp_store_read_record(c->store, FP_CLASSIFIER, g, classifier, at, &record, error) < 0)
        return -1;
    int rc = fp_record_check(&fp_classifier_records, g, &record, error);
    for (size_t i = 0; rc == 0 && i < g->test_instances; i++) {
        size_t right = 0;
        for (size_t k = 0; k < g->initialisations; k++)
            right += record.predictions[k * g->test_instances + i] == record.test_labels[i];
        shares[i] += (double)right / (double)g->initialisations;
    }
    *row = record.row;
    fp_record_free(&fp_classifier_records, &record);
    return rc;
}

/* The classifier of the original at the same model, probed task and layer; -1: none is done. */
static int32_t original_of(const fp_comparison *c, const fp_probe_identity *id) {
    const fp_layout *layout = c->layout;
    for (size_t i = 0; i < layout->n_classifiers; i++) {
        const fp_probe_identity *other = &layout->classifiers[i].id;
        if (other->run >= 0) /* the originals come first */
            return -1;
        if (other->layer == id->layer && strcmp(other->results, id->results) == 0)
            return c->status[i] == FP_DONE ? (int32_t)i : -1;
    }
    return -1;
}

/* OWN, the sum of N classifiers, against the original's OTHER: differences into OWN, then what resampling
 * says. */
static int compare(const fp_comparison *c, size_t original, size_t n, fp_resampled *out, fp_error *error) {
    size_t instances = group_of(c, original)->test_instances;
    fp_classifier_row unused;
    memset(c->other, 0, instances * sizeof *c->other);
    if (add_shares(c, original, c->other, &unused, error) < 0)
        return -1;
    for (size_t i = 0; i < instances; i++)
        c->own[i] = c->own[i] / (double)n - c->other[i];
    return fp_resample_mean(instances, c->own, FP_RESAMPLE_SEED, out, error);
}

static int derive_one(const fp_comparison *c, size_t classifier, fp_error *error) {
    const fp_probe_identity *id = &c->layout->classifiers[classifier].id;
    fp_classifier_derived_row row = {.classifier = (int32_t)classifier, .original = original_of(c, id)};
    fp_classifier_row own;
    fp_resampled difference;
    fp_table_open(&fp_table_classifier_derived, &row);
    if (row.original < 0 || c->status[classifier] != FP_DONE || id->run < 0)
        return 0;
    memset(c->own, 0, group_of(c, classifier)->test_instances * sizeof *c->own);
    if (add_shares(c, classifier, c->own, &own, error) < 0 ||
        compare(c, (size_t)row.original, 1, &difference, error) < 0)
        return -1;
    row.difference = difference.mean;
    row.low = difference.low;
    row.high = difference.high;
    row.p_value = difference.p;
    memcpy(row.caution, own.caution, sizeof row.caution);
    return fp_store_write_classifier_derived(c->store, classifier, &row, error);
}

static int same_finetuning(const fp_classifier_seeds_row *row, const fp_probe_identity *id) {
    return id->run >= 0 && row->step == id->step && row->layer == id->layer &&
           strcmp(row->model, id->model) == 0 && strcmp(row->finetuned_on, id->finetuned_on) == 0 &&
           strcmp(row->probed_on, id->probed_on) == 0;
}

/* Those of ROW's fine-tuning that are done; how many. */
static size_t find_seeds(const fp_comparison *c, const fp_classifier_seeds_row *row) {
    size_t n = 0;
    for (size_t i = 0; i < c->layout->n_classifiers; i++)
        if (c->status[i] == FP_DONE && same_finetuning(row, &c->layout->classifiers[i].id))
            c->of_seeds[n++] = i;
    return n;
}

static int derive_seeds(const fp_comparison *c, size_t index, fp_error *error) {
    fp_classifier_seeds_row row = c->layout->classifier_seeds[index];
    fp_resampled accuracy, difference;
    fp_classifier_row last;
    fp_table_open(&fp_table_classifier_seeds, &row);
    size_t n = find_seeds(c, &row);
    if (n == 0)
        return 0;
    memset(c->own, 0, group_of(c, c->of_seeds[0])->test_instances * sizeof *c->own);
    for (size_t i = 0; i < n; i++) {
        if (add_shares(c, c->of_seeds[i], c->own, &last, error) < 0)
            return -1;
        c->accuracies[i] = last.accuracy;
    }
    if (fp_resample_mean(n, c->accuracies, FP_RESAMPLE_SEED, &accuracy, error) < 0)
        return -1;
    row.seeds = (int32_t)n;
    row.accuracy = accuracy.mean;
    row.deviation = accuracy.deviation;
    row.low = accuracy.low;
    row.high = accuracy.high;
    fp_copy_text(row.caution, sizeof row.caution, n < FP_FEW_SEEDS ? "few seeds" : last.caution);
    int32_t original = original_of(c, &c->layout->classifiers[c->of_seeds[0]].id);
    if (original >= 0) {
        if (compare(c, (size_t)original, n, &difference, error) < 0)
            return -1;
        row.difference = difference.mean;
        row.difference_low = difference.low;
        row.difference_high = difference.high;
        row.p_value = difference.p;
    }
    return fp_store_write_classifier_seeds(c->store, index, &row, error);
}

static int derive_all(const fp_comparison *c, fp_error *error) {
    const fp_layout *layout = c->layout;
    for (size_t i = 0; i < layout->n_classifiers; i++)
        if (derive_one(c, i, error) < 0)
            return fp_error_context(error, "comparing classifier %zu with its original", i);
    for (size_t i = 0; i < layout->n_classifier_seeds; i++)
        if (derive_seeds(c, i, error) < 0)
            return fp_error_context(error, "comparing the seeds of fine-tuning %zu", i);
    return 0;
}

int fp_derive_classifiers(const fp_layout *layout, fp_store *store, fp_error *error) {
    size_t n = layout->n_classifiers, most = 0;
    for (size_t i = 0; i < layout->n_groups; i++)
        most = layout->groups[i].test_instances > most ? layout->groups[i].test_instances : most;
    fp_comparison c = {.layout = layout,
                       .store = store,
                       .status = fp_alloc(n, 1, "status", error),
                       .of_seeds = fp_alloc(n, sizeof *c.of_seeds, "classifiers", error),
                       .accuracies = fp_alloc(n, sizeof *c.accuracies, "accuracies", error),
                       .own = fp_alloc(most, sizeof *c.own, "instances", error),
                       .other = fp_alloc(most, sizeof *c.other, "instances", error)};
    int rc = c.status && c.of_seeds && c.accuracies && c.own && c.other
                 ? fp_store_read_record_status(store, FP_CLASSIFIER, c.status, error)
                 : -1;
    if (rc == 0)
        rc = derive_all(&c, error);
    free(c.status);
    free(c.of_seeds);
    free(c.accuracies);
    free(c.own);
    free(c.other);
    return rc;
}

int fp_derive_seed_rows(fp_layout *l, fp_error *error) {
    size_t capacity = 0;
    for (size_t i = 0; i < l->n_classifiers; i++) {
        const fp_probe_identity *id = &l->classifiers[i].id;
        size_t k = 0;
        while (k < l->n_classifier_seeds && !same_finetuning(&l->classifier_seeds[k], id))
            k++;
        if (id->run < 0 || k < l->n_classifier_seeds)
            continue;
        if (fp_grow((void **)&l->classifier_seeds, &capacity, k + 1, sizeof *l->classifier_seeds, error) < 0)
            return -1;
        fp_classifier_seeds_row *row = &l->classifier_seeds[l->n_classifier_seeds++];
        *row = (fp_classifier_seeds_row){.step = id->step, .layer = id->layer};
        fp_copy_text(row->model, sizeof row->model, id->model);
        fp_copy_text(row->finetuned_on, sizeof row->finetuned_on, id->finetuned_on);
        fp_copy_text(row->probed_on, sizeof row->probed_on, id->probed_on);
        fp_table_open(&fp_table_classifier_seeds, row);
    }
    return 0;
}
