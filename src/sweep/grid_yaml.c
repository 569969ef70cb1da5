/* YAML events into a small tree: the one place that knows libyaml. Aliases share nodes, so that a file cannot
 * blow up beyond its own size; depth and the number of nodes are bounded. */
#include "fineprobe/memory.h"
#include "sweep/grid_read.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 32, MAX_NODES = 100000, MAX_KEYS = 1000, MAX_ANCHORS = 1000 };

typedef struct anchor {
    char *name;
    fp_yaml_node *node;
} anchor;

typedef struct state {
    yaml_parser_t parser;
    fp_grid_reader *reader;
    fp_yaml *tree;
    anchor *anchors;
    size_t n_anchors, anchors_capacity;
    size_t merged; /* entries that merge keys added */
} state;

static fp_place place_of(yaml_mark_t mark) {
    return (fp_place){mark.line + 1, mark.column + 1};
}

static int note_memory(state *s, fp_place place) {
    return fp_note(s->reader, place, "out of memory while reading the grid");
}

static int next_event(state *s, yaml_event_t *event) {
    if (yaml_parser_parse(&s->parser, event))
        return 0;
    const yaml_parser_t *p = &s->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return note_memory(s, (fp_place){1, 1});
    if (p->error == YAML_READER_ERROR)
        return fp_note(s->reader, (fp_place){p->mark.line + 1, p->mark.column + 1},
                       "not a text in UTF-8: %s at byte %zu", p->problem, p->problem_offset);
    return fp_note(s->reader, place_of(p->problem_mark), "not valid YAML: %s%s%s", p->problem,
                   p->context ? ", " : "", p->context ? p->context : "");
}

static int too_large(state *s, fp_place place) {
    if (s->tree->n_nodes + s->merged <= MAX_NODES)
        return 0;
    return fp_note(s->reader, place, "the grid has more than %d values; a grid is a page or two of text",
                   MAX_NODES);
}

static fp_yaml_node *new_node(state *s, fp_yaml_kind kind, const yaml_event_t *event) {
    fp_yaml *tree = s->tree;
    fp_place place = place_of(event->start_mark);
    if (too_large(s, place) < 0)
        return NULL;
    if (fp_grow((void **)&tree->nodes, &tree->capacity, tree->n_nodes + 1, sizeof(fp_yaml_node *), NULL) <
        0) {
        note_memory(s, place);
        return NULL;
    }
    fp_yaml_node *node = calloc(1, sizeof *node);
    if (!node) {
        note_memory(s, place);
        return NULL;
    }
    node->kind = kind;
    node->place = place;
    tree->nodes[tree->n_nodes++] = node;
    return node;
}

static int append(state *s, fp_yaml_node *node, fp_yaml_node *key, fp_yaml_node *item) {
    size_t n = node->count + 1;
    if (fp_grow((void **)&node->items, &node->items_capacity, n, sizeof(fp_yaml_node *), NULL) < 0 ||
        (key && fp_grow((void **)&node->keys, &node->keys_capacity, n, sizeof(fp_yaml_node *), NULL) < 0))
        return note_memory(s, node->place);
    node->items[node->count] = item;
    if (key)
        node->keys[node->count] = key;
    node->count = n;
    return 0;
}

static int set_anchor(state *s, const yaml_char_t *name, fp_yaml_node *node) {
    if (!name)
        return 0;
    if (s->n_anchors >= MAX_ANCHORS)
        return fp_note(s->reader, node->place, "more than %d anchors", MAX_ANCHORS);
    if (fp_grow((void **)&s->anchors, &s->anchors_capacity, s->n_anchors + 1, sizeof(anchor), NULL) < 0)
        return note_memory(s, node->place);
    char *copy = strdup((const char *)name);
    if (!copy)
        return note_memory(s, node->place);
    s->anchors[s->n_anchors++] = (anchor){copy, node};
    return 0;
}

static fp_yaml_node *find_anchor(state *s, const yaml_event_t *event) {
    const char *name = (const char *)event->data.alias.anchor;
    fp_place place = place_of(event->start_mark);
    for (size_t i = s->n_anchors; i-- > 0;) {
        if (strcmp(s->anchors[i].name, name) != 0)
            continue;
        if (!s->anchors[i].node->open)
            return s->anchors[i].node;
        fp_note(s->reader, place, "*%s stands inside its own anchor; an anchor cannot hold itself", name);
        return NULL;
    }
    fp_note(s->reader, place, "*%s has no anchor; write &%s before the value that is meant, above this line",
            name, name);
    return NULL;
}

static fp_yaml_node *read_node(state *s, const yaml_event_t *event, int depth);

static fp_yaml_node *read_scalar(state *s, const yaml_event_t *event) {
    fp_yaml_node *node = new_node(s, FP_YAML_TEXT, event);
    if (!node)
        return NULL;
    const char *value = (const char *)event->data.scalar.value;
    if (strlen(value) != event->data.scalar.length) {
        fp_note(s->reader, node->place, "a text cannot hold the character NUL");
        return NULL;
    }
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = strdup(value);
    if (!node->text) {
        note_memory(s, node->place);
        return NULL;
    }
    return set_anchor(s, event->data.scalar.anchor, node) < 0 ? NULL : node;
}

/* The next node, or *END = 1 at the end of the collection. */
static fp_yaml_node *read_next(state *s, int depth, int *end) {
    yaml_event_t event;
    *end = 0;
    if (next_event(s, &event) < 0)
        return NULL;
    fp_yaml_node *node = NULL;
    if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
        *end = 1;
    else
        node = read_node(s, &event, depth);
    yaml_event_delete(&event);
    return node;
}

