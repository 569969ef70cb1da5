#include "derive.h"

#include "fineprobe/compare.h"
#include "fineprobe/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The unit of the original at the same model, probed task and layer; -1 when the sweep has none. */
static int32_t original_of(const fp_layout *layout, const fp_unit_row *unit) {
    for (size_t i = 0; i < layout->n_units; i++) {
        const fp_unit_row *other = &layout->units[i];
        if (other->run >= 0) /* the originals come first */
            return -1;
        if (other->layer == unit->layer && strcmp(other->results, unit->results) == 0)
            return (int32_t)i;
    }
    return -1;
}

static int is_linear(const fp_probe_columns *columns) {
    return strcmp(columns->state, "linear") == 0;
}

static double mean(const double *x, size_t n) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            count++;
        }
    return count ? sum / (double)count : NAN;
}

typedef struct fp_pair {
    fp_unit_record unit, original;
    double *a, *b, *movement; /* centroids [labels, width] of both; [2, labels] */
} fp_pair;

/* Split S of PAIR compared; similarity is defined where both are linear. */
static void compare(const fp_group *g, int s, fp_pair *pair, double *similarity, double *movement) {
    size_t at = (size_t)s, cells = g->labels * g->labels, numbers = g->labels * g->width;
    const fp_probe_columns *unit = s ? &pair->unit.row.test : &pair->unit.row.train;
    const fp_probe_columns *original = s ? &pair->original.row.test : &pair->original.row.train;
    *similarity = NAN;
    if (is_linear(unit) && is_linear(original))
        *similarity = fp_spatial_similarity(pair->unit.label_distances + at * cells,
                                            pair->original.label_distances + at * cells, g->labels);
    for (size_t i = 0; i < numbers; i++) {
        pair->a[i] = pair->unit.centroids[at * numbers + i];
        pair->b[i] = pair->original.centroids[at * numbers + i];
    }
    fp_centroid_movement(pair->a, pair->b, g->labels, g->width, pair->movement + at * g->labels);
    *movement = mean(pair->movement + at * g->labels, g->labels);
}

static int derive_pair(const fp_layout *layout, fp_store *store, const fp_group *g, fp_pair *pair,
                       fp_derived_row *row, fp_error *error) {
    const fp_unit_row *rows = layout->units;
    size_t u = (size_t)row->unit, o = (size_t)row->original;
    if (fp_store_read_unit(store, g, u, (size_t)rows[u].row, &pair->unit, error) < 0 ||
        fp_store_read_unit(store, g, o, (size_t)rows[o].row, &pair->original, error) < 0)
        return -1;
    size_t numbers = g->labels * g->width;
    pair->a = fp_alloc(numbers, sizeof *pair->a, "centroids", error);
    pair->b = fp_alloc(numbers, sizeof *pair->b, "centroids", error);
    pair->movement = fp_alloc(2 * g->labels, sizeof *pair->movement, "movements", error);
    if (!pair->a || !pair->b || !pair->movement)
        return -1;
    compare(g, 0, pair, &row->train_similarity, &row->train_movement);
    compare(g, 1, pair, &row->test_similarity, &row->test_movement);
    return fp_store_write_derived(store, u, row, g, pair->movement, error);
}

static int derive_unit(const fp_layout *layout, fp_store *store, size_t u, const unsigned char *status,
                       fp_error *error) {
    fp_derived_row row;
    fp_derived_row_open(&row);
    row.unit = (int32_t)u;
    row.original = original_of(layout, &layout->units[u]);
    if (row.original < 0 || status[u] != FP_DONE || status[row.original] != FP_DONE)
        return 0;
    fp_pair pair = {0};
    int rc = derive_pair(layout, store, &layout->groups[layout->unit_group[u]], &pair, &row, error);
    fp_unit_record_free(&pair.unit);
    fp_unit_record_free(&pair.original);
    free(pair.a);
    free(pair.b);
    free(pair.movement);
    return rc;
}

int fp_derive(const fp_layout *layout, fp_store *store, fp_error *error) {
    unsigned char *units = fp_alloc(layout->n_units, 1, "status", error);
    unsigned char *checkpoints = fp_alloc(layout->n_checkpoints, 1, "status", error);
    int rc = units && checkpoints ? fp_store_read_status(store, units, checkpoints, error) : -1;
    for (size_t u = 0; rc == 0 && u < layout->n_units; u++)
        if (derive_unit(layout, store, u, units, error) < 0)
            rc = fp_error_context(error, "comparing unit %zu with its original", u);
    free(units);
    free(checkpoints);
    return rc == 0 ? fp_derive_classifiers(layout, store, error) : rc;
}
