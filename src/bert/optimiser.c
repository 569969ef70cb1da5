#include "bert/optimiser.h"

#include <math.h>
#include <string.h>

double fp_learning_rate(const fp_finetune_settings *settings, size_t total, size_t k) {
    double warm = round(settings->warmup * (double)total), at = (double)k;
    if (at < warm)
        return settings->learning_rate * at / warm;
    return k < total ? settings->learning_rate * ((double)total - at) / ((double)total - warm) : 0;
}

static float shrink_of(const fp_optimiser *o, size_t k) {
    return (float)(1 - fp_learning_rate(o->settings, o->total, k) * o->settings->weight_decay);
}

static float *word_row(const fp_optimiser *o, float *block, size_t row) {
    return block + o->layout->embeddings.word + row * o->hidden;
}

static void decay_row(const fp_optimiser *o, size_t row, size_t from, size_t to) {
    float *p = word_row(o, o->parameters, row);
    for (size_t k = from; k < to && o->settings->weight_decay != 0; k++) {
        float shrink = shrink_of(o, k);
        for (size_t c = 0; c < o->hidden; c++)
            p[c] *= shrink;
    }
}

static void see_row(const fp_optimiser *o, size_t k, size_t row) {
    if (o->seen[row])
        return;
    decay_row(o, row, *o->decayed, k);
    o->seen[row] = 1;
}

void fp_optimiser_see(const fp_optimiser *o, size_t k, const int32_t *pieces, size_t n) {
    for (size_t i = 0; pieces && i < n; i++)
        see_row(o, k, (size_t)pieces[i]);
    for (size_t row = 0; !pieces && row < o->vocabulary; row++)
        see_row(o, k, row);
}

void fp_optimiser_settle(const fp_optimiser *o, size_t k) {
    for (size_t row = 0; o->settings->weight_decay != 0 && row < o->vocabulary; row++)
        if (!o->seen[row])
            decay_row(o, row, *o->decayed, k);
    *o->decayed = k;
}

/* The gradient's factor that keeps its norm within CLIP. */
static float clip_factor(const fp_optimiser *o) {
    if (o->settings->clip <= 0)
        return 1;
    size_t rest = o->layout->embeddings.position; /* the word embedding lies before it */
    double sum = fp_team_kernels(o->team)->square_sum(o->numbers - rest, o->gradients + rest);
    for (size_t row = 0; row < o->vocabulary; row++)
        if (o->seen[row])
            sum += fp_team_kernels(o->team)->square_sum(o->hidden, word_row(o, o->gradients, row));
    double factor = o->settings->clip / (sqrt(sum) + 1e-6);
    return factor < 1 ? (float)factor : 1;
}

enum { NUMBERS_AT_ONCE = 1 << 14, ROWS_AT_ONCE = 64 };

typedef struct range_step {
    const fp_optimiser *o;
    const fp_adamw *with;
    size_t at, n;
} range_step;

static void step_part(void *context, size_t part, int thread) {
    (void)thread;
    const range_step *s = context;
    const fp_optimiser *o = s->o;
    size_t first = part * NUMBERS_AT_ONCE, left = s->n - first, at = s->at + first;
    fp_team_kernels(o->team)->adamw(s->with, left < NUMBERS_AT_ONCE ? left : NUMBERS_AT_ONCE,
                                    o->gradients + at, o->first + at, o->second + at, o->parameters + at);
}

static void step_range(const fp_optimiser *o, const fp_adamw *with, size_t at, size_t n) {
    range_step step = {o, with, at, n};
    fp_team_run(o->team, (n + NUMBERS_AT_ONCE - 1) / NUMBERS_AT_ONCE, step_part, &step);
}

/* Rows of the word embedding that were seen; their gradients are 0 afterwards. */
static void step_rows(void *context, size_t part, int thread) {
    (void)thread;
    const range_step *s = context;
    const fp_optimiser *o = s->o;
    size_t first = part * ROWS_AT_ONCE, left = o->vocabulary - first;
    for (size_t row = first; row < first + (left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE); row++)
        if (o->seen[row]) {
            float *g = word_row(o, o->gradients, row);
            fp_team_kernels(o->team)->adamw(s->with, o->hidden, g, word_row(o, o->first, row),
                                            word_row(o, o->second, row), word_row(o, o->parameters, row));
            memset(g, 0, o->hidden * sizeof *g);
        }
}

/* Neighbouring tensors with the same decay are stepped in one go. */
static void step_tensors(const fp_optimiser *o, const fp_adamw *decayed, const fp_adamw *plain) {
    const fp_tensor_layout *layout = o->layout;
    for (size_t i = 1, next; i < layout->n_tensors; i = next) {
        int vector = fp_tensor_is_vector(&layout->tensors[i]);
        for (next = i + 1; next < layout->n_tensors; next++)
            if (fp_tensor_is_vector(&layout->tensors[next]) != vector)
                break;
        size_t end = next < layout->n_tensors ? layout->tensors[next].at : layout->numbers;
        step_range(o, vector ? plain : decayed, layout->tensors[i].at, end - layout->tensors[i].at);
    }
}

void fp_optimiser_step(const fp_optimiser *o, size_t k) {
    const fp_finetune_settings *s = o->settings;
    double t = (double)k + 1, rate = fp_learning_rate(s, o->total, k);
    fp_adamw decayed = {.beta1 = (float)s->beta1,
                        .beta2 = (float)s->beta2,
                        .rest1 = (float)(1 - s->beta1),
                        .rest2 = (float)(1 - s->beta2),
                        .epsilon = (float)s->epsilon,
                        .step = (float)(rate / (1 - pow(s->beta1, t))),
                        .root = (float)(1 / sqrt(1 - pow(s->beta2, t))),
                        .shrink = shrink_of(o, k),
                        .clip = clip_factor(o)};
    fp_adamw plain = decayed;
    plain.shrink = 1;
    range_step rows = {o, &decayed, 0, 0};
    fp_team_run(o->team, (o->vocabulary + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, step_rows, &rows);
    step_tensors(o, &decayed, &plain);
    step_range(o, &decayed, o->head, o->head_numbers);
    step_range(o, &plain, o->head + o->head_numbers, o->numbers - o->head - o->head_numbers);
}
