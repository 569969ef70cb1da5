/* Pieces of work that train classifiers on one layer of one representation. */
#include "fineprobe/memory.h"
#include "fineprobe/resample.h"
#include "run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fp_probe_sets_free(fp_probe_sets *sets) {
    fp_vectors_free(&sets->vectors[0]);
    fp_vectors_free(&sets->vectors[1]);
}

static int check_labels(const fp_mlp_data *data, fp_error *error) {
    for (size_t i = 0; i < data->n; i++)
        if ((size_t)data->labels[i] >= data->n_labels)
            return fp_fail(error, "vector %zu has the label %d of %zu", i, data->labels[i], data->n_labels);
    return 0;
}

int fp_probe_sets_read(const fp_piece *piece, fp_probe_sets *out, fp_error *error) {
    memset(out, 0, sizeof *out);
    for (int s = 0; s < 2; s++) {
        fp_vectors *v = &out->vectors[s];
        if (fp_piece_vectors(piece, piece->probe.layer, s, v, error) < 0) {
            fp_probe_sets_free(out);
            return -1;
        }
        out->data[s] = (fp_mlp_data){v->n, v->width, v->points, v->labels, piece->group.labels};
        if (check_labels(&out->data[s], error) < 0) {
            fp_probe_sets_free(out);
            return -1;
        }
    }
    return 0;
}

static void name_network(const fp_shape *shape, double l2, fp_network_columns *out) {
    *out = (fp_network_columns){(int32_t)shape->hidden[0], (int32_t)shape->hidden[1], l2};
}

fp_network_columns fp_piece_network(const fp_piece *piece) {
    fp_network_columns network;
    name_network(&piece->classifier.shapes[0], piece->classifier.l2[0], &network);
    return network;
}

int fp_probe_record_save(const fp_piece *piece, void *record, fp_error *error) {
    const fp_record_kind *of = fp_record_kinds[fp_piece_product(piece->kind)];
    uint32_t crc = fp_record_crc(of, &piece->group, record);
    memcpy((char *)record + of->table->fields[of->table->n_fields - 1].offset, &crc, sizeof crc);
    return fp_record_save(piece->record, of, &piece->group, record, error);
}

/* ---- classifier ---- */

int fp_run_candidates(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    fp_candidate scores[FP_MOST_L2];
    fp_classifier_watch watch = {fp_report_progress, reporter};
    fp_probe_sets sets;
    if (fp_candidates_load(piece, piece->shape, scores, NULL) == 0)
        return 0; /* an earlier session got so far */
    if (fp_probe_sets_read(piece, &sets, error) < 0)
        return -1;
    int rc = fp_classifier_try(&piece->classifier, piece->shape, &sets.data[0], &watch, scores, error);
    if (rc == 0)
        rc = fp_candidates_save(piece, piece->shape, scores, error);
    fp_probe_sets_free(&sets);
    return rc;
}

/* All candidates into the record; the index of the best one, or -1. */
static long choose(const fp_piece *piece, fp_classifier_record *record, fp_error *error) {
    const fp_classifier_settings *s = &piece->classifier;
    size_t n = s->n_shapes * s->n_l2;
    fp_candidate *all = fp_alloc(n, sizeof *all, "candidates", error);
    int rc = all ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < s->n_shapes; i++)
        rc = fp_candidates_load(piece, i, all + i * s->n_l2, error);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        fp_candidate_row *row = &record->candidates[i];
        name_network(&s->shapes[i / s->n_l2], s->l2[i % s->n_l2], &row->network);
        row->accuracy = all[i].accuracy;
        row->deviation = all[i].deviation;
        row->epochs = all[i].epochs;
        row->folds = (int32_t)all[i].folds;
        row->converged = (int32_t)all[i].converged;
        fp_copy_text(row->state, sizeof row->state, all[i].dropped ? "dropped" : "scored");
    }
    long best = rc == 0 ? (long)fp_classifier_best(n, all) : -1;
    free(all);
    return best;
}

static int32_t count_label(const fp_mlp_data *data, size_t label) {
    int32_t n = 0;
    for (size_t i = 0; i < data->n; i++)
        n += (size_t)data->labels[i] == label;
    return n;
}

/* Scores of every label, and the confusion, of all initialisations. PER_LABEL [3, labels, initialisations].
 */
