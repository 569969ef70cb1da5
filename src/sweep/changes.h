/* changes.h: why finished units are computed again: what of their settings, model or data is no longer what
 * it was. */
#ifndef FINEPROBE_SRC_CHANGES_H
#define FINEPROBE_SRC_CHANGES_H

#include "fineprobe/store.h"

enum { FP_MOST_CHANGES = 8, FP_CHANGE = 200 };

/* Reasons, each with the number of units that come again for it, the first ones found. */
typedef struct fp_changes {
    size_t count;
    struct {
        char why[FP_CHANGE];
        size_t units;
    } of[FP_MOST_CHANGES];
} fp_changes;

/* OLD and NEW have a row of KIND about the same thing, ROW in NEW, with different digests: finds out why, and
 * counts it. */
void fp_changes_add(fp_changes *changes, const fp_layout *old, const fp_layout *new, fp_product_kind kind,
                    const fp_probe_identity *row);

#endif
