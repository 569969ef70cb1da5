#include "supervisor.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 4096 };

struct fp_supervisor {
    fp_starter *starter;
    fp_store *store;
    fp_provenance_row rank;
    fp_rank_log *log; /* NULL: none is kept */
    /* of the piece that runs */
    int busy, lost; /* LOST: the starter is gone, and the piece was never started */
    fp_piece piece;
    pid_t process;
    int reports; /* -1: closed */
    char line[LINE];
    size_t length;
    double started, heard; /* HEARD: when it reported last */
    int asked, broken;     /* to stop; BROKEN: the failure is one of files, not of the piece */
    int reported_done, has_ended;
    fp_ended end;
    char failure[FP_MESSAGE]; /* "" while all is well */
};

static double wall_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void note_failure(fp_supervisor *s, const char *message) {
    if (!s->failure[0])
        fp_copy_text(s->failure, sizeof s->failure, message);
}

/* What the result file does not take, it will not take from another piece. */
static void note_broken(fp_supervisor *s, const char *message) {
    note_failure(s, message);
    s->broken = 1;
}

static fp_provenance_row provenance(const fp_supervisor *s) {
    fp_provenance_row row = s->rank;
    row.attempts = s->piece.attempt;
    row.started = s->started;
    row.finished = wall_clock();
    row.seconds = s->end.seconds;
    row.peak_memory = s->end.peak_memory;
    fp_copy_text(row.message, sizeof row.message, s->failure);
    return row;
}

fp_supervisor *fp_supervisor_create(fp_starter *starter, fp_store *store, const fp_provenance_row *rank,
                                    fp_error *error) {
    fp_supervisor *s = fp_alloc(1, sizeof *s, "the supervisor", error);
    if (!s)
        return NULL;
    s->starter = starter;
    s->store = store;
    s->rank = *rank;
    s->reports = -1;
    return s;
}

void fp_supervisor_keep_log(fp_supervisor *s, fp_rank_log *log) {
    s->log = log;
}

int fp_supervisor_busy(const fp_supervisor *s) {
    return s->busy;
}

/* So that `fineprobe status` can tell what is going on; a mark that cannot be written harms nobody. */
static void mark_running(fp_supervisor *s) {
    fp_provenance_row row = provenance(s);
    row.finished = 0;
    if (s->piece.kind == FP_PIECE_FINETUNE)
        fp_store_mark_checkpoint(s->store, (size_t)s->piece.checkpoints[0].index, FP_RUNNING, &row, NULL);
    else if (s->piece.kind != FP_PIECE_EMBED)
        fp_store_mark(s->store, fp_piece_product(s->piece.kind), (size_t)s->piece.index, FP_RUNNING, &row,
                      NULL);
}

void fp_supervisor_start(fp_supervisor *s, const char *specification) {
    fp_error error = {0};
    s->busy = 1;
    s->length = 0;
    s->reported_done = s->has_ended = 0;
    s->end = (fp_ended){0};
    s->failure[0] = '\0';
    s->asked = s->broken = 0;
    s->started = s->heard = wall_clock();
    if (fp_piece_parse(specification, &s->piece, &error) == 0) {
        char what[512];
        fp_rank_log_say(s->log, "starts %s", fp_rank_log_piece(&s->piece, what));
        mark_running(s);
        int rc = fp_starter_start(s->starter, specification, s->piece.threads, s->piece.memory_limit,
                                  &s->reports, &s->process, &error);
        s->lost = rc == FP_STARTER_GONE;
        if (rc == 0 || s->lost)
            return;
    }
    note_failure(s, error.text);
    s->has_ended = 1;
}

/* A record is taken over and its file removed. */
static int store_checkpoint(fp_supervisor *s, const fp_piece_checkpoint *checkpoint, const fp_report *report,
                            fp_error *error) {
    fp_checkpoint_record record;
    if (fp_checkpoint_record_load(checkpoint->record, &record, error) < 0)
        return -1;
    fp_provenance_row row = provenance(s);
    row.seconds = report->seconds;
    row.peak_memory = report->memory;
    int rc = fp_store_write_checkpoint(s->store, (size_t)checkpoint->index, &record, &row, error);
    s->broken |= rc < 0;
    free(record.losses);
    if (rc == 0)
        unlink(checkpoint->record);
    return rc;
}

/* Largest of the records' structs. */
typedef union fp_any_record {
    fp_unit_record unit;
    fp_classifier_record classifier;
    fp_control_record control;
    fp_code_record code;
    fp_memorisation_record memorisation;
} fp_any_record;

