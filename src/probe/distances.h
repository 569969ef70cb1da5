/* distances.h: distances between the hulls of clusters with different labels, and what labels have of them.
 */
#ifndef FINEPROBE_PROBE_DISTANCES_H
#define FINEPROBE_PROBE_DISTANCES_H

#include "extents.h"
#include "fineprobe/directprobe.h"
#include "grouping.h"
#include "math/team.h"

/* Fills the distances, counts and certificates of RESULT, whose clusters are known and whose arrays are zero.
 * PROGRESS goes from FROM to 1. */
int fp_measure_distances(const fp_grouping *grouping, const fp_extents *extents,
                         const fp_directprobe_settings *settings, fp_team *team, fp_probe_progress *progress,
                         void *context, double from, fp_directprobe_result *result, fp_error *error);

#endif
