#include "clustering.h"

#include "fineprobe/memory.h"
#include "linkage.h"
#include "questions.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t UNKNOWN = SIZE_MAX;
static const double SEPARATED = 0.3; /* share of the way on which labels as a whole are looked at */

typedef struct move {
    int32_t label;
    uint32_t kept, gone; /* slots */
    uint32_t before;     /* WHEN of the kept slot before */
} move;

typedef struct search {
    size_t n, d, n_labels;
    const float *points;
    const int32_t *labels;
    const fp_extents *extents;
    fp_team *team;
    size_t *label_at;           /* [n_labels + 1] slots of every label in SLOTS */
    uint32_t *slots;            /* [n] points, label by label */
    uint32_t *node;             /* [n] cluster in every slot */
    uint32_t *when;             /* [n] tentative move that made the slot's cluster, from 1; 0: committed */
    uint32_t *slot_of;          /* [n] of every point */
    uint32_t *members, *others; /* [n] scratch */
    unsigned char *mark;        /* [n] scratch, zero between uses */
    unsigned char *gone;        /* [n] slots that were merged into others */
    unsigned char *frozen;      /* [n] points that coincide with another label's */
    unsigned char *separate;    /* [n_labels, n_labels] hulls of whole labels apart */
    fp_linkage *linkages;       /* [n_labels] */
    fp_forest forest;
    fp_questions questions;
    move *moves; /* tentative */
    size_t n_moves, moves_capacity;
    size_t done; /* committed merges */
    fp_probe_progress *progress;
    void *context;
} search;

static void close_search(search *s) {
    if (s->linkages)
        for (size_t y = 0; y < s->n_labels; y++)
            fp_linkage_destroy(&s->linkages[y]);
    free(s->linkages);
    free(s->label_at);
    free(s->slots);
    free(s->node);
    free(s->when);
    free(s->slot_of);
    free(s->members);
    free(s->others);
    free(s->mark);
    free(s->gone);
    free(s->frozen);
    free(s->separate);
    free(s->moves);
    fp_questions_destroy(&s->questions);
    fp_forest_destroy(&s->forest);
}

static int open_search(search *s, fp_error *error) {
    const char *what = "clusters";
    s->label_at = fp_alloc(s->n_labels + 1, sizeof *s->label_at, what, error);
    s->slots = fp_alloc(s->n, sizeof *s->slots, what, error);
    s->node = fp_alloc(s->n, sizeof *s->node, what, error);
    s->when = fp_alloc(s->n, sizeof *s->when, what, error);
    s->slot_of = fp_alloc(s->n, sizeof *s->slot_of, what, error);
    s->members = fp_alloc(s->n, sizeof *s->members, what, error);
    s->others = fp_alloc(s->n, sizeof *s->others, what, error);
    s->mark = fp_alloc(s->n, 1, what, error);
    s->gone = fp_alloc(s->n, 1, what, error);
    s->frozen = fp_alloc(s->n, 1, what, error);
    s->separate = fp_alloc(s->n_labels * s->n_labels, 1, what, error);
    s->linkages = fp_alloc(s->n_labels, sizeof *s->linkages, what, error);
    if (!s->label_at || !s->slots || !s->node || !s->when || !s->slot_of || !s->members || !s->others ||
        !s->mark || !s->gone || !s->frozen || !s->separate || !s->linkages ||
        fp_forest_create(&s->forest, s->points, s->n, s->d, s->labels, error) < 0)
        return -1;
    for (size_t i = 0; i < s->n; i++)
        s->label_at[s->labels[i] + 1]++;
    for (size_t y = 0; y < s->n_labels; y++)
        s->label_at[y + 1] += s->label_at[y];
    for (size_t i = 0; i < s->n; i++)
        s->slots[s->label_at[s->labels[i]]++] = (uint32_t)i;
    memmove(s->label_at + 1, s->label_at, s->n_labels * sizeof *s->label_at);
    s->label_at[0] = 0;
    memcpy(s->node, s->slots, s->n * sizeof *s->node);
    for (size_t i = 0; i < s->n; i++)
        s->slot_of[s->slots[i]] = (uint32_t)i;
    return fp_questions_create(&s->questions, &s->forest, s->extents, s->team, error);
}

static size_t count_of(const search *s, size_t label) {
    return s->label_at[label + 1] - s->label_at[label];
}

