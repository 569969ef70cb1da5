#include "command.h"

#include "report/standing.h"
#include "status_text.h"
#include <stdio.h>
#include <time.h>

static const char help[] =
    "Usage: fineprobe status [--json] FILE\n"
    "\n"
    "Says how the sweep of the result file FILE stands, also while it runs: what is done, what\n"
    "runs where and since when, what failed and why, what remains, and the expected end.\n"
    "\n"
    "Options:\n"
    "      --json   for programs: one object\n"
    "      --help   this text\n"
    "\n"
    "With --json: file; state (\"new\", \"running\", \"silent\": no sign of life for a minute,\n"
    "\"finished\"); session, ranks, host, job; started, heartbeat, expected_end (seconds since\n"
    "1970, null: not known); work_done and work_total (seconds of one core that this session\n"
    "spent on pieces of work, and with what is expected to come); updates_under_way (steps that\n"
    "the runs under way have come to, added up); units and checkpoints, each with total, done,\n"
    "running, failed, waiting; and the lists running\n"
    "and failed, with identity, rank, host, since or attempts and message.\n"
    "\n"
    "Exit codes: 0 all done, or something remains and nothing has failed; 1 something failed,\n"
    "or FILE cannot be read; 2 wrong options.\n"
    "\n"
    "Example:\n"
    "  fineprobe status results/demo.h5\n";

static int run(int argc, char **argv) {
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    int c, code = 0, json = 0;
    while ((c = fp_option(&fp_command_status, argc, argv, "", options, &code)) != -1) {
        if (c == -2)
            return code;
        json = 1;
    }
    const char *file = fp_argument(&fp_command_status, argc, argv, "FILE");
    if (!file)
        return FP_EXIT_USAGE;
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    double now = (double)clock.tv_sec + 1e-9 * (double)clock.tv_nsec;
    fp_error error = {0};
    fp_standing standing;
    if (fp_standing_read(file, now, &standing, &error) < 0) {
        fp_complain(error.text);
        return FP_EXIT_FAILED;
    }
    if (json)
        fp_status_print_json(file, &standing);
    else
        fp_status_print(file, &standing, now);
    code = standing.of_units.failed || standing.of_checkpoints.failed ? FP_EXIT_FAILED : FP_EXIT_OK;
    fp_standing_free(&standing);
    return code;
}

const fp_command fp_command_status = {"status", "how a sweep stands, also while it runs", help, run};
