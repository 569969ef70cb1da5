#include "bert/head.h"

#include <math.h>
#include <string.h>

double fp_cross_entropy(const fp_kernels *kernels, size_t n, size_t classes, const int32_t *labels,
                        float share, float *logits) {
    size_t padded = fp_logits_row(classes);
    double sum = 0;
    for (size_t i = 0; i < n; i++, logits += padded) {
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            best = logits[c] > logits[best] ? c : best;
        double lead = (double)logits[best] - logits[labels[i]];
        kernels->softmax(1, classes, padded, 1, logits);
        sum += lead - log((double)logits[best]); /* the largest probability never underflows */
        logits[labels[i]] -= 1;
        for (size_t c = 0; c < classes; c++)
            logits[c] *= share;
    }
    return sum;
}

void fp_head_lay(fp_head *head, fp_arena *arena, size_t instances, int training) {
    head->vectors = fp_arena_take(arena, instances * head->width, sizeof(float));
    head->logits = fp_arena_take(arena, instances * fp_logits_row(head->classes), sizeof(float));
    head->labels = fp_arena_take(arena, instances, sizeof *head->labels);
    head->d_vectors = training ? fp_arena_take(arena, instances * head->width, sizeof(float)) : NULL;
}

void fp_head_forward(fp_head *head, const fp_encoder *encoder, const fp_batch *batch, const float *hidden) {
    size_t n = batch->n_instances, row = fp_logits_row(head->classes);
    const float *p = encoder->parameters;
    fp_batch_pool(batch, encoder->config->hidden, hidden, head->vectors);
    for (size_t i = 0; i < n; i++)
        head->labels[i] = batch->instances[i].label;
    fp_gemm(encoder->team, &(fp_product){.m = n,
                                         .n = head->classes,
                                         .k = head->width,
                                         .a = {head->vectors, head->width},
                                         .b = {p + head->weight, head->width},
                                         .b_turned = 1,
                                         .bias = p + head->bias,
                                         .y = head->logits,
                                         .stride = row});
}

double fp_head_backward(fp_head *head, const fp_encoder *encoder, const fp_batch *batch, float *d_hidden) {
    size_t n = batch->n_instances, row = fp_logits_row(head->classes);
    float *g = encoder->gradients;
    memset(g + head->bias, 0, head->classes * sizeof(float));
    double sum = fp_cross_entropy(encoder->kernels, n, head->classes, head->labels, n ? 1 / (float)n : 0,
                                  head->logits);
    fp_block d = {head->logits, row};
    encoder->kernels->add_rows(n, head->classes, row, head->logits, g + head->bias);
    fp_gemm_tn(encoder->team, head->classes, head->width, n, d, (fp_block){head->vectors, head->width}, 0,
               g + head->weight, head->width);
    fp_gemm_nn(encoder->team, n, head->width, head->classes, d,
               (fp_block){encoder->parameters + head->weight, head->width}, 0, head->d_vectors, head->width);
    fp_batch_pool_back(batch, encoder->config->hidden, head->d_vectors, d_hidden);
    return n ? sum / (double)n : 0;
}
