/* The vector kernel, compiled once for each width of vector (NER_LANES floats) under a name of its own (NER_KERNEL).
 *
 * How it differs from the reference, which says what is computed:
 *   - the mixer is linear before its maxout, so every table is stored as the mixer's affine map of it: embedding a word
 *     is a sum of 4 * tables rows, whatever the word, with no cache that could keep words;
 *   - the linear layer is folded into the three lower maps;
 *   - rows are worked on in windows of WINDOW, so that all that is touched stays in the cache and the arena has a size
 *     that does not depend on the text; a window computes `depth` rows more on either side;
 *   - of the rows between documents only those are computed that depend on a word and on which a word depends, which
 *     matters for short texts; the others are the same for every text;
 *   - a state outside an entity depends on its word alone: those are scored in blocks, for the moves valid there;
 *   - inside an entity only two moves are valid, and only they are scored.
 */
#include "ner.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = NER_LANES,
    TILE = NER_TILE,   /* rows that share each load of weights; TILE * PANEL + PANEL + 1 vector registers */
    PANEL = 3,         /* vectors of outputs side by side */
    WINDOW = 512,      /* rows */
    BLOCK = 32,        /* rows scored at once */
    MEMO = 1024,       /* slots that remember which word of the window had the same ids */
    SPREAD = PANEL * LANES,
};

typedef float Vector __attribute__((vector_size(4 * NER_LANES), may_alias));

#define UNROLLED _Pragma("GCC unroll 8") /* or the sums do not stay in registers */
#define INLINE static inline __attribute__((always_inline))

INLINE Vector load(const float *from) { return *(const Vector *)from; }
INLINE void store(float *to, Vector of) { *(Vector *)to = of; }
INLINE Vector larger(Vector a, Vector b)
{
    Vector result;
    for (int i = 0; i < LANES; i++) result[i] = a[i] > b[i] ? a[i] : b[i];
    return result;
}
INLINE float sum(Vector of)
{
    float result = 0;
    for (int i = 0; i < LANES; i++) result += of[i];
    return result;
}
INLINE size_t rounded(size_t count, size_t to) { return (count + to - 1) / to * to; }

/* An affine map, outputs in panels of SPREAD: [panel][input][SPREAD]. Outputs beyond `outputs` are zero. */
typedef struct {
    size_t inputs, outputs; /* `outputs` is a multiple of SPREAD */
    float *weights, *bias;
} Affine;

/* A maxout layer of `pieces` maps of which a panel holds the same LANES outputs, then layer norm. */
typedef struct {
    float *weights; /* [width / LANES][inputs][pieces][LANES] */
    float *bias;    /* [width / LANES][pieces][LANES] */
    float *gain, *shift;
} MaxoutNorm;

typedef struct {
    float *tables[NER_MAX_TABLES]; /* [rows][width / LANES][pieces][LANES]: the mixer's map of each row */
    MaxoutNorm mixer;              /* without weights */
    MaxoutNorm encoder[NER_MAX_DEPTH];
    float *still[NER_MAX_DEPTH];   /* [width]: what each layer gives for a row with no word in sight */
    Affine lower[3];               /* width -> [lower_pieces][hidden], the linear layer folded in; no bias */
    float *outside_bias;           /* [lower_pieces][hidden]: what is added to lower[0] outside an entity */
    float *inside_bias;            /* [lower_pieces][hidden]: what is added to all three inside */
    Affine upper;                  /* hidden -> the moves B, U and O, in the model's order */
    int32_t *kinds, *labels;       /* [upper.outputs] of those moves; NER_NEVER for the rest */
    int32_t moves;                 /* how many they are */
    float *in_weights, *last_weights; /* [labels][hidden] */
    float *in_bias, *last_bias;       /* [labels] */
    uint8_t in_first[NER_MAX_LABELS]; /* whether I-x comes before L-x, and so wins a tie */
} Packed;

/* --- laying out memory ------------------------------------------------------------------------------------------- */

/* Hands out slices of one stretch of memory, each aligned; without memory it only counts. */
typedef struct {
    char *base;
    size_t used;
} Cursor;

