/* The plan: what a grid comes to, and which changes make a result another one. */
#include "fineprobe/plan.h"
#include "scratch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ndog\ncat\nruns\nsleeps\n##s\n";

/* One CoNLL-U line. */
#define WORD(id, form, upos, head, deprel) id "\t" form "\t_\t" upos "\t_\t_\t" head "\t" deprel "\t_\t_\n"
#define SENTENCE(noun, verb)                                                                                 \
    WORD("1", "the", "DET", "2", "det")                                                                      \
    WORD("2", noun, "NOUN", "3", "nsubj") WORD("3", verb, "VERB", "0", "root") "\n"

static const char train[] = SENTENCE("dog", "runs") SENTENCE("cat", "runs") SENTENCE("dogs", "sleeps")
    SENTENCE("cat", "sleeps") SENTENCE("dog", "sleeps");
static const char test[] = SENTENCE("dog", "sleeps") SENTENCE("cats", "runs");

static const char models[] = "models:\n- {name: a, folder: a}\n- {name: b, folder: b}\n";
static const char tasks[] =
    "tasks:\n- {name: POS, reader: conllu-words, train: train.conllu, test: test.conllu}\n"
    "- {name: DEP, reader: conllu-pairs, train: train.conllu, test: test.conllu}\n";
static const char rest[] =
    "finetune: {batch: 2, epochs: 3}\ncheckpoints: {every: 4}\nseeds: [1, 2]\n"
    "cross_task: [{finetune: POS, probe: DEP}]\n";

static void save_model(const char *folder, size_t layers, size_t positions, uint64_t seed) {
    fp_bert_config config = {.vocab_size = 11,
                             .hidden = 8,
                             .layers = layers,
                             .heads = 2,
                             .intermediate = 16,
                             .positions = positions,
                             .types = 2,
                             .layer_norm_eps = 1e-12,
                             .hidden_dropout = 0.1,
                             .attention_dropout = 0.1,
                             .initializer_range = 0.02};
    fp_error error = {0};
    fp_bert *model = fp_bert_random(&config, seed, &error);
    assert_non_null(model);
    assert_int_equal(fp_folder_remove(scratch_path(folder), &error), 0);
    if (fp_bert_save(model, scratch_path(folder), scratch_path("vocab.txt"), &error) < 0)
        fail_msg("%s", error.text);
    fp_bert_free(model);
}

static int set_up(void **state) {
    if (make_scratch(state) < 0)
        return -1;
    scratch_text("vocab.txt", vocab);
    scratch_text("train.conllu", train);
    scratch_text("test.conllu", test);
    scratch_text("text.txt", "the dog runs\nthe cats sleeps\n");
    save_model("a", 2, 16, 1);
    save_model("b", 1, 16, 2);
    return 0;
}

typedef struct planned {
    fp_grid *grid;
    fp_plan *plan;
    fp_problems problems;
} planned;

static planned make(const char *first, const char *second, const char *third) {
    char text[4096];
    planned p = {0};
    snprintf(text, sizeof text, "%s%s%s", first, second, third);
    p.grid = fp_grid_read(scratch_text("grid.yaml", text), &p.problems);
    if (!p.grid)
        fail_msg("%s", p.problems.count ? p.problems.texts[0] : "no grid, no problem");
    p.plan = fp_plan_make(p.grid, &p.problems);
    return p;
}

static planned make_good(const char *first, const char *second, const char *third) {
    planned p = make(first, second, third);
    if (!p.plan)
        fail_msg("%s", p.problems.count ? p.problems.texts[0] : "no plan, no problem");
    return p;
}

static void end(planned *p) {
    fp_plan_free(p->plan);
    fp_grid_free(p->grid);
    fp_problems_free(&p->problems);
}

