#include "heap.h"

#include "fineprobe/memory.h"
#include <stdlib.h>

int fp_heap_init(fp_heap *heap, size_t capacity, fp_error *error) {
    *heap = (fp_heap){.capacity = capacity};
    heap->items = fp_alloc(capacity, sizeof *heap->items, "a queue", error);
    return heap->items ? 0 : -1;
}

int fp_heap_grow(fp_heap *heap, size_t capacity, fp_error *error) {
    return fp_grow((void **)&heap->items, &heap->capacity, capacity, sizeof *heap->items, error);
}

void fp_heap_free(fp_heap *heap) {
    free(heap->items);
    *heap = (fp_heap){0};
}

static int before(fp_heap_item a, fp_heap_item b) {
    return a.priority > b.priority || (a.priority == b.priority && a.index < b.index);
}

void fp_heap_push(fp_heap *heap, double priority, size_t index) {
    fp_heap_item item = {priority, index};
    size_t at = heap->count++;
    for (; at > 0 && before(item, heap->items[(at - 1) / 2]); at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = item;
}

/* Puts ITEM into the place AT or below. */
static void sink(fp_heap *heap, size_t at, fp_heap_item item) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && before(heap->items[child + 1], heap->items[child]))
            child++;
        if (!before(heap->items[child], item))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = item;
}

fp_heap_item fp_heap_pop(fp_heap *heap) {
    fp_heap_item first = heap->items[0], last = heap->items[--heap->count];
    sink(heap, 0, last);
    return first;
}

void fp_heap_order(fp_heap *heap) {
    for (size_t at = heap->count / 2; at-- > 0;)
        sink(heap, at, heap->items[at]);
}
