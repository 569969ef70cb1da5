#include "sweep/outlook.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "sweep/costs.h"
#include "sweep/session.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is done: fp_status of probings and checkpoints; which checkpoints' models are on disk; and what
 * follows for each checkpoint. */
typedef struct fp_state {
    const fp_plan *plan;
    unsigned char *probings, *checkpoints, *available;
    fp_provenance_row *probing_rows, *checkpoint_rows;
    fp_costs *costs;
    double *chains; /* [probings] of open ones */
    double *tails;  /* [checkpoints] longest chain of open work behind it; 0: none */
} fp_state;

/* ---- what an earlier session has done ---- */

/* A row of units or the like, or a checkpoint. */
typedef struct fp_known {
    const char *digest;
    fp_product_kind kind;
    const fp_probe_identity *row; /* NULL: a checkpoint */
    const fp_provenance_row *how;
    unsigned char status;
    int wanted; /* the plan has this one, perhaps with another digest */
} fp_known;

static int by_digest(const void *a, const void *b) {
    return strcmp(((const fp_known *)a)->digest, ((const fp_known *)b)->digest);
}

/* What it is about, whatever its digest. */
static int by_identity(const void *a, const void *b) {
    const fp_known *i = a, *k = b;
    const fp_probe_identity *x = i->row, *y = k->row;
    int order = (i->kind > k->kind) - (i->kind < k->kind);
    if (!order)
        order = strcmp(x->model, y->model);
    if (!order)
        order = strcmp(x->finetuned_on, y->finetuned_on);
    if (!order)
        order = strcmp(x->probed_on, y->probed_on);
    if (!order)
        order = (x->seed > y->seed) - (x->seed < y->seed);
    if (!order)
        order = (x->step > y->step) - (x->step < y->step);
    return order ? order : (x->layer > y->layer) - (x->layer < y->layer);
}

typedef struct fp_history {
    fp_layout layout;
    unsigned char *status[FP_N_PRODUCTS], *checkpoints;
    fp_provenance_row *rows[FP_N_PRODUCTS], *checkpoint_rows;
    size_t n_known;
    fp_known *known, *known_checkpoints;
} fp_history;

static void history_free(fp_history *h) {
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++) {
        free(h->status[kind]);
        free(h->rows[kind]);
    }
    fp_layout_free(&h->layout);
    free(h->checkpoints);
    free(h->checkpoint_rows);
    free(h->known);
    free(h->known_checkpoints);
}

static int read_kind(fp_store *store, fp_product_kind kind, fp_history *h, fp_error *error) {
    size_t n = fp_layout_count(&h->layout, kind);
    h->status[kind] = fp_alloc(n, 1, "status", error);
    h->rows[kind] = fp_alloc(n, sizeof **h->rows, "provenance", error);
    if (!h->status[kind] || !h->rows[kind] ||
        fp_store_read_record_status(store, kind, h->status[kind], error) < 0 ||
        fp_store_read_record_provenance(store, kind, h->rows[kind], error) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const fp_probe_identity *row = fp_layout_identity(&h->layout, kind, i);
        h->known[h->n_known++] = (fp_known){row->digest, kind, row, &h->rows[kind][i], h->status[kind][i], 0};
    }
    return 0;
}

static int read_history(fp_store *store, fp_history *h, fp_error *error) {
    if (fp_store_layout(store, &h->layout, error) < 0)
        return -1;
    size_t all = 0, checkpoints = h->layout.n_checkpoints;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        all += fp_layout_count(&h->layout, kind);
    h->checkpoints = fp_alloc(checkpoints, 1, "status", error);
    h->checkpoint_rows = fp_alloc(checkpoints, sizeof *h->checkpoint_rows, "provenance", error);
    h->known = fp_alloc(all, sizeof *h->known, "known units", error);
    h->known_checkpoints = fp_alloc(checkpoints, sizeof *h->known_checkpoints, "known checkpoints", error);
    if (!h->checkpoints || !h->checkpoint_rows || !h->known || !h->known_checkpoints ||
        fp_store_read_checkpoint_status(store, h->checkpoints, h->checkpoint_rows, error) < 0)
        return -1;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        if (read_kind(store, kind, h, error) < 0)
            return -1;
    for (size_t i = 0; i < checkpoints; i++)
        h->known_checkpoints[i] = (fp_known){.digest = h->layout.checkpoints[i].digest,
                                             .how = &h->checkpoint_rows[i],
                                             .status = h->checkpoints[i]};
    return 0;
}

