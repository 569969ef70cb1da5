#include "base/table_fields.h"

#include <math.h>
#include <string.h>

void fp_open_fields(const fp_table *table, size_t from, void *row) {
    const double not_known = NAN;
    for (size_t i = 0; i < table->n_fields; i++) {
        const fp_field *field = &table->fields[i];
        char *at = (char *)row + field->offset;
        if (field->offset < from)
            continue;
        if (field->type == FP_FIELD_F64)
            memcpy(at, &not_known, sizeof not_known);
        else
            memset(at, 0, field->size);
    }
}

static void open_checkpoint(void *row) {
    fp_open_fields(&fp_table_checkpoints, offsetof(fp_checkpoint_row, train_loss), row);
}

static void open_unit(void *row) {
    fp_open_fields(&fp_table_units, offsetof(fp_unit_row, train), row);
}

static void open_certificate(void *row) {
    *(fp_certificate_row *)row = (fp_certificate_row){-1, -1, -1, 0, 0, 0, NAN};
}

static void open_derived(void *row) {
    fp_open_fields(&fp_table_derived, offsetof(fp_derived_row, train_similarity), row);
}

static void open_provenance(void *row) {
    *(fp_provenance_row *)row = (fp_provenance_row){.rank = -1};
}

static void open_cluster(void *row) {
    *(fp_cluster_row *)row =
        (fp_cluster_row){.cluster = -1, .label = -1, .mean_distance = NAN, .largest_distance = NAN};
}

#define ROW fp_model_row
static const fp_field model_fields[] = {
    FIELD(name, "", "name of the model in the grid"),
    FIELD(folder, "", "folder its weights came from; empty: random weights"),
    FIELD(digest, "", "digest of its configuration and weights"),
    FIELD(layers, "", "transformer layers (layer 0 is the embeddings)"),
    FIELD(hidden, "", "width of a hidden state"),
    FIELD(heads, "", "attention heads of a layer"),
    FIELD(intermediate, "", "width of the feed-forward layer"),
    FIELD(vocabulary, "pieces", "pieces in its vocabulary"),
    FIELD(positions, "pieces", "longest sequence it reads"),
    FIELD(parameters, "", "float32 numbers in its encoder, without the pooler"),
};
TABLE(models, model_fields, "models of the grid", NULL);
#undef ROW

#define ROW fp_task_row
static const fp_field task_fields[] = {
    FIELD(name, "", "name of the task in the grid"),
    FIELD(kind, "", "what is classified: word, pair or sentence"),
    FIELD(reader, "", "format its files were read as"),
    FIELD(train_file, "", "file of the training set"),
    FIELD(test_file, "", "file of the test set"),
    FIELD(digest, "", "digest of words, instances and labels of both sets"),
    FIELD(labels, "", "labels, the union of both sets"),
    FIELD(train_sentences, "sentences", "sentences of the training set that have instances"),
    FIELD(test_sentences, "sentences", "sentences of the test set that have instances"),
    FIELD(train_instances, "instances", "instances of the training set"),
    FIELD(test_instances, "instances", "instances of the test set"),
    FIELD(majority_label, "", "most frequent label of the training set"),
    FIELD(majority_accuracy, "share", "accuracy of always answering majority_label on the test set"),
};
TABLE(tasks, task_fields, "tasks of the grid", NULL);
#undef ROW

#define ROW fp_label_row
static const fp_field label_fields[] = {
    FIELD(task, "", "task the label belongs to"),
    FIELD(label, "", "the label"),
    FIELD(index, "", "position on the label axes of the task's results"),
    FIELD(train_instances, "instances", "instances of the training set that carry it"),
    FIELD(test_instances, "instances", "instances of the test set that carry it"),
};
TABLE(labels, label_fields, "labels of every task, in the order of the label axes", NULL);
#undef ROW

#define ROW fp_data_row
static const fp_field data_fields[] = {
    FIELD(model, "", "model that reads the data"),
    FIELD(task, "", "task the data belongs to"),
    FIELD(split, "", "train or test"),
    FIELD(sentences, "sentences", "sentences read"),
    FIELD(pieces, "pieces", "word pieces of all sentences, with [CLS] and [SEP]"),
    FIELD(longest, "pieces", "word pieces of the longest sentence, after cutting"),
    FIELD(instances, "instances", "instances that were left after cutting"),
    FIELD(cut_sentences, "sentences", "sentences cut at the model's longest sequence"),
    FIELD(cut_words, "words", "words lost by that"),
    FIELD(cut_instances, "instances", "instances lost by that"),
    FIELD(empty_words, "words", "words of which the tokeniser left nothing; each counts as [UNK]"),
};
TABLE(data, data_fields, "what a model's tokeniser and its longest sequence made of a task's data", NULL);
#undef ROW

