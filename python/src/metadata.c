#include "metadata.h"

#include <datetime.h>
#include <errno.h>
#include <string.h>

#include "error.h"

int metadata_prepare(void)
{
    if (!PyDateTimeAPI)
        PyDateTime_IMPORT;
    return PyDateTimeAPI ? 0 : -1;
}

/* ---- To Python ---- */

/* Days since 1970 to year, month and day and back, as the Gregorian calendar repeats itself every 146097 days: counted
 * from the first of March, a leap day is a year's last. */
static void civil_of(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int of_era = (int)(days - era * 146097);
    int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted = (5 * of_year + 2) / 153;
    *day = of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int)(year_of_era + era * 400) + (*month <= 2);
}

static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int year_of_era = (int)(year - era * 400);
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719468;
}

static PyObject *datetime_of(int64_t seconds, int microseconds)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int year, month, day, second = (int)rest;
    civil_of(days, &year, &month, &day);
    return PyDateTimeAPI->DateTime_FromDateAndTime(year, month, day, second / 3600, second / 60 % 60, second % 60,
                                                   microseconds, PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType);
}

PyObject *metadata_datetime(uint64_t ntp64)
{
    return datetime_of((int64_t)(ntp64 >> 32), (int)((ntp64 & UINT32_MAX) * 1000000 >> 32));
}

static PyObject *datetime_of_ns(int64_t ns)
{
    int64_t second = 1000000000, seconds = ns / second, rest = ns % second;
    if (rest < 0) {
        seconds--;
        rest += second;
    }
    return datetime_of(seconds, (int)(rest / 1000));
}

static PyObject *item_of(const dora_param *param, size_t index)
{
    switch (param->kind) {
    case DORA_PARAM_INTS:
        return PyLong_FromLongLong(param->value.integers[index]);
    case DORA_PARAM_FLOATS:
        return PyFloat_FromDouble(param->value.reals[index]);
    default:
        return PyUnicode_DecodeUTF8(param->value.strings[index], (Py_ssize_t)strlen(param->value.strings[index]),
                                    "replace");
    }
}

static PyObject *list_of(const dora_param *param)
{
    PyObject *list = PyList_New((Py_ssize_t)param->len);
    for (size_t i = 0; list && i < param->len; i++) {
        PyObject *item = item_of(param, i);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *param_of(const dora_param *param)
{
    switch (param->kind) {
    case DORA_PARAM_BOOL:
        return PyBool_FromLong(param->value.boolean);
    case DORA_PARAM_INT:
        return PyLong_FromLongLong(param->value.integer);
    case DORA_PARAM_FLOAT:
        return PyFloat_FromDouble(param->value.real);
    case DORA_PARAM_STRING:
        return PyUnicode_DecodeUTF8(param->value.string, (Py_ssize_t)param->len, "replace");
    case DORA_PARAM_TIMESTAMP:
        return datetime_of_ns(param->value.integer);
    default:
        return list_of(param);
    }
}

/* What dora's own nodes say to each other. */
static bool is_internal(const char *key)
{
    return key[0] == '_' && (strcmp(key, "_framing") == 0 || strcmp(key, "_schema_hash") == 0);
}

PyObject *metadata_of(struct state *state, const dora_event *event)
{
    PyObject *dict = PyDict_New();
    PyObject *value = dict ? metadata_datetime(dora_event_timestamp(event)) : NULL;
    int rc = value ? PyDict_SetItem(dict, state->names.timestamp, value) : -1;
    Py_XDECREF(value);
    const dora_params *params = dora_event_params(event);
    size_t count = dora_params_count(params);
    for (size_t i = 0; i < count && rc == 0; i++) {
        const dora_param *param = dora_params_at(params, i);
        if (is_internal(param->key))
            continue;
        value = param_of(param);
        PyObject *key = value ? PyUnicode_DecodeUTF8(param->key, (Py_ssize_t)strlen(param->key), "replace") : NULL;
        rc = key ? PyDict_SetItem(dict, key, value) : -1;
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    if (rc < 0)
        Py_CLEAR(dict);
    return dict;
}

/* ---- From Python ---- */

/* What a parameter points to until dora_params_set has copied it. */
struct scratch {
    PyObject *text;
    void *items;
};

static int text_param(PyObject *value, dora_param *param)
{
    Py_ssize_t len;
    param->kind = DORA_PARAM_STRING;
    param->value.string = PyUnicode_AsUTF8AndSize(value, &len);
    param->len = (size_t)len;
    return param->value.string ? 0 : -1;
}

/* An aware UTC datetime is read as it is; all others have their own way to count. */
static int datetime_param(PyObject *value, dora_param *param)
{
    int64_t us;
    if (PyDateTime_DATE_GET_TZINFO(value) == PyDateTime_TimeZone_UTC) {
        int64_t days = days_of(PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value));
        int64_t seconds =
            ((days * 24 + PyDateTime_DATE_GET_HOUR(value)) * 60 + PyDateTime_DATE_GET_MINUTE(value)) * 60 +
            PyDateTime_DATE_GET_SECOND(value);
        us = seconds * 1000000 + PyDateTime_DATE_GET_MICROSECOND(value);
    } else {
        PyObject *seconds = PyObject_CallMethod(value, "timestamp", NULL);
        double real = seconds ? PyFloat_AsDouble(seconds) : -1;
        Py_XDECREF(seconds);
        if (real == -1 && PyErr_Occurred())
            return -1;
        us = (int64_t)(real * 1e6 + (real < 0 ? -0.5 : 0.5));
    }
    param->kind = DORA_PARAM_TIMESTAMP;
    if (__builtin_mul_overflow(us, (int64_t)1000, &param->value.integer)) {
        PyErr_Format(PyExc_OverflowError, "metadata `%s`: %R is out of the range of timestamps", param->key, value);
        return -1;
    }
    return 0;
}

static int list_item(PyObject *item, dora_param *param, size_t index)
{
    int64_t *integers = (int64_t *)param->value.integers;
    if (param->kind == DORA_PARAM_INTS)
        integers[index] = PyLong_AsLongLong(item);
    else if (param->kind == DORA_PARAM_FLOATS)
        ((double *)param->value.reals)[index] = PyFloat_AsDouble(item);
    else if (PyUnicode_Check(item))
        ((const char **)param->value.strings)[index] = PyUnicode_AsUTF8(item);
    else
        PyErr_Format(PyExc_TypeError, "metadata `%s`: a list of str has an item of type %s", param->key,
                     Py_TYPE(item)->tp_name);
    return PyErr_Occurred() ? -1 : 0;
}

/* 1: done; 0: no list of these; -1. By the first item's type, as dora. */
static int list_param(PyObject *list, dora_param *param, struct scratch *scratch)
{
    Py_ssize_t len = PySequence_Fast_GET_SIZE(list);
    PyObject *first = len ? PySequence_Fast_GET_ITEM(list, 0) : NULL;
    if (first && (PyBool_Check(first) || !(PyLong_Check(first) || PyFloat_Check(first) || PyUnicode_Check(first))))
        return 0;
    param->kind = !first || PyLong_Check(first) ? DORA_PARAM_INTS
                  : PyFloat_Check(first)        ? DORA_PARAM_FLOATS
                                                : DORA_PARAM_STRINGS;
    param->len = (size_t)len;
    scratch->items = PyMem_Calloc((size_t)len + 1, 8);
    if (!scratch->items) {
        PyErr_NoMemory();
        return -1;
    }
    param->value.integers = scratch->items;
    for (Py_ssize_t i = 0; i < len; i++)
        /* An item's own conversion may change the list. */
        if (i >= PySequence_Fast_GET_SIZE(list) || list_item(PySequence_Fast_GET_ITEM(list, i), param, (size_t)i) < 0) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_RuntimeError, "a list in metadata changed while it was sent");
            return -1;
        }
    return 1;
}

