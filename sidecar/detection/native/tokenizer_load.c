/* The tables of a tokenizer, and the patterns that its rules are matched by; see tokenizer.h. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer_reader.h"

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
    size_t slots = slots_for((size_t)parts->known_count + (size_t)TOK_MAX_PARTS + stated);
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
    t->by_part = malloc(TOK_MAX_PARTS * sizeof *t->by_part);
    if (!t->flags || !t->lower || !t->rules || !t->keys || !t->entries || !t->rule_keys || !t->rule_slots ||
        !t->patterns || !t->by_part)
        return -1;
    for (int32_t i = 0; i < TOK_MAX_PARTS; i++) t->by_part[i] = -1;
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
    if (!entry->part && t->parts + 1 < TOK_MAX_PARTS) entry->part = ++t->parts;
    return entry->part;
}

/* Cut one rule without rules, and keep it as a pattern unless putting it together would change nothing; TOK_NOT_MINE if it
 * cannot be kept. */
static int add_pattern(Tokenizer *t, Reader *r, int32_t index)
{
    const TokRule *rule = &t->rules[index];
    int32_t count = tok_decode(t, rule->text, (size_t)rule->bytes, &r->text);
    if (!has_affixes(r, count)) return 0;
    r->list.count = 0;
    if (tok_cut(r, count)) return -1;
    size_t pieces = r->list.count;
    if (pieces == 0 || pieces > TOK_MAX_PIECES) return TOK_NOT_MINE;
    if (pieces == 1 && rule->count == 1 && !rule->words[0].norm) return 0;
    Pattern *pattern = &t->patterns[t->pattern_count];
    *pattern = (Pattern){.count = (int32_t)pieces, .rule = index};
    for (size_t i = 0; i < pieces; i++) {
        pattern->pieces[i] = r->list.words[i].hash ? part_of(t, r->list.words[i].hash) : 0;
        if (!pattern->pieces[i]) return TOK_NOT_MINE;
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
    int failed = tok_prepare(&r, t, TOK_MAX_RULE);
    r.with_rules = 0;
    for (int32_t i = 0; i < t->rule_count && !failed; i++) failed = add_pattern(t, &r, i);
    for (int32_t i = 0; i < t->pattern_count && !failed; i++) {
        const TokRule *rule = &t->rules[t->patterns[i].rule];
        tok_decode(t, rule->text, (size_t)rule->bytes, &r.text);
        add_words(t, rule, &r.text);
    }
    tok_put_away(&r);
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
    if (failed == TOK_NOT_MINE) *error = "rules";
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