static void runs_and_checkpoints_are_counted(void **state) {
    (void)state;
    planned p = make_good(models, tasks, rest);
    const fp_layout *layout = &p.plan->layout;
    assert_int_equal(layout->n_runs, 2 * 2 * 2);
    /* 5 sentences, batch 2, 3 epochs: 9 updates; steps 4, 8, 9 */
    assert_int_equal(layout->n_checkpoints, 2 + 8 * 3);
    assert_int_equal(layout->n_losses, 8 * 9);
    for (int m = 0; m < 2; m++) {
        assert_int_equal(layout->checkpoints[m].run, -1);
        assert_int_equal(layout->checkpoints[m].step, 0);
        assert_string_equal(layout->checkpoints[m].finetuned_on, "");
    }
    for (size_t r = 0; r < layout->n_runs; r++) {
        const fp_plan_run *run = &p.plan->runs[r];
        static const int steps[] = {4, 8, 9};
        assert_int_equal(run->model, r / 4);
        assert_int_equal(run->task, r / 2 % 2);
        assert_int_equal(run->settings.seed, r % 2 + 1);
        assert_int_equal(run->settings.updates, 9);
        assert_int_equal(layout->runs[r].losses_at, 9 * r);
        assert_int_equal(run->n_checkpoints, 3);
        for (size_t c = 0; c < 3; c++) {
            const fp_checkpoint_row *row = &layout->checkpoints[run->first_checkpoint + c];
            assert_int_equal(row->run, r);
            assert_int_equal(row->step, steps[c]);
            assert_true(isnan(row->test_accuracy));
        }
        assert_true(run->seconds_per_update > 0 && run->memory > 0);
    }
    end(&p);
}

static void units_are_counted_and_placed(void **state) {
    (void)state;
    planned p = make_good(models, tasks, rest);
    const fp_layout *layout = &p.plan->layout;
    /* Originals: 2 tasks a model. Checkpoints of a model: 2 seeds x 3 steps x (POS on itself and on DEP, DEP
     * on itself). */
    assert_int_equal(p.plan->n_representations, 2 * (2 + 2 * 3 * 3));
    assert_int_equal(layout->n_units, (2 + 2 * 3 * 3) * (3 + 2)); /* layers 0 .. 2 of a, 0 .. 1 of b */
    assert_int_equal(layout->n_groups, 4);
    size_t rows[4] = {0};
    for (size_t i = 0; i < layout->n_units; i++) {
        const fp_unit_row *row = &layout->units[i];
        const fp_plan_representation *r = &p.plan->representations[p.plan->probings[i].representation];
        const fp_group *group = &layout->groups[layout->unit_group[i]];
        assert_int_equal(row->unit, i);
        assert_int_equal(row->row, rows[layout->unit_group[i]]++);
        assert_string_equal(row->results, group->name);
        assert_true(i >= r->first_probing && i < r->first_probing + r->n_probings);
        assert_int_equal(r->n_layers, r->n_probings);
        assert_int_equal(row->checkpoint, r->checkpoint);
        assert_int_equal(row->step, layout->checkpoints[r->checkpoint].step);
        assert_int_equal(row->layer, i - r->first_probing);
        assert_string_equal(row->probed_on, layout->tasks[r->task].name);
        assert_true(p.plan->probings[i].seconds > 0 && p.plan->probings[i].memory > 0 && r->bytes > 0);
    }
    for (size_t g = 0; g < 4; g++) {
        const fp_group *group = &layout->groups[g];
        int pairs = group->task == 1;
        assert_int_equal(group->rows, rows[g]);
        assert_int_equal(group->width, pairs ? 16 : 8);
        assert_int_equal(group->labels, pairs ? 2 : 3);
        assert_int_equal(group->train_instances, pairs ? 10 : 15);
        assert_int_equal(group->test_instances, pairs ? 4 : 6);
        assert_int_equal(group->clusters, group->train_instances); /* fewer than 256 */
        assert_int_equal(group->certificates, 128);
    }
    assert_string_equal(layout->groups[0].name, "results/a/POS");
    end(&p);
}

static void certificates_have_the_room_that_the_grid_gives(void **state) {
    (void)state;
    planned p = make_good(models, tasks, "probes: {directprobe: {certificates: 3000}}\n");
    for (size_t g = 0; g < p.plan->layout.n_groups; g++) {
        const fp_group *group = &p.plan->layout.groups[g];
        assert_int_equal(group->certificates, 3000);
        assert_int_equal(group->support, 3000 * group->width); /* narrower than 64 */
    }
    end(&p);
}

