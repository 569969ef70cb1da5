/* product_template.h: the matrix product of kernels.h for one instruction set, included by
 * kernels_template.h. A tile of TILE_ROWS x TILE_COLUMNS numbers of the result stays in registers while it
 * runs over the inner dimension; its operands were copied into panels, [inner][TILE_COLUMNS] and
 * [inner][PANEL_ROWS].
 *
 * Every number of the result is the same sum whatever the tile that it falls into: over pieces of the inner
 * dimension in turn, each summed from its start to its end. So a product may be cut along its rows and
 * columns at will, for threads or otherwise, without a change in one bit. */

enum {
    TILE_COLUMNS = TILE_VECTORS * LANES,
    PANEL_ROWS = (TILE_ROWS + LANES - 1) / LANES * LANES,
    DEEP = 384, /* inner dimension of a panel: one panel of rows stays in the first cache */
    WIDE = 384  /* columns whose panels stay in the second cache */
};

_Static_assert(WIDE % TILE_COLUMNS == 0, "panels fill the room");
_Static_assert(DEEP *(WIDE + PANEL_ROWS) <= FP_PRODUCT_ROOM, "the room holds all panels");

/* What a tile starts from: rows STEP apart (0: the same row for all). */
typedef struct tile_start {
    const float *at; /* NULL: zeros */
    size_t step;
} tile_start;

/* y[ROWS, VECTORS] = panels' product + start; ROWS and VECTORS are constants at every call. */
INLINE void tile(int rows, int vectors, size_t inner, const float *a, const float *b, tile_start start,
                 float *y, size_t stride) {
    real_v sum[TILE_ROWS][TILE_VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = all(0);
    for (size_t k = 0; k < inner; k++, a += PANEL_ROWS, b += TILE_COLUMNS) {
        real_v of_b[TILE_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            of_b[v] = *(const real_v *)(b + v * LANES);
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] += all(a[r]) * of_b[v];
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++, y += stride, start.at += start.at ? start.step : 0)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            *(real_u *)(y + v * LANES) =
                start.at ? sum[r][v] + *(const real_u *)(start.at + v * LANES) : sum[r][v];
}

typedef void tile_of_rows(int narrow, size_t inner, const float *a, const float *b, tile_start start,
                          float *y, size_t stride);

#define TILE_OF(ROWS)                                                                                        \
    static void tile_##ROWS(int narrow, size_t inner, const float *a, const float *b, tile_start start,      \
                            float *y, size_t stride) {                                                       \
        if (narrow)                                                                                          \
            tile(ROWS, 1, inner, a, b, start, y, stride);                                                    \
        else                                                                                                 \
            tile(ROWS, TILE_VECTORS, inner, a, b, start, y, stride);                                         \
    }
TILE_OF(1)
TILE_OF(2)
TILE_OF(3)
TILE_OF(4)
TILE_OF(5)
TILE_OF(6)
#if TILE_ROWS > 6
TILE_OF(7)
TILE_OF(8)
#endif
#if TILE_ROWS > 8
TILE_OF(9)
TILE_OF(10)
TILE_OF(11)
TILE_OF(12)
TILE_OF(13)
TILE_OF(14)
#endif

static tile_of_rows *const tiles[TILE_ROWS] = {
    tile_1, tile_2,  tile_3,  tile_4,  tile_5,  tile_6,
#if TILE_ROWS > 6
    tile_7, tile_8,
#endif
#if TILE_ROWS > 8
    tile_9, tile_10, tile_11, tile_12, tile_13, tile_14,
#endif
};

/* The first COLUMNS of a tile at Y. What lies behind them is neither read nor written. */
INLINE void put_tile(size_t rows, size_t columns, size_t inner, const float *a, const float *b,
                     tile_start start, float *y, size_t stride) {
    int narrow = columns <= LANES;
    if (columns == TILE_COLUMNS || columns == LANES) {
        tiles[rows - 1](narrow, inner, a, b, start, y, stride);
        return;
    }
    float whole[TILE_ROWS * TILE_COLUMNS] __attribute__((aligned(64)));
    tiles[rows - 1](narrow, inner, a, b, (tile_start){NULL, 0}, whole, TILE_COLUMNS);
    for (size_t r = 0; r < rows; r++, y += stride, start.at += start.at ? start.step : 0)
        for (size_t c = 0; c < columns; c += LANES) {
            real_v x = load(whole + r * TILE_COLUMNS + c, columns - c);
            store(y + c, columns - c, start.at ? x + load(start.at + c, columns - c) : x);
        }
}

