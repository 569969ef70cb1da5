#include "distances.h"

#include "fineprobe/memory.h"
#include "keeper.h"
#include "vectors.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { BATCH = 1 << 12 }; /* pairs that are measured before their distances are added up, in order */

typedef struct measured {
    double distance, gap;
    unsigned char between, solved, undecided,
        touching; /* BETWEEN: of two labels, neither cluster too small */
    fp_kept kept; /* when certificates are wanted */
} measured;

typedef struct worker {
    fp_hull_solver *solver;
    double *hint; /* [d] */
    int failed;
    fp_error error;
} worker;

/* Pairs (a, b), b < a, of clusters are numbered a (a - 1) / 2 + b. */
typedef struct measuring {
    const fp_grouping *grouping;
    const fp_extents *extents;
    const fp_directprobe_settings *settings;
    fp_directprobe_result *result;
    fp_team *team;
    worker *workers;
    measured *batch;
    size_t first, n_pairs;
    uint32_t *count; /* [n_labels, n_labels] cluster pairs */
    fp_keeper keeper;
    atomic_size_t done;
    fp_probe_progress *progress;
    void *context;
    double from;
} measuring;

static void find_pair(size_t number, size_t *a, size_t *b) {
    size_t row = (size_t)((1 + sqrt(1 + 8 * (double)number)) / 2);
    while (row * (row - 1) / 2 > number)
        row--;
    while (row * (row + 1) / 2 <= number)
        row++;
    *a = row;
    *b = number - row * (row - 1) / 2;
}

static double extent_of(const measuring *m, size_t a, size_t b) {
    const fp_cluster *clusters = m->result->clusters;
    return m->extents->of_pair[(size_t)clusters[a].label * m->extents->n_labels + (size_t)clusters[b].label];
}

static int solve(const measuring *m, worker *w, size_t a, size_t b, measured *out) {
    const fp_grouping *g = m->grouping;
    for (size_t k = 0; k < g->d; k++)
        w->hint[k] = g->centroids[a * g->d + k] - g->centroids[b * g->d + k];
    fp_hull_start start = {.directions = w->hint, .n_directions = 1};
    fp_hull_settings settings = fp_hull_defaults();
    settings.gap = m->settings->gap;
    settings.longest = m->extents->longest;
    settings.extent = extent_of(m, a, b);
    fp_hull_answer answer;
    if (fp_hull_solve(w->solver, fp_grouping_set(g, a), fp_grouping_set(g, b), &start, &settings, &answer,
                      &w->error) < 0)
        return -1;
    out->solved = 1;
    out->undecided = answer.verdict == FP_HULL_UNDECIDED;
    out->touching = answer.verdict != FP_HULL_APART;
    out->distance = out->touching ? 0 : answer.upper;
    out->gap = out->touching ? 0 : 1 - answer.lower / answer.upper;
    if (out->touching || !m->settings->certificates)
        return 0;
    out->kept = (fp_kept){.first = (uint32_t)a, .second = (uint32_t)b, .third = -1};
    return fp_kept_copy(&answer, &out->kept, &w->error);
}

static void measure_pair(void *context, size_t item, int number) {
    measuring *m = context;
    const fp_grouping *g = m->grouping;
    const fp_cluster *clusters = m->result->clusters;
    worker *w = m->workers + number;
    measured *out = m->batch + item;
    size_t a, b;
    find_pair(m->first + item, &a, &b);
    *out =
        (measured){.between = clusters[a].label != clusters[b].label &&
                              clusters[a].size > m->settings->small && clusters[b].size > m->settings->small};
    if (out->between && clusters[a].size == 1 && clusters[b].size == 1) {
        const float *x = g->points + g->members[g->begin[a]] * g->d;
        const float *y = g->points + g->members[g->begin[b]] * g->d;
        out->distance = sqrt(fp_squared_distance(x, y, g->d));
        out->touching = out->distance <= fp_hull_resolution(extent_of(m, a, b));
    } else if (out->between && !w->failed) {
        w->failed = solve(m, w, a, b, out) < 0;
    }
    size_t done = atomic_fetch_add(&m->done, 1) + 1;
    if (number == 0 && m->progress)
        m->progress(m->context, m->from + (1 - m->from) * (double)done / (double)m->n_pairs);
}

