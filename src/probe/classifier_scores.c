/* What predictions are worth. */
#include "fineprobe/classifier.h"

#include <math.h>
#include <stddef.h>

typedef struct fp_counts {
    size_t right, predicted, there;
} fp_counts;

static fp_counts count(size_t n, const int32_t *labels, const int32_t *predicted, int32_t label) {
    fp_counts c = {0};
    for (size_t i = 0; i < n; i++) {
        c.there += labels[i] == label;
        c.predicted += predicted[i] == label;
        c.right += labels[i] == label && predicted[i] == label;
    }
    return c;
}

static double quotient(size_t a, size_t b) {
    return b ? (double)a / (double)b : NAN;
}

void fp_classifier_scores(size_t n, const int32_t *labels, const int32_t *predicted, size_t n_labels,
                          fp_scores *scores) {
    double sum = 0;
    size_t defined = 0, right = 0;
    for (size_t y = 0; y < n_labels; y++) {
        fp_counts c = count(n, labels, predicted, (int32_t)y);
        double f1 = quotient(2 * c.right, c.there + c.predicted);
        if (scores->precision) {
            scores->precision[y] = quotient(c.right, c.predicted);
            scores->recall[y] = quotient(c.right, c.there);
            scores->f1[y] = f1;
        }
        right += c.right;
        sum += isnan(f1) ? 0 : f1;
        defined += !isnan(f1);
    }
    for (size_t i = 0; scores->confusion && i < n; i++)
        scores->confusion[(size_t)labels[i] * n_labels + (size_t)predicted[i]]++;
    scores->accuracy = quotient(right, n);
    scores->macro_f1 = defined ? sum / (double)defined : NAN;
}

static size_t instances_of(const fp_mlp_data *data, int32_t label) {
    size_t n = 0;
    for (size_t i = 0; i < data->n; i++)
        n += data->labels[i] == label;
    return n;
}

size_t fp_labels_present(const fp_mlp_data *data) {
    size_t present = 0;
    for (size_t y = 0; y < data->n_labels; y++)
        present += instances_of(data, (int32_t)y) > 0;
    return present;
}

double fp_majority_accuracy(const fp_mlp_data *train, const fp_mlp_data *test) {
    size_t best = 0, most = 0;
    for (size_t y = 0; y < train->n_labels; y++) {
        size_t n = instances_of(train, (int32_t)y);
        if (n > most) {
            most = n;
            best = y;
        }
    }
    return quotient(instances_of(test, (int32_t)best), test->n);
}

const char *fp_classifier_caution(size_t labels_trained, size_t test_instances) {
    enum { FEW_LABELS = 3, FEW_INSTANCES = 100 };
    if (labels_trained < FEW_LABELS)
        return test_instances < FEW_INSTANCES ? "few of both" : "few labels";
    return test_instances < FEW_INSTANCES ? "few instances" : "";
}