static void score_labels(const fp_piece *piece, const fp_probe_sets *sets, fp_classifier_record *record,
                         double *per_label, double *one) {
    size_t labels = piece->group.labels, n = piece->classifier.initialisations, test = sets->data[1].n;
    memset(record->confusion, 0, labels * labels * sizeof *record->confusion);
    for (size_t k = 0; k < n; k++) {
        fp_scores scores = {one, one + labels, one + 2 * labels, record->confusion, 0, 0};
        fp_classifier_scores(test, sets->data[1].labels, record->predictions + k * test, labels, &scores);
        for (size_t i = 0; i < 3 * labels; i++)
            per_label[i * n + k] = one[i];
    }
    for (size_t y = 0; y < labels; y++) {
        fp_label_score_row *row = &record->label_scores[y];
        double unused;
        row->label = (int32_t)y;
        row->train_instances = count_label(&sets->data[0], y);
        row->test_instances = count_label(&sets->data[1], y);
        fp_mean_deviation(n, per_label + y * n, &row->precision, &unused);
        fp_mean_deviation(n, per_label + (labels + y) * n, &row->recall, &unused);
        fp_mean_deviation(n, per_label + (2 * labels + y) * n, &row->f1, &row->f1_deviation);
    }
}

/* FITS into the rows of the record; their means into its own row. VALUES [initialisations]. */
static void summarise(const fp_piece *piece, const fp_fit *fits, fp_classifier_record *record,
                      double *values) {
    size_t n = piece->classifier.initialisations;
    fp_classifier_row *row = &record->row;
    double epochs = 0;
    for (size_t k = 0; k < n; k++) {
        record->initialisations[k] =
            (fp_initialisation_row){(int32_t)fits[k].end.epochs, fits[k].end.converged, fits[k].end.loss,
                                    fits[k].train_accuracy,      fits[k].test_accuracy, fits[k].macro_f1};
        row->converged += fits[k].end.converged;
        epochs += (double)fits[k].end.epochs;
    }
    row->initialisations = (int32_t)n;
    row->epochs = epochs / (double)n;
    for (size_t k = 0; k < n; k++)
        values[k] = fits[k].test_accuracy;
    fp_mean_deviation(n, values, &row->accuracy, &row->deviation);
    for (size_t k = 0; k < n; k++)
        values[k] = fits[k].macro_f1;
    fp_mean_deviation(n, values, &row->macro_f1, &row->macro_f1_deviation);
}

static int classify(const fp_piece *piece, const fp_probe_sets *sets, fp_reporter *reporter,
                    fp_classifier_record *record, fp_error *error) {
    const fp_classifier_settings *s = &piece->classifier;
    const fp_mlp_data *train = &sets->data[0], *test = &sets->data[1];
    fp_classifier_watch watch = {fp_report_progress, reporter};
    fp_classifier_row *row = &record->row;
    long best = choose(piece, record, error);
    if (best < 0)
        return -1;
    size_t labels = piece->group.labels;
    const fp_shape *shape = &s->shapes[(size_t)best / s->n_l2];
    double l2 = s->l2[(size_t)best % s->n_l2];
    fp_fit *fits = fp_alloc(s->initialisations, sizeof *fits, "initialisations", error);
    double *numbers = fp_alloc(3 * labels * (s->initialisations + 1) + s->initialisations, sizeof *numbers,
                               "scores", error);
    int rc = fits && numbers
                 ? fp_classifier_fit(s, shape, l2, train, test, &watch, fits, record->predictions, error)
                 : -1;
    if (rc == 0) {
        row->train_instances = (int32_t)train->n;
        row->test_instances = (int32_t)test->n;
        row->labels_trained = (int32_t)fp_labels_present(train);
        fp_copy_text(row->state, sizeof row->state, row->labels_trained > 1 ? "classified" : "one label");
        fp_copy_text(row->caution, sizeof row->caution,
                     fp_classifier_caution((size_t)row->labels_trained, test->n));
        name_network(shape, l2, &row->network);
        row->selection_accuracy = record->candidates[best].accuracy;
        row->majority_accuracy = fp_majority_accuracy(train, test);
        if (test->n)
            memcpy(record->test_labels, test->labels, test->n * sizeof *test->labels);
        summarise(piece, fits, record, numbers);
        score_labels(piece, sets, record, numbers, numbers + 3 * labels * s->initialisations);
    }
    free(fits);
    free(numbers);
    return rc;
}

int fp_run_classifier(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    fp_classifier_record record;
    fp_probe_sets sets;
    if (fp_record_alloc(&fp_classifier_records, &piece->group, &record, error) < 0)
        return -1;
    record.row.id = piece->probe;
    int rc = fp_probe_sets_read(piece, &sets, error);
    if (rc == 0)
        rc = classify(piece, &sets, reporter, &record, error);
    if (rc == 0)
        rc = fp_probe_record_save(piece, &record, error);
    fp_probe_sets_free(&sets);
    fp_record_free(&fp_classifier_records, &record);
    return rc;
}

