/* The grid reader: what a good grid means, and what is said of bad ones. */
#include "fineprobe/file.h"
#include "fineprobe/grid.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char good[] =
    "name: demo\n"
    "anchors:\n"
    "  slow: &slow {learning_rate: 1e-3, warmup: 0.2}\n"
    "  brief: &brief {epochs: 3, warmup: 0.5}\n"
    "models:\n"
    "  - name: tiny\n"
    "    folder: tiny\n"
    "    finetune: {<<: [*slow, *brief], batch: 8}\n"
    "  - name: fresh\n"
    "    config: {layers: 2, hidden: 64, heads: 2, positions: 48}\n"
    "    vocab: vocab.txt\n"
    "tasks:\n"
    "  - name: POS\n"
    "    reader: conllu-words\n"
    "    label: UPOS\n"
    "    train: {file: pud.conllu, sentences: 1-800}\n"
    "    test: {file: pud.conllu, sentences: 801-1000}\n"
    "  - {name: role, reader: conllulex, label: role, lexcats: [P, POSS],\n"
    "     train: a.conllulex, test: a.conllulex}\n"
    "finetune: {updates: 70, betas: [0.8, 0.99], dropout: {hidden: 0.2}}\n"
    "checkpoints: [0, 5, last]\n"
    "layers: first-last\n"
    "probes: {directprobe: {gap: 1e-4, small_clusters: 5, clusters: 64}}\n"
    "seeds: [1, 7]\n"
    "cross_task:\n"
    "  - {finetune: role, probe: POS}\n"
    "threads: 2\n"
    "output: {file: out/demo.h5, scratch: /var/scratch, keep: all, "
    "scratch_limit: 2 GB}\n";

static void put(const char *path, const char *text) {
    fp_error error;
    assert_int_equal(fp_file_write(path, text, strlen(text), &error), 0);
}

/* A folder with all that the good grid names; the tests run inside it. */
static int set_up(void **state) {
    static char folder[] = "/tmp/fineprobe-grid-XXXXXX";
    fp_error error;
    if (!mkdtemp(folder) || chdir(folder) < 0 || fp_folder_create("tiny", &error) < 0 ||
        fp_folder_create("bare", &error) < 0)
        return -1;
    put("tiny/config.json", "{}");
    put("tiny/vocab.txt", "[PAD]\n");
    put("tiny/model.safetensors", "");
    put("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n");
    put("pud.conllu", "");
    put("a.conllulex", "");
    *state = folder;
    return 0;
}

static int tear_down(void **state) {
    fp_error error;
    return chdir("/") < 0 ? -1 : fp_folder_remove(*state, &error);
}

static fp_grid *read_text(const char *text, fp_problems *problems) {
    put("grid.yaml", text);
    return fp_grid_read("grid.yaml", problems);
}

