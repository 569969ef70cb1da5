/* What the scheduler costs: a sweep of empty pieces of work on several ranks. Every piece is a process that
 * does nothing but hand in an empty record, which goes into the result file like any other.
 *
 * Usage: mpirun -n 4 bench_sweep [PIECES (20000)] [--leading]
 *
 * Prints pieces a second, and rank 0's processor time a piece: leading, and looking after its own share of
 * the pieces. With --leading the other ranks have all pieces: what rank 0 takes is leading, and waiting,
 * alone. The comparison of all units at the end is told apart: it is no scheduling. */
#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "sweep/derive.h"
#include "sweep/places.h"
#include "sweep/ranks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { REPORTS_FD = 3 };

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double wall_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int fail(const fp_error *error) {
    fprintf(stderr, "bench_sweep: %s\n", error->text);
    return 1;
}

/* The child's side: what `fineprobe piece` is otherwise. */
static int empty_piece(void) {
    static char text[65536];
    fp_error error = {0};
    fp_piece piece;
    text[fread(text, 1, sizeof text - 1, stdin)] = '\0';
    if (fp_piece_parse(text, &piece, &error) < 0)
        return fail(&error);
    if (piece.kind == FP_PIECE_PROBE) {
        fp_unit_record record;
        if (fp_unit_record_alloc(&piece.group, &record, &error) < 0)
            return fail(&error);
        record.row = piece.unit;
        record.row.crc = fp_unit_record_crc(&piece.group, &record);
        if (fp_record_save(piece.record, &fp_unit_records, &piece.group, &record, &error) < 0)
            return fail(&error);
    }
    char line[1024];
    size_t n = fp_report_format(&(fp_report){.kind = FP_REPORT_DONE}, line, sizeof line);
    return write(REPORTS_FD, line, n) == (ssize_t)n ? 0 : 1;
}

/* One original model with PIECES layers, probed on one task. */
static fp_plan *make_plan(fp_grid *grid, size_t pieces) {
    fp_error error = {0};
    fp_plan *p = fp_alloc(1, sizeof *p, "", &error);
    fp_layout *l = &p->layout;
    p->grid = grid;
    *l = (fp_layout){.n_models = 1, .n_tasks = 1, .n_checkpoints = 1, .n_units = pieces, .n_groups = 1};
    l->grid = fp_strdup("", &error);
    l->provenance = fp_strdup("{}", &error);
    l->models = fp_alloc(1, sizeof *l->models, "", &error);
    l->tasks = fp_alloc(1, sizeof *l->tasks, "", &error);
    l->labels = fp_alloc(0, sizeof *l->labels, "", &error);
    l->data = fp_alloc(0, sizeof *l->data, "", &error);
    l->runs = fp_alloc(0, sizeof *l->runs, "", &error);
    l->checkpoints = fp_alloc(1, sizeof *l->checkpoints, "", &error);
    l->units = fp_alloc(pieces, sizeof *l->units, "", &error);
    l->groups = fp_alloc(1, sizeof *l->groups, "", &error);
    l->unit_group = fp_alloc(pieces, sizeof *l->unit_group, "", &error);
    fp_copy_text(l->models->name, FP_NAME, "none");
    fp_copy_text(l->tasks->name, FP_NAME, "nothing");
    *l->checkpoints = (fp_checkpoint_row){.run = -1, .seed = -1};
    fp_copy_text(l->checkpoints->model, FP_NAME, "none");
    *l->groups = (fp_group){.name = "results/none/nothing",
                            .rows = pieces,
                            .labels = 2,
                            .width = 2,
                            .train_instances = 2,
                            .test_instances = 2,
                            .clusters = 2};
    p->n_representations = 1;
    p->representations = fp_alloc(1, sizeof *p->representations, "", &error);
    *p->representations = (fp_plan_representation){.n_units = 1, .n_probings = pieces, .seconds = 1e-3};
    p->n_probings = pieces;
    p->probings = fp_alloc(pieces, sizeof *p->probings, "", &error);
    for (size_t i = 0; i < pieces; i++) {
        l->units[i] =
            (fp_unit_row){.unit = (int32_t)i, .run = -1, .seed = -1, .layer = (int32_t)i, .row = (int32_t)i};
        fp_copy_text(l->units[i].model, FP_NAME, "none");
        fp_copy_text(l->units[i].probed_on, FP_NAME, "nothing");
        fp_copy_text(l->units[i].results, FP_PATH, l->groups->name);
        snprintf(l->units[i].digest, FP_DIGEST, "%032zx", i);
        fp_unit_row_open(&l->units[i]);
        p->probings[i] = (fp_plan_probing){.kind = FP_PIECE_PROBE,
                                           .index = i,
                                           .then = FP_NOTHING,
                                           .layer = (int32_t)i % 16,
                                           .seconds = 1e-3 + 1e-9 * (double)(i * 7919 % pieces)};
    }
    return p;
}

