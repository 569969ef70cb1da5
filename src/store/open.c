#include "contents.h"

#include "fineprobe/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The names in a table's first column, for finding the groups. */
static char *names_of(fp_store *store, fp_dataset dataset, size_t *n, fp_error *error) {
    const fp_rows *rows = &store->datasets[dataset];
    size_t size = rows->array->table->row_size;
    *n = (size_t)rows->shape[0];
    char *table = fp_alloc(*n, size, rows->array->name, error);
    char *names = fp_alloc(*n, FP_NAME, rows->array->name, error);
    if (table && names && fp_rows_read(rows, store->transfer, 0, *n, table, error) == 0) {
        for (size_t i = 0; i < *n; i++)
            memcpy(names + i * FP_NAME, table + i * size, FP_NAME);
    } else {
        free(names);
        names = NULL;
    }
    free(table);
    return names;
}
_Static_assert(offsetof(fp_model_row, name) == 0 && offsetof(fp_task_row, name) == 0, "names come first");

/* The group's attributes hold its sizes, which its datasets have to agree with. */
static int check_shapes(const fp_store_group *opened, fp_error *error) {
    for (fp_result i = 0; i < FP_N_RESULTS; i++) {
        size_t shape[FP_MAX_AXES];
        int rank = fp_result_shape(&opened->group, i, shape);
        for (int k = 0; k < rank; k++)
            if (shape[k] != opened->results[i].shape[k])
                return fp_fail(error, "dataset %s has another shape than its group says", fp_results[i].name);
    }
    return 0;
}

static int open_sizes(const fp_store *store, hid_t group, fp_group *out, fp_error *error) {
    for (size_t i = 0; i < FP_GROUP_SIZES; i++) {
        const fp_group_size *size = &fp_group_sizes[i];
        int64_t value;
        if (fp_h5_get_integer(group, size->name, &value, error) < 0)
            return -1;
        if (value < 0 || (uint64_t)value > store->size)
            return fp_fail(error, "%s is %lld", size->name, (long long)value);
        *fp_group_member(out, size) = (size_t)value;
    }
    return 0;
}

static int open_group(fp_store *store, fp_store_group *out, fp_error *error) {
    fp_group *shape = &out->group;
    hid_t group = H5Gopen2(store->file, shape->name, H5P_DEFAULT);
    if (group < 0)
        return fp_h5_fail(error, "group %s cannot be opened", shape->name);
    int rc = open_sizes(store, group, shape, error);
    for (fp_result i = 0; rc == 0 && i < FP_N_RESULTS; i++) {
        size_t axes[FP_MAX_AXES];
        hsize_t none[FP_MAX_AXES] = {0};
        int rank = fp_result_shape(shape, i, axes);
        for (int k = 0; k < rank; k++)
            none[k] = axes[k];
        if (axes[0])
            rc = fp_rows_open(group, &fp_results[i], rank, store->size, &out->results[i], error);
        else
            fp_rows_none(&fp_results[i], rank, none, &out->results[i]);
    }
    if (rc == 0)
        rc = check_shapes(out, error);
    H5Gclose(group);
    return rc < 0 ? fp_error_context(error, "group %s", shape->name) : 0;
}

/* What is found below results/: groups as the file has them, whatever the tables say. */
typedef struct fp_search {
    fp_store *store;
    size_t capacity;
    const char *model; /* whose tasks are listed */
    int rc;
    fp_error *error;
} fp_search;

static herr_t find_task(hid_t parent, const char *task, const H5L_info_t *info, void *context) {
    (void)parent;
    (void)info;
    fp_search *search = context;
    fp_store *store = search->store;
    fp_group group = {.model = -1, .task = -1};
    if (snprintf(group.name, sizeof group.name, "results/%s/%s", search->model, task) >=
        (int)sizeof group.name)
        search->rc = fp_fail(search->error, "a group results/%s/%s", search->model, task);
    else
        search->rc = fp_grow((void **)&store->groups, &search->capacity, store->n_groups + 1,
                             sizeof *store->groups, search->error);
    if (search->rc == 0)
        store->groups[store->n_groups++] = (fp_store_group){.group = group};
    return search->rc < 0;
}

