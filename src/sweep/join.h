/* join.h: the layouts of several result files made one, as if one sweep had planned all of it. */
#ifndef FINEPROBE_SRC_JOIN_H
#define FINEPROBE_SRC_JOIN_H

#include "fineprobe/store.h"

/* The union of N layouts, of the files PATHS: models, tasks, runs, checkpoints and units, each once; the grid
 * and the provenance of the first. Refused when two of them mean different things by one name: a model or a
 * task with another digest, a run or a unit that was made with other settings. Free OUT with fp_layout_free.
 */
int fp_layout_join(const fp_layout *parts, size_t n, const char *const *paths, fp_layout *out,
                   fp_error *error);

#endif
