#include "sweep/changes.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lines of SETTINGS under the head "[HEAD]"; NULL when there are none. */
static const char *section(const char *settings, const char *head) {
    char line[512];
    int n = snprintf(line, sizeof line, "[%s]\n", head);
    const char *at = settings;
    while (at && (at = strstr(at, line)) && at != settings && at[-1] != '\n')
        at++;
    return at ? at + n : NULL;
}

/* The value of NAME in a section; 0: it is not there. */
static int value(const char *lines, const char *name, size_t length, char out[64]) {
    for (const char *at = lines; at && *at && *at != '['; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && at[length] == ' ') {
            size_t n = strcspn(at + length + 1, "\n");
            snprintf(out, 64, "%.*s", (int)n, at + length + 1);
            return 1;
        }
    return 0;
}

/* Numbers as people write them: 0.0003, not 0.00029999999999999997. */
static void shorten(char text[64]) {
    char *end;
    double number = strtod(text, &end);
    if (*end == '\0' && strchr(text, '.'))
        snprintf(text, 64, "%.6g", number);
}

static int is_version(const char *name, size_t length) {
    static const char *const versions[] = {"finetune", "embed", "directprobe"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (strlen(versions[i]) == length && memcmp(versions[i], name, length) == 0)
            return 1;
    for (fp_product_kind kind = 0; kind < FP_N_PRODUCTS; kind++)
        if (strlen(fp_record_kinds[kind]->name) == length &&
            memcmp(fp_record_kinds[kind]->name, name, length) == 0)
            return 1;
    return 0;
}

static void append(char out[FP_CHANGE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char out[FP_CHANGE], const char *format, ...) {
    size_t used = strlen(out);
    va_list args;
    if (used) {
        snprintf(out + used, FP_CHANGE - used, ", ");
        used = strlen(out);
    }
    va_start(args, format);
    vsnprintf(out + used, FP_CHANGE - used, format, args);
    va_end(args);
}

/* What differs between two sections, in words. */
static void compare(const char *old, const char *new, const char *what, char out[FP_CHANGE]) {
    for (const char *at = new; at &&old &&*at &&*at != '[';
         at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
        size_t length = strcspn(at, " \n");
        char before[64], after[64];
        if ((length == 10 && memcmp(at, "checkpoint", 10) == 0) ||
            (length == 5 && memcmp(at, "layer", 5) == 0) || !value(new, at, length, after))
            continue;
        int known = value(old, at, length, before);
        if (known && strcmp(before, after) == 0)
            continue;
        shorten(before);
        shorten(after);
        if (length == 5 && memcmp(at, "model", 5) == 0)
            append(out, "the model has other weights");
        else if (length == 4 && memcmp(at, "task", 4) == 0)
            append(out, "the task has other data");
        else if (is_version(at, length))
            append(out, "this program computes %.*s in another way", (int)length, at);
        else if (known)
            append(out, "%s: %.*s %s, was %s", what, (int)length, at, after, before);
        else
            append(out, "%s: %.*s is new", what, (int)length, at);
    }
}

static const char *digest_of_model(const fp_layout *layout, const char *name) {
    for (size_t i = 0; i < layout->n_models; i++)
        if (strcmp(layout->models[i].name, name) == 0)
            return layout->models[i].digest;
    return "";
}

void fp_changes_add(fp_changes *changes, const fp_layout *old, const fp_layout *new, fp_product_kind kind,
                    const fp_probe_identity *row) {
    char why[FP_CHANGE] = "", head[400];
    if (row->run >= 0) {
        snprintf(head, sizeof head, "run %s %s %lld", row->model, row->finetuned_on, (long long)row->seed);
        compare(section(old->settings, head), section(new->settings, head), "fine-tuning", why);
    } else if (strcmp(digest_of_model(old, row->model), digest_of_model(new, row->model)) != 0) {
        append(why, "the model has other weights");
    }
    snprintf(head, sizeof head, "%s %s", fp_record_kinds[kind]->name, row->results);
    char probing[FP_CHANGE] = "";
    compare(section(old->settings, head), section(new->settings, head), "probing", probing);
    if (*probing && !strstr(why, probing))
        append(why, "%s", probing);
    if (!*why)
        append(why, "the older file does not tell why");
    for (size_t i = 0; i < changes->count; i++)
        if (strcmp(changes->of[i].why, why) == 0) {
            changes->of[i].units++;
            return;
        }
    if (changes->count == FP_MOST_CHANGES)
        return;
    fp_copy_text(changes->of[changes->count].why, FP_CHANGE, why);
    changes->of[changes->count++].units = 1;
}