/* ---- control task ---- */

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Word types of both sets; -1 out of memory. */
static int32_t count_types(const fp_probe_sets *sets, fp_error *error) {
    size_t n = sets->data[0].n + sets->data[1].n;
    int64_t *words = fp_alloc(n, sizeof *words, "words", error);
    if (!words)
        return -1;
    for (size_t k = 0, at = 0; k < 2; at += sets->data[k++].n)
        if (sets->vectors[k].words) /* as in every set with instances */
            memcpy(words + at, sets->vectors[k].words, sets->data[k].n * sizeof *words);
    qsort(words, n, sizeof *words, ascending);
    int32_t types = 0;
    for (size_t i = 0; i < n; i++)
        types += i == 0 || words[i] != words[i - 1];
    free(words);
    return types;
}

/* Half of a piece's progress. */
typedef struct fp_half_report {
    fp_reporter *reporter;
    double from;
} fp_half_report;

static void report_half(void *context, double share) {
    const fp_half_report *half = context;
    fp_report_progress(half->reporter, half->from + share / 2);
}

/* The task's labels, then the control task's, with the same networks. ACCURACIES [initialisations, 2]. */
static int fit_both(const fp_piece *piece, const fp_probe_sets *sets, int32_t *control[2],
                    fp_reporter *reporter, double *accuracies, fp_error *error) {
    const fp_classifier_settings *s = &piece->classifier;
    fp_fit *fits = fp_alloc(s->initialisations, sizeof *fits, "initialisations", error);
    int rc = fits ? 0 : -1;
    for (int labelling = 0; rc == 0 && labelling < 2; labelling++) {
        fp_mlp_data data[2] = {sets->data[0], sets->data[1]};
        for (int k = 0; labelling && k < 2; k++)
            data[k].labels = control[k];
        fp_half_report half = {reporter, labelling / 2.0};
        fp_classifier_watch watch = {report_half, &half};
        rc = fp_classifier_fit(s, &s->shapes[0], s->l2[0], &data[0], &data[1], &watch, fits, NULL, error);
        for (size_t k = 0; rc == 0 && k < s->initialisations; k++)
            accuracies[2 * k + (size_t)labelling] = fits[k].test_accuracy;
    }
    free(fits);
    return rc;
}

static int compare_control(const fp_piece *piece, fp_control_record *record, fp_error *error) {
    size_t n = piece->classifier.initialisations;
    double *values = fp_alloc(n, sizeof *values, "accuracies", error), *a = record->accuracies;
    if (!values)
        return -1;
    for (size_t k = 0; k < n; k++)
        values[k] = a[2 * k];
    fp_mean_deviation(n, values, &record->row.accuracy, &record->row.deviation);
    for (size_t k = 0; k < n; k++)
        values[k] = a[2 * k + 1];
    fp_mean_deviation(n, values, &record->row.control_accuracy, &record->row.control_deviation);
    for (size_t k = 0; k < n; k++)
        values[k] = a[2 * k] - a[2 * k + 1];
    fp_mean_deviation(n, values, &record->row.selectivity, &record->row.selectivity_deviation);
    free(values);
    return 0;
}

static int control(const fp_piece *piece, const fp_probe_sets *sets, fp_reporter *reporter,
                   fp_control_record *record, fp_error *error) {
    int32_t *labels[2] = {NULL, NULL};
    int rc = 0;
    for (int k = 0; rc == 0 && k < 2; k++) {
        size_t n = sets->data[k].n;
        if (n && !sets->vectors[k].words)
            rc = fp_fail(error, "the vectors do not tell their words, which a control task needs");
        else if (!(labels[k] = fp_alloc(n, sizeof **labels, "labels", error)))
            rc = -1;
        else
            fp_control_labels(&sets->data[0], piece->classifier.seed, n, sets->vectors[k].words, labels[k]);
    }
    if (rc == 0)
        rc = (record->row.word_types = count_types(sets, error)) < 0 ? -1 : 0;
    if (rc == 0)
        rc = fit_both(piece, sets, labels, reporter, record->accuracies, error);
    if (rc == 0)
        rc = compare_control(piece, record, error);
    free(labels[0]);
    free(labels[1]);
    return rc;
}

int fp_run_control(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    fp_control_record record;
    fp_probe_sets sets;
    if (fp_record_alloc(&fp_control_records, &piece->group, &record, error) < 0)
        return -1;
    record.row.id = piece->probe;
    record.row.network = fp_piece_network(piece);
    int rc = fp_probe_sets_read(piece, &sets, error);
    if (rc == 0)
        rc = control(piece, &sets, reporter, &record, error);
    if (rc == 0)
        rc = fp_probe_record_save(piece, &record, error);
    fp_probe_sets_free(&sets);
    fp_record_free(&fp_control_records, &record);
    return rc;
}