/* The policy by itself: all pieces handed out and taken back, four at a time. */
static double policy_seconds(const fp_plan *plan, const fp_schedule_start *start) {
    fp_error error = {0};
    fp_schedule *s = fp_schedule_create(plan, start, &error);
    fp_assignment hands[4];
    fp_consequence ignored;
    double begin = cpu_seconds();
    for (int n = 0; s && !fp_schedule_over(s);) {
        while (n < 4 && fp_schedule_next(s, 0, &hands[n]))
            n++;
        fp_schedule_ended(s, &hands[--n], 1, 1e-3);
        while (fp_schedule_consequence(s, &ignored))
            ;
    }
    double seconds = cpu_seconds() - begin;
    fp_schedule_destroy(s);
    return seconds;
}

static int lead(fp_plan *plan, fp_store *store, fp_supervisor *supervisor, const char *file, int ranks,
                int leading) {
    fp_error error = {0};
    size_t n = plan->layout.n_units;
    unsigned char *nothing = fp_alloc(n + 1, 1, "", &error);
    fp_schedule_start start = {.probings = nothing,
                               .checkpoints = nothing,
                               .available = nothing,
                               .attempts = 2,
                               .nodes = 2,
                               .local = leading,
                               .costs = fp_costs_create(plan, &error)};
    double policy = policy_seconds(plan, &start);
    fp_costs_destroy(start.costs);
    start.costs = fp_costs_create(plan, &error);
    fp_sweep_options options = {0};
    size_t *nodes = fp_alloc((size_t)ranks, sizeof *nodes, "", &error);
    for (int r = 1; r < ranks; r++) /* the vectors are where the last rank is, and stay there */
        nodes[r] = (size_t)leading;
    fp_lead_work work = {.plan = plan,
                         .schedule = fp_schedule_create(plan, &start, &error),
                         .supervisor = supervisor,
                         .store = store,
                         .options = &options,
                         .nodes = nodes,
                         .attempts = fp_alloc(n + 1, sizeof(int32_t), "", &error),
                         .file = file,
                         .comm = MPI_COMM_WORLD};
    fp_sweep_outcome outcome;
    double wall = wall_seconds(), cpu = cpu_seconds();
    if (fp_lead(&work, &outcome, &error) < 0 || outcome != FP_SWEEP_COMPLETE)
        return fail(&error);
    wall = wall_seconds() - wall;
    cpu = cpu_seconds() - cpu;
    printf("%zu empty pieces on %d ranks%s: %.1f s, %.0f pieces a second\n", n, ranks,
           leading ? ", none of them on rank 0" : "", wall, (double)n / wall);
    double derive = cpu_seconds(); /* once more, to know what the first time took */
    if (fp_derive(&plan->layout, store, &error) < 0)
        return fail(&error);
    derive = cpu_seconds() - derive;
    printf(
        "rank 0: %.1f us of processor time a piece, of which the policy takes %.2f us; comparing units at "
        "the end "
        "%.1f us a unit\n",
        1e6 * (cpu - derive) / (double)n, 1e6 * policy / (double)n, 1e6 * derive / (double)n);
    fp_schedule_destroy(work.schedule);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "piece") == 0)
        return empty_piece();
    fp_error error = {0};
    fp_starter *starter = fp_starter_create(&error);
    MPI_Init(NULL, NULL);
    int rank, ranks, volatile_stop = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    char folder[64] = "/tmp/fineprobe-bench-XXXXXX";
    if (rank == 0 && !mkdtemp(folder))
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    fp_grid_task task = {.spec = {.name = (char *)"nothing", .train.path = (char *)"none"}};
    fp_grid_model model = {.name = (char *)"none", .folder = (char *)"none"};
    fp_grid grid = {
        .n_models = 1, .n_tasks = 1, .models = &model, .tasks = &task, .threads = 1, .scratch_limit = 1e12};
    grid.scratch = fp_format(&error, "%s/scratch", folder);
    grid.checkpoints = fp_strdup(folder, &error);
    grid.output = fp_format(&error, "%s/sweep.h5", folder);
    fp_plan *plan = make_plan(&grid, argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 20000);
    char *scratch = fp_place_scratch(&grid, &error), *records = fp_path_join(scratch, "records", &error);
    if (rank == 0 && (fp_folder_create(records, &error) < 0 ||
                      fp_store_create(grid.output, &plan->layout, NULL, NULL, &error) < 0))
        MPI_Abort(MPI_COMM_WORLD, fail(&error));
    MPI_Barrier(MPI_COMM_WORLD);
    fp_store *store = fp_store_open(grid.output, MPI_COMM_WORLD, &error);
    fp_provenance_row self = {.rank = rank};
    fp_supervisor *supervisor = store ? fp_supervisor_create(starter, store, &self, &error) : NULL;
    if (!supervisor)
        MPI_Abort(MPI_COMM_WORLD, fail(&error));
    int leading = argc > 2 && strcmp(argv[2], "--leading") == 0;
    int rc = rank == 0 ? lead(plan, store, supervisor, grid.output, ranks, leading)
                       : fp_follow(supervisor, MPI_COMM_WORLD, &volatile_stop, &error);
    fp_supervisor_destroy(supervisor);
    fp_store_close(store, NULL);
    if (rank == 0)
        fp_folder_remove(folder, NULL);
    MPI_Finalize();
    fp_starter_destroy(starter);
    return rc < 0;
}