static void models_and_settings_are_read(void **state) {
    (void)state;
    fp_problems problems = {0};
    fp_grid *grid = read_text(good, &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%s\n", problems.texts[i]);
    assert_non_null(grid);
    assert_string_equal(grid->name, "demo");
    assert_int_equal(grid->n_models, 2);
    const fp_grid_model *tiny = &grid->models[0], *fresh = &grid->models[1];
    assert_string_equal(tiny->folder, "tiny");
    assert_int_equal(tiny->place.line, 6);
    assert_int_equal(tiny->finetune.batch, 8);
    assert_int_equal(tiny->finetune.epochs, 3);
    assert_int_equal(tiny->finetune.updates, 0); /* its epochs go before the grid's updates */
    assert_true(tiny->finetune.learning_rate == 1e-3);
    assert_true(tiny->finetune.warmup == 0.2); /* of two merged maps the first counts */
    assert_null(fresh->folder);
    assert_string_equal(fresh->vocab, "vocab.txt");
    assert_int_equal(fresh->config.vocab_size, 6);
    assert_int_equal(fresh->config.intermediate, 256);
    assert_int_equal(fresh->config.positions, 48);
    assert_int_equal(fresh->finetune.batch, 32);
    assert_int_equal(fresh->finetune.updates, 70);
    assert_int_equal(fresh->finetune.threads, 2);
    assert_true(fresh->finetune.beta1 == 0.8 && fresh->finetune.beta2 == 0.99);
    assert_true(fresh->finetune.hidden_dropout == 0.2 && fresh->finetune.attention_dropout < 0);
    fp_grid_free(grid);
}

static void the_rest_is_read(void **state) {
    (void)state;
    fp_problems problems = {0};
    fp_grid *grid = read_text(good, &problems);
    assert_non_null(grid);
    assert_int_equal(grid->n_tasks, 2);
    const fp_task_spec *pos = &grid->tasks[0].spec, *role = &grid->tasks[1].spec;
    assert_int_equal(pos->reader, FP_READER_CONLLU_WORDS);
    assert_string_equal(pos->label, "UPOS");
    assert_string_equal(pos->test.path, "pud.conllu");
    assert_int_equal(pos->test.first, 801);
    assert_int_equal(pos->test.last, 1000);
    assert_int_equal(role->n_lexcats, 2);
    assert_string_equal(role->lexcats[1], "POSS");
    assert_int_equal(role->train.last, 0);
    assert_int_equal(grid->n_pairs, 1);
    assert_int_equal(grid->pairs[0].finetuned_on, 1);
    assert_int_equal(grid->pairs[0].probed_on, 0);
    assert_int_equal(grid->n_seeds, 2);
    assert_int_equal(grid->seeds[1], 7);
    assert_int_equal(grid->directprobe, 1);
    assert_int_equal(grid->directprobe_settings.small, 5);
    assert_int_equal(grid->clusters, 64);
    assert_int_equal(grid->keep, FP_KEEP_ALL);
    assert_true(grid->scratch_limit == 2e9);
    assert_string_equal(grid->output, "out/demo.h5");
    assert_string_equal(grid->scratch, "/var/scratch");
    assert_string_equal(grid->checkpoints, "out/demo.checkpoints");
    fp_error error;
    assert_int_equal(fp_grid_set_output(grid, "other.h5", &error), 0);
    assert_string_equal(grid->scratch, "/var/scratch");
    assert_string_equal(grid->checkpoints, "other.checkpoints");
    fp_grid_free(grid);
}

static void a_part_has_the_named_models(void **state) {
    (void)state;
    fp_problems problems = {0};
    fp_error error;
    put("part.yaml", good);
    fp_grid *grid = fp_grid_read("part.yaml", &problems);
    assert_non_null(grid);
    assert_int_equal(fp_grid_keep_models(grid, "fresh,fres", &error), -1);
    assert_non_null(strstr(error.text, "no model \"fres\""));
    assert_int_equal(fp_grid_keep_models(grid, "", &error), -1);
    assert_int_equal(fp_grid_keep_models(grid, "fresh,tiny", &error), 0);
    assert_int_equal(grid->n_models, 2);
    assert_string_equal(grid->models[0].name, "tiny"); /* in the grid's order */
    assert_int_equal(fp_grid_keep_models(grid, "fresh", &error), 0);
    assert_int_equal(grid->n_models, 1);
    assert_string_equal(grid->models[0].name, "fresh");
    fp_grid_free(grid);
}

static void little_is_needed(void **state) {
    (void)state;
    fp_problems problems = {0};
    fp_error error;
    assert_int_equal(fp_folder_create("sub", &error), 0);
    put("sub/small.yaml",
        "models: [{name: a, folder: ../tiny}]\n"
        "tasks: [{name: b, reader: trec, train: ../pud.conllu, test: ../pud.conllu}]\n"
        "seeds: 3\nprobes: {}\n");
    fp_grid *grid = fp_grid_read("sub/small.yaml", &problems);
    assert_non_null(grid);
    assert_string_equal(grid->name, "small");
    assert_string_equal(grid->models[0].folder, "sub/../tiny");
    assert_string_equal(grid->output, "results/small.h5");
    assert_string_equal(grid->scratch, "results/small.scratch");
    assert_int_equal(grid->directprobe, 0);
    assert_int_equal(grid->n_seeds, 1);
    assert_int_equal(grid->seeds[0], 3);
    assert_int_equal(grid->layers.every, 1);
    fp_grid_free(grid);
}

static void check_choice(fp_grid_choice choice, int64_t last, size_t n, const int64_t *expected) {
    int64_t *out;
    size_t count;
    fp_error error;
    assert_int_equal(fp_grid_choose(&choice, last, &out, &count, &error), 0);
    assert_int_equal(count, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i], expected[i]);
    free(out);
}

static void choices_are_ascending_and_whole(void **state) {
    (void)state;
    check_choice((fp_grid_choice){.every = 4}, 10, 4, (const int64_t[]){0, 4, 8, 10});
    check_choice((fp_grid_choice){.every = 5}, 10, 3, (const int64_t[]){0, 5, 10});
    check_choice((fp_grid_choice){.every = 50}, 10, 2, (const int64_t[]){0, 10});
    int64_t list[] = {-1, 3, 0, 3, 10, 99};
    check_choice((fp_grid_choice){.count = 6, .list = list}, 10, 3, (const int64_t[]){0, 3, 10});
    check_choice((fp_grid_choice){.count = 2, .list = list}, 0, 1, (const int64_t[]){0});
}

