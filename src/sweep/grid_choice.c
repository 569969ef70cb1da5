/* Lists of numbers in a grid: steps, layers, seeds. */
#include "fineprobe/memory.h"
#include "sweep/grid_read.h"
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int fp_grid_choose(const fp_grid_choice *choice, int64_t last, int64_t **out, size_t *count,
                   fp_error *error) {
    size_t most = choice->every > 0 ? (size_t)(last / choice->every) + 2 : choice->count;
    int64_t *numbers = fp_alloc(most, sizeof *numbers, "the chosen numbers", error);
    if (!numbers)
        return -1;
    size_t n = 0;
    for (int64_t i = 0; choice->every > 0 && i <= last; i += choice->every)
        numbers[n++] = i;
    if (choice->every > 0 && last % choice->every)
        numbers[n++] = last;
    for (size_t i = 0; choice->every <= 0 && i < choice->count; i++) {
        int64_t number = choice->list[i] < 0 ? last : choice->list[i];
        if (number <= last)
            numbers[n++] = number;
    }
    qsort(numbers, n, sizeof *numbers, compare);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || numbers[i] != numbers[kept - 1])
            numbers[kept++] = numbers[i];
    *out = numbers;
    *count = kept;
    return 0;
}

/* OUT becomes a list of COUNT zeros; returns the list. */
static int64_t *make_list(fp_grid_reader *reader, const fp_yaml_node *node, size_t count,
                          fp_grid_choice *out) {
    fp_error error;
    int64_t *list = fp_alloc(count, sizeof *list, "a list", &error), *old = out->list;
    if (!list) {
        fp_note(reader, node->place, "%s", error.text);
        return NULL;
    }
    *out = (fp_grid_choice){.count = count, .list = list};
    free(old);
    return list;
}

static int is_word(const fp_yaml_node *node, const char *word) {
    return node->kind == FP_YAML_TEXT && strcmp(node->text, word) == 0;
}

/* A list of numbers, "first" and "last". RIGHT: what would be right. */
static void read_list(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, const char *right,
                      fp_grid_choice *out) {
    if (node->kind != FP_YAML_LIST || node->count == 0) {
        fp_note(reader, node->place, "%s must be %s", what, right);
        return;
    }
    int64_t *list = make_list(reader, node, node->count, out);
    if (!list)
        return;
    for (size_t i = 0; i < node->count; i++) {
        const fp_yaml_node *item = node->items[i];
        int64_t number = 0;
        if (is_word(item, "last"))
            number = -1;
        else if (!is_word(item, "first") &&
                 (fp_read_integer(item, &number) < 0 || number < 0 || number > INT32_MAX))
            fp_note(reader, item->place,
                    "%s holds whole numbers of 0 or more, \"first\" and \"last\"; this "
                    "is %s%s%s",
                    what, item->text ? "\"" : "a list or a map", item->text ? item->text : "",
                    item->text ? "\"" : "");
        list[i] = number;
    }
}

/* "first", "last", "first-last" and "all". */
static int read_words(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_choice *out) {
    int pair = is_word(node, "first-last"), last = is_word(node, "last");
    if (pair || last || is_word(node, "first")) {
        int64_t *list = make_list(reader, node, pair ? 2 : 1, out);
        if (list && (pair || last))
            list[pair] = -1;
        return 1;
    }
    if (is_word(node, "all")) {
        free(out->list);
        *out = (fp_grid_choice){.every = 1};
        return 1;
    }
    return 0;
}

static const fp_key every_keys[] = {
    {"every", FP_KEY_SIZE, 0, 1, INT32_MAX, "a whole number of updates, 1 or more"},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};

void fp_grid_read_steps(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_choice *out) {
    if (node->kind == FP_YAML_MAP) {
        size_t every = 0;
        fp_read_keys(reader, node, "checkpoints", every_keys, &every);
        fp_require(reader, node, "checkpoints", "every", "e.g. {every: 50}");
        free(out->list);
        *out = (fp_grid_choice){.every = (int64_t)every};
    } else if (!read_words(reader, node, out)) {
        read_list(reader, node, "checkpoints", "{every: N}, a list like [0, 5, 10, last], first-last or all",
                  out);
    }
}

void fp_grid_read_layers(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_choice *out) {
    if (!read_words(reader, node, out))
        read_list(reader, node, "layers", "all, a list like [0, 6, last], or first-last", out);
}

int fp_read_seed(fp_grid_reader *reader, const fp_yaml_node *node, uint64_t *out) {
    int64_t seed;
    if (fp_read_integer(node, &seed) < 0 || seed < 0)
        return fp_note(reader, node->place, "a seed must be a whole number of 0 or more, e.g. seeds: [1, 2]");
    *out = (uint64_t)seed;
    return 0;
}

static void add_seed(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid *grid) {
    uint64_t seed = 0;
    if (fp_read_seed(reader, node, &seed) < 0)
        return;
    for (size_t i = 0; i < grid->n_seeds; i++)
        if (grid->seeds[i] == seed) {
            fp_note(reader, node->place, "the seed %llu stands here twice", (unsigned long long)seed);
            return;
        }
    grid->seeds[grid->n_seeds++] = seed;
}

void fp_grid_read_seeds(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid *grid) {
    size_t count = node->kind == FP_YAML_LIST ? node->count : 1;
    if (node->kind == FP_YAML_MAP || count == 0) {
        fp_note(reader, node->place, "seeds must be a number or a list of numbers, e.g. [1, 2, 3]");
        return;
    }
    fp_error error;
    uint64_t *seeds = fp_alloc(count, sizeof *seeds, "seeds", &error);
    if (!seeds) {
        fp_note(reader, node->place, "%s", error.text);
        return;
    }
    free(grid->seeds);
    grid->seeds = seeds;
    grid->n_seeds = 0;
    for (size_t i = 0; i < count; i++)
        add_seed(reader, node->kind == FP_YAML_LIST ? node->items[i] : node, grid);
}
