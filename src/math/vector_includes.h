/* What the template needs of other headers, included before an instruction set is chosen. */
#ifndef FINEPROBE_MATH_VECTOR_INCLUDES_H
#define FINEPROBE_MATH_VECTOR_INCLUDES_H

#include "math/kernels.h"
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h> /* for one instruction that compilers do not find by themselves: the widening product */
#endif

#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors are only passed between functions of one file */
#endif

#endif
