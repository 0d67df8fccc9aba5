/* Reading a text: code points, words, features; see tokenizer.h. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer_reader.h"

enum {
    LONG_WORD = 100, /* code points from which on the shape is "LONG" */
    MAX_RUN = 4,     /* of one sign in a shape */
    SHAPE_BYTES = 4 * LONG_WORD,
};

/* --- code points -------------------------------------------------------------------------------------------------- */

static int32_t encode(uint32_t point, uint8_t *to)
{
    if (point < 0x80) return to[0] = (uint8_t)point, 1;
    if (point < 0x800) return to[0] = (uint8_t)(0xC0 | point >> 6), to[1] = (uint8_t)(0x80 | (point & 63)), 2;
    if (point < 0x10000) {
        to[0] = (uint8_t)(0xE0 | point >> 12), to[1] = (uint8_t)(0x80 | (point >> 6 & 63));
        return to[2] = (uint8_t)(0x80 | (point & 63)), 3;
    }
    to[0] = (uint8_t)(0xF0 | point >> 18), to[1] = (uint8_t)(0x80 | (point >> 12 & 63));
    return to[2] = (uint8_t)(0x80 | (point >> 6 & 63)), to[3] = (uint8_t)(0x80 | (point & 63)), 4;
}

/* The row of a code point in the tables, or -1. */
static int32_t row_of(uint32_t point)
{
    if (point < TOK_BASIC) return (int32_t)point;
    uint32_t pictograph = point - TOK_PICTOGRAPHS;
    return pictograph < TOK_ROWS - TOK_BASIC ? (int32_t)(TOK_BASIC + pictograph) : -1;
}

/* Decode valid UTF-8; return how many code points it is. */
int32_t tok_decode(const Tokenizer *t, const uint8_t *bytes, size_t length, TokText *text)
{
    int32_t count = 0;
    text->bytes = bytes;
    for (size_t i = 0; i < length; count++) {
        uint32_t first = bytes[i], point = first;
        text->at[count] = (uint32_t)i;
        int more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        if (more) point = first & (0x3Fu >> more);
        for (i++; more > 0 && i < length; more--) point = point << 6 | (bytes[i++] & 63);
        int32_t row = row_of(point);
        text->points[count] = point;
        text->flags[count] = row < 0 ? TOK_FOREIGN : t->flags[row];
    }
    text->at[count] = (uint32_t)length;
    return count;
}

/* --- features ----------------------------------------------------------------------------------------------------- */

static uint64_t stretch_id(const Reader *r, int32_t start, int32_t end)
{
    const uint32_t *at = r->text.at;
    return id_of(r->t, r->text.bytes + at[start], at[end] - at[start]);
}

static uint64_t shape_of(const Reader *r, const Word *word)
{
    uint8_t shape[SHAPE_BYTES];
    uint32_t last = 0;
    int32_t length = 0, run = 0;
    if (word->end - word->start >= LONG_WORD) return r->t->long_shape;
    for (int32_t i = word->start; i < word->end; i++) {
        uint32_t flags = r->text.flags[i], sign = r->text.points[i];
        if (flags & TOK_LETTER) sign = flags & TOK_CAPITAL ? 'X' : 'x';
        else if (flags & TOK_DIGIT) sign = 'd';
        run = sign == last && i > word->start ? run + 1 : 0;
        last = sign;
        if (run < MAX_RUN) length += encode(sign, shape + length);
    }
    return id_of(r->t, shape, (size_t)length);
}

/* The id of the word in lower case, or of the word itself if it is that. */
static uint64_t lower_of(const Reader *r, const Word *word, uint64_t id)
{
    size_t length = 0;
    uint32_t changed = 0;
    for (int32_t i = word->start; i < word->end; i++) { /* encoded even if nothing changes: words are short */
        uint32_t point = r->text.points[i], lower = r->t->lower[row_of(point)];
        changed |= point ^ lower;
        length += (size_t)encode(lower, r->lower + length);
    }
    return changed ? id_of(r->t, r->lower, length) : id;
}

static void features_of(const Reader *r, const Word *word, uint64_t features[TOK_FEATURES])
{
    int32_t start = word->start, end = word->end;
    const Entry *entry = word->entry;
    uint64_t id = entry ? entry->id : word->hash;
    uint64_t norm = word->norm ? word->norm : entry ? entry->norm : 0;
    features[0] = norm ? norm : lower_of(r, word, id);
    features[1] = end - start > 1 ? stretch_id(r, start, start + 1) : id;
    features[2] = end - start > 3 ? stretch_id(r, end - 3, end) : id;
    features[3] = shape_of(r, word);
    features[4] = r->text.flags[start] & TOK_SPACE ? 1 : 0;
}

static int append(const Reader *r, TokWords *words)
{
    for (size_t i = 0; i < r->list.count; i++) {
        const Word *word = &r->list.words[i];
        size_t row = words->count;
        if (row == words->room) {
            size_t room = words->room, same = room;
            if (tok_grow((void **)&words->features, row, &room, sizeof *words->features)) return -1;
            if (tok_grow((void **)&words->spans, row, &same, sizeof *words->spans)) return -1;
            words->room = room;
        }
        words->count++;
        words->spans[row] = (TokSpan){word->start, word->end};
        if (word->hash) {
            features_of(r, word, words->features[row]);
            continue;
        }
        memset(words->features[row], 0, sizeof words->features[row]);
        if (tok_grow((void **)&words->foreign, words->foreign_count, &words->foreign_room, sizeof *words->foreign))
            return -1;
        words->foreign[words->foreign_count++] = (int64_t)row;
    }
    return 0;
}

/* --- interface ---------------------------------------------------------------------------------------------------- */

/* Make room for one more; 0, or -1 without memory. */
int tok_grow(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room) return 0;
    size_t more = *room ? 2 * *room : 256;
    void *grown = realloc(*items, more * size);
    if (!grown) return -1;
    *items = grown;
    *room = more;
    return 0;
}

int tok_prepare(Reader *r, const Tokenizer *t, size_t bytes)
{
    *r = (Reader){.t = t, .with_rules = 1};
    size_t room = bytes + 1;
    r->text.points = malloc(room * sizeof *r->text.points);
    r->text.flags = malloc(room * sizeof *r->text.flags);
    r->text.at = malloc(room * sizeof *r->text.at);
    r->cuts = malloc(room * sizeof *r->cuts);
    r->lower = malloc(room * 4);
    return r->text.points && r->text.flags && r->text.at && r->cuts && r->lower ? 0 : -1;
}

void tok_put_away(Reader *r)
{
    free(r->text.points);
    free(r->text.flags);
    free(r->text.at);
    free(r->cuts);
    free(r->lower);
    free(r->list.words);
    free(r->matched.words);
    free(r->matches);
}

int64_t tok_read(const Tokenizer *t, const uint8_t *text, size_t bytes, TokWords *words)
{
    Reader r;
    int64_t count = -1;
    size_t before = words->count;
    if (!tok_prepare(&r, t, bytes)) {
        int32_t points = tok_decode(t, text, bytes, &r.text);
        if (!tok_cut(&r, points) && !tok_match(&r) && !append(&r, words))
            count = (int64_t)(words->count - before);
    }
    tok_put_away(&r);
    return count;
}

void tok_forget(TokWords *words)
{
    free(words->features);
    free(words->spans);
    free(words->foreign);
    *words = (TokWords){0};
}

int tok_is_part(const Tokenizer *t, const uint8_t *word, size_t bytes)
{
    const Entry *entry = entry_of(t, hash_of(word, bytes));
    return entry && (entry->part || entry->is_word);
}
