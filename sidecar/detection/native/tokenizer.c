/* See tokenizer.h. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer_affixes.h"

enum {
    MAX_PARTS = 1 << 10,     /* different words that rules are put together from */
    MAX_PIECES = 16,         /* of one match */
    LONG_WORD = 100,         /* code points from which on the shape is "LONG" */
    MAX_RUN = 4,             /* of one sign in a shape */
    SHAPE_BYTES = 4 * LONG_WORD,
};

/* What is known of a string, and its number among the parts of rules, or 0. */
typedef struct {
    uint64_t id, norm;
    int32_t part, is_word; /* is_word: a rule states it as a word */
} Entry;

/* A rule as the affixes cut it. */
typedef struct {
    int32_t pieces[MAX_PIECES], count, rule, next; /* next: the one that begins with the same piece, or -1 */
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
    int32_t *by_part;                      /* [MAX_PARTS] the first pattern that begins with it, or -1 */
    uint64_t long_shape;
};

/* --- strings ------------------------------------------------------------------------------------------------------ */

static uint64_t hash_of(const uint8_t *bytes, size_t length)
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
static size_t slot_of(const uint64_t *keys, size_t mask, uint64_t key)
{
    size_t slot = key & mask;
    while (keys[slot] && keys[slot] != key) slot = (slot + 1) & mask;
    return slot;
}

static const Entry *entry_of(const Tokenizer *t, uint64_t hash)
{
    size_t slot = slot_of(t->keys, t->mask, hash);
    return t->keys[slot] ? &t->entries[slot] : NULL;
}

static uint64_t id_of(const Tokenizer *t, const uint8_t *bytes, size_t length)
{
    uint64_t hash = hash_of(bytes, length);
    const Entry *entry = entry_of(t, hash);
    return entry ? entry->id : hash;
}

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
static int32_t decode(const Tokenizer *t, const uint8_t *bytes, size_t length, TokText *text)
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

/* --- reading one text --------------------------------------------------------------------------------------------- */

/* A word while the text is being cut; `hash`: of its bytes, `norm`: as a rule states it, or 0. */
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

static const Word FOREIGN = {.hash = 0};

/* Make room for one more; 0, or -1 without memory. */
static int grow(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room) return 0;
    size_t more = *room ? 2 * *room : 256;
    void *grown = realloc(*items, more * size);
    if (!grown) return -1;
    *items = grown;
    *room = more;
    return 0;
}

static int push_word(WordList *list, Word word)
{
    if (grow((void **)&list->words, list->count, &list->room, sizeof word)) return -1;
    list->words[list->count++] = word;
    return 0;
}

static int push(Reader *r, int32_t start, int32_t end, uint64_t norm)
{
    const uint32_t *at = r->text.at;
    uint64_t hash = hash_of(r->text.bytes + at[start], at[end] - at[start]);
    return push_word(&r->list, (Word){start, end, hash, norm, entry_of(r->t, hash)});
}

/* --- rules and affixes -------------------------------------------------------------------------------------------- */

static int names(const TokRule *rule, const uint8_t *bytes, size_t length)
{
    return (size_t)rule->bytes == length && !memcmp(rule->text, bytes, length);
}

/* The rule that names the stretch, or NULL. */
static const TokRule *rule_of(const Reader *r, int32_t from, int32_t to)
{
    const Tokenizer *t = r->t;
    size_t length = r->text.at[to] - r->text.at[from];
    const uint8_t *bytes = r->text.bytes + r->text.at[from];
    if (!r->with_rules || length > TOK_MAX_RULE || !(t->rule_lengths[*bytes] >> length & 1)) return NULL;
    size_t slot = slot_of(t->rule_keys, t->rule_mask, hash_of(bytes, length));
    const TokRule *rule = t->rule_keys[slot] ? &t->rules[t->rule_slots[slot]] : NULL;
    return rule && names(rule, bytes, length) ? rule : NULL;
}

static int push_rule(Reader *r, const TokRule *rule, int32_t start)
{
    for (int32_t i = 0; i < rule->count; start += rule->words[i++].length)
        if (push(r, start, start + rule->words[i].length, rule->words[i].norm)) return -1;
    return 0;
}

