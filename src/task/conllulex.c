/* STREUSLE's format: CoNLL-U and nine columns on lexical expressions. */
#include "task/conllu.h"

#include <string.h>

typedef struct selection {
    int column; /* of the supersense that is the label */
    const char *name;
    const char *const *lexcats;
    size_t n_lexcats;
} selection;

static int is_selected(const selection *wanted, const char *lexcat) {
    for (size_t i = 0; i < wanted->n_lexcats; i++) {
        if (strcmp(wanted->lexcats[i], lexcat) == 0)
            return 1;
    }
    return 0;
}

/* Single-token expressions of the wanted categories whose supersense is a preposition's. */
static int add_preposition(fp_collector *collector, uint32_t index, char **fields, const void *context,
                           fp_error *error) {
    const selection *wanted = context;
    const char *label = fields[wanted->column];
    if (strcmp(fields[FP_SMWE], "_") != 0 || !is_selected(wanted, fields[FP_LEXCAT]))
        return 0;
    if (label[0] != '\0' && strncmp(label, "p.", 2) != 0)
        return 0;
    return fp_collect_instance(collector, index, index, label, wanted->name, error);
}

int fp_read_conllulex(fp_collector *collector, fp_error *error) {
    static const char *const usual[] = {"P", "INF.P", "PRON.POSS", "POSS"};
    const fp_task_spec *spec = collector->spec;
    selection wanted = {FP_SS, "SS", usual, sizeof usual / sizeof usual[0]};
    if (spec->label && strcmp(spec->label, "function") == 0) {
        wanted.column = FP_SS2;
        wanted.name = "SS2";
    } else if (spec->label && strcmp(spec->label, "role") != 0) {
        return fp_fail(error, "label is \"%s\", role or function was expected", spec->label);
    }
    if (spec->lexcats) {
        wanted.lexcats = (const char *const *)spec->lexcats;
        wanted.n_lexcats = spec->n_lexcats;
    }
    return fp_read_conllu_lines(collector, FP_CONLLULEX_COLUMNS, add_preposition, &wanted, error);
}