static uint64_t hash_row(const float *x, size_t d) {
    uint64_t hash = 0;
    for (size_t k = 0; k < d; k++) {
        uint32_t bits;
        float value = x[k] + 0.0F; /* -0 becomes 0 */
        memcpy(&bits, &value, sizeof bits);
        hash = (hash ^ bits) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 29;
    }
    return hash;
}

static int same_row(const search *s, size_t i, size_t j) {
    for (size_t k = 0; k < s->d; k++)
        if (s->points[i * s->d + k] != s->points[j * s->d + k])
            return 0;
    return 1;
}

/* Points that coincide with a point of another label overlap from the start: no union that holds them can be
 * allowed, so they stay alone. */
static int freeze_conflicts(search *s, fp_error *error) {
    size_t size = 64;
    while (size < 2 * s->n)
        size *= 2;
    uint32_t *table = fp_alloc(size, sizeof *table, "search for identical points", error);
    uint32_t *first = fp_alloc(s->n, sizeof *first, "search for identical points", error);
    unsigned char *mixed = fp_alloc(s->n, 1, "search for identical points", error);
    int status = table && first && mixed ? 0 : -1;
    if (status == 0) {
        memset(table, 0xff, size * sizeof *table);
        for (size_t i = 0; i < s->n; i++) {
            size_t at = (size_t)hash_row(s->points + i * s->d, s->d) & (size - 1);
            while (table[at] != FP_NO_NODE && !same_row(s, table[at], i))
                at = (at + 1) & (size - 1);
            if (table[at] == FP_NO_NODE)
                table[at] = (uint32_t)i;
            first[i] = table[at];
            mixed[first[i]] |= s->labels[first[i]] != s->labels[i];
        }
        for (size_t i = 0; i < s->n; i++)
            s->frozen[i] = mixed[first[i]];
    }
    free(table);
    free(first);
    free(mixed);
    return status;
}

static void tell_separated(void *context, double share) {
    const search *s = context;
    s->progress(s->context, SEPARATED * share);
}

/* Which labels are apart as a whole? 1 when all are, -1 on errors. */
static int separate_labels(search *s, fp_error *error) {
    size_t labels = s->n_labels, n = 0;
    fp_hull_set *sets = fp_alloc(labels, sizeof *sets, "pairs of labels", error);
    fp_label_pair *pairs = fp_alloc(labels * labels / 2, sizeof *pairs, "pairs of labels", error);
    int all = sets && pairs ? 1 : -1;
    for (size_t a = 0; all > 0 && a < labels; a++) {
        sets[a] = (fp_hull_set){s->points, s->slots + s->label_at[a], count_of(s, a)};
        for (size_t b = 0; b < a; b++) {
            s->separate[a * labels + b] = s->separate[b * labels + a] = 1;
            if (count_of(s, a) && count_of(s, b))
                pairs[n++] = (fp_label_pair){(int32_t)a, (int32_t)b, FP_HULL_UNDECIDED};
        }
    }
    if (all > 0 &&
        fp_questions_labels(&s->questions, sets, pairs, n, s->progress ? tell_separated : NULL, s, error) < 0)
        all = -1;
    for (size_t i = 0; all >= 0 && i < n; i++) {
        size_t a = (size_t)pairs[i].a, b = (size_t)pairs[i].b;
        s->separate[a * labels + b] = s->separate[b * labels + a] = pairs[i].verdict == FP_HULL_APART;
        all &= pairs[i].verdict == FP_HULL_APART;
    }
    free(sets);
    free(pairs);
    return all;
}

/* The next merge of all labels'; 0 when none is left, -1 on errors. */
static int advance(search *s, fp_error *error) {
    size_t label = s->n_labels;
    double least = INFINITY;
    for (size_t y = 0; y < s->n_labels; y++) {
        if (s->linkages[y].next_distance < least) {
            least = s->linkages[y].next_distance;
            label = y;
        }
    }
    if (label == s->n_labels)
        return 0;
    fp_linkage *l = &s->linkages[label];
    uint32_t base = (uint32_t)s->label_at[label], kept = base + l->next_kept, gone = base + l->next_gone;
    if (fp_grow((void **)&s->moves, &s->moves_capacity, s->n_moves + 1, sizeof *s->moves, error) < 0)
        return -1;
    uint32_t merged = fp_forest_merge(&s->forest, s->node[kept], s->node[gone], error);
    if (merged == FP_NO_NODE || fp_linkage_merge(l, error) < 0)
        return -1;
    s->moves[s->n_moves++] = (move){(int32_t)label, kept, gone, s->when[kept]};
    s->node[kept] = merged;
    s->gone[gone] = 1;
    s->when[kept] = (uint32_t)s->n_moves;
    return 1;
}

