/* See tokenizer_affixes.h. */
#include "tokenizer_affixes.h"

#include <stdlib.h>
#include <string.h>

static int is_0_to_9(uint32_t point) { return point - '0' < 10; }

/* --- literals ----------------------------------------------------------------------------------------------------- */

int tok_file(TokLiterals *filed, const TokLiteral *literals, int32_t count, int by_last)
{
    size_t room = (size_t)count + 1;
    *filed = (TokLiterals){malloc(room * sizeof *literals), count, {0}, malloc(room * sizeof *filed->next)};
    if (!filed->literals || !filed->next) return -1;
    if (count) memcpy(filed->literals, literals, (size_t)count * sizeof *literals);
    for (int32_t list = 0; list < TOK_LISTS; list++) filed->first[list] = -1;
    for (int32_t i = count; i-- > 0;) {
        const TokLiteral *each = &literals[i];
        uint32_t list = each->points[by_last ? each->length - 1 : 0] % TOK_LISTS;
        filed->next[i] = filed->first[list];
        filed->first[list] = i;
    }
    return 0;
}

void tok_unfile(TokLiterals *filed)
{
    free(filed->literals);
    free(filed->next);
}

static int stands_at(const TokLiteral *literal, const TokText *text, int32_t place)
{
    return !memcmp(&text->points[place], literal->points, (size_t)literal->length * sizeof *literal->points);
}

/* --- affixes ------------------------------------------------------------------------------------------------------ */

int32_t tok_prefix(const TokAffixes *affixes, const TokText *text, int32_t from, int32_t to)
{
    const uint32_t *points = text->points;
    if (text->flags[from] & TOK_PREFIX) return 1;
    if (points[from] == '+') return !(from + 1 < to && is_0_to_9(points[from + 1]));
    if (points[from] == '.') {
        int32_t end = from + 1;
        while (end < to && points[end] == '.') end++;
        return end - from > 1 ? end - from : 0;
    }
    const TokLiterals *filed = &affixes->prefixes;
    for (int32_t i = filed->first[points[from] % TOK_LISTS]; i >= 0; i = filed->next[i]) {
        const TokLiteral *literal = &filed->literals[i];
        if (literal->length <= to - from && stands_at(literal, text, from)) return literal->length;
    }
    return 0;
}

/* Whether a full stop at `place` is a suffix: behind lower case, digits and the like, two capitals, or a degree. */
static int stops(const TokText *text, int32_t from, int32_t place)
{
    if (place == from) return 0;
    uint32_t before = text->flags[place - 1];
    if (before & TOK_BEFORE_STOP) return 1;
    if (place - from < 2) return 0;
    if (before & text->flags[place - 2] & TOK_UPPER) return 1;
    return text->points[place - 2] == 0xB0 && text->points[place - 1] < 0x80 &&
           text->points[place - 1] && strchr("FfCcKk", (int)text->points[place - 1]);
}

/* An expression that is sought from the left and tied to the end finds the longest of its suffixes. */
int32_t tok_suffix(const TokAffixes *affixes, const TokText *text, int32_t from, int32_t to)
{
    if (from == to) return 0;
    const uint32_t *points = text->points;
    uint32_t last = points[to - 1];
    int32_t longest = (text->flags[to - 1] & TOK_SUFFIX) != 0;
    if (last == '+' && to - from > 1 && is_0_to_9(points[to - 2])) longest = 1;
    if (last == '.') {
        int32_t start = to - 1;
        while (start > from && points[start - 1] == '.') start--;
        if (to - start > 1) return to - start;
        if (stops(text, from, to - 1)) longest = 1;
    }
    const TokLiterals *filed = &affixes->suffixes;
    for (int32_t i = filed->first[last % TOK_LISTS]; i >= 0; i = filed->next[i]) {
        const TokLiteral *literal = &filed->literals[i];
        int32_t start = to - literal->length;
        if (literal->length <= longest || start < from || !stands_at(literal, text, start)) continue;
        if (!literal->behind_digit || (start > from && is_0_to_9(points[start - 1]))) longest = literal->length;
    }
    return longest;
}

static int32_t hyphen(const TokAffixes *affixes, const TokText *text, int32_t place, int32_t to)
{
    const TokLiterals *filed = &affixes->hyphens;
    for (int32_t i = filed->first[text->points[place] % TOK_LISTS]; i >= 0; i = filed->next[i]) {
        const TokLiteral *literal = &filed->literals[i];
        int32_t end = place + literal->length;
        if (end < to && stands_at(literal, text, place) && text->flags[end] & TOK_ALPHA) return literal->length;
    }
    return 0;
}