static int any_param(NodeObject *self, PyObject *key, PyObject *value, dora_param *param, struct scratch *scratch)
{
    if (PyBool_Check(value)) {
        param->kind = DORA_PARAM_BOOL;
        param->value.boolean = value == Py_True;
        return 0;
    }
    if (PyLong_Check(value)) {
        param->kind = DORA_PARAM_INT;
        param->value.integer = PyLong_AsLongLong(value);
        return PyErr_Occurred() ? -1 : 0;
    }
    if (PyFloat_Check(value)) {
        param->kind = DORA_PARAM_FLOAT;
        param->value.real = PyFloat_AS_DOUBLE(value);
        return 0;
    }
    if (PyUnicode_Check(value))
        return text_param(value, param);
    if (PyDateTime_Check(value))
        return datetime_param(value, param);
    if (PyList_Check(value) || PyTuple_Check(value)) {
        int rc = list_param(value, param, scratch);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
    }
    scratch->text = PyObject_Str(value);
    if (!scratch->text ||
        node_warn_once(self, key,
                       "unsupported metadata value type for key `%U`; coercing to its string representation: %U", key,
                       scratch->text) < 0)
        return -1;
    return text_param(scratch->text, param);
}

static int set_param(NodeObject *self, dora_params *params, PyObject *key, PyObject *value)
{
    if (!PyUnicode_Check(key)) {
        PyErr_Format(PyExc_RuntimeError, "keys of metadata must be str, not %s", Py_TYPE(key)->tp_name);
        return -1;
    }
    Py_ssize_t len;
    dora_param param = {.key = PyUnicode_AsUTF8AndSize(key, &len)};
    if (!param.key)
        return -1;
    struct scratch scratch = {0};
    int rc = any_param(self, key, value, &param, &scratch);
    if (rc == 0) {
        int code = strlen(param.key) == (size_t)len ? dora_params_set(params, &param) : -EINVAL;
        if (code == -ENOMEM)
            PyErr_NoMemory();
        else if (code < 0)
            PyErr_Format(PyExc_ValueError, "metadata %R: text with a NUL character can't be sent", key);
        rc = code < 0 ? -1 : 0;
    }
    Py_XDECREF(scratch.text);
    PyMem_Free(scratch.items);
    return rc;
}

int metadata_params(NodeObject *self, PyObject *metadata, dora_params **out)
{
    *out = NULL;
    if (metadata == Py_None)
        return 0;
    if (!PyDict_Check(metadata)) {
        PyErr_Format(PyExc_TypeError, "metadata must be a dict or None, not %s", Py_TYPE(metadata)->tp_name);
        return -1;
    }
    if (PyDict_GET_SIZE(metadata) == 0)
        return 0;
    dora_params *params = dora_params_new();
    if (!params) {
        PyErr_NoMemory();
        return -1;
    }
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(metadata, &at, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        int rc = set_param(self, params, key, value);
        Py_DECREF(key);
        Py_DECREF(value);
        if (rc < 0) {
            dora_params_free(params);
            return -1;
        }
    }
    *out = params;
    return 0;
}
