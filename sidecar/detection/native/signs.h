/* Finds, in one pass over a text, which of many groups of signs have one in it.
 *
 * A sign is a sequence of 1 to SIGNS_MAX_LENGTH sets of symbols; it stands in a text where each symbol is in the set of its
 * turn. Symbols are the text's bytes and SIGNS_EDGE, which stands once before the text and once behind it. A group is found
 * if one of its signs stands anywhere.
 *
 * A sign with four or three neighboring sets of few bytes (letters, mostly) is looked up by the hash of those bytes; all
 * the others advance as bits of one word each, by Shift-And (Baeza-Yates and Gonnet, 1992).
 * The work for one byte is bounded: a hash leads to SIGNS_MAX_BUCKET signs at most.
 */
#ifndef PII_SIDECAR_SIGNS_H
#define PII_SIDECAR_SIGNS_H

#include <stddef.h>
#include <stdint.h>

enum {
    SIGNS_EDGE = 256,
    SIGNS_SYMBOLS = 257,
    SIGNS_SET_BYTES = 33, /* bit s % 8 of byte s / 8: whether symbol s is in the set */
    SIGNS_MAX_LENGTH = 16,
    SIGNS_MAX_BUCKET = 48,
    SIGNS_MAX = 65535, /* sets, signs, groups, and owners of signs */
};

/* What `signs_pack` is given; it keeps none of it. Arrays need not be aligned. */
typedef struct {
    const uint8_t *sets;      /* [set_count][SIGNS_SET_BYTES] */
    const uint16_t *elements; /* the sets of all signs, one sign after the other: [sum of lengths] */
    const uint8_t *lengths;   /* [sign_count], each 1 to SIGNS_MAX_LENGTH */
    const uint16_t *owners;   /* [sign_count][2]: pairs of a sign and a group that it belongs to, ascending by sign */
    size_t set_count, element_count, sign_count, owner_count, group_count;
} SignsSource;

typedef struct Signs Signs;

/* Return the signs made ready, to be released; NULL if there is no memory or a number is out of its bounds. */
Signs *signs_pack(const SignsSource *source);
void signs_release(Signs *signs);

size_t signs_group_count(const Signs *signs);

/* Bytes of the scratch that one call of `signs_find` needs, aligned for uint64_t. */
size_t signs_scratch_bytes(const Signs *signs);

/* Set found[g] to 1 for each group g that has a sign in the text, to 0 for the others: [group_count] bytes. */
void signs_find(const Signs *signs, const uint8_t *text, size_t length, void *scratch, uint8_t *found);

#endif
