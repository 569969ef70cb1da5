/* command.h: the commands of the program, and what they share. Only this folder prints and exits. */
#ifndef FINEPROBE_SRC_COMMAND_H
#define FINEPROBE_SRC_COMMAND_H

#include "fineprobe/error.h"
#include "fineprobe/grid.h"
#include <getopt.h>

/* Exit codes; `fineprobe --help` documents them. */
enum {
    FP_EXIT_OK = 0,
    FP_EXIT_FAILED = 1,  /* it could not be done, or units failed */
    FP_EXIT_USAGE = 2,   /* wrong options or a wrong grid; nothing was started */
    FP_EXIT_BUSY = 73,   /* another sweep holds the result file; nothing was started */
    FP_EXIT_RESUME = 75, /* stopped early with everything saved: the same command goes on */
};

typedef struct fp_command {
    const char *name;
    const char *summary;
    const char *help; /* all of `fineprobe NAME --help` */
    int (*run)(int argc, char **argv);
} fp_command;

extern const fp_command fp_command_run, fp_command_plan, fp_command_status, fp_command_export,
    fp_command_report, fp_command_verify, fp_command_merge, fp_command_tokenize, fp_command_embed,
    fp_command_probe;

/* Reads one option as getopt_long does, for COMMAND; answers --help, --version and the errors itself. -1 at
 * the end of the options; otherwise the option's VAL. OPTIONS need not list help. *EXIT is set, and -2
 * returned, when the command is over. */
int fp_option(const fp_command *command, int argc, char **argv, const char *letters,
              const struct option *options, int *exit_code);

/* The one argument that COMMAND takes, behind its options; NULL after an error message. */
const char *fp_argument(const fp_command *command, int argc, char **argv, const char *what);

/* The number in TEXT, of MIN or more; -1 after an error message. OPTION is its name, e.g. "--threads". */
int fp_option_integer(const fp_command *command, const char *option, const char *text, long min, long *out);
int fp_option_real(const fp_command *command, const char *option, const char *text, double *out);

/* TEXT as a list with commas between; *OUT and its texts in one block for free(). -1 after a
 * message when memory is out. */
int fp_option_list(const char *text, char ***out, size_t *count);

/* COMMAND cannot do with these options: a message and "Try ... --help"; returns FP_EXIT_USAGE. */
int fp_misused(const fp_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* TEXT with U+FFFD for every byte that is not UTF-8; NULs are left out. free(). */
char *fp_clean_text(const char *text, size_t size);

/* "fineprobe: TEXT" on standard error. */
void fp_complain(const char *text);
void fp_complain_problems(const fp_problems *problems);

/* "1 h 02 min", "34 s"; "?" for NaN. */
const char *fp_duration(double seconds, char out[32]);
/* "1 234 567" */
const char *fp_grouped(size_t number, char out[32]);
/* "1.4 GB" */
const char *fp_bytes(double bytes, char out[32]);

/* `fineprobe piece`: the child process of a rank; not for people. */
int fp_piece_command(void);

#endif
