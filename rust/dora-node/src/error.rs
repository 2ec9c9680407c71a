use std::ffi::{c_char, c_int, CStr};
use std::fmt;

use crate::ffi;

/// A call that failed: the negative errno that <dora/dora.h> gives for it, and what is wrong and where.
#[derive(Debug, Clone)]
pub struct Error {
    pub code: i32,
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

pub(crate) const EINVAL: i32 = 22;
pub(crate) const ENOMEM: i32 = 12;

impl Error {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Error { code, message: message.into() }
    }
}

/// Text of libdora's, copied. Whoever calls says that it is there.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> std::borrow::Cow<'a, str> {
    CStr::from_ptr(text).to_string_lossy()
}

/// The result of a call on `node`.
pub(crate) fn check(node: *const ffi::dora_node, code: c_int) -> Result<()> {
    if code >= 0 {
        return Ok(());
    }
    // SAFETY: the node lives, and its message is text that ends with NUL.
    Err(Error::new(code, unsafe { text(ffi::dora_node_error(node)) }))
}

/// `name` with a NUL behind it, on the stack, for a call.
pub(crate) fn with_name<T>(name: &str, call: impl FnOnce(*const c_char) -> Result<T>) -> Result<T> {
    let mut buffer = [0u8; 256];
    if name.len() >= buffer.len() || name.as_bytes().contains(&0) {
        return Err(Error::new(-EINVAL, format!("`{name}` can't be a name")));
    }
    buffer[..name.len()].copy_from_slice(name.as_bytes());
    call(buffer.as_ptr().cast())
}
