#include "command.h"

#include "fineprobe/recheck.h"
#include "fineprobe/store.h"
#include "progress.h"
#include <stdio.h>
#include <string.h>

enum { SAMPLE = 20 }; /* units, unless told */

static const char help[] =
    "Usage: fineprobe verify [OPTION]... FILE\n"
    "\n"
    "Checks that the result file FILE holds what was written into it: its structure, the\n"
    "tables that are fixed when it is made, and the CRC of every unit and checkpoint that is\n"
    "marked as done. What is damaged is named, a line each. Nothing is changed; the next\n"
    "'fineprobe run' on the file computes just what is damaged or missing again.\n"
    "\n"
    "Options:\n"
    "      --certificates[=N]  checks DirectProbe's certificates as well, those of N units spread\n"
    "                          evenly over the file, or of all (default: 20)\n"
    "      --grid=GRID.yaml    with --certificates: the grid of the sweep (default: where it was\n"
    "                          when the sweep began)\n"
    "  -q, --quiet             no progress\n"
    "      --help              this text\n"
    "\n"
    "A certificate says why two clusters are apart (the nearest points of their hulls, as weighted\n"
    "means of vectors) or why two clusters with one label were not merged (a point of their union's\n"
    "hull that lies in a third cluster's). The vectors are made again from the checkpoints, in\n"
    "TMPDIR; nothing is solved again. Every certificate is checked in double precision: that its\n"
    "weights are ones, that its hyperplane keeps the clusters apart and proves the distance up to\n"
    "the duality gap, or that the points meet within the resolution. Units whose checkpoint was not\n"
    "kept (the grid's output, keep) are named and left out.\n"
    "\n"
    "The tables derived, provenance and progress carry no CRC: the first is made anew at the end\n"
    "of every sweep, the others tell how results came about.\n"
    "\n"
    "Exit codes: 0 all is well; 1 something is damaged or does not hold, or could not be checked;\n"
    "2 wrong options.\n"
    "\n"
    "Example:\n"
    "  fineprobe verify --certificates=all results/demo.h5\n";

typedef struct fp_verify_view {
    const char *file;
    fp_bar bar;
} fp_verify_view;

static void found(void *context, const char *what) {
    fp_verify_view *view = context;
    fp_bar_end(&view->bar);
    printf("%s: %s\n", view->file, what);
}

static void show(void *context, double share) {
    fp_verify_view *view = context;
    fp_bar_show(&view->bar, share);
}

static int verify_records(const char *file, fp_verify_view *view) {
    fp_error error = {0};
    fp_store_check check;
    if (fp_store_verify(file, found, view, &check, &error) < 0) {
        fp_complain(error.text);
        return FP_EXIT_FAILED;
    }
    if (check.damaged == 0) {
        printf("%s: %zu units and %zu checkpoints are done, and as they were written\n", file, check.records,
               check.checkpoints);
        return FP_EXIT_OK;
    }
    printf("%s: damaged: %zu of %zu units and %zu of %zu checkpoints; 'fineprobe run' computes them again\n",
           file, check.bad_records, check.records, check.bad_checkpoints, check.checkpoints);
    return FP_EXIT_FAILED;
}

static int verify_certificates(const char *file, const char *grid, size_t sample, fp_verify_view *view) {
    fp_error error = {0};
    fp_problems problems = {0};
    fp_recheck r;
    fp_recheck_options options = {
        .grid = grid, .sample = sample, .found = found, .progress = show, .context = view};
    int rc = fp_recheck_run(file, &options, &r, &problems, &error);
    fp_bar_end(&view->bar);
    if (rc < 0) {
        fp_complain_problems(&problems);
        if (error.text[0])
            fp_complain(error.text);
        fp_problems_free(&problems);
        return FP_EXIT_FAILED;
    }
    fp_problems_free(&problems);
    printf(
        "%s: certificates of %zu units checked (of %zu done, %zu with a checkpoint): %zu of %zu hold, "
        "largest "
        "gap %.1e; %llu verdicts of these units have none stored\n",
        file, r.units, r.done, r.possible, r.certificates - r.bad, r.certificates, r.largest_gap,
        (unsigned long long)r.left_out);
    return r.bad_units || (r.done && !r.units) ? FP_EXIT_FAILED : FP_EXIT_OK;
}

enum { CERTIFICATES = 256, GRID };

static int run(int argc, char **argv) {
    static const struct option options[] = {{"certificates", optional_argument, NULL, CERTIFICATES},
                                            {"grid", required_argument, NULL, GRID},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {0}};
    int c, code = 0, certificates = 0, quiet = 0;
    long sample = SAMPLE;
    const char *grid = NULL;
    while ((c = fp_option(&fp_command_verify, argc, argv, "q", options, &code)) != -1) {
        if (c == -2)
            return code;
        certificates |= c == CERTIFICATES;
        quiet |= c == 'q';
        if (c == GRID)
            grid = optarg;
        if (c == CERTIFICATES && optarg && strcmp(optarg, "all") == 0)
            sample = 0;
        else if (c == CERTIFICATES && optarg &&
                 fp_option_integer(&fp_command_verify, "--certificates", optarg, 1, &sample) < 0)
            return FP_EXIT_USAGE;
    }
    const char *file = fp_argument(&fp_command_verify, argc, argv, "FILE");
    if (!file)
        return FP_EXIT_USAGE;
    fp_verify_view view = {file, fp_bar_make("certificates", quiet)};
    int status = verify_records(file, &view);
    if (certificates) {
        int second = verify_certificates(file, grid, (size_t)sample, &view);
        status = status == FP_EXIT_OK ? second : status;
    }
    return status;
}

const fp_command fp_command_verify = {"verify", "check a result file", help, run};
