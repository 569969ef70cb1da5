#include "command.h"

#include "fineprobe/piece.h"
#include <stdio.h>
#include <stdlib.h>

enum { REPORTS_FD = 3 };

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
    rc = fp_piece_run(&piece, REPORTS_FD);
    fp_piece_free(&piece);
    return rc == 0 ? FP_PIECE_OK : FP_PIECE_ERROR;
}
