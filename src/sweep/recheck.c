#include "fineprobe/recheck.h"

#include "fineprobe/certificate.h"
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/plan.h"
#include "places.h"
#include "run/embedding.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct checking {
    const fp_recheck_options *options;
    fp_recheck *out;
    fp_grid *grid;
    fp_plan *plan;
    fp_store *store;
    fp_layout layout;      /* of the file */
    unsigned char *status; /* [units of the file] */
    int64_t *unit_of;      /* [units of the plan] done unit of the file with the same digest; -1: none */
    unsigned char *chosen; /* [units of the plan] */
    char folder[64];       /* for vectors */
} checking;

static void tell(const checking *c, char *text) {
    if (text && c->options->found)
        c->options->found(c->options->context, text);
    free(text);
}

/* ---- what there is to check ---- */

/* The grid that made the file; free(). */
static char *grid_of(const checking *c, fp_error *error) {
    if (c->options->grid)
        return fp_strdup(c->options->grid, error);
    json_t *provenance = json_loads(c->layout.provenance, 0, NULL);
    const char *path = json_string_value(json_object_get(provenance, "grid"));
    char *copy = NULL;
    if (path && fp_path_exists(path))
        copy = fp_strdup(path, error);
    else
        fp_fail(error, "the grid %s is not there; name it with --grid", path ? path : "of the file");
    json_decref(provenance);
    return copy;
}

static int read_plan(checking *c, const char *file, fp_problems *problems, fp_error *error) {
    char *path = grid_of(c, error);
    if (!path)
        return -1;
    c->grid = fp_grid_read(path, problems);
    free(path);
    if (c->grid && fp_grid_set_output(c->grid, file, error) == 0)
        c->plan = fp_plan_make(c->grid, problems);
    return c->plan ? 0 : -1;
}

/* Grids that grew or shrank have their units in other places. */
static void match_units(checking *c) {
    const fp_layout *plan = &c->plan->layout, *file = &c->layout;
    size_t next = 0;
    for (size_t i = 0; i < plan->n_units; i++) {
        c->unit_of[i] = -1;
        for (size_t tried = 0; tried < file->n_units; tried++, next = (next + 1) % file->n_units)
            if (strcmp(plan->units[i].digest, file->units[next].digest) == 0) {
                if (c->status[next] == FP_DONE)
                    c->unit_of[i] = (int64_t)next;
                break;
            }
    }
    for (size_t i = 0; i < file->n_units; i++)
        c->out->done += c->status[i] == FP_DONE;
}

/* Does the checkpoint of representation R still lie where it was put? */
static int is_there(const checking *c, size_t r, fp_error *error) {
    char *folder = fp_place_checkpoint(c->plan, c->plan->representations[r].checkpoint, error);
    char *config = folder ? fp_path_join(folder, "config.json", error) : NULL;
    int there = config ? fp_path_exists(config) : -1;
    free(folder);
    free(config);
    return there;
}

static void tell_missing(const checking *c, size_t r, size_t units) {
    const fp_checkpoint_row *row = &c->plan->layout.checkpoints[c->plan->representations[r].checkpoint];
    if (row->run < 0)
        tell(c, fp_format(NULL, "%s, the original, was made for the sweep and is gone: %zu units not checked",
                          row->model, units));
    else
        tell(c, fp_format(NULL, "%s on %s, seed %lld, step %d is not kept: %zu units not checked", row->model,
                          row->finetuned_on, (long long)row->seed, row->step, units));
}

/* Marks the units that can be checked, then leaves a sample of them. */
static int choose_units(checking *c, fp_error *error) {
    const fp_plan *plan = c->plan;
    size_t n = 0;
    for (size_t r = 0; r < plan->n_representations; r++) {
        const fp_plan_representation *x = plan->representations + r;
        size_t units = 0;
        for (size_t i = x->first_unit; i < x->first_unit + x->n_units; i++)
            units += c->unit_of[i] >= 0;
        int there = units ? is_there(c, r, error) : 0;
        if (there < 0)
            return -1;
        if (units && !there)
            tell_missing(c, r, units);
        for (size_t i = x->first_unit; there && i < x->first_unit + x->n_units; i++)
            c->chosen[i] = c->unit_of[i] >= 0;
        c->out->possible += there ? units : 0;
    }
    size_t sample = c->options->sample, all = c->out->possible;
    for (size_t i = 0; i < plan->layout.n_units; i++)
        if (c->chosen[i]) { /* the n-th of ALL stays when it begins another of SAMPLE equal parts */
            c->chosen[i] = !sample || sample >= all || (n * sample) / all != ((n + 1) * sample) / all;
            n++;
        }
    return 0;
}

