#include "signs.h"

#include <stdlib.h>
#include <string.h>

enum { LONG_GRAM = 4, SHORT_GRAM = 3, MAX_GRAMS = 16, HASH_BITS = 16, BUCKETS = 1 << HASH_BITS };

/* One sequence of folded bytes (the first one lowest) that stands in a sign, `at` symbols behind the sign's start. */
typedef struct {
    uint32_t gram;
    uint16_t sign;
    uint8_t at;
} Entry;

typedef struct {
    uint32_t first; /* of its elements */
    uint32_t owner; /* the first of its owners; those of the next sign follow */
    uint8_t length;
} Sign;

/* Signs by the hash of one of their grams. */
typedef struct {
    uint8_t filled[BUCKETS / 8];
    uint16_t first[BUCKETS + 1]; /* where each bucket's entries begin */
    Entry *entries;
} Table;

struct Signs {
    size_t group_count, sign_count, word_count;
    uint8_t fold[256];
    uint8_t *sets;
    uint16_t *elements;
    Sign *signs; /* one more than there are */
    uint16_t *groups;
    Table by_four, by_three; /* signs that are looked up */
    /* signs that advance as bits */
    uint64_t *takes;  /* [SIGNS_SYMBOLS][word_count]: bits that may be set behind a symbol */
    uint64_t *starts; /* [word_count]: first bits of signs */
    uint64_t *ends;   /* [word_count]: last bits */
    uint16_t *of_bit; /* [word_count][64]: whose last bit it is */
};

static int has(const uint8_t *set, unsigned symbol) { return set[symbol / 8] >> symbol % 8 & 1; }

static uint32_t bucket_of(uint32_t gram) { return gram * 0x9E3779B1u >> (32 - HASH_BITS); }

static const uint8_t *set_of(const Signs *s, const Sign *sign, size_t element)
{
    return s->sets + (size_t)s->elements[sign->first + element] * SIGNS_SET_BYTES;
}

/* --- packing ------------------------------------------------------------------------------------------------------ */

/* The folded bytes of a set; none if it holds the edge or more bytes than can count. */
typedef struct {
    size_t count;
    uint8_t bytes[MAX_GRAMS];
} Choices;

static Choices folded_bytes(const Signs *s, const uint8_t *set)
{
    Choices choices = {0};
    if (has(set, SIGNS_EDGE)) return choices;
    for (unsigned byte = 0; byte < 256; byte++) {
        if (!has(set, byte) || memchr(choices.bytes, s->fold[byte], choices.count)) continue;
        if (choices.count == MAX_GRAMS) return (Choices){0};
        choices.bytes[choices.count++] = s->fold[byte];
    }
    return choices;
}

/* Write every gram of `size` neighboring elements; return their number, or 0 if there are too many. */
static size_t grams_of(const Choices *of_sets, const uint16_t *elements, size_t size, uint32_t grams[MAX_GRAMS])
{
    size_t count = 1;
    grams[0] = 0;
    for (size_t i = 0; i < size; i++) {
        const Choices *choices = &of_sets[elements[i]];
        if (!choices->count || count * choices->count > MAX_GRAMS) return 0;
        for (size_t c = choices->count; c-- > 0;)
            for (size_t g = 0; g < count; g++) grams[c * count + g] = grams[g] | (uint32_t)choices->bytes[c] << 8 * i;
        count *= choices->count;
    }
    return count;
}

/* Look for the fewest grams of a sign; return their number, 0 if it cannot be looked up by that size. */
static size_t anchor(const Choices *of_sets, const uint16_t *elements, size_t length, size_t size,
                     uint32_t grams[MAX_GRAMS], uint8_t *at)
{
    size_t best = 0;
    for (size_t start = 0; start + size <= length; start++) {
        uint32_t here[MAX_GRAMS];
        size_t count = grams_of(of_sets, elements + start, size, here);
        if (!count || (best && count >= best)) continue;
        memcpy(grams, here, count * sizeof *here);
        *at = (uint8_t)start;
        best = count;
    }
    return best;
}