#define ROW fp_run_row
static const fp_field run_fields[] = {
    FIELD(model, "", "model that is fine-tuned"),
    FIELD(task, "", "task it is fine-tuned on"),
    FIELD(objective, "", "classify, or mlm (masked-language modelling)"),
    FIELD(seed, "", "seed of the run's random numbers"),
    FIELD(updates, "updates", "updates of the whole run"),
    FIELD(batch, "sentences", "sentences of one update"),
    FIELD(learning_rate, "", "peak learning rate"),
    FIELD(warmup, "share", "share of the updates in which the learning rate rises"),
    FIELD(weight_decay, "", "weight decay of AdamW"),
    FIELD(losses_at, "", "place of the run's first update in the dataset losses"),
    FIELD(digest, "", "digest of all that decides the run"),
};
TABLE(runs, run_fields, "fine-tuning runs: one model on one task with one seed", NULL);
#undef ROW

#define ROW fp_checkpoint_row
static const fp_field checkpoint_fields[] = {
    FIELD(run, "", "row of the run in runs; -1: the original model"),
    FIELD(model, "", "model of the run"),
    FIELD(finetuned_on, "", "task of the run; empty: the original model"),
    FIELD(seed, "", "seed of the run; -1: the original model"),
    FIELD(step, "updates", "updates made so far"),
    FIELD(digest, "", "digest of all that decides the checkpoint"),
    FIELD(train_loss, "nats", "mean loss over the updates since the checkpoint before"),
    FIELD(test_loss, "nats", "mean loss of the run's own head on the test set"),
    FIELD(test_accuracy, "share", "accuracy of the run's own head on the test set"),
    FIELD(crc, "", "CRC-32 of the row up to here and the losses since the checkpoint before"),
};
TABLE(checkpoints, checkpoint_fields,
      "models after some updates of a run, the originals first; done: see checkpoint_status",
      open_checkpoint);
#undef ROW

