#include "probe/classifier.h"

#include "fineprobe/memory.h"
#include "fineprobe/resample.h"
#include "fineprobe/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

fp_classifier_settings fp_classifier_defaults(void) {
    static const size_t units[] = {32, 64, 128, 256};
    fp_classifier_settings s = {.n_l2 = 5,
                                .l2 = {1e-7, 1e-5, 1e-3, 1e-1, 1},
                                .folds = 5,
                                .initialisations = 5,
                                .epochs = 1000,
                                .seed = 1,
                                .threads = 1};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            s.shapes[s.n_shapes++] = (fp_shape){{units[i], units[k]}};
    return s;
}

uint64_t fp_classifier_seed(const fp_classifier_settings *settings, fp_classifier_stream stream, size_t i) {
    fp_rng_key key = fp_rng_key_of(settings->seed, FP_RNG_PROBE, 1000 + (uint64_t)stream, i);
    return (uint64_t)key.word[0] << 32 | key.word[1];
}

fp_mlp_settings fp_classifier_training(const fp_classifier_settings *settings, const fp_shape *shape) {
    fp_mlp_settings s = fp_mlp_defaults();
    memcpy(s.hidden, shape->hidden, sizeof s.hidden);
    s.epochs = settings->epochs;
    s.threads = settings->threads;
    return s;
}

uint32_t *fp_classifier_all_rows(size_t n, fp_error *error) {
    uint32_t *rows = fp_alloc(n, sizeof *rows, "rows", error);
    for (size_t i = 0; rows && i < n; i++)
        rows[i] = (uint32_t)i;
    return rows;
}

size_t fp_classifier_rows(size_t n, const int32_t *fold_of, int32_t fold, int within, uint32_t *out) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if ((fold_of[i] == fold) == within)
            out[count++] = (uint32_t)i;
    return count;
}

double fp_classifier_accuracy(const fp_mlp_data *data, const uint32_t *rows, size_t n_rows,
                              const int32_t *predicted) {
    size_t right = 0;
    for (size_t i = 0; i < n_rows; i++)
        right += predicted[i] == data->labels[rows[i]];
    return n_rows ? (double)right / (double)n_rows : NAN;
}

void fp_classifier_report(const fp_classifier_watch *watch, double share) {
    if (watch && watch->progress)
        watch->progress(watch->context, share);
}

/* ---- the search ---- */

typedef struct fp_trial {
    const fp_classifier_settings *settings;
    const fp_mlp_data *train;
    fp_mlp_settings training;
    int32_t *fold_of, *predicted;
    uint32_t *inside, *outside; /* rows of the fold, and the others, which are trained on */
    double *accuracies;         /* [n_l2, folds] */
    fp_candidate *out;
} fp_trial;

/* Networks for the candidates that are still in the race, trained without FOLD and tried on it. */
static int try_fold(fp_trial *t, size_t fold, size_t folds, fp_error *error) {
    const fp_classifier_settings *s = t->settings;
    size_t tried[FP_MOST_L2], n = 0;
    fp_mlp_start starts[FP_MOST_L2];
    fp_mlp_end ends[FP_MOST_L2];
    uint64_t initial = fp_classifier_seed(s, FP_STREAM_INITIAL, 0);
    for (size_t i = 0; i < s->n_l2; i++)
        if (!t->out[i].dropped) {
            tried[n] = i;
            starts[n++] = (fp_mlp_start){s->l2[i], initial};
        }
    size_t inside = fp_classifier_rows(t->train->n, t->fold_of, (int32_t)fold, 1, t->inside);
    size_t outside = fp_classifier_rows(t->train->n, t->fold_of, (int32_t)fold, 0, t->outside);
    fp_mlp *mlp = fp_mlp_create(&t->training, t->train, t->outside, outside, n, starts, error);
    int rc = mlp ? fp_mlp_train(mlp, t->train, t->outside, outside, fp_classifier_seed(s, FP_STREAM_ORDER, 0),
                                NULL, NULL, ends, error)
                 : -1;
    for (size_t k = 0; rc == 0 && k < n; k++) {
        fp_candidate *c = &t->out[tried[k]];
        fp_mlp_predict(mlp, k, t->train, t->inside, inside, t->predicted, NULL, NULL);
        t->accuracies[tried[k] * folds + fold] =
            fp_classifier_accuracy(t->train, t->inside, inside, t->predicted);
        c->epochs += (double)ends[k].epochs;
        c->converged += (size_t)ends[k].converged;
        c->folds++;
    }
    fp_mlp_destroy(mlp);
    return rc;
}

/* Candidates that are clearly behind after the first fold. */
static void drop(fp_trial *t, size_t folds) {
    double best = 0;
    for (size_t i = 0; i < t->settings->n_l2; i++)
        best = fmax(best, t->accuracies[i * folds]);
    for (size_t i = 0; t->settings->drop > 0 && i < t->settings->n_l2; i++)
        t->out[i].dropped = t->accuracies[i * folds] < best - t->settings->drop;
}

static void conclude(fp_candidate *c, const double *accuracies) {
    double sum = 0, squares = 0, n = (double)c->folds;
    for (size_t i = 0; i < c->folds; i++)
        sum += accuracies[i];
    c->accuracy = sum / n;
    for (size_t i = 0; i < c->folds; i++)
        squares += (accuracies[i] - c->accuracy) * (accuracies[i] - c->accuracy);
    c->deviation = c->folds > 1 ? sqrt(squares / (n - 1)) : NAN;
    c->epochs /= n;
}