static herr_t find_model(hid_t parent, const char *model, const H5L_info_t *info, void *context) {
    (void)info;
    fp_search *search = context;
    search->model = model;
    hid_t group = H5Gopen2(parent, model, H5P_DEFAULT);
    if (group < 0 || H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, find_task, context) < 0)
        search->rc = fp_h5_fail(search->error, "group results/%s is damaged", model);
    if (group >= 0)
        H5Gclose(group);
    return search->rc < 0;
}

static int by_place(const void *a, const void *b) {
    const fp_group *x = &((const fp_store_group *)a)->group, *y = &((const fp_store_group *)b)->group;
    if (x->model != y->model)
        return x->model < y->model ? -1 : 1;
    return x->task != y->task ? (x->task < y->task ? -1 : 1) : strcmp(x->name, y->name);
}

/* Which model and task a group is of, by its name. */
static void identify(fp_group *group, const char *models, size_t n_models, const char *tasks,
                     size_t n_tasks) {
    for (size_t m = 0; m < n_models; m++)
        for (size_t t = 0; t < n_tasks; t++) {
            char name[FP_PATH];
            snprintf(name, sizeof name, "results/%.*s/%.*s", FP_NAME - 1, models + m * FP_NAME, FP_NAME - 1,
                     tasks + t * FP_NAME);
            if (strcmp(name, group->name) == 0) {
                group->model = (int32_t)m;
                group->task = (int32_t)t;
            }
        }
}

static int find_groups(fp_store *store, fp_error *error) {
    fp_search search = {.store = store, .error = error};
    hid_t results = H5Gopen2(store->file, "results", H5P_DEFAULT);
    if (results < 0 || H5Literate(results, H5_INDEX_NAME, H5_ITER_INC, NULL, find_model, &search) < 0)
        search.rc = fp_h5_fail(error, "the group results is damaged");
    if (results >= 0)
        H5Gclose(results);
    return search.rc;
}

/* Opens results/MODEL/TASK for every model and task that have one, in the order of their tables. */
static int open_groups(fp_store *store, fp_error *error) {
    size_t n_models = 0, n_tasks = 0;
    char *models = names_of(store, FP_MODELS, &n_models, error);
    char *tasks = models ? names_of(store, FP_TASKS, &n_tasks, error) : NULL;
    int rc = tasks ? find_groups(store, error) : -1;
    for (size_t i = 0; rc == 0 && i < store->n_groups; i++)
        identify(&store->groups[i].group, models, n_models, tasks, n_tasks);
    if (rc == 0 && store->n_groups)
        qsort(store->groups, store->n_groups, sizeof *store->groups, by_place);
    for (size_t i = 0; rc == 0 && i < store->n_groups; i++)
        rc = open_group(store, &store->groups[i], error);
    free(models);
    free(tasks);
    return rc;
}

int fp_store_open_datasets(fp_store *store, fp_error *error) {
    char format[64];
    int64_t version;
    if (fp_h5_get_text(store->file, "format", format, sizeof format, error) < 0 ||
        strcmp(format, "fineprobe") != 0)
        return fp_fail(error, "an HDF5 file, but not a result file of fineprobe");
    if (fp_h5_get_integer(store->file, "format_version", &version, error) < 0)
        return -1;
    if (version != FP_FORMAT_VERSION)
        return fp_fail(error, "format version %lld; this program reads version %d", (long long)version,
                       FP_FORMAT_VERSION);
    for (fp_dataset i = 0; i < FP_N_DATASETS; i++)
        if (fp_rows_open(store->file, &fp_datasets[i], 1, store->size, &store->datasets[i], error) < 0)
            return -1;
    fp_layout counts = {.n_classifier_seeds = (size_t)store->datasets[FP_CLASSIFIER_SEEDS].shape[0]};
    for (size_t i = 0; i < FP_N_FIXED; i++)
        *fp_fixed_count(&counts, &fp_fixed_tables[i]) =
            (size_t)store->datasets[fp_fixed_tables[i].dataset].shape[0];
    for (fp_dataset i = FP_CHECKPOINTS; i < FP_N_DATASETS; i++)
        if (i != FP_LOSSES && store->datasets[i].shape[0] != fp_dataset_rows(&counts, i))
            return fp_fail(error, "dataset %s has the wrong number of rows", fp_datasets[i].name);
    return open_groups(store, error);
}