/* In the order of the pairs, whoever measured them. */
static void add_up(measuring *m, size_t n) {
    fp_directprobe_result *r = m->result;
    for (size_t i = 0; i < n; i++) {
        measured *x = m->batch + i;
        size_t a, b;
        if (x->kept.points)
            fp_keeper_offer(&m->keeper, &x->kept);
        if (!x->between)
            continue;
        find_pair(m->first + i, &a, &b);
        size_t y = (size_t)r->clusters[a].label, z = (size_t)r->clusters[b].label;
        size_t at = y < z ? y * r->n_labels + z : z * r->n_labels + y;
        r->label_distances[at] += x->distance;
        m->count[at]++;
        r->solver_calls += x->solved;
        r->undecided += x->undecided;
        r->touching += x->touching;
        r->largest_gap = fmax(r->largest_gap, x->gap);
        if (r->cluster_distances)
            r->cluster_distances[a * r->n_clusters + b] = r->cluster_distances[b * r->n_clusters + a] =
                x->distance;
    }
}

static int check_workers(const measuring *m, fp_error *error) {
    for (int i = 0; i < fp_team_threads(m->team); i++)
        if (m->workers[i].failed) {
            if (error)
                *error = m->workers[i].error;
            return -1;
        }
    return 0;
}

static int measure_all(measuring *m, fp_error *error) {
    for (m->first = 0; m->first < m->n_pairs; m->first += BATCH) {
        size_t n = m->n_pairs - m->first < BATCH ? m->n_pairs - m->first : BATCH;
        fp_team_run(m->team, n, measure_pair, m);
        if (check_workers(m, error) < 0) {
            for (size_t i = 0; i < n; i++)
                fp_kept_free(&m->batch[i].kept);
            return -1;
        }
        add_up(m, n);
    }
    return 0;
}

static void finish_labels(measuring *m) {
    fp_directprobe_result *r = m->result;
    size_t n = r->n_labels;
    for (size_t x = 0; x < n; x++) {
        for (size_t y = x; y < n; y++) {
            double *at = r->label_distances + x * n + y;
            *at = m->count[x * n + y] ? *at / m->count[x * n + y] : NAN;
            r->label_distances[y * n + x] = *at;
        }
    }
    for (size_t x = 0; x < n; x++) {
        r->minimum_distances[x] = NAN;
        for (size_t y = 0; y < n; y++)
            r->minimum_distances[x] = fmin(r->minimum_distances[x], r->label_distances[x * n + y]);
    }
}

static int open_workers(measuring *m, fp_error *error) {
    int threads = fp_team_threads(m->team);
    m->workers = fp_alloc((size_t)threads, sizeof *m->workers, "distances", error);
    for (int i = 0; m->workers && i < threads; i++) {
        m->workers[i].solver = fp_hull_create(m->grouping->d, error);
        m->workers[i].hint = fp_alloc(m->grouping->d, sizeof(double), "a direction", error);
        if (!m->workers[i].solver || !m->workers[i].hint)
            return -1;
    }
    return m->workers ? 0 : -1;
}

static void close_workers(measuring *m) {
    for (int i = 0; m->workers && i < fp_team_threads(m->team); i++) {
        fp_hull_destroy(m->workers[i].solver);
        free(m->workers[i].hint);
    }
    fp_keeper_destroy(&m->keeper);
    free(m->workers);
    free(m->batch);
    free(m->count);
}

int fp_measure_distances(const fp_grouping *grouping, const fp_extents *extents,
                         const fp_directprobe_settings *settings, fp_team *team, fp_probe_progress *progress,
                         void *context, double from, fp_directprobe_result *result, fp_error *error) {
    size_t clusters = result->n_clusters, pairs = clusters * (clusters - 1) / 2;
    measuring m = {.grouping = grouping,
                   .extents = extents,
                   .settings = settings,
                   .result = result,
                   .team = team,
                   .n_pairs = pairs,
                   .progress = progress,
                   .context = context,
                   .from = from};
    m.batch = fp_alloc(pairs < BATCH ? pairs : BATCH, sizeof *m.batch, "distances", error);
    m.count = fp_alloc(result->n_labels * result->n_labels, sizeof *m.count, "distances", error);
    for (size_t i = 0; result->cluster_distances && i < clusters * clusters; i++)
        result->cluster_distances[i] = NAN;
    int status = m.batch && m.count ? open_workers(&m, error) : -1;
    if (status == 0)
        status = fp_keeper_create(&m.keeper, result->certificates.capacity, error);
    if (status == 0)
        status = measure_all(&m, error);
    if (status == 0 && settings->certificates)
        status = fp_keeper_finish(&m.keeper, grouping, extents, m.workers[0].solver, result, error);
    if (status == 0)
        finish_labels(&m);
    close_workers(&m);
    return status;
}