static int by_bucket(const void *one, const void *other)
{
    uint32_t a = bucket_of(((const Entry *)one)->gram), b = bucket_of(((const Entry *)other)->gram);
    return (a > b) - (a < b);
}

/* Give as many signs as may be an entry for each of their grams; mark those signs as `looked_up`. */
static int pack_table(const Signs *s, Table *table, const Choices *of_sets, size_t size, uint8_t *looked_up)
{
    uint8_t *load = calloc(BUCKETS, 1);
    table->entries = malloc((SIGNS_MAX + 1) * sizeof *table->entries);
    if (!load || !table->entries) {
        free(load);
        return -1;
    }
    size_t count = 0;
    for (size_t i = 0; i < s->sign_count; i++) {
        uint32_t grams[MAX_GRAMS];
        uint8_t at = 0;
        const Sign *sign = &s->signs[i];
        size_t wanted = looked_up[i] ? 0 : anchor(of_sets, s->elements + sign->first, sign->length, size, grams, &at);
        int fits = wanted && count + wanted <= SIGNS_MAX;
        for (size_t g = 0; g < wanted; g++) fits &= load[bucket_of(grams[g])] + MAX_GRAMS <= SIGNS_MAX_BUCKET;
        if (!fits) continue;
        for (size_t g = 0; g < wanted; g++) {
            table->entries[count++] = (Entry){grams[g], (uint16_t)i, at};
            load[bucket_of(grams[g])]++;
        }
        looked_up[i] = 1;
    }
    free(load);
    qsort(table->entries, count, sizeof *table->entries, by_bucket);
    for (size_t bucket = 0, at = 0; bucket <= BUCKETS; bucket++) {
        while (at < count && bucket_of(table->entries[at].gram) < bucket) at++;
        table->first[bucket] = (uint16_t)at;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t bucket = bucket_of(table->entries[i].gram);
        table->filled[bucket / 8] |= (uint8_t)(1 << bucket % 8);
    }
    Entry *fitting = realloc(table->entries, (count + 1) * sizeof *table->entries);
    if (fitting) table->entries = fitting;
    return 0;
}

/* Make the tables of all signs that can be looked up, and mark those signs. */
static int pack_tables(Signs *s, size_t set_count, uint8_t *looked_up)
{
    Choices *of_sets = malloc((set_count + 1) * sizeof *of_sets);
    if (!of_sets) return -1;
    for (size_t i = 0; i < set_count; i++) of_sets[i] = folded_bytes(s, s->sets + i * SIGNS_SET_BYTES);
    int failed = pack_table(s, &s->by_four, of_sets, LONG_GRAM, looked_up) ||
                 pack_table(s, &s->by_three, of_sets, SHORT_GRAM, looked_up);
    free(of_sets);
    return failed ? -1 : 0;
}

/* Lay the bits of the other signs into words, each whole in one. */
static int pack_bits(Signs *s, const uint8_t *looked_up)
{
    size_t words = 0, used = 64;
    for (size_t i = 0; i < s->sign_count; i++) {
        if (looked_up[i]) continue;
        if (used + s->signs[i].length > 64) words++, used = 0;
        used += s->signs[i].length;
    }
    s->word_count = words;
    s->takes = calloc(SIGNS_SYMBOLS * words + 1, sizeof *s->takes);
    s->starts = calloc(words + 1, sizeof *s->starts);
    s->ends = calloc(words + 1, sizeof *s->ends);
    s->of_bit = calloc(words * 64 + 1, sizeof *s->of_bit);
    if (!s->takes || !s->starts || !s->ends || !s->of_bit) return -1;
    size_t word = (size_t)-1;
    used = 64;
    for (size_t i = 0; i < s->sign_count; i++) {
        const Sign *sign = &s->signs[i];
        if (looked_up[i]) continue;
        if (used + sign->length > 64) word++, used = 0;
        for (size_t e = 0; e < sign->length; e++) {
            const uint8_t *set = set_of(s, sign, e);
            for (unsigned symbol = 0; symbol < SIGNS_SYMBOLS; symbol++)
                if (has(set, symbol)) s->takes[symbol * words + word] |= (uint64_t)1 << (used + e);
        }
        s->starts[word] |= (uint64_t)1 << used;
        used += sign->length;
        s->ends[word] |= (uint64_t)1 << (used - 1);
        s->of_bit[word * 64 + used - 1] = (uint16_t)i;
    }
    return 0;
}

