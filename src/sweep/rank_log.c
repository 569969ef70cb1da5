#include "rank_log.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct fp_rank_log {
    FILE *file;
};

fp_rank_log *fp_rank_log_open(const char *folder, int rank, fp_error *error) {
    char *path = fp_format(error, "%s/rank-%04d.log", folder, rank), host[128] = "";
    fp_rank_log *log = path ? fp_alloc(1, sizeof *log, "a log", error) : NULL;
    if (log && fp_folder_create(folder, error) == 0 && !(log->file = fopen(path, "ae")))
        fp_fail_errno(error, "cannot write %s", path);
    free(path);
    if (!log || !log->file) {
        free(log);
        return NULL;
    }
    setvbuf(log->file, NULL, _IOLBF, 0);
    gethostname(host, sizeof host - 1);
    const char *job = getenv("SLURM_JOB_ID");
    fp_rank_log_say(log, "rank %d on %s, process %ld%s%s", rank, host, (long)getpid(), job ? ", job " : "",
                    job ? job : "");
    return log;
}

void fp_rank_log_close(fp_rank_log *log) {
    if (!log)
        return;
    fclose(log->file);
    free(log);
}

void fp_rank_log_say(fp_rank_log *log, const char *format, ...) {
    if (!log)
        return;
    char clock[32];
    time_t now = time(NULL);
    struct tm local;
    va_list arguments;
    strftime(clock, sizeof clock, "%F %T", localtime_r(&now, &local));
    fprintf(log->file, "%s ", clock);
    va_start(arguments, format);
    vfprintf(log->file, format, arguments);
    va_end(arguments);
    fputc('\n', log->file);
}

/* A piece that trains classifiers. */
static void tell_classifiers(const fp_piece *piece, char out[512]) {
    const fp_probe_identity *id = &piece->probe;
    char network[32] = "";
    if (piece->kind == FP_PIECE_CANDIDATES)
        snprintf(network, sizeof network, " (network %zu)", piece->shape + 1);
    snprintf(out, 512, "%s%s of %.128s, %.128s%s%.128s, step %d, layer %d",
             piece->kind == FP_PIECE_CANDIDATES ? "grid search"
                                                : fp_record_kinds[fp_piece_product(piece->kind)]->name,
             network, id->probed_on, id->model, *id->finetuned_on ? " fine-tuned on " : "", id->finetuned_on,
             id->step, id->layer);
}

const char *fp_rank_log_piece(const fp_piece *piece, char out[512]) {
    const fp_unit_row *u = &piece->unit;
    if (piece->kind == FP_PIECE_FINETUNE && piece->n_checkpoints)
        snprintf(out, 512, "fine-tuning %.128s on %.128s from step %d", piece->checkpoints[0].row.model,
                 piece->checkpoints[0].row.finetuned_on, (int)piece->start_step);
    else if (piece->kind == FP_PIECE_EMBED)
        snprintf(out, 512, "embedding %.128s with %.256s", piece->task.name ? piece->task.name : "",
                 piece->model ? piece->model : "");
    else if (piece->kind != FP_PIECE_PROBE)
        tell_classifiers(piece, out);
    else
        snprintf(out, 512, "probing %.128s, %.128s%s%.128s, step %d, layer %d", u->probed_on, u->model,
                 *u->finetuned_on ? " fine-tuned on " : "", u->finetuned_on, u->step, u->layer);
    return out;
}