int32_t tok_infix(const TokAffixes *affixes, const TokText *text, int32_t from, int32_t place, int32_t to)
{
    const uint32_t *points = text->points, *flags = text->flags;
    uint32_t point = points[place];
    if (!(flags[place] & TOK_CUT)) return 0;
    if (point == '.' && place + 1 < to && points[place + 1] == '.') {
        int32_t end = place + 2;
        while (end < to && points[end] == '.') end++;
        return end - place;
    }
    if (flags[place] & TOK_INFIX) return 1;
    if (place == from || place + 1 == to) return 0; /* all others stand between two code points */
    uint32_t before = flags[place - 1], behind = flags[place + 1];
    switch (point) {
    case '.': return (before & TOK_BEFORE_DOT) && (behind & TOK_BEHIND_DOT);
    case ',': return before & behind & TOK_ALPHA ? 1 : 0;
    case ':': case '<': case '>': case '=': case '/': return (before & TOK_BEFORE_SIGN) && (behind & TOK_ALPHA);
    case '+': case '-': case '*': case '^':
        if (is_0_to_9(points[place - 1]) && (is_0_to_9(points[place + 1]) || points[place + 1] == '-')) return 1;
    }
    return before & TOK_BEFORE_SIGN ? hyphen(affixes, text, place, to) : 0;
}

/* --- URLs --------------------------------------------------------------------------------------------------------- */

/* The host's characters: [A-Za-z0-9\u00a1-\uffff]. */
static int is_host(uint32_t point)
{
    return (point | 32) - 'a' < 26 || is_0_to_9(point) || (point >= 0xA1 && point <= 0xFFFF);
}

/* Behind the host: (:\d{2,5})?([/?#].*)? */
static TokUrl tail(const TokText *text, int32_t place, int32_t to)
{
    const uint32_t *points = text->points;
    if (place < to && points[place] == ':') {
        int32_t start = ++place;
        for (; place < to && text->flags[place] & TOK_DECIMAL; place++)
            if (points[place] > 0x7F) return TOK_MAYBE_URL;
        if (place - start < 2 || place - start > 5) return TOK_NO_URL;
    }
    return place == to || points[place] == '/' || points[place] == '?' || points[place] == '#' ? TOK_URL : TOK_NO_URL;
}

/* Four decimal octets, no private or reserved network; digits of any script are for spaCy to judge. */
static TokUrl address(const TokText *text, int32_t place, int32_t to)
{
    int32_t octets[4] = {0};
    for (int i = 0; i < 4; i++) {
        if (i && (place == to || text->points[place++] != '.')) return TOK_NO_URL;
        int32_t start = place;
        for (; place < to && text->flags[place] & TOK_DECIMAL; place++) {
            if (text->points[place] > 0x7F) return TOK_MAYBE_URL;
            if (place - start == 3) return TOK_NO_URL;
            octets[i] = 10 * octets[i] + (int32_t)(text->points[place] - '0');
        }
        int leading_zero = place > start && text->points[start] == '0';
        if (place == start || octets[i] > 255 || (leading_zero && (i == 0 || i == 3 || place - start == 3)))
            return TOK_NO_URL;
    }
    if (octets[0] > 223 || octets[0] == 10 || octets[0] == 127 || octets[3] > 254) return TOK_NO_URL;
    if ((octets[0] == 169 && octets[1] == 254) || (octets[0] == 192 && octets[1] == 168)) return TOK_NO_URL;
    if (octets[0] == 172 && octets[1] >= 16 && octets[1] <= 31) return TOK_NO_URL;
    return tail(text, place, to);
}

/* Labels of 1 to 64 characters, each with a dot behind it, then a top-level domain. */
static TokUrl domain(const TokText *text, int32_t place, int32_t to)
{
    const uint32_t *points = text->points;
    for (;;) {
        int32_t start = place;
        while (place < to && (is_host(points[place]) || points[place] == '-' || points[place] == '_')) place++;
        if (place == start || place - start > 64 || place == to || points[place] != '.') return TOK_NO_URL;
        if (!is_host(points[start]) || !is_host(points[place - 1])) return TOK_NO_URL;
        int32_t end = ++place;
        while (end < to && end - place < 64 && text->flags[end] & TOK_TLD) end++;
        if (end - place < 2 || end - place > 63) continue;
        TokUrl found = tail(text, end, to);
        if (found != TOK_NO_URL) return found;
    }
}

static TokUrl host(const TokText *text, int32_t place, int32_t to)
{
    TokUrl found = address(text, place, to);
    return found == TOK_NO_URL ? domain(text, place, to) : found;
}

/* [\w+.-] */
static int is_scheme(const TokText *text, int32_t place)
{
    uint32_t point = text->points[place];
    return text->flags[place] & TOK_WORD || point == '+' || point == '-' || point == '.';
}

/* A host may start the whole, or stand behind a scheme, or behind any @ but a first one. */
TokUrl tok_url(const TokText *text, int32_t from, int32_t to)
{
    const uint32_t *points = text->points;
    TokUrl found = host(text, from, to);
    int32_t place = from;
    while (place < to && is_scheme(text, place)) place++;
    if (found == TOK_NO_URL && place - from >= 2 && to - place >= 3 && points[place] == ':' &&
        points[place + 1] == '/' && points[place + 2] == '/')
        found = host(text, place + 3, to);
    for (place = from + 1; found == TOK_NO_URL && place < to; place++)
        if (points[place] == '@') found = host(text, place + 1, to);
    return found;
}