static void *copied(const void *from, size_t bytes)
{
    void *to = malloc(bytes + 1);
    if (to && bytes) memcpy(to, from, bytes);
    return to;
}

/* Copy what is given and check every number; return 0, or -1. */
static int take(Signs *s, const SignsSource *source)
{
    s->sets = copied(source->sets, source->set_count * SIGNS_SET_BYTES);
    s->elements = copied(source->elements, source->element_count * sizeof *s->elements);
    s->signs = calloc(s->sign_count + 1, sizeof *s->signs);
    s->groups = malloc((source->owner_count + 1) * sizeof *s->groups);
    uint16_t *pairs = copied(source->owners, source->owner_count * 2 * sizeof *pairs);
    int wrong = !s->sets || !s->elements || !s->signs || !s->groups || !pairs;
    for (size_t i = 0; !wrong && i < source->element_count; i++) wrong = s->elements[i] >= source->set_count;
    size_t first = 0, owner = 0;
    for (size_t i = 0; !wrong && i < s->sign_count; i++) {
        uint8_t length = source->lengths[i];
        wrong = length < 1 || length > SIGNS_MAX_LENGTH || first + length > source->element_count;
        s->signs[i] = (Sign){(uint32_t)first, (uint32_t)owner, length};
        first += length;
        for (; owner < source->owner_count && pairs[2 * owner] == i; owner++) {
            s->groups[owner] = pairs[2 * owner + 1];
            wrong |= s->groups[owner] >= s->group_count;
        }
    }
    wrong = wrong || first != source->element_count || owner != source->owner_count;
    if (!wrong) s->signs[s->sign_count].owner = (uint32_t)owner;
    free(pairs);
    return wrong ? -1 : 0;
}

