/* optimiser.h: AdamW as Hugging Face and torch define it: decoupled weight decay, bias correction, epsilon
 * added after it. Weight decay goes to matrices, not to biases and layer norms.
 *
 * Rows of the word embedding that no batch has held so far have no gradient and no moments: all that a dense
 * update does to them is weight decay. They are not visited; the decay they owe is made good, factor by
 * factor as the dense update would have applied them, when a batch first holds them or the weights are read.
 */
#ifndef FINEPROBE_BERT_OPTIMISER_H
#define FINEPROBE_BERT_OPTIMISER_H

#include "bert/layout.h"
#include "fineprobe/finetune.h"
#include "math/team.h"

typedef struct fp_optimiser {
    const fp_finetune_settings *settings;
    const fp_tensor_layout *layout;
    fp_team *team;
    size_t vocabulary, hidden;
    size_t numbers;            /* of the whole block: encoder, then heads */
    size_t head, head_numbers; /* classification layer in the block: matrix [head_numbers], bias behind it */
    size_t total;              /* updates of the run */
    float *parameters, *gradients, *first, *second; /* [numbers] */
    uint8_t *seen;   /* [vocabulary] rows of the word embedding that had a gradient */
    size_t *decayed; /* updates whose decay the rows not seen have had */
} fp_optimiser;

/* Before update K's forward pass: rows of PIECES [n] (NULL: all) count as seen. */
void fp_optimiser_see(const fp_optimiser *optimiser, size_t k, const int32_t *pieces, size_t n);
/* Update K (from 0) with the gradients that are there. Gradients of the word embedding's rows that PIECES
 * hold are 0 afterwards. */
void fp_optimiser_step(const fp_optimiser *optimiser, size_t k);
/* Makes good the decay that rows not seen owe after K updates. */
void fp_optimiser_settle(const fp_optimiser *optimiser, size_t k);

#endif
