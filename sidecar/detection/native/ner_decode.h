/* From encoded rows to entities: the parser's scores, and the greedy choice among the moves that are valid.
 *
 * A state outside an entity depends on its word alone: those are scored in blocks, for the moves valid there. Inside an
 * entity only two moves are valid, and only they are scored. */
#ifndef PII_SIDECAR_NER_DECODE_H
#define PII_SIDECAR_NER_DECODE_H

#include "ner_layout.h"

/* Where decoding has got to; `label` is -1 outside an entity. */
typedef struct {
    int32_t doc, begin, end; /* the document, and its words in the batch */
    int32_t start, label;    /* of the open entity */
    int32_t count;           /* spans so far */
} Decoder;

/* out[hidden] = the largest piece of in + bias (+ two more, unless NULL). */
INLINE void lower_maxout(const NerShape *s, const float *in, const float *bias, const float *second,
                         const float *third, float *out)
{
    size_t hidden = (size_t)s->hidden;
    for (size_t h = 0; h < hidden; h += LANES) {
        Vector best = {0};
        for (size_t q = 0; q < (size_t)s->lower_pieces; q++) {
            size_t at = q * hidden + h;
            Vector sums = load(in + at) + load(bias + at);
            if (second) sums += load(second + at) + load(third + at);
            best = q ? larger(best, sums) : sums;
        }
        store(out + h, best);
    }
}

static float score(const NerShape *s, const float *weights, const float *hidden)
{
    Vector sums = {0};
    for (size_t h = 0; h < (size_t)s->hidden; h += LANES) sums += load(weights + h) * load(hidden + h);
    return sum(sums);
}

/* Whether the open entity goes on beyond this word. */
static int goes_on(const NerShape *s, const Packed *p, const Arena *a, const float *lowered, const float *previous,
                   int32_t label, float *hidden)
{
    size_t at = (size_t)label * (size_t)s->hidden;
    affine(&p->lower[2], &previous, 1, a->inside);
    lower_maxout(s, lowered, p->inside_bias, a->first, a->inside, hidden);
    float in = score(s, p->in_weights + at, hidden) + p->in_bias[label];
    float last = score(s, p->last_weights + at, hidden) + p->last_bias[label];
    return in > last || (in == last && p->in_first[label]);
}

/* The best move outside an entity; `all`: B is allowed, else only U and O. The first of equals. */
static int32_t best_move(const Packed *p, const float *scores, int all)
{
    int32_t best = -1;
    for (int32_t m = 0; m < p->moves; m++)
        if ((all || p->kinds[m] != NER_BEGIN) && (best < 0 || scores[m] > scores[best])) best = m;
    return best;
}

static void decode_word(const NerShape *s, const Packed *p, const Arena *a, const NerBatch *batch, Decoder *d,
                        int32_t word, size_t in_block, const float *row, const float *previous, NerSpan *spans)
{
    size_t columns = (size_t)s->tables + 1;
    while (word >= d->end) {
        d->begin = d->end;
        d->end += batch->lengths[++d->doc];
    }
    int is_last = word == d->end - 1;
    if (d->label >= 0) {
        if (!is_last && goes_on(s, p, a, a->lowered + in_block * p->lower[0].outputs, previous, d->label,
                                a->hidden + in_block * (size_t)s->hidden))
            return;
        assert(d->count < batch->words);
        spans[d->count++] = (NerSpan){d->doc, d->start, word + 1 - d->begin, d->label};
        d->label = -1;
        return;
    }
    if (batch->features[(size_t)word * columns + (size_t)s->tables]) return; /* white space: only O is valid */
    int32_t best = best_move(p, a->scores + in_block * p->upper.outputs, !is_last);
    if (best < 0 || p->kinds[best] == NER_OUT) return;
    d->start = word - d->begin;
    if (p->kinds[best] == NER_BEGIN) {
        d->label = p->labels[best];
        affine(&p->lower[1], &row, 1, a->first);
        return;
    }
    assert(d->count < batch->words);
    spans[d->count++] = (NerSpan){d->doc, d->start, d->start + 1, p->labels[best]};
}

/* Decode the words of the window, whose encoded rows are in `encoded`. */
static void decode(const NerShape *s, const Packed *p, const NerBatch *batch, const Arena *a, const float *encoded,
                   Decoder *d, NerSpan *spans)
{
    size_t width = (size_t)s->width, hidden = (size_t)s->hidden, count = 0;
    for (size_t i = 0; i < a->count; i++) {
        const Stretch *of = &a->stretches[i];
        for (int32_t position = of->from; position < of->to; position++, count++) {
            a->rows[count] = encoded + (size_t)(of->row + position) * width;
            a->words[count] = (int32_t)(of->first + position);
        }
    }
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t rows = count - done < BLOCK ? count - done : BLOCK;
        const float *hiddens[BLOCK];
        affine(&p->lower[0], a->rows + done, rows, a->lowered);
        for (size_t i = 0; i < rows; i++) {
            hiddens[i] = a->hidden + i * hidden;
            lower_maxout(s, a->lowered + i * p->lower[0].outputs, p->outside_bias, NULL, NULL, a->hidden + i * hidden);
        }
        affine(&p->upper, hiddens, rows, a->scores);
        for (size_t i = done; i < done + rows; i++)
            decode_word(s, p, a, batch, d, a->words[i], i - done, a->rows[i], i ? a->rows[i - 1] : a->carried, spans);
    }
    if (count) memcpy(a->carried, a->rows[count - 1], width * sizeof(float));
}

#endif
