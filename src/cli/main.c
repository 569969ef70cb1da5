#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const fp_command *const commands[] = {
    &fp_command_run,
    &fp_command_plan,
    &fp_command_status,
    &fp_command_export,
    &fp_command_report,
    &fp_command_verify,
    &fp_command_merge,
    &fp_command_embed,
    &fp_command_probe,
    &fp_command_tokenize,
    NULL,
};

static void print_help(void) {
    printf(
        "Usage: fineprobe COMMAND [OPTION]... [ARGUMENT]...\n"
        "\n"
        "fineprobe sweeps how fine-tuning changes BERT: it fine-tunes every model of a grid on\n"
        "every task, and probes every layer of every checkpoint, on any number of MPI ranks,\n"
        "into one HDF5 file.\n"
        "\n"
        "Commands:\n");
    for (int i = 0; commands[i]; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf(
        "\n"
        "  fineprobe COMMAND --help   all about one command, with an example\n"
        "  fineprobe --version        the version\n"
        "\n"
        "Exit codes:\n"
        "  0   done\n"
        "  1   it could not be done; of a sweep: it ended, and some units failed\n"
        "  2   wrong options or a wrong grid; nothing was started\n"
        "  73  another sweep holds the result file; nothing was started\n"
        "  75  a sweep was stopped early with everything saved; the same command goes on\n"
        "\n"
        "Example:\n"
        "  mpirun -n 2 fineprobe run experiments/demo.yaml\n"
        "  fineprobe status results/demo.h5\n");
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "fineprobe: a command is missing\nTry 'fineprobe --help'.\n");
        return FP_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return FP_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("fineprobe " FINEPROBE_VERSION);
        return FP_EXIT_OK;
    }
    if (strcmp(argv[1], "piece") == 0)
        return fp_piece_command();
    /* A sweep's waiting writer and its readers must not stop each other; HDF5's locks protect nothing here.
     */
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    for (int i = 0; commands[i]; i++)
        if (strcmp(argv[1], commands[i]->name) == 0) {
            static char name[32]; /* for messages of getopt */
            snprintf(name, sizeof name, "fineprobe %s", argv[1]);
            argv[1] = name;
            return commands[i]->run(argc - 1, argv + 1);
        }
    fprintf(stderr, "fineprobe: there is no command '%s'\nTry 'fineprobe --help'.\n", argv[1]);
    return FP_EXIT_USAGE;
}