static int push_infixes(Reader *r, int32_t from, int32_t to)
{
    int32_t start = from;
    for (int32_t place = from; place < to;) {
        int32_t length = tok_infix(&r->t->affixes, &r->text, from, place, to);
        if (length && place > from) {
            if (place > start && push(r, start, place, 0)) return -1;
            if (push(r, place, place + length, 0)) return -1;
            start = place + length;
        }
        place += length ? length : 1;
    }
    return start < to ? push(r, start, to, 0) : 0;
}

enum { NOT_MINE = 1 };

/* What is left without affixes; NOT_MINE if it is for spaCy to judge. */
static int push_rest(Reader *r, int32_t from, int32_t to)
{
    const TokRule *rule = rule_of(r, from, to);
    if (rule) return push_rule(r, rule, from);
    switch (tok_url(&r->text, from, to)) {
    case TOK_URL: return push(r, from, to, 0);
    case TOK_MAYBE_URL: return NOT_MINE;
    case TOK_NO_URL: break;
    }
    return push_infixes(r, from, to);
}

/* A chunk that has characters of affixes, infixes or URLs. */
static int push_chunk(Reader *r, int32_t from, int32_t to)
{
    const TokAffixes *affixes = &r->t->affixes;
    int32_t cut_count = 0, before = -1;
    while (from < to && to - from != before && !rule_of(r, from, to)) {
        before = to - from;
        int32_t prefix = tok_prefix(affixes, &r->text, from, to);
        if (prefix && from + prefix < to && rule_of(r, from + prefix, to)) {
            if (push(r, from, from + prefix, 0)) return -1;
            from += prefix;
            break;
        }
        int32_t suffix = tok_suffix(affixes, &r->text, from + prefix, to);
        if (suffix) r->cuts[cut_count++] = suffix;
        to -= suffix;
        if (suffix && from < to && rule_of(r, from, to)) break; /* the prefix is part of what the rule names */
        if (prefix && push(r, from, from + prefix, 0)) return -1;
        from += prefix;
    }
    int done = from < to ? push_rest(r, from, to) : 0;
    while (!done && cut_count > 0) {
        int32_t suffix = r->cuts[--cut_count];
        done = push(r, to, to + suffix, 0);
        to += suffix;
    }
    return done;
}

static int read_chunk(Reader *r, int32_t from, int32_t to, uint32_t flags)
{
    size_t before = r->list.count;
    int done = NOT_MINE;
    if (!(flags & TOK_FOREIGN)) {
        if (flags & TOK_EDGE) {
            done = push_chunk(r, from, to);
        } else {
            const TokRule *rule = rule_of(r, from, to);
            done = rule ? push_rule(r, rule, from) : push(r, from, to, 0);
        }
    }
    if (done != NOT_MINE) return done;
    r->list.count = before;
    Word foreign = FOREIGN;
    foreign.start = from, foreign.end = to;
    return push_word(&r->list, foreign);
}

static int read_chunks(Reader *r, int32_t count)
{
    const TokText *text = &r->text;
    int32_t start = 0;
    uint32_t flags = 0;
    for (int32_t i = 0; i < count; i++) {
        if (i && (text->flags[i] ^ text->flags[i - 1]) & TOK_SPACE) {
            if (start < i && read_chunk(r, start, i, flags)) return -1;
            start = i + (text->points[i] == ' ');
            flags = 0;
        }
        if (i >= start) flags |= text->flags[i];
    }
    return start < count ? read_chunk(r, start, count, flags) : 0;
}

/* --- matching ----------------------------------------------------------------------------------------------------- */

static int begins_at(const Pattern *pattern, const WordList *list, size_t place)
{
    if ((size_t)pattern->count > list->count - place) return 0;
    for (int32_t i = 0; i < pattern->count; i++) {
        const Entry *entry = list->words[place + (size_t)i].entry;
        if (!entry || entry->part != pattern->pieces[i]) return 0;
    }
    return 1;
}

