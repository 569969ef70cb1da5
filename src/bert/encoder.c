#include "bert/encoder.h"

#include <string.h>

/* Masks come in whole groups of random blocks. */
static size_t whole_groups(size_t n) {
    return (n + FP_DROPOUT_GROUP - 1) / FP_DROPOUT_GROUP * FP_DROPOUT_GROUP;
}

static int8_t *take_keep(fp_arena *arena, size_t n, uint32_t threshold) {
    return threshold ? fp_arena_take(arena, whole_groups(n), 1) : NULL;
}

static fp_layer_store lay_store(const fp_encoder *encoder, fp_arena *arena, size_t rows, size_t scores) {
    const fp_bert_config *config = encoder->config;
    const fp_dropout *dropout = &encoder->dropout;
    size_t hidden = config->hidden, real = sizeof(float);
    fp_layer_store store = {0};
    store.qkv = fp_arena_take(arena, rows * 3 * hidden, real);
    store.probs = fp_arena_take(arena, scores, real);
    store.context = fp_arena_take(arena, rows * hidden, real);
    store.normed1 = fp_arena_take(arena, rows * hidden, real);
    store.inverse1 = fp_arena_take(arena, rows, real);
    store.middle = fp_arena_take(arena, rows * hidden, real);
    store.up = encoder->training ? fp_arena_take(arena, rows * config->intermediate, real) : NULL;
    store.normed2 = fp_arena_take(arena, rows * hidden, real);
    store.inverse2 = fp_arena_take(arena, rows, real);
    if (encoder->training) {
        store.keep_probs = take_keep(arena, scores, dropout->attention);
        store.keep1 = take_keep(arena, rows * hidden, dropout->hidden);
        store.keep2 = take_keep(arena, rows * hidden, dropout->hidden);
    }
    return store;
}

/* Without training, layers share one store, attention has one head's scores for each thread, what goes into
 * an activation is not kept, and two hidden states take turns. */
static void lay_layers(fp_encoder *encoder, fp_arena *arena, const fp_batch_limits *limits) {
    const fp_bert_config *config = encoder->config;
    fp_workspace *work = &encoder->work;
    size_t states = encoder->training ? config->layers + 1 : 2;
    size_t stores = encoder->training ? config->layers : 1;
    size_t scores = encoder->training ? limits->scores * config->heads
                                      : fp_scores_of(limits->longest) * (size_t)encoder->threads;
    work->layers = fp_arena_take(arena, config->layers, sizeof *work->layers);
    work->hidden = fp_arena_take(arena, config->layers + 1, sizeof *work->hidden);
    for (size_t l = 0; l < states; l++) {
        float *state = fp_arena_take(arena, limits->rows * config->hidden, sizeof(float));
        for (size_t k = l; work->hidden && k <= config->layers; k += states)
            work->hidden[k] = state;
    }
    for (size_t l = 0; l < stores; l++) {
        fp_layer_store store = lay_store(encoder, arena, limits->rows, scores);
        for (size_t k = l; work->layers && k < config->layers; k += stores)
            work->layers[k] = store;
    }
}

void fp_encoder_employ(fp_encoder *encoder, fp_team *team) {
    encoder->team = team;
    encoder->kernels = fp_team_kernels(team);
    encoder->threads = fp_team_threads(team);
}

void fp_encoder_lay(fp_encoder *encoder, fp_arena *arena, const fp_batch_limits *limits) {
    const fp_bert_config *config = encoder->config;
    fp_workspace *work = &encoder->work;
    size_t narrow = limits->rows * config->hidden, wide = limits->rows * config->intermediate;
    size_t score = fp_scores_of(limits->longest) * (size_t)encoder->threads, real = sizeof(float);
    size_t blocks = (limits->rows + FP_BLOCK_ROWS - 1) / FP_BLOCK_ROWS;
    memset(work, 0, sizeof *work);
    work->score_numbers = fp_scores_of(limits->longest);
    lay_layers(encoder, arena, limits);
    work->normed0 = fp_arena_take(arena, narrow, real);
    work->inverse0 = fp_arena_take(arena, limits->rows, real);
    work->wide = fp_arena_take(arena, wide, real);
    if (!encoder->training)
        return;
    work->keep0 = take_keep(arena, narrow, encoder->dropout.hidden);
    work->score = fp_arena_take(arena, score, real);
    work->d_hidden = fp_arena_take(arena, narrow, real);
    work->d_dense = fp_arena_take(arena, narrow, real);
    work->d_context = fp_arena_take(arena, narrow, real);
    work->d_wide = fp_arena_take(arena, wide, real);
    work->d_qkv = fp_arena_take(arena, 3 * narrow, real);
    work->d_score = fp_arena_take(arena, score, real);
    work->sums = fp_arena_take(arena, blocks * 3 * config->hidden, real);
}

void fp_encoder_forward(fp_encoder *encoder, const fp_batch *batch, fp_hidden_seen *seen, void *context) {
    fp_embeddings_forward(encoder, batch);
    if (seen)
        seen(context, 0, encoder->work.hidden[0]);
    for (size_t l = 0; l < encoder->config->layers; l++) {
        fp_layer_forward(encoder, batch, l);
        if (seen)
            seen(context, l + 1, encoder->work.hidden[l + 1]);
    }
}

/* Vectors of parameters collect their gradients by adding; matrices are written by one product each. */
static void clear_gradients(fp_encoder *encoder) {
    const fp_tensor_layout *layout = encoder->layout;
    for (size_t i = 1; i < layout->n_tensors; i++) {
        const fp_bert_tensor *tensor = &layout->tensors[i];
        if (tensor->at >= layout->encoder_numbers)
            break;
        if (tensor->at < layout->first_layer || fp_tensor_is_vector(tensor))
            memset(encoder->gradients + tensor->at, 0, tensor->rows * tensor->columns * sizeof(float));
    }
}

void fp_encoder_backward(fp_encoder *encoder, const fp_batch *batch) {
    clear_gradients(encoder);
    for (size_t l = encoder->config->layers; l-- > 0;)
        fp_layer_backward(encoder, batch, l, encoder->work.d_hidden);
    fp_embeddings_backward(encoder, batch, encoder->work.d_hidden);
}
