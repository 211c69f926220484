/* The two inner loops of resample.h, apart because they exist three times: in plain C, with SSE2,
 * which every x86-64 has, and with AVX2, where the processor has it. All do the same integer
 * arithmetic, so the same frames come out. */
#include "media/resample.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

enum {
    ROW_SHIFT = 8,
    DOT_SHIFT = 2 * RESAMPLE_WEIGHT_BITS - ROW_SHIFT,
    BLOCK = 16,
};

void resample_rows_plain(const uint8_t *const *rows, const int16_t *weight, int taps, int count,
                         int16_t *target)
{
    for (int x = 0; x < count; x++) {
        int sum = 1 << (ROW_SHIFT - 1);
        for (int k = 0; k < taps; k++)
            sum += weight[k] * rows[k][x];
        target[x] = (int16_t)(sum >> ROW_SHIFT);
    }
}

void resample_dots_plain(const int16_t *row, const struct resample_axis *axis, uint8_t *target)
{
    for (int x = 0; x < axis->count; x++) {
        const int16_t *from = row + axis->start[x];
        const int16_t *weight = axis->weight + (size_t)x * (size_t)axis->taps;
        int sum = 1 << (DOT_SHIFT - 1);
        for (int k = 0; k < axis->taps; k++)
            sum += weight[k] * from[k];
        sum >>= DOT_SHIFT;
        target[x] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

#ifdef __SSE2__

/* The weights of two neighbouring rows, side by side in every 32-bit lane. */
static inline __m128i weight_pair(const int16_t *weight)
{
    return _mm_set1_epi32(
        (int)((uint32_t)(uint16_t)weight[0] | (uint32_t)(uint16_t)weight[1] << 16));
}

/* Sixteen columns at a time, or 32; rows are padded to 64 bytes, so the last block may read past
 * the end of the picture but never past the memory, and `target` has room for it. */
static void rows_sse2(const uint8_t *const *rows, const int16_t *weight, int taps, int count,
                      int16_t *target)
{
    const __m128i zero = _mm_setzero_si128();
    for (int x = 0; x < count; x += BLOCK) {
        __m128i sum[4];
        for (int i = 0; i < 4; i++)
            sum[i] = _mm_set1_epi32(1 << (ROW_SHIFT - 1));
        for (int k = 0; k < taps; k += 2) {
            if ((weight[k] | weight[k + 1]) == 0)
                continue;
            __m128i pair = weight_pair(weight + k);
            __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(rows[k] + x));
            __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(rows[k + 1] + x));
            __m128i low = _mm_unpacklo_epi8(a, b), high = _mm_unpackhi_epi8(a, b);
            sum[0] = _mm_add_epi32(sum[0], _mm_madd_epi16(_mm_unpacklo_epi8(low, zero), pair));
            sum[1] = _mm_add_epi32(sum[1], _mm_madd_epi16(_mm_unpackhi_epi8(low, zero), pair));
            sum[2] = _mm_add_epi32(sum[2], _mm_madd_epi16(_mm_unpacklo_epi8(high, zero), pair));
            sum[3] = _mm_add_epi32(sum[3], _mm_madd_epi16(_mm_unpackhi_epi8(high, zero), pair));
        }
        for (int i = 0; i < 4; i++)
            sum[i] = _mm_srai_epi32(sum[i], ROW_SHIFT);
        __m128i *to = (__m128i *)(void *)(target + x);
        _mm_storeu_si128(to, _mm_packs_epi32(sum[0], sum[1]));
        _mm_storeu_si128(to + 1, _mm_packs_epi32(sum[2], sum[3]));
    }
}

static inline __m128i dot(const int16_t *from, const int16_t *weight, int taps)
{
    __m128i sum = _mm_setzero_si128();
    for (int k = 0; k < taps; k += 8) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(from + k));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(weight + k));
        sum = _mm_add_epi32(sum, _mm_madd_epi16(a, b));
    }
    return sum;
}

/* Four samples at once: their four partial sums each are transposed and added. */
static inline __m128i four_dots(const int16_t *row, const struct resample_axis *axis, int x)
{
    int taps = axis->taps;
    const int *start = axis->start + x;
    const int16_t *weight = axis->weight + (size_t)x * (size_t)taps;
    __m128i a = dot(row + start[0], weight, taps);
    __m128i b = dot(row + start[1], weight + taps, taps);
    __m128i c = dot(row + start[2], weight + 2 * taps, taps);
    __m128i d = dot(row + start[3], weight + 3 * taps, taps);
    __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
    __m128i cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
    __m128i sum = _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
    sum = _mm_add_epi32(sum, _mm_set1_epi32(1 << (DOT_SHIFT - 1)));
    return _mm_srai_epi32(sum, DOT_SHIFT);
}

