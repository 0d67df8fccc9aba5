/* The signs as functions of the extension module: every size is checked before use, and the GIL let go over long texts. */
#define Py_LIMITED_API 0x030b0000
#if !defined(NER_NO_PYTHON_H) && __has_include(<Python.h>)
#include <Python.h>
#endif
#include "stable_abi.h"

#include "signs.h"
#include "signs_module.h"

#include <stdlib.h>

static const char CAPSULE[] = "sidecar.detection.native.Signs";
enum { LONG = 4096, BUFFERS = 4 }; /* bytes of a text over which it pays to let the GIL go */

static void forget(PyObject *capsule) { signs_release(PyCapsule_GetPointer(capsule, CAPSULE)); }

static PyObject *packed(const Py_buffer views[BUFFERS], Py_ssize_t groups)
{
    static const Py_ssize_t ITEM[BUFFERS] = {SIGNS_SET_BYTES, sizeof(uint16_t), 1, 2 * sizeof(uint16_t)};
    size_t counts[BUFFERS];
    for (int i = 0; i < BUFFERS; i++) {
        if (views[i].len % ITEM[i]) return PyErr_Format(PyExc_ValueError, "signs: array %d has a broken last item", i);
        counts[i] = (size_t)(views[i].len / ITEM[i]);
    }
    SignsSource source = {views[0].buf, views[1].buf, views[2].buf, views[3].buf,
                          counts[0],    counts[1],    counts[2],    counts[3], (size_t)groups};
    Signs *signs = groups < 0 ? NULL : signs_pack(&source);
    if (!signs) return PyErr_Format(PyExc_ValueError, "signs: a number is out of bounds, or there is no memory");
    PyObject *capsule = PyCapsule_New(signs, CAPSULE, forget);
    if (!capsule) signs_release(signs);
    return capsule;
}

PyObject *signs_module_pack(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *arrays[BUFFERS], *result = NULL;
    Py_ssize_t groups;
    if (!PyArg_ParseTuple(args, "OOOOn", &arrays[0], &arrays[1], &arrays[2], &arrays[3], &groups)) return NULL;
    Py_buffer views[BUFFERS];
    int taken = 0;
    while (taken < BUFFERS && !PyObject_GetBuffer(arrays[taken], &views[taken], PyBUF_C_CONTIGUOUS)) taken++;
    if (taken == BUFFERS) result = packed(views, groups);
    while (taken > 0) PyBuffer_Release(&views[--taken]);
    return result;
}

/* The numbers of the groups found, ascending. */
static PyObject *numbers(const uint8_t *found, size_t groups)
{
    PyObject *list = PyList_New(0);
    for (size_t g = 0; list && g < groups; g++) {
        if (!found[g]) continue;
        PyObject *number = Py_BuildValue("n", (Py_ssize_t)g);
        if (!number || PyList_Append(list, number)) Py_CLEAR(list);
        Py_XDECREF(number);
    }
    return list;
}

PyObject *signs_module_find(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule, *text, *result = NULL;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &text)) return NULL;
    const Signs *signs = PyCapsule_GetPointer(capsule, CAPSULE);
    if (!signs || PyObject_GetBuffer(text, &view, PyBUF_C_CONTIGUOUS)) return NULL;
    size_t scratch = signs_scratch_bytes(signs), groups = signs_group_count(signs);
    uint8_t *room = malloc(scratch + groups + 1);
    if (!room) {
        PyErr_NoMemory();
    } else if (view.len < LONG) {
        signs_find(signs, view.buf, (size_t)view.len, room, room + scratch);
        result = numbers(room + scratch, groups);
    } else {
        Py_BEGIN_ALLOW_THREADS
        signs_find(signs, view.buf, (size_t)view.len, room, room + scratch);
        Py_END_ALLOW_THREADS
        result = numbers(room + scratch, groups);
    }
    free(room);
    PyBuffer_Release(&view);
    return result;
}
