#include "command.h"

#include "progress.h"
#include "run/embedding.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "Usage: fineprobe embed --model=DIR --task=READER --train=FILE [OPTION]... -o FILE\n"
    "\n"
    "Writes the vectors of a task's instances at the chosen layers of a model: a word's vector\n"
    "is the mean of its word pieces' vectors, a pair's is head ++ dependent, a sentence's is\n"
    "[CLS]'s. 'fineprobe probe' reads the file.\n"
    "\n"
    "Options:\n"
    "  -m, --model=DIR             config.json, model.safetensors (or pytorch_model.bin), vocab.txt\n"
    "  -t, --task=READER           how the files are read: conllu-words, conllu-pairs, conllulex,\n"
    "                              trec, tsv-words or tsv-sentences\n"
    "      --train=FILE            annotated text\n"
    "      --test=FILE             a second set, with the same labels\n"
    "      --train-sentences=A-B   sentences A to B of the file only, counted from 1\n"
    "      --test-sentences=A-B\n"
    "      --label=NAME            conllu-words: the column (UPOS, XPOS, DEPREL, FEATS, LEMMA);\n"
    "                              conllulex: role or function; trec: fine or coarse\n"
    "      --lexcats=A,B           conllulex: lexical categories to take\n"
    "      --layers=LIST           all, or numbers, first and last: 0,6,last; 0 is the embeddings\n"
    "                              (default: all)\n"
    "      --threads=N             processor cores to use (default: 1)\n"
    "  -o, --output=FILE           the vectors\n"
    "  -q, --quiet                 no progress, no counts\n"
    "      --help                  this text\n"
    "\n"
    "The file is in the safetensors format: layer.L.train and layer.L.test [instances, width]\n"
    "float32, labels.train and labels.test [instances] int64, and in its metadata \"labels\",\n"
    "the list of their names. Sentences beyond the model's positions are cut, and counted.\n"
    "\n"
    "Example:\n"
    "  fineprobe embed --model experiments/demo/models/demo-2x32 --task conllu-words \\\n"
    "      --train experiments/demo/train.conllulex --test experiments/demo/test.conllulex \\\n"
    "      --layers 0,last -o pos.safetensors\n"
    "  fineprobe probe --split train pos.safetensors\n";

typedef struct fp_embed_wanted {
    const char *model, *layers, *output;
    fp_task_spec task;
    int known_reader, quiet;
    long threads;
} fp_embed_wanted;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What became of a set; what was cut is said on standard error, even when quiet. */
static void tell_split(const char *name, const fp_split *split, const fp_encoded *data, int quiet) {
    if (!quiet)
        printf("%s: %zu instances in %zu of %zu sentences, %zu word pieces, longest sentence %zu\n", name,
               data->n_instances, data->n_sentences, split->sentences_read, data->n_pieces, data->longest);
    if (data->cut_sentences)
        fprintf(stderr,
                "fineprobe: %s: %zu sentence%s cut at the model's last position: %zu words and %zu instances "
                "fell away\n",
                name, data->cut_sentences, data->cut_sentences == 1 ? " was" : "s were", data->cut_words,
                data->cut_instances);
    if (data->empty_words)
        fprintf(stderr, "fineprobe: %s: the tokeniser leaves nothing of %zu word%s; each counts as [UNK]\n",
                name, data->empty_words, data->empty_words == 1 ? "" : "s");
}

static int write_vectors(const fp_embedding *embedding, const fp_embed_wanted *w, fp_error *error) {
    int *layers;
    size_t n_layers;
    double began = now();
    fp_bar bar = fp_bar_make("embedding", w->quiet);
    const fp_prepared *prepared = &embedding->prepared;
    if (fp_layers_parse(w->layers, fp_bert_config_of(embedding->model)->layers, &layers, &n_layers, error) <
        0)
        return -1;
    tell_split("train", &prepared->task->train, &prepared->data[0], w->quiet);
    if (w->task.test.path)
        tell_split("test", &prepared->task->test, &prepared->data[1], w->quiet);
    fflush(stdout);
    int rc = fp_embedding_write(embedding, layers, n_layers, w->output, fp_bar_show, &bar, error);
    fp_bar_end(&bar);
    if (rc == 0 && !w->quiet)
        printf("%s: %zu layer%s, vectors of %zu numbers, %zu labels, in %.1f s\n", w->output, n_layers,
               n_layers == 1 ? "" : "s", embedding->width, prepared->task->n_labels, now() - began);
    free(layers);
    return rc;
}

