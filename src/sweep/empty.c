typedef int fp_nothing;
