/* What the parts of the tokenizer share: the tables of a loaded one, and a text while it is read. */
#ifndef PII_SIDECAR_TOKENIZER_READER_H
#define PII_SIDECAR_TOKENIZER_READER_H

#include <string.h>

#include "tokenizer_affixes.h"

enum {
    TOK_MAX_PARTS = 1 << 10, /* different words that rules are put together from */
    TOK_MAX_PIECES = 16,     /* of one match */
    TOK_NOT_MINE = 1,        /* neither success nor failure: for spaCy to judge */
};

/* What is known of a string, and its number among the parts of rules, or 0. */
typedef struct {
    uint64_t id, norm;
    int32_t part, is_word; /* is_word: a rule states it as a word */
} Entry;

/* A rule as the affixes cut it. */
typedef struct {
    int32_t pieces[TOK_MAX_PIECES], count, rule, next; /* next: the one that begins with the same piece, or -1 */
} Pattern;

struct Tokenizer {
    uint32_t *flags, *lower;
    TokAffixes affixes;
    TokRule *rules;
    int32_t rule_count;
    uint64_t rule_lengths[256]; /* by first byte: the lengths of rules, one bit each */
    uint64_t *rule_keys, *keys; /* hash tables with open addressing; 0 is an empty slot */
    int32_t *rule_slots;
    Entry *entries;
    size_t rule_mask, mask;
    Pattern *patterns;
    int32_t pattern_count, parts, longest; /* longest: pieces of a pattern */
    int32_t *by_part;                      /* [TOK_MAX_PARTS] the first pattern that begins with it, or -1 */
    uint64_t long_shape;
};

/* A word while the text is being cut; `hash`: of its bytes, or 0 for a foreign chunk; `norm`: as a rule states it, or
 * 0. */
typedef struct {
    int32_t start, end;
    uint64_t hash, norm;
    const Entry *entry; /* NULL: nothing is known of it */
} Word;

typedef struct {
    Word *words;
    size_t count, room;
} WordList;

/* A rule that its pieces are put together to again. */
typedef struct {
    size_t place;
    const Pattern *pattern;
} Match;

/* Everything that reading a text takes. */
typedef struct {
    const Tokenizer *t;
    TokText text;
    int with_rules;
    WordList list, matched;
    Match *matches;
    size_t match_count, match_room;
    int32_t *cuts;  /* lengths of suffixes */
    uint8_t *lower; /* room for one word in lower case */
} Reader;

/* Tables and memory. `tok_prepare` makes room for a text of so many bytes: 0, or -1 without memory; `tok_put_away` is
 * due in any case. `tok_grow` makes room for one more item: 0, or -1. `tok_decode` takes valid UTF-8 and returns how
 * many code points it is. */
int tok_prepare(Reader *r, const Tokenizer *t, size_t bytes);
void tok_put_away(Reader *r);
int tok_grow(void **items, size_t count, size_t *room, size_t size);
int32_t tok_decode(const Tokenizer *t, const uint8_t *bytes, size_t length, TokText *text);

/* Cut the decoded text into `list`; then put together what rules name. Both 0, or -1 without memory. */
int tok_cut(Reader *r, int32_t count);
int tok_match(Reader *r);

/* --- strings ------------------------------------------------------------------------------------------------------ */

static inline uint64_t hash_of(const uint8_t *bytes, size_t length)
{
    const uint64_t m = 0xc6a4a7935bd1e995u;
    uint64_t h = 1 ^ (length * m), k;
    for (; length >= 8; bytes += 8, length -= 8) {
        memcpy(&k, bytes, 8);
        k *= m;
        k ^= k >> 47;
        h = (h ^ k * m) * m;
    }
    if (length) {
        k = 0;
        for (size_t i = length; i-- > 0;) k = k << 8 | bytes[i];
        h = (h ^ k) * m;
    }
    h = (h ^ h >> 47) * m;
    return h ^ h >> 47;
}

/* The slot of a key, or the empty one where it would stand. */
static inline size_t slot_of(const uint64_t *keys, size_t mask, uint64_t key)
{
    size_t slot = key & mask;
    while (keys[slot] && keys[slot] != key) slot = (slot + 1) & mask;
    return slot;
}

static inline const Entry *entry_of(const Tokenizer *t, uint64_t hash)
{
    size_t slot = slot_of(t->keys, t->mask, hash);
    return t->keys[slot] ? &t->entries[slot] : NULL;
}

static inline uint64_t id_of(const Tokenizer *t, const uint8_t *bytes, size_t length)
{
    uint64_t hash = hash_of(bytes, length);
    const Entry *entry = entry_of(t, hash);
    return entry ? entry->id : hash;
}

#endif
