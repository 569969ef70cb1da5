/* Expected costs: simple arithmetic, good enough to order the work and to tell the user what to expect. The
 * schedule corrects seconds by what it sees; memory is meant as an upper end. */
#include "sweep/plan_make.h"
#include <math.h>

/* One core of a present-day server. */
static const double FLOPS = 5e10;         /* a second, of single precision, in BERT's matrix products */
static const double BANDWIDTH = 8e9;      /* bytes a second of memory */
static const double PROBE_RATE = 2e9;     /* pairs of points x dimensions a second, in DirectProbe */
static const double PIECE_SECONDS = 0.02; /* to start a piece of work */
static const double BASE_MEMORY = 2.5e7;  /* the program, its libraries, the text */
static const double BLAS_MEMORY = 3.5e7;  /* what OpenBLAS takes when it is used */

enum { FLOAT = 4, DOUBLE = 8, ROWS_AT_ONCE = 1024, MLM_ROWS = 128 };

/* Multiplications and additions of one forward pass over PIECES pieces whose sentences have SQUARES pieces
 * squared: per layer and piece 8 H^2 for queries, keys, values and output, 4 H I for the feed-forward part,
 * and per pair of pieces of a sentence 4 H for attention. */
static double forward(const fp_bert_config *config, double pieces, double squares) {
    double h = (double)config->hidden, i = (double)config->intermediate;
    return (double)config->layers * (pieces * (8 * h * h + 4 * h * i) + squares * 4 * h);
}

/* Numbers that a training pass keeps of each piece: in a layer queries, keys, values, context, two layer
 * norms with their outputs (8 H), the feed-forward part (I), and the probabilities of its row of attention;
 * and once the gradients on their way back. */
static double kept(const fp_bert_config *config, double longest) {
    double h = (double)config->hidden, i = (double)config->intermediate;
    double layer = 8 * h + i + (double)config->heads * longest * 1.25 + h;
    return (double)config->layers * layer + 9 * h + 2 * i;
}

/* Pieces of the largest of a run's batches of BATCH sentences, which are drawn at random: five standard
 * deviations above the mean, and no more than the longest sentence allows. */
static double largest_batch(const fp_plan_data *train, double batch) {
    double n = train->row.sentences, mean = train->row.pieces / n;
    double variance = fmax(train->squares / n - mean * mean, 0);
    return fmin(batch * train->row.longest, batch * mean + 5 * sqrt(batch * variance));
}

void fp_cost_run(const fp_bert_config *config, size_t parameters, const fp_plan_data *train,
                 fp_plan_run *run) {
    const fp_finetune_settings *s = &run->settings;
    double sentences = train->row.sentences,
           batch = (double)s->batch < sentences ? (double)s->batch : sentences;
    double pieces = batch * train->row.pieces / sentences, squares = batch * train->squares / sentences;
    double most = largest_batch(train, batch);
    double work = 3 * forward(config, pieces, squares);              /* forward, and twice that backward */
    double memory = BASE_MEMORY + 4.0 * FLOAT * (double)parameters + /* weights, gradient, two moments */
                    FLOAT * most * kept(config, train->row.longest);
    if (s->objective == FP_OBJECTIVE_MLM) {
        double chosen = 0.15 * pieces, vocabulary = (double)config->vocab_size;
        work += 3 * chosen * 2 * (double)config->hidden * vocabulary;
        memory += FLOAT * MLM_ROWS * vocabulary;
    }
    double swept = 7.0 * FLOAT * (double)parameters; /* AdamW reads four arrays and writes three */
    run->seconds_per_update = work / FLOPS + swept / BANDWIDTH;
    run->memory = memory;
}

double fp_cost_checkpoint(size_t parameters) {
    return 4.0 * FLOAT * (double)parameters; /* the model; weights and two moments of the run */
}