/* LANES columns of a panel whose rows are WIDTH apart: TO[k * width + c] = FROM[c * stride + k], for COUNT of
 * the columns. */
INLINE void pack_turned(const float *from, size_t stride, size_t count, size_t inner, float *to,
                        size_t width) {
    size_t k = 0;
    real_v x[LANES];
    for (; k + LANES <= inner; k += LANES, from += LANES) {
#pragma GCC unroll 16
        for (size_t c = 0; c < LANES; c++) /* rows behind COUNT repeat the first */
            x[c] = *(const real_u *)(from + (c < count ? c * stride : 0));
        transpose(x);
#pragma GCC unroll 16
        for (size_t i = 0; i < LANES; i++)
            *(real_v *)(to + (k + i) * width) = x[i];
    }
    if (k == inner)
        return;
#pragma GCC unroll 16
    for (size_t c = 0; c < LANES; c++)
        x[c] = load(from + (c < count ? c * stride : 0), inner - k);
    transpose(x);
    for (size_t i = 0; i < inner - k; i++)
        *(real_v *)(to + (k + i) * width) = x[i];
}

/* The same where what belongs to one K lies together: TO[k * width + c] = FROM[k * stride + c]. */
INLINE void pack_straight(const float *from, size_t stride, size_t count, size_t inner, float *to,
                          size_t width) {
    for (size_t k = 0; k < inner; k++)
        *(real_v *)(to + k * width) = load(from + k * stride, count);
}

/* A panel: COUNT rows of A or columns of B from FIRST of ALL on, numbers AT .. AT + INNER of each. The lanes
 * behind them hold anything finite or not: they only reach numbers that nobody keeps. */
static void pack(fp_block from, int turned, size_t first, size_t count, size_t all_of_them, size_t at,
                 size_t inner, float *to, size_t width) {
    for (size_t c = 0; c < count; c += LANES) {
        size_t there = all_of_them - first - c;
        if (turned)
            pack_turned(from.at + (first + c) * from.stride + at, from.stride, count - c, inner, to + c,
                        width);
        else
            pack_straight(from.at + at * from.stride + first + c, from.stride, there, inner, to + c, width);
    }
}

/* The size of pieces of N that are at most MOST, and as alike as can be. */
INLINE size_t piece_of(size_t n, size_t most) {
    size_t pieces = (n + most - 1) / most;
    return (n + pieces - 1) / pieces;
}

INLINE size_t lesser(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Numbers AT .. AT + INNER of the inner dimension, for a part of at most WIDE columns. */
static void product_block(const fp_product *p, fp_area part, size_t at, size_t inner, float *room) {
    float *b = room, *a = room + (size_t)DEEP * WIDE;
    int add = p->add || at > 0, last = at + inner >= p->k;
    for (size_t c = 0; c < part.columns; c += TILE_COLUMNS)
        pack(p->b, p->b_turned, part.column + c, lesser(part.columns - c, TILE_COLUMNS), p->n, at, inner,
             b + c * inner, TILE_COLUMNS);
    for (size_t r = 0, rows; r < part.rows; r += rows) {
        rows = piece_of(part.rows - r, TILE_ROWS);
        pack(p->a, !p->a_turned, part.row + r, rows, p->m, at, inner, a, PANEL_ROWS);
        for (size_t c = 0; c < part.columns; c += TILE_COLUMNS) {
            float *y = p->y + (part.row + r) * p->stride + part.column + c;
            tile_start start = {add ? y : p->bias ? p->bias + part.column + c : NULL, add ? p->stride : 0};
            put_tile(rows, lesser(part.columns - c, TILE_COLUMNS), inner, a, b + c * inner, start, y,
                     p->stride);
        }
        if (last && p->finish)
            p->finish(p->context, (fp_area){part.row + r, rows, part.column, part.columns});
    }
}

static void product(const fp_product *p, fp_area part, float *room) {
    size_t deep = p->k ? piece_of(p->k, DEEP) : 1;
    for (size_t c = 0; c < part.columns; c += WIDE) {
        fp_area block = {part.row, part.rows, part.column + c, lesser(part.columns - c, WIDE)};
        for (size_t at = 0; at < p->k || at == 0; at += deep)
            product_block(p, block, at, lesser(p->k - at, deep), room);
    }
}
