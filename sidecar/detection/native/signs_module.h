/* The signs as functions of the extension module. */
#ifndef PII_SIDECAR_SIGNS_MODULE_H
#define PII_SIDECAR_SIGNS_MODULE_H

/* pack(sets, elements, lengths, owners, groups) and find(signs, text), see __init__.py; Python.h or stable_abi.h comes first. */
PyObject *signs_module_pack(PyObject *module, PyObject *args);
PyObject *signs_module_find(PyObject *module, PyObject *args);

#endif
