/* Pieces of work: minimum description length, and memorisation. */
#include "run.h"

#include <math.h>

/* ---- minimum description length ---- */

static int code(const fp_piece *piece, const fp_mlp_data *train, fp_reporter *reporter,
                fp_code_record *record, fp_error *error) {
    const fp_classifier_settings *s = &piece->classifier;
    fp_classifier_watch watch = {fp_report_progress, reporter};
    fp_portion portions[FP_PORTIONS];
    fp_code_row *row = &record->row;
    if (fp_code_length(s, &s->shapes[0], s->l2[0], train, &watch, portions, &row->codelength,
                       &row->uniform_codelength, error) < 0)
        return -1;
    for (size_t i = 0; i < FP_PORTIONS; i++) {
        const fp_portion *p = &portions[i];
        record->portions[i] = (fp_portion_row){
            p->share, (int32_t)p->instances, (int32_t)p->coded, (int32_t)p->epochs, p->bits, p->accuracy};
    }
    row->instances = (int32_t)train->n;
    row->labels = (int32_t)fp_labels_present(train);
    row->compression = row->labels > 1 ? row->uniform_codelength / row->codelength : NAN;
    row->bits_per_instance = row->codelength / (double)train->n;
    return 0;
}

int fp_run_code(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    fp_code_record record;
    fp_probe_sets sets;
    if (fp_record_alloc(&fp_code_records, &piece->group, &record, error) < 0)
        return -1;
    record.row.id = piece->probe;
    record.row.network = fp_piece_network(piece);
    int rc = fp_probe_sets_read(piece, &sets, error);
    if (rc == 0)
        rc = code(piece, &sets.data[0], reporter, &record, error);
    if (rc == 0)
        rc = fp_probe_record_save(piece, &record, error);
    fp_probe_sets_free(&sets);
    fp_record_free(&fp_code_records, &record);
    return rc;
}

/* ---- memorisation ---- */

static int memorise(const fp_piece *piece, const fp_probe_sets *sets, fp_reporter *reporter,
                    fp_memorisation_record *record, fp_error *error) {
    const fp_classifier_settings *s = &piece->classifier;
    fp_classifier_watch watch = {fp_report_progress, reporter};
    fp_learning curves = {.accuracies = record->curves, .losses = record->losses};
    fp_memorisation_row *row = &record->row;
    if (fp_learning_curves(s, &s->shapes[0], s->l2[0], &sets->data[0], &sets->data[1], &watch, &curves,
                           error) < 0)
        return -1;
    const double *last = record->curves + (curves.epochs - 1) * FP_LEARNING_SETS;
    row->subtrain_instances = (int32_t)curves.subtrain;
    row->subtest_instances = (int32_t)curves.subtest;
    row->test_instances = (int32_t)sets->data[1].n;
    row->epochs = (int32_t)curves.epochs;
    row->subtrain_accuracy = last[0];
    row->subtest_accuracy = last[1];
    row->test_accuracy = last[2];
    row->gap = last[0] - last[1];
    return 0;
}

int fp_run_memorisation(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    fp_memorisation_record record;
    fp_probe_sets sets;
    if (fp_record_alloc(&fp_memorisation_records, &piece->group, &record, error) < 0)
        return -1;
    record.row.id = piece->probe;
    record.row.network = fp_piece_network(piece);
    int rc = fp_probe_sets_read(piece, &sets, error);
    if (rc == 0)
        rc = memorise(piece, &sets, reporter, &record, error);
    if (rc == 0)
        rc = fp_probe_record_save(piece, &record, error);
    fp_probe_sets_free(&sets);
    fp_record_free(&fp_memorisation_records, &record);
    return rc;
}
