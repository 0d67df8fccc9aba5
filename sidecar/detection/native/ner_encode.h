/* The encoder's layers from the second on, in groups of four rows by six products instead of twelve.
 *
 * A layer is, before its maxout, a convolution of three rows: out[i] = A row[i - 1] + B row[i] + C row[i + 1]. Four
 * consecutive outputs are the coefficients of a product of polynomials read backwards, and six values determine it: the
 * products of the values of both at the points 0, 1, -1, 1/2, -2 and infinity (Winograd's minimal filtering F(4, 3);
 * A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2016). So
 *
 *   transformed[c] = sum of DATA[c][j] * row[first - 1 + j]      of six rows, in every group
 *   weights[c]     = FILTER[c][0] A + FILTER[c][1] B + FILTER[c][2] C      once, when they are packed
 *   product[c]     = weights[c] * transformed[c]
 *   out[first + i] = bias + sum of RESULT[i][c] * product[c]
 *
 * is the same in exact arithmetic. With these points it differs from it by no more than sums of 288 terms do anyway:
 * measured on both models, 1.6e-6 against 1.5e-6 (root mean square of all outputs), where outputs are about 1. */
#ifndef PII_SIDECAR_NER_ENCODE_H
#define PII_SIDECAR_NER_ENCODE_H

#include "ner_layout.h"

static const double FILTER[PARTS][3] = {
    {1.0, 0.0, 0.0},
    {1.0 / 3, 1.0 / 3, 1.0 / 3},
    {-1.0 / 3, 1.0 / 3, -1.0 / 3},
    {-16.0 / 15, -8.0 / 15, -4.0 / 15},
    {1.0 / 15, -2.0 / 15, 4.0 / 15},
    {0.0, 0.0, 1.0},
};

/* to[PARTS][width] = the transform of six rows. */
INLINE void transform(size_t width, const float *const row[PARTS], float *to)
{
    for (size_t k = 0; k < width; k += LANES) {
        Vector d0 = load(row[0] + k), d1 = load(row[1] + k), d2 = load(row[2] + k);
        Vector d3 = load(row[3] + k), d4 = load(row[4] + k), d5 = load(row[5] + k);
        store(to + k, d0 + d4 + 1.5f * (d3 - d1) - 2.0f * d2);
        store(to + width + k, d4 - d1 + 0.5f * d2 + 2.5f * d3);
        store(to + 2 * width + k, d4 + d1 - 2.5f * d2 + 0.5f * d3);
        store(to + 3 * width + k, d4 - d2 + 2.0f * (d3 - d1));
        store(to + 4 * width + k, d4 - d2 - 0.5f * (d3 - d1));
        store(to + 5 * width + k, d5 + d1 + 1.5f * (d4 - d2) - 2.0f * d3);
    }
}

/* One group of a tile: where its rows go, and what is added to them after the layer norm. */
typedef struct {
    const float *residual[GROUP];
    float *out[GROUP];
    int32_t rows; /* that are wanted, the first of GROUP */
} Group;

