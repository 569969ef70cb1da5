#include "report/paper.h"

#include <string.h>
#include <strings.h>

const char *fp_paper_model_of(const fp_model_row *model) {
    for (size_t i = 0; i < fp_paper_n_models; i++) {
        const fp_paper_model *m = &fp_paper_models[i];
        if (m->layers == model->layers && m->hidden == model->hidden && m->heads == model->heads)
            return m->name;
    }
    return NULL;
}

int fp_paper_is_task(const char *name, const char *paper) {
    return strcasecmp(name, paper) == 0 || (strcasecmp(name, "TREC") == 0 && strcmp(paper, "TREC-50") == 0);
}

const fp_paper_probing *fp_paper_probing_of(const char *model, const char *task, int tuned) {
    for (size_t i = 0; model && i < fp_paper_n_table7; i++) {
        const fp_paper_probing *row = &fp_paper_table7[i];
        if (strcmp(row->model, model) == 0 && fp_paper_is_task(task, row->task) && row->tuned == tuned)
            return row;
    }
    return NULL;
}

const fp_paper_cross *fp_paper_cross_of(const char *model, const char *tuned, const char *probed) {
    for (size_t i = 0; model && i < fp_paper_n_table5; i++) {
        const fp_paper_cross *row = &fp_paper_table5[i];
        if (strcmp(row->model, model) == 0 && fp_paper_is_task(tuned, row->tuned) &&
            fp_paper_is_task(probed, row->probed))
            return row;
    }
    return NULL;
}