static int open_history(const char *path, fp_history *h, fp_error *error) {
    fp_store *store = fp_store_open_read(path, error);
    if (!store)
        return -1;
    int rc = read_history(store, h, error);
    return fp_store_close(store, rc == 0 ? error : NULL) < 0 ? -1 : rc;
}

/* Probings that are an end in themselves: one a row of units or the like. */
static int is_end(const fp_plan *plan, size_t probing) {
    return plan->probings[probing].then == FP_NOTHING;
}

/* Statuses of what the plan has as well. */
static void match_digests(fp_state *s, const fp_history *h, fp_outlook *out) {
    const fp_plan *plan = s->plan;
    size_t n = h->layout.n_checkpoints;
    qsort(h->known_checkpoints, n, sizeof(fp_known), by_digest);
    for (size_t i = 0; i < plan->layout.n_checkpoints; i++) {
        fp_known key = {.digest = plan->layout.checkpoints[i].digest};
        const fp_known *found = bsearch(&key, h->known_checkpoints, n, sizeof(fp_known), by_digest);
        s->checkpoints[i] = found ? found->status : FP_WAITING;
        if (found)
            s->checkpoint_rows[i] = *found->how;
    }
    qsort(h->known, h->n_known, sizeof(fp_known), by_digest);
    for (size_t i = 0; i < plan->n_probings; i++) {
        if (!is_end(plan, i))
            continue;
        fp_known key = {.digest = fp_session_row(plan, i)->digest};
        const fp_known *found = bsearch(&key, h->known, h->n_known, sizeof(fp_known), by_digest);
        s->probings[i] = found ? found->status : FP_WAITING;
        if (found)
            s->probing_rows[i] = *found->how;
        out->units_kept += s->probings[i] == FP_DONE;
        out->units_failed += s->probings[i] == FP_FAILED;
    }
}

/* What the plan has no more, or otherwise. */
static void match_identities(const fp_plan *plan, fp_history *h, fp_outlook *out) {
    qsort(h->known, h->n_known, sizeof(fp_known), by_identity);
    for (size_t i = 0; i < plan->n_probings; i++) {
        if (!is_end(plan, i))
            continue;
        fp_known key = {.kind = fp_piece_product(plan->probings[i].kind), .row = fp_session_row(plan, i)};
        fp_known *found = bsearch(&key, h->known, h->n_known, sizeof(fp_known), by_identity);
        if (!found)
            continue;
        found->wanted = 1;
        if (found->status == FP_DONE && strcmp(found->digest, key.row->digest) != 0) {
            out->units_changed++;
            fp_changes_add(&out->changes, &h->layout, &plan->layout, key.kind, key.row);
        }
    }
    for (size_t i = 0; i < h->n_known; i++)
        out->units_gone += h->known[i].status == FP_DONE && !h->known[i].wanted;
}

/* ---- the work that is left ---- */

/* Parts of what is done or failed are over, too. */
static int is_open(const fp_state *s, size_t probing) {
    size_t then = s->plan->probings[probing].then;
    unsigned char status = s->probings[then == FP_NOTHING ? probing : then];
    return status != FP_DONE && status != FP_FAILED;
}

/* Probings of representation I; returns whether some are open, *TAIL: the longest chain of those. */
static int count_probings(const fp_state *s, size_t i, double *tail, fp_outlook *out) {
    const fp_plan *p = s->plan;
    const fp_plan_representation *r = &p->representations[i];
    int open = 0;
    *tail = 0;
    for (size_t k = r->first_probing + r->n_probings; k-- > r->first_probing;) {
        const fp_plan_probing *probing = &p->probings[k];
        fp_outlook_work *work = &out->work[probing->kind];
        double seconds = probing->seconds * fp_costs_factor(s->costs, fp_costs_of_probing(s->costs, k));
        work->all++;
        work->seconds += seconds;
        work->memory = fmax(work->memory, probing->memory);
        s->chains[k] = 0;
        if (!is_open(s, k))
            continue;
        open = 1;
        work->open++;
        work->open_seconds += seconds;
        s->chains[k] = seconds + (probing->then == FP_NOTHING ? 0 : s->chains[probing->then]);
        *tail = fmax(*tail, s->chains[k]);
    }
    return open;
}

