/* digest.h: identities. A digest names everything that decides a result (weights, data, settings, version of
 * the algorithm), so that a result can be kept when the digest is the same and computed again when it is not.
 */
#ifndef FINEPROBE_DIGEST_H
#define FINEPROBE_DIGEST_H

#include "fineprobe/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct fp_digest {
    uint64_t high, low; /* XXH3, 128 bits */
} fp_digest;

enum { FP_DIGEST_TEXT = 33 }; /* 32 hexadecimal digits and the end */

typedef struct fp_digester fp_digester;

fp_digester *fp_digester_create(fp_error *error);
void fp_digester_destroy(fp_digester *digester);

/* What goes in from here on is written to OUT as well, a line "NAME VALUE" each, as far as it has room; bytes
 * are left out. */
void fp_digester_note(fp_digester *digester, char *out, size_t size);

/* Each piece goes in with its name and length, so that ("ab", "c") and ("a", "bc") differ. */
void fp_digest_bytes(fp_digester *digester, const char *name, const void *bytes, size_t size);
void fp_digest_text(fp_digester *digester, const char *name, const char *text);
void fp_digest_integer(fp_digester *digester, const char *name, int64_t value);
void fp_digest_real(fp_digester *digester, const char *name, double value);
void fp_digest_other(fp_digester *digester, const char *name, fp_digest value);
fp_digest fp_digest_end(const fp_digester *digester);

/* The digest of a file's bytes. */
int fp_digest_file(const char *path, fp_digest *out, fp_error *error);

int fp_digest_equal(fp_digest a, fp_digest b);
void fp_digest_format(fp_digest digest, char out[FP_DIGEST_TEXT]);
int fp_digest_parse(const char *text, fp_digest *out); /* 0, or -1 when TEXT is not 32 hexadecimal digits */

#endif
