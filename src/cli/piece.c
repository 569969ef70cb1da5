#include "command.h"

#include "fineprobe/piece.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPORTS_FD = 3 };

static volatile int stop_wanted;

static void on_signal(int signal) {
    (void)signal;
    stop_wanted = 1;
}

/* All of standard input as text; free(). */
static char *read_all(FILE *in) {
    char *text = NULL;
    size_t size = 0;
    if (getdelim(&text, &size, '\0', in) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

int fp_piece_command(void) {
    fp_piece piece;
    fp_error error = {0};
    char *text = read_all(stdin);
    int rc =
        text ? fp_piece_parse(text, &piece, &error) : fp_fail(&error, "no specification on standard input");
    free(text);
    if (rc < 0) {
        fp_complain(error.text);
        return FP_EXIT_USAGE;
    }
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR2, &action, NULL); /* the rank's way to say stop */
    rc = fp_piece_run(&piece, REPORTS_FD, &stop_wanted);
    fp_piece_free(&piece);
    return rc == 0 ? FP_PIECE_OK : FP_PIECE_ERROR;
}
