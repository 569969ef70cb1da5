/* places.h: where a sweep keeps its files, and the specifications of its pieces of work.
 *
 *     CHECKPOINTS/MODEL/TASK/seed-S-DIGEST/step-N/   a checkpoint, a folder that Hugging Face loads
 *     CHECKPOINTS/MODEL/TASK/seed-S-DIGEST/state.safetensors   what the run needs to go on
 *     CHECKPOINTS/MODEL/TASK/seed-S-DIGEST/step-N.record   a checkpoint's record on its way into the result
 * file SCRATCH/sweep-DIGEST/vectors/I.safetensors    the vectors of representation I
 *     SCRATCH/sweep-DIGEST/records/KIND-I.safetensors   the record of unit I, or the like, on its way into
 * the result file SCRATCH/sweep-DIGEST/candidates/DIGEST-I.safetensors   scores of a grid search's shape I;
 * they stay for the next session SCRATCH/sweep-DIGEST/models/NAME/             models that start from random
 * weights
 *
 * SCRATCH and CHECKPOINTS are folders that the user may have named and may use for more than this: nothing
 * but what is listed here is ever removed. The DIGEST below SCRATCH is of the result file's path, so that
 * sweeps can share it. */
#ifndef FINEPROBE_SRC_PLACES_H
#define FINEPROBE_SRC_PLACES_H

#include "fineprobe/plan.h"
#include "schedule.h"

/* All of them absolute or relative to the current folder; free(). NULL only when memory is out. */
char *fp_place_scratch(const fp_grid *grid, fp_error *error); /* SCRATCH/sweep-DIGEST */
char *fp_place_run(const fp_plan *plan, size_t run, fp_error *error);
char *fp_place_checkpoint(const fp_plan *plan, size_t checkpoint,
                          fp_error *error); /* the original: the model's folder */
char *fp_place_vectors(const fp_plan *plan, size_t representation, fp_error *error);
char *fp_place_model(const fp_grid *grid, size_t model, fp_error *error);

/* The specification of ASSIGNMENT as text (free()), and the folders that it writes to made. EARLIER: attempts
 * of earlier sessions. */
char *fp_place_specify(const fp_plan *plan, const fp_assignment *assignment, int earlier, fp_error *error);

#endif
