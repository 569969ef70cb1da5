#include "text/vocabulary.h"

#include "fineprobe/memory.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A piece as it is looked up: without the "##" that marks a continuation. */
static const char *stem(const char *piece, int *continuing) {
    *continuing = strncmp(piece, "##", 2) == 0;
    return *continuing ? piece + 2 : piece;
}

static size_t first_bucket(const fp_vocabulary *vocabulary, const char *bytes, size_t size, int continuing) {
    return XXH3_64bits_withSeed(bytes, size, (XXH64_hash_t)continuing) & vocabulary->mask;
}

int32_t fp_vocabulary_find(const fp_vocabulary *vocabulary, const char *bytes, size_t size, int continuing) {
    if (size > vocabulary->longest)
        return -1;
    size_t at = first_bucket(vocabulary, bytes, size, continuing);
    for (int32_t id; (id = vocabulary->buckets[at]) >= 0; at = (at + 1) & vocabulary->mask) {
        int marked;
        const char *found = stem(vocabulary->pieces[id], &marked);
        if (marked == continuing && strncmp(found, bytes, size) == 0 && found[size] == '\0')
            return id;
    }
    return -1;
}

static int read_pieces(fp_vocabulary *vocabulary, fp_error *error) {
    size_t capacity = 0;
    int more;
    while ((more = fp_lines_next(&vocabulary->lines, error)) > 0) {
        if (vocabulary->count == INT32_MAX)
            return fp_lines_fail(&vocabulary->lines, vocabulary->lines.line, error, "too many pieces");
        if (fp_grow((void **)&vocabulary->pieces, &capacity, vocabulary->count + 1, sizeof(char *), error) <
            0)
            return -1;
        size_t size = strlen(vocabulary->lines.line);
        if (size > vocabulary->longest)
            vocabulary->longest = size;
        vocabulary->pieces[vocabulary->count++] = vocabulary->lines.line;
    }
    return more;
}

/* An empty line keeps its number and is never found. */
static int build_buckets(fp_vocabulary *vocabulary, fp_error *error) {
    size_t n = 16;
    while (n < 2 * vocabulary->count)
        n *= 2;
    vocabulary->mask = n - 1;
    vocabulary->buckets = fp_alloc(n, sizeof *vocabulary->buckets, "a vocabulary", error);
    if (!vocabulary->buckets)
        return -1;
    memset(vocabulary->buckets, 0xff, n * sizeof *vocabulary->buckets);
    for (size_t id = 0; id < vocabulary->count; id++) {
        int continuing;
        const char *bytes = stem(vocabulary->pieces[id], &continuing);
        size_t size = strlen(bytes);
        if (size == 0)
            continue;
        int32_t same = fp_vocabulary_find(vocabulary, bytes, size, continuing);
        if (same >= 0)
            return fp_fail(error, "%s:%zu: piece %s is already on line %d", vocabulary->lines.path, id + 1,
                           vocabulary->pieces[id], same + 1);
        size_t at = first_bucket(vocabulary, bytes, size, continuing);
        while (vocabulary->buckets[at] >= 0)
            at = (at + 1) & vocabulary->mask;
        vocabulary->buckets[at] = (int32_t)id;
    }
    return 0;
}

int fp_vocabulary_open(fp_vocabulary *vocabulary, const char *path, fp_error *error) {
    *vocabulary = (fp_vocabulary){0};
    if (fp_lines_open(&vocabulary->lines, path, FP_UTF8, error) < 0 || read_pieces(vocabulary, error) < 0)
        return -1;
    return build_buckets(vocabulary, error);
}

void fp_vocabulary_close(fp_vocabulary *vocabulary) {
    free(vocabulary->pieces);
    free(vocabulary->buckets);
    fp_lines_close(&vocabulary->lines);
    *vocabulary = (fp_vocabulary){0};
}