static int try_folds(fp_trial *t, size_t folds, const fp_classifier_watch *watch, fp_error *error) {
    const fp_classifier_settings *s = t->settings;
    const fp_mlp_data *d = t->train;
    uint64_t seed = fp_classifier_seed(s, FP_STREAM_FOLDS, 0);
    int rc = s->folds
                 ? fp_resample_folds(d->n, d->labels, d->n_labels, s->folds, seed, t->fold_of, error)
                 : fp_resample_hold_out(d->n, d->labels, d->n_labels, s->held_out, seed, t->fold_of, error);
    for (size_t fold = 0; rc == 0 && fold < folds; fold++) {
        rc = try_fold(t, fold, folds, error);
        if (fold == 0)
            drop(t, folds);
        fp_classifier_report(watch, (double)(fold + 1) / (double)folds);
    }
    for (size_t i = 0; rc == 0 && i < s->n_l2; i++)
        conclude(&t->out[i], t->accuracies + i * folds);
    return rc;
}

int fp_classifier_try(const fp_classifier_settings *settings, size_t shape, const fp_mlp_data *train,
                      const fp_classifier_watch *watch, fp_candidate *out, fp_error *error) {
    size_t folds = settings->folds ? settings->folds : 1;
    fp_trial t = {.settings = settings,
                  .train = train,
                  .training = fp_classifier_training(settings, &settings->shapes[shape]),
                  .out = out};
    memset(out, 0, settings->n_l2 * sizeof *out);
    t.fold_of = fp_alloc(train->n, sizeof *t.fold_of, "folds", error);
    t.predicted = fp_alloc(train->n, sizeof *t.predicted, "predictions", error);
    t.inside = fp_alloc(train->n, sizeof *t.inside, "rows", error);
    t.outside = fp_alloc(train->n, sizeof *t.outside, "rows", error);
    t.accuracies = fp_alloc(settings->n_l2 * folds, sizeof *t.accuracies, "accuracies", error);
    int rc = t.fold_of && t.predicted && t.inside && t.outside && t.accuracies
                 ? try_folds(&t, folds, watch, error)
                 : -1;
    free(t.fold_of);
    free(t.predicted);
    free(t.inside);
    free(t.outside);
    free(t.accuracies);
    return rc;
}

size_t fp_classifier_best(size_t n, const fp_candidate *candidates) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        const fp_candidate *a = &candidates[i], *b = &candidates[best];
        if (a->dropped != b->dropped ? b->dropped : a->accuracy > b->accuracy)
            best = i;
    }
    return best;
}

/* ---- the classifier ---- */

typedef struct fp_training_share {
    const fp_classifier_watch *watch;
    double from, share; /* of the whole */
} fp_training_share;

/* Training has no known length: half of it after 50 epochs, half of the rest after 100, and so on. */
static int report_epoch(void *context, fp_mlp *mlp, size_t epoch, fp_error *error) {
    (void)mlp;
    (void)error;
    const fp_training_share *share = context;
    double done = 1 - 1 / (1 + (double)epoch / 50);
    fp_classifier_report(share->watch, share->from + share->share * done);
    return 0;
}

/* Of initialisation I: its weights and its order of batches. */
fp_mlp *fp_classifier_begin(const fp_classifier_settings *settings, const fp_shape *shape, double l2,
                            const fp_mlp_data *data, const uint32_t *rows, size_t n, size_t i,
                            fp_error *error) {
    fp_mlp_settings training = fp_classifier_training(settings, shape);
    fp_mlp_start start = {l2, fp_classifier_seed(settings, FP_STREAM_INITIAL, i)};
    return fp_mlp_create(&training, data, rows, n, 1, &start, error);
}

/* The same order for all initialisations would let one product serve them all, but they would share its luck,
 * and their deviation would be too small. */
static int fit_one(const fp_classifier_settings *s, const fp_shape *shape, double l2, size_t i,
                   const fp_mlp_data *train, const fp_mlp_data *test, const uint32_t *rows,
                   const fp_classifier_watch *watch, fp_fit *out, int32_t *predicted, fp_error *error) {
    fp_training_share share = {watch, (double)i / (double)s->initialisations, 1 / (double)s->initialisations};
    fp_mlp *mlp = fp_classifier_begin(s, shape, l2, train, rows, train->n, i, error);
    int rc = mlp ? fp_mlp_train(mlp, train, rows, train->n, fp_classifier_seed(s, FP_STREAM_ORDER, i),
                                report_epoch, &share, &out->end, error)
                 : -1;
    if (rc == 0) {
        fp_mlp_predict(mlp, 0, train, rows, train->n, predicted, NULL, NULL);
        out->train_accuracy = fp_classifier_accuracy(train, rows, train->n, predicted);
        fp_mlp_predict(mlp, 0, test, rows, test->n, predicted, NULL, NULL);
        fp_scores scores = {0};
        fp_classifier_scores(test->n, test->labels, predicted, test->n_labels, &scores);
        out->test_accuracy = scores.accuracy;
        out->macro_f1 = scores.macro_f1;
    }
    fp_mlp_destroy(mlp);
    return rc;
}

int fp_classifier_fit(const fp_classifier_settings *settings, const fp_shape *shape, double l2,
                      const fp_mlp_data *train, const fp_mlp_data *test, const fp_classifier_watch *watch,
                      fp_fit *fits, int32_t *predictions, fp_error *error) {
    size_t most = train->n > test->n ? train->n : test->n;
    uint32_t *rows = fp_classifier_all_rows(most, error);
    int32_t *predicted = fp_alloc(most, sizeof *predicted, "predictions", error);
    int rc = rows && predicted ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < settings->initialisations; i++) {
        rc = fit_one(settings, shape, l2, i, train, test, rows, watch, &fits[i], predicted, error);
        if (rc == 0 && predictions && test->n)
            memcpy(predictions + i * test->n, predicted, test->n * sizeof *predicted);
    }
    free(rows);
    free(predicted);
    return rc;
}
