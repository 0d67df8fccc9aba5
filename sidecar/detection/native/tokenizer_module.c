/* The tokenizer as functions of the extension module: every size is checked before use, loaded tokenizers are held in
 * capsules, and the GIL is let go while texts are read. */
#define Py_LIMITED_API 0x030b0000
#if !defined(NER_NO_PYTHON_H) && __has_include(<Python.h>)
#include <Python.h>
#endif
#include "stable_abi.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer.h"
#include "tokenizer_module.h"

static const char CAPSULE[] = "sidecar.detection.native.Tokenizer";

static void forget(PyObject *capsule) { tok_release(PyCapsule_GetPointer(capsule, CAPSULE)); }

/* --- load --------------------------------------------------------------------------------------------------------- */

enum { FLAGS, LOWER, PREFIXES, SUFFIXES, HYPHENS, RULE_TEXTS, RULE_WORDS, KNOWN, BUFFERS };

/* What one row of each buffer takes, and how many rows there may be. */
static const struct {
    const char *name;
    Py_ssize_t row, most;
} LAYOUT[BUFFERS] = {
    [FLAGS] = {"flags", 4, TOK_ROWS},
    [LOWER] = {"lower", 4, TOK_ROWS},
    [PREFIXES] = {"prefixes", sizeof(TokLiteral), TOK_MAX_LITERALS},
    [SUFFIXES] = {"suffixes", sizeof(TokLiteral), TOK_MAX_LITERALS},
    [HYPHENS] = {"hyphens", sizeof(TokLiteral), TOK_MAX_LITERALS},
    [RULE_TEXTS] = {"rule_texts", TOK_MAX_RULE + 1, 1 << 20},
    [RULE_WORDS] = {"rule_words", TOK_MAX_RULE_WORDS * 2 * sizeof(uint64_t), 1 << 20},
    [KNOWN] = {"known", sizeof(TokKnown), 1 << 24},
};

static int literals_fit(const TokLiteral *literals, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (literals[i].length < 1 || literals[i].length > TOK_MAX_LITERAL) return 0;
    return 1;
}

/* The rows of each buffer, or -1 with an error set. */
static int count_rows(const Py_buffer views[BUFFERS], Py_ssize_t rows[BUFFERS])
{
    for (int i = 0; i < BUFFERS; i++) {
        rows[i] = views[i].len / LAYOUT[i].row;
        int fits = views[i].len % LAYOUT[i].row == 0 && rows[i] <= LAYOUT[i].most && (uintptr_t)views[i].buf % 8 == 0;
        if (i == FLAGS || i == LOWER) fits = fits && rows[i] == TOK_ROWS;
        if (i == PREFIXES || i == SUFFIXES || i == HYPHENS) fits = fits && literals_fit(views[i].buf, rows[i]);
        if (i == RULE_WORDS) fits = fits && rows[i] == rows[RULE_TEXTS];
        if (!fits) {
            PyErr_Format(PyExc_ValueError, "%s: out of bounds", LAYOUT[i].name);
            return -1;
        }
    }
    return 0;
}

static TokRule *rules_of(const uint8_t *texts, const uint64_t *words, Py_ssize_t count)
{
    TokRule *rules = calloc((size_t)count + 1, sizeof *rules);
    for (Py_ssize_t i = 0; rules && i < count; i++, texts += TOK_MAX_RULE + 1, words += 2 * TOK_MAX_RULE_WORDS) {
        TokRule *rule = &rules[i];
        memcpy(rule->text, texts, TOK_MAX_RULE);
        rule->bytes = (int32_t)strlen((const char *)rule->text);
        for (int w = 0; w < TOK_MAX_RULE_WORDS && words[2 * w]; w++, rule->count++)
            rule->words[w] = (TokRuleWord){words[2 * w] > TOK_MAX_RULE ? -1 : (int32_t)words[2 * w], words[2 * w + 1]};
    }
    return rules;
}

static PyObject *load_parts(const Py_buffer views[BUFFERS])
{
    Py_ssize_t rows[BUFFERS];
    if (count_rows(views, rows)) return NULL;
    TokRule *rules = rules_of(views[RULE_TEXTS].buf, views[RULE_WORDS].buf, rows[RULE_TEXTS]);
    TokParts parts = {
        .flags = views[FLAGS].buf, .lower = views[LOWER].buf,
        .prefixes = views[PREFIXES].buf, .prefix_count = (int32_t)rows[PREFIXES],
        .suffixes = views[SUFFIXES].buf, .suffix_count = (int32_t)rows[SUFFIXES],
        .hyphens = views[HYPHENS].buf, .hyphen_count = (int32_t)rows[HYPHENS],
        .rules = rules, .rule_count = (int32_t)rows[RULE_TEXTS],
        .known = views[KNOWN].buf, .known_count = (int32_t)rows[KNOWN],
    };
    const char *error = NULL;
    Tokenizer *tokenizer = rules ? tok_load(&parts, &error) : NULL;
    free(rules);
    if (!tokenizer) return error ? PyErr_Format(PyExc_ValueError, "%s: out of bounds", error) : PyErr_NoMemory();
    PyObject *capsule = PyCapsule_New(tokenizer, CAPSULE, forget);
    if (!capsule) tok_release(tokenizer);
    return capsule;
}