static void count_units(const fp_state *s, fp_outlook *out) {
    const fp_plan *p = s->plan;
    fp_outlook_work *embed = &out->work[FP_PIECE_EMBED];
    for (size_t i = 0; i < p->n_representations; i++) {
        const fp_plan_representation *r = &p->representations[i];
        double tail,
            seconds = r->seconds * fp_costs_factor(s->costs, fp_costs_of_representation(s->costs, i));
        int open = count_probings(s, i, &tail, out);
        embed->all++;
        embed->seconds += seconds;
        embed->memory = fmax(embed->memory, r->memory);
        if (!open)
            continue;
        embed->open++;
        embed->open_seconds += seconds;
        out->vectors += r->bytes;
        out->largest_vectors = fmax(out->largest_vectors, r->bytes);
        s->tails[r->checkpoint] = fmax(s->tails[r->checkpoint], seconds + tail);
    }
}

/* A run is carried on from its last checkpoint that serves to the last one that does not. */
static void count_run(const fp_state *s, size_t run, fp_outlook *out) {
    const fp_plan_run *r = &s->plan->runs[run];
    const fp_checkpoint_row *rows = s->plan->layout.checkpoints;
    fp_outlook_work *work = &out->work[FP_PIECE_FINETUNE];
    double an_update = r->seconds_per_update * fp_costs_factor(s->costs, fp_costs_of_run(s->costs, run));
    size_t first = r->first_checkpoint, end = first + r->n_checkpoints, next = end, wanted = first;
    size_t updates = (size_t)s->plan->layout.runs[run].updates;
    for (size_t c = end; c-- > first;) {
        if (s->checkpoints[c] == FP_DONE && (s->available[c] || s->tails[c] == 0))
            continue;
        if (next == end)
            wanted = c + 1;
        next = c;
    }
    work->all++;
    work->seconds += (double)(r->n_checkpoints ? (size_t)rows[end - 1].step : updates) * an_update;
    out->updates += updates;
    work->memory = fmax(work->memory, r->memory);
    out->checkpoints += r->n_checkpoints;
    int from = next > first ? rows[next - 1].step : 0;
    for (size_t c = first; c < end; c++) {
        double chain = c < next ? 0 : (rows[c].step - from) * an_update;
        if (c < wanted || s->tails[c] > 0)
            out->longest = fmax(out->longest, chain + s->tails[c]);
    }
    if (next >= wanted)
        return;
    size_t open_updates = (size_t)(rows[wanted - 1].step - from);
    work->open++;
    work->open_seconds += (double)open_updates * an_update;
    out->open_updates += open_updates;
    out->open_checkpoints += wanted - next;
}

