/* derive.h: what compares units with each other (paper, sections 4.2 and 4.3): every unit against the same
 * model, probed task and layer before fine-tuning. Cheap, so it is computed anew at the end of every sweep.
 */
#ifndef FINEPROBE_SRC_DERIVE_H
#define FINEPROBE_SRC_DERIVE_H

#include "fineprobe/store.h"

/* Writes the derived row and the centroid movements of every finished unit whose original is finished, too.
 */
int fp_derive(const fp_layout *layout, fp_store *store, fp_error *error);

/* The classifiers' part of it. */
int fp_derive_classifiers(const fp_layout *layout, fp_store *store, fp_error *error);
/* Rows of classifier_seeds for the fine-tunings of LAYOUT's classifiers. */
int fp_derive_seed_rows(fp_layout *layout, fp_error *error);

#endif
