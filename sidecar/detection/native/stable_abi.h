/* The part of Python's stable ABI that module.c uses, for machines that have a compiler but no Python.h.
 *
 * The stable ABI is frozen: what is declared here holds for every CPython from 3.11 on. Where Python.h is there, a test
 * includes both, and the compiler compares the functions. (Free-threaded builds have no stable ABI; neither has this.)
 */
#ifndef PII_SIDECAR_STABLE_ABI_H
#define PII_SIDECAR_STABLE_ABI_H

#include <stddef.h>

#ifndef Py_PYTHON_H
typedef ptrdiff_t Py_ssize_t;
typedef struct _object {
    Py_ssize_t ob_refcnt;
    struct _typeobject *ob_type;
} PyObject;
typedef struct _ts PyThreadState;

typedef struct {
    void *buf;
    PyObject *obj;
    Py_ssize_t len, itemsize;
    int readonly, ndim;
    char *format;
    Py_ssize_t *shape, *strides, *suboffsets;
    void *internal;
} Py_buffer;

typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);
typedef void (*PyCapsule_Destructor)(PyObject *);
typedef struct PyMethodDef {
    const char *ml_name;
    PyCFunction ml_meth;
    int ml_flags;
    const char *ml_doc;
} PyMethodDef;
typedef struct PyModuleDef_Slot {
    int slot;
    void *value;
} PyModuleDef_Slot;
typedef struct {
    PyObject ob_base;
    PyObject *(*m_init)(void);
    Py_ssize_t m_index;
    PyObject *m_copy;
} PyModuleDef_Base;
typedef struct PyModuleDef {
    PyModuleDef_Base m_base;
    const char *m_name, *m_doc;
    Py_ssize_t m_size;
    PyMethodDef *m_methods;
    PyModuleDef_Slot *m_slots;
    void *m_traverse, *m_clear, *m_free; /* functions; NULL here */
} PyModuleDef;

enum { METH_VARARGS = 0x0001, METH_NOARGS = 0x0004, PyBUF_WRITABLE = 0x0001, PyBUF_C_CONTIGUOUS = 0x0038 };
extern PyObject _Py_NoneStruct;
#define Py_None (&_Py_NoneStruct)
#define PyModuleDef_HEAD_INIT {{1, NULL}, NULL, 0, NULL}
#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *
#define Py_XDECREF(object) Py_DecRef(object)
#define Py_CLEAR(object)          \
    do {                          \
        PyObject *gone = (object); \
        (object) = NULL;          \
        Py_DecRef(gone);          \
    } while (0)
#define Py_BEGIN_ALLOW_THREADS { PyThreadState *released = PyEval_SaveThread();
#define Py_END_ALLOW_THREADS PyEval_RestoreThread(released); }
#endif

extern PyObject *PyExc_ValueError;
void Py_DecRef(PyObject *);
int PyArg_ParseTuple(PyObject *, const char *, ...);
PyObject *Py_BuildValue(const char *, ...);
void PyBuffer_Release(Py_buffer *);
PyObject *PyBytes_FromStringAndSize(const char *, Py_ssize_t);
void *PyCapsule_GetPointer(PyObject *, const char *);
PyObject *PyCapsule_New(void *, const char *, PyCapsule_Destructor);
PyObject *PyErr_Format(PyObject *, const char *, ...);
PyObject *PyErr_NoMemory(void);
PyObject *PyErr_Occurred(void);
void PyEval_RestoreThread(PyThreadState *);
PyThreadState *PyEval_SaveThread(void);
int PyList_Append(PyObject *, PyObject *);
PyObject *PyList_New(Py_ssize_t);
int PyList_SetItem(PyObject *, Py_ssize_t, PyObject *);
long long PyLong_AsLongLong(PyObject *);
PyObject *PyLong_FromLongLong(long long);
PyObject *PyModuleDef_Init(PyModuleDef *);
int PyObject_GetBuffer(PyObject *, Py_buffer *, int);
PyObject *PyTuple_GetItem(PyObject *, Py_ssize_t);
PyObject *PyTuple_New(Py_ssize_t);
int PyTuple_SetItem(PyObject *, Py_ssize_t, PyObject *);
Py_ssize_t PyTuple_Size(PyObject *);
const char *PyUnicode_AsUTF8AndSize(PyObject *, Py_ssize_t *);
PyObject *PyUnicode_FromString(const char *);

#endif
