#include "command.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { HELP = 1000, VERSION };

int fp_option(const fp_command *command, int argc, char **argv, const char *letters,
              const struct option *options, int *exit_code) {
    struct option all[24] = {{"help", no_argument, NULL, HELP}, {"version", no_argument, NULL, VERSION}};
    size_t n = 2;
    for (; options && options->name && n < sizeof all / sizeof *all - 1; options++)
        all[n++] = *options;
    int c = getopt_long(argc, argv, letters, all, NULL);
    if (c == HELP) {
        fputs(command->help, stdout);
        *exit_code = FP_EXIT_OK;
        return -2;
    }
    if (c == VERSION) {
        puts("fineprobe " FINEPROBE_VERSION);
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

int fp_misused(const fp_command *command, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "fineprobe %s: ", command->name);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'fineprobe %s --help'.\n", command->name);
    return FP_EXIT_USAGE;
}

int fp_option_integer(const fp_command *command, const char *option, const char *text, long min, long *out) {
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *out >= min)
        return 0;
    fp_misused(command, "%s wants a whole number of %ld or more, not '%s'", option, min, text);
    return -1;
}

int fp_option_real(const fp_command *command, const char *option, const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(*out) && *out > 0)
        return 0;
    fp_misused(command, "%s wants a number above 0, not '%s'", option, text);
    return -1;
}

int fp_option_list(const char *text, char ***out, size_t *count) {
    size_t n = 1, size = strlen(text) + 1;
    for (const char *at = text; *at; at++)
        n += *at == ',';
    char **items = malloc(n * sizeof *items + size);
    if (!items) {
        fp_complain("out of memory");
        return -1;
    }
    char *rest = memcpy(items + n, text, size);
    for (size_t i = 0; i < n; i++)
        items[i] = strsep(&rest, ",");
    *out = items;
    *count = n;
    return 0;
}

char *fp_clean_text(const char *text, size_t size) {
    char *out = malloc(3 * size + 1);
    size_t at = 0;
    for (size_t i = 0; out && i < size;) {
        utf8proc_int32_t character;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(size - i), &character);
        if (n <= 0) {
            memcpy(out + at, "\xEF\xBF\xBD", 3);
            at += 3;
            i++;
            continue;
        }
        if (character != 0) {
            memcpy(out + at, text + i, (size_t)n);
            at += (size_t)n;
        }
        i += (size_t)n;
    }
    if (out)
        out[at] = '\0';
    return out;
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

const char *fp_grouped(size_t number, char out[32]) {
    char digits[24];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%zu", number), at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            out[at++] = ' ';
        out[at++] = digits[i];
    }
    out[at] = '\0';
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
