#include "contents.h"

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
    FIELD(work_done, FP_FIELD_F64, "seconds of one core", "expected work that is done"),
    FIELD(work_total, FP_FIELD_F64, "seconds of one core", "expected work of the whole sweep"),
    FIELD(finished, FP_FIELD_I32, "",
          "1: the sweep ended with every unit done or failed; 2: it was stopped early with everything saved; "
          "0: it runs, or was killed"),
#undef FIELD
};
const fp_table fp_table_progress = {"progress", "pulse of the sweep, one row, rewritten every few seconds",
                                    sizeof(fp_progress_row), sizeof progress_fields / sizeof *progress_fields,
                                    progress_fields};

#define STATES "0 waiting, 1 running, 2 done, 3 failed; only rows of done ones hold results"

const fp_array fp_datasets[FP_N_DATASETS] = {
    [FP_MODELS] = {"models", FP_ELEMENT_ROW, &fp_table_models, "model", "", ""},
    [FP_TASKS] = {"tasks", FP_ELEMENT_ROW, &fp_table_tasks, "task", "", ""},
    [FP_LABELS] = {"labels", FP_ELEMENT_ROW, &fp_table_labels, "label", "", ""},
    [FP_DATA] = {"data", FP_ELEMENT_ROW, &fp_table_data, "model and task and split", "", ""},
    [FP_RUNS] = {"runs", FP_ELEMENT_ROW, &fp_table_runs, "run", "", ""},
    [FP_CHECKPOINTS] = {"checkpoints", FP_ELEMENT_ROW, &fp_table_checkpoints, "checkpoint", "", ""},
    [FP_UNITS] = {"units", FP_ELEMENT_ROW, &fp_table_units, "unit", "", ""},
    [FP_DERIVED] = {"derived", FP_ELEMENT_ROW, &fp_table_derived, "unit", "", ""},
    [FP_UNIT_PROVENANCE] = {"unit_provenance", FP_ELEMENT_ROW, &fp_table_provenance, "unit", "",
                            "how the unit's results came about; differs from one sweep to the next"},
    [FP_CHECKPOINT_PROVENANCE] = {"checkpoint_provenance", FP_ELEMENT_ROW, &fp_table_provenance, "checkpoint",
                                  "", "how the checkpoint came about; differs from one sweep to the next"},
    [FP_PROGRESS] = {"progress", FP_ELEMENT_ROW, &fp_table_progress, "one", "", ""},
    [FP_LOSSES] = {"losses", FP_ELEMENT_F32, NULL, "update", "nats",
                   "training loss of every update, run after run (see losses_at in runs); NaN: not made yet"},
    [FP_UNIT_STATUS] = {"unit_status", FP_ELEMENT_U8, NULL, "unit", "", STATES},
    [FP_CHECKPOINT_STATUS] = {"checkpoint_status", FP_ELEMENT_U8, NULL, "checkpoint", "", STATES},
};

const fp_array fp_results[FP_N_RESULTS] = {
    [FP_LABEL_DISTANCES] =
        {"label_distances", FP_ELEMENT_F64, NULL, "row,split,label,label", "distance",
         "mean distance between the hulls of two labels' clusters; split 0 is the training "
         "set, 1 the test set; NaN: the diagonal, a label without instances"},
    [FP_MINIMUM_DISTANCES] = {"minimum_distances", FP_ELEMENT_F64, NULL, "row,split,label", "distance",
                              "distance of a label to the nearest other; NaN: without instances, or alone"},
    [FP_CENTROIDS] = {"centroids", FP_ELEMENT_F32, NULL, "row,split,label,width", "",
                      "mean vector of a label's instances; NaN: without instances"},
    [FP_CLUSTER_OF] =
        {"cluster_of", FP_ELEMENT_I32, NULL, "row,instance", "",
         "cluster of every instance, the training set's first, each set's clusters numbered from 0; "
         "-1: not probed"},
    [FP_CLUSTERS] = {"clusters", FP_ELEMENT_ROW, &fp_table_clusters, "row,split,place", "",
                     "the largest clusters, by size"},
    [FP_CENTROID_MOVEMENT] = {"centroid_movement", FP_ELEMENT_F64, NULL, "row,split,label", "distance",
                              "distance of a label's centroid to the one of the original model; NaN: not "
                              "defined; written when the sweep ends"},
};

int fp_result_shape(const fp_group *group, fp_result result, hsize_t shape[FP_MAX_AXES]) {
    enum { SPLITS = 2 };
    shape[0] = group->rows;
    shape[1] = SPLITS;
    shape[2] = group->labels;
    switch (result) {
    case FP_LABEL_DISTANCES:
        shape[3] = group->labels;
        return 4;
    case FP_CENTROIDS:
        shape[3] = group->width;
        return 4;
    case FP_CLUSTER_OF:
        shape[1] = group->train_instances + group->test_instances;
        return 2;
    case FP_CLUSTERS:
        shape[2] = group->clusters;
        return 3;
    default: /* minimum_distances, centroid_movement */
        return 3;
    }
}

size_t fp_dataset_rows(const fp_layout *layout, fp_dataset dataset) {
    switch (dataset) {
    case FP_MODELS:
        return layout->n_models;
    case FP_TASKS:
        return layout->n_tasks;
    case FP_LABELS:
        return layout->n_labels;
    case FP_DATA:
        return layout->n_data;
    case FP_RUNS:
        return layout->n_runs;
    case FP_CHECKPOINTS:
    case FP_CHECKPOINT_PROVENANCE:
    case FP_CHECKPOINT_STATUS:
        return layout->n_checkpoints;
    case FP_LOSSES:
        return layout->n_losses;
    case FP_PROGRESS:
        return 1;
    default: /* one a unit */
        return layout->n_units;
    }
}

void fp_record_arrays(const fp_unit_record *record, void *out[FP_CENTROID_MOVEMENT]) {
    out[FP_LABEL_DISTANCES] = record->label_distances;
    out[FP_MINIMUM_DISTANCES] = record->minimum_distances;
    out[FP_CENTROIDS] = record->centroids;
    out[FP_CLUSTER_OF] = record->cluster_of;
    out[FP_CLUSTERS] = record->clusters;
}
