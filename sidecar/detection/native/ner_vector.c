/* The vector kernel, compiled once for each width of vector (NER_LANES floats) under a name of its own (NER_KERNEL).
 *
 * How it differs from the reference, which says what is computed:
 *   - the mixer is linear before its maxout, so every table is stored as the mixer's affine map of it: embedding a word
 *     is a sum of 4 * tables rows;
 *   - so is the encoder's first layer: what a word adds to its own row and to those beside it is computed once for each
 *     different word of a window, and beforehand for the common words; the layer is then a sum of three;
 *   - the other layers compute four rows by six products instead of twelve (ner_encode.h);
 *   - the linear layer is folded into the three lower maps;
 *   - rows are worked on in windows, so that all that is touched stays in the cache and the arena has a size that does
 *     not depend on the text; of a long document, a window computes some rows more on either side;
 *   - of the rows between documents only those are computed that depend on a word and on which a word depends; the
 *     others are the same for every text;
 *   - the parser scores only what may be valid (ner_decode.h).
 * What is found in a document is the same, to the last bit of every score, whatever else is in the batch.
 */
#include "ner_layout.h"

#include "ner_decode.h"
#include "ner_embed.h"
#include "ner_encode.h"
#include "ner_pack.h"

/* --- windows ------------------------------------------------------------------------------------------------------ */

/* Where the next window begins: at a word of a document. */
typedef struct {
    int32_t doc, from;
    int64_t first; /* of the document's words in the batch */
} Progress;

/* Find which rows each layer computes for the words [from, to), from the last layer back; return how many they are. */
static int32_t reach(const NerShape *s, Stretch *of)
{
    int32_t low = of->from, high = of->to, lowest = low, highest = high;
    for (int32_t l = s->depth; l > 0; l--) {
        int32_t beyond = margin(s, l), first = low > -beyond ? low + beyond : 0, behind = high + beyond;
        if (l > 1) { /* the first layer has no groups */
            first -= first % GROUP;
            behind += GROUP - 1 - (behind - 1) % GROUP;
        }
        of->begin[l] = first - beyond;
        of->end[l] = behind < of->length + 2 * beyond ? behind - beyond : of->length + beyond;
        if (of->begin[l] < lowest) lowest = of->begin[l];
        if (of->end[l] > highest) highest = of->end[l];
        low = of->begin[l] - 1;
        high = of->end[l] + 1;
    }
    of->begin[0] = low < 0 ? 0 : low;
    of->end[0] = high > of->length ? of->length : high;
    of->row = -lowest;
    return highest - lowest;
}

/* Fill the window with the next documents, or with the next part of a long one. */
static void next_window(const NerShape *s, const NerBatch *batch, size_t rows, Progress *at, Arena *a)
{
    int32_t used = 0;
    a->count = 0;
    while (at->doc < batch->docs && a->count < STRETCHES) {
        int32_t length = batch->lengths[at->doc], left = length - at->from;
        Stretch next = {.doc = at->doc, .from = at->from, .first = at->first, .length = length};
        next.to = left > WINDOW ? at->from + WINDOW : length;
        if (left) {
            int32_t needed = reach(s, &next);
            if ((size_t)(used + needed) > rows) break;
            next.row += used;
            used += needed;
            a->stretches[a->count++] = next;
        }
        if (next.to < length) {
            at->from = next.to;
            break;
        }
        *at = (Progress){at->doc + 1, 0, at->first + length};
    }
    assert(a->count || at->doc == batch->docs);
}

/* --- the kernel --------------------------------------------------------------------------------------------------- */

static size_t arena_bytes(const NerShape *s, int32_t words, int32_t docs)
{
    Arena unused;
    Cursor count = {NULL, 0};
    lay_out_arena(s, buffer_rows(s, words, docs), &unused, &count);
    return count.used;
}

static const float *encode_all(const NerShape *s, const Packed *p, const Arena *a)
{
    float *x = a->x, *y = a->y;
    encode_first(s, p, a, x);
    for (int32_t l = 2; l <= s->depth; l++) {
        encode(s, p, a, l, x, y);
        float *swap = x;
        x = y;
        y = swap;
    }
    return x;
}

static int32_t run(const NerShape *s, const void *packed, const NerBatch *batch, void *arena, NerSpan *spans,
                   float *rows_out)
{
    const Packed *p = &((const Owned *)packed)->packed;
    size_t width = (size_t)s->width, rows = buffer_rows(s, batch->words, batch->docs);
    Arena a;
    Cursor at = {arena, 0};
    assert(arena && (uintptr_t)arena % NER_ALIGN == 0);
    lay_out_arena(s, rows, &a, &at);
    Decoder decoder = {.doc = -1, .label = -1};
    Progress progress = {0, 0, 0};
    while (next_window(s, batch, rows, &progress, &a), a.count) {
        number_words(s, p, batch, &a);
        const float *encoded = encode_all(s, p, &a);
        decode(s, p, batch, &a, encoded, &decoder, spans);
        for (size_t i = 0; rows_out && i < a.count; i++) {
            const Stretch *of = &a.stretches[i];
            memcpy(rows_out + (size_t)(of->first + of->from) * width,
                   encoded + (size_t)(of->row + of->from) * width, (size_t)(of->to - of->from) * width * sizeof(float));
        }
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
