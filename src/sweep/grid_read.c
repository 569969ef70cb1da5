/* Typed values out of the tree. */
#include "sweep/grid_read.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "fineprobe/table.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 32 };

static void join(char *out, size_t size, const char *const *words) {
    out[0] = '\0';
    for (size_t at = 0; *words && at < size; words++) {
        int n = snprintf(out + at, size - at, "%s%s", at ? ", " : "", *words);
        at += n > 0 ? (size_t)n : 0;
    }
}

static const char *kind_name(const fp_yaml_node *node) {
    if (fp_yaml_is_null(node))
        return "nothing";
    return node->kind == FP_YAML_MAP ? "a map" : node->kind == FP_YAML_LIST ? "a list" : "a text";
}

/* The value as messages show it. */
static const char *shown(const fp_yaml_node *node, char *buffer, size_t size) {
    if (node->kind != FP_YAML_TEXT || fp_yaml_is_null(node))
        return kind_name(node);
    snprintf(buffer, size, "\"%.60s%s\"", node->text, strlen(node->text) > 60 ? "..." : "");
    return buffer;
}

char *fp_grid_path(const fp_grid_reader *reader, const char *path) {
    fp_error error;
    return strcmp(reader->folder, ".") == 0 ? fp_strdup(path, &error)
                                            : fp_path_join(reader->folder, path, &error);
}

int fp_read_integer(const fp_yaml_node *node, int64_t *out) {
    if (node->kind != FP_YAML_TEXT || !node->plain)
        return -1;
    const char *text = node->text, *digits = text + (text[0] == '-' || text[0] == '+');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return -1;
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno ? -1 : 0;
}

int fp_read_real(const fp_yaml_node *node, double *out) {
    if (node->kind != FP_YAML_TEXT || !node->plain || !strpbrk(node->text, "0123456789") ||
        node->text[strspn(node->text, "+-0123456789.eE")])
        return -1;
    char *end;
    *out = strtod(node->text, &end);
    return *end || !isfinite(*out) ? -1 : 0;
}

typedef struct fp_unit_of {
    const char *name;
    double value;
} fp_unit_of;

/* A number and one of UNITS (ended by a name of NULL), with or without a space between. */
static int read_quantity(const fp_yaml_node *node, const fp_unit_of *units, double *out) {
    if (node->kind != FP_YAML_TEXT)
        return -1;
    size_t n = strspn(node->text, "0123456789.eE+");
    char number[32];
    if (n == 0 || n >= sizeof number)
        return -1;
    memcpy(number, node->text, n);
    number[n] = '\0';
    char *end;
    double value = strtod(number, &end);
    const char *unit = node->text + n + strspn(node->text + n, " ");
    for (; !*end && units->name; units++)
        if (strcmp(unit, units->name) == 0) {
            *out = value * units->value;
            return isfinite(*out) ? 0 : -1;
        }
    return -1;
}

