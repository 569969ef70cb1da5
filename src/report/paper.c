/* The paper's published figures, for comparison: Zhou and Srikumar, "A Closer Look at How Fine-tuning Changes
 * BERT", ACL 2022, pages 1046-1061, doi 10.18653/v1/2022.acl-long.75, tables 7 and 5. Accuracies in per cent.
 */
#include "report/paper.h"

#include <math.h>

const char fp_paper_citation[] =
    "Yichu Zhou and Vivek Srikumar. A Closer Look at How Fine-tuning Changes BERT. ACL 2022, pages "
    "1046\xE2\x80\x93"
    "1061. doi:10.18653/v1/2022.acl-long.75";

const fp_paper_model fp_paper_models[] = {
    {"tiny", 2, 128, 2},   {"mini", 4, 256, 4},   {"small", 4, 512, 8},
    {"medium", 8, 512, 8}, {"base", 12, 768, 12},
};
const size_t fp_paper_n_models = sizeof fp_paper_models / sizeof *fp_paper_models;

/* Table 7. clang-format off keeps one line a row. */
// clang-format off
const fp_paper_probing fp_paper_table7[] = {
    {"tiny", "POS", 0, 90.76, 0.24, {256, 64}, 3936, 0, NAN},
    {"tiny", "POS", 1, 91.67, 0.29, {64, 64}, 20, 0, NAN},
    {"tiny", "DEP", 0, 86.74, 0.22, {256, 256}, 653, 0, NAN},
    {"tiny", "DEP", 1, 89.04, 0.20, {256, 256}, 46, 1, 0.88},
    {"tiny", "PS-fxn", 0, 74.14, 1.42, {256, 256}, 402, 0, NAN},
    {"tiny", "PS-fxn", 1, 74.40, 0.68, {256, 128}, 40, 1, 0.72},
    {"tiny", "PS-role", 0, 58.38, 0.78, {256, 64}, 46, 1, 0.76},
    {"tiny", "PS-role", 1, 60.31, 0.29, {64, 64}, 46, 1, 0.70},
    {"tiny", "TREC-50", 0, 68.12, 0.82, {256, 256}, 399, 0, NAN},
    {"tiny", "TREC-50", 1, 84.04, 0.93, {256, 256}, 51, 0, NAN},
    {"mini", "POS", 0, 93.81, 0.10, {256, 32}, 2429, 0, NAN},
    {"mini", "POS", 1, 94.91, 0.03, {256, 32}, 17, 1, 0.70},
    {"mini", "DEP", 0, 91.82, 0.09, {256, 128}, 46, 1, 0.93},
    {"mini", "DEP", 1, 93.55, 0.07, {256, 128}, 46, 1, 0.86},
    {"mini", "PS-fxn", 0, 82.45, 1.07, {256, 256}, 40, 1, 0.77},
    {"mini", "PS-fxn", 1, 84.25, 0.39, {256, 128}, 40, 1, 0.53},
    {"mini", "PS-role", 0, 68.05, 1.08, {256, 256}, 46, 1, 0.81},
    {"mini", "PS-role", 1, 71.90, 1.06, {256, 64}, 46, 1, 0.59},
    {"mini", "TREC-50", 0, 74.12, 1.25, {256, 256}, 127, 0, NAN},
    {"mini", "TREC-50", 1, 88.36, 0.50, {64, 32}, 52, 0, NAN},
    {"small", "POS", 0, 94.26, 0.13, {256, 32}, 17, 1, 0.96},
    {"small", "POS", 1, 95.43, 0.06, {128, 64}, 17, 1, 0.72},
    {"small", "DEP", 0, 92.93, 0.14, {256, 64}, 46, 1, 0.93},
    {"small", "DEP", 1, 94.48, 0.14, {256, 64}, 46, 1, 0.78},
    {"small", "PS-fxn", 0, 86.26, 0.54, {256, 256}, 40, 1, 0.82},
    {"small", "PS-fxn", 1, 85.08, 0.35, {256, 256}, 40, 1, 0.44},
    {"small", "PS-role", 0, 74.22, 1.03, {256, 256}, 46, 1, 0.84},
    {"small", "PS-role", 1, 74.57, 0.61, {128, 128}, 46, 1, 0.54},
    {"small", "TREC-50", 0, 81.32, 0.61, {256, 128}, 113, 0, NAN},
    {"small", "TREC-50", 1, 89.60, 0.22, {256, 64}, 51, 0, NAN},
    {"medium", "POS", 0, 94.40, 0.08, {256, 128}, 17, 1, 0.97},
    {"medium", "POS", 1, 95.56, 0.05, {64, 32}, 17, 1, 0.67},
    {"medium", "DEP", 0, 92.54, 0.14, {256, 256}, 46, 1, 0.94},
    {"medium", "DEP", 1, 94.76, 0.20, {128, 128}, 46, 1, 0.79},
    {"medium", "PS-fxn", 0, 86.56, 0.41, {256, 128}, 40, 1, 0.80},
    {"medium", "PS-fxn", 1, 88.45, 0.45, {128, 256}, 40, 1, 0.59},
    {"medium", "PS-role", 0, 76.28, 1.00, {256, 32}, 46, 1, 0.83},
    {"medium", "PS-role", 1, 78.86, 0.58, {128, 128}, 46, 1, 0.58},
    {"medium", "TREC-50", 0, 80.68, 1.16, {256, 64}, 110, 0, NAN},
    {"medium", "TREC-50", 1, 89.80, 0.33, {32, 64}, 52, 0, NAN},
    {"base", "POS", 0, 93.39, 0.31, {256, 128}, 17, 1, 0.97},
    {"base", "POS", 1, 95.68, 0.02, {128, 64}, 17, 1, 0.70},
    {"base", "DEP", 0, 89.39, 0.08, {256, 128}, 46, 1, 0.92},
    {"base", "DEP", 1, 94.76, 0.05, {64, 256}, 46, 1, 0.76},
    {"base", "PS-fxn", 0, 87.75, 0.41, {256, 128}, 40, 1, 0.84},
    {"base", "PS-fxn", 1, 89.58, 0.67, {32, 256}, 40, 1, 0.57},
    {"base", "PS-role", 0, 74.49, 0.84, {256, 128}, 46, 1, 0.82},
    {"base", "PS-role", 1, 81.14, 0.26, {128, 128}, 46, 1, 0.52},
    {"base", "TREC-50", 0, 85.24, 0.85, {256, 128}, 162, 0, NAN},
    {"base", "TREC-50", 1, 90.36, 0.32, {64, 32}, 51, 0, NAN},
};
const size_t fp_paper_n_table7 = sizeof fp_paper_table7 / sizeof *fp_paper_table7;

/* Table 5: BERT-base probed on PS-fxn. */
const fp_paper_cross fp_paper_table5[] = {
    {"base", "", "PS-fxn", -1, -1, NAN, 87.75},
    {"base", "PS-fxn", "PS-fxn", 40, 0, 5.29, 89.58},
    {"base", "PS-role", "PS-fxn", 27, 13, 1.02, 88.53},
    {"base", "POS", "PS-fxn", 0, 40, -1.68, 83.24},
};
const size_t fp_paper_n_table5 = sizeof fp_paper_table5 / sizeof *fp_paper_table5;
// clang-format on
