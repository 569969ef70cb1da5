#!/usr/bin/env bash
# Installs what is missing, builds, sweeps experiments/demo.yaml on two ranks and shows what fine-tuning did.
set -euo pipefail
cd "$(dirname "$0")/.."

.ci/install build
cmake -S . -B build >/dev/null
cmake --build build -j "$(nproc)" --target fineprobe

# Containers run as root, and a machine may have one core: Open MPI wants both said.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
mpirun -n 2 build/fineprobe run experiments/demo.yaml
echo
build/fineprobe status results/demo.h5
build/fineprobe export results/demo.h5 -o results/demo >/dev/null
build/fineprobe report results/demo.h5 --quiet

echo
echo "The last layer before and after fine-tuning. Labels are linearly separable when there are as many clusters;"
echo "distance: of a label to the nearest other, mean over labels; accuracy: of the run's own head on the test set,"
echo "beside that of always answering the most frequent label; before and after: of the best classifier that the probe found."
echo
awk -F, '
    FNR == 1 {
        for (i = 1; i <= NF; i++) column[i] = $i
        table++
        next
    }
    {
        for (i = 1; i <= NF; i++) row[column[i]] = $i
    }
    table == 1 { majority[row["name"]] = row["majority_accuracy"] }
    table == 2 { layers[row["name"]] = row["layers"] }
    table == 3 { accuracy[row["checkpoint"]] = row["test_accuracy"] }
    table == 4 && row["layer"] == layers[row["model"]] {
        key = row["model"] SUBSEP row["probed_on"]
        if (row["finetuned_on"] == "") {
            clusters[key] = row["train_clusters"]; distance[key] = row["train_mean_distance"]
        } else if (row["finetuned_on"] == row["probed_on"]) {
            if (!(key in last)) order[++n] = key
            last[key] = row["checkpoint"]; labels[key] = row["train_labels_present"]
            clusters_after[key] = row["train_clusters"]; distance_after[key] = row["train_mean_distance"]
        }
    }
    table == 5 {
        key = row["model"] SUBSEP row["probed_on"]
        if (row["finetuned_on"] == "") probe[key] = row["accuracy"]
        else if (row["finetuned_on"] == row["probed_on"]) probe_after[key] = row["accuracy"]
    }
    END {
        print  "                          clusters      distance       accuracy"
        printf "%-10s %-8s %6s  %6s %6s %7s %7s  %7s %9s %7s %7s\n", "model", "task", "labels", "before", "after", "before",
               "after", "head", "majority", "before", "after"
        for (i = 1; i <= n; i++) {
            split(order[i], name, SUBSEP)
            key = order[i]
            printf "%-10s %-8s %6d  %6d %6d %7.3f %7.3f  %7.3f %9.3f %7.3f %7.3f\n", name[1], name[2], labels[key],
                   clusters[key], clusters_after[key], distance[key], distance_after[key], accuracy[last[key]],
                   majority[name[2]], probe[key], probe_after[key]
        }
    }' results/demo/tasks.csv results/demo/models.csv results/demo/checkpoints.csv results/demo/units.csv \
    results/demo/classifiers.csv

cat <<'TEXT'

What to look at next:
  results/demo.report        the report: open index.html; figures, tables, which of the paper's conclusions hold here
  results/demo.h5            the result file; README.md, "The result file", opens it in Python
  results/demo/*.csv         the same as tables: minimum_distances.csv follows every label from step to step
  experiments/demo.yaml      the grid; change it and run this again: what is done already is kept
  build/fineprobe --help     the commands
TEXT
