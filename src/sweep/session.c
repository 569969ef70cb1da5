#include "session.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "places.h"
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- folders ---- */

static int create_parent(const char *path, fp_error *error) {
    char *folder = fp_path_folder(path, error);
    int rc = folder ? fp_folder_create(folder, error) : -1;
    free(folder);
    return rc;
}

static int create_below(const char *folder, const char *name, fp_error *error) {
    char *path = fp_path_join(folder, name, error);
    int rc = path ? fp_folder_create(path, error) : -1;
    free(path);
    return rc;
}

static int create_folders(const fp_grid *grid, const char *scratch, fp_error *error) {
    if (create_parent(grid->output, error) < 0 || create_below(scratch, "vectors", error) < 0 ||
        create_below(scratch, "records", error) < 0 || create_below(scratch, "candidates", error) < 0 ||
        fp_folder_create(grid->checkpoints, error) < 0)
        return -1;
    return 0;
}

/* What an earlier session left in scratch may be incomplete, and is cheap to make again: but for the scores
 * of candidates, each of which took a while, and says in its file whose it is. */
static int renew_folders(const fp_grid *grid, fp_error *error) {
    static const char *const kinds[] = {"vectors", "records", "models"};
    char *scratch = fp_place_scratch(grid, error);
    int rc = scratch ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < sizeof kinds / sizeof *kinds; i++) {
        char *folder = fp_path_join(scratch, kinds[i], error);
        rc = folder ? fp_folder_remove(folder, error) : -1;
        free(folder);
    }
    if (rc == 0)
        rc = create_folders(grid, scratch, error);
    free(scratch);
    return rc;
}

/* Half-written files and folders of sessions that were killed; the lock says that nobody is writing them. */
static void remove_leftovers(const char *folder, const char *pattern) {
    char *all = fp_format(NULL, "%s%s", folder, pattern);
    glob_t found;
    if (all && glob(all, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            fp_folder_remove(found.gl_pathv[i], NULL);
        globfree(&found);
    }
    free(all);
}

void fp_session_remove_leftovers(const fp_plan *plan) {
    remove_leftovers(plan->grid->output, ".*.tmp");
    fp_lock_clean(plan->grid->output);
    for (size_t i = 0; i < plan->layout.n_runs; i++) {
        char *folder = fp_place_run(plan, i, NULL);
        if (folder) {
            remove_leftovers(folder, "/*.tmp");
            remove_leftovers(folder, "/*.gone");
        }
        free(folder);
    }
}

/* ---- models that start from random weights ---- */

static int make_model(const fp_grid *grid, size_t i, fp_error *error) {
    const fp_grid_model *m = &grid->models[i];
    char *folder = fp_place_model(grid, i, error);
    fp_bert *model = folder ? fp_bert_random(&m->config, m->seed, error) : NULL;
    int rc = model ? create_parent(folder, error) : -1;
    if (rc == 0)
        rc = fp_folder_remove(folder, error);
    if (rc == 0)
        rc = fp_bert_save(model, folder, m->vocab, error);
    fp_bert_free(model);
    free(folder);
    return rc < 0 ? fp_error_context(error, "model %s", m->name) : 0;
}

static int make_models(const fp_grid *grid, fp_error *error) {
    for (size_t i = 0; i < grid->n_models; i++)
        if (!grid->models[i].folder && make_model(grid, i, error) < 0)
            return -1;
    return 0;
}

/* ---- the result file ---- */

/* Whether the file holds just this plan: the same grid, the same units and the like and checkpoints in the
 * same order. */
static int same_plan(const fp_layout *a, const fp_layout *b) {
    if (a->n_checkpoints != b->n_checkpoints || strcmp(a->grid, b->grid) != 0)
        return 0;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++) {
        size_t n = fp_layout_count(a, kind);
        if (n != fp_layout_count(b, kind))
            return 0;
        for (size_t i = 0; i < n; i++)
            if (strcmp(fp_layout_identity(a, kind, i)->digest, fp_layout_identity(b, kind, i)->digest) != 0)
                return 0;
    }
    for (size_t i = 0; i < a->n_checkpoints; i++)
        if (strcmp(a->checkpoints[i].digest, b->checkpoints[i].digest) != 0)
            return 0;
    return 1;
}

