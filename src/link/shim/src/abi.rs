//! The types of net.h, and what every function of it needs: errors, strings, and a wall that no panic passes.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zenoh::key_expr::KeyExpr;

const MESSAGE_MAX: usize = 1024;

#[repr(C)]
pub struct Error {
    code: c_int,
    message: [u8; MESSAGE_MAX],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *const c_void,
    pub len: usize,
}

impl Bytes {
    pub const NONE: Bytes = Bytes { data: std::ptr::null(), len: 0 };
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        match bytes.len() {
            0 => Bytes::NONE,
            len => Bytes { data: bytes.as_ptr().cast(), len },
        }
    }
}

/// # Safety
/// `data` has `len` bytes; it may be NULL where `len` is 0.
pub unsafe fn bytes<'a>(data: *const c_void, len: usize) -> &'a [u8] {
    match len {
        0 => &[],
        len => std::slice::from_raw_parts(data.cast(), len),
    }
}

/// A caller's `void *context`, for callbacks on any thread: net.h says that they come so.
#[derive(Clone, Copy)]
pub struct Context(pub *mut c_void);
unsafe impl Send for Context {}
unsafe impl Sync for Context {}

/// What goes into `struct error`.
#[derive(Debug)]
pub struct Failure {
    code: c_int,
    message: String,
}

pub fn failure(errno: c_int, message: impl Into<String>) -> Failure {
    Failure { code: -errno, message: message.into() }
}

/// What the engine says, without the places in its source that it adds.
pub fn reason(error: impl std::fmt::Display) -> String {
    let mut text = error.to_string();
    while let Some((from, to)) = source_place(&text) {
        text.replace_range(from..to, "");
    }
    text
}

/// Where " at /…/file.rs:123." stands.
fn source_place(text: &str) -> Option<(usize, usize)> {
    let end = text.find(".rs:")?;
    let from = text[..end].rfind(" at ")?;
    let rest = &text[end + 4..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let dot = usize::from(rest[digits..].starts_with('.'));
    Some((from, end + 4 + digits + dot))
}

/// # Safety
/// `text` is NULL or a C string.
pub unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(failure(libc::EINVAL, format!("no {what}")));
    }
    CStr::from_ptr(text).to_str().map_err(|_| failure(libc::EINVAL, format!("the {what} is not UTF-8")))
}

/// # Safety
/// As `text`.
pub unsafe fn key(name: *const c_char) -> Result<KeyExpr<'static>, Failure> {
    let name = text(name, "key")?;
    KeyExpr::autocanonize(name.to_string())
        .map_err(|e| failure(libc::EINVAL, format!("'{name}' is no key: {}", reason(e))))
}

/// No panic goes further than this; they are bugs, and say so on standard error.
pub fn wall<T>(otherwise: T, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(otherwise)
}

/// Runs what makes a `T`, and hands it to the caller as a pointer or tells why not.
///
/// # Safety
/// `out` can be written, `error` too unless it is NULL.
pub unsafe fn open<T>(out: *mut *mut T, error: *mut Error, make: impl FnOnce() -> Result<T, Failure>) -> c_int {
    let made = wall(Err(failure(libc::EIO, "the engine failed")), make);
    match made {
        Ok(value) => {
            *out = Box::into_raw(Box::new(value));
            0
        }
        Err(failure) => {
            *out = std::ptr::null_mut();
            tell(error, failure)
        }
    }
}

/// # Safety
/// `error` is NULL or can be written.
pub unsafe fn tell(error: *mut Error, failure: Failure) -> c_int {
    if let Some(error) = error.as_mut() {
        let mut len = failure.message.len().min(MESSAGE_MAX - 1);
        while !failure.message.is_char_boundary(len) {
            len -= 1;
        }
        error.code = failure.code;
        error.message[..len].copy_from_slice(&failure.message.as_bytes()[..len]);
        error.message[len] = 0;
    }
    failure.code
}

/// Takes back what `open` made; NULL is fine.
///
/// # Safety
/// `pointer` is NULL or from `open`, and isn't used any more.
pub unsafe fn close<T>(pointer: *mut T, end: impl FnOnce(T)) {
    if !pointer.is_null() {
        let value = *Box::from_raw(pointer);
        wall((), || end(value));
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The callback of a declaration: one call at a time, and none once `shut` has returned. The engine itself would call at
/// once for several peers, and doesn't wait when a declaration ends.
pub struct Gate<F>(Mutex<Option<F>>);

impl<F> Gate<F> {
    pub fn new(callback: F) -> Self {
        Gate(Mutex::new(Some(callback)))
    }

    pub fn pass(&self, call: impl FnOnce(&F)) {
        if let Some(callback) = &*lock(&self.0) {
            call(callback);
        }
    }

    pub fn shut(&self) {
        *lock(&self.0) = None;
    }
}