static void tables_describe_the_data(void **state) {
    (void)state;
    planned p = make_good(models, tasks, "probes: {}\n");
    const fp_layout *layout = &p.plan->layout;
    assert_int_equal(layout->n_units, 0);
    assert_int_equal(layout->n_labels, 3 + 2);
    assert_string_equal(layout->labels[0].label, "DET");
    assert_int_equal(layout->labels[1].train_instances, 5);
    assert_string_equal(layout->labels[3].task, "DEP");
    assert_string_equal(layout->tasks[0].kind, "word");
    assert_string_equal(layout->tasks[0].majority_label, "DET");
    assert_true(fabs(layout->tasks[0].majority_accuracy - 1.0 / 3) < 1e-12);
    assert_int_equal(layout->n_data, 8);
    assert_string_equal(layout->data[1].split, "test");
    assert_int_equal(layout->data[0].pieces, 5 * 5 + 1); /* "dogs" has two */
    assert_int_equal(layout->models[1].layers, 1);
    assert_int_equal(layout->models[0].parameters, (int64_t)fp_bert_config_parameters(&p.plan->configs[0]));
    assert_non_null(strstr(layout->provenance, "\"hdf5\""));
    assert_string_equal(layout->grid, p.grid->text);
    end(&p);
}

static void short_positions_cut_and_are_counted(void **state) {
    (void)state;
    save_model("short", 1, 4, 3); /* [CLS], two pieces, [SEP] */
    planned p = make_good("models: [{name: short, folder: short}, {name: a, folder: a}]\n", tasks,
                          "checkpoints: first\n");
    const fp_layout *layout = &p.plan->layout;
    assert_int_equal(layout->n_runs, 0); /* nothing to fine-tune for step 0 */
    assert_int_equal(layout->n_checkpoints, 2);
    assert_int_equal(layout->data[0].cut_sentences, 5);
    assert_int_equal(layout->data[0].cut_words, 6);
    assert_int_equal(layout->data[0].instances, 9);
    assert_int_equal(layout->groups[0].train_instances, 9);
    assert_int_equal(layout->groups[2].train_instances, 15);
    assert_int_equal(layout->tasks[0].train_instances, 15);
    end(&p);
}

static void plain_text_is_only_trained_on(void **state) {
    (void)state;
    planned p = make_good(
        "models: [{name: new, config: {layers: 1, hidden: 8, heads: 2, positions: 8}, "
        "vocab: vocab.txt}]\n",
        "tasks:\n- {name: text, reader: text, train: text.txt}\n"
        "- {name: POS, reader: conllu-words, train: train.conllu, test: test.conllu}\n",
        "finetune: {objective: mlm, updates: 7}\n"
        "cross_task: [{finetune: text, probe: POS}]\n");
    const fp_layout *layout = &p.plan->layout;
    assert_int_equal(layout->n_runs, 2);
    assert_string_equal(layout->runs[0].objective, "mlm");
    assert_int_equal(layout->n_groups, 1);
    assert_int_equal(p.plan->n_representations, 3); /* the original, text's and POS's last step: on POS */
    assert_int_equal(p.plan->representations[1].checkpoint, 1);
    assert_int_equal(p.plan->representations[1].task, 1);
    end(&p);
}

/* ---- digests ---- */

/* How many of A's units (with the same identity but for the digest) have B's digest. */
typedef struct kept {
    size_t units, checkpoints;
} kept;

static kept count_kept(const fp_plan *a, const fp_plan *b) {
    kept k = {0};
    for (size_t i = 0; i < a->layout.n_units; i++)
        for (size_t j = 0; j < b->layout.n_units; j++)
            if (strcmp(a->layout.units[i].digest, b->layout.units[j].digest) == 0) {
                const fp_unit_row *x = &a->layout.units[i], *y = &b->layout.units[j];
                assert_string_equal(x->model, y->model);
                assert_string_equal(x->finetuned_on, y->finetuned_on);
                assert_string_equal(x->probed_on, y->probed_on);
                assert_int_equal(x->seed, y->seed);
                assert_int_equal(x->step, y->step);
                assert_int_equal(x->layer, y->layer);
                k.units++;
            }
    for (size_t i = 0; i < a->layout.n_checkpoints; i++)
        for (size_t j = 0; j < b->layout.n_checkpoints; j++)
            k.checkpoints += strcmp(a->layout.checkpoints[i].digest, b->layout.checkpoints[j].digest) == 0;
    return k;
}

