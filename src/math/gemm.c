#include "math/gemm.h"

enum {
    WORTH_SHARING = 1 << 17, /* multiplications and additions that take longer than waking a thread */
    CUT = 32                 /* cuts fall at multiples of this */
};

typedef struct sharing {
    const fp_team *team;
    const fp_product *product;
    int by_columns;
    size_t share; /* rows or columns of a part */
} sharing;

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void do_part(void *context, size_t part, int thread) {
    const sharing *s = context;
    const fp_product *p = s->product;
    size_t length = s->by_columns ? p->n : p->m, first = part * s->share;
    size_t count = smaller(s->share, length - first);
    fp_area of = s->by_columns ? (fp_area){0, p->m, first, count} : (fp_area){first, count, 0, p->n};
    fp_team_kernels(s->team)->product(p, of, fp_team_room(s->team, thread));
}

void fp_gemm(fp_team *team, const fp_product *p) {
    size_t threads = (size_t)fp_team_threads(team);
    if (p->m == 0 || p->n == 0)
        return;
    sharing s = {.team = team, .product = p, .by_columns = p->sums_columns || p->n > p->m};
    size_t length = s.by_columns ? p->n : p->m;
    s.share = length;
    if (threads > 1 && 2 * p->m * p->n * p->k > WORTH_SHARING)
        s.share = (((length + threads - 1) / threads) + CUT - 1) / CUT * CUT;
    fp_team_run(team, (length + s.share - 1) / s.share, do_part, &s);
}

void fp_gemm_nt(fp_team *team, size_t m, size_t n, size_t k, fp_block a, fp_block b, int add, float *y,
                size_t stride) {
    fp_gemm(team,
            &(fp_product){
                .m = m, .n = n, .k = k, .a = a, .b = b, .b_turned = 1, .add = add, .y = y, .stride = stride});
}

void fp_gemm_nn(fp_team *team, size_t m, size_t n, size_t k, fp_block a, fp_block b, int add, float *y,
                size_t stride) {
    fp_gemm(team,
            &(fp_product){.m = m, .n = n, .k = k, .a = a, .b = b, .add = add, .y = y, .stride = stride});
}

void fp_gemm_tn(fp_team *team, size_t m, size_t n, size_t k, fp_block a, fp_block b, int add, float *y,
                size_t stride) {
    fp_gemm(team,
            &(fp_product){
                .m = m, .n = n, .k = k, .a = a, .b = b, .a_turned = 1, .add = add, .y = y, .stride = stride});
}