void fp_store_close_datasets(fp_store *store) {
    for (size_t g = 0; g < store->n_groups; g++)
        for (fp_result i = 0; i < FP_N_RESULTS; i++)
            fp_rows_close(&store->groups[g].results[i]);
    for (fp_dataset i = 0; i < FP_N_DATASETS; i++)
        fp_rows_close(&store->datasets[i]);
    free(store->groups);
    store->groups = NULL;
    store->n_groups = 0;
}

static void discard(fp_store *store) {
    fp_store_close_datasets(store);
    if (store->transfer > 0)
        H5Pclose(store->transfer);
    if (store->fd >= 0)
        close(store->fd);
    if (store->comm != MPI_COMM_NULL)
        MPI_Comm_free(&store->comm);
    free(store->path);
    free(store);
}

/* Opens the plain descriptor and learns the file's size. */
static fp_store *begin(const char *path, int flags, fp_error *error) {
    fp_h5_quiet();
    fp_store *store = fp_alloc(1, sizeof *store, "a result file", error);
    if (!store)
        return NULL;
    store->file = -1;
    store->comm = MPI_COMM_NULL;
    store->fd = open(path, flags | O_CLOEXEC);
    struct stat info;
    if (store->fd < 0 || fstat(store->fd, &info) < 0)
        fp_fail_errno(error, "cannot open the result file %s", path);
    else if (!S_ISREG(info.st_mode))
        fp_fail(error, "%s is not a file", path);
    else {
        store->size = (uint64_t)info.st_size;
        store->path = fp_strdup(path, error);
        store->transfer = H5Pcreate(H5P_DATASET_XFER);
    }
    if (!store->path || store->transfer <= 0) {
        discard(store);
        return NULL;
    }
    return store;
}

/* HDF5's locks protect nothing here, and would keep readers out while a sweep writes. No sieve buffer: a
 * reader must see what was written since it read last. */
static hid_t access_properties(void) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_file_locking(access, 0, 1);
    H5Pset_sieve_buf_size(access, 0);
    return access;
}

static int open_file(fp_store *store, unsigned flags, hid_t access, fp_error *error) {
    store->file = H5Fopen(store->path, flags, access);
    int rc = store->file < 0 ? fp_h5_fail(error, "%s cannot be read as HDF5", store->path) : 0;
    H5Pclose(access);
    return rc;
}

fp_store *fp_store_open_read(const char *path, fp_error *error) {
    fp_store *store = begin(path, O_RDONLY, error);
    if (!store)
        return NULL;
    if (open_file(store, H5F_ACC_RDONLY, access_properties(), error) < 0) {
        discard(store);
        return NULL;
    }
    if (fp_store_open_datasets(store, error) < 0) {
        fp_error_context(error, "%s", path);
        fp_store_close(store, NULL);
        return NULL;
    }
    return store;
}

static int open_plain(fp_store *store, const fp_store *like, fp_error *error) {
    for (fp_dataset i = 0; i < FP_N_DATASETS; i++)
        if (fp_rows_plain(&like->datasets[i], store->fd, store->size, &store->datasets[i], error) < 0)
            return -1;
    store->groups = fp_alloc(like->n_groups, sizeof *store->groups, "groups", error);
    if (!store->groups)
        return -1;
    for (size_t g = 0; g < like->n_groups; g++) {
        fp_store_group *group = &store->groups[store->n_groups++];
        group->group = like->groups[g].group;
        for (fp_result i = 0; i < FP_N_RESULTS; i++)
            if (fp_rows_plain(&like->groups[g].results[i], store->fd, store->size, &group->results[i],
                              error) < 0)
                return -1;
    }
    return 0;
}

