/* team.h: threads that share work out among themselves. What a part of the work does must depend on its
 * number alone, not on the thread that gets it: then results do not depend on how many threads there are. */
#ifndef FINEPROBE_MATH_TEAM_H
#define FINEPROBE_MATH_TEAM_H

#include "fineprobe/error.h"
#include "math/kernels.h"

typedef struct fp_team fp_team;

/* THREADS (at least 1) with the caller, who is number 0. */
fp_team *fp_team_create(int threads, fp_error *error);
void fp_team_free(fp_team *team);
int fp_team_threads(const fp_team *team);
const fp_kernels *fp_team_kernels(const fp_team *team); /* the fastest that this CPU runs */
/* Bytes that a team of THREADS holds. */
size_t fp_team_memory(int threads);

/* Memory of THREAD's own for products: FP_PRODUCT_ROOM floats. */
float *fp_team_room(const fp_team *team, int thread);

/* Calls WORK for parts 0 .. N-1, each once and in any order, and returns when all are done. Parts must not
 * call it again. */
typedef void fp_team_work(void *context, size_t part, int thread);
void fp_team_run(fp_team *team, size_t n, fp_team_work *work, void *context);

#endif