static int read_file(const char *path, fp_layout *layout, int64_t *incarnation, fp_error *error) {
    fp_store *store = fp_store_open_read(path, error);
    if (!store)
        return -1;
    fp_progress_row progress = {0};
    int rc = fp_store_read_progress(store, &progress, error);
    if (rc == 0)
        rc = fp_store_tables(store, layout, error);
    *incarnation = progress.incarnation;
    return fp_store_close(store, rc == 0 ? error : NULL) < 0 || rc != 0 ? -1 : 0;
}

/* Gives PATH a second name, PATH.N.ENDING, N counted from the session on; an earlier session that was killed
 * just here may have done so already. The name: free(); NULL: an error. */
static char *keep_beside(const char *path, int64_t session, const char *ending, fp_error *error) {
    struct stat own, other;
    if (stat(path, &own) < 0) {
        fp_fail_errno(error, "%s", path);
        return NULL;
    }
    for (int64_t n = 1;; n++) {
        char *name = fp_format(error, "%s.%lld.%s", path, (long long)n, ending);
        int there = name && stat(name, &other) == 0;
        if (!name || (there && other.st_ino == own.st_ino && other.st_dev == own.st_dev) ||
            (n >= session && link(path, name) == 0))
            return name;
        if (n >= session && errno != EEXIST) {
            fp_fail_errno(error, "cannot keep the file as it is under the name %s", name);
            free(name);
            return NULL;
        }
        free(name);
    }
}

/* Makes the file over for a changed grid, or without what is damaged. When that leaves finished units behind
 * that are whole (DONE of them), the old file stays, too. */
static int make_over(fp_session *s, const char *path, size_t done, fp_error *error) {
    char *old = keep_beside(path, s->incarnation, "old", error);
    int rc = old ? 0 : -1;
    if (rc == 0)
        rc = fp_store_create(path, &s->plan->layout, path, &s->kept, error);
    if (rc == 0 && s->kept < done) {
        s->old_file = old;
        s->left_behind = done - s->kept;
        return 0;
    }
    if (old)
        unlink(old);
    free(old);
    return rc;
}

/* A file that cannot be read: what is whole in it is kept, if there is anything, and it stays as it was
 * beside. */
static int salvage(fp_session *s, const char *path, fp_error *error) {
    fp_error why = *error;
    char *damaged = keep_beside(path, s->incarnation, "damaged", error);
    int rc = damaged ? 0 : -1;
    if (rc == 0 && fp_store_salvage(path, &s->plan->layout, &s->kept, NULL) < 0) {
        unlink(damaged);
        *error = why;
        rc = fp_error_context(error, "cannot go on with %s (another -o starts a new file)", path);
    }
    s->salvaged = rc == 0;
    free(damaged);
    return rc;
}

/* Makes the file, or makes it over when the grid has changed or something in it is damaged: finished units
 * are carried over. */
static int make_file(fp_session *s, fp_error *error) {
    const char *path = s->grid->output;
    if (!fp_path_exists(path))
        return fp_store_create(path, &s->plan->layout, NULL, NULL, error);
    fp_layout before = {0};
    int64_t incarnation = 0;
    if (read_file(path, &before, &incarnation, error) < 0)
        return salvage(s, path, error);
    int same = same_plan(&before, &s->plan->layout);
    fp_layout_free(&before);
    if (incarnation >= s->incarnation)
        s->incarnation = incarnation + 1;
    fp_store_check check;
    if (fp_store_verify(path, NULL, NULL, &check, error) < 0)
        return -1;
    s->damaged = check.damaged;
    return same && !check.damaged ? 0 : make_over(s, path, check.records - check.bad_records, error);
}

