/* Made-up models and sentences for the tests of BERT. */
#ifndef FINEPROBE_TESTS_BERT_DATA_H
#define FINEPROBE_TESTS_BERT_DATA_H

#include "fineprobe/bert.h"
#include "fineprobe/encode.h"
#include "fineprobe/rng.h"
#include <stdlib.h>

static inline fp_bert_config small_config(void) {
    return (fp_bert_config){.vocab_size = 53,
                            .hidden = 20,
                            .layers = 2,
                            .heads = 4,
                            .intermediate = 36,
                            .positions = 24,
                            .types = 2,
                            .layer_norm_eps = 1e-12,
                            .hidden_dropout = 0.1,
                            .attention_dropout = 0.1,
                            .initializer_range = 0.2,
                            .activation = FP_GELU_ERF};
}

/* N sentences of 3 to 17 pieces with up to three instances of 4 labels each. Piece 0 never occurs. */
static inline fp_encoded make_sentences(size_t n, fp_instance_kind kind, size_t vocab) {
    enum { MOST_PIECES = 17, INSTANCES = 3, LABELS = 4 };
    fp_rng_key key = fp_rng_key_of(11, FP_RNG_DATA, kind, 0);
    fp_encoded data = {.kind = kind, .n_sentences = n};
    data.piece_at = calloc(n + 1, sizeof *data.piece_at);
    data.instance_at = calloc(n + 1, sizeof *data.instance_at);
    data.pieces = calloc(n * MOST_PIECES, sizeof *data.pieces);
    data.instances = calloc(n * INSTANCES, sizeof *data.instances);
    uint64_t at = 0;
    for (size_t s = 0; s < n; s++) {
        uint32_t pieces = 3 + (uint32_t)fp_rng_below(key, at++, MOST_PIECES - 2);
        for (uint32_t i = 0; i < pieces; i++)
            data.pieces[data.n_pieces++] = 1 + (int32_t)fp_rng_below(key, at++, vocab - 1);
        size_t instances = kind == FP_KIND_SENTENCE ? 1 : INSTANCES;
        for (size_t i = 0; i < instances; i++) {
            fp_span span[2];
            for (int k = 0; k < 2; k++) {
                span[k].begin = 1 + (uint32_t)fp_rng_below(key, at++, pieces - 2);
                span[k].end =
                    span[k].begin + 1 + (uint32_t)fp_rng_below(key, at++, pieces - 1 - span[k].begin);
            }
            if (kind == FP_KIND_SENTENCE)
                span[0] = (fp_span){0, 1};
            data.instances[data.n_instances++] = (fp_encoded_instance){
                (uint32_t)s, span[0], span[1], (int32_t)fp_rng_below(key, at++, LABELS), 0};
        }
        data.longest = pieces > data.longest ? pieces : data.longest;
        data.piece_at[s + 1] = (uint32_t)data.n_pieces;
        data.instance_at[s + 1] = (uint32_t)data.n_instances;
    }
    return data;
}

static inline void free_sentences(fp_encoded *data) {
    free(data->piece_at);
    free(data->instance_at);
    free(data->pieces);
    free(data->instances);
}

#endif
