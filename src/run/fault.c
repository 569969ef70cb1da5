#include "run/fault.h"

#include "fineprobe/memory.h"
#include "run/run.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const kinds[FP_PIECE_KINDS] = {[FP_PIECE_FINETUNE] = "finetune",
                                                  [FP_PIECE_EMBED] = "embed",
                                                  [FP_PIECE_PROBE] = "probe",
                                                  [FP_PIECE_CANDIDATES] = "candidates",
                                                  [FP_PIECE_CLASSIFIER] = "classifier",
                                                  [FP_PIECE_CONTROL] = "control",
                                                  [FP_PIECE_CODE] = "code",
                                                  [FP_PIECE_MEMORISATION] = "memorisation"};

/* Whether FAULT is wanted for PIECE. */
static int strikes(const char *fault, const fp_piece *piece) {
    const char *list = getenv("FINEPROBE_FAULTS");
    char wanted[64];
    int n = snprintf(wanted, sizeof wanted, "%s@%s:%lld", fault, kinds[piece->kind], (long long)piece->index);
    for (const char *at = list; at && n > 0 && (at = strstr(at, wanted)); at += n) {
        const char *end = at + n;
        if (at != list && at[-1] != ',')
            continue;
        if (*end == '\0' || *end == ',')
            return 1;
        if (*end == 'x' && piece->attempt <= atoi(end + 1))
            return 1;
    }
    return 0;
}

static int take_memory(fp_error *error) {
    for (;;) {
        char *block = fp_alloc(1, 32 << 20, "a fault on purpose", error);
        if (!block)
            return -1;
        memset(block, 1, 32 << 20);
    }
}

int fp_fault_before(const fp_piece *piece, fp_error *error) {
    if (strikes("crash", piece)) {
        raise(SIGSEGV);
        raise(SIGKILL); /* where somebody caught the first */
    }
    while (strikes("hang", piece))
        pause();
    if (strikes("memory", piece))
        return take_memory(error);
    if (strikes("disk", piece)) {
        errno = ENOSPC;
        return fp_fail_errno(error, "a fault on purpose");
    }
    return 0;
}

/* Changes a byte in the middle of the last file that PIECE left. */
int fp_fault_after(const fp_piece *piece, fp_error *error) {
    if (piece->kind == FP_PIECE_FINETUNE || !strikes("write", piece))
        return 0;
    const char *path = fp_piece_result(piece);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat info;
    unsigned char byte;
    int rc = fd >= 0 && fstat(fd, &info) == 0 && pread(fd, &byte, 1, info.st_size - 3) == 1 ? 0 : -1;
    if (rc == 0) {
        byte ^= 0x20;
        rc = pwrite(fd, &byte, 1, info.st_size - 3) == 1 ? 0 : -1;
    }
    if (fd >= 0)
        close(fd);
    return rc < 0 ? fp_fail_errno(error, "%s", path) : 0;
}
