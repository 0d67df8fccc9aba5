/* What the parts of the vector kernel share: vectors, how weights and scratch memory are laid out, and stretches.
 *
 * The parts (ner_layout.h, ner_pack.h, ner_embed.h, ner_encode.h, ner_decode.h) are one translation unit, ner_vector.c,
 * which is compiled once for each width of vector: NER_LANES floats, NER_TILE rows that share each load of weights. */
#ifndef PII_SIDECAR_NER_LAYOUT_H
#define PII_SIDECAR_NER_LAYOUT_H

#include "ner.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = NER_LANES,
    TILE = NER_TILE, /* rows or groups at once; TILE * PANEL + PANEL + 1 vector registers */
    PANEL = 3,       /* vectors of outputs side by side */
    SPREAD = PANEL * LANES,
    BLOCK = 32,      /* words scored at once */
    GROUP = 4,       /* rows that the encoder computes together (ner_encode.h) ... */
    PARTS = 6,       /* ... in as many products */
    WINDOW = 512,    /* words of a long document at once, a multiple of GROUP */
    CONTEXT = GROUP * NER_MAX_DEPTH + GROUP, /* more than the rows that a window needs on either side */
    ROWS = WINDOW + 2 * CONTEXT,
    STRETCHES = 64,  /* documents of a window, at most */
    MEMO = 1024,     /* slots that remember the fresh words of a window */
};

typedef float Vector __attribute__((vector_size(4 * NER_LANES), may_alias));
typedef int32_t Mask __attribute__((vector_size(4 * NER_LANES)));
typedef float Four __attribute__((vector_size(16)));

#define UNROLLED _Pragma("GCC unroll 8") /* or the sums do not stay in registers */
#define INLINE static inline __attribute__((always_inline))

INLINE Vector load(const float *from) { return *(const Vector *)from; }
INLINE void store(float *to, Vector of) { *(Vector *)to = of; }
INLINE Vector larger(Vector a, Vector b)
{
    Mask from_a = a > b; /* of the forms that say so, the one that compilers make vectors of */
    return (Vector)((from_a & (Mask)a) | (~from_a & (Mask)b));
}
INLINE float sum(Vector of)
{
    Four part[LANES / 4];
    memcpy(part, &of, sizeof part);
    UNROLLED
    for (int width = LANES / 8; width; width /= 2)
        UNROLLED
        for (int i = 0; i < width; i++) part[i] += part[i + width];
    return (part[0][0] + part[0][2]) + (part[0][1] + part[0][3]);
}
INLINE size_t rounded(size_t count, size_t to) { return (count + to - 1) / to * to; }

/* --- weights ------------------------------------------------------------------------------------------------------ */

/* A linear map, outputs in panels of SPREAD: [panel][input][SPREAD]. Outputs beyond those of the model are zero. */
typedef struct {
    size_t inputs, outputs; /* `outputs` is a multiple of SPREAD */
    float *weights, *bias;  /* `bias` may be NULL */
} Affine;

/* A maxout layer, of which a panel holds the same LANES outputs of each piece, then layer norm. */
typedef struct {
    float *weights; /* [width / LANES][PARTS][width][pieces][LANES]; NULL where the layer is not computed that way */
    float *bias;    /* [width / LANES][pieces][LANES] */
    float *gain, *shift;
} MaxoutNorm;

/* Words by number, with what depends on nothing but the word. */
typedef struct {
    uint64_t *ids;   /* [words][tables] */
    float *embedded; /* [words][width]: the mixer's row */
    float *folded;   /* [words][3][width / LANES][pieces][LANES]: what it adds to the first layer's next, own, previous row */
} Words;