#define ROW fp_unit_row
/* NOLINTBEGIN(bugprone-macro-parentheses): SPLIT is a member, which takes none */
#define PROBE(split)                                                                                         \
    NAMED(ROW, #split "_state", split.state, "",                                                             \
          #split " set: linear, not linear, undecided or one label; empty until done"),                      \
        NAMED(ROW, #split "_points", split.points, "instances", #split " set: instances probed"),            \
        NAMED(ROW, #split "_labels_present", split.labels_present, "",                                       \
              #split " set: labels that have instances"),                                                    \
        NAMED(ROW, #split "_clusters", split.clusters, "", #split " set: clusters DirectProbe ended with"),  \
        NAMED(ROW, #split "_smallest_distance", split.smallest_distance, "distance",                         \
              #split " set: smallest of the labels' minimum distances"),                                     \
        NAMED(ROW, #split "_mean_distance", split.mean_distance, "distance",                                 \
              #split " set: mean of the labels' minimum distances"),                                         \
        NAMED(ROW, #split "_largest_gap", split.largest_gap, "share",                                        \
              #split " set: largest relative duality gap of a distance"),                                    \
        NAMED(ROW, #split "_solver_calls", split.solver_calls, "calls",                                      \
              #split " set: separability questions that needed the solver"),                                 \
        NAMED(ROW, #split "_undecided", split.undecided, "calls",                                            \
              #split " set: separability questions left open within the tolerance, taken as overlap"),       \
        NAMED(ROW, #split "_touching", split.touching, "pairs",                                              \
              #split                                                                                         \
              " set: pairs of clusters with different labels that are no further apart than "                \
              "the resolution: points on, or nearly on, one another"),                                       \
        NAMED(ROW, #split "_certificates", split.certificates, "", #split " set: certificates stored"),      \
        NAMED(ROW, #split "_certificates_left_out", split.certificates_left_out, "",                         \
              #split " set: verdicts whose certificate found no room (see the grid's certificates)")

/* NOLINTEND(bugprone-macro-parentheses) */
static const fp_field unit_fields[] = {
    FIELD(unit, "", "row in this table"),
    FIELD(checkpoint, "", "row of its checkpoint in checkpoints"),
    FIELD(run, "", "row of its run in runs; -1: the original model"),
    FIELD(model, "", "model probed"),
    FIELD(finetuned_on, "", "task the model was fine-tuned on; empty: the original model"),
    FIELD(probed_on, "", "task whose instances are probed"),
    FIELD(seed, "", "seed of the run; -1: the original model"),
    FIELD(step, "updates", "updates made before probing; 0: the original model"),
    FIELD(layer, "", "layer probed; 0: the embeddings"),
    FIELD(results, "", "group that holds its arrays"),
    FIELD(row, "", "its place on the first axis of those arrays"),
    FIELD(digest, "", "digest of all that decides the results"),
    PROBE(train),
    PROBE(test),
    FIELD(train_test_similarity, "correlation",
          "spatial similarity of the training set's label distances and the test set's; NaN: not defined"),
    FIELD(crc, "",
          "CRC-32 of the row up to here, then label_distances, minimum_distances, centroids, cluster_of, "
          "clusters, certificates, support_points, support_weights"),
};
TABLE(units, unit_fields, "probing of one layer of one checkpoint on one task; done: see unit_status",
      open_unit);
#undef PROBE
#undef ROW

#define ROW fp_provenance_row
static const fp_field provenance_fields[] = {
    FIELD(rank, "", "MPI rank that computed it; -1: not started"),
    FIELD(attempts, "", "times it was started"),
    FIELD(incarnation, "", "session of the sweep that computed it, counted from 1"),
    FIELD(host, "", "node it was computed on"),
    FIELD(job, "", "job of the batch system"),
    FIELD(started, "seconds since 1970", "start of the last attempt; 0: not known"),
    FIELD(finished, "seconds since 1970", "its end; 0: not known"),
    FIELD(seconds, "seconds", "time of computing"),
    FIELD(peak_memory, "bytes", "largest memory in use; 0: not known"),
    FIELD(message, "", "why it failed"),
};
TABLE(provenance, provenance_fields, "how results came about; differs from one sweep to the next",
      open_provenance);
#undef ROW

#define ROW fp_derived_row
static const fp_field derived_fields[] = {
    FIELD(unit, "", "row of the unit in units"),
    FIELD(original, "", "unit of the same model, task and layer at step 0; -1: not in this sweep"),
    FIELD(train_similarity, "correlation",
          "training set: spatial similarity to the original; NaN: not defined"),
    FIELD(test_similarity, "correlation", "test set: spatial similarity to the original; NaN: not defined"),
    FIELD(train_movement, "distance",
          "training set: mean distance of the labels' centroids to the original's"),
    FIELD(test_movement, "distance", "test set: mean distance of the labels' centroids to the original's"),
};
TABLE(derived, derived_fields, "units compared with the original model, written when the sweep ends",
      open_derived);
#undef ROW

#define ROW fp_cluster_row
static const fp_field cluster_fields[] = {
    FIELD(cluster, "", "number of the cluster in cluster_of; -1: none in this place"),
    FIELD(label, "", "index of its label; -1: none in this place"),
    FIELD(size, "instances", "its points; 0: none in this place"),
    FIELD(mean_distance, "distance", "mean distance of its points to its centroid"),
    FIELD(largest_distance, "distance", "largest distance of its points to its centroid"),
};
TABLE(clusters, cluster_fields, "largest clusters first", open_cluster);
#undef ROW

#define ROW fp_certificate_row
static const fp_field certificate_fields[] = {
    FIELD(first, "", "cluster; -1: no certificate in this place"),
    FIELD(second, "",
          "cluster: with another label, apart from the first; or with the same label, not merged with it"),
    FIELD(third, "", "cluster with another label that the union of the two meets; -1: they are apart"),
    FIELD(n_first, "", "points of the first side (of the union, when there is a third)"),
    FIELD(n_support, "", "points of both sides; 0: no certificate in this place"),
    FIELD(begin, "", "place of the first of them in support_points and support_weights"),
    FIELD(distance, "distance",
          "between the two weighted means of points: of the hulls, when they are apart"),
};
TABLE(certificates, certificate_fields,
      "why clusters are apart (the nearest points of their hulls) or were not merged (points of both hulls "
      "that meet)",
      open_certificate);
#undef ROW

size_t fp_table_packed_size(const fp_table *table) {
    size_t size = 0;
    for (size_t i = 0; i < table->n_fields; i++)
        size += table->fields[i].size;
    return size;
}

size_t fp_table_packed_offset(const fp_table *table, const char *name, const fp_field **field) {
    size_t at = 0;
    for (size_t i = 0; i < table->n_fields; i++) {
        if (strcmp(table->fields[i].name, name) == 0) {
            if (field)
                *field = &table->fields[i];
            return at;
        }
        at += table->fields[i].size;
    }
    return at;
}

void fp_table_pack(const fp_table *table, const void *row, void *packed) {
    char *to = packed;
    for (size_t i = 0; i < table->n_fields; i++) {
        const fp_field *field = &table->fields[i];
        const char *from = (const char *)row + field->offset;
        size_t used = field->type == FP_FIELD_TEXT ? strnlen(from, field->size - 1) : field->size;
        memcpy(to, from, used);
        memset(to + used, 0, field->size - used);
        to += field->size;
    }
}

void fp_table_unpack(const fp_table *table, const void *packed, void *row) {
    const char *from = packed;
    memset(row, 0, table->row_size);
    for (size_t i = 0; i < table->n_fields; i++) {
        const fp_field *field = &table->fields[i];
        size_t used = field->type == FP_FIELD_TEXT ? strnlen(from, field->size - 1) : field->size;
        memcpy((char *)row + field->offset, from, used);
        from += field->size;
    }
}

void fp_table_open(const fp_table *table, void *row) {
    if (table->open)
        table->open(row);
    else
        memset(row, 0, table->row_size);
}

void fp_checkpoint_row_open(fp_checkpoint_row *row) {
    open_checkpoint(row);
}

void fp_unit_row_open(fp_unit_row *row) {
    open_unit(row);
}

void fp_derived_row_open(fp_derived_row *row) {
    open_derived(row);
}
