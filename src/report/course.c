/* Units and classifiers in order: a course holds what one model fine-tuned on one task and probed on one task
 * went through.
 */
#include "fineprobe/memory.h"
#include "report/findings_make.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t model_at(const fp_layout *layout, const char *name) {
    size_t i = 0;
    while (i < layout->n_models && strcmp(layout->models[i].name, name) != 0)
        i++;
    return i;
}

static size_t task_at(const fp_layout *layout, const char *name) {
    size_t i = 0;
    while (i < layout->n_tasks && strcmp(layout->tasks[i].name, name) != 0)
        i++;
    return i;
}

/* VALUE into the ascending list of *COUNT numbers, once. LIST has room for it. */
static void insert(int32_t *list, size_t *count, int32_t value) {
    size_t at = 0;
    while (at < *count && list[at] < value)
        at++;
    if (at < *count && list[at] == value)
        return;
    memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
    list[at] = value;
    (*count)++;
}

static int index_of(const int32_t *list, size_t count, int32_t value) {
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return (int)i;
    return -1;
}

/* Whether a probe is one of COURSE with this seed; the originals belong to all. */
static int belongs(const fp_probe_identity *id, const fp_course *c, size_t seed) {
    return c->group && strcmp(id->results, c->group->name) == 0 && (id->run < 0 || id->run == c->runs[seed]);
}

static int collect_seeds(const fp_layout *layout, fp_course *c, fp_error *error) {
    c->seeds = fp_alloc(layout->n_runs + 1, sizeof *c->seeds, "seeds", error);
    c->runs = fp_alloc(layout->n_runs + 1, sizeof *c->runs, "seeds", error);
    if (!c->seeds || !c->runs)
        return -1;
    for (size_t i = 0; i < layout->n_runs; i++) {
        const fp_run_row *run = &layout->runs[i];
        if (model_at(layout, run->model) != c->model || task_at(layout, run->task) != c->tuned)
            continue;
        c->seeds[c->n_seeds] = run->seed;
        c->runs[c->n_seeds++] = (int32_t)i;
        c->updates = run->updates;
    }
    if (c->n_seeds == 0) { /* the original alone */
        c->seeds[0] = c->runs[0] = -1;
        c->n_seeds = 1;
    }
    return 0;
}

static int collect_steps(const fp_layout *layout, fp_course *c, fp_error *error) {
    size_t all = 0;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        all += fp_layout_count(layout, kind);
    c->steps = fp_alloc(all, sizeof *c->steps, "steps", error);
    c->layers = fp_alloc(all, sizeof *c->layers, "layers", error);
    if (!c->steps || !c->layers)
        return -1;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        for (size_t s = 0; s < c->n_seeds; s++)
            for (size_t i = 0; i < fp_layout_count(layout, kind); i++) {
                const fp_probe_identity *id = fp_layout_identity(layout, kind, i);
                if (!belongs(id, c, s))
                    continue;
                insert(c->steps, &c->n_steps, id->step);
                insert(c->layers, &c->n_layers, id->layer);
                c->n_units += kind == FP_UNIT;
                c->n_classifiers += kind == FP_CLASSIFIER;
            }
    return 0;
}

/* The finished ones of KIND by seed, step and layer. */
static int32_t *place(const fp_findings *r, const fp_course *c, fp_product_kind kind, fp_error *error) {
    const fp_layout *layout = &r->standing.layout;
    size_t count = c->n_seeds * c->n_steps * c->n_layers;
    int32_t *out = fp_alloc(count, sizeof *out, fp_record_kinds[kind]->name, error);
    if (!out)
        return NULL;
    memset(out, 0xff, count * sizeof *out);
    for (size_t s = 0; s < c->n_seeds; s++)
        for (size_t i = 0; i < fp_layout_count(layout, kind); i++) {
            const fp_probe_identity *id = fp_layout_identity(layout, kind, i);
            if (r->standing.probes[kind][i] != FP_DONE || !belongs(id, c, s))
                continue;
            int step = index_of(c->steps, c->n_steps, id->step);
            int layer = index_of(c->layers, c->n_layers, id->layer);
            out[(s * c->n_steps + (size_t)step) * c->n_layers + (size_t)layer] = (int32_t)i;
        }
    return out;
}

static int collect_probes(const fp_findings *r, fp_course *c, fp_error *error) {
    if (collect_steps(&r->standing.layout, c, error) < 0)
        return -1;
    c->units = place(r, c, FP_UNIT, error);
    c->classifiers = c->units ? place(r, c, FP_CLASSIFIER, error) : NULL;
    return c->classifiers ? 0 : -1;
}

static int is_probed_elsewhere(const fp_layout *layout, size_t model, size_t tuned, size_t probed) {
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        for (size_t i = 0; i < fp_layout_count(layout, kind); i++) {
            const fp_probe_identity *id = fp_layout_identity(layout, kind, i);
            if (id->run >= 0 && model_at(layout, id->model) == model &&
                task_at(layout, id->finetuned_on) == tuned && task_at(layout, id->probed_on) == probed)
                return 1;
        }
    return 0;
}

static int add_course(fp_findings *r, size_t *capacity, size_t model, size_t tuned, size_t probed,
                      fp_error *error) {
    const fp_layout *layout = &r->standing.layout;
    if (fp_grow((void **)&r->courses, capacity, r->n_courses + 1, sizeof *r->courses, error) < 0)
        return -1;
    fp_course *c = &r->courses[r->n_courses++];
    *c = (fp_course){.model = model, .tuned = tuned, .probed = probed};
    for (size_t g = 0; g < layout->n_groups; g++)
        if ((size_t)layout->groups[g].model == model && (size_t)layout->groups[g].task == probed) {
            c->group = &layout->groups[g];
            c->n_labels = c->group->labels;
        }
    if (collect_seeds(layout, c, error) < 0)
        return -1;
    return collect_probes(r, c, error);
}

