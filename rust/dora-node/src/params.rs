use std::ffi::{c_char, CStr, CString};
use std::slice;

use crate::error::{with_name, Error, Result, EINVAL, ENOMEM};
use crate::ffi;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    Strings(Vec<String>),
    /// Nanoseconds since 1970 UTC.
    Timestamp(i64),
}

macro_rules! value_from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Value::$variant(value.into())
            }
        }
    )*};
}
value_from!(bool => Bool, i64 => Integer, i32 => Integer, u32 => Integer, f64 => Float, f32 => Float, &str => String,
            String => String, Vec<i64> => Integers, Vec<f64> => Floats, Vec<String> => Strings);

/// What travels beside the data, key → value, to send.
pub struct Params(*mut ffi::dora_params);

// SAFETY: libdora's parameters belong to nobody else, and reading them changes nothing.
unsafe impl Send for Params {}
unsafe impl Sync for Params {}

impl Params {
    pub fn new() -> Result<Self> {
        // SAFETY: no precondition.
        let params = unsafe { ffi::dora_params_new() };
        if params.is_null() {
            return Err(Error::new(-ENOMEM, "no memory for parameters"));
        }
        Ok(Params(params))
    }

    /// Sets a key, replacing what was there. Fails where a text has a NUL within.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<&mut Self> {
        let c_text = |text: &str| {
            CString::new(text).map_err(|_| Error::new(-EINVAL, format!("parameter `{key}`: a text has a NUL within")))
        };
        let value = value.into();
        let (mut string, mut strings, mut pointers) = (CString::default(), Vec::new(), Vec::<*const c_char>::new());
        match &value {
            Value::String(text) => string = c_text(text)?,
            Value::Strings(texts) => {
                for text in texts {
                    strings.push(c_text(text)?);
                }
                pointers.extend(strings.iter().map(|text| text.as_ptr()));
            }
            _ => (),
        }
        let (kind, len, value) = match &value {
            Value::Bool(boolean) => (0, 0, ffi::dora_value { boolean: *boolean }),
            Value::Integer(integer) => (1, 0, ffi::dora_value { integer: *integer }),
            Value::Float(real) => (2, 0, ffi::dora_value { real: *real }),
            Value::String(text) => (3, text.len(), ffi::dora_value { string: string.as_ptr() }),
            Value::Integers(all) => (4, all.len(), ffi::dora_value { integers: all.as_ptr() }),
            Value::Floats(all) => (5, all.len(), ffi::dora_value { reals: all.as_ptr() }),
            Value::Strings(all) => (6, all.len(), ffi::dora_value { strings: pointers.as_ptr() }),
            Value::Timestamp(integer) => (7, 0, ffi::dora_value { integer: *integer }),
        };
        with_name(key, |key| {
            let param = ffi::dora_param { key, kind, len, value };
            // SAFETY: all that `param` points to lives until the call returns, which copies it.
            match unsafe { ffi::dora_params_set(self.0, &param) } {
                0 => Ok(()),
                code => Err(Error::new(code, "the parameter can't be set")),
            }
        })?;
        Ok(self)
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::dora_params {
        self.0
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        // SAFETY: they are ours.
        unsafe { ffi::dora_params_free(self.0) }
    }
}

/// The parameters at `params`, copied, in order of keys.
///
/// # Safety
/// `params` is valid while this runs.
pub(crate) unsafe fn all(params: *const ffi::dora_params) -> Vec<(String, Value)> {
    let count = ffi::dora_params_count(params);
    (0..count)
        .map(|index| {
            let param = &*ffi::dora_params_at(params, index);
            (text(param.key), value_of(param))
        })
        .collect()
}

/// As `all`, for one.
pub(crate) unsafe fn get(params: *const ffi::dora_params, key: &str) -> Option<Value> {
    let found = with_name(key, |key| Ok(ffi::dora_params_get(params, key))).ok()?;
    found.as_ref().map(|param| value_of(param))
}

unsafe fn text(text: *const c_char) -> String {
    CStr::from_ptr(text).to_string_lossy().into_owned()
}

unsafe fn list<'a, T>(data: *const T, len: usize) -> &'a [T] {
    if len == 0 {
        &[]
    } else {
        slice::from_raw_parts(data, len)
    }
}

unsafe fn value_of(param: &ffi::dora_param) -> Value {
    match param.kind {
        0 => Value::Bool(param.value.boolean),
        1 => Value::Integer(param.value.integer),
        2 => Value::Float(param.value.real),
        4 => Value::Integers(list(param.value.integers, param.len).to_vec()),
        5 => Value::Floats(list(param.value.reals, param.len).to_vec()),
        6 => Value::Strings(list(param.value.strings, param.len).iter().map(|item| text(*item)).collect()),
        7 => Value::Timestamp(param.value.integer),
        _ => Value::String(text(param.value.string)),
    }
}
