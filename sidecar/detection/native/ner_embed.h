/* From words to what depends on the word alone: its number, its row of the mixer, its share of the first layer. */
#ifndef PII_SIDECAR_NER_EMBED_H
#define PII_SIDECAR_NER_EMBED_H

#include "ner_layout.h"

INLINE void embed_pieces(const NerShape *s, const Packed *p, const uint64_t *ids, float *out, size_t pieces)
{
    size_t width = (size_t)s->width, spread = width * pieces;
    const float *rows[4 * NER_MAX_TABLES];
    size_t count = 0;
    for (int32_t t = 0; t < s->tables; t++) {
        uint32_t parts[4];
        ner_hash(ids[t], s->seeds[t], parts);
        for (int i = 0; i < 4; i++) rows[count++] = p->tables[t] + (size_t)(parts[i] % (uint32_t)s->rows[t]) * spread;
    }
    for (size_t o = 0; o < width; o += LANES) {
        Vector sums[NER_MAX_PIECES];
        for (size_t q = 0; q < pieces; q++) sums[q] = load(p->mixer.bias + o * pieces + q * LANES);
        for (size_t i = 0; i < count; i++)
            for (size_t q = 0; q < pieces; q++) sums[q] += load(rows[i] + o * pieces + q * LANES);
        Vector best = larger(sums[0], sums[1]);
        store(out + o, pieces == 3 ? larger(best, sums[2]) : best);
    }
    layer_norm(s, &p->mixer, out, NULL, out);
}

/* Compute words [from, to) from their ids. */
static void embed(const NerShape *s, const Packed *p, const Words *words, size_t from, size_t to)
{
    size_t width = (size_t)s->width;
    for (size_t i = from; i < to; i++) {
        const uint64_t *ids = words->ids + i * (size_t)s->tables;
        if (s->pieces == 3) embed_pieces(s, p, ids, words->embedded + i * width, 3);
        else embed_pieces(s, p, ids, words->embedded + i * width, 2);
    }
    for (size_t done = from; done < to; done += BLOCK) {
        size_t count = to - done < BLOCK ? to - done : BLOCK;
        const float *rows[BLOCK];
        for (size_t i = 0; i < count; i++) rows[i] = words->embedded + (done + i) * width;
        affine(&p->fold, rows, count, words->folded + done * 3 * spread_of(s));
    }
}

INLINE uint64_t mixed(const NerShape *s, const uint64_t *ids)
{
    uint64_t result = 0;
    for (int32_t t = 0; t < s->tables; t++) result = (result ^ ids[t]) * 0x9e3779b97f4a7c15u;
    return result ^ (result >> 32);
}

/* Whether these are the ids of word `number`. */
INLINE int is_word(const NerShape *s, const Words *words, size_t number, const uint64_t *ids)
{
    const uint64_t *others = words->ids + number * (size_t)s->tables;
    uint64_t different = 0;
    for (int32_t t = 0; t < s->tables; t++) different |= ids[t] ^ others[t];
    return !different;
}

/* The place of a common word in the hash table, or the empty one where it would be. */
INLINE size_t place_of(const NerShape *s, const Packed *p, const uint64_t *ids, uint64_t hash)
{
    size_t place = hash & (p->place_count - 1);
    while (p->places[place] && !is_word(s, &p->common, (size_t)p->places[place], ids))
        place = (place + 1) & (p->place_count - 1); /* runs are as long as loading made them, whatever is looked up */
    return place;
}

/* The number of a word; one that is not common and not remembered joins the fresh words, to be computed later. */
INLINE int32_t number_of(const NerShape *s, const Packed *p, Arena *a, const uint64_t *ids)
{
    uint64_t hash = mixed(s, ids);
    int32_t common = p->places[place_of(s, p, ids, hash)];
    if (common) return common;
    uint16_t *slot = a->memo + (hash >> 20) % MEMO; /* no probing: no choice of words makes this slow */
    if (*slot && is_word(s, &a->fresh, *slot - 1u, ids)) return p->commons + *slot - 1;
    memcpy(a->fresh.ids + (size_t)a->freshes * (size_t)s->tables, ids, (size_t)s->tables * sizeof *ids);
    *slot = (uint16_t)++a->freshes;
    return p->commons + a->freshes - 1;
}

INLINE const float *embedded_of(const NerShape *s, const Packed *p, const Arena *a, int32_t number)
{
    return number < p->commons ? p->common.embedded + (size_t)number * (size_t)s->width
                               : a->fresh.embedded + (size_t)(number - p->commons) * (size_t)s->width;
}
INLINE const float *folded_of(const NerShape *s, const Packed *p, const Arena *a, int32_t number)
{
    return number < p->commons ? p->common.folded + (size_t)number * 3 * spread_of(s)
                               : a->fresh.folded + (size_t)(number - p->commons) * 3 * spread_of(s);
}

/* Number the words that the first layer looks at, from one before its first to one behind its last position. */
static void number_words(const NerShape *s, const Packed *p, const NerBatch *batch, Arena *a)
{
    size_t columns = (size_t)s->tables + 1;
    int32_t *number = a->numbers;
    memset(a->memo, 0, MEMO * sizeof *a->memo);
    a->freshes = 0;
    for (size_t i = 0; i < a->count; i++) {
        const Stretch *of = &a->stretches[i];
        for (int32_t position = of->begin[1] - 1; position <= of->end[1]; position++)
            *number++ = position < of->begin[0] || position >= of->end[0]
                            ? 0
                            : number_of(s, p, a, batch->features + (size_t)(of->first + position) * columns);
    }
    embed(s, p, &a->fresh, 0, (size_t)a->freshes);
}

INLINE void first_row(const NerShape *s, const MaxoutNorm *layer, const float *const folded[3], const float *embedded,
                      float *out, size_t pieces)
{
    size_t width = (size_t)s->width, spread = width * pieces;
    for (size_t o = 0; o < width; o += LANES) {
        Vector best = {0};
        UNROLLED
        for (size_t q = 0; q < pieces; q++) {
            size_t at = o * pieces + q * LANES;
            Vector sums = load(layer->bias + at) + load(folded[0] + at);
            sums += load(folded[1] + spread + at);
            sums += load(folded[2] + 2 * spread + at);
            best = q ? larger(best, sums) : sums;
        }
        store(out + o, best);
    }
    layer_norm(s, layer, out, embedded, out);
}

/* The first layer: an affine map of three words' rows is the sum of what each of them adds. */
static void encode_first(const NerShape *s, const Packed *p, const Arena *a, float *out)
{
    const int32_t *number = a->numbers + 1;
    for (size_t i = 0; i < a->count; i++, number += 2) {
        const Stretch *of = &a->stretches[i];
        for (int32_t position = of->begin[1]; position < of->end[1]; position++, number++) {
            const float *folded[3];
            for (int n = 0; n < 3; n++) folded[n] = folded_of(s, p, a, number[n - 1]);
            float *row = out + (size_t)(of->row + position) * (size_t)s->width;
            const float *embedded = embedded_of(s, p, a, *number);
            if (s->pieces == 3) first_row(s, &p->encoder[0], folded, embedded, row, 3);
            else first_row(s, &p->encoder[0], folded, embedded, row, 2);
        }
    }
}

#endif
