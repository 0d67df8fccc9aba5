/* What tokenizer_module.c adds to the extension module; `__init__.py` says what the functions do. */
#ifndef PII_SIDECAR_TOKENIZER_MODULE_H
#define PII_SIDECAR_TOKENIZER_MODULE_H

PyObject *tokenizer_module_load(PyObject *module, PyObject *args);
PyObject *tokenizer_module_read(PyObject *module, PyObject *args);
PyObject *tokenizer_module_is_part(PyObject *module, PyObject *args);

#endif
