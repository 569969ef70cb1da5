#include "sweep/merge.h"

#include "derive.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "join.h"
#include <stdlib.h>
#include <time.h>

static int read_layout(const char *path, fp_layout *out, fp_error *error) {
    fp_store *store = fp_store_open_read(path, error);
    if (!store)
        return -1;
    int rc = fp_store_layout(store, out, error);
    return fp_store_close(store, rc == 0 ? error : NULL) < 0 ? -1 : rc;
}

static int count_kind(const fp_layout *layout, fp_store *store, fp_product_kind kind, fp_merge_counts *counts,
                      fp_error *error) {
    size_t n = fp_layout_count(layout, kind);
    unsigned char *status = fp_alloc(n, 1, "status", error);
    int rc = status ? fp_store_read_record_status(store, kind, status, error) : -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        counts->units_done += status[i] == FP_DONE;
        counts->units_failed += status[i] == FP_FAILED;
    }
    counts->units += n;
    free(status);
    return rc;
}

/* What the sweep writes when it ends. */
static int finish(const char *path, const fp_layout *layout, fp_merge_counts *counts, fp_error *error) {
    fp_store *store = fp_store_open(path, MPI_COMM_SELF, error);
    if (!store)
        return -1;
    int rc = 0;
    for (fp_product_kind kind = 0; rc == 0 && kind < FP_N_PRODUCTS; kind++)
        rc = count_kind(layout, store, kind, counts, error);
    int over = counts->units_done + counts->units_failed == counts->units;
    double now = (double)time(NULL);
    fp_progress_row row = {.incarnation = 1,
                           .ranks = 1,
                           .started = now,
                           .heartbeat = now,
                           .finished = over ? FP_SWEEP_ENDED : FP_SWEEP_STOPPED};
    if (rc == 0)
        rc = fp_derive(layout, store, error);
    if (rc == 0)
        rc = fp_store_write_progress(store, &row, error);
    return fp_store_close(store, rc == 0 ? error : NULL) < 0 ? -1 : rc;
}

static int count_done(const char *const *paths, size_t n, size_t *bad, fp_error *error) {
    for (size_t i = 0; i < n; i++) {
        fp_store_check check;
        if (fp_store_verify(paths[i], NULL, NULL, &check, error) < 0)
            return -1;
        *bad += check.bad_records;
    }
    return 0;
}

int fp_merge(const char *const *paths, size_t n, const char *out, fp_merge_counts *counts, fp_error *error) {
    *counts = (fp_merge_counts){0};
    if (fp_path_exists(out))
        return fp_fail(error, "%s exists; merge makes a new file", out);
    fp_layout *parts = fp_alloc(n, sizeof *parts, "layouts", error), whole = {0};
    int rc = parts ? count_done(paths, n, &counts->left_out, error) : -1;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = read_layout(paths[i], &parts[i], error);
    if (rc == 0)
        rc = fp_layout_join(parts, n, paths, &whole, error);
    if (rc == 0) {
        rc = fp_store_join(out, &whole, paths, n, NULL, error);
        if (rc == 0)
            rc = finish(out, &whole, counts, error);
        fp_layout_free(&whole);
    }
    for (size_t i = 0; parts && i < n; i++)
        fp_layout_free(&parts[i]);
    free(parts);
    return rc;
}
