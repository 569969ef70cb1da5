/* points.h: what `fineprobe probe` reads: people's own vectors, or those that embed wrote. */
#ifndef FINEPROBE_SRC_POINTS_H
#define FINEPROBE_SRC_POINTS_H

#include "fineprobe/safetensors.h"
#include <jansson.h>
#include <stdint.h>

/* One matrix of a file that can be probed. */
typedef struct fp_points_source {
    int layer;                   /* -1: the file's only matrix, "points" */
    const char *split;           /* "train", "test"; NULL as above */
    char points[40], labels[40]; /* names of the tensors */
} fp_points_source;

/* All of FILE, by layer, the training set first; *OUT: free(). None: what is missing is the error. */
int fp_points_list(const fp_safetensors *file, fp_points_source **out, size_t *count, fp_error *error);

typedef struct fp_points {
    size_t n, width, n_labels;
    float *points;   /* [n, width] */
    int32_t *labels; /* [n] in 0 .. n_labels-1 */
    json_t *names;   /* [n_labels]: the labels as the file has them, numbers or names */
} fp_points;

int fp_points_read(const fp_safetensors *file, const fp_points_source *source, fp_points *out,
                   fp_error *error);
void fp_points_free(fp_points *points);

#endif
