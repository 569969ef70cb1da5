/* The control task, online coding, and learning curves. */
#include "probe/classifier.h"

#include "fineprobe/memory.h"
#include "fineprobe/resample.h"
#include "fineprobe/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void fp_control_labels(const fp_mlp_data *train, uint64_t seed, size_t n, const int64_t *types,
                       int32_t *out) {
    fp_rng_key key = fp_rng_key_of(seed, FP_RNG_PROBE, 1000 + FP_STREAM_CONTROL, 0);
    for (size_t i = 0; i < n; i++)
        out[i] = train->labels[fp_rng_below(key, (uint64_t)types[i], train->n)];
}

/* ---- online coding ---- */

const double fp_portion_shares[FP_PORTIONS] = {0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.25, 12.5, 25, 50, 100};

typedef struct fp_coding {
    const fp_classifier_settings *settings;
    fp_mlp_settings training;
    double l2;
    const fp_mlp_data *train;
    uint32_t *order;    /* [n] */
    int32_t *predicted; /* [n] */
} fp_coding;

/* Trains on the first FROM instances of the order, codes those up to TO. All labels of the training set are
 * classes from the first block on: a label that has not been seen yet costs much, but not without end. */
static int code_block(const fp_coding *c, size_t from, size_t to, fp_portion *out, fp_error *error) {
    uint64_t order = fp_classifier_seed(c->settings, FP_STREAM_ORDER, 0);
    fp_mlp_start start = {c->l2, fp_classifier_seed(c->settings, FP_STREAM_INITIAL, 0)};
    fp_mlp_end end;
    fp_mlp *mlp = fp_mlp_create(&c->training, c->train, c->order, c->train->n, 1, &start, error);
    int rc = mlp ? fp_mlp_train(mlp, c->train, c->order, from, order, NULL, NULL, &end, error) : -1;
    if (rc == 0) {
        const uint32_t *rows = c->order + from;
        fp_mlp_predict(mlp, 0, c->train, rows, to - from, c->predicted, &out->bits, NULL);
        out->accuracy = fp_classifier_accuracy(c->train, rows, to - from, c->predicted);
        out->epochs = end.epochs;
    }
    fp_mlp_destroy(mlp);
    return rc;
}

static int code(const fp_coding *c, const fp_classifier_watch *watch, fp_portion *portions,
                double *codelength, fp_error *error) {
    size_t n = c->train->n, from = 0;
    double uniform = log2((double)fp_labels_present(c->train));
    *codelength = 0;
    for (size_t i = 0; i < FP_PORTIONS; i++) {
        size_t to = (size_t)fmax(round(fp_portion_shares[i] / 100 * (double)n), 1);
        fp_portion *p = &portions[i];
        *p = (fp_portion){.share = fp_portion_shares[i],
                          .instances = from,
                          .coded = to - from,
                          .bits = from ? 0 : (double)to * uniform,
                          .accuracy = NAN};
        if (from && to > from && code_block(c, from, to, p, error) < 0)
            return -1;
        *codelength += p->bits;
        from = to;
        fp_classifier_report(watch, fp_portion_shares[i] / 100);
    }
    return 0;
}

int fp_code_length(const fp_classifier_settings *settings, const fp_shape *shape, double l2,
                   const fp_mlp_data *train, const fp_classifier_watch *watch,
                   fp_portion portions[FP_PORTIONS], double *codelength, double *uniform, fp_error *error) {
    fp_coding c = {.settings = settings,
                   .training = fp_classifier_training(settings, shape),
                   .l2 = l2,
                   .train = train,
                   .order = fp_alloc(train->n, sizeof *c.order, "an order of instances", error),
                   .predicted = fp_alloc(train->n, sizeof *c.predicted, "predictions", error)};
    int rc = c.order && c.predicted ? 0 : -1;
    if (rc == 0 && train->n == 0)
        rc = fp_fail(error, "there is no instance to code");
    if (rc == 0) {
        fp_rng_permutation(fp_rng_key_of(settings->seed, FP_RNG_PROBE, 1000 + FP_STREAM_CODE, 0), train->n,
                           c.order);
        *uniform = (double)train->n * log2((double)fp_labels_present(train));
        rc = code(&c, watch, portions, codelength, error);
    }
    free(c.order);
    free(c.predicted);
    return rc;
}

/* ---- learning curves ---- */

typedef struct fp_curves {
    const fp_classifier_settings *settings;
    const fp_mlp_data *data[FP_LEARNING_SETS];
    uint32_t *rows[FP_LEARNING_SETS];
    size_t n[FP_LEARNING_SETS];
    int32_t *predicted;
    const fp_classifier_watch *watch;
    size_t initialisation;       /* that is trained */
    double *accuracies, *losses; /* its own, [epochs, FP_LEARNING_SETS] */
} fp_curves;

