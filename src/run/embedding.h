/* embedding.h: a model and a task, ready to be turned into vectors; for pieces of work and for people. */
#ifndef FINEPROBE_SRC_EMBEDDING_H
#define FINEPROBE_SRC_EMBEDDING_H

#include "run/run.h"

typedef struct fp_embedding {
    fp_bert *model;
    fp_prepared prepared;
    size_t width; /* of a vector */
    int threads;  /* that embed; set by whoever wants more than one */
} fp_embedding;

/* MODEL: its folder. A task without a test set has a training set alone. */
int fp_embedding_open(const char *model, const fp_task_spec *task, fp_embedding *out, fp_error *error);
void fp_embedding_close(fp_embedding *embedding);

/* Embeds all instances at LAYERS, and writes them as a vectors file (fineprobe/piece.h). */
int fp_embedding_write(const fp_embedding *embedding, const int *layers, size_t n_layers, const char *path,
                       fp_progress *progress, void *context, fp_error *error);

/* Layers as people write them: "all", or a list of numbers, "first" and "last" with commas between, of a
 * model whose last layer is LAST. Ascending, each once; a layer the model has not is an error. *OUT: free().
 */
int fp_layers_parse(const char *text, size_t last, int **out, size_t *count, fp_error *error);

#endif
