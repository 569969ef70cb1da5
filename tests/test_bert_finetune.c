/* Fine-tuning: gradients against finite differences, and what makes a run repeatable. */
#include "bert/run.h"
#include "bert_data.h"
#include "fineprobe/file.h"
#include "fineprobe/finetune.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static fp_error error;
static char folder[] = "/tmp/fineprobe-finetune-XXXXXX";
static const fp_special_pieces SPECIAL = {0, 1, 2, 3, 4};
enum { LABELS = 4 };

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return fp_folder_remove(folder, &error);
}

static fp_finetune *create(const fp_bert_config *config, const fp_encoded *data,
                           const fp_finetune_settings *settings) {
    fp_bert *model = fp_bert_random(config, 1, &error);
    fp_finetune *run = fp_finetune_create(model, data, LABELS, &SPECIAL, settings, &error);
    if (!run)
        fail_msg("%s", error.text);
    fp_bert_free(model);
    return run;
}

static fp_finetune_settings short_settings(void) {
    fp_finetune_settings settings = fp_finetune_defaults();
    settings.batch = 6;
    settings.updates = 12;
    settings.learning_rate = 1e-3;
    settings.seed = 5;
    return settings;
}

static double norm_of(const float *x, size_t n) {
    return sqrt(fp_kernels_reference.square_sum(n, x));
}

/* Along its gradient, each tensor's loss must change at the rate of the gradient's norm. */
static void check_direction(fp_finetune *run, const char *name, size_t at, size_t n) {
    fp_finetune_gradient(run);
    float *direction = malloc(n * sizeof *direction), *kept = malloc(n * sizeof *kept);
    float *p = run->optimiser.parameters + at;
    memcpy(direction, run->optimiser.gradients + at, n * sizeof *direction);
    memcpy(kept, p, n * sizeof *kept);
    double norm = norm_of(direction, n), step = 4e-3, loss[2];
    for (int side = 0; side < 2 && norm > 0; side++) {
        for (size_t i = 0; i < n; i++)
            p[i] = (float)(kept[i] + (side ? step : -step) * direction[i] / norm);
        loss[side] = fp_finetune_gradient(run);
        memcpy(p, kept, n * sizeof *kept);
    }
    double slope = norm > 0 ? (loss[1] - loss[0]) / (2 * step) : 0;
    if (!(fabs(slope - norm) <= 0.02 * norm + 1e-4))
        fail_msg("%s: slope %g, norm of the gradient %g", name, slope, norm);
    free(direction);
    free(kept);
}

static void check_gradients(const fp_bert_config *config, fp_instance_kind kind, fp_objective objective) {
    fp_encoded data = make_sentences(6, kind, config->vocab_size);
    fp_finetune_settings settings = short_settings();
    settings.objective = objective;
    fp_finetune *run = create(config, &data, &settings);
    for (size_t i = 0; i < fp_bert_tensor_count(run->model); i++) {
        const fp_bert_tensor *tensor = fp_bert_tensor_at(run->model, i);
        check_direction(run, tensor->name, tensor->at, tensor->rows * tensor->columns);
    }
    if (run->head.classes) {
        check_direction(run, "head.weight", run->head.weight, run->head.classes * run->head.width);
        check_direction(run, "head.bias", run->head.bias, run->head.classes);
    }
    fp_finetune_destroy(run);
    free_sentences(&data);
}

static void gradients_are_slopes(void **state) {
    (void)state;
    const fp_activation kinds[3] = {FP_GELU_ERF, FP_GELU_TANH, FP_RELU};
    for (int i = 0; i < 3; i++) { /* with dropout, whose masks depend on the update alone */
        fp_bert_config config = small_config();
        config.activation = kinds[i];
        check_gradients(&config, (fp_instance_kind)i, FP_OBJECTIVE_CLASSIFY);
        check_gradients(&config, FP_KIND_WORD, FP_OBJECTIVE_MLM);
    }
}

/* Runs until STEP and returns the last loss. */
static double run_to(fp_finetune *run, size_t step) {
    double loss = NAN;
    while (fp_finetune_step(run) < step)
        if (fp_finetune_update(run, &loss, &error) < 0)
            fail_msg("%s", error.text);
    return loss;
}

static void a_restored_run_goes_on_with_the_same_bits(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_encoded data = make_sentences(20, FP_KIND_WORD, config.vocab_size);
    fp_finetune_settings settings = short_settings();
    settings.weight_decay = 0.1;
    settings.clip = 0.5;
    char *path = fp_path_join(folder, "state", &error);
    fp_finetune *whole = create(&config, &data, &settings), *first = create(&config, &data, &settings);
    fp_finetune *second = create(&config, &data, &settings);
    run_to(whole, 12);
    run_to(first, 5);
    assert_int_equal(fp_finetune_save(first, path, &error), 0);
    assert_int_equal(fp_finetune_restore(second, path, &error), 0);
    run_to(second, 12);
    size_t numbers = whole->optimiser.numbers;
    fp_finetune_model(whole);
    fp_finetune_model(second);
    assert_memory_equal(whole->optimiser.parameters, second->optimiser.parameters, numbers * sizeof(float));
    assert_memory_equal(whole->optimiser.second, second->optimiser.second, numbers * sizeof(float));
    double loss;
    assert_int_equal(fp_finetune_update(whole, &loss, &error), -1); /* it is over */
    settings.seed++;
    fp_finetune *other = create(&config, &data, &settings);
    assert_int_equal(fp_finetune_restore(other, path, &error), -1);
    assert_non_null(strstr(error.text, "other settings"));
    fp_finetune_destroy(whole);
    fp_finetune_destroy(first);
    fp_finetune_destroy(second);
    fp_finetune_destroy(other);
    free_sentences(&data);
    free(path);
}