/* One point of the curves of one initialisation. */
static int follow(void *context, fp_mlp *mlp, size_t epoch, fp_error *error) {
    (void)error;
    const fp_curves *c = context;
    for (size_t set = 0; set < FP_LEARNING_SETS; set++) {
        size_t at = epoch * FP_LEARNING_SETS + set, known;
        double bits;
        fp_mlp_predict(mlp, 0, c->data[set], c->rows[set], c->n[set], c->predicted, &bits, &known);
        c->accuracies[at] = fp_classifier_accuracy(c->data[set], c->rows[set], c->n[set], c->predicted);
        c->losses[at] = known ? bits * M_LN2 / (double)known : NAN;
    }
    double share = (double)(epoch + 1) / (double)c->settings->epochs;
    fp_classifier_report(c->watch,
                         ((double)c->initialisation + share) / (double)c->settings->initialisations);
    return 0;
}

/* Adds the curves of one initialisation, which keeps its last values when it has ended, to SUMS. */
static void add_curves(const double *from, size_t epochs, size_t most, double *sums) {
    for (size_t epoch = 0; epoch < most; epoch++) {
        const double *point = from + (epoch < epochs ? epoch : epochs - 1) * FP_LEARNING_SETS;
        for (size_t set = 0; set < FP_LEARNING_SETS; set++)
            sums[epoch * FP_LEARNING_SETS + set] += point[set];
    }
}

/* The sums become means as far as any initialisation went, NaN behind. */
static void finish_curves(double *sums, size_t epochs, size_t most, size_t n) {
    for (size_t i = 0; i < most * FP_LEARNING_SETS; i++)
        sums[i] = i < epochs * FP_LEARNING_SETS ? sums[i] / (double)n : NAN;
}

static int learn(fp_curves *c, const fp_shape *shape, double l2, fp_learning *out, fp_error *error) {
    const fp_classifier_settings *s = c->settings;
    size_t numbers = s->epochs * FP_LEARNING_SETS;
    memset(out->accuracies, 0, numbers * sizeof *out->accuracies);
    memset(out->losses, 0, numbers * sizeof *out->losses);
    out->epochs = 0;
    for (size_t i = 0; i < s->initialisations; i++) {
        fp_mlp_end end;
        c->initialisation = i;
        fp_mlp *mlp = fp_classifier_begin(s, shape, l2, c->data[0], c->rows[0], c->n[0], i, error);
        int rc = mlp ? fp_mlp_train(mlp, c->data[0], c->rows[0], c->n[0],
                                    fp_classifier_seed(s, FP_STREAM_ORDER, i), follow, c, &end, error)
                     : -1;
        fp_mlp_destroy(mlp);
        if (rc < 0)
            return -1;
        add_curves(c->accuracies, end.epochs, s->epochs, out->accuracies);
        add_curves(c->losses, end.epochs, s->epochs, out->losses);
        out->epochs = end.epochs > out->epochs ? end.epochs : out->epochs;
    }
    finish_curves(out->accuracies, out->epochs, s->epochs, s->initialisations);
    finish_curves(out->losses, out->epochs, s->epochs, s->initialisations);
    return 0;
}

int fp_learning_curves(const fp_classifier_settings *settings, const fp_shape *shape, double l2,
                       const fp_mlp_data *train, const fp_mlp_data *test, const fp_classifier_watch *watch,
                       fp_learning *out, fp_error *error) {
    static const double SUBTEST = 0.2;
    fp_curves c = {.settings = settings, .data = {train, train, test}, .watch = watch};
    size_t most = train->n > test->n ? train->n : test->n;
    int32_t *part_of = fp_alloc(train->n, sizeof *part_of, "parts", error);
    c.predicted = fp_alloc(most, sizeof *c.predicted, "predictions", error);
    c.rows[0] = fp_alloc(train->n, sizeof **c.rows, "rows", error);
    c.rows[1] = fp_alloc(train->n, sizeof **c.rows, "rows", error);
    c.rows[2] = fp_classifier_all_rows(test->n, error);
    size_t numbers = settings->epochs * FP_LEARNING_SETS;
    c.accuracies = fp_alloc(numbers, sizeof *c.accuracies, "learning curves", error);
    c.losses = fp_alloc(numbers, sizeof *c.losses, "learning curves", error);
    int rc =
        part_of && c.predicted && c.rows[0] && c.rows[1] && c.rows[2] && c.accuracies && c.losses ? 0 : -1;
    if (rc == 0)
        rc = fp_resample_hold_out(train->n, train->labels, train->n_labels, SUBTEST,
                                  fp_classifier_seed(settings, FP_STREAM_SUBTRAIN, 0), part_of, error);
    if (rc == 0) {
        out->subtrain = c.n[0] = fp_classifier_rows(train->n, part_of, 0, 0, c.rows[0]);
        out->subtest = c.n[1] = fp_classifier_rows(train->n, part_of, 0, 1, c.rows[1]);
        c.n[2] = test->n;
        rc = learn(&c, shape, l2, out, error);
    }
    free(part_of);
    free(c.predicted);
    free(c.accuracies);
    free(c.losses);
    for (size_t set = 0; set < FP_LEARNING_SETS; set++)
        free(c.rows[set]);
    return rc;
}