PyObject *tokenizer_module_load(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer views[BUFFERS];
    PyObject *buffers, *result = NULL;
    int held = 0;
    if (!PyArg_ParseTuple(args, "O", &buffers)) return NULL;
    if (PyTuple_Size(buffers) != BUFFERS) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "parts: %d are wanted", BUFFERS);
        return NULL;
    }
    while (held < BUFFERS && !PyObject_GetBuffer(PyTuple_GetItem(buffers, held), &views[held], PyBUF_C_CONTIGUOUS))
        held++;
    if (held == BUFFERS) result = load_parts(views);
    while (held > 0) PyBuffer_Release(&views[--held]);
    return result;
}

/* --- read --------------------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *text;
    Py_ssize_t bytes;
    int64_t words;
} Item;

/* The texts as UTF-8, which the strings themselves own; NULL with an error set. */
static Item *items_of(PyObject *texts, Py_ssize_t count)
{
    Item *items = calloc((size_t)count + 1, sizeof *items);
    if (!items) PyErr_NoMemory();
    for (Py_ssize_t i = 0; items && i < count; i++) {
        items[i].text = (const uint8_t *)PyUnicode_AsUTF8AndSize(PyTuple_GetItem(texts, i), &items[i].bytes);
        if (items[i].text && items[i].bytes <= TOK_MAX_TEXT) continue;
        if (items[i].text) PyErr_Format(PyExc_ValueError, "texts[%zd]: too long", i);
        free(items);
        return NULL;
    }
    return items;
}

/* A tuple of integers; takes over nothing. */
static PyObject *as_tuple(Py_ssize_t count, const void *from, size_t stride)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) {
        int64_t number;
        memcpy(&number, (const char *)from + (size_t)i * stride, sizeof number);
        PyObject *item = PyLong_FromLongLong(number);
        if (!item || PyTuple_SetItem(tuple, i, item)) Py_CLEAR(tuple); /* PyTuple_SetItem takes the item over */
    }
    return tuple;
}

static PyObject *as_result(const TokWords *words, const Item *items, Py_ssize_t count)
{
    PyObject *features = PyBytes_FromStringAndSize((const char *)words->features,
                                                   (Py_ssize_t)(words->count * sizeof *words->features));
    PyObject *spans = PyBytes_FromStringAndSize((const char *)words->spans,
                                                (Py_ssize_t)(words->count * sizeof *words->spans));
    PyObject *lengths = as_tuple(count, &items->words, sizeof *items);
    PyObject *foreign = as_tuple((Py_ssize_t)words->foreign_count, words->foreign, sizeof *words->foreign);
    if (features && spans && lengths && foreign) return Py_BuildValue("(NNNN)", features, spans, lengths, foreign);
    Py_XDECREF(features);
    Py_XDECREF(spans);
    Py_XDECREF(lengths);
    Py_XDECREF(foreign);
    return NULL;
}

PyObject *tokenizer_module_read(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule, *texts, *result = NULL;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &texts)) return NULL;
    const Tokenizer *tokenizer = PyCapsule_GetPointer(capsule, CAPSULE);
    Py_ssize_t count = tokenizer ? PyTuple_Size(texts) : -1;
    Item *items = count < 0 ? NULL : items_of(texts, count);
    if (!items) return NULL;
    TokWords words = {0};
    int failed = 0;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        items[i].words = tok_read(tokenizer, items[i].text, (size_t)items[i].bytes, &words);
        failed = items[i].words < 0;
    }
    Py_END_ALLOW_THREADS
    result = failed ? PyErr_NoMemory() : as_result(&words, items, count);
    tok_forget(&words);
    free(items);
    return result;
}

PyObject *tokenizer_module_is_part(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule, *word;
    Py_ssize_t bytes;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &word)) return NULL;
    const Tokenizer *tokenizer = PyCapsule_GetPointer(capsule, CAPSULE);
    const char *text = tokenizer ? PyUnicode_AsUTF8AndSize(word, &bytes) : NULL;
    return text ? PyLong_FromLongLong(tok_is_part(tokenizer, (const uint8_t *)text, (size_t)bytes)) : NULL;
}
