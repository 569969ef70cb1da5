/* Training and what a trained network says. */
#include "fineprobe/memory.h"
#include "fineprobe/rng.h"
#include "probe/mlp_network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct fp_training {
    fp_mlp *mlp;
    const fp_mlp_data *data;
    size_t n, steps;        /* instances; updates so far */
    uint32_t *order, *rows; /* [n] places in the caller's rows; [n] the rows in this epoch's order */
    double *best;           /* [networks] lowest loss of an epoch */
    size_t *stale;          /* [networks] epochs in a row without improvement */
    fp_mlp_end *ends;
} fp_training;

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static void arrange(fp_training *t, const uint32_t *rows, uint64_t seed, size_t epoch) {
    const fp_mlp_replay *replay = t->mlp->replay;
    if (replay)
        memcpy(t->order, replay->order + epoch * t->n, t->n * sizeof *t->order);
    else
        fp_rng_permutation(fp_rng_key_of(seed, FP_RNG_ORDER, epoch, 0), t->n, t->order);
    for (size_t i = 0; i < t->n; i++)
        t->rows[i] = rows[t->order[i]];
}

static void train_epoch(fp_training *t) {
    fp_mlp *mlp = t->mlp;
    memset(mlp->sums, 0, mlp->n * sizeof *mlp->sums);
    for (size_t at = 0; at < t->n; at += mlp->room) {
        size_t m = least(mlp->room, t->n - at);
        fp_mlp_gather(mlp, t->data, t->rows + at, m);
        fp_mlp_forward(mlp, m, 0, mlp->active);
        fp_mlp_loss(mlp, m);
        fp_mlp_backward(mlp, m);
        fp_mlp_update(mlp, m, ++t->steps);
    }
}

/* Whether the epoch's loss ends the training of NETWORK. */
static int judge(fp_training *t, size_t network, size_t epoch, fp_error *error) {
    const fp_mlp_settings *s = &t->mlp->settings;
    double loss = t->mlp->sums[network] / (double)t->n;
    if (!isfinite(loss))
        return fp_fail(error,
                       "training of a classifier left the range of float32 in epoch %zu; vectors with very "
                       "large numbers need scaling",
                       epoch + 1);
    if (t->mlp->replay && network == 0)
        t->mlp->replay->losses[epoch] = loss;
    t->stale[network] = loss > t->best[network] - s->tolerance ? t->stale[network] + 1 : 0;
    t->best[network] = fmin(loss, t->best[network]);
    int converged = t->stale[network] > s->patience;
    t->ends[network] = (fp_mlp_end){epoch + 1, converged, loss};
    return converged;
}

/* Networks that are done leave the slots in use. */
static int retire(fp_training *t, size_t epoch, fp_error *error) {
    for (size_t slot = t->mlp->active; slot-- > 0;) {
        int over = judge(t, t->mlp->network[slot], epoch, error);
        if (over < 0)
            return -1;
        if (over)
            fp_mlp_exchange(t->mlp, slot, --t->mlp->active);
    }
    return 0;
}

static int train(fp_training *t, const uint32_t *rows, uint64_t seed, fp_mlp_watch *watch, void *context,
                 fp_error *error) {
    fp_mlp *mlp = t->mlp;
    size_t epochs = mlp->replay ? mlp->replay->epochs : mlp->settings.epochs;
    for (size_t i = 0; i < mlp->n; i++)
        t->best[i] = INFINITY;
    mlp->active = mlp->n;
    for (size_t epoch = 0; epoch < epochs && mlp->active; epoch++) {
        arrange(t, rows, seed, epoch);
        train_epoch(t);
        if (retire(t, epoch, error) < 0 || (watch && watch(context, mlp, epoch, error) < 0))
            return -1;
    }
    return 0;
}

int fp_mlp_train(fp_mlp *mlp, const fp_mlp_data *data, const uint32_t *rows, size_t n_rows,
                 uint64_t order_seed, fp_mlp_watch *watch, void *context, fp_mlp_end *ends, fp_error *error) {
    fp_training t = {.mlp = mlp, .data = data, .n = n_rows, .ends = ends};
    t.order = fp_alloc(n_rows, sizeof *t.order, "an order of instances", error);
    t.rows = fp_alloc(n_rows, sizeof *t.rows, "an order of instances", error);
    t.best = fp_alloc(mlp->n, sizeof *t.best, "losses", error);
    t.stale = fp_alloc(mlp->n, sizeof *t.stale, "losses", error);
    int rc = t.order && t.rows && t.best && t.stale ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < n_rows; i++)
        if (rows[i] >= data->n || mlp->class_of[data->labels[rows[i]]] < 0)
            rc = fp_fail(error, "instance %u has a label that is no class of the classifier", rows[i]);
    if (rc == 0)
        rc = train(&t, rows, order_seed, watch, context, error);
    free(t.order);
    free(t.rows);
    free(t.best);
    free(t.stale);
    return rc;
}

/* ---- what a trained network says ---- */

static int32_t class_of_outputs(const fp_mlp *mlp, const float *y) {
    if (mlp->n_classes < 2)
        return 0;
    if (mlp->n_classes == 2)
        return y[0] > 0;
    int32_t best = 0;
    for (size_t c = 1; c < mlp->n_classes; c++)
        if (y[c] > y[best])
            best = (int32_t)c;
    return best;
}

/* -log of TARGET's probability. */
static double nats(const fp_mlp *mlp, const float *y, int32_t target) {
    if (mlp->n_classes < 2)
        return 0;
    if (mlp->n_classes == 2) {
        double z = target == 1 ? -(double)y[0] : y[0]; /* log(1 + e^z) */
        return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
    }
    double top = y[0], sum = 0;
    for (size_t c = 1; c < mlp->n_classes; c++)
        top = fmax(top, y[c]);
    for (size_t c = 0; c < mlp->n_classes; c++)
        sum += exp(y[c] - top);
    return log(sum) + top - y[target];
}

void fp_mlp_predict(fp_mlp *mlp, size_t network, const fp_mlp_data *data, const uint32_t *rows, size_t n_rows,
                    int32_t *predicted, double *bits, size_t *known) {
    double sum = 0;
    size_t count = 0;
    for (size_t at = 0; at < n_rows; at += mlp->room) {
        size_t m = least(mlp->room, n_rows - at), stride;
        fp_mlp_gather(mlp, data, rows + at, m);
        fp_mlp_forward(mlp, m, mlp->slot[network], 1);
        const float *y = fp_mlp_outputs(mlp, 0, &stride);
        for (size_t i = 0; i < m; i++) {
            if (predicted)
                predicted[at + i] = mlp->label_of[class_of_outputs(mlp, y + i * stride)];
            if (bits && mlp->target[i] >= 0) {
                sum += nats(mlp, y + i * stride, mlp->target[i]);
                count++;
            }
        }
    }
    if (bits)
        *bits = sum / M_LN2;
    if (known)
        *known = count;
}