static void *slice(Cursor *cursor, size_t bytes)
{
    void *result = cursor->base ? cursor->base + cursor->used : NULL;
    cursor->used += rounded(bytes, NER_ALIGN);
    return result;
}
static float *floats(Cursor *cursor, size_t count) { return slice(cursor, count * sizeof(float)); }

static size_t upper_outputs(const NerShape *s) { return rounded((size_t)s->moves, SPREAD); }
static size_t lower_outputs(const NerShape *s)
{
    return rounded((size_t)s->lower_pieces * (size_t)s->hidden, SPREAD);
}

static void lay_out(const NerShape *s, Packed *p, Cursor *at)
{
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces, hidden = (size_t)s->hidden;
    size_t lower = lower_outputs(s), upper = upper_outputs(s), labels = (size_t)s->labels;
    for (int32_t t = 0; t < s->tables; t++) p->tables[t] = floats(at, (size_t)s->rows[t] * pieces * width);
    p->mixer = (MaxoutNorm){NULL, floats(at, pieces * width), floats(at, width), floats(at, width)};
    for (int32_t l = 0; l < s->depth; l++) {
        p->encoder[l] = (MaxoutNorm){floats(at, 3 * width * pieces * width), floats(at, pieces * width),
                                     floats(at, width), floats(at, width)};
        p->still[l] = floats(at, width);
    }
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

/* --- packing ------------------------------------------------------------------------------------------------------ */

/* Where output `o`, piece `p` of a maxout layer lies among the pieces * width of one input. */
static size_t lane_of(const NerShape *s, size_t o, size_t p)
{
    return (o / LANES * (size_t)s->pieces + p) * LANES + o % LANES;
}

static void pack_maxout(const NerShape *s, const MaxoutNorm *to, const float *weights, const float *bias,
                        const float *gain, const float *shift, size_t inputs)
{
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces, panel = pieces * LANES;
    for (size_t o = 0; o < width; o++)
        for (size_t p = 0; p < pieces; p++) {
            const float *from = weights + (o * pieces + p) * inputs;
            to->bias[lane_of(s, o, p)] = bias[o * pieces + p];
            for (size_t k = 0; to->weights && k < inputs; k++)
                to->weights[(o / LANES * inputs + k) * panel + p * LANES + o % LANES] = from[k];
        }
    memcpy(to->gain, gain, width * sizeof(float));
    memcpy(to->shift, shift, width * sizeof(float));
}

/* The mixer's map of every row of table `t`; `columns` has room for width * pieces * width floats. */
static void pack_table(const NerShape *s, const NerWeights *w, int32_t t, float *to, float *columns)
{
    size_t width = (size_t)s->width, pieces = (size_t)s->pieces, spread = pieces * width;
    for (size_t o = 0; o < width; o++)
        for (size_t p = 0; p < pieces; p++)
            for (size_t k = 0; k < width; k++)
                columns[k * spread + lane_of(s, o, p)] =
                    w->mixer_weights[((o * pieces + p) * (size_t)s->tables + (size_t)t) * width + k];
    for (size_t row = 0; row < (size_t)s->rows[t]; row++, to += spread) {
        const float *from = w->tables[t] + row * width;
        memset(to, 0, spread * sizeof(float));
        for (size_t k = 0; k < width; k++)
            for (size_t j = 0; j < spread; j += LANES)
                store(to + j, load(to + j) + from[k] * load(columns + k * spread + j));
    }
}

/* Where output `o` of input `k` lies. */
static size_t place(const Affine *a, size_t o, size_t k) { return (o / SPREAD * a->inputs + k) * SPREAD + o % SPREAD; }

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

static void encode(const NerShape *s, const MaxoutNorm *layer, const float *in, const int32_t *which, size_t count,
                   float *out);

/* Rows without a word in sight: zeros at first, then what a layer gives where all three rows are alike. */
static void pack_still(const NerShape *s, Packed *p)
{
    size_t width = (size_t)s->width;
    _Alignas(NER_ALIGN) float in[3 * NER_MAX_WIDTH] = {0}, out[3 * NER_MAX_WIDTH];
    for (int32_t l = 0; l < s->depth; l++) {
        encode(s, &p->encoder[l], in, (int32_t[]){1}, 1, out);
        memcpy(p->still[l], out + width, width * sizeof(float));
        for (size_t r = 0; r < 3; r++) memcpy(in + r * width, p->still[l], width * sizeof(float));
    }
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

static void *pack(const NerShape *s, const NerWeights *w)
{
    size_t width = (size_t)s->width;
    Cursor count = {NULL, 0};
    Owned *owned = calloc(1, sizeof *owned);
    if (!owned) return NULL;
    lay_out(s, &owned->packed, &count);
    float *columns = aligned_alloc(NER_ALIGN, rounded(width * width * (size_t)s->pieces * sizeof(float), NER_ALIGN));
    owned->memory = aligned_alloc(NER_ALIGN, count.used);
    if (!columns || !owned->memory) {
        free(columns);
        release(owned);
        return NULL;
    }
    memset(owned->memory, 0, count.used);
    Cursor at = {owned->memory, 0};
    Packed *p = &owned->packed;
    lay_out(s, p, &at);
    for (int32_t t = 0; t < s->tables; t++) pack_table(s, w, t, p->tables[t], columns);
    free(columns);
    pack_maxout(s, &p->mixer, w->mixer_weights, w->mixer_bias, w->mixer_gain, w->mixer_shift,
                (size_t)s->tables * width);
    for (int32_t l = 0; l < s->depth; l++)
        pack_maxout(s, &p->encoder[l], w->encoder_weights[l], w->encoder_bias[l], w->encoder_gain[l],
                    w->encoder_shift[l], 3 * width);
    pack_still(s, p);
    pack_lower(s, w, p);
    pack_upper(s, w, p);
    return owned;
}

/* --- the arena ---------------------------------------------------------------------------------------------------- */

typedef struct {
    int32_t *words;    /* [rows of the batch]: which word a row is, or -1 */
    float *x, *y;      /* [buffer_rows][width] */
    int32_t *distance; /* [buffer_rows]: from the nearest word of the window */
    int32_t *which;    /* [buffer_rows]: rows to compute */
    uint16_t *memo;    /* [MEMO]: a row of the window + 1, or 0 */
    float *lowered;    /* [BLOCK][lower outputs] */
    float *hidden;     /* [BLOCK][hidden] */
    float *scores;     /* [BLOCK][upper outputs] */
    float *first;      /* [lower outputs]: of the first word of the open entity */
    float *inside;     /* [lower outputs] */
    float *carried;    /* [width]: the row before the window */
} Arena;

/* Rows that a window needs: those it is for, and `depth` on either side. */
static size_t buffer_rows(const NerShape *s, int64_t rows)
{
    return (size_t)(rows < WINDOW ? rows : WINDOW) + 2 * (size_t)s->depth;
}

static void lay_out_arena(const NerShape *s, int64_t rows, Arena *a, Cursor *at)
{
    size_t width = (size_t)s->width, lower = lower_outputs(s);
    a->words = slice(at, (size_t)rows * sizeof(int32_t));
    a->x = floats(at, buffer_rows(s, rows) * width);
    a->y = floats(at, buffer_rows(s, rows) * width);
    a->distance = slice(at, buffer_rows(s, rows) * sizeof(int32_t));
    a->which = slice(at, buffer_rows(s, rows) * sizeof(int32_t));
    a->memo = slice(at, MEMO * sizeof(uint16_t));
    a->lowered = floats(at, BLOCK * lower);
    a->hidden = floats(at, BLOCK * (size_t)s->hidden);
    a->scores = floats(at, BLOCK * upper_outputs(s));
    a->first = floats(at, lower);
    a->inside = floats(at, lower);
    a->carried = floats(at, width);
}

static size_t arena_bytes(const NerShape *s, int32_t words, int32_t docs)
{
    Arena unused;
    Cursor count = {NULL, 0};
    lay_out_arena(s, ner_batch_rows(s, words, docs), &unused, &count);
    return count.used;
}

/* --- the forward pass --------------------------------------------------------------------------------------------- */

/* `count` rows of a tile as pointers; those beyond repeat the last, and are computed for nothing. */
INLINE void tile_rows(const float *tile[TILE], const float *in, size_t stride, const int32_t *which, size_t from,
                      size_t count)
{
    for (size_t r = 0; r < TILE; r++) {
        size_t row = from + (r < count ? r : count - 1);
        tile[r] = in + (which ? (size_t)which[row] : row) * stride;
    }
}

/* out[row] = maxout of `pieces` (a constant) maps of the three rows of `in` around it, for each row in which[count]. */
INLINE void maxout_of(const NerShape *s, const MaxoutNorm *layer, const float *in, const int32_t *which, size_t count,
                      float *out, size_t pieces)
{
    size_t width = (size_t)s->width, inputs = 3 * width;
    for (size_t from = 0; from < count; from += TILE) {
        size_t rows = count - from < TILE ? count - from : TILE;
        const float *tile[TILE];
        tile_rows(tile, in, width, which, from, rows);
        for (size_t r = 0; r < TILE; r++) tile[r] -= width;
        for (size_t o = 0; o < width; o += LANES) {
            const float *weights = layer->weights + o * inputs * pieces, *bias = layer->bias + o * pieces;
            Vector sums[TILE][NER_MAX_PIECES];
            UNROLLED
            for (size_t r = 0; r < TILE; r++)
                UNROLLED
                for (size_t p = 0; p < pieces; p++) sums[r][p] = load(bias + p * LANES);
            for (size_t k = 0; k < inputs; k++, weights += pieces * LANES) {
                Vector w[NER_MAX_PIECES];
                UNROLLED
                for (size_t p = 0; p < pieces; p++) w[p] = load(weights + p * LANES);
                UNROLLED
                for (size_t r = 0; r < TILE; r++)
                    UNROLLED
                    for (size_t p = 0; p < pieces; p++) sums[r][p] += tile[r][k] * w[p];
            }
            for (size_t r = 0; r < rows; r++) {
                Vector best = larger(sums[r][0], sums[r][1]);
                if (pieces == 3) best = larger(best, sums[r][2]);
                store(out + (size_t)which[from + r] * width + o, best);
            }
        }
    }
}

/* out[count][outputs] = the map of the rows which[count] of in[][inputs]; of the first ones if `which` is NULL. */
static void affine(const Affine *a, const float *in, const int32_t *which, size_t count, float *out)
{
    for (size_t from = 0; from < count; from += TILE) {
        size_t rows = count - from < TILE ? count - from : TILE;
        const float *tile[TILE];
        tile_rows(tile, in, a->inputs, which, from, rows);
        for (size_t o = 0; o < a->outputs; o += SPREAD) {
            const float *weights = a->weights + o * a->inputs;
            Vector sums[TILE][PANEL];
            UNROLLED
            for (size_t r = 0; r < TILE; r++)
                UNROLLED
                for (size_t p = 0; p < PANEL; p++) sums[r][p] = a->bias ? load(a->bias + o + p * LANES) : (Vector){0};
            for (size_t k = 0; k < a->inputs; k++, weights += SPREAD) {
                Vector w[PANEL];
                UNROLLED
                for (size_t p = 0; p < PANEL; p++) w[p] = load(weights + p * LANES);
                UNROLLED
                for (size_t r = 0; r < TILE; r++)
                    UNROLLED
                    for (size_t p = 0; p < PANEL; p++) sums[r][p] += tile[r][k] * w[p];
            }
            for (size_t r = 0; r < rows; r++)
                UNROLLED
                for (size_t p = 0; p < PANEL; p++) store(out + (from + r) * a->outputs + o + p * LANES, sums[r][p]);
        }
    }
}

/* to[width] = layer norm of row[width], plus `residual` if there is one; `to` may be `row`. */
INLINE void layer_norm(const NerShape *s, const MaxoutNorm *layer, const float *row, const float *residual, float *to)
{
    size_t width = (size_t)s->width;
    Vector sums = {0}, squares = {0};
    for (size_t k = 0; k < width; k += LANES) sums += load(row + k);
    float mean = sum(sums) / (float)width;
    for (size_t k = 0; k < width; k += LANES) squares += (load(row + k) - mean) * (load(row + k) - mean);
    float scale = 1.0f / sqrtf(sum(squares) / (float)width + 1e-8f);
    for (size_t k = 0; k < width; k += LANES) {
        Vector normal = (load(row + k) - mean) * scale * load(layer->gain + k) + load(layer->shift + k);
        if (residual) normal += load(residual + k);
        store(to + k, normal);
    }
}

/* out[row] = in[row] plus the layer's result for it, for each row in which[count]; `in` has a row on either side. */
static void encode(const NerShape *s, const MaxoutNorm *layer, const float *in, const int32_t *which, size_t count,
                   float *out)
{
    size_t width = (size_t)s->width;
    if (s->pieces == 3) maxout_of(s, layer, in, which, count, out, 3);
    else maxout_of(s, layer, in, which, count, out, 2);
    for (size_t i = 0; i < count; i++) {
        float *row = out + (size_t)which[i] * width;
        layer_norm(s, layer, row, in + (size_t)which[i] * width, row);
    }
}

/* distance[count]: how far the nearest word is among these rows; `count` where there is none. */
static void measure(const int32_t *words, size_t count, int32_t *distance)
{
    int32_t since = (int32_t)count;
    for (size_t r = 0; r < count; r++) {
        since = words[r] >= 0 ? 0 : since + 1;
        distance[r] = since;
    }
    since = (int32_t)count;
    for (size_t r = count; r-- > 0;) {
        since = words[r] >= 0 ? 0 : since + 1;
        if (since < distance[r]) distance[r] = since;
    }
}

/* Encode x[count], whose outer `depth` rows on either side are only there to be looked at; return the rows.
 *
 * After layer l (from 1) a row depends on words within l rows, and words need rows within depth - l of them. */
static const float *encode_all(const NerShape *s, const Packed *p, const Arena *a, size_t count)
{
    size_t width = (size_t)s->width;
    float *x = a->x, *y = a->y;
    for (int32_t l = 1; l <= s->depth; l++) {
        int32_t needed = s->depth - l, moved = l < needed ? l : needed;
        size_t to_compute = 0;
        for (size_t r = (size_t)l; r < count - (size_t)l; r++) {
            if (a->distance[r] <= moved) a->which[to_compute++] = (int32_t)r;
            else if (a->distance[r] <= needed) memcpy(y + r * width, p->still[l - 1], width * sizeof(float));
        }
        encode(s, &p->encoder[l - 1], x, a->which, to_compute, y);
        float *swap = x;
        x = y;
        y = swap;
    }
    return x;
}

INLINE void embed_of(const NerShape *s, const Packed *p, const uint64_t *ids, float *out, size_t pieces)
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

/* Fill x[count] with the rows of the batch from `from` on; rows between documents are zero. */
static void embed(const NerShape *s, const Packed *p, const NerBatch *batch, const Arena *a, int64_t from,
                  size_t count)
{
    size_t width = (size_t)s->width, columns = (size_t)s->tables + 1, ids = (size_t)s->tables * sizeof(uint64_t);
    assert(from >= 0 && from + (int64_t)count <= ner_batch_rows(s, batch->words, batch->docs));
    memset(a->memo, 0, MEMO * sizeof(uint16_t));
    for (size_t r = 0; r < count; r++) {
        float *out = a->x + r * width;
        int32_t word = a->words[from + (int64_t)r];
        if (word < 0) {
            memset(out, 0, width * sizeof(float));
            continue;
        }
        const uint64_t *of = batch->features + (size_t)word * columns;
        uint64_t mixed = 0;
        for (int32_t t = 0; t < s->tables; t++) mixed = (mixed ^ of[t]) * 0x9e3779b97f4a7c15u;
        uint16_t *slot = a->memo + (mixed >> 40) % MEMO;
        size_t seen = *slot; /* one slot, no probing: no choice of words makes this slow */
        if (seen && !memcmp(batch->features + (size_t)a->words[from + (int64_t)seen - 1] * columns, of, ids)) {
            memcpy(out, a->x + (seen - 1) * width, width * sizeof(float));
            continue;
        }
        *slot = (uint16_t)(r + 1);
        if (s->pieces == 3) embed_of(s, p, of, out, 3);
        else embed_of(s, p, of, out, 2);
    }
}

/* --- decoding ----------------------------------------------------------------------------------------------------- */

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
    affine(&p->lower[2], previous, NULL, 1, a->inside);
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
        affine(&p->lower[1], row, NULL, 1, a->first);
        return;
    }
    assert(d->count < batch->words);
    spans[d->count++] = (NerSpan){d->doc, d->start, d->start + 1, p->labels[best]};
}

