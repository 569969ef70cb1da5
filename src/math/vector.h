/* vector.h: vectors of LANES floats with the compiler's own vector types; no intrinsics, so that one text
 * serves every instruction set. Included by kernels_template.h only, once per instruction set. Sums over
 * lanes go in a fixed order. */

typedef float real_v __attribute__((vector_size(4 * LANES)));
typedef int32_t int_v __attribute__((vector_size(4 * LANES)));
typedef uint32_t bits_v __attribute__((vector_size(4 * LANES)));
typedef int8_t keep_v __attribute__((vector_size(LANES)));
typedef uint64_t wide_v __attribute__((vector_size(4 * LANES)));
/* The same at any address. */
typedef float real_u __attribute__((vector_size(4 * LANES), aligned(1), may_alias));
typedef int8_t keep_u __attribute__((vector_size(LANES), aligned(1), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE real_v all(float x) {
    return x - (real_v){0}; /* compilers make a broadcast of that, of a loop over lanes they need not */
}

/* Up to LANES numbers of the LEFT ones at P; lanes behind them are 0. */
INLINE real_v load(const float *p, size_t left) {
    if (__builtin_expect(left >= LANES, 1))
        return *(const real_u *)p;
#ifdef LOAD_SOME
    return LOAD_SOME(p, left);
#else
    real_v r = {0};
    for (size_t i = 0; i < left; i++)
        r[i] = p[i];
    return r;
#endif
}

INLINE void store(float *p, size_t left, real_v x) {
    if (__builtin_expect(left >= LANES, 1)) {
        *(real_u *)p = x;
        return;
    }
#ifdef STORE_SOME
    STORE_SOME(p, left, x);
#else
    for (size_t i = 0; i < left; i++)
        p[i] = x[i];
#endif
}

/* Keep bytes as all-ones or all-zeros lanes. */
INLINE int_v load_keep(const int8_t *p, size_t left) {
    if (__builtin_expect(left >= LANES, 1))
        return __builtin_convertvector(*(const keep_u *)p, int_v);
    keep_v r = {0};
    for (size_t i = 0; i < left; i++)
        r[i] = p[i];
    return __builtin_convertvector(r, int_v);
}

INLINE real_v where(int_v mask, real_v x) {
    return (real_v)(mask & (int_v)x);
}

INLINE real_v choose(int_v mask, real_v a, real_v b) {
    return (real_v)((mask & (int_v)a) | (~mask & (int_v)b));
}

INLINE real_v larger(real_v a, real_v b) {
    return choose(a > b, a, b);
}

INLINE real_v smaller(real_v a, real_v b) {
    return choose(a < b, a, b);
}

/* EACH_LANE(F, by): F(lane, by) for every lane, a list. */
#if LANES == 4
#define EACH_LANE(F, by) F(0, by), F(1, by), F(2, by), F(3, by)
#elif LANES == 8
#define EACH_LANE(F, by) F(0, by), F(1, by), F(2, by), F(3, by), F(4, by), F(5, by), F(6, by), F(7, by)
#else
#define EACH_LANE(F, by)                                                                                     \
    F(0, by), F(1, by), F(2, by), F(3, by), F(4, by), F(5, by), F(6, by), F(7, by), F(8, by), F(9, by),      \
        F(10, by), F(11, by), F(12, by), F(13, by), F(14, by), F(15, by)
#endif
#define LANE(lane, by) (lane)
#define ACROSS(lane, by) ((lane) ^ (by))

/* Lanes BY apart change places. */
#define CROSSED(x, by) __builtin_shufflevector(x, x, EACH_LANE(ACROSS, by))

INLINE float sum_lanes(real_v x) {
#if LANES > 8
    x += CROSSED(x, 8);
#endif
#if LANES > 4
    x += CROSSED(x, 4);
#endif
    x += CROSSED(x, 2);
    x += CROSSED(x, 1);
    return x[0];
}

INLINE float largest_lane(real_v x) {
#if LANES > 8
    x = larger(x, CROSSED(x, 8));
#endif
#if LANES > 4
    x = larger(x, CROSSED(x, 4));
#endif
    x = larger(x, CROSSED(x, 2));
    x = larger(x, CROSSED(x, 1));
    return x[0];
}

/* The lanes of the vector at C that are below COLUMNS. */
INLINE int_v valid_lanes(size_t c, size_t columns) {
    const int_v lane = {EACH_LANE(LANE, 0)};
    return lane < (int_v){0} + (int32_t)(columns > c ? columns - c : 0);
}

/* High and low halves of the products of 32-bit numbers; WIDE_PRODUCT multiplies the even ones. */
INLINE void multiply(bits_v x, uint32_t by, bits_v *high, bits_v *low) {
    const wide_v factor = (wide_v){0} + by;
    wide_v even = WIDE_PRODUCT((wide_v)x, factor), odd = WIDE_PRODUCT((wide_v)x >> 32, factor);
    *high = (bits_v)((even >> 32) | (odd >> 32 << 32));
    *low = (bits_v)((even & 0xFFFFFFFFu) | (odd << 32));
}

/* exp: x = k ln 2 + r, |r| <= ln 2 / 2; e^r = 1 + r + r^2 p(r), p fitted for the smallest largest relative
 * error, 3.1e-9. Below -87, where the result leaves the normal numbers, it is 0. */
INLINE real_v exp_v(real_v x) {
    const real_v shift = all(0x1.8p23f); /* adding it rounds to an integer and leaves that in the low bits */
    int_v normal = x >= all(-87.0f);
    x = smaller(larger(x, all(-87.0f)), all(88.0f));
    real_v shifted = x * all(0x1.715476p+0f) + shift;
    real_v k = shifted - shift;
    real_v r = x - k * all(0x1.62e4p-1f);
    r = r - k * all(0x1.7f7d1cp-20f);
    real_v p = all(1.3814592967e-3f);
    p = p * r + all(8.3687175065e-3f);
    p = p * r + all(4.1668388993e-2f);
    p = p * r + all(1.6666521132e-1f);
    p = p * r + all(4.9999994040e-1f);
    p = p * (r * r) + r;
    p = p + all(1.0f);
    bits_v power = ((bits_v)shifted << 23) + (bits_v)all(1.0f);
    return where(normal, p * (real_v)power);
}

/* The normal distribution function less a half: x P(x^2) / Q(x^2), both of degree 5, fitted on |x| <= 5.5 for
 * the smallest largest absolute error, 7.2e-9; beyond it the distance to a half is below 2e-8. */
INLINE real_v normal_cdf_v(real_v x) {
    x = smaller(larger(x, all(-5.5f)), all(5.5f));
    real_v t = x * x;
    real_v p = all(2.27496031e-08f), q = all(1.19750871e-06f);
    p = p * t + all(6.35208835e-06f);
    q = q * t + all(7.36464208e-05f);
    p = p * t + all(1.688224e-04f);
    q = q * t + all(1.88442622e-03f);
    p = p * t + all(4.67724027e-03f);
    q = q * t + all(2.86456905e-02f);
    p = p * t + all(3.38523313e-02f);
    q = q * t + all(2.5152114e-01f);
    p = p * t + all(3.98942232e-01f);
    q = q * t + all(1.0f);
    return x * p / q + all(0.5f);
}

/* tanh from exp; |x| small keeps its sign and is off by 1e-7 absolute at most. */
INLINE real_v tanh_v(real_v x) {
    real_v e = exp_v(smaller(larger(x + x, all(-40.0f)), all(40.0f)));
    return (e - all(1.0f)) / (e + all(1.0f));
}

/* Two rows of numbers that are BY apart trade the blocks of BY lanes off the diagonal: done for all powers of
 * two below LANES, it transposes LANES rows. */
#define UPPER(lane, by) ((lane) & (by) ? LANES + (lane) - (by) : (lane))
#define LOWER(lane, by) ((lane) & (by) ? LANES + (lane) : (lane) + (by))
#define TRADE_BLOCKS(x, by)                                                                                  \
    for (int i = 0; i < LANES; i++)                                                                          \
        if (!(i & (by))) {                                                                                   \
            real_v upper = (x)[i], lower = (x)[i + (by)];                                                    \
            (x)[i] = __builtin_shufflevector(upper, lower, EACH_LANE(UPPER, by));                            \
            (x)[i + (by)] = __builtin_shufflevector(upper, lower, EACH_LANE(LOWER, by));                     \
        }

/* Rows of LANES numbers become columns. */
INLINE void transpose(real_v x[LANES]) {
#pragma GCC unroll 16
    TRADE_BLOCKS(x, 1)
#pragma GCC unroll 16
    TRADE_BLOCKS(x, 2)
#if LANES > 4
#pragma GCC unroll 16
    TRADE_BLOCKS(x, 4)
#endif
#if LANES > 8
#pragma GCC unroll 16
    TRADE_BLOCKS(x, 8)
#endif
}