INLINE void maxout_tile(const NerShape *s, const MaxoutNorm *layer, const float *grouped, const Group *groups,
                        size_t count, size_t pieces)
{
    size_t width = (size_t)s->width;
    const float *weights = layer->weights;
    Vector products[PARTS][TILE][NER_MAX_PIECES];
    for (size_t o = 0; o < width; o += LANES) {
        for (size_t c = 0; c < PARTS; c++) {
            const float *in = grouped + c * width;
            Vector sums[TILE][NER_MAX_PIECES];
            UNROLLED
            for (size_t r = 0; r < count; r++)
                UNROLLED
                for (size_t q = 0; q < pieces; q++) sums[r][q] = (Vector){0};
            const float *rows[TILE];
            UNROLLED
            for (size_t r = 0; r < count; r++) rows[r] = in + r * PARTS * width;
            for (size_t k = 0; k < width; k++, weights += pieces * LANES) {
                Vector w[NER_MAX_PIECES];
                UNROLLED
                for (size_t q = 0; q < pieces; q++) w[q] = load(weights + q * LANES);
                UNROLLED
                for (size_t r = 0; r < count; r++)
                    UNROLLED
                    for (size_t q = 0; q < pieces; q++) sums[r][q] += rows[r][k] * w[q];
            }
            UNROLLED
            for (size_t r = 0; r < count; r++)
                UNROLLED
                for (size_t q = 0; q < pieces; q++) products[c][r][q] = sums[r][q];
        }
        for (size_t r = 0; r < count; r++) {
            Vector best[GROUP];
            UNROLLED
            for (size_t q = 0; q < pieces; q++) {
                Vector bias = load(layer->bias + o * pieces + q * LANES);
                Vector p1 = products[1][r][q], p2 = products[2][r][q], p3 = products[3][r][q], p4 = products[4][r][q];
                Vector even = p1 + p2 + bias, odd = p1 - p2 + bias;
                Vector all[GROUP] = {
                    products[0][r][q] + even + p3 + p4,
                    odd + 0.5f * p3 - 2.0f * p4,
                    even + 0.25f * p3 + 4.0f * p4,
                    odd + 0.125f * p3 - 8.0f * p4 + products[5][r][q],
                };
                UNROLLED
                for (size_t i = 0; i < GROUP; i++) best[i] = q ? larger(best[i], all[i]) : all[i];
            }
            for (int32_t i = 0; i < groups[r].rows; i++) store(groups[r].out[i] + o, best[i]);
        }
    }
    for (size_t r = 0; r < count; r++)
        for (int32_t i = 0; i < groups[r].rows; i++)
            layer_norm(s, layer, groups[r].out[i], groups[r].residual[i], groups[r].out[i]);
}

static void encode_tile(const NerShape *s, const MaxoutNorm *layer, const float *grouped, const Group *groups,
                        size_t count)
{
    if (s->pieces == 3) FOR_ROWS(count, maxout_tile(s, layer, grouped, groups, N, 3))
    else FOR_ROWS(count, maxout_tile(s, layer, grouped, groups, N, 2))
}

/* How many of the groups that are left the next tile takes: tiles of about one size cost less than full ones and a rest,
 * as each of them reads all weights. */
static size_t next_tile(size_t left)
{
    size_t tiles = (left + TILE - 1) / TILE;
    return tiles ? (left + tiles - 1) / tiles : 0;
}

static size_t groups_of(const Arena *a, int32_t l)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        count += (size_t)(a->stretches[i].end[l] - a->stretches[i].begin[l] + GROUP - 1) / GROUP;
    return count;
}

/* Layer `l` (from 2) of all stretches of the window. */
static void encode(const NerShape *s, const Packed *p, const Arena *a, int32_t l, const float *in, float *out)
{
    size_t width = (size_t)s->width, count = 0, left = groups_of(a, l), tile = next_tile(left);
    Group groups[TILE];
    for (size_t i = 0; i < a->count; i++) {
        const Stretch *of = &a->stretches[i];
        for (int32_t position = of->begin[l]; position < of->end[l]; position += GROUP) {
            Group *group = &groups[count];
            const float *rows[PARTS];
            for (int32_t j = 0; j < PARTS; j++) {
                int32_t at = position - 1 + j; /* rows that were not computed have no word in sight, or do not matter */
                rows[j] = at < of->begin[l - 1] || at >= of->end[l - 1] ? p->still[l - 1]
                                                                        : in + (size_t)(of->row + at) * width;
            }
            group->rows = of->end[l] - position < GROUP ? of->end[l] - position : GROUP;
            for (int32_t j = 0; j < group->rows; j++) {
                group->residual[j] = rows[j + 1];
                group->out[j] = out + (size_t)(of->row + position + j) * width;
            }
            transform(width, rows, a->grouped + count * PARTS * width);
            if (++count < tile) continue;
            encode_tile(s, &p->encoder[l - 1], a->grouped, groups, count);
            left -= count;
            tile = next_tile(left);
            count = 0;
        }
    }
    assert(!left && !count);
}

#endif
