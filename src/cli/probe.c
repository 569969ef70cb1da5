#include "command.h"

#include "fineprobe/file.h"
#include "points.h"
#include "probe_result.h"
#include "progress.h"
#include "run/run.h"
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "Usage: fineprobe probe [OPTION]... FILE\n"
    "\n"
    "DirectProbe on your own vectors, exact and without a commercial solver. FILE is in the\n"
    "safetensors format: a matrix \"points\" [n, d] of any real type (used as float32), and\n"
    "\"labels\" [n], whole numbers of any values. Or it comes from 'fineprobe embed': then every\n"
    "layer and split is probed.\n"
    "\n"
    "Options:\n"
    "      --layer=N           of embed's output: this layer only\n"
    "      --split=NAME        of embed's output: train or test only\n"
    "      --gap=G             relative duality gap of distances (default: 1e-5)\n"
    "      --small-clusters=N  clusters of N points or fewer are left out of the distances\n"
    "                          (default: 0; published results: 5)\n"
    "      --centroids         the labels' centroids, too\n"
    "      --threads=N         processor cores to use (default: 1); the result is the same\n"
    "  -o, --output=FILE       the result (default: standard output)\n"
    "  -q, --quiet             no progress, no summary\n"
    "      --help              this text\n"
    "\n"
    "The result is one JSON object with \"file\", \"settings\" and a list \"probes\"; each of them:\n"
    "  layer, split        null for a file of \"points\"\n"
    "  points, dimension   their number, and the numbers of each\n"
    "  labels              as the file has them; other lists go by this order\n"
    "  linear              true: one cluster a label; false; \"undecided\": a verdict stayed open\n"
    "                      within the tolerance; null: fewer than two labels\n"
    "  clusters            of each: label, size, mean_distance and max_distance to its centroid\n"
    "  cluster_of          the cluster of every point, counted from 0\n"
    "  label_distances     matrix; null: not defined (the diagonal, a label without points)\n"
    "  minimum_distances   of each label to its nearest other\n"
    "  centroids           with --centroids: of each label; null: without points\n"
    "  largest_gap         relative duality gap of the distances\n"
    "  solver_calls        questions about hulls that needed the solver\n"
    "  undecided           verdicts that stayed open, taken as overlap\n"
    "  touching            pairs of clusters with different labels nearer to each other than 2^-24 of\n"
    "                      the diagonal of the box of their labels' points: on, or nearly on, one\n"
    "                      another; distances below that count as overlap everywhere else\n"
    "  seconds             time it took\n"
    "\n"
    "From Python: safetensors.numpy.save_file({\"points\": x, \"labels\": y}, \"x.safetensors\")\n"
    "\n"
    "Example:\n"
    "  fineprobe embed --model experiments/demo/models/demo-2x32 --task trec \\\n"
    "      --train experiments/demo/questions.train.txt --layers last -o trec.safetensors\n"
    "  fineprobe probe trec.safetensors -o trec.json\n";

typedef struct fp_probe_wanted {
    const char *file, *output, *split;
    long layer; /* -1: all */
    fp_directprobe_settings settings;
    int centroids, quiet;
} fp_probe_wanted;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void name_source(const fp_points_source *source, char out[40]) {
    if (source->split)
        snprintf(out, 40, "layer %d, %s", source->layer, source->split);
    else
        snprintf(out, 40, "points");
}

/* One line for people, beside the result. */
static void tell(const char *name, const fp_points *points, const fp_directprobe_result *result,
                 double seconds) {
    char size[32];
    fprintf(stderr, "%s: %s x %zu, %zu labels, %zu clusters: %s, %.1f s\n", name, fp_grouped(points->n, size),
            points->width, result->n_present, result->n_clusters, fp_probe_state(result), seconds);
}

/* The result of one matrix, appended to PROBES. */
static int probe_source(const fp_safetensors *file, const fp_points_source *source, const fp_probe_wanted *w,
                        json_t *probes, fp_error *error) {
    fp_points points;
    fp_directprobe_result result;
    char name[40];
    double began = now();
    name_source(source, name);
    if (fp_points_read(file, source, &points, error) < 0)
        return -1;
    fp_bar bar = fp_bar_make(name, w->quiet);
    int rc = fp_directprobe(points.n, points.width, points.points, points.labels, points.n_labels,
                            &w->settings, fp_bar_show, &bar, &result, error);
    fp_bar_end(&bar);
    if (rc == 0) {
        double seconds = now() - began;
        if (!w->quiet)
            tell(name, &points, &result, seconds);
        json_t *object = fp_probe_result_json(source, &points, &result, w->centroids, seconds);
        if (!object || json_array_append_new(probes, object) < 0)
            rc = fp_fail_memory(error, "the result", points.n);
        fp_directprobe_free(&result);
    } else {
        fp_error_context(error, "%s", name);
    }
    fp_points_free(&points);
    return rc;
}

