/* probe_result.h: what DirectProbe found, as JSON; `fineprobe probe --help` documents it. */
#ifndef FINEPROBE_SRC_PROBE_RESULT_H
#define FINEPROBE_SRC_PROBE_RESULT_H

#include "fineprobe/directprobe.h"
#include "points.h"

/* NULL when memory is out. */
json_t *fp_probe_result_json(const fp_points_source *source, const fp_points *points,
                             const fp_directprobe_result *result, int centroids, double seconds);

#endif
