/* Weights as spaCy holds them, into the layouts of ner_layout.h; and the words that are common. */
#ifndef PII_SIDECAR_NER_PACK_H
#define PII_SIDECAR_NER_PACK_H

#include "ner_embed.h"
#include "ner_encode.h"

static void lay_out(const NerShape *s, Packed *p, Cursor *at)
{
    size_t width = (size_t)s->width, spread = spread_of(s), hidden = (size_t)s->hidden;
    size_t lower = lower_outputs(s), upper = upper_outputs(s), labels = (size_t)s->labels;
    for (int32_t t = 0; t < s->tables; t++) p->tables[t] = floats(at, (size_t)s->rows[t] * spread);
    p->mixer = (MaxoutNorm){NULL, floats(at, spread), floats(at, width), floats(at, width)};
    p->fold = (Affine){width, 3 * spread, floats(at, width * 3 * spread), NULL};
    for (int32_t l = 0; l < s->depth; l++) {
        float *weights = l ? floats(at, PARTS * width * spread) : NULL;
        p->encoder[l] = (MaxoutNorm){weights, floats(at, spread), floats(at, width), floats(at, width)};
    }
    for (int32_t l = 0; l <= s->depth; l++) p->still[l] = floats(at, width);
    p->common = lay_out_words(s, (size_t)p->commons, at);
    p->places = slice(at, p->place_count * sizeof(int32_t));
    for (int f = 0; f < 3; f++) p->lower[f] = (Affine){width, lower, floats(at, width * lower), NULL};
    p->outside_bias = floats(at, lower);
    p->inside_bias = floats(at, lower);
    p->upper = (Affine){hidden, upper, floats(at, hidden * upper), floats(at, upper)};
    p->kinds = slice(at, upper * sizeof(int32_t));
    p->labels = slice(at, upper * sizeof(int32_t));
    p->in_weights = floats(at, labels * hidden);
    p->last_weights = floats(at, labels * hidden);
    p->in_bias = floats(at, labels);
    p->last_bias = floats(at, labels);
}

/* Where output `o`, piece `q` of a maxout layer lies among the outputs of one input. */
static size_t lane_of(const NerShape *s, size_t o, size_t q)
{
    return (o / LANES * (size_t)s->pieces + q) * LANES + o % LANES;
}
/* Where output `o` of input `k` lies. */
static size_t place(const Affine *a, size_t o, size_t k) { return (o / SPREAD * a->inputs + k) * SPREAD + o % SPREAD; }

static void pack_norm(const NerShape *s, const MaxoutNorm *to, const float *bias, const float *gain, const float *shift)
{
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces;
    for (size_t o = 0; o < width; o++)
        for (size_t q = 0; q < pieces; q++) to->bias[lane_of(s, o, q)] = bias[o * pieces + q];
    memcpy(to->gain, gain, width * sizeof(float));
    memcpy(to->shift, shift, width * sizeof(float));
}

/* The mixer's map of every row of table `t`; `columns` has room for width * pieces * width floats. */
static void pack_table(const NerShape *s, const NerWeights *w, int32_t t, float *to, float *columns)
{
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces, spread = spread_of(s);
    for (size_t o = 0; o < width; o++)
        for (size_t q = 0; q < pieces; q++)
            for (size_t k = 0; k < width; k++)
                columns[k * spread + lane_of(s, o, q)] =
                    w->mixer_weights[((o * pieces + q) * (size_t)s->tables + (size_t)t) * width + k];
    for (size_t row = 0; row < (size_t)s->rows[t]; row++, to += spread) {
        const float *from = w->tables[t] + row * width;
        memset(to, 0, spread * sizeof(float));
        for (size_t k = 0; k < width; k++)
            for (size_t j = 0; j < spread; j += LANES)
                store(to + j, load(to + j) + from[k] * load(columns + k * spread + j));
    }
}

static void pack_fold(const NerShape *s, const NerWeights *w, Packed *p)
{
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces, spread = spread_of(s);
    for (size_t o = 0; o < width; o++)
        for (size_t q = 0; q < pieces; q++)
            for (size_t n = 0; n < 3; n++)
                for (size_t k = 0; k < width; k++)
                    p->fold.weights[place(&p->fold, n * spread + lane_of(s, o, q), k)] =
                        w->encoder_weights[0][(o * pieces + q) * 3 * width + n * width + k];
}

static void pack_encoder(const NerShape *s, const NerWeights *w, int32_t l, float *to)
{
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces;
    for (size_t o = 0; o < width; o++)
        for (size_t q = 0; q < pieces; q++) {
            const float *from = w->encoder_weights[l] + (o * pieces + q) * 3 * width;
            for (size_t c = 0; c < PARTS; c++)
                for (size_t k = 0; k < width; k++) {
                    double weight = 0;
                    for (size_t n = 0; n < 3; n++) weight += FILTER[c][n] * (double)from[n * width + k];
                    to[(((o / LANES * PARTS + c) * width + k) * pieces + q) * LANES + o % LANES] = (float)weight;
                }
        }
}