int fp_read_bytes(const fp_yaml_node *node, double *out) {
    static const fp_unit_of units[] = {{"", 1},         {"B", 1},        {"kB", 1e3},     {"KB", 1e3},
                                       {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12},    {"KiB", 1024},
                                       {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {NULL, 0}};
    return read_quantity(node, units, out);
}

int fp_read_duration(const fp_yaml_node *node, double *out) {
    static const fp_unit_of units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
    return read_quantity(node, units, out);
}

int fp_read_text(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, char **out) {
    if (node->kind != FP_YAML_TEXT || fp_yaml_is_null(node) || !node->text[0])
        return fp_note(reader, node->place, "%s must be a text, not %s", what,
                       node->text && !fp_yaml_is_null(node) ? "empty" : kind_name(node));
    fp_error error;
    char *copy = fp_strdup(node->text, &error);
    if (!copy)
        return fp_note(reader, node->place, "%s", error.text);
    free(*out);
    *out = copy;
    return 0;
}

static int read_path(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, char **out) {
    if (fp_read_text(reader, node, what, out) < 0)
        return -1;
    char *path = fp_grid_path(reader, *out);
    if (!path)
        return fp_note(reader, node->place, "out of memory");
    free(*out);
    *out = path;
    return 0;
}

static int read_number(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, const fp_key *key,
                       void *out) {
    double real = 0;
    int64_t integer = 0;
    int rc = key->type == FP_KEY_REAL ? fp_read_real(node, &real) : fp_read_integer(node, &integer);
    if (key->type != FP_KEY_REAL)
        real = (double)integer;
    char buffer[80];
    if (rc < 0 || !(real >= key->least && real <= key->most))
        return fp_note(reader, node->place, "%s must be %s, not %s", what, key->right,
                       shown(node, buffer, sizeof buffer));
    if (key->type == FP_KEY_REAL)
        *(double *)out = real;
    else if (key->type == FP_KEY_SIZE)
        *(size_t *)out = (size_t)integer;
    else
        *(int *)out = (int)integer;
    return 0;
}

int fp_read_value(fp_grid_reader *reader, const fp_yaml_node *node, const fp_key *key, void *out) {
    switch (key->type) {
    case FP_KEY_OTHER:
        return 0;
    case FP_KEY_TEXT:
        return fp_read_text(reader, node, key->name, out);
    case FP_KEY_PATH:
        return read_path(reader, node, key->name, out);
    default:
        return read_number(reader, node, key->name, key, out);
    }
}

static void note_unknown_key(fp_grid_reader *reader, const fp_yaml_node *key, const char *what,
                             const fp_key *keys) {
    const char *words[MAX_WORDS + 1];
    size_t n = 0;
    for (; keys[n].name && n < MAX_WORDS; n++)
        words[n] = keys[n].name;
    words[n] = NULL;
    const char *nearest = fp_nearest(key->text, words);
    char list[512];
    join(list, sizeof list, words);
    if (nearest)
        fp_note(reader, key->place, "unknown key \"%.60s\" in %s; did you mean \"%s\"?", key->text, what,
                nearest);
    else
        fp_note(reader, key->place, "unknown key \"%.60s\" in %s; its keys are %s", key->text, what, list);
}

int fp_read_keys(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, const fp_key *keys,
                 void *out) {
    if (node->kind != FP_YAML_MAP) {
        char list[512];
        const char *words[MAX_WORDS + 1] = {NULL};
        for (size_t n = 0; keys[n].name && n < MAX_WORDS; n++)
            words[n] = keys[n].name;
        join(list, sizeof list, words);
        return fp_note(reader, node->place, "%s must be a map with the keys %s, not %s", what, list,
                       kind_name(node));
    }
    for (size_t i = 0; i < node->count; i++) {
        const fp_key *key = keys;
        while (key->name && strcmp(key->name, node->keys[i]->text) != 0)
            key++;
        if (!key->name)
            note_unknown_key(reader, node->keys[i], what, keys);
        else if (out) /* without it, the caller reads the values itself */
            fp_read_value(reader, node->items[i], key, (char *)out + key->offset);
    }
    return 0;
}

int fp_read_word(fp_grid_reader *reader, const fp_yaml_node *node, const char *what,
                 const char *const *words) {
    for (int i = 0; node->kind == FP_YAML_TEXT && words[i]; i++)
        if (strcmp(node->text, words[i]) == 0)
            return i;
    const char *nearest = node->kind == FP_YAML_TEXT ? fp_nearest(node->text, words) : NULL;
    char list[512], buffer[80];
    join(list, sizeof list, words);
    const char *value = shown(node, buffer, sizeof buffer);
    if (nearest)
        return fp_note(reader, node->place, "%s cannot be %s; did you mean \"%s\"?", what, value, nearest);
    return fp_note(reader, node->place, "%s cannot be %s; it is one of %s", what, value, list);
}

int fp_check_name(fp_grid_reader *reader, fp_place place, const char *what, const char *name) {
    if (strlen(name) >= FP_NAME)
        return fp_note(reader, place, "%s \"%s\" is longer than %d bytes", what, name, FP_NAME - 1);
    int clean = name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    for (const char *at = name; *at; at++)
        clean = clean && *at != '/' && (unsigned char)*at >= ' ' && *at != 127;
    if (!clean)
        return fp_note(reader, place,
                       "%s \"%s\" cannot be used: it names files and groups, so no \"/\", no control "
                       "characters, not \".\" or \"..\"",
                       what, name);
    return 0;
}

int fp_read_name(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, char **out) {
    return fp_read_text(reader, node, what, out) < 0 ? -1 : fp_check_name(reader, node->place, what, *out);
}

const fp_yaml_node *fp_require(fp_grid_reader *reader, const fp_yaml_node *map, const char *what,
                               const char *key, const char *right) {
    const fp_yaml_node *node = fp_yaml_get(map, key);
    if (!node)
        fp_note(reader, map->place, "%s has no \"%s\": %s", what, key, right);
    return node;
}

int fp_require_path(fp_grid_reader *reader, fp_place place, const char *what, const char *path) {
    if (fp_path_exists(path))
        return 0;
    return fp_note(reader, place, "%s: there is no %s (paths start from the grid file's folder)", what, path);
}
