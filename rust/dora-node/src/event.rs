use std::borrow::Cow;
use std::ffi::c_char;
use std::sync::Arc;

use crate::error::{text, Error, Result, EINVAL};
use crate::ffi;
use crate::node::Handle;
use crate::params::{self, Value};
use crate::sample::{elements, Block, Element, Sample};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    Manual,
    AllInputsClosed,
}

/// What a node receives.
#[non_exhaustive]
pub enum Event {
    /// A message, or a timer's tick.
    Input(Input),
    /// An input is at its end; all it had has been delivered.
    InputClosed {
        id: String,
    },
    /// An input that input_timeout had closed delivers again.
    InputRecovered {
        id: String,
    },
    /// A node that this one listens to failed.
    NodeFailed {
        node: String,
        message: String,
    },
    /// A node that this one listens to was restarted.
    NodeRestarted {
        node: String,
    },
    /// A parameter of this node was set, to a value in JSON.
    ParamUpdate {
        key: String,
        json: String,
    },
    ParamDeleted {
        key: String,
    },
    Reload,
    /// Finish: what is queued still comes, then the stream ends.
    Stop(StopCause),
    /// Something is wrong with the dataflow, and the node may go on.
    Error(String),
}

/// The memory of an event of libdora's.
struct Owned {
    event: *mut ffi::dora_event,
    _node: Arc<Handle>, // which must not end before it
}

// SAFETY: several threads may read an event, and any one may free it.
unsafe impl Send for Owned {}
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: it is ours.
        unsafe { ffi::dora_event_free(self.event) }
    }
}

/// A message, whose data lies in shared memory until this is dropped.
pub struct Input(Owned);

/// Takes over an event of libdora's.
///
/// # Safety
/// `event` is one of `node`'s, and the caller's.
pub(crate) unsafe fn take(event: *mut ffi::dora_event, node: Arc<Handle>) -> Event {
    let owned = Owned { event, _node: node };
    let id = || text(ffi::dora_event_id(event)).into_owned();
    let message = || text(ffi::dora_event_text(event)).into_owned();
    match ffi::dora_event_type(event) {
        0 if ffi::dora_event_stop_cause(event) == 0 => Event::Stop(StopCause::Manual),
        0 => Event::Stop(StopCause::AllInputsClosed),
        1 => Event::Input(Input(owned)),
        2 => Event::InputClosed { id: id() },
        3 => Event::InputRecovered { id: id() },
        4 => Event::NodeFailed { node: id(), message: message() },
        5 => Event::NodeRestarted { node: id() },
        6 => Event::ParamUpdate { key: id(), json: String::from_utf8_lossy(Input(owned).data()).into_owned() },
        7 => Event::ParamDeleted { key: id() },
        8 => Event::Reload,
        _ => Event::Error(message()),
    }
}

impl Input {
    /// The input it came on.
    pub fn id(&self) -> Cow<'_, str> {
        self.text(ffi::dora_event_id)
    }

    /// The bytes of the data where they lie; empty for a tick.
    pub fn data(&self) -> &[u8] {
        let mut size = 0;
        // SAFETY: the data is there as long as the event.
        unsafe {
            let data = ffi::dora_event_data(self.0.event, &mut size);
            elements(data.cast(), size)
        }
    }

    /// The Arrow type: "C" for bytes, "g" for f64, "n" for a tick, …
    pub fn format(&self) -> Cow<'_, str> {
        self.text(ffi::dora_event_format)
    }

    /// The data as numbers, in place: of an array of T, or of bytes that are a whole number of them.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        let (format, data) = (self.format(), self.data());
        if (format != T::FORMAT.trim_end_matches('\0') && format != "C") || data.len() % std::mem::size_of::<T>() != 0 {
            let message = format!("input `{}` has {} bytes of the Arrow type `{format}`", self.id(), data.len());
            return Err(Error::new(-EINVAL, message));
        }
        // SAFETY: as for data(); libdora aligns it to 64 bytes.
        Ok(unsafe { elements(data.as_ptr(), data.len()) })
    }

    /// Keeps the data beyond this event, without copying; None for a tick, or when memory is out.
    pub fn keep(&self) -> Option<Sample> {
        // SAFETY: the event lives.
        let sample = unsafe { ffi::dora_event_keep(self.0.event) };
        (!sample.is_null()).then(|| Sample(Block(sample)))
    }

    /// The value of a parameter.
    pub fn param(&self, key: &str) -> Option<Value> {
        // SAFETY: the parameters are valid as long as the event.
        unsafe { params::get(ffi::dora_event_params(self.0.event), key) }
    }

    /// All parameters, in order of keys.
    pub fn params(&self) -> Vec<(String, Value)> {
        // SAFETY: as above.
        unsafe { params::all(ffi::dora_event_params(self.0.event)) }
    }

    /// Of the output it came from, from 0.
    pub fn sequence(&self) -> u64 {
        // SAFETY: the event lives.
        unsafe { ffi::dora_event_sequence(self.0.event) }
    }

    /// When it was sent: NTP64, hybrid logical clock.
    pub fn timestamp(&self) -> u64 {
        // SAFETY: the event lives.
        unsafe { ffi::dora_event_timestamp(self.0.event) }
    }

    fn text(&self, get: unsafe extern "C" fn(*const ffi::dora_event) -> *const c_char) -> Cow<'_, str> {
        // SAFETY: such text is valid as long as the event.
        unsafe { text(get(self.0.event)) }
    }
}
