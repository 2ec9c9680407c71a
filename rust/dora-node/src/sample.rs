use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::ops::{Deref, DerefMut};
use std::slice;

use crate::ffi;

/// A number that an Arrow array may consist of. Every pattern of its bits is a value.
///
/// # Safety
/// FORMAT is the Arrow format of just this type, with a NUL behind it.
pub unsafe trait Element: Copy + 'static {
    const FORMAT: &'static str;
}

macro_rules! elements {
    ($($type:ty => $format:literal),*) => {$(
        // SAFETY: as the format of Arrow's C data interface has it.
        unsafe impl Element for $type {
            const FORMAT: &'static str = concat!($format, "\0");
        }
    )*};
}
elements!(i8 => "c", u8 => "C", i16 => "s", u16 => "S", i32 => "i", u32 => "I", i64 => "l", u64 => "L", f32 => "f",
          f64 => "g");

/// The elements at `data`.
///
/// # Safety
/// There are `size` bytes, for as long as the slice is used.
pub(crate) unsafe fn elements<'a, T: Element>(data: *const u8, size: usize) -> &'a [T] {
    if size < size_of::<T>() || data.align_offset(align_of::<T>()) != 0 {
        return &[];
    }
    slice::from_raw_parts(data.cast(), size / size_of::<T>())
}

/// A block of shared memory, which goes back when it is dropped.
pub(crate) struct Block(pub(crate) *mut ffi::dora_sample);

// SAFETY: any thread may use and release a sample, one at a time or, to read, all.
unsafe impl Send for Block {}
unsafe impl Sync for Block {}

impl Block {
    fn bytes(&self) -> (*mut u8, usize) {
        // SAFETY: the sample lives as long as this.
        unsafe { (ffi::dora_sample_data(self.0).cast(), ffi::dora_sample_size(self.0)) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it is ours; NULL is fine.
        unsafe { ffi::dora_sample_release(self.0) }
    }
}

/// Shared memory to write, from [`Sender::loan`](crate::Sender::loan): a slice whose content is at first undefined. It may
/// outlive its node.
pub struct Loan<T: Element> {
    pub(crate) block: Block,
    pub(crate) element: PhantomData<T>,
}

impl<T: Element> Deref for Loan<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let (data, size) = self.block.bytes();
        // SAFETY: the block is at least that large, and nobody else writes it.
        unsafe { elements(data, size) }
    }
}

impl<T: Element> DerefMut for Loan<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let (data, size) = self.block.bytes();
        if size < size_of::<T>() {
            return &mut [];
        }
        // SAFETY: the block is at least that large, 64-byte aligned, and nobody else uses it before it is sent.
        unsafe { slice::from_raw_parts_mut(data.cast(), size / size_of::<T>()) }
    }
}

/// Shared memory to read, kept beyond its event by [`Input::keep`](crate::Input::keep). It may outlive its node.
pub struct Sample(pub(crate) Block);

impl Deref for Sample {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let (data, size) = self.0.bytes();
        // SAFETY: the block is that large and read-only.
        unsafe { elements(data, size) }
    }
}