Signs *signs_pack(const SignsSource *source)
{
    if (source->set_count > SIGNS_MAX || source->sign_count > SIGNS_MAX || source->group_count > SIGNS_MAX) return NULL;
    Signs *s = calloc(1, sizeof *s);
    uint8_t *looked_up = calloc(source->sign_count + 1, 1);
    if (s) {
        s->group_count = source->group_count;
        s->sign_count = source->sign_count;
        for (unsigned byte = 0; byte < 256; byte++)
            s->fold[byte] = (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
    }
    if (!s || !looked_up || take(s, source) || pack_tables(s, source->set_count, looked_up) ||
        pack_bits(s, looked_up)) {
        signs_release(s);
        s = NULL;
    }
    free(looked_up);
    return s;
}

void signs_release(Signs *s)
{
    if (!s) return;
    free(s->sets);
    free(s->elements);
    free(s->signs);
    free(s->groups);
    free(s->by_four.entries);
    free(s->by_three.entries);
    free(s->takes);
    free(s->starts);
    free(s->ends);
    free(s->of_bit);
    free(s);
}

size_t signs_group_count(const Signs *s) { return s->group_count; }

/* --- finding ------------------------------------------------------------------------------------------------------ */

/* One pass over one text; `state` holds the bits of the signs that advance, `ends` the last bits of those that have not
 * been seen yet. */
typedef struct {
    const Signs *signs;
    const uint8_t *text;
    size_t length;
    uint64_t *state, *ends;
    uint8_t *seen, *found;
} Pass;

size_t signs_scratch_bytes(const Signs *s)
{
    return 2 * s->word_count * sizeof(uint64_t) + s->sign_count + 1;
}

static void see(Pass *pass, size_t sign)
{
    const Signs *s = pass->signs;
    if (pass->seen[sign]) return;
    pass->seen[sign] = 1;
    for (uint32_t o = s->signs[sign].owner; o < s->signs[sign + 1].owner; o++) pass->found[s->groups[o]] = 1;
}

/* Move the bits of all words on by one symbol; return whether a sign ends with it that has not been seen yet. */
static inline __attribute__((always_inline)) int move_on(const Pass *pass, unsigned symbol)
{
    const Signs *s = pass->signs;
    const size_t words = s->word_count;
    const uint64_t *restrict takes = s->takes + symbol * words, *restrict starts = s->starts, *restrict ends = pass->ends;
    uint64_t *restrict state = pass->state;
    uint64_t ended = 0;
    for (size_t w = 0; w < words; w++) {
        state[w] = (state[w] << 1 | starts[w]) & takes[w];
        ended |= state[w] & ends[w];
    }
    return ended != 0;
}

static void note_ends(Pass *pass)
{
    const Signs *s = pass->signs;
    for (size_t w = 0; w < s->word_count; w++) {
        const uint64_t ended = pass->state[w] & pass->ends[w];
        for (uint64_t here = ended; here; here &= here - 1)
            see(pass, s->of_bit[w * 64 + (size_t)__builtin_ctzll(here)]);
        pass->ends[w] ^= ended;
    }
}

/* Whether a sign starts at a place, which may be one before the text. */
static int stands(const Pass *pass, const Sign *sign, ptrdiff_t start)
{
    ptrdiff_t length = (ptrdiff_t)pass->length;
    if (start < -1 || start + sign->length > length + 1) return 0;
    for (ptrdiff_t e = 0; e < sign->length; e++) {
        ptrdiff_t place = start + e;
        unsigned symbol = place < 0 || place == length ? SIGNS_EDGE : pass->text[place];
        if (!has(set_of(pass->signs, sign, (size_t)e), symbol)) return 0;
    }
    return 1;
}

static void look_up(Pass *pass, const Table *table, uint32_t gram, ptrdiff_t place)
{
    uint32_t bucket = bucket_of(gram);
    for (uint16_t i = table->first[bucket]; i < table->first[bucket + 1]; i++) {
        const Entry *entry = &table->entries[i];
        if (entry->gram != gram || pass->seen[entry->sign]) continue;
        if (stands(pass, &pass->signs->signs[entry->sign], place - entry->at)) see(pass, entry->sign);
    }
}

static inline __attribute__((always_inline)) void find(Pass *pass)
{
    const Signs *s = pass->signs;
    uint32_t gram = 0;
    if (move_on(pass, SIGNS_EDGE)) note_ends(pass);
    for (size_t i = 0; i < pass->length; i++) {
        const ptrdiff_t next = (ptrdiff_t)i + 1;
        gram = gram >> 8 | (uint32_t)s->fold[pass->text[i]] << 24;
        if (next >= LONG_GRAM && has(s->by_four.filled, bucket_of(gram)))
            look_up(pass, &s->by_four, gram, next - LONG_GRAM);
        if (next >= SHORT_GRAM && has(s->by_three.filled, bucket_of(gram >> 8)))
            look_up(pass, &s->by_three, gram >> 8, next - SHORT_GRAM);
        if (move_on(pass, pass->text[i])) note_ends(pass);
    }
    if (move_on(pass, SIGNS_EDGE)) note_ends(pass);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void find_avx2(Pass *pass) { find(pass); }
#endif
static void find_anywhere(Pass *pass) { find(pass); }

void signs_find(const Signs *s, const uint8_t *text, size_t length, void *scratch, uint8_t *found)
{
    memset(scratch, 0, signs_scratch_bytes(s));
    memset(found, 0, s->group_count);
    uint64_t *state = scratch, *ends = state + s->word_count;
    memcpy(ends, s->ends, s->word_count * sizeof *ends);
    Pass pass = {s, text, length, state, ends, (uint8_t *)(ends + s->word_count), found};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        find_avx2(&pass);
        return;
    }
#endif
    find_anywhere(&pass);
}