/* Gives how many samples it made, whole vectors only. */
static int dots_sse2(const int16_t *row, const struct resample_axis *axis, uint8_t *target)
{
    int x = 0;
    for (; x + 8 <= axis->count; x += 8) {
        __m128i words = _mm_packs_epi32(four_dots(row, axis, x), four_dots(row, axis, x + 4));
        _mm_storel_epi64((__m128i *)(void *)(target + x), _mm_packus_epi16(words, words));
    }
    return x;
}

#define AVX2 __attribute__((target("avx2")))

/* Unpacking and packing keep to halves of 16 columns, which are put in order at the end. */
AVX2 static void rows_avx2(const uint8_t *const *rows, const int16_t *weight, int taps, int count,
                           int16_t *target)
{
    const __m256i zero = _mm256_setzero_si256();
    for (int x = 0; x < count; x += 2 * BLOCK) {
        __m256i sum[4];
        for (int i = 0; i < 4; i++)
            sum[i] = _mm256_set1_epi32(1 << (ROW_SHIFT - 1));
        for (int k = 0; k < taps; k += 2) {
            if ((weight[k] | weight[k + 1]) == 0)
                continue;
            __m256i pair = _mm256_broadcastsi128_si256(weight_pair(weight + k));
            __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(rows[k] + x));
            __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(rows[k + 1] + x));
            __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
            __m256i parts[4] = {_mm256_unpacklo_epi8(low, zero), _mm256_unpackhi_epi8(low, zero),
                                _mm256_unpacklo_epi8(high, zero), _mm256_unpackhi_epi8(high, zero)};
            for (int i = 0; i < 4; i++)
                sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(parts[i], pair));
        }
        for (int i = 0; i < 4; i++)
            sum[i] = _mm256_srai_epi32(sum[i], ROW_SHIFT);
        __m256i even = _mm256_packs_epi32(sum[0], sum[1]);
        __m256i odd = _mm256_packs_epi32(sum[2], sum[3]);
        __m256i *to = (__m256i *)(void *)(target + x);
        _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
        _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
    }
}

/* Two neighbouring samples, one in each half, as four partial sums each. */
AVX2 static inline __m256i two_dots(const int16_t *row, const struct resample_axis *axis, int x)
{
    int taps = axis->taps;
    const int *start = axis->start + x;
    const int16_t *weight = axis->weight + (size_t)x * (size_t)taps;
    __m256i sum = _mm256_setzero_si256();
    for (int k = 0; k < taps; k += 8) {
        __m256i from = _mm256_loadu2_m128i((const __m128i *)(const void *)(row + start[1] + k),
                                           (const __m128i *)(const void *)(row + start[0] + k));
        __m256i by = _mm256_loadu2_m128i((const __m128i *)(const void *)(weight + taps + k),
                                         (const __m128i *)(const void *)(weight + k));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(from, by));
    }
    return sum;
}

AVX2 static int dots_avx2(const int16_t *row, const struct resample_axis *axis, uint8_t *target)
{
    const __m256i half = _mm256_set1_epi32(1 << (DOT_SHIFT - 1));
    int x = 0;
    for (; x + 8 <= axis->count; x += 8) {
        __m256i ab = _mm256_hadd_epi32(two_dots(row, axis, x), two_dots(row, axis, x + 2));
        __m256i cd = _mm256_hadd_epi32(two_dots(row, axis, x + 4), two_dots(row, axis, x + 6));
        /* The even samples in one half, the odd ones in the other. */
        __m256i sum =
            _mm256_srai_epi32(_mm256_add_epi32(_mm256_hadd_epi32(ab, cd), half), DOT_SHIFT);
        __m128i even = _mm256_castsi256_si128(sum), odd = _mm256_extracti128_si256(sum, 1);
        __m128i words =
            _mm_packs_epi32(_mm_unpacklo_epi32(even, odd), _mm_unpackhi_epi32(even, odd));
        _mm_storel_epi64((__m128i *)(void *)(target + x), _mm_packus_epi16(words, words));
    }
    return x;
}

void resample_rows(const uint8_t *const *rows, const int16_t *weight, int taps, int count,
                   int16_t *target)
{
    if (__builtin_cpu_supports("avx2"))
        rows_avx2(rows, weight, taps, count, target);
    else
        rows_sse2(rows, weight, taps, count, target);
}

void resample_dots(const int16_t *row, const struct resample_axis *axis, uint8_t *target)
{
    int x = __builtin_cpu_supports("avx2") ? dots_avx2(row, axis, target)
                                           : dots_sse2(row, axis, target);
    if (x == axis->count)
        return;
    struct resample_axis rest = *axis;
    rest.count = axis->count - x;
    rest.start = axis->start + x;
    rest.weight = axis->weight + (size_t)x * (size_t)axis->taps;
    resample_dots_plain(row, &rest, target + x);
}

#else

void resample_rows(const uint8_t *const *rows, const int16_t *weight, int taps, int count,
                   int16_t *target)
{
    resample_rows_plain(rows, weight, taps, count, target);
}

void resample_dots(const int16_t *row, const struct resample_axis *axis, uint8_t *target)
{
    resample_dots_plain(row, axis, target);
}

#endif
