/* bench_bert [CONLLU VOCAB] [--threads N] [--rounds N] [--python PROGRAM] [SHAPE ...]
 * Fine-tuning (batch 32) and embedding (all layers) of the sentences of CONLLU (else those of UD English-PUD
 * in
 * ../shared, else the demo's) by models of the published shapes with random weights, in turn with torch doing
 * the same on padded batches (bench_bert_torch.py; --python none: without it); and how long a checkpoint of
 * the shape takes until it is ready. Every measurement is a process of its own, so that peak memory is its
 * own, too. Shares of the sgemm rate count the model's arithmetic only. */
#include "fineprobe/encode.h"
#include "fineprobe/file.h"
#include "fineprobe/finetune.h"
#include "fineprobe/memory.h"
#include "fineprobe/rng.h"
#include "fineprobe/safetensors.h"
#include "fineprobe/task.h"
#include "math/kernels.h"
#include <cblas.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef struct shape {
    const char *name;
    size_t layers, hidden, heads;
    size_t updates, sentences; /* enough for a steady time */
} shape;

static const shape SHAPES[] = {{"tiny", 2, 128, 2, 40, 1000},
                               {"mini", 4, 256, 4, 12, 1000},
                               {"small", 4, 512, 8, 6, 1000},
                               {"medium", 8, 512, 8, 4, 1000},
                               {"base", 12, 768, 12, 2, 1000}};

/* What a process measured. */
typedef struct measure {
    double seconds, tokens, gflop, sgemm_rate /* gflop a second */, megabytes;
} measure;

static fp_error error;

