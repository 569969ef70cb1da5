#include "places.h"

#include "fineprobe/digest.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *fp_place_scratch(const fp_grid *grid, fp_error *error) {
    char here[4096] = "", text[FP_DIGEST_TEXT];
    if (grid->output[0] != '/' && !getcwd(here, sizeof here)) {
        fp_fail_errno(error, "cannot tell the current folder");
        return NULL;
    }
    fp_digester *digester = fp_digester_create(error);
    if (!digester)
        return NULL;
    fp_digest_text(digester, "folder", here);
    fp_digest_text(digester, "file", grid->output);
    fp_digest_format(fp_digest_end(digester), text);
    fp_digester_destroy(digester);
    return fp_format(error, "%s/sweep-%.8s", grid->scratch, text);
}

/* SCRATCH/sweep-DIGEST/KIND/NAME, NAME printed. */
static char *in_scratch(const fp_grid *grid, const char *kind, const char *name, fp_error *error) {
    char *scratch = fp_place_scratch(grid, error);
    char *path = scratch ? fp_format(error, "%s/%s/%s", scratch, kind, name) : NULL;
    free(scratch);
    return path;
}

static char *numbered(const fp_grid *grid, const char *kind, size_t number, fp_error *error) {
    char name[48];
    snprintf(name, sizeof name, "%zu.safetensors", number);
    return in_scratch(grid, kind, name, error);
}

char *fp_place_model(const fp_grid *grid, size_t model, fp_error *error) {
    const fp_grid_model *m = &grid->models[model];
    return m->folder ? fp_strdup(m->folder, error) : in_scratch(grid, "models", m->name, error);
}

char *fp_place_run(const fp_plan *plan, size_t run, fp_error *error) {
    const fp_run_row *row = &plan->layout.runs[run];
    return fp_format(error, "%s/%s/%s/seed-%lld-%.8s", plan->grid->checkpoints, row->model, row->task,
                     (long long)row->seed, row->digest);
}

char *fp_place_checkpoint(const fp_plan *plan, size_t checkpoint, fp_error *error) {
    const fp_checkpoint_row *row = &plan->layout.checkpoints[checkpoint];
    if (row->run < 0)
        return fp_place_model(plan->grid, checkpoint, error); /* the originals come first, one a model */
    char *folder = fp_place_run(plan, (size_t)row->run, error);
    char *path = folder ? fp_format(error, "%s/step-%06d", folder, row->step) : NULL;
    free(folder);
    return path;
}

char *fp_place_vectors(const fp_plan *plan, size_t representation, fp_error *error) {
    return numbered(plan->grid, "vectors", representation, error);
}

static const double TIMES_EXPECTED = 20, AT_LEAST = 3600; /* seconds */
static const double TIMES_MEMORY = 3, SPARE_MEMORY = 1e9; /* bytes */

static int copy_task(const fp_task_spec *from, fp_task_spec *to, fp_error *error) {
    *to = (fp_task_spec){.reader = from->reader,
                         .train = {.first = from->train.first, .last = from->train.last},
                         .test = {.first = from->test.first, .last = from->test.last}};
    if (!(to->name = fp_strdup(from->name, error)) ||
        (from->label && !(to->label = fp_strdup(from->label, error))) ||
        (from->train.path && !(to->train.path = fp_strdup(from->train.path, error))) ||
        (from->test.path && !(to->test.path = fp_strdup(from->test.path, error))))
        return -1;
    if (from->n_lexcats &&
        !(to->lexcats = fp_alloc(from->n_lexcats, sizeof *to->lexcats, "lexical categories", error)))
        return -1;
    for (; to->n_lexcats < from->n_lexcats; to->n_lexcats++)
        if (!(to->lexcats[to->n_lexcats] = fp_strdup(from->lexcats[to->n_lexcats], error)))
            return -1;
    return 0;
}

static int specify_checkpoint(const fp_plan *plan, size_t c, fp_piece_checkpoint *out, fp_error *error) {
    const fp_checkpoint_row *row = &plan->layout.checkpoints[c];
    out->index = (int64_t)c;
    out->row = *row;
    out->folder = fp_place_checkpoint(plan, c, error);
    out->record = out->folder ? fp_format(error, "%s.record", out->folder) : NULL;
    return out->folder && out->record ? 0 : -1;
}

/* What the piece must find: the task as planned, and the original's model unless the sweep made it itself. */
static int specify_inputs(const fp_plan *plan, size_t model, size_t task, int original, fp_piece *piece,
                          fp_error *error) {
    fp_copy_text(piece->task_digest, sizeof piece->task_digest, plan->layout.tasks[task].digest);
    if (original && plan->grid->models[model].folder)
        fp_copy_text(piece->model_digest, sizeof piece->model_digest, plan->layout.models[model].digest);
    return copy_task(&plan->grid->tasks[task].spec, &piece->task, error);
}