/* What stays of the good grid when it is planned as FIRST SECOND THIRD. */
static kept kept_by(const char *first, const char *second, const char *third) {
    planned a = make_good(models, tasks, rest), b = make_good(first, second, third);
    kept k = count_kept(a.plan, b.plan);
    end(&a);
    end(&b);
    return k;
}

enum { UNITS = 100, CHECKPOINTS = 26, ORIGINAL_UNITS = 10 };

static void expect_kept(const char *third, size_t units, size_t checkpoints) {
    kept k = kept_by(models, tasks, third);
    assert_int_equal(k.units, units);
    assert_int_equal(k.checkpoints, checkpoints);
}

static void the_same_grid_has_the_same_digests(void **state) {
    (void)state;
    expect_kept(rest, UNITS, CHECKPOINTS);
    /* In another order, said in other words. */
    kept k = kept_by(
        "seeds: [2, 1]\ncross_task: [{finetune: POS, probe: DEP}]\n"
        "finetune: {updates: 9, batch: 2, dropout: 0.1}\ncheckpoints: [last, 8, 4, first]\n",
        "tasks:\n- {name: DEP, reader: conllu-pairs, train: train.conllu, test: test.conllu}\n"
        "- {name: POS, reader: conllu-words, label: UPOS, train: {file: train.conllu, "
        "sentences: 1-5}, test: test.conllu}\n",
        "models:\n- {name: b, folder: b}\n- {name: a, folder: a}\n");
    assert_int_equal(k.units, UNITS);
    assert_int_equal(k.checkpoints, CHECKPOINTS);
}

static void what_decides_a_result_changes_its_digest(void **state) {
    (void)state;
    /* Settings of fine-tuning: the originals stay. */
    expect_kept(
        "finetune: {batch: 2, epochs: 3, learning_rate: 1e-3}\ncheckpoints: {every: 4}\n"
        "seeds: [1, 2]\ncross_task: [{finetune: POS, probe: DEP}]\n",
        ORIGINAL_UNITS, 2);
    /* More epochs: another schedule of rates, so other checkpoints, the shared steps as well. */
    expect_kept(
        "finetune: {batch: 2, epochs: 4}\ncheckpoints: {every: 4}\nseeds: [1, 2]\n"
        "cross_task: [{finetune: POS, probe: DEP}]\n",
        ORIGINAL_UNITS, 2);
    /* Settings of the probe: all checkpoints stay. */
    expect_kept(
        "finetune: {batch: 2, epochs: 3}\ncheckpoints: {every: 4}\nseeds: [1, 2]\n"
        "cross_task: [{finetune: POS, probe: DEP}]\nprobes: {directprobe: {gap: 1e-6}}\n",
        0, CHECKPOINTS);
    /* A smaller grid: what is left stays. */
    expect_kept("finetune: {batch: 2, epochs: 3}\ncheckpoints: {every: 4}\nseeds: 2\n",
                ORIGINAL_UNITS + 2 * 3 * 5, 2 + 4 * 3);
    /* Another task beside them changes nothing. */
    kept k = kept_by(models,
                     "tasks:\n- {name: POS, reader: conllu-words, train: train.conllu, test: test.conllu}\n"
                     "- {name: X, reader: conllu-words, label: DEPREL, train: {file: train.conllu, "
                     "sentences: 1-2}, test: test.conllu}\n"
                     "- {name: DEP, reader: conllu-pairs, train: train.conllu, test: test.conllu}\n",
                     rest);
    assert_int_equal(k.units, UNITS);
}

#define PROBED "finetune: {batch: 2, epochs: 3}\ncheckpoints: {every: 4}\nseeds: [1, 2]\n"
#define SEARCH "hidden: [[], [8], [8, 4]], l2: [1e-5, 1e-1]"

