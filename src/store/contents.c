#include "contents.h"

#include <string.h>

static const fp_field progress_fields[] = {
#define FIELD(member, type, unit, meaning)                                                                   \
    {                                                                                                        \
#member, type, offsetof(fp_progress_row, member), sizeof(((fp_progress_row *)0)->member), unit,      \
            meaning                                                                                          \
    }
    FIELD(incarnation, FP_FIELD_I64, "", "session of the sweep, counted from 1; 0: none yet"),
    FIELD(ranks, FP_FIELD_I32, "", "MPI ranks of the session"),
    FIELD(host, FP_FIELD_TEXT, "", "node of rank 0"),
    FIELD(job, FP_FIELD_TEXT, "", "job of the batch system"),
    FIELD(started, FP_FIELD_F64, "seconds since 1970", "start of the session"),
    FIELD(heartbeat, FP_FIELD_F64, "seconds since 1970", "when this row was written"),
    FIELD(expected_end, FP_FIELD_F64, "seconds since 1970", "expected end; 0: not known"),
    FIELD(work_done, FP_FIELD_F64, "seconds of one core",
          "time that ranks have spent on pieces of work in this session"),
    FIELD(work_total, FP_FIELD_F64, "seconds of one core", "the same with what is expected to come"),
    FIELD(updates, FP_FIELD_I64, "", "steps that the runs under way have come to, added up"),
    FIELD(finished, FP_FIELD_I32, "",
          "1: the sweep ended with every unit done or failed; 2: it was stopped early with everything saved; "
          "0: it runs, or was killed"),
#undef FIELD
};
const fp_table fp_table_progress = {"progress",
                                    "pulse of the sweep, one row, rewritten every few seconds",
                                    sizeof(fp_progress_row),
                                    sizeof progress_fields / sizeof *progress_fields,
                                    progress_fields,
                                    NULL};

#define STATES "0 waiting, 1 running, 2 done, 3 failed; only rows of done ones hold results"

