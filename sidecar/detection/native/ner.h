/* The forward pass of spaCy's named-entity recognizer, and its greedy decoding, in C11 without dependencies.
 *
 * What is computed, in the order and with the names of the model (spaCy: HashEmbedCNN / MultiHashEmbed,
 * MaxoutWindowEncoder, TransitionBasedParser with state type "ner"):
 *
 *   hash embed      for each attribute t of a word (NORM, PREFIX, SUFFIX, SHAPE: 64-bit ids) four rows of table t,
 *                   chosen by the four 32-bit parts of MurmurHash3(id, seed t) modulo the table's rows, are added
 *   mixer           maxout over `pieces` affine maps of the tables' sums side by side, then layer norm -> row[width]
 *   encoder         `depth` times: row += layer_norm(maxout([previous row, row, next row]))
 *   lower           an affine map to `hidden`, then for the three words of a parser state (current word, first word
 *                   of the open entity, word before the current one) an affine map each; their sum goes through
 *                   maxout over `lower_pieces`. Outside an entity the last two are the learnt padding.
 *   upper           an affine map to one score for each move
 *   decoding        of the moves that are valid the one with the highest score is made, the first of equals:
 *                     outside an entity  B-x: not on white space, not on the last word; U-x: not on white space; O
 *                     inside entity x    I-x: not on the last word; L-x
 *
 * Documents are laid out as spaCy lays them out: `depth` rows of zeros before, between and after them. These go
 * through the encoder like any other row, and are just enough to keep documents from seeing each other: a word's
 * result depends on `depth` words to either side of it in its own document and on nothing else.
 *
 * Shapes are row-major. Arrays that the caller hands in need no more alignment than their type; the caller owns
 * them, and nothing but `pack` reads weights. Memory inside is aligned to NER_ALIGN bytes, as the width is a
 * multiple of NER_GRAIN floats. There is no global mutable state: any number of threads may run one model.
 */
#ifndef PII_SIDECAR_NER_H
#define PII_SIDECAR_NER_H

#include <stddef.h>
#include <stdint.h>

enum {
    NER_ALIGN = 64,        /* bytes: a cache line, the widest vector */
    NER_GRAIN = 16,        /* floats: `width` and `hidden` are multiples of it */
    NER_MAX_TABLES = 8,
    NER_MAX_DEPTH = 8,
    NER_MAX_WIDTH = 512,   /* also of `hidden` */
    NER_MAX_PIECES = 3,    /* of the maxout layers; at least 2 */
    NER_MAX_ROWS = 1 << 24, /* of a table */
    NER_MAX_LABELS = 256,
    NER_MAX_MOVES = 4 * NER_MAX_LABELS + 8,
    NER_MAX_WORDS = 1 << 26, /* of a batch, the rows between documents included */
    NER_MAX_COMMON = 1 << 16, /* common words; each takes 16 * width * pieces bytes or less */
};

typedef enum { NER_NEVER, NER_BEGIN, NER_IN, NER_LAST, NER_UNIT, NER_OUT } NerMoveKind;

/* All dimensions of a model; `ner_shape_error` says whether they are within the bounds above. */
typedef struct {
    int32_t width, pieces, depth, tables, hidden, lower_pieces, moves, labels;
    int32_t rows[NER_MAX_TABLES];  /* of each table */
    uint32_t seeds[NER_MAX_TABLES];
} NerShape;

/* The weights as spaCy holds them: outputs before inputs. */
typedef struct {
    const float *tables[NER_MAX_TABLES]; /* [rows[t]][width] */
    const float *mixer_weights;          /* [width][pieces][tables * width] */
    const float *mixer_bias;             /* [width][pieces] */
    const float *mixer_gain;             /* [width], of the layer norm */
    const float *mixer_shift;            /* [width] */
    const float *encoder_weights[NER_MAX_DEPTH]; /* [width][pieces][3 * width] */
    const float *encoder_bias[NER_MAX_DEPTH];    /* [width][pieces] */
    const float *encoder_gain[NER_MAX_DEPTH];    /* [width] */
    const float *encoder_shift[NER_MAX_DEPTH];   /* [width] */
    const float *linear_weights;         /* [hidden][width] */
    const float *linear_bias;            /* [hidden] */
    const float *lower_weights;          /* [3][hidden][lower_pieces][hidden] */
    const float *lower_bias;             /* [hidden][lower_pieces] */
    const float *lower_padding;          /* [3][hidden][lower_pieces] */
    const float *upper_weights;          /* [moves][hidden] */
    const float *upper_bias;             /* [moves] */
    const int32_t *move_kinds;           /* [moves], each a NerMoveKind */
    const int32_t *move_labels;          /* [moves], 0 <= label < labels */
} NerWeights;