static void classifiers_are_split_over_pieces(void **state) {
    (void)state;
    planned p = make_good(models, tasks,
                          PROBED "probes: {classifier: {" SEARCH
                                 ", folds: 3}, control: , mdl: {layers: all}, "
                                 "memorisation: {checkpoints: last}}\n");
    const fp_layout *l = &p.plan->layout;
    assert_int_equal(l->n_units, 0);
    /* Two models, two tasks; the original and the last step of two seeds; the last layer. */
    assert_int_equal(l->n_classifiers, 2 * 2 * (1 + 2));
    assert_int_equal(l->n_controls, 2 * 2 * (1 + 2));
    assert_int_equal(l->n_codes, (3 + 2) * 2 * (1 + 2)); /* layers 0 .. 2 of a, 0 .. 1 of b */
    assert_int_equal(l->n_memorisations, 2 * 2 * 2);     /* no originals */
    assert_int_equal(l->n_classifier_seeds, 2 * 2);
    size_t parts = 0, ends = 0;
    for (size_t i = 0; i < p.plan->n_probings; i++) {
        const fp_plan_probing *probing = &p.plan->probings[i];
        assert_true(probing->seconds > 0 && probing->memory > 0);
        parts += probing->kind == FP_PIECE_CANDIDATES;
        ends += probing->then == FP_NOTHING;
        if (probing->kind != FP_PIECE_CANDIDATES)
            continue;
        const fp_plan_probing *then = &p.plan->probings[probing->then];
        assert_true(probing->then > i && then->kind == FP_PIECE_CLASSIFIER && then->index == probing->index);
        assert_int_equal(then->representation, probing->representation);
        assert_int_equal(then->layer, l->classifiers[probing->index].id.layer);
    }
    assert_int_equal(parts, 3 * l->n_classifiers);
    assert_int_equal(ends, l->n_classifiers + l->n_controls + l->n_codes + l->n_memorisations);
    for (size_t g = 0; g < l->n_groups; g++) {
        assert_int_equal(l->groups[g].classifiers, 3);
        assert_int_equal(l->groups[g].candidates, 6);
        assert_int_equal(l->groups[g].epochs, 100);
    }
    end(&p);
}

static void settings_of_classifiers_change_their_digests_alone(void **state) {
    (void)state;
    static const char *const changed[] = {"hidden: [[], [8], [4, 8]], l2: [1e-5, 1e-1]",
                                          "hidden: [[], [8], [8, 4]], l2: [1e-5, 1]",
                                          SEARCH ", folds: 4",
                                          SEARCH ", held_out: 0.5",
                                          SEARCH ", drop: 0.1",
                                          SEARCH ", seed: 2",
                                          SEARCH ", initialisations: 2",
                                          SEARCH ", epochs: 7"};
    planned a = make_good(models, tasks, PROBED "probes: {directprobe: , classifier: {" SEARCH "}}\n");
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        char third[400];
        snprintf(third, sizeof third, PROBED "probes: {classifier: {%s}, directprobe: }\n", changed[i]);
        planned b = make_good(models, tasks, third);
        assert_int_equal(a.plan->layout.n_classifiers, b.plan->layout.n_classifiers);
        for (size_t k = 0; k < a.plan->layout.n_classifiers; k++)
            assert_string_not_equal(a.plan->layout.classifiers[k].id.digest,
                                    b.plan->layout.classifiers[k].id.digest);
        for (size_t k = 0; k < a.plan->layout.n_units; k++)
            assert_string_equal(a.plan->layout.units[k].digest, b.plan->layout.units[k].digest);
        end(&b);
    }
    end(&a);
}

static void more_folds_than_instances_are_a_problem(void **state) {
    (void)state;
    planned p = make(models, tasks, PROBED "probes: {classifier: {folds: 20}}\n");
    assert_null(p.plan);
    assert_non_null(
        strstr(p.problems.texts[0],
               "the task POS has 15 training instances for a; a classifier is chosen on 20 folds, so it "
               "needs at least 20"));
    end(&p);
}

static void changed_files_change_digests(void **state) {
    (void)state;
    planned a = make_good(models, tasks, rest);
    scratch_text("test.conllu", SENTENCE("dog", "sleeps") SENTENCE("cats", "sleeps"));
    planned b = make_good(models, tasks, rest);
    kept k = count_kept(a.plan, b.plan);
    assert_int_equal(k.units, 0);
    assert_int_equal(k.checkpoints, 2);
    end(&b);
    scratch_text("test.conllu", test);
    save_model("b", 1, 16, 7); /* other weights */
    b = make_good(models, tasks, rest);
    k = count_kept(a.plan, b.plan);
    assert_int_equal(k.units, UNITS / 5 * 3); /* those of model a */
    assert_int_equal(k.checkpoints, CHECKPOINTS / 2);
    end(&b);
    save_model("b", 1, 16, 2);
    b = make_good(models, tasks, rest);
    k = count_kept(a.plan, b.plan);
    assert_int_equal(k.units, UNITS);
    end(&a);
    end(&b);
}

