#include "bert/weights.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_first(const char *folder, fp_weights *out, fp_error *error) {
    out->path = fp_path_join(folder, "model.safetensors", error);
    if (!out->path)
        return -1;
    if (fp_path_exists(out->path)) {
        out->safetensors = fp_safetensors_open(out->path, error);
        return out->safetensors ? 0 : -1;
    }
    free(out->path);
    out->path = fp_path_join(folder, "pytorch_model.bin", error);
    if (!out->path)
        return -1;
    if (!fp_path_exists(out->path))
        return fp_fail(error, "%s holds neither model.safetensors nor pytorch_model.bin", folder);
    out->torch = fp_torch_open(out->path, error);
    return out->torch ? 0 : -1;
}

int fp_weights_open(const char *folder, fp_weights *out, fp_error *error) {
    memset(out, 0, sizeof *out);
    if (open_first(folder, out, error) == 0)
        return 0;
    fp_weights_close(out);
    return -1;
}

void fp_weights_close(fp_weights *weights) {
    fp_safetensors_close(weights->safetensors);
    fp_torch_close(weights->torch);
    free(weights->path);
    memset(weights, 0, sizeof *weights);
}

static const fp_tensor_view *find_exactly(const fp_weights *weights, const char *name) {
    return weights->safetensors ? fp_safetensors_find(weights->safetensors, name)
                                : fp_torch_find(weights->torch, name);
}

/* LayerNorm.weight and .bias as TensorFlow's conversions spelt them; 0 when CANONICAL is neither. */
static int old_spelling(const char *canonical, char *out, size_t size) {
    const char *norm = strstr(canonical, "LayerNorm.");
    if (!norm)
        return 0;
    const char *old = strcmp(norm, "LayerNorm.weight") == 0 ? "gamma" : "beta";
    snprintf(out, size, "%.*s.%s", (int)(norm - canonical + (ptrdiff_t)strlen("LayerNorm")), canonical, old);
    return 1;
}

const fp_tensor_view *fp_weights_find(const fp_weights *weights, const char *canonical) {
    char old[128];
    const char *spellings[2] = {canonical, old_spelling(canonical, old, sizeof old) ? old : NULL};
    for (int i = 0; i < 2 && spellings[i]; i++) {
        const char *bare = strncmp(spellings[i], "bert.", 5) == 0 ? spellings[i] + 5 : NULL;
        const fp_tensor_view *view = find_exactly(weights, spellings[i]);
        if (!view && bare)
            view = find_exactly(weights, bare);
        if (view)
            return view;
    }
    return NULL;
}
