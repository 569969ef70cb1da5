#include "command.h"

#include "progress.h"
#include "report/export.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: fineprobe export [OPTION]... -o DIR FILE\n"
    "\n"
    "Writes the result file FILE as flat tables into the folder DIR: comma-separated values,\n"
    "one row an observation, with headers. Works while the sweep runs: only finished units\n"
    "and checkpoints are taken. A table appears under its name whole or not at all.\n"
    "\n"
    "Options:\n"
    "  -o, --output=DIR   the folder; made when it is missing, older tables in it are replaced\n"
    "      --only=NAMES   these tables only, with commas between\n"
    "  -q, --quiet        no progress, no summary\n"
    "      --help         this text\n"
    "\n"
    "Tables (each NAME.csv; the columns are those of the result file, see README):\n"
    "  models, tasks, labels, data   what the sweep is about\n"
    "  runs, checkpoints, losses     fine-tuning; losses has one row an update\n"
    "  units                         one row a unit: what the probe saw on both sets\n"
    "  derived                       units compared with their original\n"
    "  label_distances               one row a pair of labels, unit and split\n"
    "  minimum_distances, movements  one row a label, unit and split\n"
    "  clusters                      the largest clusters of a unit\n"
    "  certificates                  why clusters are apart or were not merged, a row a point\n"
    "  points                        the cluster of every instance\n"
    "  centroids                     one row a label and dimension, unit and split: large\n"
    "  classifiers, controls, codes, memorisations   one row a probe that trains classifiers\n"
    "  classifier_derived            classifiers compared with their original\n"
    "  classifier_seeds              classifiers of all seeds together\n"
    "  candidates, initialisations   settings tried; networks trained with the best of them\n"
    "  label_scores, confusion       precision, recall and F1 of every label; pairs of labels\n"
    "  predictions, test_labels      predicted and true label of every test instance: large\n"
    "  control_accuracies, portions  of control tasks; of description lengths\n"
    "  curves, curve_losses          of memorisation, one row an epoch and set\n"
    "  X_provenance                  where, when, how long; failures and why; X is unit,\n"
    "                                checkpoint, classifier, control, code or memorisation\n"
    "\n"
    "Numbers read back as the same bits. What is not defined is \"nan\"; an empty finetuned_on\n"
    "is the original model. In pandas: read_csv(name, keep_default_na=False, na_values=[\"nan\"])\n"
    "keeps empty texts, and labels such as NA, as they are.\n"
    "\n"
    "Example:\n"
    "  fineprobe export results/demo.h5 -o results/demo.csv --only units,label_distances\n";

/* The first of NAMES that is no table; NULL when all are. */
static const char *unknown_table(char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t t = 0;
        while (fp_export_tables[t] && strcmp(fp_export_tables[t], names[i]) != 0)
            t++;
        if (!fp_export_tables[t])
            return names[i];
    }
    return NULL;
}

static int export(const char *file, const char *folder, char *const *only, size_t n_only, int quiet) {
    fp_bar bar = fp_bar_make("tables", quiet);
    fp_export_options options = {.only = only, .n_only = n_only, .progress = fp_bar_show, .context = &bar};
    fp_export_counts counts;
    fp_error error = {0};
    char size[32];
    int rc = fp_export(file, folder, &options, &counts, &error);
    fp_bar_end(&bar);
    if (rc < 0) {
        fp_complain(error.text);
        return FP_EXIT_FAILED;
    }
    if (!quiet)
        printf("%s: %zu table%s, %s; %zu of %zu units are finished\n", folder, counts.files,
               counts.files == 1 ? "" : "s", fp_bytes((double)counts.bytes, size), counts.units_done,
               counts.units);
    return FP_EXIT_OK;
}

static int run(int argc, char **argv) {
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"only", required_argument, NULL, 'n'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {0}};
    const char *folder = NULL, *names = NULL;
    int c, code = 0, quiet = 0;
    while ((c = fp_option(&fp_command_export, argc, argv, "o:q", options, &code)) != -1) {
        if (c == -2)
            return code;
        if (c == 'o')
            folder = optarg;
        if (c == 'n')
            names = optarg;
        quiet |= c == 'q';
    }
    const char *file = fp_argument(&fp_command_export, argc, argv, "FILE");
    if (!file)
        return FP_EXIT_USAGE;
    if (!folder)
        return fp_misused(&fp_command_export, "-o DIR is missing: where the tables go");
    char **only = NULL;
    size_t n_only = 0;
    if (names && fp_option_list(names, &only, &n_only) < 0)
        return FP_EXIT_FAILED;
    const char *unknown = unknown_table(only, n_only);
    code = unknown ? fp_misused(&fp_command_export, "there is no table '%s'", unknown)
                   : export(file, folder, only, n_only, quiet);
    free(only);
    return code;
}

const fp_command fp_command_export = {"export", "write every result as flat CSV tables", help, run};