/* Whether the model is fine-tuned on the task, or its original probed on it. */
static int has_anything(const fp_layout *layout, size_t model, size_t task) {
    for (size_t i = 0; i < layout->n_groups; i++)
        if ((size_t)layout->groups[i].model == model && (size_t)layout->groups[i].task == task)
            return 1;
    for (size_t i = 0; i < layout->n_runs; i++)
        if (model_at(layout, layout->runs[i].model) == model && task_at(layout, layout->runs[i].task) == task)
            return 1;
    return 0;
}

int fp_findings_courses(fp_findings *r, fp_error *error) {
    const fp_layout *layout = &r->standing.layout;
    size_t capacity = 0;
    for (int across = 0; across < 2; across++) {
        for (size_t m = 0; m < layout->n_models; m++)
            for (size_t a = 0; a < layout->n_tasks; a++)
                for (size_t b = 0; b < layout->n_tasks; b++) {
                    int wanted = across ? a != b && is_probed_elsewhere(layout, m, a, b)
                                        : a == b && has_anything(layout, m, a);
                    if (wanted && add_course(r, &capacity, m, a, b, error) < 0)
                        return -1;
                }
        if (!across)
            r->n_own = r->n_courses;
    }
    return 0;
}

void fp_courses_free(fp_course *courses, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(courses[i].seeds);
        free(courses[i].runs);
        free(courses[i].steps);
        free(courses[i].layers);
        free(courses[i].units);
        free(courses[i].classifiers);
    }
    free(courses);
}

/* ---- asking ---- */

const fp_numbers *fp_course_at(const fp_findings *r, const fp_course *c, size_t seed, size_t step,
                               size_t layer) {
    int32_t unit = c->units[(seed * c->n_steps + step) * c->n_layers + layer];
    return unit >= 0 ? &r->numbers[unit] : NULL;
}

const fp_accuracy *fp_course_accuracy_at(const fp_findings *r, const fp_course *c, size_t seed, size_t step,
                                         size_t layer) {
    int32_t at = c->classifiers[(seed * c->n_steps + step) * c->n_layers + layer];
    return at >= 0 && r->accuracies[at].trained ? &r->accuracies[at] : NULL;
}

const fp_course *fp_course_of(const fp_findings *r, size_t model, size_t tuned, size_t probed) {
    for (size_t i = 0; i < r->n_courses; i++)
        if (r->courses[i].model == model && r->courses[i].tuned == tuned && r->courses[i].probed == probed)
            return &r->courses[i];
    return NULL;
}

int fp_course_original(const fp_course *c) {
    return c->n_steps && c->steps[0] == 0 ? 0 : -1;
}

int fp_course_last(const fp_course *c) {
    return index_of(c->steps, c->n_steps, c->updates);
}

/* ---- quantities ---- */

double fp_quantity_minimum(const fp_numbers *u, size_t label) {
    return u->minimum[0][label];
}

double fp_quantity_movement(const fp_numbers *u, size_t label) {
    return u->movement ? u->movement[label] : NAN;
}

double fp_quantity_similarity(const fp_numbers *u, size_t unused) {
    (void)unused;
    int is_original = u->row->run < 0;
    return is_original && strcmp(u->row->train.state, "linear") == 0 ? 1 : u->similarity;
}

double fp_quantity_train_test(const fp_numbers *u, size_t unused) {
    (void)unused;
    return u->row->train_test_similarity;
}

double fp_quantity_clusters(const fp_numbers *u, size_t unused) {
    (void)unused;
    return u->row->train.clusters;
}

double fp_quantity_mean_minimum(const fp_numbers *u, size_t unused) {
    (void)unused;
    return u->row->train.mean_distance;
}

double fp_mean_cosine(const fp_numbers *u, size_t all, const size_t *labels, size_t n_labels) {
    double sum = 0, n = 0;
    for (size_t i = 0; u && u->directions && i < n_labels; i++)
        for (size_t k = i + 1; k < n_labels; k++) {
            size_t a = labels ? labels[i] : i, b = labels ? labels[k] : k;
            double lengths = sqrt(u->directions[a * all + a] * u->directions[b * all + b]);
            if (a == b || !(lengths > 0))
                continue;
            sum += u->directions[a * all + b] / lengths;
            n++;
        }
    return n > 0 ? sum / n : NAN;
}

/* One more seed's number, unless it is none; DEVIATION holds the sum of squares on the way. */
static void take(fp_value *value, double x) {
    if (isnan(x))
        return;
    double apart = x - value->mean;
    value->mean += apart / (double)++value->n;
    value->deviation += apart * (x - value->mean);
}

static fp_value taken(fp_value value) {
    value.mean = value.n ? value.mean : NAN;
    value.deviation = value.n > 1 ? sqrt(value.deviation / (double)(value.n - 1)) : NAN;
    return value;
}

fp_value fp_course_value(const fp_findings *r, const fp_course *c, size_t step, size_t layer,
                         fp_quantity *quantity, size_t label) {
    fp_value value = {0};
    for (size_t s = 0; s < c->n_seeds; s++) {
        const fp_numbers *u = fp_course_at(r, c, s, step, layer);
        take(&value, u ? quantity(u, label) : NAN);
    }
    return taken(value);
}

fp_value fp_course_accuracy(const fp_findings *r, const fp_course *c, size_t step, size_t layer) {
    fp_value value = {0};
    for (size_t s = 0; s < c->n_seeds; s++) {
        const fp_accuracy *a = fp_course_accuracy_at(r, c, s, step, layer);
        take(&value, a ? a->mean : NAN);
    }
    return taken(value);
}
