/* The scalar reference: the model as it is written down, one loop for each sum. Kept for tests; never the default. */
#include "ner.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A copy of the weights: `of` points into `memory`. */
typedef struct {
    NerWeights of;
    int32_t *kinds, *labels;
    float *memory;
} Copy;

static const float *copied(float **to, const float *from, size_t count)
{
    float *start = *to;
    memcpy(start, from, count * sizeof(float));
    *to += count;
    return start;
}

static size_t total_floats(const NerShape *s)
{
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces, hidden = (size_t)s->hidden;
    size_t total = width * pieces * (size_t)s->tables * width + width * pieces + 2 * width;
    for (int32_t t = 0; t < s->tables; t++) total += (size_t)s->rows[t] * width;
    total += (size_t)s->depth * (width * pieces * 3 * width + width * pieces + 2 * width);
    total += hidden * width + hidden + (3 * hidden + 1 + 3) * hidden * (size_t)s->lower_pieces;
    return total + (size_t)s->moves * (hidden + 1);
}

static void release(void *packed)
{
    Copy *copy = packed;
    if (!copy) return;
    free(copy->memory);
    free(copy->kinds);
    free(copy->labels);
    free(copy);
}

static void *pack(const NerShape *s, const NerWeights *from, const NerCommon *common)
{
    (void)common;
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces, hidden = (size_t)s->hidden, moves = (size_t)s->moves;
    Copy *copy = calloc(1, sizeof *copy);
    if (!copy) return NULL;
    copy->memory = malloc(total_floats(s) * sizeof(float));
    copy->kinds = malloc(moves * sizeof(int32_t));
    copy->labels = malloc(moves * sizeof(int32_t));
    if (!copy->memory || !copy->kinds || !copy->labels) {
        release(copy);
        return NULL;
    }
    NerWeights *of = &copy->of;
    float *to = copy->memory;
    for (int32_t t = 0; t < s->tables; t++) of->tables[t] = copied(&to, from->tables[t], (size_t)s->rows[t] * width);
    of->mixer_weights = copied(&to, from->mixer_weights, width * pieces * (size_t)s->tables * width);
    of->mixer_bias = copied(&to, from->mixer_bias, width * pieces);
    of->mixer_gain = copied(&to, from->mixer_gain, width);
    of->mixer_shift = copied(&to, from->mixer_shift, width);
    for (int32_t l = 0; l < s->depth; l++) {
        of->encoder_weights[l] = copied(&to, from->encoder_weights[l], width * pieces * 3 * width);
        of->encoder_bias[l] = copied(&to, from->encoder_bias[l], width * pieces);
        of->encoder_gain[l] = copied(&to, from->encoder_gain[l], width);
        of->encoder_shift[l] = copied(&to, from->encoder_shift[l], width);
    }
    size_t lower = hidden * (size_t)s->lower_pieces;
    of->linear_weights = copied(&to, from->linear_weights, hidden * width);
    of->linear_bias = copied(&to, from->linear_bias, hidden);
    of->lower_weights = copied(&to, from->lower_weights, 3 * lower * hidden);
    of->lower_bias = copied(&to, from->lower_bias, lower);
    of->lower_padding = copied(&to, from->lower_padding, 3 * lower);
    of->upper_weights = copied(&to, from->upper_weights, moves * hidden);
    of->upper_bias = copied(&to, from->upper_bias, moves);
    assert((size_t)(to - copy->memory) == total_floats(s));
    memcpy(copy->kinds, from->move_kinds, moves * sizeof(int32_t));
    memcpy(copy->labels, from->move_labels, moves * sizeof(int32_t));
    return copy;
}

static int usable(void) { return 1; }

static size_t arena_bytes(const NerShape *s, int32_t words, int32_t docs)
{
    return ((size_t)ner_batch_rows(s, words, docs) + 2) * (size_t)s->width * 2 * sizeof(float);
}

static float dot(const float *a, const float *b, int32_t count)
{
    float sum = 0;
    for (int32_t k = 0; k < count; k++) sum += a[k] * b[k];
    return sum;
}

/* out[width] = layer_norm(maxout(in[inputs])) */
static void maxout_norm(const NerShape *s, const float *weights, const float *bias, const float *gain,
                        const float *shift, const float *in, int32_t inputs, float *out)
{
    for (int32_t o = 0; o < s->width; o++) {
        float best = -INFINITY;
        for (int32_t p = 0; p < s->pieces; p++) {
            size_t piece = (size_t)o * (size_t)s->pieces + (size_t)p;
            best = fmaxf(best, dot(weights + piece * (size_t)inputs, in, inputs) + bias[piece]);
        }
        out[o] = best;
    }
    float mean = 0, variance = 0;
    for (int32_t o = 0; o < s->width; o++) mean += out[o];
    mean /= (float)s->width;
    for (int32_t o = 0; o < s->width; o++) variance += (out[o] - mean) * (out[o] - mean);
    variance = variance / (float)s->width + 1e-8f;
    for (int32_t o = 0; o < s->width; o++) out[o] = (out[o] - mean) / sqrtf(variance) * gain[o] + shift[o];
}

static void embed(const NerShape *s, const NerWeights *w, const uint64_t *ids, float *out)
{
    float sums[NER_MAX_TABLES * NER_MAX_WIDTH] = {0};
    for (int32_t t = 0; t < s->tables; t++) {
        uint32_t parts[4];
        ner_hash(ids[t], s->seeds[t], parts);
        for (int i = 0; i < 4; i++) {
            const float *row = w->tables[t] + (size_t)(parts[i] % (uint32_t)s->rows[t]) * (size_t)s->width;
            for (int32_t k = 0; k < s->width; k++) sums[t * s->width + k] += row[k];
        }
    }
    maxout_norm(s, w->mixer_weights, w->mixer_bias, w->mixer_gain, w->mixer_shift, sums, s->tables * s->width, out);
}

