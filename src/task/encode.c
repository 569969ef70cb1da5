#include "fineprobe/encode.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef struct encoder {
    const fp_wordpiece *tokenizer;
    const fp_split *split;
    fp_special_pieces special;
    size_t max_positions;
    fp_encoded *out;
    size_t capacity; /* of the pieces */
    fp_span *spans;  /* of the words of the current sentence */
    size_t spans_capacity;
} encoder;

static int append(encoder *state, int32_t piece, fp_error *error) {
    fp_encoded *out = state->out;
    if (fp_grow((void **)&out->pieces, &state->capacity, out->n_pieces + 1, sizeof piece, error) < 0)
        return -1;
    out->pieces[out->n_pieces++] = piece;
    return 0;
}

/* Adds the words of a sentence as far as they fit. Returns how many did, or -1. */
static long encode_words(encoder *state, size_t first, size_t n, fp_error *error) {
    fp_encoded *out = state->out;
    size_t begin = out->n_pieces;
    if (fp_grow((void **)&state->spans, &state->spans_capacity, n, sizeof(fp_span), error) < 0 ||
        append(state, state->special.cls, error) < 0)
        return -1;
    size_t i = 0;
    for (; i < n; i++) {
        size_t at = out->n_pieces;
        if (fp_wordpiece_encode(state->tokenizer, state->split->words[first + i], &out->pieces,
                                &out->n_pieces, &state->capacity, error) < 0)
            return -1;
        int empty = out->n_pieces == at;
        if (empty && append(state, state->special.unk, error) < 0)
            return -1;
        if (out->n_pieces - begin + 1 > state->max_positions) { /* [SEP] has to fit as well */
            out->n_pieces = at;
            break;
        }
        out->empty_words += (size_t)empty;
        state->spans[i] = (fp_span){(uint32_t)(at - begin), (uint32_t)(out->n_pieces - begin)};
    }
    return append(state, state->special.sep, error) < 0 ? -1 : (long)i;
}

static int64_t hash_word(const char *word) {
    return (int64_t)(XXH3_64bits(word, strlen(word)) >> 1);
}

/* Adds the instances of a sentence whose words are there. *AT: the split's next instance. */
static void encode_instances(encoder *state, size_t sentence, size_t n_words, size_t *at) {
    fp_encoded *out = state->out;
    for (; *at < state->split->n_instances && state->split->instances[*at].sentence == sentence; ++*at) {
        const fp_instance *from = &state->split->instances[*at];
        fp_encoded_instance *to = &out->instances[out->n_instances];
        *to = (fp_encoded_instance){.sentence = from->sentence, .label = from->label};
        if (out->kind == FP_KIND_SENTENCE) {
            to->first = (fp_span){0, 1};
        } else if (from->first >= n_words || (out->kind == FP_KIND_PAIR && from->second >= n_words)) {
            out->cut_instances++;
            continue;
        } else {
            size_t word = out->kind == FP_KIND_PAIR ? from->second : from->first;
            to->word = hash_word(state->split->words[state->split->word_at[sentence] + word]);
            to->first = state->spans[from->first];
            if (out->kind == FP_KIND_PAIR)
                to->second = state->spans[from->second];
        }
        out->n_instances++;
    }
}

static int encode_sentences(encoder *state, fp_error *error) {
    fp_encoded *out = state->out;
    size_t next = 0;
    for (size_t i = 0; i < out->n_sentences; i++) {
        size_t first = state->split->word_at[i], n = state->split->word_at[i + 1] - first;
        out->piece_at[i] = (uint32_t)out->n_pieces;
        out->instance_at[i] = (uint32_t)out->n_instances;
        long fitted = encode_words(state, first, n, error);
        if (fitted < 0)
            return -1;
        if (out->n_pieces > UINT32_MAX)
            return fp_fail(error, "the text has more than %u pieces", UINT32_MAX);
        encode_instances(state, i, (size_t)fitted, &next);
        out->cut_sentences += (size_t)fitted < n;
        out->cut_words += n - (size_t)fitted;
        size_t length = out->n_pieces - out->piece_at[i];
        if (length > out->longest)
            out->longest = length;
    }
    out->piece_at[out->n_sentences] = (uint32_t)out->n_pieces;
    out->instance_at[out->n_sentences] = (uint32_t)out->n_instances;
    return 0;
}

int fp_encode(const fp_wordpiece *tokenizer, const fp_split *split, fp_instance_kind kind,
              size_t max_positions, fp_encoded *out, fp_error *error) {
    *out = (fp_encoded){.kind = kind, .n_sentences = split->n_sentences};
    if (max_positions < 3)
        return fp_fail(error, "the model has %zu positions, a sentence needs at least 3", max_positions);
    encoder state = {.tokenizer = tokenizer,
                     .split = split,
                     .special = fp_wordpiece_special(tokenizer),
                     .max_positions = max_positions,
                     .out = out};
    out->piece_at = fp_alloc(split->n_sentences + 1, sizeof *out->piece_at, "encoded sentences", error);
    out->instance_at = fp_alloc(split->n_sentences + 1, sizeof *out->instance_at, "encoded sentences", error);
    out->instances = fp_alloc(split->n_instances, sizeof *out->instances, "encoded instances", error);
    int rc = out->piece_at && out->instance_at && out->instances ? encode_sentences(&state, error) : -1;
    free(state.spans);
    if (rc < 0)
        fp_encoded_free(out);
    return rc;
}

void fp_encoded_free(fp_encoded *encoded) {
    free(encoded->piece_at);
    free(encoded->pieces);
    free(encoded->instance_at);
    free(encoded->instances);
    *encoded = (fp_encoded){0};
}
