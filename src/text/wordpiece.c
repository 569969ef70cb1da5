#include "fineprobe/wordpiece.h"

#include "fineprobe/memory.h"
#include "text/normalise.h"
#include "text/vocabulary.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_CHARACTERS = 100 }; /* of a word; a longer one is unknown */

struct fp_wordpiece {
    char *path;
    fp_vocabulary vocabulary;
    fp_special_pieces special;
};

/* Ids as they grow. */
typedef struct id_list {
    int32_t **ids;
    size_t *count, *capacity;
} id_list;

static int append(id_list list, int32_t id, fp_error *error) {
    if (fp_grow((void **)list.ids, list.capacity, *list.count + 1, sizeof id, error) < 0)
        return -1;
    (*list.ids)[(*list.count)++] = id;
    return 0;
}

static int find_special(const fp_wordpiece *tokenizer, const char *piece, int32_t *id, fp_error *error) {
    *id = fp_vocabulary_find(&tokenizer->vocabulary, piece, strlen(piece), 0);
    return *id < 0 ? fp_fail(error, "%s has no piece %s; it is not a BERT vocabulary", tokenizer->path, piece)
                   : 0;
}

static int open_all(fp_wordpiece *tokenizer, const char *vocab_path, fp_error *error) {
    fp_special_pieces *special = &tokenizer->special;
    tokenizer->path = fp_strdup(vocab_path, error);
    if (!tokenizer->path || fp_vocabulary_open(&tokenizer->vocabulary, tokenizer->path, error) < 0)
        return -1;
    find_special(tokenizer, "[MASK]", &special->mask, NULL); /* not needed */
    if (find_special(tokenizer, "[PAD]", &special->pad, error) < 0 ||
        find_special(tokenizer, "[UNK]", &special->unk, error) < 0 ||
        find_special(tokenizer, "[CLS]", &special->cls, error) < 0)
        return -1;
    return find_special(tokenizer, "[SEP]", &special->sep, error);
}

fp_wordpiece *fp_wordpiece_open(const char *vocab_path, fp_error *error) {
    fp_wordpiece *tokenizer = fp_alloc(1, sizeof *tokenizer, "a tokeniser", error);
    if (tokenizer && open_all(tokenizer, vocab_path, error) < 0) {
        fp_wordpiece_close(tokenizer);
        return NULL;
    }
    return tokenizer;
}

void fp_wordpiece_close(fp_wordpiece *tokenizer) {
    if (!tokenizer)
        return;
    fp_vocabulary_close(&tokenizer->vocabulary);
    free(tokenizer->path);
    free(tokenizer);
}

size_t fp_wordpiece_size(const fp_wordpiece *tokenizer) {
    return tokenizer->vocabulary.count;
}

fp_special_pieces fp_wordpiece_special(const fp_wordpiece *tokenizer) {
    return tokenizer->special;
}

const char *fp_wordpiece_piece(const fp_wordpiece *tokenizer, int32_t id) {
    return id >= 0 && (size_t)id < tokenizer->vocabulary.count ? tokenizer->vocabulary.pieces[id] : NULL;
}

static int is_continuation_byte(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t count_characters(const char *word, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += !is_continuation_byte(word[i]);
    return n;
}

/* The longest piece that begins WORD: its id and, in *SIZE, its bytes; -1 when there is none. */
static int32_t match_longest(const fp_vocabulary *vocabulary, const char *word, size_t *size,
                             int continuing) {
    for (size_t n = *size; n > 0; n--) {
        if (n < *size && is_continuation_byte(word[n]))
            continue;
        int32_t id = fp_vocabulary_find(vocabulary, word, n, continuing);
        if (id >= 0) {
            *size = n;
            return id;
        }
    }
    return -1;
}

static int encode_word(const fp_wordpiece *tokenizer, const char *word, size_t size, id_list out,
                       fp_error *error) {
    size_t before = *out.count;
    int known = count_characters(word, size) <= MAX_CHARACTERS;
    for (size_t at = 0; known && at < size;) {
        size_t n = size - at;
        int32_t id = match_longest(&tokenizer->vocabulary, word + at, &n, at > 0);
        if (id >= 0 && append(out, id, error) < 0)
            return -1;
        known = id >= 0;
        at += n;
    }
    if (known)
        return 0;
    *out.count = before; /* one piece unknown: the whole word is */
    return append(out, tokenizer->special.unk, error);
}

int fp_wordpiece_encode(const fp_wordpiece *tokenizer, const char *text, int32_t **ids, size_t *count,
                        size_t *capacity, fp_error *error) {
    char *normal = fp_normalise(text, error);
    int rc = normal ? 0 : -1;
    for (const char *at = normal; rc == 0 && *at;) {
        size_t size = strcspn(at, " ");
        if (size > 0)
            rc = encode_word(tokenizer, at, size, (id_list){ids, count, capacity}, error);
        at += size + (at[size] == ' ');
    }
    free(normal);
    return rc;
}
