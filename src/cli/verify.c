#include "command.h"

#include "fineprobe/store.h"
#include <stdio.h>

static const char help[] =
    "Usage: fineprobe verify FILE\n"
    "\n"
    "Checks that the result file FILE holds what was written into it: its structure, the\n"
    "tables that are fixed when it is made, and the CRC of every unit and checkpoint that is\n"
    "marked as done. What is damaged is named, a line each. Nothing is changed; the next\n"
    "'fineprobe run' on the file computes just what is damaged or missing again.\n"
    "\n"
    "Options:\n"
    "      --help   this text\n"
    "\n"
    "The tables derived, provenance and progress carry no CRC: the first is made anew at the end\n"
    "of every sweep, the others tell how results came about.\n"
    "\n"
    "Exit codes: 0 all is well; 1 something is damaged, or FILE cannot be read; 2 wrong options.\n"
    "\n"
    "Example:\n"
    "  fineprobe verify results/demo.h5\n";

static void found(void *file, const char *what) {
    printf("%s: %s\n", (const char *)file, what);
}

static int run(int argc, char **argv) {
    int code = 0;
    if (fp_option(&fp_command_verify, argc, argv, "", NULL, &code) != -1)
        return code;
    const char *file = fp_argument(&fp_command_verify, argc, argv, "FILE");
    if (!file)
        return FP_EXIT_USAGE;
    fp_error error = {0};
    fp_store_check check;
    if (fp_store_verify(file, found, (void *)file, &check, &error) < 0) {
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

const fp_command fp_command_verify = {"verify", "check a result file", help, run};