/* Words that texts are likely to hold: a kernel may compute beforehand what depends on nothing but the word. `ids` is
 * [count][tables]; words may repeat. They change how fast texts are read, and nothing that is found in them. */
typedef struct {
    const uint64_t *ids;
    int32_t count;
} NerCommon;

/* The documents to read. `features` is [words][tables + 1]: the ids of each word, then 1 if it is white space. */
typedef struct {
    const uint64_t *features;
    const int32_t *lengths; /* [docs], in words, adding up to `words`; 0 is allowed */
    int32_t words, docs;
} NerBatch;

/* One entity: words [start, end) of a document. */
typedef struct {
    int32_t doc, start, end, label;
} NerSpan;

/* One implementation. All of them find the same entities; their floats differ by rounding alone. */
typedef struct {
    const char *name;
    int (*usable)(void); /* on this processor */

    /* Copy the weights into a layout of its own; NULL without memory. Freed by `release`. */
    void *(*pack)(const NerShape *shape, const NerWeights *weights, const NerCommon *common);
    void (*release)(void *packed);

    /* The bytes of scratch memory that `run` needs for such a batch. For a width of 96 the vector kernels take 5 KB a
     * word up to 3 MB in all, of which they touch what the batch needs; the reference takes 8 * width bytes a row. */
    size_t (*arena_bytes)(const NerShape *shape, int32_t words, int32_t docs);

    /* Find the entities; return how many. `arena`: as many bytes as stated above, aligned to NER_ALIGN, of any content;
     * nothing is kept in it between calls. `spans`: room for `words` of them (entities are disjoint); they come in
     * order. `rows`: NULL, or room for [words][width] floats that take what the encoder gives for each word. */
    int32_t (*run)(const NerShape *shape, const void *packed, const NerBatch *batch, void *arena, NerSpan *spans,
                   float *rows);
} NerKernel;

extern const NerKernel ner_reference; /* scalar, literal, slow: what the others are held against */
extern const NerKernel ner_portable;  /* vectors of 4 floats by the compiler's means: SSE2, NEON, anything */
#if defined(__x86_64__)
extern const NerKernel ner_avx2;
extern const NerKernel ner_avx512;
#endif

/* --- what the implementations share ------------------------------------------------------------------------------ */

/* NULL, or what is wrong with the shape. */
static inline const char *ner_shape_error(const NerShape *s)
{
    if (s->width < NER_GRAIN || s->width > NER_MAX_WIDTH || s->width % NER_GRAIN) return "width";
    if (s->hidden < NER_GRAIN || s->hidden > NER_MAX_WIDTH || s->hidden % NER_GRAIN) return "hidden";
    if (s->pieces < 2 || s->pieces > NER_MAX_PIECES) return "pieces";
    if (s->lower_pieces < 2 || s->lower_pieces > NER_MAX_PIECES) return "lower_pieces";
    if (s->depth < 1 || s->depth > NER_MAX_DEPTH) return "depth";
    if (s->tables < 1 || s->tables > NER_MAX_TABLES) return "tables";
    if (s->labels < 1 || s->labels > NER_MAX_LABELS) return "labels";
    if (s->moves < 1 || s->moves > NER_MAX_MOVES) return "moves";
    for (int32_t t = 0; t < s->tables; t++)
        if (s->rows[t] < 1 || s->rows[t] > NER_MAX_ROWS) return "rows";
    return NULL;
}

/* Rows of the whole batch: the words, and `depth` rows of zeros before, between and after documents. */
static inline int64_t ner_batch_rows(const NerShape *s, int32_t words, int32_t docs)
{
    return (int64_t)words + (int64_t)s->depth * ((int64_t)docs + 1);
}

/* The four 32-bit parts of MurmurHash3_x64_128 of one 64-bit key, as thinc's `Ops.hash` computes it. */
static inline void ner_hash(uint64_t id, uint32_t seed, uint32_t parts[4])
{
    uint64_t low = id * 0x87c37b91114253d5u, high = seed ^ 8u;
    low = (low << 31) | (low >> 33);
    low = ((low * 0x4cf5ad432745937fu) ^ seed ^ 8u) + high;
    high += low;
    uint64_t *halves[2] = {&low, &high};
    for (int i = 0; i < 2; i++) {
        uint64_t h = *halves[i];
        h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
        h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
        *halves[i] = h ^ (h >> 33);
    }
    low += high;
    high += low;
    parts[0] = (uint32_t)low;
    parts[1] = (uint32_t)(low >> 32);
    parts[2] = (uint32_t)high;
    parts[3] = (uint32_t)(high >> 32);
}

#endif
