use std::ffi::CString;
use std::marker::PhantomData;
use std::mem::{forget, size_of, MaybeUninit};
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{check, text, with_name, Error, Result, EINVAL};
use crate::event::{self, Event};
use crate::ffi;
use crate::params::Params;
use crate::sample::{Block, Element, Loan};

const ETIMEDOUT: i32 = 110;
const ENODATA: i32 = 61;

/// A node of libdora's, which ends with the last that holds it.
pub(crate) struct Handle(*mut ffi::dora_node);

// SAFETY: any thread may send and release; receiving takes &mut Node.
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is ours, and its events, which hold this, have ended.
        unsafe { ffi::dora_node_close(self.0) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// A node: receives, and sends as the [`Sender`] that it derefs to. It leaves the dataflow when it, its clones of the sender
/// and its inputs are gone.
pub struct Node(Sender);

/// The sending half. Clones of it send from any thread.
#[derive(Clone)]
pub struct Sender(Arc<Handle>);

impl Node {
    /// Joins the dataflow that started this process, and waits until all its nodes have.
    pub fn from_env() -> Result<Self> {
        Self::open(ptr::null())
    }

    /// Joins a running dataflow as its node with this id, which its descriptor has as `path: dynamic`.
    pub fn join(id: &str) -> Result<Self> {
        with_name(id, |node_id| {
            let (wait_begin, wait_end, wait_context) = (None, None, ptr::null_mut());
            Self::open(&ffi::dora_node_options { node_id, poll_ns: 0, wait_begin, wait_end, wait_context })
        })
    }

    fn open(options: *const ffi::dora_node_options) -> Result<Self> {
        let mut node = ptr::null_mut();
        let mut error = MaybeUninit::<ffi::dora_error>::zeroed();
        // SAFETY: `options` is NULL or valid; on failure the error is filled in.
        unsafe {
            if ffi::dora_node_open(&mut node, options, error.as_mut_ptr()) < 0 {
                let error = error.assume_init_ref();
                return Err(Error::new(error.code, text(error.message.as_ptr())));
            }
        }
        Ok(Node(Sender(Arc::new(Handle(node)))))
    }

    /// Waits for the next event. None: the stream has ended. Order and ends are those of `dora_next`.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Event>> {
        self.receive(i64::MAX)
    }

    /// Waits at most that long. `Err` is a failure; `Ok(None)`: none came, or the stream has ended.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Event>> {
        self.receive(timeout.as_nanos().try_into().unwrap_or(i64::MAX))
    }

    fn receive(&mut self, timeout_ns: i64) -> Result<Option<Event>> {
        let mut found = ptr::null_mut();
        // SAFETY: nobody else receives, since this is &mut; an event that is given out is ours.
        unsafe {
            match ffi::dora_next(self.handle(), &mut found, timeout_ns) {
                0 => Ok(Some(event::take(found, self.0 .0.clone()))),
                code if code == -ENODATA || code == -ETIMEDOUT => Ok(None),
                code => Err(check(self.handle(), code).unwrap_err()),
            }
        }
    }

    /// Another sender, for another thread.
    pub fn sender(&self) -> Sender {
        self.0.clone()
    }
}

impl Deref for Node {
    type Target = Sender;

    fn deref(&self) -> &Sender {
        &self.0
    }
}

impl Sender {
    fn handle(&self) -> *mut ffi::dora_node {
        self.0 .0
    }

    pub fn id(&self) -> String {
        // SAFETY: the node lives.
        unsafe { text(ffi::dora_node_id(self.handle())).into_owned() }
    }

    pub fn dataflow_id(&self) -> String {
        // SAFETY: the node lives.
        unsafe { text(ffi::dora_dataflow_id(self.handle())).into_owned() }
    }

    /// The dataflow as this node joined it, JSON.
    pub fn descriptor(&self) -> String {
        // SAFETY: the node lives.
        unsafe { text(ffi::dora_dataflow_descriptor(self.handle())).into_owned() }
    }

    /// Sends a copy of bytes. Failures are those of `dora_send`.
    pub fn send(&self, output: &str, data: &[u8], params: Option<&Params>) -> Result<()> {
        with_name(output, |output| {
            let params = params.map_or(ptr::null(), Params::as_ptr);
            // SAFETY: all of it lives until the call returns.
            let code = unsafe { ffi::dora_send(self.handle(), output, data.as_ptr().cast(), data.len(), params) };
            check(self.handle(), code)
        })
    }

    /// Shared memory for `count` numbers, to fill in place.
    pub fn loan<T: Element>(&self, count: usize) -> Result<Loan<T>> {
        let size =
            count.checked_mul(size_of::<T>()).ok_or_else(|| Error::new(-EINVAL, "a loan of more than all memory"))?;
        let mut sample = ptr::null_mut();
        // SAFETY: the node lives; on success the sample is ours.
        check(self.handle(), unsafe { ffi::dora_loan(self.handle(), size, &mut sample) })?;
        Ok(Loan { block: Block(sample), element: PhantomData })
    }

    /// Sends a loan as an Arrow array of its numbers, without a copy. It is gone, also on failure.
    pub fn send_loan<T: Element>(&self, output: &str, loan: Loan<T>, params: Option<&Params>) -> Result<()> {
        with_name(output, |output| {
            let sample = loan.block.0;
            forget(loan);
            let params = params.map_or(ptr::null(), Params::as_ptr);
            // SAFETY: the sample is taken over by the call; the rest lives until it returns.
            let code =
                unsafe { ffi::dora_send_sample(self.handle(), output, sample, T::FORMAT.as_ptr().cast(), params) };
            check(self.handle(), code)
        })
    }

    /// No more will be sent on this output.
    pub fn close_output(&self, output: &str) -> Result<()> {
        // SAFETY: the name lives until the call returns.
        with_name(output, |output| check(self.handle(), unsafe { ffi::dora_close_output(self.handle(), output) }))
    }

    pub fn log(&self, level: LogLevel, message: &str) -> Result<()> {
        let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
        // SAFETY: the text lives until the call returns.
        check(self.handle(), unsafe { ffi::dora_log_message(self.handle(), level as i32, message.as_ptr()) })
    }
}
