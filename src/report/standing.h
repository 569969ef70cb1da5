/* standing.h: how a sweep stands, read from its result file, also while it runs. */
#ifndef FINEPROBE_SRC_STANDING_H
#define FINEPROBE_SRC_STANDING_H

#include "fineprobe/store.h"

typedef enum fp_pulse {
    FP_PULSE_NEW,     /* no session has begun */
    FP_PULSE_BEATING, /* somebody is at work */
    FP_PULSE_SILENT,  /* no sign of life for a minute: stopped or killed */
    FP_PULSE_STOPPED, /* stopped early, with everything saved */
    FP_PULSE_OVER     /* every unit is done or failed */
} fp_pulse;

typedef struct fp_tally {
    size_t all, waiting, running, done, failed;
} fp_tally;

typedef struct fp_standing {
    fp_layout layout;
    unsigned char *probes[FP_N_PRODUCTS], *checkpoints; /* fp_status */
    fp_provenance_row *probe_rows[FP_N_PRODUCTS], *checkpoint_rows;
    fp_progress_row progress;
    fp_tally of_probes[FP_N_PRODUCTS], of_units; /* all of them together */
    fp_tally of_checkpoints;                     /* the originals are not counted */
    fp_pulse pulse;
} fp_standing;

/* NOW: seconds since 1970. */
int fp_standing_read(const char *file, double now, fp_standing *out, fp_error *error);
void fp_standing_free(fp_standing *standing);

enum { FP_SILENCE = 60 }; /* seconds without a sign of life after which a sweep counts as silent */

/* As fp_standing_read, of what is in memory already: the tallies and the pulse. */
void fp_standing_judge(fp_standing *standing, double now);

#endif
