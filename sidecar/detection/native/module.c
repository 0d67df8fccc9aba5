/* The kernels as a Python extension module of the stable ABI (3.11). It checks every size before it calls them, holds
 * the weights of loaded models in capsules, and lets go of the GIL while it computes. */
#define Py_LIMITED_API 0x030b0000
#if !defined(NER_NO_PYTHON_H) && __has_include(<Python.h>)
#include <Python.h>
#endif
#include "stable_abi.h" /* all that is needed without Python.h; with it, the compiler compares the two */

#include "ner.h"
#include "signs_module.h"
#include "tokenizer_module.h"

#include <stdlib.h>
#include <string.h>

static const char CAPSULE[] = "sidecar.detection.native.Model";

typedef struct {
    NerShape shape;
    const NerKernel *kernel;
    void *packed;
} Model;

/* All of them, the fastest first. */
static const NerKernel *const KERNELS[] = {
#if defined(__x86_64__)
    &ner_avx512, &ner_avx2,
#endif
    &ner_portable, &ner_reference,
};
enum { KERNEL_COUNT = sizeof KERNELS / sizeof *KERNELS };

static PyObject *kernels(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    PyObject *names = PyList_New(0);
    for (size_t i = 0; names && i < KERNEL_COUNT; i++) {
        if (!KERNELS[i]->usable()) continue;
        PyObject *name = PyUnicode_FromString(KERNELS[i]->name);
        if (!name || PyList_Append(names, name)) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static void forget(PyObject *capsule)
{
    Model *model = PyCapsule_GetPointer(capsule, CAPSULE);
    if (!model) return;
    model->kernel->release(model->packed);
    free(model);
}

/* --- load --------------------------------------------------------------------------------------------------------- */

/* The arrays in the order in which `load` takes them, each with how many 4-byte elements it must have. */
enum { MAX_ARRAYS = NER_MAX_TABLES + 4 + 4 * NER_MAX_DEPTH + 9 };
typedef struct {
    const void *at[MAX_ARRAYS];
    size_t elements[MAX_ARRAYS];
    Py_ssize_t count;
} Wanted;

static void want(Wanted *wanted, size_t elements) { wanted->elements[wanted->count++] = elements; }

static void want_maxout(Wanted *wanted, const NerShape *s, size_t inputs)
{
    size_t width = (size_t)s->width, outputs = width * (size_t)s->pieces;
    want(wanted, outputs * inputs);
    want(wanted, outputs);
    want(wanted, width);
    want(wanted, width);
}

static Wanted wanted_by(const NerShape *s)
{
    Wanted wanted = {.count = 0};
    size_t width = (size_t)s->width, hidden = (size_t)s->hidden, lower = hidden * (size_t)s->lower_pieces;
    for (int32_t t = 0; t < s->tables; t++) want(&wanted, (size_t)s->rows[t] * width);
    want_maxout(&wanted, s, (size_t)s->tables * width);
    for (int32_t l = 0; l < s->depth; l++) want_maxout(&wanted, s, 3 * width);
    want(&wanted, hidden * width);
    want(&wanted, hidden);
    want(&wanted, 3 * lower * hidden);
    want(&wanted, lower);
    want(&wanted, 3 * lower);
    want(&wanted, (size_t)s->moves * hidden);
    for (int i = 0; i < 3; i++) want(&wanted, (size_t)s->moves);
    return wanted;
}

static NerWeights weights_of(const NerShape *s, const Wanted *wanted)
{
    NerWeights w = {0};
    const void *const *at = wanted->at;
    for (int32_t t = 0; t < s->tables; t++) w.tables[t] = *at++;
    w.mixer_weights = *at++, w.mixer_bias = *at++, w.mixer_gain = *at++, w.mixer_shift = *at++;
    for (int32_t l = 0; l < s->depth; l++) {
        w.encoder_weights[l] = *at++, w.encoder_bias[l] = *at++;
        w.encoder_gain[l] = *at++, w.encoder_shift[l] = *at++;
    }
    w.linear_weights = *at++, w.linear_bias = *at++;
    w.lower_weights = *at++, w.lower_bias = *at++, w.lower_padding = *at++;
    w.upper_weights = *at++, w.upper_bias = *at++;
    w.move_kinds = *at++, w.move_labels = *at++;
    return w;
}

/* Whether the parser can always move: O outside, L of every label that can be begun. */
static int moves_are_complete(const NerShape *s, const NerWeights *w)
{
    int begun[NER_MAX_LABELS] = {0}, inside[NER_MAX_LABELS] = {0}, ended[NER_MAX_LABELS] = {0};
    int out = 0;
    for (int32_t m = 0; m < s->moves; m++) {
        int32_t kind = w->move_kinds[m], label = w->move_labels[m];
        if (kind < NER_NEVER || kind > NER_OUT || label < 0 || label >= s->labels) return 0;
        out += kind == NER_OUT;
        begun[label] += kind == NER_BEGIN;
        inside[label] += kind == NER_IN;
        ended[label] += kind == NER_LAST;
        if (begun[label] > 1 || inside[label] > 1 || ended[label] > 1 || out > 1) return 0;
    }
    return out == 1 && !memcmp(begun, inside, sizeof begun) && !memcmp(begun, ended, sizeof begun);
}

static PyObject *pack(const NerKernel *kernel, const NerShape *shape, const Wanted *wanted, const NerCommon *common)
{
    NerWeights weights = weights_of(shape, wanted);
    if (!moves_are_complete(shape, &weights)) return PyErr_Format(PyExc_ValueError, "moves: not those of BILUO");
    Model *model = calloc(1, sizeof *model);
    if (!model) return PyErr_NoMemory();
    *model = (Model){*shape, kernel, NULL};
    Py_BEGIN_ALLOW_THREADS
    model->packed = kernel->pack(shape, &weights, common);
    Py_END_ALLOW_THREADS
    PyObject *capsule = model->packed ? PyCapsule_New(model, CAPSULE, forget) : PyErr_NoMemory();
    if (!capsule) {
        kernel->release(model->packed);
        free(model);
    }
    return capsule;
}

static int read_ints(PyObject *tuple, int64_t *to, Py_ssize_t count)
{
    if (PyTuple_Size(tuple) != count) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "%zd numbers are wanted", count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        to[i] = PyLong_AsLongLong(PyTuple_GetItem(tuple, i));
        if (to[i] == -1 && PyErr_Occurred()) return -1;
        if (to[i] < 0 || to[i] > UINT32_MAX) {
            PyErr_Format(PyExc_ValueError, "number %zd is out of range", i);
            return -1;
        }
    }
    return 0;
}

static int read_shape(PyObject *sizes, PyObject *rows, PyObject *seeds, NerShape *shape)
{
    int64_t size[7], row[NER_MAX_TABLES] = {0}, seed[NER_MAX_TABLES] = {0};
    Py_ssize_t tables = PyTuple_Size(rows);
    if (tables < 0 || read_ints(sizes, size, 7)) return -1;
    if (tables > NER_MAX_TABLES) tables = 0; /* refused below */
    if (tables && (read_ints(rows, row, tables) || read_ints(seeds, seed, tables))) return -1;
    for (int i = 0; i < 7; i++)
        if (size[i] > INT32_MAX) size[i] = 0;
    *shape = (NerShape){.width = (int32_t)size[0], .pieces = (int32_t)size[1], .depth = (int32_t)size[2],
                        .tables = (int32_t)tables, .hidden = (int32_t)size[3], .lower_pieces = (int32_t)size[4],
                        .moves = (int32_t)size[5], .labels = (int32_t)size[6]};
    for (Py_ssize_t t = 0; t < tables; t++) {
        shape->rows[t] = row[t] > INT32_MAX ? 0 : (int32_t)row[t];
        shape->seeds[t] = (uint32_t)seed[t];
    }
    const char *error = ner_shape_error(shape);
    if (error) PyErr_Format(PyExc_ValueError, "%s: out of bounds", error);
    return error ? -1 : 0;
}

static int read_common(const NerShape *shape, const Py_buffer *view, NerCommon *common)
{
    Py_ssize_t word = shape->tables * (Py_ssize_t)sizeof(uint64_t);
    if (view->len % word || view->len / word > NER_MAX_COMMON || (uintptr_t)view->buf % sizeof(uint64_t)) {
        PyErr_Format(PyExc_ValueError, "common: %d columns of at most %d words are wanted", (int)shape->tables,
                     (int)NER_MAX_COMMON);
        return -1;
    }
    *common = (NerCommon){view->buf, (int32_t)(view->len / word)};
    return 0;
}

static PyObject *load(PyObject *module, PyObject *args)
{
    (void)module;
    const char *name;
    PyObject *sizes, *rows, *seeds, *arrays, *ids = Py_None, *result = NULL;
    NerShape shape;
    NerCommon common = {NULL, 0};
    const NerKernel *kernel = NULL;
    Py_buffer views[MAX_ARRAYS], ids_view = {.buf = NULL};
    Py_ssize_t held = 0;
    if (!PyArg_ParseTuple(args, "sOOOO|O", &name, &sizes, &rows, &seeds, &arrays, &ids)) return NULL;
    for (size_t i = 0; i < KERNEL_COUNT; i++)
        if (!strcmp(KERNELS[i]->name, name) && KERNELS[i]->usable()) kernel = KERNELS[i];
    if (!kernel) return PyErr_Format(PyExc_ValueError, "kernel: no %s here", name);
    if (read_shape(sizes, rows, seeds, &shape)) return NULL;
    Wanted wanted = wanted_by(&shape);
    if (PyTuple_Size(arrays) != wanted.count) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "arrays: %zd are wanted", wanted.count);
        return NULL;
    }
    for (; held < wanted.count; held++) {
        if (PyObject_GetBuffer(PyTuple_GetItem(arrays, held), &views[held], PyBUF_C_CONTIGUOUS)) goto done;
        wanted.at[held] = views[held].buf;
        if (views[held].len != (Py_ssize_t)(wanted.elements[held] * 4) || (uintptr_t)views[held].buf % 4) {
            PyErr_Format(PyExc_ValueError, "arrays[%zd]: %zu elements of 4 bytes are wanted", held,
                         wanted.elements[held]);
            PyBuffer_Release(&views[held]);
            goto done;
        }
    }
    if (ids != Py_None) {
        if (PyObject_GetBuffer(ids, &ids_view, PyBUF_C_CONTIGUOUS)) goto done;
        if (read_common(&shape, &ids_view, &common)) goto done;
    }
    result = pack(kernel, &shape, &wanted, &common);