static void stop(const char *text) {
    fprintf(stderr, "bench_bert: %s\n", text);
    exit(2);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double megabytes(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* What BLAS does at best, on a product of the size of base's. */
static double sgemm_rate(void) {
    enum { M = 1024, N = 3072, K = 768 };
    float *a = calloc(M * K, 4), *b = calloc(N * K, 4), *c = calloc(M * N, 4);
    for (int i = 0; i < M * K; i++)
        a[i] = (float)(i % 7);
    for (int i = 0; i < N * K; i++)
        b[i] = (float)(i % 5);
    double best = 0;
    for (int round = 0; round < 6; round++) {
        double start = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, N, K, 1, a, K, b, K, 0, c, N);
        double rate = 2e-9 * M * N * K / (now() - start);
        best = rate > best ? rate : best;
    }
    free(a);
    free(b);
    free(c);
    return best;
}

/* The model's own arithmetic, forward: linear layers and attention. */
static double forward_gflop(const shape *s, const uint32_t *lengths, size_t n) {
    double h = (double)s->hidden, sum = 0;
    for (size_t i = 0; i < n; i++) {
        double t = lengths[i];
        sum += (double)s->layers * (2 * t * (4 * h * h + 8 * h * h) + 4 * t * t * h);
    }
    return 1e-9 * sum;
}

static fp_encoded read_data(const char *conllu, const char *vocab) {
    fp_task_spec spec = {.name = "POS", .reader = FP_READER_CONLLU_WORDS};
    spec.train.path = spec.test.path = (char *)conllu;
    fp_task *task = fp_task_load(&spec, &error);
    fp_wordpiece *tokenizer = task ? fp_wordpiece_open(vocab, &error) : NULL;
    fp_encoded data = {0};
    if (!tokenizer || fp_encode(tokenizer, &task->train, FP_KIND_WORD, 512, &data, &error) < 0)
        stop(error.text);
    fp_wordpiece_close(tokenizer);
    fp_task_free(task);
    return data;
}

static fp_bert *make_model(const shape *s) {
    fp_bert_config config = {.vocab_size = 30522,
                             .hidden = s->hidden,
                             .layers = s->layers,
                             .heads = s->heads,
                             .intermediate = 4 * s->hidden,
                             .positions = 512,
                             .types = 2,
                             .layer_norm_eps = 1e-12,
                             .hidden_dropout = 0.1,
                             .attention_dropout = 0.1,
                             .initializer_range = 0.02,
                             .activation = FP_GELU_ERF};
    fp_bert *model = fp_bert_random(&config, 1, &error);
    if (!model)
        stop(error.text);
    return model;
}

/* The lengths of the sentences of N batches of 32, in the order of the file. */
static size_t take_lengths(const fp_encoded *data, size_t n, uint32_t *out) {
    for (size_t i = 0; i < n; i++) {
        size_t s = i % data->n_sentences;
        out[i] = data->piece_at[s + 1] - data->piece_at[s];
    }
    return n;
}

static fp_encoded first_sentences(const fp_encoded *data, size_t n) {
    fp_encoded part = *data;
    part.n_sentences = n < data->n_sentences ? n : data->n_sentences;
    part.n_pieces = part.piece_at[part.n_sentences];
    part.n_instances = part.instance_at[part.n_sentences];
    return part;
}

static measure time_finetuning(const shape *s, const fp_encoded *data, int threads) {
    fp_finetune_settings settings = fp_finetune_defaults();
    settings.updates = s->updates + 1; /* one to warm up */
    settings.threads = threads;
    fp_bert *model = make_model(s);
    fp_encoded part = first_sentences(data, 32 * settings.updates);
    fp_finetune *run = fp_finetune_create(model, &part, 64, NULL, &settings, &error);
    if (!run)
        stop(error.text);
    fp_bert_free(model);
    uint32_t *order = calloc(part.n_sentences, sizeof *order), *lengths = calloc(32 * s->updates, 4);
    fp_rng_permutation(fp_rng_key_of(0, FP_RNG_ORDER, 0, 0), part.n_sentences, order);
    measure m = {.seconds = 0};
    size_t n = 0;
    for (size_t i = 32; i < part.n_sentences && n < 32 * s->updates; i++, n++) {
        lengths[n] = part.piece_at[order[i] + 1] - part.piece_at[order[i]];
        m.tokens += lengths[n];
    }
    m.gflop = 3 * forward_gflop(s, lengths, n);
    double loss, start = 0;
    for (size_t k = 0; k <= (n + 31) / 32; k++) {
        if (k == 1)
            start = now();
        if (fp_finetune_update(run, &loss, &error) < 0)
            stop(error.text);
    }
    m.seconds = now() - start;
    m.megabytes = megabytes();
    return m;
}

static measure time_embedding(const shape *s, const fp_encoded *data, int threads) {
    fp_bert *model = make_model(s);
    fp_encoded part = first_sentences(data, s->sentences);
    int layers[16];
    float *out[16];
    for (size_t l = 0; l <= s->layers; l++) {
        layers[l] = (int)l;
        out[l] = malloc(part.n_instances * s->hidden * sizeof(float));
        memset(out[l], 0, part.n_instances * s->hidden * sizeof(float));
    }
    uint32_t *lengths = calloc(part.n_sentences, sizeof *lengths);
    measure m = {.tokens = (double)part.n_pieces};
    m.gflop = forward_gflop(s, lengths, take_lengths(&part, part.n_sentences, lengths));
    double start = now();
    if (fp_bert_embed(model, &part, layers, s->layers + 1, out, threads, NULL, NULL, &error) < 0)
        stop(error.text);
    m.seconds = now() - start;
    m.megabytes = megabytes();
    return m;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const fp_tensor_view *)a)->name, ((const fp_tensor_view *)b)->name);
}

/* The weights of the folder at FOLDER in the order of their names, as the hubs have them: to be copied, not
 * mapped. */
static void sort_weights(const char *folder) {
    char *path = fp_path_join(folder, "model.safetensors", &error);
    fp_safetensors *file = fp_safetensors_open(path, &error);
    if (!file)
        stop(error.text);
    size_t n = fp_safetensors_count(file);
    fp_tensor_view *views = calloc(n, sizeof *views);
    for (size_t i = 0; i < n; i++)
        views[i] = *fp_safetensors_at(file, i);
    qsort(views, n, sizeof *views, by_name);
    if (fp_safetensors_write(path, views, n, NULL, &error) < 0)
        stop(error.text);
    fp_safetensors_close(file);
    free(views);
    free(path);
}

/* Seconds until a checkpoint in the page cache is loaded, and *TOUCHED: until every page of it was read. */
static double time_loading(const char *folder, double *touched) {
    double best = 1e9, start;
    *touched = 1e9;
    for (int round = 0; round < 4; round++) {
        start = now();
        fp_bert *model = fp_bert_load(folder, &error);
        if (!model)
            stop(error.text);
        double loaded = now() - start, sum = 0;
        const float *p = fp_bert_parameters(model);
        for (size_t i = 0; i < fp_bert_config_parameters(fp_bert_config_of(model)); i += 1024)
            sum += (double)p[i];
        double read = now() - start;
        if (sum != sum)
            stop("weights are not numbers");
        fp_bert_free(model);
        best = loaded < best ? loaded : best;
        *touched = read < *touched ? read : *touched;
    }
    return best;
}

