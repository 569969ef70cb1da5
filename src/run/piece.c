#include "fault.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include "run.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double fp_report_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A report that cannot be written has no reader: the rank is gone, and this process is about to go as well.
 */
static void send_report(fp_reporter *reporter, const fp_report *report) {
    char line[2 * FP_MESSAGE + 256];
    fp_write_all(reporter->fd, line, fp_report_format(report, line, sizeof line), NULL);
}

void fp_report_progress(void *context, double share) {
    fp_reporter *reporter = context;
    double t = fp_report_clock();
    if (t - reporter->last < 0.5)
        return;
    reporter->last = t;
    send_report(reporter,
                &(fp_report){.kind = FP_REPORT_PROGRESS, .share = share, .seconds = t - reporter->started});
}

static double peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? 1024.0 * (double)usage.ru_maxrss : 0;
}

void fp_report_checkpoint(fp_reporter *reporter, int64_t index) {
    double t = fp_report_clock();
    send_report(reporter, &(fp_report){.kind = FP_REPORT_CHECKPOINT,
                                       .index = index,
                                       .seconds = t - reporter->checkpoint,
                                       .memory = peak_memory()});
    reporter->checkpoint = t;
}

int fp_prepare(const char *model, const fp_task_spec *spec, size_t positions, fp_prepared *out,
               fp_error *error) {
    memset(out, 0, sizeof *out);
    char *vocab = fp_path_join(model, "vocab.txt", error);
    out->task = vocab ? fp_task_load(spec, error) : NULL;
    out->tokenizer = out->task ? fp_wordpiece_open(vocab, error) : NULL;
    free(vocab);
    if (out->tokenizer &&
        fp_encode(out->tokenizer, &out->task->train, out->task->kind, positions, &out->data[0], error) == 0 &&
        fp_encode(out->tokenizer, &out->task->test, out->task->kind, positions, &out->data[1], error) == 0)
        return 0;
    fp_prepared_free(out);
    return -1;
}

void fp_prepared_free(fp_prepared *prepared) {
    fp_task_free(prepared->task);
    fp_wordpiece_close(prepared->tokenizer);
    fp_encoded_free(&prepared->data[0]);
    fp_encoded_free(&prepared->data[1]);
    memset(prepared, 0, sizeof *prepared);
}

const char *fp_piece_result(const fp_piece *piece) {
    return piece->kind == FP_PIECE_EMBED ? piece->vectors : piece->record;
}

fp_product_kind fp_piece_product(fp_piece_kind kind) {
    if (kind == FP_PIECE_CANDIDATES)
        return FP_CLASSIFIER;
    return kind < FP_PIECE_CANDIDATES ? FP_UNIT
                                      : (fp_product_kind)(FP_CLASSIFIER + (kind - FP_PIECE_CLASSIFIER));
}

static int carry_out(const fp_piece *piece, fp_reporter *reporter, fp_error *error) {
    switch (piece->kind) {
    case FP_PIECE_FINETUNE:
        return fp_run_finetune(piece, reporter, error);
    case FP_PIECE_EMBED:
        return fp_run_embed(piece, reporter, error);
    case FP_PIECE_PROBE:
        return fp_run_probe(piece, reporter, error);
    case FP_PIECE_CANDIDATES:
        return fp_run_candidates(piece, reporter, error);
    case FP_PIECE_CLASSIFIER:
        return fp_run_classifier(piece, reporter, error);
    case FP_PIECE_CONTROL:
        return fp_run_control(piece, reporter, error);
    case FP_PIECE_CODE:
        return fp_run_code(piece, reporter, error);
    case FP_PIECE_MEMORISATION:
        return fp_run_memorisation(piece, reporter, error);
    }
    return fp_fail(error, "there is no kind %d of work", (int)piece->kind);
}

/* What a piece hands in must be what it wrote. */
static int read_back(const fp_piece *piece, fp_error *error) {
    const char *path = fp_piece_result(piece);
    fp_safetensors *file = fp_safetensors_open(path, error);
    int rc = file ? fp_safetensors_intact(file, error) : -1;
    fp_safetensors_close(file);
    return rc < 0 ? fp_error_context(error, "%s", path) : 0;
}

int fp_piece_run(const fp_piece *piece, int reports, volatile int *stop) {
    double start = fp_report_clock();
    fp_reporter reporter = {reports, start, 0, start, start, stop};
    fp_error error = {0};
    openblas_set_num_threads(piece->threads);
    int rc = fp_fault_before(piece, &error);
    if (rc == 0)
        rc = carry_out(piece, &reporter, &error);
    if (rc == 0)
        rc = fp_fault_after(piece, &error);
    if (rc == 0 &&
        piece->kind != FP_PIECE_FINETUNE) /* whose records its rank takes, and checks, on the way */
        rc = read_back(piece, &error);
    fp_report report = {.kind = rc == 0  ? FP_REPORT_DONE
                                : rc > 0 ? FP_REPORT_STOPPED
                                         : FP_REPORT_ERROR,
                        .share = 1,
                        .seconds = fp_report_clock() - reporter.started,
                        .cause = error.cause};
    fp_copy_text(report.message, sizeof report.message, error.text);
    send_report(&reporter, &report);
    return rc < 0 ? -1 : 0;
}
