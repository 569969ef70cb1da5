/* What a piece of work may take. */
#include "sweep/grid_read.h"

static const fp_key keys[] = {
    {"memory", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"node_memory", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"time", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"silence", FP_KEY_OTHER, 0, 0, 0, NULL},
    {"attempts", FP_KEY_INT, offsetof(fp_grid_limits, attempts), 1, 100, "a whole number from 1 to 100"},
    {NULL, FP_KEY_OTHER, 0, 0, 0, NULL},
};

typedef int fp_reading(const fp_yaml_node *node, double *out);

static void read_limit(fp_grid_reader *reader, const fp_yaml_node *map, const char *key, fp_reading *reading,
                       double least, const char *right, double *out) {
    const fp_yaml_node *node = fp_yaml_get(map, key);
    double value = 0;
    if (node && (reading(node, &value) < 0 || value < least))
        fp_note(reader, node->place, "%s must be %s%s%s%s", key, right, node->text ? ", not \"" : "",
                node->text ? node->text : "", node->text ? "\"" : "");
    else if (node)
        *out = value;
}

void fp_grid_read_limits(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_limits *out) {
    static const char size[] = "a size of 50 MB or more, e.g. 4 GB",
                      duration[] = "a duration of 1 s or more, e.g. 30 min (s, min, h, d)";
    if (fp_read_keys(reader, node, "limits", keys, out) < 0)
        return;
    read_limit(reader, node, "memory", fp_read_bytes, 5e7, size, &out->memory);
    read_limit(reader, node, "node_memory", fp_read_bytes, 5e7, size, &out->node_memory);
    read_limit(reader, node, "time", fp_read_duration, 1, duration, &out->time);
    read_limit(reader, node, "silence", fp_read_duration, 1, duration, &out->silence);
}
