/* Several ranks write one result file. Run by mpirun; exits with the number of things that went wrong. */
#include "../store_fixture.h"
#include "fineprobe/file.h"
#include <unistd.h>

static int rank, ranks, wrong;
static fp_error error;

static void expect(int good, const char *what) {
    if (good)
        return;
    fprintf(stderr, "rank %d: %s: %s\n", rank, what, error.text);
    wrong++;
}

/* Every rank writes its share, in an order of its own; nobody waits for anybody. */
static void write_share(const char *path, const fp_layout *layout) {
    fp_store *store = fp_store_open(path, MPI_COMM_WORLD, &error);
    expect(store != NULL, "open");
    if (!store)
        return;
    for (size_t i = 0; i < layout->n_checkpoints; i++)
        if ((int)(i % (size_t)ranks) == rank)
            expect(fixture_write_checkpoint(store, layout, i, rank, &error) == 0, "write checkpoint");
    for (size_t k = layout->n_units; k > 0; k--) {
        size_t i = (k - 1 + 7 * (size_t)rank) % layout->n_units;
        if ((int)(i % (size_t)ranks) == rank)
            expect(fixture_write_unit(store, layout, i, rank, &error) == 0, "write unit");
    }
    MPI_Barrier(MPI_COMM_WORLD);
    for (size_t i = 0; i < layout->n_units; i++) /* one rank sees what the others wrote */
        expect(fixture_compare_unit(store, layout, i, &error) == 0, "compare");
    expect(fp_store_close(store, &error) == 0, "close");
}

static void check_file(const char *path, const fp_layout *layout) {
    unsigned char units[200], checkpoints[200];
    fp_provenance_row who[200], of[200];
    fp_store *store = fp_store_open_read(path, &error);
    expect(store != NULL, "open for reading");
    if (!store)
        return;
    expect(fp_store_read_status(store, units, checkpoints, &error) == 0, "status");
    expect(fp_store_read_provenance(store, who, of, &error) == 0, "provenance");
    for (size_t i = 0; i < layout->n_units; i++) {
        expect(units[i] == FP_DONE && who[i].rank == (int)(i % (size_t)ranks), "unit done");
        expect(fixture_compare_unit(store, layout, i, &error) == 0, "compare");
    }
    for (size_t i = 0; i < layout->n_checkpoints; i++)
        expect(checkpoints[i] == FP_DONE && of[i].rank == (int)(i % (size_t)ranks), "checkpoint done");
    fp_store_close(store, NULL);
}

/* One rank's trouble is everybody's, and everybody hears whose it is. */
static void one_rank_fails(const char *path) {
    int bad = ranks - 1;
    fp_store *store = fp_store_open(rank == bad ? "/nonexistent/x.h5" : path, MPI_COMM_WORLD, &error);
    char who[32];
    snprintf(who, sizeof who, "rank %d: ", bad);
    expect(store == NULL && strstr(error.text, who) && strstr(error.text, "/nonexistent/x.h5"),
           "one rank fails");
    if (rank == 0)
        expect(truncate(path, 5000) == 0, "truncate");
    MPI_Barrier(MPI_COMM_WORLD);
    store = fp_store_open(path, MPI_COMM_WORLD, &error);
    expect(store == NULL && strstr(error.text, "truncated"), "a damaged file");
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    char folder[] = "/tmp/fineprobe-ranks-XXXXXX";
    if (rank == 0 && !mkdtemp(folder))
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    char *path = fp_path_join(folder, "sweep.h5", NULL);
    fp_layout layout = fixture_layout(3, 5);
    if (rank == 0)
        expect(fp_store_create(path, &layout, NULL, NULL, &error) == 0, "create");
    MPI_Barrier(MPI_COMM_WORLD);
    write_share(path, &layout);
    if (rank == 0)
        check_file(path, &layout);
    one_rank_fails(path);
    if (rank == 0)
        fp_folder_remove(folder, NULL);
    fp_layout_free(&layout);
    free(path);
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Finalize();
    return wrong != 0;
}
