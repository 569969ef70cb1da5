#include "fineprobe/digest.h"

#include "fineprobe/file.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct fp_digester {
    XXH3_state_t *state;
    char *notes; /* NULL: none are wanted */
    size_t room;
};

fp_digester *fp_digester_create(fp_error *error) {
    fp_digester *digester = malloc(sizeof *digester);
    XXH3_state_t *state = XXH3_createState();
    if (!digester || !state) {
        free(digester);
        XXH3_freeState(state);
        fp_fail_memory(error, "a digest", sizeof *digester);
        return NULL;
    }
    *digester = (fp_digester){.state = state};
    XXH3_128bits_reset(state);
    return digester;
}

void fp_digester_destroy(fp_digester *digester) {
    if (!digester)
        return;
    XXH3_freeState(digester->state);
    free(digester);
}

void fp_digester_note(fp_digester *digester, char *out, size_t size) {
    digester->notes = out;
    digester->room = size;
    *out = '\0';
}

static void note(fp_digester *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(fp_digester *d, const char *format, ...) {
    va_list args;
    if (!d->notes)
        return;
    va_start(args, format);
    int n = vsnprintf(d->notes, d->room, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n < d->room ? (size_t)n : d->room - 1;
    d->notes += used;
    d->room -= used;
}

void fp_digest_bytes(fp_digester *digester, const char *name, const void *bytes, size_t size) {
    uint64_t lengths[2] = {strlen(name), size};
    XXH3_128bits_update(digester->state, lengths, sizeof lengths);
    XXH3_128bits_update(digester->state, name, lengths[0]);
    if (size)
        XXH3_128bits_update(digester->state, bytes, size);
}

void fp_digest_text(fp_digester *digester, const char *name, const char *text) {
    fp_digest_bytes(digester, name, text, strlen(text));
    note(digester, "%s %s\n", name, text);
}

void fp_digest_integer(fp_digester *digester, const char *name, int64_t value) {
    fp_digest_bytes(digester, name, &value, sizeof value);
    note(digester, "%s %lld\n", name, (long long)value);
}

void fp_digest_real(fp_digester *digester, const char *name, double value) {
    fp_digest_bytes(digester, name, &value, sizeof value);
    note(digester, "%s %.17g\n", name, value);
}

void fp_digest_other(fp_digester *digester, const char *name, fp_digest value) {
    char text[FP_DIGEST_TEXT];
    fp_digest_bytes(digester, name, &value, sizeof value);
    fp_digest_format(value, text);
    note(digester, "%s %s\n", name, text);
}

fp_digest fp_digest_end(const fp_digester *digester) {
    XXH128_hash_t hash = XXH3_128bits_digest(digester->state);
    return (fp_digest){hash.high64, hash.low64};
}

int fp_digest_file(const char *path, fp_digest *out, fp_error *error) {
    fp_file_map map;
    if (fp_file_map_open(path, &map, error) < 0)
        return -1;
    XXH128_hash_t hash = XXH3_128bits(map.bytes, map.size);
    *out = (fp_digest){hash.high64, hash.low64};
    fp_file_map_close(&map);
    return 0;
}

int fp_digest_equal(fp_digest a, fp_digest b) {
    return a.high == b.high && a.low == b.low;
}

void fp_digest_format(fp_digest digest, char out[FP_DIGEST_TEXT]) {
    snprintf(out, FP_DIGEST_TEXT, "%016" PRIx64 "%016" PRIx64, digest.high, digest.low);
}

int fp_digest_parse(const char *text, fp_digest *out) {
    if (strlen(text) != FP_DIGEST_TEXT - 1 || strspn(text, "0123456789abcdef") != FP_DIGEST_TEXT - 1)
        return -1;
    char half[17] = {0};
    memcpy(half, text, 16);
    out->high = strtoull(half, NULL, 16);
    out->low = strtoull(text + 16, NULL, 16);
    return 0;
}