static int find_matches(Reader *r)
{
    const Tokenizer *t = r->t;
    for (size_t place = 0; place < r->list.count; place++) {
        const Entry *entry = r->list.words[place].entry;
        if (!entry || !entry->part) continue;
        for (int32_t i = t->by_part[entry->part]; i >= 0; i = t->patterns[i].next) {
            if (!begins_at(&t->patterns[i], &r->list, place)) continue;
            if (grow((void **)&r->matches, r->match_count, &r->match_room, sizeof *r->matches)) return -1;
            r->matches[r->match_count++] = (Match){place, &t->patterns[i]};
        }
    }
    return 0;
}

/* The winner at each place: the longest first, then the leftmost. A loser, too, keeps later ones from its words. */
static void choose(Reader *r, const Pattern **chosen, uint8_t *taken)
{
    for (int32_t length = r->t->longest; length > 0; length--)
        for (size_t i = 0; i < r->match_count; i++) {
            Match match = r->matches[i];
            if (match.pattern->count != length) continue;
            if (!taken[match.place] && !taken[match.place + (size_t)length - 1]) chosen[match.place] = match.pattern;
            memset(taken + match.place, 1, (size_t)length);
        }
}

/* Whether words are what a rule names, with no blank between them. */
static int are_named(const Reader *r, const TokRule *rule, const Word *words, int32_t count)
{
    uint32_t start = r->text.at[words[0].start], end = r->text.at[words[count - 1].end];
    return names(rule, r->text.bytes + start, end - start);
}

/* Put what rules name together again. */
static int apply_matches(Reader *r)
{
    r->match_count = 0;
    if (find_matches(r)) return -1;
    if (!r->match_count) return 0;
    WordList old = r->list;
    const Pattern **chosen = calloc(old.count, sizeof *chosen);
    uint8_t *taken = calloc(old.count, 1);
    int failed = !chosen || !taken;
    if (!failed) {
        choose(r, chosen, taken);
        r->list = r->matched;
        r->list.count = 0;
        for (size_t place = 0; place < old.count && !failed;) {
            const Pattern *pattern = chosen[place];
            const Word *word = &old.words[place];
            const TokRule *rule = pattern ? &r->t->rules[pattern->rule] : NULL;
            if (rule && are_named(r, rule, word, pattern->count)) {
                failed = push_rule(r, rule, word->start) != 0;
                place += (size_t)pattern->count;
            } else {
                failed = push_word(&r->list, *word) != 0;
                place++;
            }
        }
        r->matched = old;
    }
    free(chosen);
    free(taken);
    return failed ? -1 : 0;
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
            if (grow((void **)&words->features, row, &room, sizeof *words->features)) return -1;
            if (grow((void **)&words->spans, row, &same, sizeof *words->spans)) return -1;
            words->room = room;
        }
        words->count++;
        words->spans[row] = (TokSpan){word->start, word->end};
        if (word->hash) {
            features_of(r, word, words->features[row]);
            continue;
        }
        memset(words->features[row], 0, sizeof words->features[row]);
        if (grow((void **)&words->foreign, words->foreign_count, &words->foreign_room, sizeof *words->foreign))
            return -1;
        words->foreign[words->foreign_count++] = (int64_t)row;
    }
    return 0;
}

/* --- interface ---------------------------------------------------------------------------------------------------- */

static int prepare(Reader *r, const Tokenizer *t, size_t bytes)
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

static void put_away(Reader *r)
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
    if (!prepare(&r, t, bytes)) {
        int32_t points = decode(t, text, bytes, &r.text);
        if (!read_chunks(&r, points) && !apply_matches(&r) && !append(&r, words))
            count = (int64_t)(words->count - before);
    }
    put_away(&r);
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

/* --- loading ------------------------------------------------------------------------------------------------------ */

static void *copy(const void *from, size_t count, size_t size)
{
    void *to = malloc((count + 1) * size);
    if (to && count) memcpy(to, from, count * size);
    return to;
}

/* The smallest power of two that leaves half of the slots empty. */
static size_t slots_for(size_t count)
{
    size_t slots = 64;
    while (slots < 2 * count + 2) slots *= 2;
    return slots;
}