static void threads_change_no_bit(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    config.vocab_size = 300;
    config.hidden = 96;
    config.intermediate = 400;
    fp_encoded data = make_sentences(60, FP_KIND_WORD, config.vocab_size);
    for (int objective = 0; objective < 2; objective++) {
        fp_finetune_settings settings = short_settings();
        settings.objective = objective ? FP_OBJECTIVE_MLM : FP_OBJECTIVE_CLASSIFY;
        settings.batch = 20;
        settings.clip = 0.5;
        settings.weight_decay = 0.1;
        fp_finetune *one = create(&config, &data, &settings);
        run_to(one, 12);
        fp_finetune_model(one);
        for (settings.threads = 2; settings.threads <= 4; settings.threads++) {
            fp_finetune *many = create(&config, &data, &settings);
            run_to(many, 12);
            fp_finetune_model(many);
            assert_memory_equal(one->optimiser.parameters, many->optimiser.parameters,
                                one->optimiser.numbers * sizeof(float));
            fp_finetune_destroy(many);
        }
        fp_finetune_destroy(one);
    }
    free_sentences(&data);
}

static void rows_not_seen_owe_exactly_the_decay_of_the_dense_update(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    config.vocab_size = 500; /* most words never occur, some only late */
    fp_encoded data = make_sentences(30, FP_KIND_WORD, config.vocab_size);
    fp_finetune_settings settings = short_settings();
    settings.weight_decay = 0.3;
    fp_finetune *sparse = create(&config, &data, &settings), *dense = create(&config, &data, &settings);
    fp_optimiser_see(&dense->optimiser, 0, NULL, 0); /* every row is visited from now on */
    run_to(sparse, 2);
    fp_finetune_model(sparse); /* paying in between must not matter */
    run_to(sparse, 12);
    run_to(dense, 12);
    size_t seen = 0;
    for (size_t i = 0; i < config.vocab_size; i++)
        seen += sparse->optimiser.seen[i];
    assert_true(seen > 50 && seen < 450);
    assert_memory_equal(fp_bert_parameters(fp_finetune_model(sparse)), dense->optimiser.parameters,
                        dense->optimiser.numbers * sizeof(float));
    fp_finetune_destroy(sparse);
    fp_finetune_destroy(dense);
    free_sentences(&data);
}

static void the_rate_rises_and_falls(void **state) {
    (void)state;
    fp_finetune_settings settings = fp_finetune_defaults();
    assert_true(fp_learning_rate(&settings, 10, 0) == 0);
    for (size_t k = 1; k < 10; k++)
        assert_true(fabs(fp_learning_rate(&settings, 10, k) - 3e-4 * (double)(10 - k) / 9) < 1e-15);
    assert_true(fabs(fp_learning_rate(&settings, 250, 10) - 3e-4 * 10 / 25) < 1e-15);
    assert_true(fp_learning_rate(&settings, 250, 25) == 3e-4);
    settings.warmup = 0;
    assert_true(fp_learning_rate(&settings, 5, 0) == 3e-4);
    assert_int_equal(fp_finetune_updates(&settings, 800), 250);
    assert_int_equal(fp_finetune_updates(&settings, 801), 260);
}

static void runs_learn(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    config.initializer_range = 0.05;
    for (int kind = 0; kind < 3; kind++) {
        fp_encoded data = make_sentences(30, (fp_instance_kind)kind, config.vocab_size);
        for (size_t i = 0; i < data.n_instances; i++) { /* labels that the words decide */
            fp_encoded_instance *in = &data.instances[i];
            int32_t piece = data.pieces[data.piece_at[in->sentence] + in->first.begin];
            in->label = piece % LABELS;
        }
        fp_finetune_settings settings = short_settings();
        settings.updates = 150;
        settings.learning_rate = 3e-3;
        fp_finetune *run = create(&config, &data, &settings);
        int32_t *predicted = malloc(data.n_instances * sizeof *predicted);
        double before, after;
        assert_int_equal(fp_finetune_predict(run, &data, predicted, &before, &error), 0);
        run_to(run, settings.updates);
        assert_int_equal(fp_finetune_predict(run, &data, predicted, &after, &error), 0);
        size_t right = 0;
        for (size_t i = 0; i < data.n_instances; i++)
            right += predicted[i] == data.instances[i].label;
        assert_true(right * 10 > data.n_instances * 9);
        assert_true(after < before / 2 && after >= 0);
        free(predicted);
        fp_finetune_destroy(run);
        free_sentences(&data);
    }
}

