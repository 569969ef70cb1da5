#include "command.h"

#include "report/report.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "Usage: fineprobe report [OPTION]... FILE\n"
    "\n"
    "Makes a folder that shows what the sweep of the result file FILE found: index.html, one\n"
    "page that needs no other file and no network; tables/ (CSV, Markdown, LaTeX for booktabs);\n"
    "figures/ (SVG, PNG, and the data and gnuplot script of each); methods.md, how it was made,\n"
    "for an appendix. The paper's conclusions are tested, each with the rule behind its verdict.\n"
    "Works while the sweep runs: the report says what is still to come, and names the grid lines\n"
    "that would add what the sweep does not have.\n"
    "\n"
    "Options:\n"
    "  -o, --output=DIR        the folder; default: FILE without .h5, with .report\n"
    "      --compare=paper     with the paper's published figures, where model and task match\n"
    "      --format=LIST       of html, svg, png, csv, md, tex; default: all\n"
    "      --labels=TASK:A,B   these labels of TASK in figures, instead of those that the rules\n"
    "                          select; may be repeated for other tasks\n"
    "      --number=N          labels that grow most, and as many that grow least; default 3\n"
    "      --related=A:B       fine-tuning on task A counts as related to probing on task B, or\n"
    "      --opposing=A:B      as opposing; both may be repeated\n"
    "  -q, --quiet             no summary\n"
    "      --help              this text\n"
    "\n"
    "Figures are drawn by gnuplot (5.2 or later, with pngcairo). Without it everything else is\n"
    "made, and a message says so; figures/*.gp draw them later.\n"
    "\n"
    "Exit codes: 0 done, also without figures; 1 FILE cannot be read, or the folder not written;\n"
    "2 wrong options.\n"
    "\n"
    "Example:\n"
    "  fineprobe report results/demo.h5 -o results/demo.report --compare paper\n";

enum { MOST_CHOICES = 64 };

/* What the options say. Every choice owns its texts, which begin with its first. */
typedef struct fp_report_arguments {
    fp_report_options options;
    fp_relation_choice relations[MOST_CHOICES];
    fp_label_choice labels[MOST_CHOICES];
    int quiet;
} fp_report_arguments;

static void free_arguments(fp_report_arguments *a) {
    for (size_t i = 0; i < a->options.choices.n_relations; i++)
        free((char *)a->relations[i].tuned);
    for (size_t i = 0; i < a->options.selections.n_choices; i++) {
        free((char *)a->labels[i].task);
        free((char **)a->labels[i].labels);
    }
}

static int read_formats(const char *text, unsigned *formats) {
    static const char *const names[] = {"html", "svg", "png", "csv", "md", "tex"};
    char **items;
    size_t n;
    int code = 0;
    if (fp_option_list(text, &items, &n) < 0)
        return FP_EXIT_FAILED;
    *formats = 0;
    for (size_t i = 0; code == 0 && i < n; i++) {
        size_t k = 0;
        while (k < 6 && strcmp(names[k], items[i]) != 0)
            k++;
        if (k == 6)
            code = fp_misused(&fp_command_report, "--format knows html, svg, png, csv, md and tex, not '%s'",
                              items[i]);
        *formats |= k < 6 ? 1U << k : 0;
    }
    free(items);
    return code;
}

/* "A:B" in two, in one block for free(); NULL after a message. */
static char *split(const char *option, const char *text, char **second) {
    char *copy = strdup(text);
    char *colon = copy ? strchr(copy, ':') : NULL;
    if (!colon || colon == copy || !colon[1]) {
        fp_misused(&fp_command_report, "%s wants two names with a colon between, not '%s'", option, text);
        free(copy);
        return NULL;
    }
    *colon = '\0';
    *second = colon + 1;
    return copy;
}

static int read_relation(fp_report_arguments *a, const char *option, const char *text, fp_relation relation) {
    size_t n = a->options.choices.n_relations;
    if (n == MOST_CHOICES)
        return fp_misused(&fp_command_report, "%s stands too often", option);
    char *second, *first = split(option, text, &second);
    if (!first)
        return FP_EXIT_USAGE;
    a->relations[n] = (fp_relation_choice){first, second, relation};
    a->options.choices.n_relations++;
    return 0;
}