#define PRODUCT(upper, lower, rows)                                                                          \
    [FP_##upper##S] = {#rows, FP_ELEMENT_ROW, &fp_table_##rows, lower, "", "", 0},                           \
    [FP_##upper##_STATUS] = {lower "_status", FP_ELEMENT_U8, NULL, lower, "", STATES, 0},                    \
    [FP_##upper##_PROVENANCE] = {lower "_provenance",                                                        \
                                 FP_ELEMENT_ROW,                                                             \
                                 &fp_table_provenance,                                                       \
                                 lower,                                                                      \
                                 "",                                                                         \
                                 "how the results in " #rows                                                 \
                                 " came about; differs from one sweep to the next",                          \
                                 0}

const fp_array fp_datasets[FP_N_DATASETS] = {
    [FP_MODELS] = {"models", FP_ELEMENT_ROW, &fp_table_models, "model", "", "", 0},
    [FP_TASKS] = {"tasks", FP_ELEMENT_ROW, &fp_table_tasks, "task", "", "", 0},
    [FP_LABELS] = {"labels", FP_ELEMENT_ROW, &fp_table_labels, "label", "", "", 0},
    [FP_DATA] = {"data", FP_ELEMENT_ROW, &fp_table_data, "model and task and split", "", "", 0},
    [FP_RUNS] = {"runs", FP_ELEMENT_ROW, &fp_table_runs, "run", "", "", 0},
    [FP_CHECKPOINTS] = {"checkpoints", FP_ELEMENT_ROW, &fp_table_checkpoints, "checkpoint", "", "", 0},
    [FP_UNITS] = {"units", FP_ELEMENT_ROW, &fp_table_units, "unit", "", "", 0},
    [FP_DERIVED] = {"derived", FP_ELEMENT_ROW, &fp_table_derived, "unit", "", "", 0},
    [FP_UNIT_PROVENANCE] = {"unit_provenance", FP_ELEMENT_ROW, &fp_table_provenance, "unit", "",
                            "how the unit's results came about; differs from one sweep to the next", 0},
    [FP_CHECKPOINT_PROVENANCE] = {"checkpoint_provenance", FP_ELEMENT_ROW, &fp_table_provenance, "checkpoint",
                                  "", "how the checkpoint came about; differs from one sweep to the next", 0},
    [FP_PROGRESS] = {"progress", FP_ELEMENT_ROW, &fp_table_progress, "one", "", "", 0},
    [FP_LOSSES] = {"losses", FP_ELEMENT_F32, NULL, "update", "nats",
                   "training loss of every update, run after run (see losses_at in runs); NaN: not made yet",
                   0},
    [FP_UNIT_STATUS] = {"unit_status", FP_ELEMENT_U8, NULL, "unit", "", STATES, 0},
    [FP_CHECKPOINT_STATUS] = {"checkpoint_status", FP_ELEMENT_U8, NULL, "checkpoint", "", STATES, 0},
    PRODUCT(CLASSIFIER, "classifier", classifiers),
    PRODUCT(CONTROL, "control", controls),
    PRODUCT(CODE, "code", codes),
    PRODUCT(MEMORISATION, "memorisation", memorisations),
    [FP_CLASSIFIER_DERIVED] = {"classifier_derived", FP_ELEMENT_ROW, &fp_table_classifier_derived,
                               "classifier", "", "", 0},
    [FP_CLASSIFIER_SEEDS] = {"classifier_seeds", FP_ELEMENT_ROW, &fp_table_classifier_seeds, "fine-tuning",
                             "", "", 0},
};

#define FIXED(dataset, member)                                                                               \
    { dataset, offsetof(fp_layout, member), offsetof(fp_layout, n_##member) }
const fp_fixed_table fp_fixed_tables[FP_N_FIXED] = {
    FIXED(FP_MODELS, models),
    FIXED(FP_TASKS, tasks),
    FIXED(FP_LABELS, labels),
    FIXED(FP_DATA, data),
    FIXED(FP_RUNS, runs),
    FIXED(FP_CHECKPOINTS, checkpoints),
    FIXED(FP_UNITS, units),
    FIXED(FP_CLASSIFIERS, classifiers),
    FIXED(FP_CONTROLS, controls),
    FIXED(FP_CODES, codes),
    FIXED(FP_MEMORISATIONS, memorisations),
};

const fp_product fp_products[FP_N_PRODUCTS] = {
    [FP_UNIT] = {&fp_unit_records, FP_UNITS, FP_UNIT_STATUS, FP_UNIT_PROVENANCE},
    [FP_CLASSIFIER] = {&fp_classifier_records, FP_CLASSIFIERS, FP_CLASSIFIER_STATUS,
                       FP_CLASSIFIER_PROVENANCE},
    [FP_CONTROL] = {&fp_control_records, FP_CONTROLS, FP_CONTROL_STATUS, FP_CONTROL_PROVENANCE},
    [FP_CODE] = {&fp_code_records, FP_CODES, FP_CODE_STATUS, FP_CODE_PROVENANCE},
    [FP_MEMORISATION] = {&fp_memorisation_records, FP_MEMORISATIONS, FP_MEMORISATION_STATUS,
                         FP_MEMORISATION_PROVENANCE},
};

void *fp_fixed_rows(const fp_layout *layout, const fp_fixed_table *table) {
    void *rows;
    memcpy(&rows, (const char *)layout + table->rows, sizeof rows);
    return rows;
}

size_t *fp_fixed_count(fp_layout *layout, const fp_fixed_table *table) {
    return (size_t *)((char *)layout + table->count);
}

static size_t fixed_rows(const fp_layout *layout, fp_dataset dataset) {
    fp_layout copy = *layout;
    for (size_t i = 0; i < FP_N_FIXED; i++)
        if (fp_fixed_tables[i].dataset == dataset)
            return *fp_fixed_count(&copy, &fp_fixed_tables[i]);
    return 0;
}

size_t fp_dataset_rows(const fp_layout *layout, fp_dataset dataset) {
    for (size_t i = 0; i < FP_N_PRODUCTS; i++)
        if (dataset == fp_products[i].status || dataset == fp_products[i].provenance)
            return fixed_rows(layout, fp_products[i].rows);
    switch (dataset) {
    case FP_CHECKPOINT_PROVENANCE:
    case FP_CHECKPOINT_STATUS:
        return layout->n_checkpoints;
    case FP_DERIVED:
        return layout->n_units;
    case FP_CLASSIFIER_DERIVED:
        return layout->n_classifiers;
    case FP_CLASSIFIER_SEEDS:
        return layout->n_classifier_seeds;
    case FP_LOSSES:
        return layout->n_losses;
    case FP_PROGRESS:
        return 1;
    default:
        return fixed_rows(layout, dataset);
    }
}
