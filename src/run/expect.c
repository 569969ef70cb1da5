/* Data and models may change on disk while a sweep runs. A result must not be stored under the digest of what
 * they were. */
#include "fineprobe/file.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

int fp_model_digest(fp_digest weights, fp_digest vocab, fp_digest *out, fp_error *error) {
    fp_digester *d = fp_digester_create(error);
    if (!d)
        return -1;
    fp_digest_other(d, "weights", weights);
    fp_digest_other(d, "vocab", vocab);
    *out = fp_digest_end(d);
    fp_digester_destroy(d);
    return 0;
}

static int expect(fp_digest digest, const char *expected, const char *what, const char *name,
                  fp_error *error) {
    char text[FP_DIGEST_TEXT];
    fp_digest_format(digest, text);
    if (strcmp(text, expected) == 0)
        return 0;
    return fp_fail(error,
                   "%s %s is not what it was when the sweep was planned; run the sweep again to plan anew",
                   what, name);
}

int fp_expect_model(const fp_bert *model, const char *folder, const char *expected, fp_error *error) {
    if (!expected[0])
        return 0;
    fp_digest vocab, digest;
    char *path = fp_path_join(folder, "vocab.txt", error);
    int rc = path ? fp_digest_file(path, &vocab, error) : -1;
    if (rc == 0)
        rc = fp_model_digest(fp_bert_digest(model, error), vocab, &digest, error);
    free(path);
    return rc == 0 ? expect(digest, expected, "model", folder, error) : -1;
}

int fp_expect_task(const fp_task *task, const char *expected, fp_error *error) {
    fp_digest digest;
    if (!expected[0])
        return 0;
    return fp_task_digest(task, &digest, error) == 0 ? expect(digest, expected, "task", task->name, error)
                                                     : -1;
}
