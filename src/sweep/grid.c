/* The grid as a whole: defaults, output. */
#include "fineprobe/grid.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "sweep/grid_read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZE = 1 << 22 };

static const fp_key output_keys[] = {
    {"file", FP_KEY_PATH, offsetof(fp_grid, output), 0, 0, NULL},
    {"scratch", FP_KEY_PATH, offsetof(fp_grid, scratch), 0, 0, NULL},
    {"checkpoints", FP_KEY_PATH, offsetof(fp_grid, checkpoints), 0, 0, NULL},
    {"keep", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"scratch_limit", FP_KEY_OTHER, 0, 0, 0, NULL},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};

void fp_grid_read_output(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid *grid) {
    static const char *const kept[] = {"none", "last", "all", NULL};
    if (fp_read_keys(reader, node, "output", output_keys, grid) < 0)
        return;
    const fp_yaml_node *keep = fp_yaml_get(node, "keep"), *limit = fp_yaml_get(node, "scratch_limit");
    int i = keep ? fp_read_word(reader, keep, "keep", kept) : -1;
    if (i >= 0)
        grid->keep = (fp_keep)i;
    double bytes = 0;
    if (limit && (fp_read_bytes(limit, &bytes) < 0 || bytes < 1e6))
        fp_note(reader, limit->place, "scratch_limit must be a size of 1 MB or more, e.g. 20 GB%s%s%s",
                limit->text ? ", not \"" : "", limit->text ? limit->text : "", limit->text ? "\"" : "");
    else if (limit)
        grid->scratch_limit = bytes;
}

/* OUTPUT without ".h5", with ENDING. */
static char *beside(const char *output, const char *ending, fp_error *error) {
    size_t n = strlen(output);
    if (n > 3 && strcmp(output + n - 3, ".h5") == 0)
        n -= 3;
    return fp_format(error, "%.*s%s", (int)n, output, ending);
}

/* *PATH stays when the grid names it; NULL and the default for OLD become the default for NEW. */
static int follow(char **path, const char *old, const char *new, const char *ending, fp_error *error) {
    char *before = old ? beside(old, ending, error) : NULL, *after = beside(new, ending, error);
    int is_default = !*path || (before && strcmp(before, *path) == 0);
    free(before);
    if (!after)
        return -1;
    if (!is_default) {
        free(after);
        return 0;
    }
    free(*path);
    *path = after;
    return 0;
}

int fp_grid_set_output(fp_grid *grid, const char *file, fp_error *error) {
    char *copy = fp_strdup(file, error);
    if (!copy)
        return -1;
    int rc = follow(&grid->scratch, grid->output, copy, ".scratch", error);
    if (rc == 0)
        rc = follow(&grid->checkpoints, grid->output, copy, ".checkpoints", error);
    free(grid->output);
    grid->output = copy;
    return rc;
}

/* The name that the file's own name gives. */
static void default_name(fp_grid_reader *reader, fp_grid *grid) {
    const char *slash = strrchr(grid->path, '/'), *base = slash ? slash + 1 : grid->path;
    const char *dot = strrchr(base, '.');
    int n = (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base));
    fp_error error = {0};
    grid->name = fp_format(&error, "%.*s", n, base);
    if (grid->name)
        fp_check_name(reader, (fp_place){1, 1}, "the grid's name, from its file name,", grid->name);
    else
        fp_note(reader, (fp_place){1, 1}, "%s", error.text);
}

static void default_paths(fp_grid_reader *reader, fp_grid *grid) {
    fp_error error = {0};
    char *file = grid->output ? fp_strdup(grid->output, &error)
                              : fp_format(&error, "results/%s.h5", grid->name ? grid->name : "");
    if (!file || fp_grid_set_output(grid, file, &error) < 0)
        fp_note(reader, (fp_place){1, 1}, "%s", error.text);
    free(file);
}

static int set_defaults(fp_grid *grid) {
    fp_error error;
    grid->seeds = fp_alloc(1, sizeof *grid->seeds, "seeds", &error);
    grid->steps.list = fp_alloc(2, sizeof *grid->steps.list, "checkpoints", &error);
    if (!grid->seeds || !grid->steps.list)
        return -1;
    grid->seeds[0] = grid->n_seeds = 1;
    grid->steps.list[1] = -1;
    grid->steps.count = 2;
    grid->layers.every = 1;
    grid->directprobe = 1;
    grid->directprobe_settings = fp_directprobe_defaults();
    grid->clusters = 256;
    grid->certificates = 128;
    fp_grid_default_probes(grid);
    grid->threads = 1;
    grid->keep = FP_KEEP_LAST;
    grid->scratch_limit = 20e9;
    grid->limits.attempts = 2;
    return 0;
}

static const fp_key grid_keys[] = {
    {"name", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"models", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"tasks", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"finetune", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"checkpoints", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"layers", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"probes", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"seeds", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"cross_task", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"threads", FP_KEY_INT, offsetof(fp_grid, threads), 1, 1024, "a whole number from 1 to 1024"},
    {"output", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"limits", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"anchors", FP_KEY_OTHER, 0, 0, 0, NULL}, /* any values: a place for anchors */
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};

/* Plain text has no labels: nothing to classify. */
static void check_objectives(fp_grid_reader *reader, const fp_grid *grid) {
    for (size_t i = 0; i < grid->n_tasks; i++) {
        const fp_grid_task *task = &grid->tasks[i];
        for (size_t j = 0; j < grid->n_models && task->spec.reader == FP_READER_TEXT; j++)
            if (grid->models[j].finetune.objective != FP_OBJECTIVE_MLM && task->spec.name)
                fp_note(reader, task->place,
                        "the task %s has plain text without labels, but the model %s is fine-tuned to "
                        "classify; set objective: mlm in finetune",
                        task->spec.name, grid->models[j].name ? grid->models[j].name : "");
    }
}