/* Decode the words among the encoded rows [begin, end); words[r] is the word of row r. */
static void decode(const NerShape *s, const Packed *p, const NerBatch *batch, const Arena *a, const float *encoded,
                   const int32_t *words, size_t begin, size_t end, Decoder *d, NerSpan *spans)
{
    size_t width = (size_t)s->width, hidden = (size_t)s->hidden, count = 0;
    for (size_t r = begin; r < end; r++)
        if (words[r] >= 0) a->which[count++] = (int32_t)r;
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t rows = count - done < BLOCK ? count - done : BLOCK;
        const int32_t *which = a->which + done;
        affine(&p->lower[0], encoded, which, rows, a->lowered);
        for (size_t i = 0; i < rows; i++)
            lower_maxout(s, a->lowered + i * p->lower[0].outputs, p->outside_bias, NULL, NULL, a->hidden + i * hidden);
        affine(&p->upper, a->hidden, NULL, rows, a->scores);
        for (size_t i = 0; i < rows; i++) {
            size_t r = (size_t)which[i];
            const float *row = encoded + r * width;
            decode_word(s, p, a, batch, d, words[r], i, row, r > begin ? row - width : a->carried, spans);
        }
    }
    if (words[end - 1] >= 0) memcpy(a->carried, encoded + (end - 1) * width, width * sizeof(float));
}

