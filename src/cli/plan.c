#include "command.h"

#include "fineprobe/plan.h"
#include "plan_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char help[] =
    "Usage: fineprobe plan [OPTION]... GRID.yaml\n"
    "\n"
    "Says what 'fineprobe run' would do, and does nothing: models, tasks, runs, checkpoints and\n"
    "units; the expected work of each kind, memory, scratch and the size of the result file;\n"
    "what an existing result file already holds; and sentences cut at a model's last position.\n"
    "All problems of the grid are reported at once.\n"
    "\n"
    "Options:\n"
    "  -o, --output=FILE   the result file (default: the grid's)\n"
    "      --models=LIST   only these models of the grid, names with commas between\n"
    "      --ranks=LIST    numbers of ranks, with commas between, to tell the time for\n"
    "                      (default: 1 and the number of processor cores here)\n"
    "      --anew          as if nothing were done yet\n"
    "      --json          for programs: one object\n"
    "      --help          this text\n"
    "\n"
    "The expected time comes from a simulation of the sweep with the order of work that 'run'\n"
    "uses, and from costs that are arithmetic at first and corrected by what the result file\n"
    "tells of finished work. No schedule can be faster than the work divided by the ranks, nor\n"
    "than the longest chain of work that must be done one after the other; efficiency is the\n"
    "larger of these, divided by the expected time.\n"
    "\n"
    "Exit codes: 0; 1 the result file cannot be read; 2 wrong options or grid.\n"
    "\n"
    "Example:\n"
    "  fineprobe plan --ranks 1,16,64 experiments/demo.yaml\n";

typedef struct fp_plan_wanted {
    const char *grid, *output, *models, *ranks;
    int json, anew;
} fp_plan_wanted;

/* The list of --ranks; *OUT: free(). */
static int read_ranks(const char *text, fp_forecast **out, size_t *count) {
    char **items = NULL;
    size_t n = 0;
    if (text && fp_option_list(text, &items, &n) < 0)
        return -1;
    fp_forecast *ranks = calloc(n + 2, sizeof *ranks);
    int rc = ranks ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = fp_option_integer(&fp_command_plan, "--ranks", items[i], 1, &ranks[i].ranks);
    if (rc == 0 && !text) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        ranks[n++].ranks = 1;
        if (cores > 1)
            ranks[n++].ranks = cores;
    }
    free(items);
    if (rc < 0) {
        free(ranks);
        return -1;
    }
    *out = ranks;
    *count = n;
    return 0;
}

static int tell(const fp_plan_wanted *w, const fp_plan *plan, fp_forecast *forecasts, size_t n) {
    fp_error error = {0};
    fp_outlook outlook;
    if (fp_outlook_make(plan, w->anew, forecasts, n, &outlook, &error) < 0) {
        fp_complain(error.text);
        return FP_EXIT_FAILED;
    }
    if (w->json)
        fp_plan_print_json(plan, &outlook, forecasts, n);
    else
        fp_plan_print(plan, &outlook, forecasts, n);
    return FP_EXIT_OK;
}

static int plan_grid(const fp_plan_wanted *w, fp_forecast *forecasts, size_t n) {
    fp_problems problems = {0};
    fp_error error = {0};
    int code = FP_EXIT_USAGE;
    fp_grid *grid = fp_grid_read(w->grid, &problems);
    fp_plan *plan = NULL;
    if (grid && ((w->output && fp_grid_set_output(grid, w->output, &error) < 0) ||
                 (w->models && fp_grid_keep_models(grid, w->models, &error) < 0)))
        fp_complain(error.text);
    else if (grid)
        plan = fp_plan_make(grid, &problems);
    if (plan)
        code = tell(w, plan, forecasts, n);
    fp_complain_problems(&problems);
    fp_problems_free(&problems);
    fp_plan_free(plan);
    fp_grid_free(grid);
    return code;
}

static int run(int argc, char **argv) {
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'}, {"models", required_argument, NULL, 'm'},
        {"ranks", required_argument, NULL, 'r'},  {"anew", no_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},         {0}};
    fp_plan_wanted wanted = {0};
    int c, code = 0;
    while ((c = fp_option(&fp_command_plan, argc, argv, "o:", options, &code)) != -1) {
        if (c == -2)
            return code;
        if (c == 'o')
            wanted.output = optarg;
        if (c == 'm')
            wanted.models = optarg;
        if (c == 'r')
            wanted.ranks = optarg;
        wanted.anew |= c == 'a';
        wanted.json |= c == 'j';
    }
    fp_forecast *ranks;
    size_t n_ranks;
    if (!(wanted.grid = fp_argument(&fp_command_plan, argc, argv, "GRID.yaml")) ||
        read_ranks(wanted.ranks, &ranks, &n_ranks) < 0)
        return FP_EXIT_USAGE;
    code = plan_grid(&wanted, ranks, n_ranks);
    free(ranks);
    return code;
}

const fp_command fp_command_plan = {"plan", "what a sweep would do, cost and need", help, run};