/* ---- checks ---- */

static int certificates_of(const fp_group *g, const fp_unit_record *record, int s, fp_certificates *out,
                           fp_error *error) {
    const fp_certificate_row *rows = record->certificates + (size_t)s * g->certificates;
    if (fp_certificates_create(out, g->certificates, g->support, error) < 0)
        return -1;
    for (size_t i = 0; i < g->certificates && rows[i].n_support != 0; i++)
        out->items[out->n++] = (fp_certificate){.first = rows[i].first,
                                                .second = rows[i].second,
                                                .third = rows[i].third,
                                                .n_first = rows[i].n_first,
                                                .n_support = rows[i].n_support,
                                                .begin = rows[i].begin,
                                                .distance = rows[i].distance};
    out->n_support = g->support;
    memcpy(out->points, record->support_points + (size_t)s * g->support, g->support * sizeof *out->points);
    memcpy(out->weights, record->support_weights + (size_t)s * g->support, g->support * sizeof *out->weights);
    return 0;
}

static int check_split(checking *c, const fp_group *g, const fp_unit_record *record, int s,
                       const char *vectors, fp_certificates_check *check, fp_error *error) {
    const fp_probe_columns *row = s ? &record->row.test : &record->row.train;
    fp_vectors x;
    fp_certificates all = {0};
    size_t expected = s ? g->test_instances : g->train_instances;
    if (!expected)
        return 0;
    if (fp_vectors_read(vectors, record->row.layer, s ? "test" : "train", &x, error) < 0)
        return -1;
    int rc = x.n == expected && x.width == g->width
                 ? certificates_of(g, record, s, &all, error)
                 : fp_fail(error, "the data give %zu vectors, the file has %zu", x.n, expected);
    fp_partition partition = {.n = x.n,
                              .d = x.width,
                              .n_labels = g->labels,
                              .n_clusters = (size_t)row->clusters,
                              .points = x.points,
                              .labels = x.labels,
                              .cluster_of = record->cluster_of + (s ? g->train_instances : 0),
                              .gap = c->grid->directprobe_settings.gap};
    if (rc == 0 && row->clusters < 1)
        rc = fp_fail(error, "%d clusters", row->clusters);
    if (rc == 0)
        rc = fp_certificates_verify(&all, &partition, check, error);
    if (rc == 0 && all.n != (size_t)row->certificates)
        rc = fp_fail(error, "%zu certificates where %lld were stored", all.n, (long long)row->certificates);
    c->out->left_out += (uint64_t)row->certificates_left_out;
    fp_certificates_free(&all);
    fp_vectors_free(&x);
    return rc;
}

/* The unit of the plan, whose vectors lie in VECTORS. */
static int check_unit(checking *c, size_t unit, const char *vectors, fp_error *error) {
    size_t at = (size_t)c->unit_of[unit];
    const fp_unit_row *row = &c->layout.units[at];
    const fp_group *g = &c->layout.groups[c->layout.unit_group[at]];
    fp_certificates_check check = {0};
    fp_unit_record record;
    fp_error why = {0};
    if (fp_store_read_unit(c->store, g, at, (size_t)row->row, &record, error) < 0)
        return -1;
    int rc = fp_unit_record_check(g, &record, &why);
    for (int s = 0; rc == 0 && s < 2; s++)
        rc = check_split(c, g, &record, s, vectors, &check, &why);
    fp_unit_record_free(&record);
    c->out->units++;
    c->out->certificates += check.checked;
    c->out->bad += check.bad;
    c->out->largest_gap = check.largest_gap > c->out->largest_gap ? check.largest_gap : c->out->largest_gap;
    if (rc == 0 && !check.bad)
        return 0;
    c->out->bad_units++;
    if (rc < 0)
        tell(c, fp_format(NULL, "unit %zu: %s", at, why.text));
    else
        tell(c, fp_format(NULL, "unit %zu: %zu of %zu certificates do not hold; the first: %s", at, check.bad,
                          check.checked, check.first_bad.text));
    return 0;
}