int fp_session_prepare(const char *path, const fp_sweep_options *options, fp_session *out,
                       fp_problems *problems, fp_error *error) {
    *out = (fp_session){0};
    if (!(out->grid = fp_grid_read(path, problems)))
        return fp_fail(error, "%s: the grid has problems", path);
    if (options->output && fp_grid_set_output(out->grid, options->output, error) < 0)
        return -1;
    if (options->models && fp_grid_keep_models(out->grid, options->models, error) < 0) {
        fp_problems_add(problems, "%s", error->text);
        return -1;
    }
    fp_grid_note_absent(out->grid, problems);
    if (problems->count)
        return fp_fail(error, "%s: files that the grid names are not there", path);
    if (!(out->plan = fp_plan_make(out->grid, problems)))
        return fp_fail(error, "%s: the grid cannot be planned", path);
    if (create_parent(out->grid->output, error) < 0)
        return -1;
    if (!(out->lock = fp_lock_take(out->grid->output, FP_LOCK_WATCH, &out->incarnation, error))) {
        out->busy = fp_lock_is_held(out->grid->output);
        return -1;
    }
    fp_session_remove_leftovers(out->plan);
    if (renew_folders(out->grid, error) < 0 || make_models(out->grid, error) < 0)
        return -1;
    return make_file(out, error);
}

void fp_session_free(fp_session *session) {
    fp_lock_release(session->lock);
    free(session->old_file);
    fp_plan_free(session->plan);
    fp_grid_free(session->grid);
    *session = (fp_session){0};
}

static int is_complete(const char *folder, fp_error *error) {
    static const char *const files[] = {"config.json", "model.safetensors", "vocab.txt"};
    int complete = 1;
    for (size_t i = 0; complete && i < sizeof files / sizeof *files; i++) {
        char *path = fp_path_join(folder, files[i], error);
        complete = path && fp_path_exists(path);
        free(path);
    }
    return complete;
}

unsigned char *fp_session_available(const fp_plan *plan, fp_error *error) {
    unsigned char *available = fp_alloc(plan->layout.n_checkpoints, 1, "checkpoints", error);
    for (size_t c = 0; available && c < plan->layout.n_checkpoints; c++) {
        char *folder = fp_place_checkpoint(plan, c, error);
        available[c] = folder && is_complete(folder, error);
        free(folder);
    }
    return available;
}

const fp_probe_identity *fp_session_row(const fp_plan *plan, size_t probing) {
    const fp_plan_probing *p = &plan->probings[probing];
    return fp_layout_identity(&plan->layout, fp_piece_product(p->kind), p->index);
}

static int read_kind(const fp_plan *plan, fp_store *store, fp_product_kind kind, unsigned char *status,
                     fp_provenance_row *rows, fp_error *error) {
    size_t n = fp_layout_count(&plan->layout, kind);
    unsigned char *of = fp_alloc(n, 1, "status", error);
    fp_provenance_row *how = fp_alloc(n, sizeof *how, "provenance", error);
    int rc = of && how && fp_store_read_record_status(store, kind, of, error) == 0
                 ? fp_store_read_record_provenance(store, kind, how, error)
                 : -1;
    for (size_t i = 0; rc == 0 && i < plan->n_probings; i++) {
        const fp_plan_probing *p = &plan->probings[i];
        if (p->kind == FP_PIECE_CANDIDATES || fp_piece_product(p->kind) != kind)
            continue;
        status[i] = of[p->index];
        rows[i] = how[p->index];
    }
    free(of);
    free(how);
    return rc;
}

int fp_session_probings(const fp_plan *plan, fp_store *store, unsigned char *status, fp_provenance_row *rows,
                        fp_error *error) {
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        if (read_kind(plan, store, kind, status, rows, error) < 0)
            return -1;
    return 0;
}
