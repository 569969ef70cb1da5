/* Scores of candidates in scratch. A file is written whole or not at all and says whose it is, so that one of
 * an earlier session serves as well. */
#include "fineprobe/memory.h"
#include "fineprobe/safetensors.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

static char *path_of(const fp_piece *piece, size_t shape, fp_error *error) {
    return fp_format(error, "%s-%zu.safetensors", piece->candidates, shape);
}

int fp_candidates_save(const fp_piece *piece, size_t shape, const fp_candidate *scores, fp_error *error) {
    size_t bytes = piece->classifier.n_l2 * sizeof *scores;
    fp_tensor_view view = {
        .name = "scores", .dtype = FP_U8, .rank = 1, .shape = {bytes}, .count = bytes, .data = scores};
    const char *const metadata[] = {"digest", piece->probe.digest, NULL};
    char *path = path_of(piece, shape, error);
    int rc = path ? fp_safetensors_write(path, &view, 1, metadata, error) : -1;
    free(path);
    return rc;
}

int fp_candidates_load(const fp_piece *piece, size_t shape, fp_candidate *scores, fp_error *error) {
    char *path = path_of(piece, shape, error);
    fp_safetensors *file = path ? fp_safetensors_open(path, error) : NULL;
    size_t bytes = piece->classifier.n_l2 * sizeof *scores;
    int rc = -1;
    if (file) {
        const fp_tensor_view *view = fp_safetensors_find(file, "scores");
        const char *digest = fp_safetensors_metadata(file, "digest");
        if (view && view->count == bytes && digest && strcmp(digest, piece->probe.digest) == 0) {
            memcpy(scores, view->data, bytes);
            rc = 0;
        } else {
            fp_fail(error, "%s is of another classifier", path);
        }
    }
    fp_safetensors_close(file);
    free(path);
    return rc;
}