static int embed(const fp_embed_wanted *wanted) {
    fp_error error = {0};
    fp_embedding embedding;
    int rc = fp_embedding_open(wanted->model, &wanted->task, &embedding, &error);
    if (rc == 0) {
        embedding.threads = (int)wanted->threads;
        rc = write_vectors(&embedding, wanted, &error);
        fp_embedding_close(&embedding);
    }
    if (rc < 0)
        fp_complain(error.text);
    return rc < 0 ? FP_EXIT_FAILED : FP_EXIT_OK;
}

/* "A-B". */
static int read_range(const char *option, const char *text, fp_split_spec *split) {
    unsigned long long first, last;
    int end = 0;
    if (text[0] != '-' && sscanf(text, "%llu-%llu%n", &first, &last, &end) == 2 && text[end] == '\0' &&
        first >= 1 && first <= last) {
        split->first = first;
        split->last = last;
        return 0;
    }
    fp_misused(&fp_command_embed, "%s wants two sentence numbers such as 1-800, not '%s'", option, text);
    return -1;
}

enum { TRAIN = 256, TEST, TRAIN_SENTENCES, TEST_SENTENCES, LABEL, LEXCATS, LAYERS, THREADS };

/* Takes one option; -1 after a message. */
static int take(fp_embed_wanted *w, int option) {
    fp_task_spec *task = &w->task;
    switch (option) {
    case 'm':
        w->model = optarg;
        return 0;
    case 't':
        w->known_reader = 1;
        if (fp_reader_parse(optarg, &task->reader) == 0 && task->reader != FP_READER_TEXT) {
            task->name = optarg;
            return 0;
        }
        fp_misused(&fp_command_embed, "there is no task reader '%s'", optarg);
        return -1;
    case TRAIN:
        task->train.path = optarg;
        return 0;
    case TEST:
        task->test.path = optarg;
        return 0;
    case TRAIN_SENTENCES:
        return read_range("--train-sentences", optarg, &task->train);
    case TEST_SENTENCES:
        return read_range("--test-sentences", optarg, &task->test);
    case LABEL:
        task->label = optarg;
        return 0;
    case LEXCATS:
        free(task->lexcats);
        task->lexcats = NULL;
        return fp_option_list(optarg, &task->lexcats, &task->n_lexcats);
    case LAYERS:
        w->layers = optarg;
        return 0;
    case THREADS:
        return fp_option_integer(&fp_command_embed, "--threads", optarg, 1, &w->threads);
    case 'o':
        w->output = optarg;
        return 0;
    default:
        w->quiet = 1;
        return 0;
    }
}

static int check(const fp_embed_wanted *w) {
    const char *missing = !w->model             ? "--model DIR"
                          : !w->known_reader    ? "--task READER"
                          : !w->task.train.path ? "--train FILE"
                          : !w->output          ? "-o FILE"
                                                : NULL;
    if (missing)
        return fp_misused(&fp_command_embed, "%s is missing", missing);
    if (w->task.test.last && !w->task.test.path)
        return fp_misused(&fp_command_embed, "--test-sentences wants --test FILE, too");
    if (w->task.lexcats && w->task.reader != FP_READER_CONLLULEX)
        return fp_misused(&fp_command_embed, "--lexcats is for the reader conllulex");
    return FP_EXIT_OK;
}

static int run(int argc, char **argv) {
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"task", required_argument, NULL, 't'},
                                            {"train", required_argument, NULL, TRAIN},
                                            {"test", required_argument, NULL, TEST},
                                            {"train-sentences", required_argument, NULL, TRAIN_SENTENCES},
                                            {"test-sentences", required_argument, NULL, TEST_SENTENCES},
                                            {"label", required_argument, NULL, LABEL},
                                            {"lexcats", required_argument, NULL, LEXCATS},
                                            {"layers", required_argument, NULL, LAYERS},
                                            {"threads", required_argument, NULL, THREADS},
                                            {"output", required_argument, NULL, 'o'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {0}};
    fp_embed_wanted wanted = {.layers = "all", .threads = 1};
    int c, code = FP_EXIT_OK, over = 0;
    while (!over && (c = fp_option(&fp_command_embed, argc, argv, "m:t:o:q", options, &code)) != -1) {
        if (c != -2 && take(&wanted, c) < 0)
            code = FP_EXIT_USAGE;
        over = c == -2 || code != FP_EXIT_OK;
    }
    if (!over && optind < argc) {
        code = fp_misused(&fp_command_embed, "what is '%s'? Files are named by --train and --test",
                          argv[optind]);
        over = 1;
    }
    if (!over)
        code = check(&wanted);
    if (!over && code == FP_EXIT_OK)
        code = embed(&wanted);
    free(wanted.task.lexcats);
    return code;
}

const fp_command fp_command_embed = {"embed", "write the vectors of a task's instances", help, run};
