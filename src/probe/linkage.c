#include "linkage.h"

#include "fineprobe/memory.h"
#include "vectors.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *entry(const fp_linkage *l, uint32_t i, uint32_t j) {
    size_t high = i > j ? i : j, low = i > j ? j : i;
    return l->distance + high * (high - 1) / 2 + low;
}

/* The closest alive slot before SLOT. */
static void find_nearest(fp_linkage *l, uint32_t slot) {
    double best = INFINITY;
    uint32_t at = slot;
    const double *row = slot ? entry(l, slot, 0) : NULL;
    for (size_t i = 0; i < l->n_alive && l->alive[i] < slot; i++) {
        if (row[l->alive[i]] < best) {
            best = row[l->alive[i]];
            at = l->alive[i];
        }
    }
    l->nearest[slot] = at;
    l->nearest_distance[slot] = best;
}

static void find_next(fp_linkage *l) {
    l->next_distance = INFINITY;
    for (size_t i = 0; i < l->n_alive; i++) {
        uint32_t slot = l->alive[i];
        if (l->nearest_distance[slot] < l->next_distance) {
            l->next_distance = l->nearest_distance[slot];
            l->next_gone = slot;
            l->next_kept = l->nearest[slot];
        }
    }
}

int fp_linkage_create(fp_linkage *l, const float *points, size_t d, const uint32_t *point, size_t n,
                      const unsigned char *frozen, fp_error *error) {
    *l = (fp_linkage){.n = n, .n_alive = n};
    l->distance = fp_alloc(n ? n * (n - 1) / 2 : 0, sizeof(double), "distances of a label's points", error);
    l->alive = fp_alloc(n, sizeof(uint32_t), "linkage", error);
    l->size = fp_alloc(n, sizeof(uint32_t), "linkage", error);
    l->nearest = fp_alloc(n, sizeof(uint32_t), "linkage", error);
    l->nearest_distance = fp_alloc(n, sizeof(double), "linkage", error);
    if (!l->distance || !l->alive || !l->size || !l->nearest || !l->nearest_distance) {
        fp_linkage_destroy(l);
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        l->alive[i] = i;
        l->size[i] = 1;
        for (uint32_t j = 0; j < i; j++)
            *entry(l, i, j) = frozen[point[i]] || frozen[point[j]]
                                  ? INFINITY
                                  : fp_squared_distance(points + point[i] * d, points + point[j] * d, d);
        find_nearest(l, i);
    }
    find_next(l);
    return 0;
}

void fp_linkage_destroy(fp_linkage *l) {
    free(l->distance);
    free(l->alive);
    free(l->size);
    free(l->nearest);
    free(l->nearest_distance);
    free(l->saved);
    free(l->changes);
    free(l->steps);
    *l = (fp_linkage){0};
}

static void log_nearest(fp_linkage *l, uint32_t slot) {
    l->changes[l->n_changes++] = (fp_linkage_change){slot, l->nearest[slot], l->nearest_distance[slot]};
}

static int open_step(fp_linkage *l, uint32_t kept, uint32_t gone, fp_error *error) {
    if (fp_grow((void **)&l->steps, &l->steps_capacity, l->n_steps + 1, sizeof *l->steps, error) < 0 ||
        fp_grow((void **)&l->saved, &l->saved_capacity, l->n_saved + l->n_alive, sizeof *l->saved, error) <
            0 ||
        fp_grow((void **)&l->changes, &l->changes_capacity, l->n_changes + l->n_alive + 1, sizeof *l->changes,
                error) < 0)
        return -1;
    size_t low = 0, high = l->n_alive;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (l->alive[middle] <= gone)
            low = middle;
        else
            high = middle;
    }
    l->steps[l->n_steps++] = (fp_linkage_step){kept, gone, (uint32_t)low, l->n_saved, l->n_changes};
    return 0;
}

/* Distances of the union, in the kept slot's place. */
static void merge_distances(fp_linkage *l, uint32_t kept, uint32_t gone) {
    double a = l->size[kept], b = l->size[gone], whole = a + b;
    double between = a * b / (whole * whole) * *entry(l, kept, gone);
    for (size_t i = 0; i < l->n_alive; i++) {
        uint32_t slot = l->alive[i];
        if (slot == kept)
            continue;
        double *d = entry(l, slot, kept);
        l->saved[l->n_saved++] = *d;
        *d = fmax((a * *d + b * *entry(l, slot, gone)) / whole - between, 0);
    }
}

int fp_linkage_merge(fp_linkage *l, fp_error *error) {
    uint32_t kept = l->next_kept, gone = l->next_gone;
    if (open_step(l, kept, gone, error) < 0)
        return -1;
    uint32_t at = l->steps[l->n_steps - 1].alive_at;
    memmove(l->alive + at, l->alive + at + 1, (--l->n_alive - at) * sizeof *l->alive);
    merge_distances(l, kept, gone);
    l->size[kept] += l->size[gone];
    for (size_t i = 0; i < l->n_alive; i++) {
        uint32_t slot = l->alive[i];
        if (slot < kept)
            continue;
        int lost = slot == kept || l->nearest[slot] == kept || l->nearest[slot] == gone;
        double d = slot > kept ? *entry(l, slot, kept) : INFINITY;
        int nearer = d < l->nearest_distance[slot] ||
                     (d == l->nearest_distance[slot] && d < INFINITY && kept < l->nearest[slot]);
        if (!lost && !nearer)
            continue;
        log_nearest(l, slot);
        if (nearer) {
            l->nearest[slot] = kept;
            l->nearest_distance[slot] = d;
        } else {
            find_nearest(l, slot);
        }
    }
    find_next(l);
    return 0;
}

void fp_linkage_undo(fp_linkage *l) {
    fp_linkage_step step = l->steps[--l->n_steps];
    while (l->n_changes > step.changed) {
        fp_linkage_change change = l->changes[--l->n_changes];
        l->nearest[change.slot] = change.nearest;
        l->nearest_distance[change.slot] = change.distance;
    }
    size_t at = step.saved;
    for (size_t i = 0; i < l->n_alive; i++)
        if (l->alive[i] != step.kept)
            *entry(l, l->alive[i], step.kept) = l->saved[at++];
    l->n_saved = step.saved;
    memmove(l->alive + step.alive_at + 1, l->alive + step.alive_at,
            (l->n_alive++ - step.alive_at) * sizeof *l->alive);
    l->alive[step.alive_at] = step.gone;
    l->size[step.kept] -= l->size[step.gone];
    find_next(l);
}

void fp_linkage_commit(fp_linkage *l) {
    l->n_steps = l->n_saved = l->n_changes = 0;
}

void fp_linkage_refuse(fp_linkage *l) {
    *entry(l, l->next_kept, l->next_gone) = INFINITY;
    find_nearest(l, l->next_gone);
    find_next(l);
}
