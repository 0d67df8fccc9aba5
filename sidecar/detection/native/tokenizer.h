/* spaCy's rule-based tokenizer and the features of words that models read, in C11 without dependencies.
 *
 * What is computed, with spaCy's words for it:
 *
 *   chunks     a text falls into runs of white space and runs without; the one blank behind a run without is no word,
 *              any other white space is a word of its own
 *   rules      ("special cases") a chunk that a rule names falls into the words that the rule states
 *   affixes    else prefixes and suffixes come off, one of each in turn, until nothing comes off or a rule names the
 *              rest; a rest that looks like a URL is one word, any other is cut at its infixes
 *   matching   then, over the words of the whole text, rules whose affixes would have come off put together again what
 *              they name: of matches that overlap the longest wins, then the first; one across white space changes
 *              nothing, though it may win
 *   features   of each word the ids of NORM (the rule's, else the vocabulary's, else lower case), PREFIX (1 code point),
 *              SUFFIX (3), SHAPE (100 code points have "LONG"), then 1 for white space. The id of a string is its number
 *              among spaCy's symbols, or else MurmurHash64A of its UTF-8 with seed 1.
 *
 * What characters are and which regular expressions they belong to comes from outside, as flags of code points and as
 * lists of literals. A chunk that holds a code point flagged FOREIGN, or none that the table covers, is not read: it
 * becomes one word without features, flagged so, for spaCy to read.
 *
 * A loaded tokenizer never changes: any number of threads may use one. Nothing of a text outlives its `Words`. Time and
 * memory are linear in the text.
 */
#ifndef PII_SIDECAR_TOKENIZER_H
#define PII_SIDECAR_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

enum {
    TOK_FEATURES = 5,
    TOK_BASIC = 0x10000,  /* the table's rows: all of the basic plane, then the pictographs */
    TOK_PICTOGRAPHS = 0x1F000,
    TOK_ROWS = TOK_BASIC + 0xC00,
    TOK_MAX_LITERAL = 8,    /* code points */
    TOK_MAX_LITERALS = 512, /* of a list */
    TOK_MAX_RULE = 63,      /* bytes */
    TOK_MAX_RULE_WORDS = 8,
    TOK_MAX_TEXT = 1 << 29, /* bytes of one text */
};

/* What a code point is (Python's str methods), and where spaCy's expressions take it. */
enum {
    TOK_SPACE = 1 << 0,       /* isspace */
    TOK_LETTER = 1 << 1,      /* isalpha */
    TOK_CAPITAL = 1 << 2,     /* isupper */
    TOK_DIGIT = 1 << 3,       /* isdigit */
    TOK_WORD = 1 << 4,        /* \w */
    TOK_DECIMAL = 1 << 5,     /* \d */
    TOK_PREFIX = 1 << 6,      /* alone a prefix */
    TOK_SUFFIX = 1 << 7,      /* alone a suffix */
    TOK_INFIX = 1 << 8,       /* alone an infix */
    TOK_BEFORE_DOT = 1 << 9,  /* infix: dot */
    TOK_BEHIND_DOT = 1 << 10,
    TOK_ALPHA = 1 << 11,       /* infix: beside a comma, behind a hyphen or sign */
    TOK_BEFORE_SIGN = 1 << 12, /* infix: hyphen, or one of :<>=/ */
    TOK_BEFORE_STOP = 1 << 13, /* suffix: full stop */
    TOK_UPPER = 1 << 14,       /* two of them: the same */
    TOK_TLD = 1 << 15,         /* top-level domain of a URL */
    TOK_CUT = 1 << 16,         /* an infix may start here */
    TOK_EDGE = 1 << 17,        /* a chunk without any of these has no affixes and is no URL */
    TOK_FOREIGN = 1 << 18,     /* spaCy must read the chunk */
};

typedef struct {
    uint32_t points[TOK_MAX_LITERAL];
    int32_t length;
    int32_t behind_digit; /* suffix: only behind 0-9 */
} TokLiteral;

/* One word of a rule: code points, and the id of its NORM if the rule states one. */
typedef struct {
    int32_t length;
    uint64_t norm;
} TokRuleWord;

typedef struct {
    uint8_t text[TOK_MAX_RULE + 1];
    int32_t bytes, count;
    TokRuleWord words[TOK_MAX_RULE_WORDS];
} TokRule;

/* What the vocabulary knows of a string: its id, and the id of its NORM, or 0 where that is its lower case. */
typedef struct {
    uint64_t hash, id, norm;
} TokKnown;

/* All that a tokenizer is made of; `tok_load` copies it. */
typedef struct {
    const uint32_t *flags; /* [TOK_ROWS] */
    const uint32_t *lower; /* [TOK_ROWS] code points; one that has more than one lower-case letter is FOREIGN */
    const TokLiteral *prefixes, *suffixes, *hyphens;
    const TokRule *rules;
    const TokKnown *known;
    int32_t prefix_count, suffix_count, hyphen_count, rule_count, known_count;
} TokParts;

typedef struct Tokenizer Tokenizer;

/* NULL without memory, or with *error set to what is out of bounds. */
Tokenizer *tok_load(const TokParts *parts, const char **error);
void tok_release(Tokenizer *tokenizer);

/* One word: code points [start, end) of its text. */
typedef struct {
    int32_t start, end;
} TokSpan;

/* The words of texts, one text after the other. */
typedef struct {
    uint64_t (*features)[TOK_FEATURES];
    TokSpan *spans;
    size_t count, room;
    int64_t *foreign; /* which of them spaCy must read; their features are 0 */
    size_t foreign_count, foreign_room;
} TokWords;

/* Append the words of one text, which is valid UTF-8 of at most TOK_MAX_TEXT bytes; return how many, or -1 without
 * memory. */
int64_t tok_read(const Tokenizer *tokenizer, const uint8_t *text, size_t bytes, TokWords *words);
void tok_forget(TokWords *words);

/* Whether words that rules put together, or that rules state, are spelled like this. A foreign chunk of which neither
 * the first nor the last word is can be read apart from its text. */
int tok_is_part(const Tokenizer *tokenizer, const uint8_t *word, size_t bytes);

#endif
