/* piece.h: pieces of work. A rank is a supervisor; a piece is a child process of it (the same executable)
 * that reads one specification (JSON, standard input), writes its results to files in scratch, reports in
 * JSON lines, and exits. It knows no MPI and no HDF5, so a crash, an overrun or a hang ends the piece and
 * nothing else. */
#ifndef FINEPROBE_PIECE_H
#define FINEPROBE_PIECE_H

#include "fineprobe/classifier.h"
#include "fineprobe/directprobe.h"
#include "fineprobe/finetune.h"
#include "fineprobe/record.h"
#include "fineprobe/task.h"

typedef enum fp_piece_kind {
    FP_PIECE_FINETUNE,   /* carry a run on to a checkpoint: folders and records of the checkpoints on the way,
                            its state */
    FP_PIECE_EMBED,      /* vectors of a task's instances at the wanted layers of one checkpoint */
    FP_PIECE_PROBE,      /* one unit: its record */
    FP_PIECE_CANDIDATES, /* a part of a classifier's grid search: one shape with all L2 weights */
    FP_PIECE_CLASSIFIER, /* the rest of it, and its record; the following ones: their records */
    FP_PIECE_CONTROL,
    FP_PIECE_CODE,
    FP_PIECE_MEMORISATION
} fp_piece_kind;
enum { FP_PIECE_KINDS = FP_PIECE_MEMORISATION + 1 };
/* What a piece of probing hands in, or has a part in. */
fp_product_kind fp_piece_product(fp_piece_kind kind);

typedef struct fp_piece_checkpoint {
    int64_t index;         /* in the layout's checkpoints */
    fp_checkpoint_row row; /* identity; STEP is where to stop */
    char *folder;          /* where the model goes */
    char *record;          /* where the record goes */
} fp_piece_checkpoint;

typedef struct fp_piece {
    fp_piece_kind kind;
    int64_t index; /* finetune: run; embed: representation; others: row in the table of what is probed */
    int threads;
    int attempt;                      /* counted from 1, all sessions together */
    double time_limit, silence_limit; /* seconds: in all; without a report */
    double memory_limit;              /* bytes */
    /* finetune, embed */
    char *model; /* folder */
    fp_task_spec task;
    char model_digest[FP_DIGEST], task_digest[FP_DIGEST]; /* what they were when planned; "": not checked */
    /* finetune */
    fp_finetune_settings settings;
    char *state;        /* the run's state: gone on from when it is there, left behind at every checkpoint */
    int64_t losses_at;  /* of the run, in the dataset losses */
    int64_t start_step; /* the checkpoint before the first of these; 0: none */
    size_t n_checkpoints;
    fp_piece_checkpoint *checkpoints; /* ascending; the last ends the piece */
    /* embed, probe */
    char *vectors; /* file of the representation */
    /* embed */
    size_t n_layers;
    int *layers;
    /* probe */
    fp_unit_row unit; /* identity */
    fp_group group;   /* shapes of the record */
    fp_directprobe_settings directprobe;
    char *record;
    /* those that train classifiers; GROUP, RECORD, VECTORS as above */
    fp_probe_identity probe;
    fp_classifier_settings classifier;
    size_t shape;     /* candidates: which one of the settings */
    char *candidates; /* files of the candidates' scores: this, "-SHAPE.safetensors" */
} fp_piece;

/* Specifications as text; free() the text, fp_piece_free the piece. */
char *fp_piece_format(const fp_piece *piece, fp_error *error);
int fp_piece_parse(const char *text, fp_piece *out, fp_error *error);
void fp_piece_free(fp_piece *piece);

typedef enum fp_report_kind {
    FP_REPORT_PROGRESS,   /* SHARE done */
    FP_REPORT_CHECKPOINT, /* checkpoint INDEX is saved, its record written; SECONDS since the one before,
                             MEMORY */
    FP_REPORT_DONE,       /* the last report of a piece that succeeded; SECONDS it took */
    FP_REPORT_STOPPED,    /* the last report of one that was asked to stop: what it needs to go on is saved */
    FP_REPORT_ERROR       /* MESSAGE; the last report of one that failed */
} fp_report_kind;

typedef struct fp_report {
    fp_report_kind kind;
    double share, seconds, memory; /* MEMORY: peak of the process so far, bytes */
    int64_t index;
    int cause; /* of an error, as in fp_error */
    char message[FP_MESSAGE];
} fp_report;

int fp_report_parse(const char *line, fp_report *out);
/* One line with its newline into OUT; its length. */
size_t fp_report_format(const fp_report *report, char *out, size_t size);

/* Carries PIECE out, reporting to the file descriptor REPORTS. 0, or -1 after an error report. *STOP (may be
 * NULL), set by a signal handler: a run saves its state and stops. */
int fp_piece_run(const fp_piece *piece, int reports, volatile int *stop);

/* Exit codes of a piece's process. */
enum { FP_PIECE_OK = 0, FP_PIECE_ERROR = 1 };

/* Vectors files (safetensors): "layer.L.train" and "layer.L.test" [instances, width] float32, "labels.train"
 * and "labels.test" int64, of words and pairs "words.train" and "words.test" int64 (a hash of the word, of
 * the dependent), metadata "labels" (JSON list of names), "task". A split without instances has no tensors.
 */
int fp_vectors_write(const char *path, const fp_task *task, const fp_encoded data[2], const int *layers,
                     size_t n_layers, size_t width, float *const *const vectors[2], fp_error *error);

/* A representation in memory: the vectors of one split at one layer, and its labels. */
typedef struct fp_vectors {
    size_t n, width;
    float *points;   /* [n, width] */
    int32_t *labels; /* [n] */
    int64_t *
        words; /* [n] what word each is of, the same number for the same word in every file; NULL: not told */
} fp_vectors;

/* SPLIT: "train" or "test". */
int fp_vectors_read(const char *path, int layer, const char *split, fp_vectors *out, fp_error *error);
void fp_vectors_free(fp_vectors *vectors);

#endif