static int store_record(fp_supervisor *s, fp_error *error) {
    fp_any_record record;
    fp_product_kind product = fp_piece_product(s->piece.kind);
    const fp_record_kind *kind = fp_record_kinds[product];
    const fp_group *group = &s->piece.group;
    fp_provenance_row row = provenance(s);
    if (fp_record_load(s->piece.record, kind, group, &record, error) < 0)
        return -1;
    int rc = fp_record_check(kind, group, &record, error);
    if (rc == 0) {
        rc = fp_store_write_record(s->store, product, group, &record, &row, error);
        s->broken |= rc < 0;
    }
    fp_record_free(kind, &record);
    if (rc == 0)
        unlink(s->piece.record);
    return rc;
}

/* Whether the piece that is over leaves a record. */
static int has_record(const fp_piece *piece) {
    return piece->kind >= FP_PIECE_PROBE && piece->kind != FP_PIECE_CANDIDATES;
}

/* 1: the report is an outcome; 0: nothing to pass on. */
static int take_report(fp_supervisor *s, const char *line, fp_outcome *out) {
    fp_report report;
    fp_error error = {0};
    if (fp_report_parse(line, &report) < 0) {
        note_failure(s, "the piece of work sent a report that cannot be read");
        return 0;
    }
    s->heard = wall_clock();
    if (report.kind == FP_REPORT_DONE || report.kind == FP_REPORT_STOPPED)
        s->reported_done = 1;
    if (report.kind == FP_REPORT_ERROR && fp_cause_is_disk(report.cause))
        note_broken(s, report.message);
    if (report.kind == FP_REPORT_ERROR)
        note_failure(s, report.message);
    if (report.kind == FP_REPORT_PROGRESS) {
        *out = (fp_outcome){.kind = FP_OUTCOME_PROGRESS, .share = report.share, .seconds = report.seconds};
        return 1;
    }
    if (report.kind != FP_REPORT_CHECKPOINT)
        return 0;
    for (size_t i = 0; i < s->piece.n_checkpoints; i++)
        if (s->piece.checkpoints[i].index == report.index) {
            if (store_checkpoint(s, &s->piece.checkpoints[i], &report, &error) == 0) {
                *out = (fp_outcome){
                    .kind = FP_OUTCOME_CHECKPOINT, .checkpoint = report.index, .seconds = report.seconds};
                return 1;
            }
            note_failure(s, error.text);
            kill(s->process, SIGKILL);
        }
    return 0;
}