done:
    if (ids_view.buf) PyBuffer_Release(&ids_view);
    while (held > 0) PyBuffer_Release(&views[--held]);
    return result;
}

/* --- run ---------------------------------------------------------------------------------------------------------- */

static PyObject *as_list(const NerSpan *spans, int32_t count)
{
    PyObject *list = PyList_New(count);
    for (int32_t i = 0; list && i < count; i++) {
        PyObject *span = Py_BuildValue("(iiii)", spans[i].doc, spans[i].start, spans[i].end, spans[i].label);
        if (!span || PyList_SetItem(list, i, span)) Py_CLEAR(list); /* PyList_SetItem takes the span over */
    }
    return list;
}

/* Check the batch against one model; return 0, or -1 with an error set. */
static int fits(const Model *model, const NerBatch *batch, Py_ssize_t feature_bytes)
{
    size_t columns = (size_t)model->shape.tables + 1;
    if ((size_t)feature_bytes != (size_t)batch->words * columns * sizeof(uint64_t)) {
        PyErr_Format(PyExc_ValueError, "features: %zu columns for each of %d words are wanted", columns, batch->words);
        return -1;
    }
    if (ner_batch_rows(&model->shape, batch->words, batch->docs) > NER_MAX_WORDS) {
        PyErr_Format(PyExc_ValueError, "features: more than %d words", (int)NER_MAX_WORDS);
        return -1;
    }
    return 0;
}

