#include "status_text.h"

#include "command.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Lists are cut here; --json has all. */
enum { MOST = 20 };

static const char *clock_text(double seconds, char out[32]) {
    time_t whole = (time_t)seconds;
    struct tm local;
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", localtime_r(&whole, &local));
    return out;
}

/* ---- the session ---- */

static void put_end(const fp_progress_row *p, double now) {
    char clock[32], left[32];
    if (p->expected_end > now)
        printf("; expected end %s, in %s", clock_text(p->expected_end, clock),
               fp_duration(p->expected_end - now, left));
    else if (p->expected_end > 0)
        printf("; expected to end about now");
}

static void put_session(const fp_standing *s, double now) {
    const fp_progress_row *p = &s->progress;
    char clock[32], age[32], began[32];
    clock_text(p->heartbeat, clock);
    fp_duration(fmax(now - p->heartbeat, 0), age);
    switch (s->pulse) {
    case FP_PULSE_NEW:
        printf("No session has begun yet.\n");
        return;
    case FP_PULSE_OVER:
        printf("Finished %s, after %s.\n", clock, fp_duration(p->heartbeat - p->started, age));
        return;
    case FP_PULSE_STOPPED:
        printf("Stopped %s, with everything saved. 'fineprobe run' goes on.\n", clock);
        break;
    case FP_PULSE_SILENT:
        printf("No sign of life since %s (%s): stopped or killed. 'fineprobe run' goes on.\n", clock, age);
        break;
    case FP_PULSE_BEATING:
        printf("Running; last sign of life %s ago", age);
        put_end(p, now);
        printf(".\n");
        break;
    }
    printf("Session %lld: %d rank%s, led from %s%s%s%s, since %s\n", (long long)p->incarnation, p->ranks,
           p->ranks == 1 ? "" : "s", p->host, p->job[0] ? " (job " : "", p->job, p->job[0] ? ")" : "",
           clock_text(p->started, began));
}

static void put_tally(const char *name, const fp_tally *t) {
    printf("%-13s %7zu done %6zu running %6zu failed %8zu waiting, of %zu\n", name, t->done, t->running,
           t->failed, t->waiting, t->all);
}

static void put_work(const fp_standing *s) {
    const fp_progress_row *p = &s->progress;
    if (p->work_total > 0)
        printf("%-12s %7.0f %% of this session's %.3g core-hours\n", "work",
               100 * p->work_done / p->work_total, p->work_total / 3600);
    double offered = p->ranks * (p->heartbeat - p->started);
    if (offered > 0 && p->work_done > 0)
        printf("%-12s %7.1f %% of the time of %d rank%s\n", "busy", fmin(100 * p->work_done / offered, 100),
               p->ranks, p->ranks == 1 ? "" : "s");
}

/* ---- single units and checkpoints ---- */

static void put_identity(const char *kind, size_t index, const char *model, const char *finetuned_on,
                         int64_t seed, int32_t step) {
    printf("  %s %zu: %s", kind, index, model);
    if (finetuned_on[0])
        printf(", %s, seed %lld, step %d", finetuned_on, (long long)seed, step);
    else
        printf(", original");
}

static void put_probe(const fp_standing *s, fp_product_kind kind, size_t i) {
    const fp_probe_identity *p = fp_layout_identity(&s->layout, kind, i);
    put_identity(fp_record_kinds[kind]->name, i, p->model, p->finetuned_on, p->seed, p->step);
    printf(", layer %d, probed on %s", p->layer, p->probed_on);
}

static void put_checkpoint(const fp_standing *s, size_t i) {
    const fp_checkpoint_row *c = &s->layout.checkpoints[i];
    put_identity("checkpoint", i, c->model, c->finetuned_on, c->seed, c->step);
}

static void put_place(const fp_provenance_row *row, double now) {
    char age[32];
    printf(": rank %d on %s", row->rank, row->host);
    if (row->started > 0)
        printf(", since %s", fp_duration(fmax(now - row->started, 0), age));
    putchar('\n');
}

static void put_failure(const fp_provenance_row *row) {
    printf(": %s", row->message[0] ? row->message : "(no message)");
    if (row->attempts > 1)
        printf(" (%d attempts)", row->attempts);
    putchar('\n');
}

typedef struct fp_listing {
    fp_status status;
    const char *title;
    double now;
    size_t n; /* listed, or beyond MOST */
} fp_listing;

/* Whether another item is to be listed; the title goes before the first. */
static int begin_item(fp_listing *l, unsigned char status) {
    if (status != l->status || l->n++ >= MOST)
        return 0;
    if (l->n == 1)
        printf("\n%s\n", l->title);
    return 1;
}

static void end_item(const fp_listing *l, const fp_provenance_row *row) {
    if (l->status == FP_FAILED)
        put_failure(row);
    else
        put_place(row, l->now);
}

/* All checkpoints, units and the like with STATUS, the first MOST of them. */
static void put_list(const fp_standing *s, fp_status status, const char *title, double now) {
    fp_listing l = {status, title, now, 0};
    for (size_t i = 0; i < s->layout.n_checkpoints; i++)
        if (begin_item(&l, s->checkpoints[i])) {
            put_checkpoint(s, i);
            end_item(&l, &s->checkpoint_rows[i]);
        }
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        for (size_t i = 0; i < fp_layout_count(&s->layout, kind); i++)
            if (begin_item(&l, s->probes[kind][i])) {
                put_probe(s, kind, i);
                end_item(&l, &s->probe_rows[kind][i]);
            }
    if (l.n > MOST)
        printf("  and %zu more (--json lists all)\n", l.n - MOST);
}

/* What the units are, where they are more than DirectProbe's. */
static void put_kinds(const fp_standing *s) {
    static const char *const names[FP_N_PRODUCTS] = {"- directprobe", "- classifier", "- control", "- mdl",
                                                     "- memorise"};
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        if (s->of_probes[kind].all && s->of_probes[kind].all < s->of_units.all)
            put_tally(names[kind], &s->of_probes[kind]);
}

void fp_status_print(const char *file, const fp_standing *s, double now) {
    printf("%s\n", file);
    put_session(s, now);
    put_tally("checkpoints", &s->of_checkpoints);
    put_tally("units", &s->of_units);
    put_kinds(s);
    put_work(s);
    put_list(s, FP_RUNNING, s->pulse == FP_PULSE_BEATING ? "Running:" : "Was running:", now);
    put_list(s, FP_FAILED, "Failed ('fineprobe run --retry-failed' tries again):", now);
}
