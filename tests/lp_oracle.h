/* lp_oracle.h: do two hulls meet? Asked of GLPK's simplex method: are there convex combinations of either
 * side that are equal? */
#ifndef FINEPROBE_TESTS_LP_ORACLE_H
#define FINEPROBE_TESTS_LP_ORACLE_H

#include "fineprobe/hull.h"
#include <glpk.h>
#include <stdlib.h>

static inline int lp_hulls_meet(size_t d, fp_hull_set a, fp_hull_set b) {
    size_t columns = a.count + b.count, entries = columns * (d + 1);
    glp_prob *problem = glp_create_prob();
    int *row = calloc(entries + 1, sizeof *row), *column = calloc(entries + 1, sizeof *column), n = 0;
    double *value = calloc(entries + 1, sizeof *value);
    if (!row || !column || !value)
        abort();
    glp_add_rows(problem, (int)d + 2);
    glp_add_cols(problem, (int)columns);
    for (size_t j = 0; j < columns; j++) {
        int second = j >= a.count, at = (int)j + 1;
        fp_hull_set set = second ? b : a;
        size_t i = second ? j - a.count : j;
        const float *x = set.points + (set.index ? set.index[i] : i) * d;
        glp_set_col_bnds(problem, at, GLP_LO, 0, 0);
        row[++n] = second ? 2 : 1;
        column[n] = at;
        value[n] = 1;
        for (size_t k = 0; k < d; k++) {
            row[++n] = (int)k + 3;
            column[n] = at;
            value[n] = second ? -x[k] : x[k];
        }
    }
    for (size_t k = 0; k < d + 2; k++)
        glp_set_row_bnds(problem, (int)k + 1, GLP_FX, k < 2 ? 1 : 0, 0);
    glp_load_matrix(problem, n, row, column, value);
    glp_smcp settings;
    glp_init_smcp(&settings);
    settings.msg_lev = GLP_MSG_OFF;
    settings.tol_bnd = 1e-9;
    glp_simplex(problem, &settings);
    int meet = glp_get_status(problem) == GLP_OPT;
    glp_delete_prob(problem);
    free(row);
    free(column);
    free(value);
    return meet;
}

#endif