static void read_root(fp_grid_reader *reader, const fp_yaml_node *root, fp_grid *grid) {
    fp_finetune_settings settings = fp_finetune_defaults();
    if (fp_read_keys(reader, root, "the grid", grid_keys, grid) < 0)
        return;
    settings.threads = grid->directprobe_settings.threads = grid->threads;
    const fp_yaml_node *name = fp_yaml_get(root, "name"), *finetune = fp_yaml_get(root, "finetune"),
                       *steps = fp_yaml_get(root, "checkpoints"), *layers = fp_yaml_get(root, "layers"),
                       *probes = fp_yaml_get(root, "probes"), *seeds = fp_yaml_get(root, "seeds"),
                       *output = fp_yaml_get(root, "output"), *limits = fp_yaml_get(root, "limits");
    if (name)
        fp_read_name(reader, name, "name", &grid->name);
    else
        default_name(reader, grid);
    if (finetune)
        fp_grid_read_finetune(reader, finetune, &settings);
    fp_grid_read_models(reader, root, grid, &settings);
    fp_grid_read_tasks(reader, root, grid);
    fp_grid_read_pairs(reader, root, grid);
    check_objectives(reader, grid);
    if (steps)
        fp_grid_read_steps(reader, steps, &grid->steps);
    if (layers)
        fp_grid_read_layers(reader, layers, &grid->layers);
    if (probes)
        fp_grid_read_probes(reader, probes, grid);
    if (seeds)
        fp_grid_read_seeds(reader, seeds, grid);
    if (output)
        fp_grid_read_output(reader, output, grid);
    if (limits)
        fp_grid_read_limits(reader, limits, &grid->limits);
    default_paths(reader, grid);
}

static int open_grid(const char *path, fp_grid *grid, size_t *size, fp_error *error) {
    grid->path = fp_strdup(path, error);
    grid->folder = fp_path_folder(path, error);
    grid->text = fp_file_read(path, size, error);
    if (!grid->path || !grid->folder || !grid->text)
        return -1;
    if (*size > MAX_SIZE)
        return fp_fail(error, "%s has %zu bytes; a grid is a page or two of text", path, *size);
    return set_defaults(grid);
}

fp_grid *fp_grid_read(const char *path, fp_problems *problems) {
    fp_error error = {0};
    size_t size = 0;
    fp_grid *grid = fp_alloc(1, sizeof *grid, "the grid", &error);
    if (!grid || open_grid(path, grid, &size, &error) < 0) {
        fp_problems_add(problems, "%s", error.text);
        fp_grid_free(grid);
        return NULL;
    }
    fp_grid_reader reader = {.path = grid->path, .folder = grid->folder};
    fp_yaml tree;
    if (fp_yaml_parse(&reader, grid->text, size, &tree) == 0)
        read_root(&reader, tree.root, grid);
    fp_yaml_free(&tree);
    fp_notes_move(&reader, problems);
    if (!reader.failed)
        return grid;
    fp_grid_free(grid);
    return NULL;
}

static void free_model(fp_grid_model *model) {
    free(model->name);
    free(model->folder);
    free(model->source);
    free(model->vocab);
}

/* Where the name of LENGTH characters stands in LIST, or NULL. */
static const char *find_name(const char *list, const char *name, size_t length) {
    for (const char *at = list; at; at = strchr(at, ','), at += at != NULL) {
        size_t n = strcspn(at, ",");
        if (n == length && strncmp(at, name, n) == 0)
            return at;
    }
    return NULL;
}

int fp_grid_keep_models(fp_grid *grid, const char *list, fp_error *error) {
    for (const char *at = list; at; at = strchr(at, ','), at += at != NULL) {
        size_t n = strcspn(at, ","), i = 0;
        while (i < grid->n_models &&
               (strlen(grid->models[i].name) != n || strncmp(grid->models[i].name, at, n) != 0))
            i++;
        if (i == grid->n_models)
            return fp_fail(error, "%s has no model \"%.*s\"", grid->path, (int)n, at);
    }
    size_t kept = 0;
    for (size_t i = 0; i < grid->n_models; i++) {
        if (find_name(list, grid->models[i].name, strlen(grid->models[i].name)))
            grid->models[kept++] = grid->models[i];
        else
            free_model(&grid->models[i]);
    }
    grid->n_models = kept;
    return 0;
}

static void free_task(fp_grid_task *task) {
    free(task->source);
    free(task->spec.name);
    free(task->spec.label);
    for (size_t i = 0; i < task->spec.n_lexcats; i++)
        free(task->spec.lexcats[i]);
    free(task->spec.lexcats);
    free(task->spec.train.path);
    free(task->spec.test.path);
}

void fp_grid_free(fp_grid *grid) {
    if (!grid)
        return;
    for (size_t i = 0; i < grid->n_models; i++)
        free_model(&grid->models[i]);
    for (size_t i = 0; i < grid->n_tasks; i++)
        free_task(&grid->tasks[i]);
    char *texts[] = {grid->path,   grid->folder,  grid->text,       grid->name,
                     grid->output, grid->scratch, grid->checkpoints};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    free(grid->models);
    free(grid->tasks);
    free(grid->pairs);
    free(grid->seeds);
    free(grid->steps.list);
    free(grid->layers.list);
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++) {
        free(grid->probes[kind].steps.list);
        free(grid->probes[kind].layers.list);
    }
    free(grid);
}
