/* Self-attention, per sentence and head on small blocks.
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

static head_block block_of(const fp_encoder *encoder, const fp_layer_store *store, const fp_batch *batch,
                           size_t sentence, size_t head, size_t scores_at) {
    size_t hidden = encoder->config->hidden, width = hidden / encoder->config->heads;
    size_t row = batch->row_at[sentence], pieces = batch->row_at[sentence + 1] - row;
    size_t at = row * 3 * hidden + head * width;
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
static const float *dropped(const fp_encoder *encoder, const head_block *b, float scale) {
    if (!b->keep)
        return b->probs;
    encoder->kernels->drop(b->pieces * b->padded, b->probs, b->keep, scale, encoder->work.score);
    return encoder->work.score;
}

void fp_attention_forward(fp_encoder *encoder, const fp_batch *batch, const fp_layer_store *store) {
    size_t heads = encoder->config->heads, hidden = encoder->config->hidden, width = hidden / heads;
    float score_scale = (float)(1 / sqrt((double)width));
    float scale = fp_dropout_scale(encoder->dropout.attention);
    for (size_t s = 0, at = 0; s < batch->n_sentences; s++)
        for (size_t h = 0; h < heads; h++) {
            head_block b = block_of(encoder, store, batch, s, h, at);
            fp_gemm_nt(b.pieces, b.pieces, width, b.q, b.k, 0, b.probs, b.padded);
            encoder->kernels->softmax(b.pieces, b.pieces, b.padded, score_scale, b.probs);
            fp_block probs = {dropped(encoder, &b, scale), b.padded};
            fp_gemm_nn(b.pieces, width, b.pieces, probs, b.v, 0, store->context + b.at, hidden);
            if (encoder->training)
                at += b.pieces * b.padded;
        }
}

/* dB = d_context V^T, dV = B^T d_context, dA = dropout(dB), dS = A (dA - rowsum(A dA)) / sqrt(D), dQ = dS K,
 * dK = dS^T Q */
void fp_attention_backward(fp_encoder *encoder, const fp_batch *batch, const fp_layer_store *store) {
    size_t heads = encoder->config->heads, hidden = encoder->config->hidden, width = hidden / heads;
    float score_scale = (float)(1 / sqrt((double)width));
    float scale = fp_dropout_scale(encoder->dropout.attention);
    const fp_workspace *work = &encoder->work;
    for (size_t s = 0, at = 0; s < batch->n_sentences; s++)
        for (size_t h = 0; h < heads; h++) {
            head_block b = block_of(encoder, store, batch, s, h, at);
            size_t t = b.pieces;
            float *dq = work->d_qkv + b.qkv_at, *dk = dq + hidden, *dv = dk + hidden;
            fp_block d_context = {work->d_context + b.at, hidden}, ds = {work->d_score, b.padded};
            fp_gemm_nt(t, t, width, d_context, b.v, 0, work->d_score, b.padded);
            fp_block probs = {dropped(encoder, &b, scale), b.padded};
            fp_gemm_tn(t, width, t, probs, d_context, 0, dv, 3 * hidden);
            encoder->kernels->softmax_back(t, t, b.padded, score_scale, b.probs, b.keep, scale,
                                           work->d_score);
            fp_gemm_nn(t, width, t, ds, b.k, 0, dq, 3 * hidden);
            fp_gemm_tn(t, width, t, ds, b.q, 0, dk, 3 * hidden);
            at += t * b.padded;
        }
}
