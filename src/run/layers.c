#include "fineprobe/memory.h"
#include "run/embedding.h"

#include <stdlib.h>
#include <string.h>

/* The layer that the first SIZE characters of TEXT name; -1 when they name none. */
static long layer_of(const char *text, size_t size, size_t last) {
    char *end;
    if (size == 5 && strncmp(text, "first", 5) == 0)
        return 0;
    if (size == 4 && strncmp(text, "last", 4) == 0)
        return (long)last;
    if (size == 0 || size > 6 || text[0] < '0' || text[0] > '9')
        return -1;
    long layer = strtol(text, &end, 10);
    return end == text + size && (size_t)layer <= last ? layer : -1;
}

static int mark_wanted(const char *text, size_t last, unsigned char *wanted, fp_error *error) {
    if (strcmp(text, "all") == 0) {
        memset(wanted, 1, last + 1);
        return 0;
    }
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        long layer = layer_of(at, size, last);
        if (layer < 0)
            return fp_fail(
                error,
                "layers: \"%.*s\" is none of this model's: write all, or numbers of 0 to %zu, first "
                "and last, with commas between",
                (int)(size < 40 ? size : 40), at, last);
        wanted[layer] = 1;
        at += size;
        if (!*at)
            return 0;
    }
}

int fp_layers_parse(const char *text, size_t last, int **out, size_t *count, fp_error *error) {
    unsigned char *wanted = fp_alloc(last + 1, 1, "layers", error);
    int *layers = fp_alloc(last + 1, sizeof *layers, "layers", error);
    int rc = wanted && layers ? mark_wanted(text, last, wanted, error) : -1;
    size_t n = 0;
    for (size_t i = 0; rc == 0 && i <= last; i++)
        if (wanted[i])
            layers[n++] = (int)i;
    free(wanted);
    if (rc < 0) {
        free(layers);
        return -1;
    }
    *out = layers;
    *count = n;
    return 0;
}
