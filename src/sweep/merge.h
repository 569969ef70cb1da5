/* merge.h: result files of parts of a grid, computed apart, made one. */
#ifndef FINEPROBE_SRC_MERGE_H
#define FINEPROBE_SRC_MERGE_H

#include "fineprobe/store.h"

typedef struct fp_merge_counts {
    size_t units, units_done, units_failed;
    size_t left_out; /* done in one of the files, but damaged there */
} fp_merge_counts;

/* Joins the N files PATHS into the new file OUT, which must not exist; what compares units with each other is
 * made anew. Needs MPI, and uses one process. */
int fp_merge(const char *const *paths, size_t n, const char *out, fp_merge_counts *counts, fp_error *error);

#endif