static int specify_run(const fp_plan *plan, const fp_assignment *a, fp_piece *piece, fp_error *error) {
    const fp_plan_run *run = &plan->runs[a->index];
    char *folder = fp_place_run(plan, a->index, error);
    int rc = folder ? fp_folder_create(folder, error) : -1;
    piece->settings = run->settings;
    piece->losses_at = plan->layout.runs[a->index].losses_at;
    piece->start_step = a->first > run->first_checkpoint ? plan->layout.checkpoints[a->first - 1].step : 0;
    if (rc == 0)
        piece->state = fp_path_join(folder, "state.safetensors", error);
    piece->model = fp_place_model(plan->grid, run->model, error);
    piece->checkpoints = fp_alloc(a->last - a->first + 1, sizeof *piece->checkpoints, "checkpoints", error);
    free(folder);
    if (rc < 0 || !piece->state || !piece->model || !piece->checkpoints)
        return -1;
    for (size_t c = a->first; c <= a->last; c++)
        if (specify_checkpoint(plan, c, &piece->checkpoints[piece->n_checkpoints++], error) < 0)
            return -1;
    return specify_inputs(plan, run->model, run->task, 1, piece, error);
}

/* Ascending, each once; there is room for all. */
static void add_layer(fp_piece *piece, int layer) {
    size_t at = 0;
    while (at < piece->n_layers && piece->layers[at] < layer)
        at++;
    if (at < piece->n_layers && piece->layers[at] == layer)
        return;
    memmove(piece->layers + at + 1, piece->layers + at, (piece->n_layers - at) * sizeof *piece->layers);
    piece->layers[at] = layer;
    piece->n_layers++;
}

static int specify_embedding(const fp_plan *plan, const fp_assignment *a, fp_piece *piece, fp_error *error) {
    const fp_plan_representation *r = &plan->representations[a->index];
    piece->model = fp_place_checkpoint(plan, r->checkpoint, error);
    piece->vectors = fp_place_vectors(plan, a->index, error);
    piece->layers = fp_alloc(r->n_layers, sizeof *piece->layers, "layers", error);
    if (!piece->model || !piece->vectors || !piece->layers)
        return -1;
    for (size_t i = r->first_probing; i < r->first_probing + r->n_probings; i++)
        add_layer(piece, plan->probings[i].layer);
    return specify_inputs(plan, r->model, r->task, plan->layout.checkpoints[r->checkpoint].run < 0, piece,
                          error);
}

/* SCRATCH/sweep-DIGEST/records/KIND-I.safetensors */
static char *place_record(const fp_plan *plan, const fp_assignment *a, fp_error *error) {
    char name[80];
    snprintf(name, sizeof name, "%s-%zu.safetensors", fp_record_kinds[fp_piece_product(a->kind)]->name,
             a->index);
    return in_scratch(plan->grid, "records", name, error);
}

static int specify_unit(const fp_plan *plan, const fp_assignment *a, fp_piece *piece, fp_error *error) {
    piece->vectors = fp_place_vectors(plan, plan->probings[a->probing].representation, error);
    piece->record = place_record(plan, a, error);
    piece->unit = plan->layout.units[a->index];
    piece->group = plan->layout.groups[plan->layout.unit_group[a->index]];
    piece->directprobe = plan->grid->directprobe_settings;
    return piece->vectors && piece->record ? 0 : -1;
}

static int specify_classifier(const fp_plan *plan, const fp_assignment *a, fp_piece *piece, fp_error *error) {
    fp_product_kind kind = fp_piece_product(a->kind);
    const fp_plan_probing *probing = &plan->probings[a->probing];
    piece->probe = *fp_layout_identity(&plan->layout, kind, a->index);
    piece->classifier = plan->grid->probes[kind].settings;
    piece->classifier.threads = plan->grid->threads;
    piece->shape = probing->shape;
    piece->vectors = fp_place_vectors(plan, probing->representation, error);
    piece->candidates = in_scratch(plan->grid, "candidates", piece->probe.digest, error);
    if (!piece->vectors || !piece->candidates)
        return -1;
    piece->record = a->kind == FP_PIECE_CANDIDATES
                        ? fp_format(error, "%s-%zu.safetensors", piece->candidates, piece->shape)
                        : place_record(plan, a, error);
    int32_t group = fp_layout_group(&plan->layout, piece->probe.results);
    if (!piece->record || group < 0)
        return -1;
    piece->group = plan->layout.groups[group];
    return 0;
}

/* What a piece may take: what the grid says, or well above what is expected of it. */
static void limit(const fp_plan *plan, const fp_assignment *a, fp_piece *piece) {
    const fp_grid_limits *l = &plan->grid->limits;
    double long_enough = TIMES_EXPECTED * a->seconds > AT_LEAST ? TIMES_EXPECTED * a->seconds : AT_LEAST;
    piece->time_limit = l->time > 0 ? l->time : long_enough;
    piece->silence_limit = l->silence > 0 ? l->silence : AT_LEAST;
    piece->memory_limit = l->memory > 0 ? l->memory : TIMES_MEMORY * a->memory + SPARE_MEMORY;
}

char *fp_place_specify(const fp_plan *plan, const fp_assignment *a, int earlier, fp_error *error) {
    fp_piece piece = {.kind = a->kind,
                      .index = (int64_t)a->index,
                      .threads = plan->grid->threads,
                      .attempt = earlier + a->attempt};
    limit(plan, a, &piece);
    int rc = a->kind == FP_PIECE_FINETUNE ? specify_run(plan, a, &piece, error)
             : a->kind == FP_PIECE_EMBED  ? specify_embedding(plan, a, &piece, error)
             : a->kind == FP_PIECE_PROBE  ? specify_unit(plan, a, &piece, error)
                                          : specify_classifier(plan, a, &piece, error);
    char *text = rc == 0 ? fp_piece_format(&piece, error) : NULL;
    fp_piece_free(&piece);
    return text;
}