static Entry *entry_for(Tokenizer *t, uint64_t hash)
{
    size_t slot = slot_of(t->keys, t->mask, hash);
    if (!t->keys[slot]) {
        t->keys[slot] = hash;
        t->entries[slot] = (Entry){.id = hash};
    }
    return &t->entries[slot];
}

static int load_tables(Tokenizer *t, const TokParts *parts)
{
    size_t stated = 0;
    for (int32_t i = 0; i < parts->rule_count; i++) stated += (size_t)parts->rules[i].count;
    size_t slots = slots_for((size_t)parts->known_count + (size_t)MAX_PARTS + stated);
    size_t rule_slots = slots_for((size_t)parts->rule_count);
    t->mask = slots - 1, t->rule_mask = rule_slots - 1;
    t->flags = copy(parts->flags, TOK_ROWS, sizeof *t->flags);
    t->lower = copy(parts->lower, TOK_ROWS, sizeof *t->lower);
    t->rules = copy(parts->rules, (size_t)parts->rule_count, sizeof *t->rules);
    t->rule_count = parts->rule_count;
    t->keys = calloc(slots, sizeof *t->keys);
    t->entries = calloc(slots, sizeof *t->entries);
    t->rule_keys = calloc(rule_slots, sizeof *t->rule_keys);
    t->rule_slots = calloc(rule_slots, sizeof *t->rule_slots);
    t->patterns = calloc((size_t)parts->rule_count + 1, sizeof *t->patterns);
    t->by_part = malloc(MAX_PARTS * sizeof *t->by_part);
    if (!t->flags || !t->lower || !t->rules || !t->keys || !t->entries || !t->rule_keys || !t->rule_slots ||
        !t->patterns || !t->by_part)
        return -1;
    for (int32_t i = 0; i < MAX_PARTS; i++) t->by_part[i] = -1;
    for (int32_t i = 0; i < parts->known_count; i++) {
        Entry *entry = entry_for(t, parts->known[i].hash);
        entry->id = parts->known[i].id, entry->norm = parts->known[i].norm;
    }
    for (int32_t i = 0; i < parts->rule_count; i++) {
        const TokRule *rule = &t->rules[i];
        uint64_t hash = hash_of(rule->text, (size_t)rule->bytes);
        size_t slot = slot_of(t->rule_keys, t->rule_mask, hash);
        t->rule_keys[slot] = hash;
        t->rule_slots[slot] = i;
        t->rule_lengths[rule->text[0]] |= (uint64_t)1 << rule->bytes;
    }
    t->long_shape = id_of(t, (const uint8_t *)"LONG", 4);
    return tok_file(&t->affixes.prefixes, parts->prefixes, parts->prefix_count, 0) ||
           tok_file(&t->affixes.suffixes, parts->suffixes, parts->suffix_count, 1) ||
           tok_file(&t->affixes.hyphens, parts->hyphens, parts->hyphen_count, 0);
}

/* Whether a rule must be matched: it has an affix, or a blank. */
static int has_affixes(const Reader *r, int32_t count)
{
    const TokAffixes *affixes = &r->t->affixes;
    if (tok_prefix(affixes, &r->text, 0, count) || tok_suffix(affixes, &r->text, 0, count)) return 1;
    for (int32_t i = 0; i < count; i++)
        if (r->text.points[i] == ' ' || tok_infix(affixes, &r->text, 0, i, count)) return 1;
    return 0;
}

static int32_t part_of(Tokenizer *t, uint64_t hash)
{
    Entry *entry = entry_for(t, hash);
    if (!entry->part && t->parts + 1 < MAX_PARTS) entry->part = ++t->parts;
    return entry->part;
}

/* Cut one rule without rules, and keep it as a pattern unless putting it together would change nothing; NOT_MINE if it
 * cannot be kept. */