static int measure_loading(const char *name, const shape *s) {
    char folder[] = "/tmp/bench-bert-XXXXXX";
    if (!mkdtemp(folder))
        stop("no folder in /tmp");
    char *model_folder = fp_path_join(folder, "model", &error);
    fp_bert *model = make_model(s);
    if (fp_bert_save(model, model_folder, NULL, &error) < 0)
        stop(error.text);
    double bytes = (double)fp_bert_config_parameters(fp_bert_config_of(model)) * sizeof(float);
    fp_bert_free(model);
    double touched[2], loaded[2];
    loaded[0] = time_loading(model_folder, &touched[0]);
    sort_weights(model_folder);
    loaded[1] = time_loading(model_folder, &touched[1]);
    fp_folder_remove(folder, &error);
    printf(
        "%-7s checkpoint of %.0f MB: ready after %.4f s, every page read after %.3f s; with its tensors in "
        "the order of the hubs %.3f and %.3f s\n",
        name, bytes / 1e6, loaded[0], touched[0], loaded[1], touched[1]);
    free(model_folder);
    return 0;
}

static const shape *shape_named(const char *name) {
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
        if (strcmp(SHAPES[i].name, name) == 0)
            return &SHAPES[i];
    stop("shapes are tiny, mini, small, medium, base");
    return NULL;
}

/* A process of its own: bench_bert --one CONLLU VOCAB SHAPE finetune|embed THREADS */
static int measure_one(char **argv) {
    const shape *s = shape_named(argv[2]);
    int threads = atoi(argv[4]);
    openblas_set_num_threads(threads);
    fp_encoded data = read_data(argv[0], argv[1]);
    double before = sgemm_rate();
    usleep(500000); /* threads of BLAS go on looking for work for a while */
    measure m = strcmp(argv[3], "embed") == 0 ? time_embedding(s, &data, threads)
                                              : time_finetuning(s, &data, threads);
    double after = sgemm_rate();
    m.sgemm_rate = before > after ? before : after;
    printf("%.6f %.0f %.3f %.3f %.1f\n", m.seconds, m.tokens, m.gflop, m.sgemm_rate, m.megabytes);
    return 0;
}

static int run_process(const char *command, measure *out) {
    FILE *pipe = popen(command, "r");
    int n = pipe ? fscanf(pipe, "%lf %lf %lf %lf %lf", &out->seconds, &out->tokens, &out->gflop,
                          &out->sgemm_rate, &out->megabytes)
                 : 0;
    return pipe && pclose(pipe) == 0 && n == 5 ? 0 : -1;
}

typedef struct options {
    const char *program, *conllu, *vocab, *python;
    int threads, rounds;
} options;

/* How torch's threads wait for work, its own and those of BLAS, two pools: spinning, as they come, which
 * slows each other down when there is no core for both; or passively. */
static const struct {
    const char *name, *variables;
} WAITING[] = {{"torch", ""}, {"torch, waiting passively", "OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0"}};
enum { SIDES = 3 }; /* ours, then torch's */

static double rate(const measure *m) {
    return m->seconds > 0 ? m->tokens / m->seconds : 0;
}

static void print_sides(const char *name, const char *what, const measure best[SIDES]) {
    const measure *m = &best[0];
    printf("%-7s %-9s %9.0f tokens/s  %5.1f %% of sgemm's %.0f GFLOP/s  %6.0f MB", name, what, rate(m),
           100 * m->gflop / m->seconds / m->sgemm_rate, m->sgemm_rate, m->megabytes);
    for (int side = 1; side < SIDES; side++)
        if (best[side].seconds > 0)
            printf("  |  %s %.0f tokens/s, %.0f MB: ratio %.2f", WAITING[side - 1].name, rate(&best[side]),
                   best[side].megabytes, rate(m) / rate(&best[side]));
    printf("\n");
    fflush(stdout);
}