void fp_cost_representation(const fp_bert_config *config, size_t parameters, const fp_plan_data *train,
                            const fp_plan_data *test, size_t width, fp_plan_representation *out) {
    double pieces = (double)train->row.pieces + test->row.pieces, squares = train->squares + test->squares;
    double instances = (double)train->row.instances + test->row.instances;
    double h = (double)config->hidden,
           longest = train->row.longest > test->row.longest ? train->row.longest : test->row.longest;
    out->bytes = instances * (double)width * FLOAT * (double)out->n_layers;
    out->seconds = PIECE_SECONDS + forward(config, pieces, squares) / FLOPS +
                   (FLOAT * (double)parameters + 2 * out->bytes) / BANDWIDTH;
    out->memory =
        BASE_MEMORY + FLOAT * (double)parameters + out->bytes +
        FLOAT * ROWS_AT_ONCE * (12 * h + 2 * (double)config->intermediate + (double)config->heads * longest);
}

/* Questions about hulls take nearly all of the time. How many there are depends on how separable the labels
 * are, which nobody knows before: from 0.3 to 3 times this estimate was seen on 4000 to 17000 points. */
static double probe_seconds(double points, double width) {
    return points * points * width / PROBE_RATE;
}

/* DirectProbe: for each label the distances of all its points from each other, and as much again to take
 * merges back; the points (twice when they lie far from zero), the centroids of up to two clusters a point
 * and planes between clusters; for each thread a factor and the points of a nearest-points problem, and those
 * of pairs of labels with few points.
 */
static double probe_memory(double points, double squares, double width, double threads) {
    double small = 1024.0 * 1024; /* distances of clusters */
    return DOUBLE * (squares + small) + 5.0 * FLOAT * points * width + 4.0 * DOUBLE * threads * width * width;
}

void fp_cost_unit(const fp_group *group, const fp_plan_task *task, int threads, fp_plan_probing *out) {
    double width = (double)group->width, labels = (double)group->labels;
    double train = (double)group->train_instances, test = (double)group->test_instances;
    double largest = train > test ? train : test;
    double squares = task->squares[0] > task->squares[1] ? task->squares[0] : task->squares[1];
    out->seconds = PIECE_SECONDS + probe_seconds(train, width) + probe_seconds(test, width);
    out->memory = BASE_MEMORY + BLAS_MEMORY + probe_memory(largest, squares, width, threads) +
                  4 * DOUBLE * labels * (width + labels);
}

/* What training takes beside matrix products, and how many epochs it takes on the average, were measured on
 * vectors of BERT: 20 to 300 epochs. */
static const double TRAINING_FLOPS = 6e10, EXPECTED_EPOCHS = 60;

static double weights_of(const fp_group *group, const fp_shape *shape) {
    double in = (double)group->width, out = (double)group->labels, sum = 0;
    for (int i = 0; i < FP_MLP_HIDDEN && shape->hidden[i]; i++) {
        sum += in * (double)shape->hidden[i];
        in = (double)shape->hidden[i];
    }
    return sum + in * out;
}

void fp_cost_classifier(const fp_group *group, fp_piece_kind kind, const fp_classifier_settings *s,
                        const fp_shape *shape, fp_plan_probing *out) {
    double train = (double)group->train_instances, test = (double)group->test_instances;
    double width = (double)group->width, weights = weights_of(group, shape);
    double epochs = (double)s->epochs < EXPECTED_EPOCHS ? (double)s->epochs : EXPECTED_EPOCHS;
    double folds = s->folds ? (double)s->folds : 1, networks = (double)s->initialisations, passes = train;
    switch (kind) {
    case FP_PIECE_CANDIDATES:
        networks = (double)s->n_l2;
        passes = s->folds ? train * (folds - 1) : train * (1 - s->held_out);
        break;
    case FP_PIECE_CONTROL:
        passes = 2 * train;
        break;
    case FP_PIECE_CODE:
        networks = 1;
        break;
    case FP_PIECE_MEMORISATION: /* every epoch is followed by a look at all */
        passes = train * 1.1 + test / 3;
        epochs = (double)s->epochs;
        break;
    default:
        break;
    }
    out->seconds = PIECE_SECONDS + 6 * weights * networks * passes * epochs / TRAINING_FLOPS;
    out->memory = BASE_MEMORY + FLOAT * ((train + test) * width + networks * (4 * weights + 200 * 2 * 512));
}