static int add_pattern(Tokenizer *t, Reader *r, int32_t index)
{
    const TokRule *rule = &t->rules[index];
    int32_t count = decode(t, rule->text, (size_t)rule->bytes, &r->text);
    if (!has_affixes(r, count)) return 0;
    r->list.count = 0;
    if (read_chunks(r, count)) return -1;
    size_t pieces = r->list.count;
    if (pieces == 0 || pieces > MAX_PIECES) return NOT_MINE;
    if (pieces == 1 && rule->count == 1 && !rule->words[0].norm) return 0;
    Pattern *pattern = &t->patterns[t->pattern_count];
    *pattern = (Pattern){.count = (int32_t)pieces, .rule = index};
    for (size_t i = 0; i < pieces; i++) {
        pattern->pieces[i] = r->list.words[i].hash ? part_of(t, r->list.words[i].hash) : 0;
        if (!pattern->pieces[i]) return NOT_MINE;
    }
    pattern->next = t->by_part[pattern->pieces[0]];
    t->by_part[pattern->pieces[0]] = t->pattern_count++;
    if (pattern->count > t->longest) t->longest = pattern->count;
    return 0;
}

/* Remember the words that matched rules state: spaCy may put them where a foreign chunk begins or ends. */
static void add_words(Tokenizer *t, const TokRule *rule, const TokText *text)
{
    int32_t start = 0;
    for (int32_t i = 0; i < rule->count; start += rule->words[i++].length) {
        uint32_t from = text->at[start], to = text->at[start + rule->words[i].length];
        entry_for(t, hash_of(rule->text + from, to - from))->is_word = 1;
    }
}

static int load_patterns(Tokenizer *t)
{
    Reader r;
    int failed = prepare(&r, t, TOK_MAX_RULE);
    r.with_rules = 0;
    for (int32_t i = 0; i < t->rule_count && !failed; i++) failed = add_pattern(t, &r, i);
    for (int32_t i = 0; i < t->pattern_count && !failed; i++) {
        const TokRule *rule = &t->rules[t->patterns[i].rule];
        decode(t, rule->text, (size_t)rule->bytes, &r.text);
        add_words(t, rule, &r.text);
    }
    put_away(&r);
    return failed;
}

/* How many code points UTF-8 is, or -1 if it is none. */
static int32_t count_points(const uint8_t *bytes, int32_t length)
{
    int32_t points = 0;
    for (int32_t i = 0; i < length; points++) {
        uint8_t first = bytes[i++];
        int more = first < 0x80 ? 0 : first < 0xC2 || first > 0xF4 ? -1 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        if (more < 0) return -1;
        for (; more > 0; more--, i++)
            if (i == length || (bytes[i] & 0xC0) != 0x80) return -1;
    }
    return points;
}

static const char *rule_error(const TokParts *parts)
{
    for (int32_t i = 0; i < parts->rule_count; i++) {
        const TokRule *rule = &parts->rules[i];
        if (rule->bytes < 1 || rule->bytes > TOK_MAX_RULE || rule->count < 1 || rule->count > TOK_MAX_RULE_WORDS)
            return "rules";
        int32_t stated = 0;
        for (int32_t w = 0; w < rule->count; w++) {
            if (rule->words[w].length < 1 || rule->words[w].length > TOK_MAX_RULE) return "rules";
            stated += rule->words[w].length;
        }
        if (stated != count_points(rule->text, rule->bytes)) return "rules";
    }
    return NULL;
}

Tokenizer *tok_load(const TokParts *parts, const char **error)
{
    if ((*error = rule_error(parts))) return NULL;
    Tokenizer *t = calloc(1, sizeof *t);
    int failed = !t || load_tables(t, parts) ? -1 : load_patterns(t);
    if (!failed) return t;
    if (failed == NOT_MINE) *error = "rules";
    tok_release(t);
    return NULL;
}

void tok_release(Tokenizer *t)
{
    if (!t) return;
    free(t->flags);
    free(t->lower);
    free(t->rules);
    free(t->rule_keys);
    free(t->rule_slots);
    free(t->keys);
    free(t->entries);
    free(t->patterns);
    free(t->by_part);
    tok_unfile(&t->affixes.prefixes);
    tok_unfile(&t->affixes.suffixes);
    tok_unfile(&t->affixes.hyphens);
    free(t);
}
