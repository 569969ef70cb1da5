/* The probes of a grid. */
#include "fineprobe/grid.h"

#include "sweep/grid_read.h"
#include <float.h>
#include <string.h>

enum { MOST_UNITS = 1 << 16, MOST_SIZES = 8 };

static const fp_key directprobe_keys[] = {
    {"gap", FP_KEY_REAL, offsetof(fp_grid, directprobe_settings.gap), DBL_MIN, 0.1,
     "a relative gap above 0 and up to 0.1, e.g. 1e-5"},
    {"small_clusters", FP_KEY_SIZE, offsetof(fp_grid, directprobe_settings.small), 0, INT32_MAX,
     "a whole number of 0 or more"},
    {"clusters", FP_KEY_SIZE, offsetof(fp_grid, clusters), 1, 1 << 20, "a whole number of 1 or more"},
    {"certificates", FP_KEY_SIZE, offsetof(fp_grid, certificates), 0, 1 << 20, "a whole number of 0 or more"},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
static const fp_key probe_keys[] = {
    {"directprobe", FP_KEY_OTHER, 0, 0, 0, NULL},  {"classifier", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"control", FP_KEY_OTHER, 0, 0, 0, NULL},      {"mdl", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"memorisation", FP_KEY_OTHER, 0, 0, 0, NULL}, {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
/* By kind of record. */
static const char *const probe_names[FP_N_PRODUCTS + 1] = {"directprobe", "classifier",   "control",
                                                           "mdl",         "memorisation", NULL};

#define OF_SETTINGS(member) offsetof(fp_grid_probe, settings.member)
#define SHARED                                                                                               \
    {"hidden", FP_KEY_OTHER, 0, 0, 0, NULL}, {"l2", FP_KEY_OTHER, 0, 0, 0, NULL},                            \
        {"checkpoints", FP_KEY_OTHER, 0, 0, 0, NULL}, {"layers", FP_KEY_OTHER, 0, 0, 0, NULL},               \
        {"seed", FP_KEY_OTHER, 0, 0, 0, NULL}, {                                                             \
        "epochs", FP_KEY_SIZE, OF_SETTINGS(epochs), 1, 100000, "a whole number from 1 to 100000"             \
    }
#define INITIALISATIONS                                                                                      \
    { "initialisations", FP_KEY_SIZE, OF_SETTINGS(initialisations), 1, 100, "a whole number from 1 to 100" }

static const fp_key classifier_keys[] = {
    SHARED,
    INITIALISATIONS,
    {"folds", FP_KEY_SIZE, OF_SETTINGS(folds), 2, 1000, "a whole number from 2 to 1000"},
    {"held_out", FP_KEY_REAL, OF_SETTINGS(held_out), 0.01, 0.9, "a share from 0.01 to 0.9"},
    {"drop", FP_KEY_REAL, OF_SETTINGS(drop), 0, 1, "a share from 0 (never) to 1"},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
static const fp_key network_keys[] = {
    SHARED,
    INITIALISATIONS,
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
static const fp_key code_keys[] = {
    SHARED,
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};
static const fp_key *const keys_of[FP_N_PRODUCTS] = {directprobe_keys, classifier_keys, network_keys,
                                                     code_keys, network_keys};

void fp_grid_default_probes(fp_grid *grid) {
    for (fp_product_kind kind = FP_CLASSIFIER; kind < FP_N_PRODUCTS; kind++) {
        fp_grid_probe *probe = &grid->probes[kind];
        probe->settings = fp_classifier_defaults();
        if (kind == FP_CLASSIFIER)
            continue;
        probe->settings.n_shapes = probe->settings.n_l2 = 1;
        probe->settings.shapes[0] = (fp_shape){{64, 64}};
        probe->settings.l2[0] = 1e-5;
        if (kind == FP_CODE)
            probe->settings.initialisations = 1;
        if (kind == FP_MEMORISATION)
            probe->settings.epochs = 100;
    }
}

static int is_chosen(const fp_grid_choice *choice) {
    return choice->every > 0 || choice->count > 0;
}

const fp_grid_choice *fp_grid_probe_steps(const fp_grid_probe *probe) {
    static int64_t numbers[] = {0, -1};
    static const fp_grid_choice first_last = {.count = 2, .list = numbers};
    return is_chosen(&probe->steps) ? &probe->steps : &first_last;
}

const fp_grid_choice *fp_grid_probe_layers(const fp_grid_probe *probe) {
    static int64_t number = -1;
    static const fp_grid_choice last = {.count = 1, .list = &number};
    return is_chosen(&probe->layers) ? &probe->layers : &last;
}

/* ---- networks ---- */

static int read_units(fp_grid_reader *reader, const fp_yaml_node *node, size_t *out) {
    int64_t units;
    if (fp_read_integer(node, &units) < 0 || units < 1 || units > MOST_UNITS)
        return fp_note(reader, node->place, "hidden layers have from 1 to %d units, e.g. hidden: [32, 64]",
                       MOST_UNITS);
    *out = (size_t)units;
    return 0;
}

/* The hidden layers of one network: a list of up to two numbers. */
static int read_shape(fp_grid_reader *reader, const fp_yaml_node *node, fp_shape *out) {
    *out = (fp_shape){{0}};
    if (node->kind != FP_YAML_LIST || node->count > FP_MLP_HIDDEN)
        return fp_note(
            reader, node->place,
            "the hidden layers of a network are a list of none, one or two sizes: [], [64] or [64, 32]");
    for (size_t i = 0; i < node->count; i++)
        if (read_units(reader, node->items[i], &out->hidden[i]) < 0)
            return -1;
    return 0;
}

/* All pairs of the sizes in a list. */
static void read_squared(fp_grid_reader *reader, const fp_yaml_node *node, fp_classifier_settings *s) {
    size_t units[MOST_SIZES];
    if (node->count > MOST_SIZES) {
        fp_note(reader, node->place,
                "hidden has %zu sizes, all pairs of which would be tried; %d are the most", node->count,
                MOST_SIZES);
        return;
    }
    for (size_t i = 0; i < node->count; i++)
        if (read_units(reader, node->items[i], &units[i]) < 0)
            return;
    s->n_shapes = 0;
    for (size_t i = 0; i < node->count; i++)
        for (size_t k = 0; k < node->count; k++)
            s->shapes[s->n_shapes++] = (fp_shape){{units[i], units[k]}};
}

/* Sizes, of which all pairs are tried, or a list of networks. */
static void read_shapes(fp_grid_reader *reader, const fp_yaml_node *node, fp_classifier_settings *s) {
    if (node->kind != FP_YAML_LIST || node->count == 0 || node->count > FP_MOST_SHAPES) {
        fp_note(reader, node->place,
                "hidden is a list of sizes, all pairs of which are tried, or of up to %d networks: "
                "[32, 64] or [[], [64], [64, 32]]",
                FP_MOST_SHAPES);
        return;
    }
    if (node->items[0]->kind != FP_YAML_LIST) {
        read_squared(reader, node, s);
        return;
    }
    s->n_shapes = 0;
    for (size_t i = 0; i < node->count; i++)
        if (read_shape(reader, node->items[i], &s->shapes[s->n_shapes]) == 0)
            s->n_shapes++;
}

static int read_l2(fp_grid_reader *reader, const fp_yaml_node *node, double *out) {
    if (fp_read_real(node, out) < 0 || *out < 0 || *out > FLT_MAX)
        return fp_note(reader, node->place, "an L2 weight is a number of 0 or more, e.g. 1e-5");
    return 0;
}

static void read_l2_list(fp_grid_reader *reader, const fp_yaml_node *node, fp_classifier_settings *s) {
    if (node->kind == FP_YAML_MAP ||
        (node->kind == FP_YAML_LIST && (node->count == 0 || node->count > FP_MOST_L2))) {
        fp_note(reader, node->place, "l2 is a number or a list of up to %d of them, e.g. [1e-5, 1e-3]",
                FP_MOST_L2);
        return;
    }
    size_t n = node->kind == FP_YAML_LIST ? node->count : 1;
    s->n_l2 = n;
    for (size_t i = 0; i < n; i++)
        read_l2(reader, node->kind == FP_YAML_LIST ? node->items[i] : node, &s->l2[i]);
}

/* ---- probes ---- */

static void read_training(fp_grid_reader *reader, const fp_yaml_node *node, fp_product_kind kind,
                          fp_grid_probe *probe) {
    fp_classifier_settings *s = &probe->settings;
    const fp_yaml_node *hidden = fp_yaml_get(node, "hidden"), *l2 = fp_yaml_get(node, "l2"),
                       *steps = fp_yaml_get(node, "checkpoints"), *layers = fp_yaml_get(node, "layers"),
                       *seed = fp_yaml_get(node, "seed");
    if (hidden && kind == FP_CLASSIFIER)
        read_shapes(reader, hidden, s);
    else if (hidden)
        read_shape(reader, hidden, &s->shapes[0]);
    if (l2 && kind == FP_CLASSIFIER)
        read_l2_list(reader, l2, s);
    else if (l2)
        read_l2(reader, l2, &s->l2[0]);
    if (steps)
        fp_grid_read_steps(reader, steps, &probe->steps);
    if (layers)
        fp_grid_read_layers(reader, layers, &probe->layers);
    if (seed)
        fp_read_seed(reader, seed, &s->seed);
    const fp_yaml_node *folds = fp_yaml_get(node, "folds"), *held_out = fp_yaml_get(node, "held_out");
    if (folds && held_out)
        fp_note(reader, held_out->place, "folds and held_out exclude each other: choose one");
    if (held_out)
        s->folds = 0;
}

/* NODE may be nothing at all: the defaults. */
static void read_probe(fp_grid_reader *reader, const fp_yaml_node *node, fp_place place, fp_product_kind kind,
                       fp_grid *grid) {
    fp_grid_probe *probe = &grid->probes[kind];
    probe->wanted = 1;
    probe->place = place;
    grid->directprobe |= kind == FP_UNIT;
    if (!node || fp_yaml_is_null(node))
        return;
    void *into = kind == FP_UNIT ? (void *)grid : (void *)probe;
    if (fp_read_keys(reader, node, probe_names[kind], keys_of[kind], into) == 0 && kind != FP_UNIT)
        read_training(reader, node, kind, probe);
}

void fp_grid_read_probes(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid *grid) {
    grid->directprobe = 0;
    if (node->kind == FP_YAML_LIST) {
        for (size_t i = 0; i < node->count; i++) {
            int kind = fp_read_word(reader, node->items[i], "a probe", probe_names);
            if (kind >= 0)
                read_probe(reader, NULL, node->items[i]->place, (fp_product_kind)kind, grid);
        }
        return;
    }
    if (fp_read_keys(reader, node, "probes", probe_keys, NULL) < 0)
        return;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++) {
        const fp_yaml_node *settings = fp_yaml_get(node, probe_names[kind]);
        if (settings)
            read_probe(reader, settings, settings->place, kind, grid);
    }
}