static void *aligned(size_t bytes) { return aligned_alloc(NER_ALIGN, (bytes + NER_ALIGN) / NER_ALIGN * NER_ALIGN); }

/* A list of spans for each of the models in turn. */
static PyObject *run_models(PyObject *models, const NerBatch *batch, Py_ssize_t feature_bytes, float *rows)
{
    Py_ssize_t count = PyTuple_Size(models);
    if (count < 0) return NULL;
    size_t arena_bytes = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        const Model *model = PyCapsule_GetPointer(PyTuple_GetItem(models, i), CAPSULE);
        if (!model || fits(model, batch, feature_bytes)) return NULL;
        size_t bytes = model->kernel->arena_bytes(&model->shape, batch->words, batch->docs);
        if (bytes > arena_bytes) arena_bytes = bytes;
    }
    size_t room = (size_t)batch->words + 1;
    void *arena = aligned(arena_bytes);
    NerSpan *spans = malloc((size_t)(count + 1) * room * sizeof *spans);
    int32_t *found = malloc((size_t)(count + 1) * sizeof *found);
    const Model **of = malloc((size_t)(count + 1) * sizeof *of);
    PyObject *result = NULL;
    if (!arena || !spans || !found || !of) {
        PyErr_NoMemory();
        goto done;
    }
#ifndef NDEBUG
    memset(arena, 0xff, arena_bytes); /* who reads what nobody has written finds no number */
