/* grid_read.h: typed values out of the grid's tree, with notes on all that is wrong (inside the grid reader).
 */
#ifndef FINEPROBE_GRID_READ_H
#define FINEPROBE_GRID_READ_H

#include "fineprobe/grid.h"

typedef struct fp_grid_note {
    fp_place place;
    size_t order; /* of finding, for notes at one place */
    char *text;
} fp_grid_note;

typedef struct fp_grid_reader {
    const char *path;
    const char *folder; /* that relative paths start from */
    fp_grid_note *notes;
    size_t n_notes, capacity;
    int failed; /* 1 as soon as anything was noted */
} fp_grid_reader;

/* Notes a problem at PLACE; always returns -1. */
int fp_note(fp_grid_reader *reader, fp_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Moves the notes to PROBLEMS in the order of the file. */
void fp_notes_move(fp_grid_reader *reader, fp_problems *problems);

/* The tree of a YAML file. */
typedef enum fp_yaml_kind { FP_YAML_TEXT, FP_YAML_LIST, FP_YAML_MAP } fp_yaml_kind;

typedef struct fp_yaml_node {
    fp_yaml_kind kind;
    fp_place place;
    int plain;  /* text without quotes: may stand for a number or for nothing */
    int open;   /* not read to its end yet: an alias to it would be a circle */
    char *text; /* of FP_YAML_TEXT */
    size_t count, items_capacity, keys_capacity;
    struct fp_yaml_node **items; /* of a list; values of a map */
    struct fp_yaml_node **keys;  /* of a map: texts */
} fp_yaml_node;

typedef struct fp_yaml {
    fp_yaml_node *root;
    fp_yaml_node **nodes; /* all, each once: nodes are shared by aliases */
    size_t n_nodes, capacity;
} fp_yaml;

/* Merge keys are carried out, aliases shared. -1 when there is no tree to go on with; problems are noted. */
int fp_yaml_parse(fp_grid_reader *reader, const char *text, size_t size, fp_yaml *out);
void fp_yaml_free(fp_yaml *tree);

/* NULL when MAP is no map or has no such key. */
const fp_yaml_node *fp_yaml_get(const fp_yaml_node *map, const char *key);
int fp_yaml_is_null(const fp_yaml_node *node); /* nothing, ~ or null */

/* One key of a map and where its value goes. */
typedef enum fp_key_type {
    FP_KEY_OTHER, /* read by the caller */
    FP_KEY_TEXT,  /* char * */
    FP_KEY_PATH,  /* char *, relative to the grid's folder */
    FP_KEY_SIZE,  /* size_t */
    FP_KEY_INT,   /* int */
    FP_KEY_REAL   /* double */
} fp_key_type;

typedef struct fp_key {
    const char *name;
    fp_key_type type;
    size_t offset;      /* in the struct that is filled */
    double least, most; /* of numbers */
    const char *right;  /* what the value must be */
} fp_key;

/* Fills the struct at OUT from MAP; what is not in MAP stays. WHAT names the map in messages. -1 when NODE is
 * not a map; values that are wrong are only noted. KEYS ends with a name of NULL. */
int fp_read_keys(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, const fp_key *keys,
                 void *out);

/* Single values; -1 with a note when they are wrong. KEY->right says what would be right. */
int fp_read_value(fp_grid_reader *reader, const fp_yaml_node *node, const fp_key *key, void *out);
int fp_read_text(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, char **out);
int fp_read_integer(const fp_yaml_node *node, int64_t *out); /* no note */
int fp_read_real(const fp_yaml_node *node, double *out);     /* no note */
int fp_read_bytes(const fp_yaml_node *node, double *out);    /* "20 GB"; no note */
int fp_read_duration(const fp_yaml_node *node, double *out); /* "30 min" in seconds; no note */
int fp_read_seed(fp_grid_reader *reader, const fp_yaml_node *node, uint64_t *out);
/* One of WORDS (ended by NULL): its index, or -1 with a note. */
int fp_read_word(fp_grid_reader *reader, const fp_yaml_node *node, const char *what,
                 const char *const *words);
/* A name for rows and groups of the result file: no "/", no control characters, not too long. */
int fp_read_name(fp_grid_reader *reader, const fp_yaml_node *node, const char *what, char **out);
int fp_check_name(fp_grid_reader *reader, fp_place place, const char *what, const char *name);
/* Notes a key that is required and not there. */
const fp_yaml_node *fp_require(fp_grid_reader *reader, const fp_yaml_node *map, const char *what,
                               const char *key, const char *right);
/* An existing file or folder. */
int fp_require_path(fp_grid_reader *reader, fp_place place, const char *what, const char *path);
char *fp_grid_path(const fp_grid_reader *reader, const char *path);

/* The word of WORDS that TEXT may have been meant to be; NULL when none is near. */
const char *fp_nearest(const char *text, const char *const *words);

/* Whether PATH is not there, which is no problem when EXPECT (the key's node; NULL: none) says what it holds.
 */
int fp_grid_is_absent(const fp_yaml_node *expect, const char *path);

/* The parts of the grid. */
void fp_grid_expect_model(fp_grid_reader *reader, const fp_yaml_node *node, fp_bert_config *out);
void fp_grid_expect_task(fp_grid_reader *reader, const fp_yaml_node *node, fp_expected_task *out);
void fp_grid_read_models(fp_grid_reader *reader, const fp_yaml_node *root, fp_grid *grid,
                         const fp_finetune_settings *settings);
void fp_grid_read_finetune(fp_grid_reader *reader, const fp_yaml_node *node, fp_finetune_settings *out);
void fp_grid_read_tasks(fp_grid_reader *reader, const fp_yaml_node *root, fp_grid *grid);
void fp_grid_read_pairs(fp_grid_reader *reader, const fp_yaml_node *root, fp_grid *grid);
void fp_grid_read_steps(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_choice *out);
void fp_grid_read_layers(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_choice *out);
void fp_grid_read_seeds(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid *grid);
void fp_grid_default_probes(fp_grid *grid);
void fp_grid_read_probes(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid *grid);
void fp_grid_read_limits(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid_limits *out);
void fp_grid_read_output(fp_grid_reader *reader, const fp_yaml_node *node, fp_grid *grid);

#endif