static void masked_words_are_learnt_and_their_head_is_kept(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_encoded data = make_sentences(40, FP_KIND_WORD, config.vocab_size);
    for (size_t i = 0; i < data.n_pieces; i++) /* two words only, in turn */
        data.pieces[i] = 10 + (int32_t)(i % 2);
    fp_finetune_settings settings = short_settings();
    settings.objective = FP_OBJECTIVE_MLM;
    settings.updates = 120;
    settings.learning_rate = 3e-3;
    fp_finetune *run = create(&config, &data, &settings);
    double first = run_to(run, 1), last = run_to(run, settings.updates), loss;
    assert_true(first > 2 && last < 1);
    int32_t predicted[1];
    assert_int_equal(fp_finetune_predict(run, &data, predicted, &loss, &error), -1);
    char *path = fp_path_join(folder, "mlm", &error);
    assert_int_equal(fp_bert_save(fp_finetune_model(run), path, NULL, &error), 0);
    fp_bert *back = fp_bert_load(path, &error);
    assert_true(back && back->layout.has_mlm);
    assert_memory_equal(fp_bert_parameters(back), run->optimiser.parameters,
                        back->layout.numbers * sizeof(float));
    fp_finetune *on =
        fp_finetune_create(back, &data, 0, &SPECIAL, &settings, &error); /* the head comes along */
    assert_memory_equal(fp_bert_parameters(back), on->optimiser.parameters,
                        back->layout.numbers * sizeof(float));
    fp_finetune_destroy(on);
    fp_bert_free(back);
    fp_finetune_destroy(run);
    free_sentences(&data);
    free(path);
}

static size_t resident_bytes(void) {
    size_t pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(file, "%zu %zu", &ignored, &pages), 2);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void memory_is_what_was_announced(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    config.hidden = 128;
    config.intermediate = 512;
    config.vocab_size = 4000;
    fp_encoded data = make_sentences(200, FP_KIND_WORD, config.vocab_size);
    fp_finetune_settings settings = short_settings();
    settings.batch = 100;
    size_t announced = fp_finetune_memory(&config, &data, LABELS, &settings, &error);
    fp_bert *model = fp_bert_random(&config, 1, &error);
    size_t before = resident_bytes();
    fp_finetune *run = fp_finetune_create(model, &data, LABELS, NULL, &settings, &error);
    run_to(run, settings.updates);
    size_t used = resident_bytes() - before, heap = 1U << 20;
    assert_true(announced > 16 * fp_bert_config_parameters(&config));
    assert_true(used > announced / 3 && used < announced + heap);
    assert_int_equal(run->arena.used + data.n_sentences * sizeof *run->order + fp_team_memory(1), announced);
    settings.batch = 0;
    assert_int_equal(fp_finetune_memory(&config, &data, LABELS, &settings, &error), 0);
    fp_finetune_destroy(run);
    fp_bert_free(model);
    free_sentences(&data);
}

static void what_cannot_be_trained_is_refused(void **state) {
    (void)state;
    fp_bert_config config = small_config();
    fp_bert *model = fp_bert_random(&config, 1, &error);
    fp_encoded data = make_sentences(5, FP_KIND_WORD, config.vocab_size);
    fp_finetune_settings settings = short_settings();
    assert_null(fp_finetune_create(model, &data, 2, NULL, &settings, &error));
    assert_non_null(strstr(error.text, "label"));
    settings.warmup = 2;
    assert_null(fp_finetune_create(model, &data, LABELS, NULL, &settings, &error));
    assert_non_null(strstr(error.text, "warm-up"));
    settings = short_settings();
    settings.objective = FP_OBJECTIVE_MLM;
    assert_null(fp_finetune_create(model, &data, 0, NULL, &settings, &error));
    assert_non_null(strstr(error.text, "[MASK]"));
    settings = short_settings();
    settings.learning_rate = 1e30; /* the loss overflows */
    settings.warmup = 0;
    fp_finetune *run = fp_finetune_create(model, &data, LABELS, NULL, &settings, &error);
    double loss;
    int rc = 0;
    for (int k = 0; k < 5 && rc == 0; k++)
        rc = fp_finetune_update(run, &loss, &error);
    assert_int_equal(rc, -1);
    assert_non_null(strstr(error.text, "not finite"));
    fp_finetune_destroy(run);
    fp_bert_free(model);
    free_sentences(&data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(a_restored_run_goes_on_with_the_same_bits),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(rows_not_seen_owe_exactly_the_decay_of_the_dense_update),
        cmocka_unit_test(the_rate_rises_and_falls),
        cmocka_unit_test(runs_learn),
        cmocka_unit_test(masked_words_are_learnt_and_their_head_is_kept),
        cmocka_unit_test(memory_is_what_was_announced),
        cmocka_unit_test(what_cannot_be_trained_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