#endif
    for (Py_ssize_t i = 0; i < count; i++) of[i] = PyCapsule_GetPointer(PyTuple_GetItem(models, i), CAPSULE);
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i++)
        found[i] = of[i]->kernel->run(&of[i]->shape, of[i]->packed, batch, arena, spans + (size_t)i * room, rows);
    Py_END_ALLOW_THREADS
    result = PyList_New(count);
    for (Py_ssize_t i = 0; result && i < count; i++) {
        PyObject *list = as_list(spans + (size_t)i * room, found[i]);
        if (!list || PyList_SetItem(result, i, list)) Py_CLEAR(result);
    }
done:
    free(arena);
    free(spans);
    free(found);
    free(of);
    return result;
}

/* Take the lengths, which must add up; `to` has room for `docs`. */
static int read_lengths(PyObject *lengths, int32_t *to, Py_ssize_t docs, int64_t *words)
{
    *words = 0;
    for (Py_ssize_t i = 0; i < docs; i++) {
        long long length = PyLong_AsLongLong(PyTuple_GetItem(lengths, i));
        if (length == -1 && PyErr_Occurred()) return -1;
        if (length < 0 || length > NER_MAX_WORDS || (*words += length) > NER_MAX_WORDS) {
            PyErr_Format(PyExc_ValueError, "lengths[%zd]: out of bounds", i);
            return -1;
        }
        to[i] = (int32_t)length;
    }
    return 0;
}

static PyObject *run(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *models, *features, *lengths, *rows = Py_None, *result = NULL;
    Py_buffer view, rows_view = {.buf = NULL};
    int64_t words;
    if (!PyArg_ParseTuple(args, "OOO|O", &models, &features, &lengths, &rows)) return NULL;
    Py_ssize_t docs = PyTuple_Size(lengths);
    if (docs < 0 || PyObject_GetBuffer(features, &view, PyBUF_C_CONTIGUOUS)) return NULL;
    if (rows != Py_None && PyObject_GetBuffer(rows, &rows_view, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)) {
        PyBuffer_Release(&view);
        return NULL;
    }
    int32_t *of_docs = docs > NER_MAX_WORDS ? NULL : malloc(((size_t)docs + 1) * sizeof *of_docs);
    if (!of_docs) {
        PyErr_NoMemory();
    } else if (!read_lengths(lengths, of_docs, docs, &words)) {
        NerBatch batch = {view.buf, of_docs, (int32_t)words, (int32_t)docs};
        const Model *first =
            PyTuple_Size(models) == 1 ? PyCapsule_GetPointer(PyTuple_GetItem(models, 0), CAPSULE) : NULL;
        if ((uintptr_t)view.buf % sizeof(uint64_t))
            PyErr_Format(PyExc_ValueError, "features: not aligned");
        else if (rows_view.buf && (!first || (size_t)rows_view.len != (size_t)words * (size_t)first->shape.width * 4))
            PyErr_Format(PyExc_ValueError, "rows: [words][width] floats of one model are wanted");
        else if (!PyErr_Occurred())
            result = run_models(models, &batch, view.len, rows_view.buf);
    }
    free(of_docs);
    if (rows_view.buf) PyBuffer_Release(&rows_view);
    PyBuffer_Release(&view);
    return result;
}

static PyMethodDef METHODS[] = {
    {"kernels", kernels, METH_NOARGS, "kernels() -> names of those that this processor can run, the fastest first."},
    {"load", load, METH_VARARGS, "load(kernel, sizes, rows, seeds, arrays[, common]) -> a model. See __init__.py."},
    {"run", run, METH_VARARGS, "run(models, features, lengths[, rows]) -> spans of each model. See __init__.py."},
    {"signs_pack", signs_module_pack, METH_VARARGS, "signs_pack(sets, elements, lengths, owners, groups) -> signs."},
    {"signs_find", signs_module_find, METH_VARARGS, "signs_find(signs, text) -> groups that have a sign in a text."},
    {"words_load", tokenizer_module_load, METH_VARARGS, "words_load(parts) -> a tokenizer. See __init__.py."},
    {"words_read", tokenizer_module_read, METH_VARARGS, "words_read(tokenizer, texts) -> words. See __init__.py."},
    {"words_is_part", tokenizer_module_is_part, METH_VARARGS, "words_is_part(tokenizer, word) -> 0 or 1."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot SLOTS[] = {{0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, .m_name = "_kernel", .m_methods = METHODS, .m_slots = SLOTS,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&MODULE); }
