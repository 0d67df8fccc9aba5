/* How a text is cut into words: chunks, rules and affixes, then matching; see tokenizer.h. */
#include "tokenizer_reader.h"

#include <stdlib.h>

static int push_word(WordList *list, Word word)
{
    if (tok_grow((void **)&list->words, list->count, &list->room, sizeof word)) return -1;
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

/* What is left without affixes; TOK_NOT_MINE if it is for spaCy to judge. */
static int push_rest(Reader *r, int32_t from, int32_t to)
{
    const TokRule *rule = rule_of(r, from, to);
    if (rule) return push_rule(r, rule, from);
    switch (tok_url(&r->text, from, to)) {
    case TOK_URL: return push(r, from, to, 0);
    case TOK_MAYBE_URL: return TOK_NOT_MINE;
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
    int done = TOK_NOT_MINE;
    if (!(flags & TOK_FOREIGN)) {
        if (flags & TOK_EDGE) {
            done = push_chunk(r, from, to);
        } else {
            const TokRule *rule = rule_of(r, from, to);
            done = rule ? push_rule(r, rule, from) : push(r, from, to, 0);
        }
    }
    if (done != TOK_NOT_MINE) return done;
    r->list.count = before;
    return push_word(&r->list, (Word){.start = from, .end = to});
}

int tok_cut(Reader *r, int32_t count)
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
            if (tok_grow((void **)&r->matches, r->match_count, &r->match_room, sizeof *r->matches)) return -1;
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
int tok_match(Reader *r)
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
