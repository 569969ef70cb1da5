#include "command.h"

#include "sweep/merge.h"
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>

static const char help[] =
    "Usage: fineprobe merge -o OUT.h5 FILE.h5 FILE.h5...\n"
    "\n"
    "Joins the result files of parts of a grid that were computed apart ('run --models', other\n"
    "tasks, seeds or layers) into the new file OUT.h5: every model, task, run, checkpoint and\n"
    "unit once, in the order in which one sweep over all would have them. What is done in any of\n"
    "them is done there, its CRC checked; comparisons with the originals are made anew. The\n"
    "files themselves stay as they are. 'fineprobe run' on OUT.h5 goes on with what is missing.\n"
    "\n"
    "Options:\n"
    "  -o, --output=FILE   the new file; it must not exist\n"
    "      --help          this text\n"
    "\n"
    "Files that mean different things by the same name, a model with other weights or a run with\n"
    "other settings, are refused.\n"
    "\n"
    "Exit codes: 0 every unit is done; 1 it could not be done, or units failed or are missing;\n"
    "2 wrong options.\n"
    "\n"
    "Example:\n"
    "  fineprobe merge -o results/all.h5 results/tiny.h5 results/base.h5\n";

static int merge(const char *const *files, size_t n, const char *output) {
    fp_error error = {0};
    fp_merge_counts counts;
    MPI_Init(NULL, NULL);
    int rc = fp_merge(files, n, output, &counts, &error);
    MPI_Finalize();
    if (rc < 0) {
        fp_complain(error.text);
        return FP_EXIT_FAILED;
    }
    size_t missing = counts.units - counts.units_done - counts.units_failed;
    printf("%s: %zu units of %zu files: %zu done, %zu failed, %zu missing\n", output, counts.units, n,
           counts.units_done, counts.units_failed, missing);
    if (counts.left_out)
        printf("%zu were damaged in their file, and left out\n", counts.left_out);
    return missing || counts.units_failed ? FP_EXIT_FAILED : FP_EXIT_OK;
}

static int run(int argc, char **argv) {
    static const struct option options[] = {{"output", required_argument, NULL, 'o'}, {0}};
    const char *output = NULL;
    int c, code = 0;
    while ((c = fp_option(&fp_command_merge, argc, argv, "o:", options, &code)) != -1) {
        if (c == -2)
            return code;
        output = optarg;
    }
    if (!output)
        return fp_misused(&fp_command_merge, "--output is missing");
    if (argc - optind < 2)
        return fp_misused(&fp_command_merge, "two files or more are wanted");
    return merge((const char *const *)argv + optind, (size_t)(argc - optind), output);
}

const fp_command fp_command_merge = {"merge", "join result files of parts of a grid", help, run};
