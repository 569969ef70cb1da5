/* sentence.h: formats with one sentence a line. */
#ifndef FINEPROBE_TASK_SENTENCE_H
#define FINEPROBE_TASK_SENTENCE_H

#include "task/collect.h"

/* Adds TEXT (cut at spaces, in place) as a sentence that is one instance. */
int fp_collect_sentence(fp_collector *collector, char *text, const char *label, fp_error *error);

#endif
