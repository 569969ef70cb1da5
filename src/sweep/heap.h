/* heap.h: a priority queue of indices; the largest priority first, the lower index first among equals, so
 * that the order of work does not depend on the order of arrival. */
#ifndef FINEPROBE_SRC_HEAP_H
#define FINEPROBE_SRC_HEAP_H

#include "fineprobe/error.h"
#include <stddef.h>

typedef struct fp_heap_item {
    double priority;
    size_t index;
} fp_heap_item;

typedef struct fp_heap {
    fp_heap_item *items; /* items[0] is the first */
    size_t count, capacity;
} fp_heap;

/* Room for CAPACITY items, so that pushing them cannot fail. */
int fp_heap_init(fp_heap *heap, size_t capacity, fp_error *error);
int fp_heap_grow(fp_heap *heap, size_t capacity, fp_error *error); /* at least so much */
void fp_heap_free(fp_heap *heap);
void fp_heap_push(fp_heap *heap, double priority, size_t index); /* needs room */
fp_heap_item fp_heap_pop(fp_heap *heap);                         /* needs an item */
void fp_heap_order(fp_heap *heap);                               /* after priorities were changed in place */

#endif