/* The next full line, or 0. Closes the pipe at its end. */
static int read_line(fp_supervisor *s, char out[LINE]) {
    for (;;) {
        char *end = memchr(s->line, '\n', s->length);
        if (end) {
            size_t n = (size_t)(end - s->line);
            memcpy(out, s->line, n);
            out[n] = '\0';
            s->length -= n + 1;
            memmove(s->line, end + 1, s->length);
            return 1;
        }
        if (s->reports < 0)
            return 0;
        ssize_t n = s->length < LINE ? read(s->reports, s->line + s->length, LINE - s->length) : 0;
        if (n > 0) {
            s->length += (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            close(s->reports);
            s->reports = -1;
        } else {
            return 0;
        }
    }
}

static void note_end(fp_supervisor *s) {
    char text[FP_MESSAGE];
    int status = s->end.status;
    if (WIFSIGNALED(status)) {
        snprintf(text, sizeof text, "killed by signal %d (%s) after %.1f s%s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)), wall_clock() - s->started,
                 WTERMSIG(status) == SIGKILL ? "; was memory short?" : "");
        note_failure(s, text);
    } else if (WEXITSTATUS(status) != 0) {
        snprintf(text, sizeof text, "ended with exit code %d and no message", WEXITSTATUS(status));
        note_failure(s, text);
    } else if (!s->reported_done) {
        note_failure(s, "ended without a last report");
    }
}

/* Memory that was refused looks like many things. */
static void name_memory(fp_supervisor *s) {
    char text[FP_MESSAGE];
    double limit = s->piece.memory_limit;
    if (limit <= 0 || !s->failure[0] ||
        (!strstr(s->failure, "out of memory") && s->end.peak_memory < 0.8 * limit))
        return;
    snprintf(text, sizeof text, "%.180s (limit %.2f GB; see limits in the grid)", s->failure, limit / 1e9);
    fp_copy_text(s->failure, sizeof s->failure, text);
}

/* The piece is over: its unit's record goes into the file, or the failure does. */
static void conclude(fp_supervisor *s, fp_outcome *out) {
    fp_error error = {0};
    if (!s->failure[0])
        note_end(s);
    if (!s->failure[0] && has_record(&s->piece) && store_record(s, &error) < 0)
        note_failure(s, error.text);
    name_memory(s);
    int left = s->asked && !s->broken && (s->failure[0] || s->piece.kind == FP_PIECE_FINETUNE);
    *out = (fp_outcome){.kind = s->broken       ? FP_OUTCOME_BROKEN
                                : left          ? FP_OUTCOME_LEFT
                                : s->failure[0] ? FP_OUTCOME_FAILED
                                                : FP_OUTCOME_DONE,
                        .seconds = wall_clock() - s->started};
    fp_copy_text(out->message, sizeof out->message, s->failure);
    fp_rank_log_say(s->log, "%s%s after %.2f s, %.2f s of processor, %.0f MB",
                    out->kind == FP_OUTCOME_DONE   ? "done"
                    : out->kind == FP_OUTCOME_LEFT ? "stopped"
                                                   : "failed: ",
                    out->kind == FP_OUTCOME_LEFT ? "" : s->failure, out->seconds, s->end.seconds,
                    s->end.peak_memory / 1e6);
    fp_piece_free(&s->piece);
    s->busy = 0;
}

/* A piece that takes longer than its limit, or has not been heard of for too long, hangs. */
static void watch_limits(fp_supervisor *s) {
    char text[FP_MESSAGE];
    double now = wall_clock();
    if (s->has_ended || s->failure[0] || s->asked)
        return;
    if (s->piece.time_limit > 0 && now - s->started > s->piece.time_limit)
        snprintf(text, sizeof text,
                 "stopped: it took longer than its limit of %.0f s (see limits in the grid)",
                 s->piece.time_limit);
    else if (s->piece.silence_limit > 0 && now - s->heard > s->piece.silence_limit)
        snprintf(text, sizeof text,
                 "stopped: no sign of progress for %.0f s, it hangs (see limits in the grid)",
                 s->piece.silence_limit);
    else
        return;
    note_failure(s, text);
    kill(s->process, SIGKILL);
}

int fp_supervisor_poll(fp_supervisor *s, fp_outcome *out, fp_error *error) {
    if (s->lost || fp_starter_is_gone(s->starter))
        return fp_fail(error, "the starter of this rank is gone; it was killed, or memory ran out");
    if (!s->busy)
        return 0;
    watch_limits(s);
    char line[LINE];
    while (read_line(s, line))
        if (take_report(s, line, out))
            return 1;
    while (!s->has_ended) {
        fp_ended ended;
        int rc = fp_starter_ended(s->starter, &ended, error);
        if (rc <= 0)
            return rc;
        if (ended.piece != s->process) /* one that was stopped before */
            continue;
        s->end = ended;
        s->has_ended = 1;
    }
    /* what it wrote just before it ended */
    while (read_line(s, line))
        if (take_report(s, line, out))
            return 1;
    if (s->reports >= 0) {
        close(s->reports);
        s->reports = -1;
    }
    conclude(s, out);
    return 1;
}

int fp_supervisor_descriptors(const fp_supervisor *s, int out[2]) {
    if (!s->busy)
        return 0;
    int n = 0;
    out[n++] = fp_starter_descriptor(s->starter);
    if (s->reports >= 0)
        out[n++] = s->reports;
    return n;
}

void fp_supervisor_ask(fp_supervisor *s) {
    if (!s->busy || s->asked)
        return;
    s->asked = 1;
    if (!s->has_ended && !s->lost)
        kill(s->process, s->piece.kind == FP_PIECE_FINETUNE ? SIGUSR2 : SIGKILL);
}

void fp_supervisor_stop(fp_supervisor *s) {
    if (!s->busy)
        return;
    if (!s->has_ended && !s->lost)
        kill(s->process, SIGKILL);
    fp_rank_log_say(s->log, "thrown away: the sweep stops");
    if (s->reports >= 0)
        close(s->reports);
    s->reports = -1;
    fp_piece_free(&s->piece);
    s->busy = 0;
}

void fp_supervisor_destroy(fp_supervisor *s) {
    if (!s)
        return;
    fp_supervisor_stop(s);
    fp_rank_log_say(s->log, "leaves");
    fp_rank_log_close(s->log);
    free(s);
}