/* ---- problems ---- */

static void expect_problem(const planned *p, size_t i, const char *expected) {
    assert_null(p->plan);
    if (i >= p->problems.count || !strstr(p->problems.texts[i], expected))
        fail_msg("problem %zu of %zu, \"%s\", does not say \"%s\"", i, p->problems.count,
                 i < p->problems.count ? p->problems.texts[i] : "", expected);
}

static void problems_are_found_together(void **state) {
    (void)state;
    scratch_text("broken.conllu", "1\tthe\n");
    planned p = make("models:\n- {name: a, folder: a}\n",
                     "tasks:\n- {name: x, reader: conllu-words, train: "
                     "broken.conllu, test: test.conllu}\n- {name: y, reader: conllu-words, train: "
                     "{file: train.conllu, sentences: 1-99}, test: test.conllu}\n",
                     "layers: [7]\n");
    assert_int_equal(p.problems.count, 3);
    expect_problem(&p, 0, "grid.yaml:2:10: model a: it has layers 0 (embeddings) to 2, and \"layers\"");
    expect_problem(&p, 1, "grid.yaml:4:10: task x: ");
    expect_problem(&p, 1, "broken.conllu:1:1: ");
    expect_problem(&p, 2, "grid.yaml:5:10: task y: ");
    end(&p);
}

static void choices_that_choose_nothing_are_problems(void **state) {
    (void)state;
    planned p = make(models, tasks, "finetune: {updates: 10}\ncheckpoints: [500]\n");
    assert_int_equal(p.problems.count, 4); /* each model on each task */
    expect_problem(&p, 0, "fine-tuning a on POS takes 10 updates, and \"checkpoints\" chooses no step");
    end(&p);
}

static void data_without_instances_is_a_problem(void **state) {
    (void)state;
    save_model("tiny", 1, 3, 3); /* room for one piece: no pair fits */
    planned p = make("models:\n- {name: tiny, folder: tiny}\n", tasks, "");
    expect_problem(&p, 0, "task DEP has no instance in its train set as model tiny reads it");
    assert_int_equal(p.problems.count, 2);
    end(&p);
}

static void long_labels_are_a_problem(void **state) {
    (void)state;
    char line[400];
    snprintf(line, sizeof line, "%060d\tthe dog\nB\ta cat\n", 0);
    scratch_text("long.tsv", line);
    planned p =
        make(models, "tasks:\n- {name: t, reader: tsv-sentences, train: long.tsv, test: long.tsv}\n", "");
    assert_int_equal(p.problems.count, 1);
    expect_problem(&p, 0, "is longer than 47 bytes");
    end(&p);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(runs_and_checkpoints_are_counted),
        cmocka_unit_test(units_are_counted_and_placed),
        cmocka_unit_test(certificates_have_the_room_that_the_grid_gives),
        cmocka_unit_test(tables_describe_the_data),
        cmocka_unit_test(short_positions_cut_and_are_counted),
        cmocka_unit_test(plain_text_is_only_trained_on),
        cmocka_unit_test(the_same_grid_has_the_same_digests),
        cmocka_unit_test(what_decides_a_result_changes_its_digest),
        cmocka_unit_test(classifiers_are_split_over_pieces),
        cmocka_unit_test(settings_of_classifiers_change_their_digests_alone),
        cmocka_unit_test(more_folds_than_instances_are_a_problem),
        cmocka_unit_test(changed_files_change_digests),
        cmocka_unit_test(problems_are_found_together),
        cmocka_unit_test(choices_that_choose_nothing_are_problems),
        cmocka_unit_test(data_without_instances_is_a_problem),
        cmocka_unit_test(long_labels_are_a_problem),
    };
    return cmocka_run_group_tests(all, set_up, remove_scratch);
}