/* Makes the vectors of a representation again, at the layers of the chosen units. */
static int make_vectors(checking *c, size_t r, const char *path, fp_error *error) {
    const fp_plan_representation *x = c->plan->representations + r;
    fp_assignment assignment = {.kind = FP_PIECE_EMBED, .index = r};
    char *text = fp_place_specify(c->plan, &assignment, 0, error);
    fp_piece piece = {0};
    fp_embedding embedding = {0};
    if (!text || fp_piece_parse(text, &piece, error) < 0) {
        free(text);
        return -1;
    }
    free(text);
    size_t n = 0;
    for (size_t i = 0; i < x->n_units; i++) /* a layer each, in this order */
        if (c->chosen[x->first_unit + i])
            piece.layers[n++] = c->plan->layout.units[x->first_unit + i].layer;
    int rc = fp_embedding_open(piece.model, &piece.task, &embedding, error);
    if (rc == 0) {
        embedding.threads = piece.threads;
        rc = fp_expect_model(embedding.model, piece.model, piece.model_digest, error);
        if (rc == 0)
            rc = fp_expect_task(embedding.prepared.task, piece.task_digest, error);
        if (rc == 0)
            rc = fp_embedding_write(&embedding, piece.layers, n, path, NULL, NULL, error);
        fp_embedding_close(&embedding);
    }
    fp_piece_free(&piece);
    return rc;
}

static int check_representation(checking *c, size_t r, fp_error *error) {
    const fp_plan_representation *x = c->plan->representations + r;
    size_t units = 0;
    for (size_t i = 0; i < x->n_units; i++)
        units += c->chosen[x->first_unit + i];
    if (!units)
        return 0;
    char *path = fp_path_join(c->folder, "vectors.safetensors", error);
    int rc = path ? make_vectors(c, r, path, error) : -1;
    for (size_t i = x->first_unit; rc == 0 && i < x->first_unit + x->n_units; i++)
        if (c->chosen[i])
            rc = check_unit(c, i, path, error);
    free(path);
    return rc;
}

static int check_all(checking *c, fp_error *error) {
    const char *temporary = getenv("TMPDIR");
    snprintf(c->folder, sizeof c->folder, "%.40s/fineprobe-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(c->folder))
        return fp_fail_errno(error, "cannot make a folder for vectors at %s (see TMPDIR)", c->folder);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < c->plan->n_representations; r++) {
        rc = check_representation(c, r, error);
        if (c->options->progress)
            c->options->progress(c->options->context, (double)(r + 1) / (double)c->plan->n_representations);
    }
    fp_folder_remove(c->folder, NULL);
    return rc;
}

static int open_file(checking *c, const char *file, fp_problems *problems, fp_error *error) {
    c->store = fp_store_open_read(file, error);
    if (!c->store || fp_store_layout(c->store, &c->layout, error) < 0)
        return -1;
    unsigned char *checkpoints = fp_alloc(c->layout.n_checkpoints, 1, "status", error);
    c->status = fp_alloc(c->layout.n_units, 1, "status", error);
    int rc = checkpoints && c->status ? fp_store_read_status(c->store, c->status, checkpoints, error) : -1;
    free(checkpoints);
    if (rc < 0 || read_plan(c, file, problems, error) < 0)
        return -1;
    size_t units = c->plan->layout.n_units;
    c->unit_of = fp_alloc(units, sizeof *c->unit_of, "units", error);
    c->chosen = fp_alloc(units, 1, "units", error);
    return c->unit_of && c->chosen ? 0 : -1;
}

int fp_recheck_run(const char *file, const fp_recheck_options *options, fp_recheck *out,
                   fp_problems *problems, fp_error *error) {
    *out = (fp_recheck){0};
    checking c = {.options = options, .out = out};
    int rc = open_file(&c, file, problems, error);
    if (rc == 0) {
        match_units(&c);
        rc = choose_units(&c, error);
    }
    if (rc == 0)
        rc = check_all(&c, error);
    free(c.unit_of);
    free(c.chosen);
    free(c.status);
    fp_plan_free(c.plan);
    fp_grid_free(c.grid);
    fp_layout_free(&c.layout);
    if (c.store)
        fp_store_close(c.store, NULL);
    return rc;
}
