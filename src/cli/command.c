#include "command.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HELP = 1000 };

int fp_option(const fp_command *command, int argc, char **argv, const char *letters,
              const struct option *options, int *exit_code) {
    struct option all[24] = {{"help", no_argument, NULL, HELP}};
    size_t n = 1;
    for (; options && options->name && n < sizeof all / sizeof *all - 1; options++)
        all[n++] = *options;
    int c = getopt_long(argc, argv, letters, all, NULL);
    if (c == HELP) {
        fputs(command->help, stdout);
        *exit_code = FP_EXIT_OK;
        return -2;
    }
    if (c == '?') {
        fprintf(stderr, "Try 'fineprobe %s --help'.\n", command->name);
        *exit_code = FP_EXIT_USAGE;
        return -2;
    }
    return c;
}

const char *fp_argument(const fp_command *command, int argc, char **argv, const char *what) {
    if (argc - optind == 1)
        return argv[optind];
    if (argc == optind)
        fprintf(stderr, "fineprobe %s: %s is missing\n", command->name, what);
    else
        fprintf(stderr, "fineprobe %s: one %s is wanted, not %d\n", command->name, what, argc - optind);
    fprintf(stderr, "Try 'fineprobe %s --help'.\n", command->name);
    return NULL;
}

void fp_complain(const char *text) {
    fprintf(stderr, "fineprobe: %s\n", text);
}

void fp_complain_problems(const fp_problems *problems) {
    for (size_t i = 0; i < problems->count; i++)
        fprintf(stderr, "%s\n", problems->texts[i]);
    if (problems->count)
        fprintf(stderr, "fineprobe: %zu problem%s; nothing was started\n", problems->count,
                problems->count == 1 ? "" : "s");
}

const char *fp_duration(double seconds, char out[32]) {
    if (isnan(seconds))
        snprintf(out, 32, "?");
    else if (seconds < 60)
        snprintf(out, 32, "%.0f s", seconds);
    else if (seconds < 3600)
        snprintf(out, 32, "%d min %02d s", (int)(seconds / 60), (int)seconds % 60);
    else
        snprintf(out, 32, "%lld h %02d min", (long long)(seconds / 3600), (int)fmod(seconds / 60, 60));
    return out;
}

const char *fp_bytes(double bytes, char out[32]) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1000;
    snprintf(out, 32, unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return out;
}