static fp_yaml_node *read_list(state *s, const yaml_event_t *event, int depth) {
    fp_yaml_node *list = new_node(s, FP_YAML_LIST, event);
    if (!list || set_anchor(s, event->data.sequence_start.anchor, list) < 0)
        return NULL;
    list->open = 1;
    for (;;) {
        int end;
        fp_yaml_node *item = read_next(s, depth + 1, &end);
        if (end)
            break;
        if (!item || append(s, list, NULL, item) < 0)
            return NULL;
    }
    list->open = 0;
    return list;
}

static int merge_one(state *s, fp_yaml_node *into, const fp_yaml_node *from, fp_place place) {
    if (from->kind != FP_YAML_MAP)
        return fp_note(s->reader, place, "<< takes a map or a list of maps, e.g. <<: *defaults");
    for (size_t i = 0; i < from->count; i++) {
        if (fp_yaml_get(into, from->keys[i]->text))
            continue;
        s->merged++;
        if (too_large(s, place) < 0 || append(s, into, from->keys[i], from->items[i]) < 0)
            return -1;
    }
    return 0;
}

/* The map's own keys come first, then the merged maps in their order. */
static int merge(state *s, fp_yaml_node *map, const fp_yaml_node *value) {
    if (value->kind != FP_YAML_LIST)
        return merge_one(s, map, value, value->place);
    for (size_t i = 0; i < value->count; i++)
        if (merge_one(s, map, value->items[i], value->place) < 0)
            return -1;
    return 0;
}

static int add_pair(state *s, fp_yaml_node *map, fp_yaml_node *key, fp_yaml_node *value,
                    fp_yaml_node **merged) {
    if (key->kind != FP_YAML_TEXT)
        return fp_note(s->reader, key->place, "a key must be a word");
    if (map->count >= MAX_KEYS)
        return fp_note(s->reader, key->place, "more than %d keys in one map", MAX_KEYS);
    int is_merge = key->plain && strcmp(key->text, "<<") == 0;
    const fp_yaml_node *earlier = is_merge ? *merged : fp_yaml_get(map, key->text);
    if (earlier) {
        fp_note(s->reader, key->place, "the key \"%s\" stands here twice (first in line %zu); keep one%s",
                key->text, earlier->place.line, is_merge ? ": << takes a list of maps, too" : "");
        return 0;
    }
    if (is_merge) {
        *merged = value;
        return 0;
    }
    return append(s, map, key, value);
}

static fp_yaml_node *read_map(state *s, const yaml_event_t *event, int depth) {
    fp_yaml_node *map = new_node(s, FP_YAML_MAP, event), *merged = NULL;
    if (!map || set_anchor(s, event->data.mapping_start.anchor, map) < 0)
        return NULL;
    map->open = 1;
    for (;;) {
        int end;
        fp_yaml_node *key = read_next(s, depth + 1, &end);
        if (end)
            break;
        fp_yaml_node *value = key ? read_next(s, depth + 1, &end) : NULL;
        if (!value || add_pair(s, map, key, value, &merged) < 0)
            return NULL;
    }
    if (merged && merge(s, map, merged) < 0)
        return NULL;
    map->open = 0;
    return map;
}

static fp_yaml_node *read_node(state *s, const yaml_event_t *event, int depth) {
    fp_place place = place_of(event->start_mark);
    if (depth > MAX_DEPTH) {
        fp_note(s->reader, place, "lists and maps more than %d deep", MAX_DEPTH);
        return NULL;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(s, event);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(s, event, depth);
    case YAML_MAPPING_START_EVENT:
        return read_map(s, event, depth);
    case YAML_ALIAS_EVENT:
        return find_anchor(s, event);
    default:
        fp_note(s->reader, place, "a value was expected here");
        return NULL;
    }
}

static int read_document(state *s) {
    for (;;) {
        yaml_event_t event;
        if (next_event(s, &event) < 0)
            return -1;
        yaml_event_type_t type = event.type;
        fp_place place = place_of(event.start_mark);
        int rc = 0;
        if (type == YAML_DOCUMENT_START_EVENT && s->tree->root)
            rc = fp_note(s->reader, place, "a second document begins here; a grid is one document");
        else if (type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT ||
                 type == YAML_MAPPING_START_EVENT || type == YAML_ALIAS_EVENT) {
            s->tree->root = read_node(s, &event, 0);
            rc = s->tree->root ? 0 : -1;
        }
        yaml_event_delete(&event);
        if (rc < 0)
            return -1;
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    return s->tree->root ? 0 : fp_note(s->reader, (fp_place){1, 1}, "the grid is empty");
}

int fp_yaml_parse(fp_grid_reader *reader, const char *text, size_t size, fp_yaml *out) {
    state s = {.reader = reader, .tree = out};
    *out = (fp_yaml){0};
    if (!yaml_parser_initialize(&s.parser))
        return note_memory(&s, (fp_place){1, 1});
    yaml_parser_set_encoding(&s.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&s.parser, (const unsigned char *)text, size);
    int rc = read_document(&s);
    yaml_parser_delete(&s.parser);
    for (size_t i = 0; i < s.n_anchors; i++)
        free(s.anchors[i].name);
    free(s.anchors);
    return rc;
}

void fp_yaml_free(fp_yaml *tree) {
    for (size_t i = 0; i < tree->n_nodes; i++) {
        free(tree->nodes[i]->text);
        free(tree->nodes[i]->items);
        free(tree->nodes[i]->keys);
        free(tree->nodes[i]);
    }
    free(tree->nodes);
    *tree = (fp_yaml){0};
}

const fp_yaml_node *fp_yaml_get(const fp_yaml_node *map, const char *key) {
    if (!map || map->kind != FP_YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

int fp_yaml_is_null(const fp_yaml_node *node) {
    return node->kind == FP_YAML_TEXT && node->plain &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}
