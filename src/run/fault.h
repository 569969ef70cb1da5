/* fault.h: faults on purpose, for tests of what becomes of a sweep that meets them. The environment variable
 * FINEPROBE_FAULTS lists them, with commas between:
 *
 *     FAULT@KIND:INDEX       in every attempt at this piece of work
 *     FAULT@KIND:INDEXxN     in its first N attempts
 *
 * KIND: finetune, embed or probe; INDEX: of the run, representation or unit, as in the plan. FAULT: crash
 * (a segmentation fault), hang, memory (takes memory without end), disk (a write that fails, no space left),
 * write (a write that answered well and did not write what it was given; not of finetune). README, "When
 * things go wrong". */
#ifndef FINEPROBE_SRC_FAULT_H
#define FINEPROBE_SRC_FAULT_H

#include "fineprobe/piece.h"

/* What happens to PIECE before its work, and after its results are written; -1: an error. */
int fp_fault_before(const fp_piece *piece, fp_error *error);
int fp_fault_after(const fp_piece *piece, fp_error *error);

#endif