static void take_back(search *s) {
    move last = s->moves[--s->n_moves];
    fp_linkage_undo(&s->linkages[last.label]);
    s->node[last.kept] = s->forest.nodes[s->node[last.kept]].left;
    s->gone[last.gone] = 0;
    s->when[last.kept] = last.before;
}

static void commit(search *s) {
    for (size_t i = 0; i < s->n_moves; i++)
        s->when[s->moves[i].kept] = 0;
    for (size_t y = 0; y < s->n_labels; y++)
        fp_linkage_commit(&s->linkages[y]);
    s->done += s->n_moves;
    s->n_moves = 0;
    if (s->progress)
        s->progress(s->context, SEPARATED + (1 - SEPARATED) * (double)s->done / (double)s->n);
}

/* The tentative move after which SUPPORT's points were together, 0 for before the first: down from SLOT's
 * cluster to the smallest that holds them all. */
static size_t together_since(search *s, uint32_t slot, const uint32_t *support, size_t n) {
    size_t when = s->when[slot];
    while (when) {
        move made = s->moves[when - 1];
        uint32_t right = s->node[made.gone];
        size_t size = s->forest.nodes[right].size, inside = 0;
        fp_forest_points(&s->forest, right, s->members);
        for (size_t i = 0; i < size; i++)
            s->mark[s->members[i]] = 1;
        for (size_t i = 0; i < n; i++)
            inside += s->mark[support[i]];
        for (size_t i = 0; i < size; i++)
            s->mark[s->members[i]] = 0;
        if (inside && inside < n)
            break;
        when = inside ? s->when[made.gone] : made.before;
    }
    return when;
}

/* The clusters in OWN and OTHER overlap: the tentative move after which they certainly did. */
static size_t overlap_since(search *s, uint32_t own, uint32_t other) {
    const fp_questions *q = &s->questions;
    if (!q->n_support)
        return s->when[own];
    uint32_t first = s->labels[q->support[0]] == s->labels[s->slots[own]] ? own : other;
    size_t a = together_since(s, first, q->support, q->n_first);
    size_t b =
        together_since(s, first == own ? other : own, q->support + q->n_first, q->n_support - q->n_first);
    size_t since = a > b ? a : b;
    return since ? since : s->when[own];
}

/* Is the cluster in slot OWN, which a tentative move made, apart from all of LABEL's that are not younger? 0:
 * yes; otherwise the tentative move by which an overlap had come about; UNKNOWN on errors. */
static size_t overlap_with(search *s, uint32_t own, size_t label, fp_error *error) {
    const fp_linkage *l = &s->linkages[label];
    size_t n = 0;
    for (size_t i = 0; i < l->n_alive; i++) {
        uint32_t other = (uint32_t)s->label_at[label] + l->alive[i];
        if (s->when[other] < s->when[own])
            s->others[n++] = s->node[other];
    }
    ptrdiff_t left = fp_questions_filter(&s->questions, s->node[own], s->others, n, error);
    if (left < 0)
        return UNKNOWN;
    ptrdiff_t at = fp_questions_first_overlap(&s->questions, s->node[own], s->others, (size_t)left, error);
    if (at < 0)
        return UNKNOWN;
    return at == left ? 0 : overlap_since(s, own, s->slot_of[s->forest.nodes[s->others[at]].point]);
}

/* Are all clusters apart? Answers like overlap_with. */
static size_t find_overlap(search *s, fp_error *error) {
    for (size_t i = s->n_moves; i-- > 0;) {
        uint32_t slot = s->moves[i].kept;
        size_t label = (size_t)s->moves[i].label;
        if (s->gone[slot] || s->when[slot] != i + 1)
            continue; /* merged again since */
        for (size_t y = 0; y < s->n_labels; y++) {
            if (y == label || s->separate[label * s->n_labels + y])
                continue;
            size_t found = overlap_with(s, slot, y, error);
            if (found)
                return found;
        }
    }
    return 0;
}

