#include "text/normalise.h"

#include "fineprobe/memory.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xFFFD, MAX_UTF8 = 4 };

static int is_ideograph(int32_t c) {
    static const int32_t ranges[][2] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                        {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                        {0x2B820, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return 1;
    }
    return 0;
}

static int is_ascii_punctuation(int32_t c) {
    return c > ' ' && c < 127 &&
           !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

static int is_punctuation(int32_t c) {
    if (c < 128)
        return is_ascii_punctuation(c);
    utf8proc_category_t category = utf8proc_category(c);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

/* A space for white space, 0 for what is dropped, else the character in lower case. */
static int32_t clean(int32_t c) {
    if (c == '\t' || c == '\n' || c == '\r')
        return ' ';
    if (c == REPLACEMENT)
        return 0;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CN: /* not assigned */
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
        return 0;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return ' ';
    default:
        return utf8proc_tolower(c);
    }
}

static char *put(char *out, int32_t c) {
    return out + utf8proc_encode_char(c, (utf8proc_uint8_t *)out);
}

static char *put_apart(char *out, int32_t c) {
    return put(put(put(out, ' '), c), ' ');
}

/* Cleaning and lower case. OUT has room for 3 bytes a byte: an ideograph of 3 bytes gets two spaces, U+0130
 * and the like grow by less. */
static size_t clean_text(const char *text, size_t size, char *out) {
    const char *begin = out;
    for (size_t i = 0; i < size;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(size - i), &c);
        i += n > 0 ? (size_t)n : 1;
        if (n <= 0) /* not UTF-8 */
            continue;
        c = clean(c);
        if (c && is_ideograph(c))
            out = put_apart(out, c);
        else if (c)
            out = put(out, c);
    }
    return (size_t)(out - begin);
}

/* Canonical decomposition of SIZE bytes; *COUNT code points in fresh memory. */
static int32_t *decompose(const char *text, size_t size, size_t *count, fp_error *error) {
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    utf8proc_ssize_t n = utf8proc_decompose(bytes, (utf8proc_ssize_t)size, NULL, 0, options);
    int32_t *out = n < 0 ? NULL : fp_alloc((size_t)n, sizeof *out, "a text", error);
    if (n >= 0 && out)
        n = utf8proc_decompose(bytes, (utf8proc_ssize_t)size, out, n, options);
    if (n < 0) {
        fp_fail(error, "cannot normalise a text: %s", utf8proc_errmsg(n));
        free(out);
        return NULL;
    }
    *count = (size_t)n;
    return out;
}

static char *normalise_unicode(const char *text, size_t size, fp_error *error) {
    char *cleaned = fp_alloc(3 * size + 1, 1, "a text", error), *out = NULL;
    size_t count = 0;
    int32_t *points = cleaned ? decompose(cleaned, clean_text(text, size, cleaned), &count, error) : NULL;
    if (points)
        out = fp_alloc((MAX_UTF8 + 2) * count + 1, 1, "a text", error);
    char *end = out;
    for (size_t i = 0; out && i < count; i++) {
        if (is_punctuation(points[i]))
            end = put_apart(end, points[i]);
        else if (utf8proc_category(points[i]) != UTF8PROC_CATEGORY_MN)
            end = put(end, points[i]);
    }
    free(points);
    free(cleaned);
    return out;
}

static char *normalise_ascii(const char *text, size_t size, fp_error *error) {
    char *out = fp_alloc(3 * size + 1, 1, "a text", error), *end = out;
    for (const char *at = text; out && *at; at++) {
        if (is_ascii_punctuation(*at)) {
            *end++ = ' ';
            *end++ = *at;
            *end++ = ' ';
        } else if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') {
            *end++ = ' ';
        } else if (*at > ' ' && *at < 127) {
            *end++ = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
        }
    }
    return out;
}

char *fp_normalise(const char *text, fp_error *error) {
    size_t size = 0;
    unsigned char seen = 0;
    for (; text[size]; size++)
        seen |= (unsigned char)text[size];
    return seen < 128 ? normalise_ascii(text, size, error) : normalise_unicode(text, size, error);
}