static double result_bytes(const fp_layout *l) {
    double bytes = (double)(strlen(l->grid) + strlen(l->provenance)) + 4.0 * (double)l->n_losses;
    const struct {
        const fp_table *table;
        size_t rows;
    } tables[] = {{&fp_table_models, l->n_models},
                  {&fp_table_tasks, l->n_tasks},
                  {&fp_table_labels, l->n_labels},
                  {&fp_table_data, l->n_data},
                  {&fp_table_runs, l->n_runs},
                  {&fp_table_checkpoints, l->n_checkpoints},
                  {&fp_table_derived, l->n_units},
                  {&fp_table_classifier_derived, l->n_classifiers},
                  {&fp_table_classifier_seeds, l->n_classifier_seeds},
                  {&fp_table_provenance, l->n_checkpoints}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        bytes += (double)(fp_table_packed_size(tables[i].table) * tables[i].rows);
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        bytes += (double)(fp_layout_count(l, kind) * (fp_table_packed_size(fp_record_kinds[kind]->table) +
                                                      fp_table_packed_size(&fp_table_provenance)));
    for (size_t i = 0; i < l->n_groups; i++)
        for (fp_result r = 0; r < FP_N_RESULTS; r++) {
            size_t shape[FP_MAX_AXES];
            fp_result_shape(&l->groups[i], r, shape);
            bytes += (double)shape[0] * (double)(fp_result_entries(&l->groups[i], r) * fp_result_size(r));
        }
    return bytes;
}

/* Folders without the run's state: float32 parameters. */
static double kept_bytes(const fp_plan *plan) {
    double bytes = 0;
    for (size_t i = 0; i < plan->layout.n_runs; i++) {
        const fp_plan_run *run = &plan->runs[i];
        size_t n = plan->grid->keep == FP_KEEP_ALL    ? run->n_checkpoints
                   : plan->grid->keep == FP_KEEP_LAST ? 1
                                                      : 0;
        bytes += (double)n * 4.0 * (double)plan->layout.models[run->model].parameters;
    }
    return bytes;
}

static void estimate(const fp_state *s, fp_outlook *out) {
    count_units(s, out);
    for (size_t c = 0; c < s->plan->layout.n_checkpoints; c++)
        if (s->plan->layout.checkpoints[c].run < 0)
            out->longest = fmax(out->longest, s->tails[c]);
    for (size_t run = 0; run < s->plan->layout.n_runs; run++)
        count_run(s, run, out);
    for (int kind = 0; kind < FP_PIECE_KINDS; kind++)
        out->memory = fmax(out->memory, out->work[kind].memory);
    out->result = result_bytes(&s->plan->layout);
    out->kept_checkpoints = kept_bytes(s->plan);
}

static int look_back(fp_state *s, fp_outlook *out, fp_error *error) {
    const char *file = s->plan->grid->output;
    if (!fp_path_exists(file))
        return 0;
    out->exists = 1;
    fp_history history = {0};
    int rc = open_history(file, &history, error);
    if (rc == 0)
        match_digests(s, &history, out);
    if (rc == 0)
        match_identities(s->plan, &history, out);
    history_free(&history);
    return rc;
}

/* What was measured tells what will be. */
static int learn(fp_state *s, fp_error *error) {
    s->costs = fp_costs_create(s->plan, error);
    if (!s->costs)
        return -1;
    fp_costs_learn_history(s->costs, s->probings, s->probing_rows, s->checkpoints, s->checkpoint_rows);
    return 0;
}

/* As if nothing were done. */
static void forget(fp_state *s) {
    memset(s->probings, FP_WAITING, s->plan->n_probings);
    for (size_t c = 0; c < s->plan->layout.n_checkpoints; c++) {
        s->checkpoints[c] = FP_WAITING;
        s->available[c] = s->plan->layout.checkpoints[c].run < 0;
    }
}

static int forecast(const fp_state *s, fp_forecast *forecasts, size_t n, const fp_outlook *outlook,
                    fp_error *error) {
    fp_schedule_start start = {.probings = s->probings,
                               .checkpoints = s->checkpoints,
                               .available = s->available,
                               .attempts = 1,
                               .nodes = 1,
                               .costs = s->costs};
    for (size_t i = 0; i < n; i++) {
        forecasts[i].bound = fp_outlook_seconds(outlook, forecasts[i].ranks);
        fp_forecast endless = forecasts[i];
        start.endless_scratch = 1;
        if (fp_simulate(s->plan, &start, &endless, error) < 0)
            return -1;
        start.endless_scratch = 0;
        if (fp_simulate(s->plan, &start, &forecasts[i], error) < 0)
            return -1;
        forecasts[i].endless_seconds = endless.seconds;
        forecasts[i].endless_scratch = endless.scratch;
    }
    return 0;
}

int fp_outlook_make(const fp_plan *plan, int anew, fp_forecast *forecasts, size_t n_forecasts,
                    fp_outlook *out, fp_error *error) {
    *out = (fp_outlook){0};
    size_t n = plan->layout.n_checkpoints;
    fp_state s = {
        .plan = plan,
        .probings = fp_alloc(plan->n_probings, 1, "status", error),
        .checkpoints = fp_alloc(n, 1, "status", error),
        .probing_rows = fp_alloc(plan->n_probings, sizeof *s.probing_rows, "provenance", error),
        .checkpoint_rows = fp_alloc(n, sizeof *s.checkpoint_rows, "provenance", error),
        .available = fp_session_available(plan, error),
        .chains = fp_alloc(plan->n_probings, sizeof *s.chains, "probings", error),
        .tails = fp_alloc(n, sizeof *s.tails, "checkpoints", error),
    };
    int rc = s.probings && s.checkpoints && s.probing_rows && s.checkpoint_rows && s.available && s.chains &&
                     s.tails
                 ? look_back(&s, out, error)
                 : -1;
    if (rc == 0)
        rc = learn(&s, error);
    if (rc == 0 && anew)
        forget(&s);
    if (rc == 0) {
        estimate(&s, out);
        rc = forecast(&s, forecasts, n_forecasts, out, error);
    }
    fp_costs_destroy(s.costs);
    free(s.probings);
    free(s.probing_rows);
    free(s.checkpoint_rows);
    free(s.chains);
    free(s.checkpoints);
    free(s.available);
    free(s.tails);
    return rc;
}

long fp_outlook_useful_ranks(const fp_outlook *outlook) {
    double total = 0;
    for (int i = 0; i < FP_PIECE_KINDS; i++)
        total += outlook->work[i].open_seconds;
    return outlook->longest > 0 ? lround(ceil(total / outlook->longest)) : 1;
}

double fp_outlook_seconds(const fp_outlook *outlook, long ranks) {
    double total = 0;
    for (int i = 0; i < FP_PIECE_KINDS; i++)
        total += outlook->work[i].open_seconds;
    return fmax(total / (double)ranks, outlook->longest);
}