/* All sides in turn, the best of the rounds of each. */
static void compare(const options *o, const char *name, const char *what, size_t updates, size_t sentences) {
    measure best[SIDES] = {{0}};
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", __FILE__);
    const char *here = dirname(folder);
    for (int round = 0; round < o->rounds; round++)
        for (int side = 0; side < (strcmp(o->python, "none") == 0 ? 1 : SIDES); side++) {
            measure m;
            char command[4096];
            if (side) /* the partner gets the sentences' lengths on its input */
                snprintf(
                    command, sizeof command,
                    "'%s' --lengths '%s' '%s' | OPENBLAS_NUM_THREADS=%d %s '%s' '%s/bench_bert_torch.py' %s "
                    "%s %d %zu",
                    o->program, o->conllu, o->vocab, o->threads, WAITING[side - 1].variables, o->python, here,
                    name, what, o->threads, strcmp(what, "embed") == 0 ? sentences : updates);
            else
                snprintf(command, sizeof command, "'%s' --one '%s' '%s' %s %s %d", o->program, o->conllu,
                         o->vocab, name, what, o->threads);
            if (run_process(command, &m) < 0)
                stop("a measurement failed");
            if (rate(&m) > rate(&best[side]))
                best[side] = m;
        }
    print_sides(name, what, best);
}

static int print_lengths(const char *conllu, const char *vocab) {
    fp_encoded data = read_data(conllu, vocab);
    for (size_t s = 0; s < data.n_sentences; s++)
        printf("%u %u\n", data.piece_at[s + 1] - data.piece_at[s],
               data.instance_at[s + 1] - data.instance_at[s]);
    return 0;
}

/* The data of UD English-PUD and BERT's vocabulary beside the clone, else the demo's. */
static void choose_data(options *o) {
    static char paths[2][1024];
    char source[512];
    snprintf(source, sizeof source, "%s", __FILE__);
    const char *tests = dirname(dirname(source));
    static const char *const places[2][2] = {
        {"../../shared/data/ud-pud/en_pud-ud-test.conllu", "../../shared/data/bert-vocab/vocab.txt"},
        {"../experiments/demo/train.conllulex", "../experiments/demo/vocab.txt"}};
    for (int place = 0; place < 2; place++) {
        for (int i = 0; i < 2; i++)
            snprintf(paths[i], sizeof paths[i], "%s/%s", tests, places[place][i]);
        if (fp_path_exists(paths[0]) && fp_path_exists(paths[1]))
            break;
    }
    o->conllu = paths[0];
    o->vocab = paths[1];
}

static int is_shape(const char *word) {
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
        if (strcmp(SHAPES[i].name, word) == 0)
            return 1;
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 7 && strcmp(argv[1], "--one") == 0)
        return measure_one(argv + 2);
    if (argc == 4 && strcmp(argv[1], "--lengths") == 0)
        return print_lengths(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "--load") == 0)
        return measure_loading(argv[2], shape_named(argv[2]));
    options o = {"/proc/self/exe", NULL, NULL, "/usr/bin/python3", 2, 2};
    char program[1024];
    if (!realpath(argv[0], program))
        stop("where am I?");
    o.program = program;
    int i = 1;
    if (argc > 2 && argv[1][0] != '-' && !is_shape(argv[1])) {
        o.conllu = argv[1];
        o.vocab = argv[2];
        i = 3;
    } else {
        choose_data(&o);
    }
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--threads") == 0)
            o.threads = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--rounds") == 0)
            o.rounds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--python") == 0)
            o.python = argv[i + 1];
        else
            stop("options are --threads, --rounds and --python");
    }
    printf("%d threads; best of %d rounds in turn; our kernels: %s, OpenBLAS's (sgemm, torch): %s; %s\n",
           o.threads, o.rounds, fp_kernels_best()->name, openblas_get_corename(), o.conllu);
    for (size_t k = 0; k < sizeof SHAPES / sizeof *SHAPES; k++) {
        int wanted = i >= argc;
        for (int a = i; a < argc; a++)
            wanted |= strcmp(argv[a], SHAPES[k].name) == 0;
        if (!wanted)
            continue;
        compare(&o, SHAPES[k].name, "finetune", SHAPES[k].updates, SHAPES[k].sentences);
        compare(&o, SHAPES[k].name, "embed", SHAPES[k].updates, SHAPES[k].sentences);
        char command[1200];
        snprintf(command, sizeof command, "'%s' --load %s", o.program, SHAPES[k].name);
        if (system(command) != 0)
            stop("a checkpoint could not be loaded");
    }
    return 0;
}
