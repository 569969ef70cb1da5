#include "report/standing.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>

static void count(fp_tally *tally, unsigned char status) {
    tally->all++;
    tally->waiting += status == FP_WAITING;
    tally->running += status == FP_RUNNING;
    tally->done += status == FP_DONE;
    tally->failed += status == FP_FAILED;
}

void fp_standing_judge(fp_standing *s, double now) {
    s->of_units = s->of_checkpoints = (fp_tally){0};
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++) {
        s->of_probes[kind] = (fp_tally){0};
        for (size_t i = 0; i < fp_layout_count(&s->layout, kind); i++) {
            count(&s->of_probes[kind], s->probes[kind][i]);
            count(&s->of_units, s->probes[kind][i]);
        }
    }
    for (size_t i = 0; i < s->layout.n_checkpoints; i++)
        if (s->layout.checkpoints[i].run >= 0)
            count(&s->of_checkpoints, s->checkpoints[i]);
    const fp_progress_row *p = &s->progress;
    s->pulse = p->finished == FP_SWEEP_ENDED     ? FP_PULSE_OVER
               : p->finished == FP_SWEEP_STOPPED ? FP_PULSE_STOPPED
               : p->heartbeat <= 0               ? FP_PULSE_NEW
               : now - p->heartbeat > FP_SILENCE ? FP_PULSE_SILENT
                                                 : FP_PULSE_BEATING;
}

static int read_all(fp_store *store, fp_standing *s, fp_error *error) {
    if (fp_store_layout(store, &s->layout, error) < 0)
        return -1;
    size_t checkpoints = s->layout.n_checkpoints;
    s->checkpoints = fp_alloc(checkpoints, 1, "status", error);
    s->checkpoint_rows = fp_alloc(checkpoints, sizeof *s->checkpoint_rows, "provenance", error);
    if (!s->checkpoints || !s->checkpoint_rows ||
        fp_store_read_checkpoint_status(store, s->checkpoints, s->checkpoint_rows, error) < 0)
        return -1;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++) {
        size_t n = fp_layout_count(&s->layout, kind);
        s->probes[kind] = fp_alloc(n, 1, "status", error);
        s->probe_rows[kind] = fp_alloc(n, sizeof **s->probe_rows, "provenance", error);
        if (!s->probes[kind] || !s->probe_rows[kind] ||
            fp_store_read_record_status(store, kind, s->probes[kind], error) < 0 ||
            fp_store_read_record_provenance(store, kind, s->probe_rows[kind], error) < 0)
            return -1;
    }
    return fp_store_read_progress(store, &s->progress, error);
}

int fp_standing_read(const char *file, double now, fp_standing *out, fp_error *error) {
    *out = (fp_standing){0};
    fp_store *store = fp_store_open_read(file, error);
    if (!store)
        return -1;
    int rc = read_all(store, out, error);
    if (fp_store_close(store, rc == 0 ? error : NULL) < 0)
        rc = -1;
    if (rc == 0)
        fp_standing_judge(out, now);
    else
        fp_standing_free(out);
    return rc;
}

void fp_standing_free(fp_standing *standing) {
    fp_layout_free(&standing->layout);
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++) {
        free(standing->probes[kind]);
        free(standing->probe_rows[kind]);
    }
    free(standing->checkpoints);
    free(standing->checkpoint_rows);
    *standing = (fp_standing){0};
}
