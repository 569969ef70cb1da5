/* normalise.h: what the uncased tokeniser does to a text before it looks pieces up. */
#ifndef FINEPROBE_TEXT_NORMALISE_H
#define FINEPROBE_TEXT_NORMALISE_H

#include "fineprobe/error.h"
#include <stddef.h>

/* Cleaned, lower-cased, without accents; ideographs and punctuation stand between spaces, and the space is
 * the only white space. UTF-8 in fresh memory (free with free()); NULL with a message on failure. */
char *fp_normalise(const char *text, fp_error *error);

#endif