static int read_labels(fp_report_arguments *a, const char *text) {
    size_t n = a->options.selections.n_choices, count;
    if (n == MOST_CHOICES)
        return fp_misused(&fp_command_report, "--labels stands too often");
    char *second, *task = split("--labels", text, &second), **names;
    if (!task)
        return FP_EXIT_USAGE;
    if (fp_option_list(second, &names, &count) < 0) {
        free(task);
        return FP_EXIT_FAILED;
    }
    a->labels[n] = (fp_label_choice){task, names, count};
    a->options.selections.n_choices++;
    return 0;
}

static int read_option(fp_report_arguments *a, int c) {
    long number;
    switch (c) {
    case 'o':
        a->options.folder = optarg;
        return 0;
    case 'q':
        a->quiet = 1;
        return 0;
    case 'c':
        a->options.compare = 1;
        return strcmp(optarg, "paper") == 0
                   ? 0
                   : fp_misused(&fp_command_report, "--compare knows 'paper', not '%s'", optarg);
    case 'f':
        return read_formats(optarg, &a->options.formats);
    case 'l':
        return read_labels(a, optarg);
    case 'n':
        if (fp_option_integer(&fp_command_report, "--number", optarg, 1, &number) < 0)
            return FP_EXIT_USAGE;
        a->options.selections.number = (size_t)number;
        return 0;
    case 'r':
        return read_relation(a, "--related", optarg, FP_RELATED);
    default:
        return read_relation(a, "--opposing", optarg, FP_OPPOSING);
    }
}

/* FILE without .h5, with .report. */
static char *default_folder(const char *file) {
    size_t size = strlen(file);
    char *folder = NULL;
    if (size > 3 && strcmp(file + size - 3, ".h5") == 0)
        size -= 3;
    return asprintf(&folder, "%.*s.report", (int)size, file) < 0 ? NULL : folder;
}

static void say(const fp_report_arguments *a, const fp_report *report, const fp_report_outcome *outcome) {
    printf("%s: %s%zu tables, %zu figures; %zu of %zu units are finished\n", a->options.folder,
           a->options.formats & FP_REPORT_HTML ? "index.html, " : "", outcome->tables, outcome->figures,
           outcome->done, outcome->units);
    for (size_t i = 0; i < FP_N_CONCLUSIONS; i++)
        printf("  %c %-18s %s\n", report->conclusions[i].letter,
               fp_verdict_text(report->conclusions[i].verdict), report->conclusions[i].statement);
}

static int make(const char *file, const fp_report_arguments *a) {
    fp_error error = {0};
    fp_report report;
    fp_report_outcome outcome = {0};
    int rc = fp_report_make(file, &a->options, &report, &error);
    if (rc == 0)
        rc = fp_report_write(&report, &outcome, &error);
    if (rc < 0)
        fp_complain(error.text);
    else if (!a->quiet)
        say(a, &report, &outcome);
    if (rc == 0 && outcome.no_figures[0])
        fprintf(stderr, "fineprobe: figures are missing: %s\n", outcome.no_figures);
    fp_report_free(&report);
    return rc < 0 ? FP_EXIT_FAILED : FP_EXIT_OK;
}

static int run(int argc, char **argv) {
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"compare", required_argument, NULL, 'c'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"labels", required_argument, NULL, 'l'},
                                            {"number", required_argument, NULL, 'n'},
                                            {"related", required_argument, NULL, 'r'},
                                            {"opposing", required_argument, NULL, 'p'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {0}};
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    fp_report_arguments a = {
        .options = {.formats = FP_REPORT_ALL, .now = (double)clock.tv_sec, .selections = {.number = 3}}};
    a.options.choices.relations = a.relations;
    a.options.selections.choices = a.labels;
    int c, code = 0, over = 0;
    while (!code && !over && (c = fp_option(&fp_command_report, argc, argv, "o:q", options, &code)) != -1) {
        over = c == -2;
        if (!over)
            code = read_option(&a, c);
    }
    const char *file = code || over ? NULL : fp_argument(&fp_command_report, argc, argv, "FILE");
    if (!code && !over && !file)
        code = FP_EXIT_USAGE;
    char *folder = file && !a.options.folder ? default_folder(file) : NULL;
    if (folder)
        a.options.folder = folder;
    if (file && !a.options.folder) {
        fp_complain("out of memory");
        code = FP_EXIT_FAILED;
    } else if (file) {
        code = make(file, &a);
    }
    free(folder);
    free_arguments(&a);
    return code;
}

const fp_command fp_command_report = {"report", "show what a sweep found: page, tables, figures", help, run};