/* scores[moves] of the state (current, first word of the entity, previous word); a NULL is the padding. */
static void score(const NerShape *s, const NerWeights *w, const float *const state[3], float *scores)
{
    float summed[NER_MAX_WIDTH * NER_MAX_PIECES], hidden[NER_MAX_WIDTH], tokvec[NER_MAX_WIDTH];
    size_t lower = (size_t)s->hidden * (size_t)s->lower_pieces;
    memcpy(summed, w->lower_bias, lower * sizeof(float));
    for (size_t f = 0; f < 3; f++) {
        for (int32_t h = 0; state[f] && h < s->hidden; h++)
            tokvec[h] = dot(w->linear_weights + (size_t)h * (size_t)s->width, state[f], s->width) + w->linear_bias[h];
        for (size_t o = 0; o < lower; o++)
            summed[o] += state[f] ? dot(w->lower_weights + (f * lower + o) * (size_t)s->hidden, tokvec, s->hidden)
                                  : w->lower_padding[f * lower + o];
    }
    for (int32_t h = 0; h < s->hidden; h++) {
        hidden[h] = -INFINITY;
        for (int32_t p = 0; p < s->lower_pieces; p++) hidden[h] = fmaxf(hidden[h], summed[h * s->lower_pieces + p]);
    }
    for (int32_t m = 0; m < s->moves; m++)
        scores[m] = dot(w->upper_weights + (size_t)m * (size_t)s->hidden, hidden, s->hidden) + w->upper_bias[m];
}

static int is_valid(int32_t kind, int32_t label, int32_t open, int is_space, int is_last)
{
    switch (kind) {
    case NER_BEGIN: return open < 0 && !is_space && !is_last;
    case NER_UNIT: return open < 0 && !is_space;
    case NER_OUT: return open < 0;
    case NER_IN: return open == label && !is_last;
    case NER_LAST: return open == label;
    default: return 0;
    }
}

/* Decode one document of `length` words; return how many spans it has. */
static int32_t decode(const NerShape *s, const Copy *copy, const float *rows, const uint64_t *features, int32_t doc,
                      int32_t length, NerSpan *spans)
{
    int32_t count = 0, open = -1, start = 0;
    float scores[NER_MAX_MOVES];
    for (int32_t i = 0; i < length; i++) {
        const float *row = rows + (size_t)i * (size_t)s->width;
        const float *const state[3] = {row, open < 0 ? NULL : rows + (size_t)start * (size_t)s->width,
                                       open < 0 ? NULL : row - s->width};
        int is_space = features[(size_t)i * (size_t)(s->tables + 1) + (size_t)s->tables] != 0;
        int32_t best = -1;
        score(s, &copy->of, state, scores);
        for (int32_t m = 0; m < s->moves; m++)
            if (is_valid(copy->kinds[m], copy->labels[m], open, is_space, i == length - 1) &&
                (best < 0 || scores[m] > scores[best]))
                best = m;
        if (best < 0) break; /* a model without O or without L: `load` refuses it */
        int32_t kind = copy->kinds[best];
        if (kind == NER_BEGIN || kind == NER_UNIT) start = i;
        if (kind == NER_BEGIN) open = copy->labels[best];
        if (kind == NER_LAST || kind == NER_UNIT) {
            spans[count++] = (NerSpan){doc, start, i + 1, copy->labels[best]};
            open = -1;
        }
    }
    return count;
}

static int32_t run(const NerShape *s, const void *packed, const NerBatch *batch, void *arena, NerSpan *spans,
                   float *rows_out)
{
    const Copy *copy = packed;
    size_t width = (size_t)s->width, columns = (size_t)s->tables + 1;
    int64_t rows = ner_batch_rows(s, batch->words, batch->docs);
    float *x = arena, *y = x + ((size_t)rows + 2) * width, fresh[NER_MAX_WIDTH];
    memset(arena, 0, arena_bytes(s, batch->words, batch->docs));
    int64_t row = 1; /* one row of zeros on either side is never computed */
    const uint64_t *word = batch->features;
    for (int32_t d = 0; d < batch->docs; d++) {
        row += s->depth;
        for (int32_t i = 0; i < batch->lengths[d]; i++, row++, word += columns)
            embed(s, &copy->of, word, x + (size_t)row * width);
    }
    assert(row + s->depth == rows + 1);
    for (int32_t l = 0; l < s->depth; l++) {
        memset(y, 0, ((size_t)rows + 2) * width * sizeof(float));
        for (int64_t r = 1; r <= rows; r++) {
            const float *in = x + (size_t)(r - 1) * width;
            maxout_norm(s, copy->of.encoder_weights[l], copy->of.encoder_bias[l], copy->of.encoder_gain[l],
                        copy->of.encoder_shift[l], in, 3 * s->width, fresh);
            for (size_t k = 0; k < width; k++) y[(size_t)r * width + k] = fresh[k] + in[width + k];
        }
        float *swap = x;
        x = y;
        y = swap;
    }
    int32_t count = 0;
    row = 1;
    word = batch->features;
    for (int32_t d = 0; d < batch->docs; d++) {
        int32_t length = batch->lengths[d];
        row += s->depth;
        const float *of_doc = x + (size_t)row * width;
        count += decode(s, copy, of_doc, word, d, length, spans + count);
        if (rows_out && length) memcpy(rows_out, of_doc, (size_t)length * width * sizeof(float));
        if (rows_out) rows_out += (size_t)length * width;
        row += length;
        word += (size_t)length * columns;
    }
    return count;
}

const NerKernel ner_reference = {"reference", usable, pack, release, arena_bytes, run};