static void lay_out_words(const NerShape *s, const NerBatch *batch, int32_t *words)
{
    int64_t row = 0;
    int32_t word = 0;
    for (int32_t d = 0; d <= batch->docs; d++) {
        for (int32_t i = 0; i < s->depth; i++) words[row++] = -1;
        for (int32_t i = 0; d < batch->docs && i < batch->lengths[d]; i++) words[row++] = word++;
    }
    assert(word == batch->words && row == ner_batch_rows(s, batch->words, batch->docs));
}

static int32_t run(const NerShape *s, const void *packed, const NerBatch *batch, void *arena, NerSpan *spans,
                   float *rows_out)
{
    const Packed *p = &((const Owned *)packed)->packed;
    size_t width = (size_t)s->width, depth = (size_t)s->depth;
    int64_t rows = ner_batch_rows(s, batch->words, batch->docs);
    Arena a;
    Cursor at = {arena, 0};
    assert(arena && (uintptr_t)arena % NER_ALIGN == 0 && rows <= NER_MAX_WORDS);
    lay_out_arena(s, rows, &a, &at);
    lay_out_words(s, batch, a.words);
    Decoder decoder = {.doc = -1, .label = -1};
    /* The first and last `depth` rows of the batch belong to no word: no window is for them. */
    for (int64_t from = s->depth; from < rows - s->depth; from += WINDOW) {
        size_t count = (size_t)(rows - s->depth - from < WINDOW ? rows - s->depth - from : WINDOW);
        const int32_t *words = a.words + from - s->depth;
        assert(count + 2 * depth <= buffer_rows(s, rows));
        embed(s, p, batch, &a, from - s->depth, count + 2 * depth);
        measure(words, count + 2 * depth, a.distance);
        const float *encoded = encode_all(s, p, &a, count + 2 * depth);
        decode(s, p, batch, &a, encoded, words, depth, depth + count, &decoder, spans);
        for (size_t r = depth; rows_out && r < depth + count; r++)
            if (words[r] >= 0)
                memcpy(rows_out + (size_t)words[r] * width, encoded + r * width, width * sizeof(float));
    }
    return decoder.count;
}

static int usable(void)
{
#if defined(__AVX512F__)
    return __builtin_cpu_supports("avx512f");
#elif defined(__AVX2__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 1;
#endif
}

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define JOINED_OF(name) ner_##name
#define JOINED(name) JOINED_OF(name)
const NerKernel JOINED(NER_KERNEL) = {TEXT(NER_KERNEL), usable, pack, release, arena_bytes, run};
