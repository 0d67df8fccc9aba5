/* Prefixes, suffixes, infixes and URLs: what spaCy's regular expressions match, decided without a regular expression.
 *
 * All of it looks at code points [from, to) of a text and at nothing beside them. Each decision takes time in
 * proportion to what it consumes, a URL in proportion to the stretch. */
#ifndef PII_SIDECAR_TOKENIZER_AFFIXES_H
#define PII_SIDECAR_TOKENIZER_AFFIXES_H

#include "tokenizer.h"

/* A decoded text: code points, their flags, and where in `bytes` each begins; one more of `at` for the end. */
typedef struct {
    const uint8_t *bytes;
    uint32_t *points, *flags, *at;
} TokText;

enum { TOK_LISTS = 64 };

/* Literals in lists by one of their code points, for looking up what may match at a place. */
typedef struct {
    TokLiteral *literals;
    int32_t count;
    int32_t first[TOK_LISTS]; /* the first of each list, or -1 */
    int32_t *next;            /* [count] */
} TokLiterals;

/* `by_last`: filed by the last code point instead of the first; a list keeps the order. 0, or -1 without memory. */
int tok_file(TokLiterals *filed, const TokLiteral *literals, int32_t count, int by_last);
void tok_unfile(TokLiterals *filed);

typedef struct {
    TokLiterals prefixes, suffixes, hyphens;
} TokAffixes;

/* The length of the prefix, of the suffix, or of the infix that starts at `place`; 0 if there is none. */
int32_t tok_prefix(const TokAffixes *affixes, const TokText *text, int32_t from, int32_t to);
int32_t tok_suffix(const TokAffixes *affixes, const TokText *text, int32_t from, int32_t to);
int32_t tok_infix(const TokAffixes *affixes, const TokText *text, int32_t from, int32_t place, int32_t to);

typedef enum { TOK_NO_URL, TOK_URL, TOK_MAYBE_URL } TokUrl; /* maybe: digits of other scripts take part */
TokUrl tok_url(const TokText *text, int32_t from, int32_t to);

#endif