static void yaml_is_understood(void **state) {
    (void)state;
    fp_problems problems = {0};
    fp_grid *grid = read_text(
        "anchors: [&m {name: a, folder: tiny}, &t {reader: trec, train: &f pud.conllu}]\n"
        "models: [*m, {<<: *m, name: \"b\"}]\n"
        "tasks:\n- {<<: *t, name: x, test: *f}\n- <<: *t\n  name: 'y'\n  test: *f\n",
        &problems);
    assert_non_null(grid);
    assert_string_equal(grid->models[1].name, "b");
    assert_string_equal(grid->models[1].folder, "tiny");
    assert_string_equal(grid->tasks[1].spec.test.path, "pud.conllu");
    assert_int_equal(grid->tasks[1].place.line, 6);
    fp_grid_free(grid);
}

/* A bad grid: the good one with FIND replaced (NULL: WITH is all), and what must be said of it. */
typedef struct bad_grid {
    const char *find, *with, *expected;
} bad_grid;

#include "grid_bad.h"

static char *edited(const bad_grid *bad) {
    if (!bad->find)
        return strdup(bad->with);
    const char *at = strstr(good, bad->find);
    assert_non_null(at);
    char *text = NULL;
    assert_true(asprintf(&text, "%.*s%s%s", (int)(at - good), good, bad->with, at + strlen(bad->find)) > 0);
    return text;
}

static void bad_grids_are_told_what_is_wrong(void **state) {
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof bad_grids / sizeof *bad_grids; i++) {
        char *text = edited(&bad_grids[i]), said[8192] = "";
        fp_problems problems = {0};
        fp_grid *grid = read_text(text, &problems);
        for (size_t j = 0; j < problems.count; j++)
            snprintf(said + strlen(said), sizeof said - strlen(said), "%s%s", j ? "\n" : "",
                     problems.texts[j]);
        if (grid || strcmp(said, bad_grids[i].expected) != 0) {
            print_error("--- %s ---\nsaid:\n%s\nexpected:\n%s\n", bad_grids[i].with, said,
                        bad_grids[i].expected);
            wrong++;
        }
        fp_grid_free(grid);
        fp_problems_free(&problems);
        free(text);
    }
    assert_int_equal(wrong, 0);
}

static void a_missing_grid_is_one_problem(void **state) {
    (void)state;
    fp_problems problems = {0};
    assert_null(fp_grid_read("none.yaml", &problems));
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.texts[0], "cannot open none.yaml: No such file or directory");
    fp_problems_free(&problems);
}

/* Whatever is read: either a grid and no problem, or problems and no grid. */
static void read_damaged(const char *text, size_t size) {
    fp_error error;
    fp_problems problems = {0};
    FILE *file = fopen("damaged.yaml", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    fp_grid *grid = fp_grid_read("damaged.yaml", &problems);
    assert_true((grid != NULL) == (problems.count == 0));
    if (grid)
        assert_int_equal(fp_grid_set_output(grid, "x.h5", &error), 0);
    fp_grid_free(grid);
    fp_problems_free(&problems);
}

static void damaged_grids_never_crash(void **state) {
    (void)state;
    static const char bytes[] = {'\0', ' ', '\n', ':', '-', '*', '&', '{', ']', '"', '9', '\xff'};
    size_t size = strlen(good);
    char *text = strdup(good);
    for (size_t i = 0; i < size; i++) {
        read_damaged(good, i);
        for (size_t j = i % 4; j < sizeof bytes; j += 4) { /* a third of them at each place */
            text[i] = bytes[j];
            read_damaged(text, size);
        }
        text[i] = good[i];
    }
    free(text);
}

static void bombs_are_refused(void **state) {
    (void)state;
    char *text = malloc(400000);
    size_t at = 0;
    fp_problems problems = {0};
    for (int i = 0; i < 10000; i++)
        text[at++] = '[';
    text[at] = '\0';
    assert_null(read_text(text, &problems));
    assert_non_null(strstr(problems.texts[0], "deep"));
    fp_problems_free(&problems);
    at = (size_t)sprintf(text, "anchors: [&a {k0: 1");
    for (int i = 1; i < 900; i++)
        at += (size_t)sprintf(text + at, ", k%d: 1", i);
    at += (size_t)sprintf(text + at, "}");
    for (int i = 0; i < 9000; i++)
        at += (size_t)sprintf(text + at, ", {<<: *a}");
    sprintf(text + at, "]\n");
    assert_null(read_text(text, &problems));
    assert_non_null(strstr(problems.texts[0], "more than 100000 values"));
    fp_problems_free(&problems);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_and_settings_are_read),     cmocka_unit_test(the_rest_is_read),
        cmocka_unit_test(a_part_has_the_named_models),      cmocka_unit_test(little_is_needed),
        cmocka_unit_test(choices_are_ascending_and_whole),  cmocka_unit_test(yaml_is_understood),
        cmocka_unit_test(bad_grids_are_told_what_is_wrong), cmocka_unit_test(a_missing_grid_is_one_problem),
        cmocka_unit_test(damaged_grids_never_crash),        cmocka_unit_test(bombs_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
