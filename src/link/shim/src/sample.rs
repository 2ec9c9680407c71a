//! Messages that arrived, as C sees them.

use crate::abi::{wall, Bytes};
use std::borrow::Cow;
use std::ffi::{c_char, c_void};
use zenoh::bytes::ZBytes;

#[repr(C)]
pub struct CSample {
    key: *const c_char,
    pieces: *const Bytes,
    piece_count: usize,
    len: usize,
    attachment: Bytes,
    encoding: *const c_char,
    owner: *mut c_void,
}

/// A sample and all that it points to. What it points to stays in its place when this is moved.
pub struct Held {
    pub sample: CSample,
    key: Vec<u8>,
    encoding: Vec<u8>,
    #[allow(dead_code)] // held for `sample`
    pieces: Vec<Bytes>,
    payload: ZBytes,
    attachment: ZBytes,
}

impl Held {
    fn new(key: Vec<u8>, encoding: Vec<u8>, payload: ZBytes, attachment: ZBytes) -> Self {
        let pieces: Vec<Bytes> = payload.slices().filter(|s| !s.is_empty()).map(Bytes::from).collect();
        let (attachment, attached) = contiguous(attachment);
        let sample = CSample {
            key: key.as_ptr().cast(),
            pieces: pieces.as_ptr(),
            piece_count: pieces.len(),
            len: pieces.iter().map(|p| p.len).sum(),
            attachment: attached,
            encoding: encoding.as_ptr().cast(),
            owner: std::ptr::null_mut(),
        };
        Held { sample, key, encoding, pieces, payload, attachment }
    }

    pub fn of(sample: zenoh::sample::Sample) -> Self {
        let encoding = if *sample.encoding() == zenoh::bytes::Encoding::default() {
            Vec::new()
        } else {
            Cow::<str>::from(sample.encoding()).into_owned().into_bytes()
        };
        let key = sample.key_expr().as_str().as_bytes().to_vec();
        let attachment = sample.attachment().cloned().unwrap_or_default();
        Held::new(terminated(key), terminated(encoding), sample.payload().clone(), attachment)
    }

    /// What `net_keep` is given: valid as long as this is, at the place where it is.
    pub fn lend(&mut self) -> *const CSample {
        self.sample.owner = (self as *mut Held).cast();
        &self.sample
    }
}

fn terminated(mut text: Vec<u8>) -> Vec<u8> {
    text.push(0);
    text
}

/// The bytes in one piece, copied only where they are not.
pub fn contiguous(bytes: ZBytes) -> (ZBytes, Bytes) {
    let bytes = match bytes.to_bytes() {
        Cow::Borrowed(_) => bytes,
        Cow::Owned(copy) => ZBytes::from(copy),
    };
    let view = bytes.slices().find(|s| !s.is_empty()).map_or(Bytes::NONE, Bytes::from);
    (bytes, view)
}

#[no_mangle]
pub unsafe extern "C" fn net_copy(sample: *const CSample, to: *mut c_void) {
    let sample = &*sample;
    let mut to: *mut u8 = to.cast();
    for at in 0..sample.piece_count {
        let piece = *sample.pieces.add(at);
        std::ptr::copy_nonoverlapping(piece.data.cast(), to, piece.len);
        to = to.add(piece.len);
    }
}

#[no_mangle]
pub unsafe extern "C" fn net_keep(sample: *const CSample) -> *const CSample {
    wall(std::ptr::null(), || {
        let held = &*(*sample).owner.cast::<Held>();
        let kept = Held::new(held.key.clone(), held.encoding.clone(), held.payload.clone(), held.attachment.clone());
        (*Box::into_raw(Box::new(kept))).lend()
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_release(kept: *const CSample) {
    if !kept.is_null() {
        let held = Box::from_raw((*kept).owner.cast::<Held>());
        wall((), || drop(held));
    }
}