fp_store *fp_store_open_plain(const char *path, const fp_store *like, fp_error *error) {
    fp_store *store = begin(path, O_RDONLY, error);
    if (store && open_plain(store, like, error) < 0) {
        fp_store_close(store, NULL);
        return NULL;
    }
    return store;
}

/* The ranks' outcomes made one: the message of the first rank that failed becomes everybody's. */
static int agree(MPI_Comm comm, int rc, fp_error *error) {
    int rank, size, failed;
    fp_error message = {0};
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    int mine = rc < 0 ? rank : INT_MAX;
    MPI_Allreduce(&mine, &failed, 1, MPI_INT, MPI_MIN, comm);
    if (failed == INT_MAX)
        return 0;
    if (rank == failed)
        message = *error;
    MPI_Bcast(message.text, sizeof message.text, MPI_CHAR, failed, comm);
    *error = message;
    return size > 1 ? fp_error_context(error, "rank %d", failed) : -1;
}

/* Rank 0 reads the whole layout before anybody opens the file for writing: a damaged file stops here. */
static int check_alone(const char *path, fp_error *error) {
    fp_layout layout;
    fp_store *store = fp_store_open_read(path, error);
    if (!store)
        return -1;
    int rc = fp_store_layout(store, &layout, error);
    if (rc == 0)
        fp_layout_free(&layout);
    fp_store_close(store, NULL);
    return rc;
}

static int same_size(fp_store *store, MPI_Comm comm, fp_error *error) {
    uint64_t size[2] = {store->size, ~store->size}, smallest[2];
    MPI_Allreduce(size, smallest, 2, MPI_UINT64_T, MPI_MIN, comm);
    if (smallest[0] == ~smallest[1])
        return 0;
    return fp_fail(error, "%s is not the same file on every node; put it on a shared file system",
                   store->path);
}

static int open_together(fp_store *store, fp_error *error) {
    hid_t access = access_properties();
    store->parallel = 1;
    H5Pset_fapl_mpio(access, store->comm, MPI_INFO_NULL);
    H5Pset_dxpl_mpio(store->transfer, H5FD_MPIO_INDEPENDENT);
    int rc = open_file(store, H5F_ACC_RDWR, access, error);
    if (agree(store->comm, rc, error) < 0)
        return -1;
    rc = fp_store_open_datasets(store, error);
    if (rc < 0)
        fp_error_context(error, "%s", store->path);
    return agree(store->comm, rc, error);
}

fp_store *fp_store_open(const char *path, MPI_Comm comm, fp_error *error) {
    fp_error unheard;
    int rank;
    error = error ? error : &unheard;
    MPI_Comm_rank(comm, &rank);
    fp_store *store = begin(path, O_RDWR, error);
    int rc = agree(comm, store ? 0 : -1, error);
    if (rc == 0)
        rc = same_size(store, comm, error);
    if (rc == 0)
        rc = agree(comm, rank == 0 ? check_alone(path, error) : 0, error);
    if (rc < 0) {
        if (store)
            discard(store);
        return NULL;
    }
    MPI_Comm_dup(comm, &store->comm); /* the scheduler's messages do not meet the store's */
    if (open_together(store, error) < 0) {
        fp_store_close(store, NULL);
        return NULL;
    }
    return store;
}

int fp_store_close(fp_store *store, fp_error *error) {
    int rc = 0;
    fp_store_close_datasets(store);
    if (store->file >= 0 && H5Fclose(store->file) < 0)
        rc = fp_h5_fail(error, "cannot close %s", store->path);
    if (rc == 0 && store->parallel && fdatasync(store->fd) < 0)
        rc = fp_fail_errno(error, "cannot sync %s", store->path);
    discard(store);
    return rc;
}
