#include "contents.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_derived(fp_store *store, size_t n, fp_error *error) {
    fp_derived_row *rows = fp_alloc(n, sizeof *rows, "derived", error);
    if (!rows)
        return -1;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (fp_derived_row){.unit = (int32_t)i, .original = -1};
        fp_derived_row_open(&rows[i]);
    }
    int rc = fp_rows_write(&store->datasets[FP_DERIVED], store->transfer, 0, n, rows, error);
    free(rows);
    return rc;
}

static int write_classifier_derived(fp_store *store, const fp_layout *layout, fp_error *error) {
    size_t n = layout->n_classifiers;
    fp_classifier_derived_row *rows = fp_alloc(n, sizeof *rows, "derived", error);
    if (!rows)
        return -1;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (fp_classifier_derived_row){.classifier = (int32_t)i, .original = -1};
        fp_table_open(&fp_table_classifier_derived, &rows[i]);
    }
    int rc = fp_rows_write(&store->datasets[FP_CLASSIFIER_DERIVED], store->transfer, 0, n, rows, error);
    free(rows);
    if (rc < 0)
        return -1;
    return fp_rows_write(&store->datasets[FP_CLASSIFIER_SEEDS], store->transfer, 0,
                         layout->n_classifier_seeds, layout->classifier_seeds, error);
}

/* The rows known beforehand, and the CRC that they can be checked by. */
static int write_fixed(fp_store *store, const fp_layout *layout, const fp_fixed_table *table,
                       fp_error *error) {
    const fp_rows *dataset = &store->datasets[table->dataset];
    uint32_t crc;
    if (fp_rows_write(dataset, store->transfer, 0, (size_t)dataset->shape[0], fp_fixed_rows(layout, table),
                      error) < 0 ||
        fp_fixed_crc(store, table, &crc, error) < 0)
        return -1;
    return fp_h5_put_integer(dataset->dataset, "fixed_crc", crc, error);
}

static int make_datasets(fp_store *store, const fp_layout *layout, fp_error *error) {
    for (fp_dataset i = 0; i < FP_N_DATASETS; i++) {
        hsize_t rows = fp_dataset_rows(layout, i);
        if (fp_rows_create(store->file, &fp_datasets[i], 1, &rows, &store->datasets[i], error) < 0)
            return -1;
    }
    for (size_t i = 0; i < FP_N_FIXED; i++)
        if (write_fixed(store, layout, &fp_fixed_tables[i], error) < 0)
            return -1;
    if (write_derived(store, layout->n_units, error) < 0)
        return -1;
    return write_classifier_derived(store, layout, error);
}

static int make_group(fp_store *store, const fp_group *shape, fp_store_group *out, fp_error *error) {
    out->group = *shape;
    hid_t properties = fp_h5_group_properties();
    hid_t group = H5Gcreate2(store->file, shape->name, H5P_DEFAULT, properties, H5P_DEFAULT);
    int rc = group < 0 ? fp_h5_fail(error, "cannot make group %s", shape->name) : 0;
    for (size_t i = 0; rc == 0 && i < FP_GROUP_SIZES; i++)
        rc = fp_h5_put_integer(group, fp_group_sizes[i].name,
                               (int64_t)*fp_group_member(&out->group, &fp_group_sizes[i]), error);
    for (fp_result i = 0; rc == 0 && i < FP_N_RESULTS; i++) {
        size_t lengths[FP_MAX_AXES];
        hsize_t axes[FP_MAX_AXES];
        int rank = fp_result_shape(shape, i, lengths);
        for (int k = 0; k < rank; k++)
            axes[k] = lengths[k];
        if (axes[0])
            rc = fp_rows_create(group, &fp_results[i], rank, axes, &out->results[i], error);
        else
            fp_rows_none(&fp_results[i], rank, axes, &out->results[i]);
    }
    if (group >= 0)
        H5Gclose(group);
    H5Pclose(properties);
    return rc;
}

static int make_folder(fp_store *store, const char *name, fp_error *error) {
    if (H5Lexists(store->file, name, H5P_DEFAULT) > 0)
        return 0;
    hid_t properties = fp_h5_group_properties();
    hid_t group = H5Gcreate2(store->file, name, H5P_DEFAULT, properties, H5P_DEFAULT);
    int rc = group < 0 ? fp_h5_fail(error, "cannot make group %s", name) : 0;
    if (group >= 0)
        H5Gclose(group);
    H5Pclose(properties);
    return rc;
}

static int make_groups(fp_store *store, const fp_layout *layout, fp_error *error) {
    store->groups = fp_alloc(layout->n_groups, sizeof *store->groups, "groups", error);
    if (!store->groups || make_folder(store, "results", error) < 0)
        return -1;
    for (size_t i = 0; i < layout->n_groups; i++) {
        char folder[FP_PATH];
        snprintf(folder, sizeof folder, "results/%s", layout->models[layout->groups[i].model].name);
        store->n_groups = i + 1;
        if (make_folder(store, folder, error) < 0 ||
            make_group(store, &layout->groups[i], &store->groups[i], error) < 0)
            return -1;
    }
    return 0;
}

