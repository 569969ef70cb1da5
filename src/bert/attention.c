/* Self-attention, per sentence and head on small blocks; threads take sentences.
 *
 * T: pieces of the sentence, P: T padded, D: width of a head.
 *     S[T, P] = Q[T, D] K[T, D]^T / sqrt(D),  A = softmax(S),  B = dropout(A),  context[T, D] = B V[T, D] */
#include "bert/encoder.h"

#include <math.h>

/* One sentence's block of one head. */
typedef struct head_block {
    size_t pieces, padded; /* T, P */
    fp_block q, k, v;
    size_t at;     /* of its first row and column in matrices [R, H] */
    size_t qkv_at; /* of its queries in matrices [R, 3 H]; keys H, values 2 H further */
    float *probs;  /* A */
    int8_t *keep;  /* dropout of A, or NULL */
} head_block;

/* A pass over the sentences of a batch. */
typedef struct attention_pass {
    const fp_encoder *encoder;
    const fp_batch *batch;
    const fp_layer_store *store;
} attention_pass;

static head_block block_of(const attention_pass *pass, size_t sentence, size_t head, int thread) {
    const fp_encoder *encoder = pass->encoder;
    const fp_layer_store *store = pass->store;
    size_t hidden = encoder->config->hidden, width = hidden / encoder->config->heads;
    size_t row = pass->batch->row_at[sentence], pieces = pass->batch->row_at[sentence + 1] - row;
    size_t at = row * 3 * hidden + head * width, scores = fp_scores_of(pieces);
    size_t scores_at = encoder->training
                           ? encoder->config->heads * pass->batch->score_at[sentence] + head * scores
                           : (size_t)thread * encoder->work.score_numbers;
    return (head_block){.pieces = pieces,
                        .padded = fp_scores_row(pieces),
                        .q = {store->qkv + at, 3 * hidden},
                        .k = {store->qkv + at + hidden, 3 * hidden},
                        .v = {store->qkv + at + 2 * hidden, 3 * hidden},
                        .at = row * hidden + head * width,
                        .qkv_at = at,
                        .probs = store->probs + scores_at,
                        .keep = store->keep_probs ? store->keep_probs + scores_at : NULL};
}

/* B from A; A itself when nothing is dropped. */
static const float *dropped(const fp_encoder *encoder, const head_block *b, int thread) {
    if (!b->keep)
        return b->probs;
    float *to = encoder->work.score + (size_t)thread * encoder->work.score_numbers;
    encoder->kernels->drop(b->pieces * b->padded, b->probs, b->keep,
                           fp_dropout_scale(encoder->dropout.attention), to);
    return to;
}

/* y[m, n] = a b with what is turned as in fp_product. */
static void multiply(const fp_encoder *encoder, int thread, fp_product p) {
    encoder->kernels->product(&p, (fp_area){0, p.m, 0, p.n}, fp_team_room(encoder->team, thread));
}

static float score_scale(const fp_bert_config *config) {
    return (float)(1 / sqrt((double)config->hidden / (double)config->heads));
}

static void forward_sentence(void *context, size_t sentence, int thread) {
    const attention_pass *pass = context;
    const fp_encoder *encoder = pass->encoder;
    size_t heads = encoder->config->heads, hidden = encoder->config->hidden, width = hidden / heads;
    for (size_t h = 0; h < heads; h++) {
        head_block b = block_of(pass, sentence, h, thread);
        size_t t = b.pieces;
        multiply(encoder, thread,
                 (fp_product){t, t, width, b.q, b.k, .b_turned = 1, .y = b.probs, .stride = b.padded});
        encoder->kernels->softmax(t, t, b.padded, score_scale(encoder->config), b.probs);
        fp_block probs = {dropped(encoder, &b, thread), b.padded};
        multiply(encoder, thread,
                 (fp_product){t, width, t, probs, b.v, .y = pass->store->context + b.at, .stride = hidden});
    }
}

void fp_attention_forward(fp_encoder *encoder, const fp_batch *batch, const fp_layer_store *store) {
    attention_pass pass = {encoder, batch, store};
    fp_team_run(encoder->team, batch->n_sentences, forward_sentence, &pass);
}

/* dB = d_context V^T, dV = B^T d_context, dA = dropout(dB), dS = A (dA - rowsum(A dA)) / sqrt(D), dQ = dS K,
 * dK = dS^T Q */
static void backward_sentence(void *context, size_t sentence, int thread) {
    const attention_pass *pass = context;
    const fp_encoder *encoder = pass->encoder;
    const fp_workspace *work = &encoder->work;
    size_t heads = encoder->config->heads, hidden = encoder->config->hidden, width = hidden / heads;
    float *d_score = work->d_score + (size_t)thread * work->score_numbers;
    for (size_t h = 0; h < heads; h++) {
        head_block b = block_of(pass, sentence, h, thread);
        size_t t = b.pieces, wide = 3 * hidden;
        float *dq = work->d_qkv + b.qkv_at, *dk = dq + hidden, *dv = dk + hidden;
        fp_block d_context = {work->d_context + b.at, hidden}, ds = {d_score, b.padded};
        multiply(encoder, thread,
                 (fp_product){t, t, width, d_context, b.v, .b_turned = 1, .y = d_score, .stride = b.padded});
        fp_block probs = {dropped(encoder, &b, thread), b.padded};
        multiply(encoder, thread,
                 (fp_product){t, width, t, probs, d_context, .a_turned = 1, .y = dv, .stride = wide});
        encoder->kernels->softmax_back(t, t, b.padded, score_scale(encoder->config), b.probs, b.keep,
                                       fp_dropout_scale(encoder->dropout.attention), d_score);
        multiply(encoder, thread, (fp_product){t, width, t, ds, b.k, .y = dq, .stride = wide});
        multiply(encoder, thread, (fp_product){t, width, t, ds, b.q, .a_turned = 1, .y = dk, .stride = wide});
    }
}

void fp_attention_backward(fp_encoder *encoder, const fp_batch *batch, const fp_layer_store *store) {
    attention_pass pass = {encoder, batch, store};
    fp_team_run(encoder->team, batch->n_sentences, backward_sentence, &pass);
}
