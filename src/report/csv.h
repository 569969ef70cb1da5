/* csv.h: tables as comma-separated values with a header, quoted as RFC 4180 says; lines end with a line feed.
 *
 * Numbers are written so that they read back as the same bits (doubles with 15 or 17 digits, floats with 9);
 * what is not a number is "nan". A file has its final name only when it is whole. */
#ifndef FINEPROBE_SRC_CSV_H
#define FINEPROBE_SRC_CSV_H

#include "fineprobe/error.h"
#include "fineprobe/table.h"
#include <stdint.h>

typedef struct fp_csv fp_csv;

/* FOLDER/NAME.csv, under a temporary name for now. */
fp_csv *fp_csv_create(const char *folder, const char *name, fp_error *error);

/* The cells of a row, one after the other. Trouble with the disk is kept for fp_csv_close. */
void fp_csv_text(fp_csv *csv, const char *text);
void fp_csv_integer(fp_csv *csv, int64_t value);
void fp_csv_real(fp_csv *csv, double value);
void fp_csv_float(fp_csv *csv, float value);
void fp_csv_end_row(fp_csv *csv);

/* Cells of a header; NAMES ends with NULL. */
void fp_csv_names(fp_csv *csv, const char *const *names);

/* Header cells and cells of the fields [FIRST, END) of a table's row. */
void fp_csv_field_names(fp_csv *csv, const fp_table *table, size_t first, size_t end);
void fp_csv_fields(fp_csv *csv, const fp_table *table, size_t first, size_t end, const void *row);

int fp_csv_failed(const fp_csv *csv); /* 1: something could not be written; going on is of no use */

/* The whole file, synced, under its name; *BYTES (may be NULL): its size. */
int fp_csv_close(fp_csv *csv, uint64_t *bytes, fp_error *error);
/* Leaves nothing behind. */
void fp_csv_abandon(fp_csv *csv);

#endif