static int make_root(fp_store *store, fp_error *error) {
    hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_obj_track_times(creation, 0);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    /* HDF5 1.8's format: its metadata carry checksums (damage is refused, where older ones make HDF5 read out
     * of bounds), and unlike 1.10's no mark of being open, which a killed writer would leave behind. */
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    store->file = H5Fcreate(store->path, H5F_ACC_TRUNC, creation, access);
    int rc = store->file < 0 ? fp_h5_fail(error, "cannot create %s", store->path) : 0;
    H5Pclose(access);
    H5Pclose(creation);
    if (rc < 0)
        return rc;
    if (fp_h5_put_text(store->file, "format", "fineprobe", error) < 0 ||
        fp_h5_put_integer(store->file, "format_version", FP_FORMAT_VERSION, error) < 0 ||
        fp_h5_put_text(store->file, "program", "fineprobe " FINEPROBE_VERSION, error) < 0)
        return -1;
    return 0;
}

/* They come last: their lengths differ from one session to the next, and nothing else lies behind them. */
static int make_documents(fp_store *store, const fp_layout *layout, fp_error *error) {
    if (fp_h5_write_document(store->file, "grid", layout->grid, "the grid file (YAML)", error) < 0)
        return -1;
    if (fp_h5_write_document(store->file, "settings", layout->settings ? layout->settings : "",
                             "settings and digests that decide runs and units (text)", error) < 0)
        return -1;
    return fp_h5_write_document(store->file, "provenance", layout->provenance,
                                "program, libraries, host and date of the sweep (JSON)", error);
}

/* Whether most units' digests stand in OLD where this layout has them: then it is a file of it. */
static int resembles(fp_store *old, const fp_layout *layout, fp_error *error) {
    fp_unit_row *rows = fp_alloc(layout->n_units, sizeof *rows, "units", error);
    int rc =
        rows ? fp_rows_read(&old->datasets[FP_UNITS], old->transfer, 0, layout->n_units, rows, error) : -1;
    size_t same = 0;
    for (size_t i = 0; rc == 0 && i < layout->n_units; i++)
        same += strcmp(rows[i].digest, layout->units[i].digest) == 0;
    free(rows);
    if (rc == 0 && (same == 0 || 2 * same < layout->n_units))
        rc = fp_fail(error, "it does not look like a file of this grid");
    return rc;
}

/* PLAIN: the structure of FROM is damaged, but it may have the same layout. */
static int carry_over(fp_store *store, const fp_layout *layout, const char *from, int plain, size_t *kept,
                      fp_error *error) {
    fp_store *old = plain ? fp_store_open_plain(from, store, error) : fp_store_open_read(from, error);
    int rc = old ? 0 : -1;
    if (rc == 0 && plain)
        rc = resembles(old, layout, error);
    if (rc == 0)
        rc = fp_store_carry(old, store, layout, kept, error);
    if (rc < 0)
        fp_error_context(error, "carrying results over from %s", from);
    if (old)
        fp_store_close(old, NULL);
    return rc;
}

/* The whole file under its temporary name. */
static int build(fp_store *store, const fp_layout *layout, const char *const *from, size_t n, int plain,
                 size_t *kept, fp_error *error) {
    int rc = make_root(store, error);
    if (rc == 0)
        rc = make_datasets(store, layout, error);
    if (rc == 0)
        rc = make_groups(store, layout, error);
    if (rc == 0)
        rc = make_documents(store, layout, error);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = carry_over(store, layout, from[i], plain, kept, error);
    fp_store_close_datasets(store);
    if (store->file >= 0 && H5Fclose(store->file) < 0 && rc == 0)
        rc = fp_h5_fail(error, "cannot close %s", store->path);
    return rc == 0 ? fp_sync_path(store->path, error) : rc;
}

static int make(const char *path, const fp_layout *layout, const char *const *from, size_t n, int plain,
                size_t *kept, fp_error *error) {
    size_t unused;
    kept = kept ? kept : &unused;
    *kept = 0;
    fp_h5_quiet();
    if (fp_layout_check(layout, error) < 0)
        return -1;
    fp_store store = {.file = -1, .transfer = H5P_DEFAULT, .fd = -1};
    store.path = fp_format(error, "%s.%ld.tmp", path, (long)getpid());
    if (!store.path)
        return -1;
    int rc = build(&store, layout, from, n, plain, kept, error);
    if (rc == 0)
        rc = fp_file_rename(store.path, path, error);
    if (rc < 0) {
        unlink(store.path);
        fp_error_context(error, "result file %s", path);
    }
    free(store.groups);
    free(store.path);
    return rc;
}

int fp_store_join(const char *path, const fp_layout *layout, const char *const *from, size_t n, size_t *kept,
                  fp_error *error) {
    return make(path, layout, from, n, 0, kept, error);
}

int fp_store_salvage(const char *path, const fp_layout *layout, size_t *kept, fp_error *error) {
    return make(path, layout, &path, 1, 1, kept, error);
}

int fp_store_create(const char *path, const fp_layout *layout, const char *from, size_t *kept,
                    fp_error *error) {
    return fp_store_join(path, layout, &from, from ? 1 : 0, kept, error);
}