static void refuse_next(search *s) {
    size_t label = 0;
    for (size_t y = 1; y < s->n_labels; y++)
        if (s->linkages[y].next_distance < s->linkages[label].next_distance)
            label = y;
    fp_linkage_refuse(&s->linkages[label]);
}

/* Moves to the state TARGET merges after the last that is proven; fewer when no more are left. */
static int go_to(search *s, size_t target, fp_error *error) {
    while (s->n_moves > target)
        take_back(s);
    int moved = 1;
    while (s->n_moves < target && moved > 0)
        moved = advance(s, error);
    return moved < 0 ? -1 : 0;
}

static int run(search *s, fp_error *error) {
    size_t jump = s->n, bad = UNKNOWN; /* BAD: the state that many merges ahead has an overlap */
    for (;;) {
        if (bad == 1) {
            go_to(s, 0, error);
            refuse_next(s);
            bad = UNKNOWN;
            jump = 1;
        }
        if (go_to(s, bad == UNKNOWN ? jump : bad / 2, error) < 0)
            return -1;
        size_t moves = s->n_moves;
        if (moves == 0)
            return 0;
        size_t found = find_overlap(s, error);
        if (found == UNKNOWN)
            return -1;
        if (found) {
            bad = found;
            continue;
        }
        commit(s);
        if (bad == UNKNOWN)
            jump *= 2;
        else
            bad -= moves;
    }
}

/* One cluster a label, or the clusters of the slots that are alive. */
static int write_clusters(search *s, int linear, fp_clustering *out, fp_error *error) {
    uint32_t *owner = fp_alloc(s->n, sizeof *owner, "clusters", error);
    out->cluster_of = fp_alloc(s->n, sizeof *out->cluster_of, "clusters", error);
    if (!owner || !out->cluster_of) {
        free(owner);
        return -1;
    }
    for (size_t y = 0; y < s->n_labels; y++) {
        const uint32_t *slots = s->slots + s->label_at[y];
        for (size_t i = 0; linear && i < count_of(s, y); i++)
            owner[slots[i]] = slots[0];
        for (size_t i = 0; !linear && i < s->linkages[y].n_alive; i++) {
            uint32_t slot = s->linkages[y].alive[i], node = s->node[s->label_at[y] + slot];
            fp_forest_points(&s->forest, node, s->members);
            for (size_t k = 0; k < s->forest.nodes[node].size; k++)
                owner[s->members[k]] = slots[slot];
        }
    }
    for (size_t i = 0; i < s->n; i++)
        out->cluster_of[i] = owner[i] == i ? (uint32_t)out->n_clusters++ : out->cluster_of[owner[i]];
    free(owner);
    return 0;
}

static void link_label(void *context, size_t label, int worker) {
    search *s = context;
    (void)worker;
    fp_linkage_create(&s->linkages[label], s->points, s->d, s->slots + s->label_at[label], count_of(s, label),
                      s->frozen, NULL);
}

static int cluster(search *s, int *linear, fp_error *error) {
    if (open_search(s, error) < 0 || freeze_conflicts(s, error) < 0)
        return -1;
    *linear = separate_labels(s, error);
    if (*linear)
        return *linear < 0 ? -1 : 0;
    fp_team_run(s->team, s->n_labels, link_label, s);
    for (size_t y = 0; y < s->n_labels; y++)
        if (!s->linkages[y].size)
            return fp_fail_memory(error, "distances of a label's points", count_of(s, y));
    return run(s, error);
}

int fp_clustering_run(size_t n, size_t d, const float *points, const int32_t *labels, size_t n_labels,
                      const fp_extents *extents, fp_team *team, fp_probe_progress *progress, void *context,
                      fp_clustering *out, fp_error *error) {
    search s = {.n = n,
                .d = d,
                .n_labels = n_labels,
                .points = points,
                .labels = labels,
                .extents = extents,
                .team = team,
                .progress = progress,
                .context = context};
    *out = (fp_clustering){0};
    int linear = 0, status = cluster(&s, &linear, error);
    if (status == 0)
        status = write_clusters(&s, linear, out, error);
    out->linear = linear;
    out->solver_calls = s.questions.solved;
    out->undecided = s.questions.undecided;
    close_search(&s);
    return status;
}