static int is_wanted(const fp_points_source *source, const fp_probe_wanted *w) {
    return (w->layer < 0 || source->layer == w->layer) &&
           (!w->split || (source->split && strcmp(source->split, w->split) == 0));
}

static int probe_all(const fp_safetensors *file, const fp_probe_wanted *w, json_t *probes, fp_error *error) {
    fp_points_source *sources;
    size_t count, wanted = 0;
    if (fp_points_list(file, &sources, &count, error) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (is_wanted(&sources[i], w)) {
            wanted++;
            rc = probe_source(file, &sources[i], w, probes, error);
        }
    if (rc == 0 && wanted == 0)
        rc = fp_fail(error, "%s",
                     sources[0].split ? "the file has not that layer and split"
                                      : "--layer and --split are for files that 'fineprobe embed' wrote");
    free(sources);
    return rc;
}

static int write_result(const json_t *document, const char *output, fp_error *error) {
    char *text = json_dumps(document, JSON_COMPACT);
    if (!text)
        return fp_fail_memory(error, "the result", 0);
    size_t size = strlen(text);
    text[size] = '\n'; /* instead of its end */
    int rc = 0;
    if (output)
        rc = fp_file_write(output, text, size + 1, error);
    else if (fwrite(text, 1, size + 1, stdout) != size + 1 || fflush(stdout) != 0)
        rc = fp_fail_errno(error, "cannot write the result");
    free(text);
    return rc;
}

static int probe(const fp_probe_wanted *w) {
    fp_error error = {0};
    json_t *probes = json_array();
    json_t *document = json_pack("{s:s, s:s, s:{s:f, s:I}, s:o}", "program", "fineprobe " FINEPROBE_VERSION,
                                 "file", w->file, "settings", "gap", w->settings.gap, "small_clusters",
                                 (json_int_t)w->settings.small, "probes", probes);
    openblas_set_num_threads(w->settings.threads);
    fp_safetensors *file = document ? fp_safetensors_open(w->file, &error) : NULL;
    int rc = -1;
    if (!document) {
        fp_fail(&error, "the file's name is not UTF-8");
    } else if (file) {
        rc = probe_all(file, w, probes, &error);
        if (rc < 0)
            fp_error_context(&error, "%s", w->file);
    }
    if (rc == 0)
        rc = write_result(document, w->output, &error);
    fp_safetensors_close(file);
    json_decref(document);
    if (rc < 0)
        fp_complain(error.text);
    return rc < 0 ? FP_EXIT_FAILED : FP_EXIT_OK;
}

enum { LAYER = 256, SPLIT, GAP, SMALL, CENTROIDS, THREADS };

/* Takes one option; -1 after a message. */
static int take(fp_probe_wanted *w, int option) {
    const fp_command *command = &fp_command_probe;
    long number = 0;
    int rc = 0;
    switch (option) {
    case LAYER:
        return fp_option_integer(command, "--layer", optarg, 0, &w->layer);
    case SPLIT:
        w->split = optarg;
        if (strcmp(optarg, "train") != 0 && strcmp(optarg, "test") != 0)
            rc = -(fp_misused(command, "--split wants train or test, not '%s'", optarg) != 0);
        return rc;
    case GAP:
        return fp_option_real(command, "--gap", optarg, &w->settings.gap);
    case SMALL:
        rc = fp_option_integer(command, "--small-clusters", optarg, 0, &number);
        w->settings.small = (size_t)number;
        return rc;
    case THREADS:
        rc = fp_option_integer(command, "--threads", optarg, 1, &number);
        w->settings.threads = (int)number;
        return rc;
    case 'o':
        w->output = optarg;
        return 0;
    default:
        w->centroids |= option == CENTROIDS;
        w->quiet |= option == 'q';
        return 0;
    }
}

static int run(int argc, char **argv) {
    static const struct option options[] = {{"layer", required_argument, NULL, LAYER},
                                            {"split", required_argument, NULL, SPLIT},
                                            {"gap", required_argument, NULL, GAP},
                                            {"small-clusters", required_argument, NULL, SMALL},
                                            {"centroids", no_argument, NULL, CENTROIDS},
                                            {"threads", required_argument, NULL, THREADS},
                                            {"output", required_argument, NULL, 'o'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {0}};
    fp_probe_wanted wanted = {.layer = -1, .settings = fp_directprobe_defaults()};
    int c, code = 0;
    while ((c = fp_option(&fp_command_probe, argc, argv, "o:q", options, &code)) != -1) {
        if (c == -2)
            return code;
        if (take(&wanted, c) < 0)
            return FP_EXIT_USAGE;
    }
    wanted.file = fp_argument(&fp_command_probe, argc, argv, "FILE");
    return wanted.file ? probe(&wanted) : FP_EXIT_USAGE;
}

const fp_command fp_command_probe = {"probe", "DirectProbe on your own vectors", help, run};