typedef struct {
    float *tables[NER_MAX_TABLES]; /* [rows][width / LANES][pieces][LANES]: the mixer's map of each row */
    MaxoutNorm mixer;
    MaxoutNorm encoder[NER_MAX_DEPTH];
    Affine fold;                   /* width -> [3][width / LANES][pieces][LANES]: the first layer, for one word */
    float *still[NER_MAX_DEPTH + 1]; /* [width]: what each layer gives for a row with no word in sight; first, zeros */
    Words common;                  /* number 0 is no word but a row between documents; then the words given */
    int32_t commons;               /* how many, with number 0 */
    int32_t *places;               /* [place_count]: a hash table of them, 0 where there is none */
    size_t place_count;            /* a power of two, at least twice `commons` */
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

/* Floats of one row before maxout. */
INLINE size_t spread_of(const NerShape *s) { return (size_t)s->pieces * (size_t)s->width; }

static size_t lower_outputs(const NerShape *s)
{
    return rounded((size_t)s->lower_pieces * (size_t)s->hidden, SPREAD);
}
static size_t upper_outputs(const NerShape *s) { return rounded((size_t)s->moves, SPREAD); }

static Words lay_out_words(const NerShape *s, size_t count, Cursor *at)
{
    return (Words){slice(at, count * (size_t)s->tables * sizeof(uint64_t)), floats(at, count * (size_t)s->width),
                   floats(at, count * 3 * spread_of(s))};
}

/* --- scratch memory ----------------------------------------------------------------------------------------------- */

/* A document, or what a window holds of a long one. Positions are words of the document; those before its first and
 * behind its last word are rows between documents.
 *
 * `begin` and `end` are the positions that each layer computes, layer 0 being the embedding. They are those that the
 * words [from, to) depend on and, in layers from the second on, whole groups counted from the document's first one: so
 * a row is computed by the same steps, to the last bit, wherever a document is cut and whatever stands beside it. */
typedef struct {
    int32_t doc, from, to;
    int64_t first;          /* the document's first word in the batch */
    int32_t length;         /* of the document */
    int32_t begin[NER_MAX_DEPTH + 1], end[NER_MAX_DEPTH + 1];
    int32_t row;            /* in the buffers, of position 0; it may be outside of them */
} Stretch;

typedef struct {
    Stretch *stretches; /* [STRETCHES] of this window */
    size_t count;
    float *x, *y;       /* [rows][width] */
    int32_t *numbers;   /* [rows + 2 * STRETCHES]: of words, common ones and then fresh ones */
    Words fresh;        /* [rows + 2] words that are not common; a part of a document looks one further on either side */
    int32_t freshes;
    uint16_t *memo;     /* [MEMO]: the number of a fresh word + 1, or 0 */
    float *grouped;     /* [TILE][PARTS][width]: transformed rows */
    const float **rows; /* [rows]: the encoded words of the window */
    int32_t *words;     /* [rows]: which words of the batch they are */
    float *lowered;     /* [BLOCK][lower outputs] */
    float *hidden;      /* [BLOCK][hidden] */
    float *scores;      /* [BLOCK][upper outputs] */
    float *first;       /* [lower outputs]: of the first word of the open entity */
    float *inside;      /* [lower outputs] */
    float *carried;     /* [width]: the word before the window */
} Arena;

/* How far beyond a document layer `l` (from 1) matters to its words: no farther than words reach, and than they see. */
INLINE int32_t margin(const NerShape *s, int32_t l) { return l < s->depth - l ? l : s->depth - l; }

/* Rows that the buffers need. */
static size_t buffer_rows(const NerShape *s, int64_t words, int64_t docs)
{
    int64_t rows = words + (docs < words ? docs : words) * 2 * (s->depth / 2);
    return (size_t)(rows < ROWS ? rows : ROWS);
}

static void lay_out_arena(const NerShape *s, size_t rows, Arena *a, Cursor *at)
{
    size_t width = (size_t)s->width, lower = lower_outputs(s);
    a->stretches = slice(at, STRETCHES * sizeof(Stretch));
    a->x = floats(at, rows * width);
    a->y = floats(at, rows * width);
    a->numbers = slice(at, (rows + 2 * STRETCHES) * sizeof(int32_t));
    a->fresh = lay_out_words(s, rows + 2, at);
    a->memo = slice(at, MEMO * sizeof(uint16_t));
    a->grouped = floats(at, TILE * PARTS * width);
    a->rows = slice(at, rows * sizeof(float *));
    a->words = slice(at, rows * sizeof(int32_t));
    a->lowered = floats(at, BLOCK * lower);
    a->hidden = floats(at, BLOCK * (size_t)s->hidden);
    a->scores = floats(at, BLOCK * upper_outputs(s));
    a->first = floats(at, lower);
    a->inside = floats(at, lower);
    a->carried = floats(at, width);
}

/* --- linear maps -------------------------------------------------------------------------------------------------- */

INLINE void affine_tile(const Affine *a, const float *const *in, size_t rows, float *out)
{
    for (size_t o = 0; o < a->outputs; o += SPREAD) {
        const float *weights = a->weights + o * a->inputs;
        Vector sums[TILE][PANEL];
        UNROLLED
        for (size_t r = 0; r < rows; r++)
            UNROLLED
            for (size_t p = 0; p < PANEL; p++) sums[r][p] = a->bias ? load(a->bias + o + p * LANES) : (Vector){0};
        for (size_t k = 0; k < a->inputs; k++, weights += SPREAD) {
            Vector w[PANEL];
            UNROLLED
            for (size_t p = 0; p < PANEL; p++) w[p] = load(weights + p * LANES);
            UNROLLED
            for (size_t r = 0; r < rows; r++)
                UNROLLED
                for (size_t p = 0; p < PANEL; p++) sums[r][p] += in[r][k] * w[p];
        }
        UNROLLED
        for (size_t r = 0; r < rows; r++)
            UNROLLED
            for (size_t p = 0; p < PANEL; p++) store(out + r * a->outputs + o + p * LANES, sums[r][p]);
    }
}

/* Call `of` with a constant number of rows, at most TILE, so that its sums stay in registers. */
#if NER_TILE == 8
#define FOR_ROWS(rows, of)                                                                                            \
    switch (rows) {                                                                                                   \
    case 8: { enum { N = 8 }; of; } break;                                                                            \
    case 7: { enum { N = 7 }; of; } break;                                                                            \
    case 6: { enum { N = 6 }; of; } break;                                                                            \
    case 5: { enum { N = 5 }; of; } break;                                                                            \
    case 4: { enum { N = 4 }; of; } break;                                                                            \
    case 3: { enum { N = 3 }; of; } break;                                                                            \
    case 2: { enum { N = 2 }; of; } break;                                                                            \
    default: { enum { N = 1 }; of; } break;                                                                           \
    }
#else
#define FOR_ROWS(rows, of)                                                                                            \
    switch (rows) {                                                                                                   \
    case 4: { enum { N = 4 }; of; } break;                                                                            \
    case 3: { enum { N = 3 }; of; } break;                                                                            \
    case 2: { enum { N = 2 }; of; } break;                                                                            \
    default: { enum { N = 1 }; of; } break;                                                                           \
    }
#endif
_Static_assert(NER_TILE == 4 || NER_TILE == 8, "FOR_ROWS knows no other tiles");

/* out[count][outputs] = the map of in[count], each a row of `inputs`. */
static void affine(const Affine *a, const float *const *in, size_t count, float *out)
{
    for (size_t from = 0; from < count; from += TILE) {
        size_t rows = count - from < TILE ? count - from : TILE;
        FOR_ROWS(rows, affine_tile(a, in + from, N, out + from * a->outputs))
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

#endif