/* Rows without a word in sight: zeros at first, then what a layer gives where all rows are alike. */
static void pack_still(const NerShape *s, Packed *p, const float *zeros)
{
    size_t width = (size_t)s->width;
    _Alignas(NER_ALIGN) float transformed[PARTS * NER_MAX_WIDTH];
    const float *const none[3] = {zeros, zeros, zeros};
    if (s->pieces == 3) first_row(s, &p->encoder[0], none, p->still[0], p->still[1], 3);
    else first_row(s, &p->encoder[0], none, p->still[0], p->still[1], 2);
    for (int32_t l = 2; l <= s->depth; l++) {
        const float *row = p->still[l - 1];
        Group group = {.residual = {row}, .out = {p->still[l]}, .rows = 1};
        transform(width, (const float *const[]){row, row, row, row, row, row}, transformed);
        encode_tile(s, &p->encoder[l - 1], transformed, &group, 1);
    }
}

static void pack_common(const NerShape *s, Packed *p, const NerCommon *common)
{
    size_t ids = (size_t)s->tables, known = 1;
    for (int32_t i = 0; i < common->count; i++) {
        const uint64_t *of = common->ids + (size_t)i * ids;
        size_t place = place_of(s, p, of, mixed(s, of));
        if (p->places[place]) continue;
        memcpy(p->common.ids + known * ids, of, ids * sizeof *of);
        p->places[place] = (int32_t)known++;
    }
    embed(s, p, &p->common, 1, known);
}

static void pack_lower(const NerShape *s, const NerWeights *w, Packed *p)
{
    size_t width = (size_t)s->width, hidden = (size_t)s->hidden, pieces = (size_t)s->lower_pieces;
    for (size_t f = 0; f < 3; f++)
        for (size_t h = 0; h < hidden; h++)
            for (size_t q = 0; q < pieces; q++) {
                const float *from = w->lower_weights + ((f * hidden + h) * pieces + q) * hidden;
                size_t o = q * hidden + h;
                double folded = 0;
                for (size_t k = 0; k < hidden; k++) folded += (double)from[k] * (double)w->linear_bias[k];
                if (f == 0) p->inside_bias[o] = p->outside_bias[o] = w->lower_bias[h * pieces + q] + (float)folded;
                else {
                    p->inside_bias[o] += (float)folded;
                    p->outside_bias[o] += w->lower_padding[(f * hidden + h) * pieces + q];
                }
                for (size_t i = 0; i < width; i++) {
                    double weight = 0;
                    for (size_t k = 0; k < hidden; k++)
                        weight += (double)from[k] * (double)w->linear_weights[k * width + i];
                    p->lower[f].weights[place(&p->lower[f], o, i)] = (float)weight;
                }
            }
}

static void pack_upper(const NerShape *s, const NerWeights *w, Packed *p)
{
    size_t hidden = (size_t)s->hidden;
    int32_t in_move[NER_MAX_LABELS] = {0};
    for (int32_t m = 0; m < s->moves; m++) {
        const float *from = w->upper_weights + (size_t)m * hidden;
        int32_t kind = w->move_kinds[m], label = w->move_labels[m];
        assert(label >= 0 && label < s->labels);
        if (kind == NER_IN || kind == NER_LAST) {
            float *to = (kind == NER_IN ? p->in_weights : p->last_weights) + (size_t)label * hidden;
            memcpy(to, from, hidden * sizeof(float));
            (kind == NER_IN ? p->in_bias : p->last_bias)[label] = w->upper_bias[m];
            if (kind == NER_IN) in_move[label] = m + 1;
            else p->in_first[label] = in_move[label] != 0;
        } else if (kind != NER_NEVER) {
            size_t o = (size_t)p->moves++;
            for (size_t k = 0; k < hidden; k++) p->upper.weights[place(&p->upper, o, k)] = from[k];
            p->upper.bias[o] = w->upper_bias[m];
            p->kinds[o] = kind;
            p->labels[o] = label;
        }
    }
    p->upper.outputs = rounded((size_t)p->moves, SPREAD);
}

typedef struct {
    Packed packed;
    void *memory;
} Owned;

static void release(void *packed)
{
    Owned *owned = packed;
    if (!owned) return;
    free(owned->memory);
    free(owned);
}

static void *pack(const NerShape *s, const NerWeights *w, const NerCommon *common)
{
    size_t width = (size_t)s->width;
    Cursor count = {NULL, 0};
    Owned *owned = calloc(1, sizeof *owned);
    if (!owned) return NULL;
    Packed *p = &owned->packed;
    p->commons = common->count + 1;
    p->place_count = 2;
    while (p->place_count < 2 * (size_t)p->commons) p->place_count *= 2;
    lay_out(s, p, &count);
    float *columns = aligned_alloc(NER_ALIGN, rounded(width * spread_of(s) * sizeof(float), NER_ALIGN));
    owned->memory = aligned_alloc(NER_ALIGN, count.used);
    if (!columns || !owned->memory) {
        free(columns);
        release(owned);
        return NULL;
    }
    memset(owned->memory, 0, count.used);
    Cursor at = {owned->memory, 0};
    lay_out(s, p, &at);
    for (int32_t t = 0; t < s->tables; t++) pack_table(s, w, t, p->tables[t], columns);
    free(columns);
    pack_norm(s, &p->mixer, w->mixer_bias, w->mixer_gain, w->mixer_shift);
    for (int32_t l = 0; l < s->depth; l++) {
        pack_norm(s, &p->encoder[l], w->encoder_bias[l], w->encoder_gain[l], w->encoder_shift[l]);
        if (l) pack_encoder(s, w, l, p->encoder[l].weights);
    }
    pack_fold(s, w, p);
    pack_still(s, p, p->common.folded); /* of number 0: zeros */
    pack_common(s, p, common);
    pack_lower(s, w, p);
    pack_upper(s, w, p);
    return owned;
}

#endif
