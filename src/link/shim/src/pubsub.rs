//! Publishing and subscribing.

use crate::abi::{self, bytes, failure, key, reason, text, wall, Context, Error, Gate};
use crate::sample::{CSample, Held};
use crate::session::Net;
use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;
use zenoh::bytes::ZBytes;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::sample::{Locality, SampleKind};
use zenoh::Wait;

type Matching = unsafe extern "C" fn(*mut c_void, bool);
type Arrived = unsafe extern "C" fn(*mut c_void, *const CSample);
type Done = unsafe extern "C" fn(*mut c_void);

#[repr(C)]
pub struct PublisherOptions {
    drop: bool,
    urgent: bool,
    encoding: *const c_char,
    matching: Option<Matching>,
    context: *mut c_void,
}

pub struct Publisher {
    publisher: zenoh::pubsub::Publisher<'static>,
    gate: Option<Arc<Gate<(Matching, Context)>>>,
}

#[no_mangle]
pub unsafe extern "C" fn net_publisher_open(
    publisher: *mut *mut Publisher,
    net: *mut Net,
    name: *const c_char,
    options: *const PublisherOptions,
    error: *mut Error,
) -> c_int {
    abi::open(publisher, error, || {
        let options = &*options;
        let mut builder = (*net).session.declare_publisher(key(name)?).allowed_destination(Locality::Remote);
        builder = builder.congestion_control(match options.drop {
            true => CongestionControl::Drop,
            false => CongestionControl::Block,
        });
        if options.urgent {
            builder = builder.priority(Priority::InteractiveHigh).express(true);
        }
        if !options.encoding.is_null() {
            builder = builder.encoding(text(options.encoding, "encoding")?);
        }
        let publisher = builder.wait().map_err(|e| failure(libc::ESHUTDOWN, reason(e)))?;
        let gate = options.matching.map(|matching| Arc::new(Gate::new((matching, Context(options.context)))));
        if let Some(gate) = gate.clone() {
            publisher
                .matching_listener()
                .callback(move |status| gate.pass(|&(matching, context)| matching(context.0, status.matching())))
                .background()
                .wait()
                .map_err(|e| failure(libc::ESHUTDOWN, reason(e)))?;
        }
        Ok(Publisher { publisher, gate })
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_publisher_close(publisher: *mut Publisher) {
    abi::close(publisher, |publisher| {
        if let Some(gate) = publisher.gate {
            gate.shut();
        }
        let _ = publisher.publisher.undeclare().wait();
    });
}

/// The caller's bytes, given back when the engine needs them no more.
struct Lent {
    data: *const c_void,
    len: usize,
    done: Done,
    owner: Context,
}
unsafe impl Send for Lent {}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        unsafe { bytes(self.data, self.len) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        unsafe { (self.done)(self.owner.0) }
    }
}

#[no_mangle]
pub unsafe extern "C" fn net_put(
    publisher: *mut Publisher,
    data: *const c_void,
    len: usize,
    attachment: *const c_void,
    attachment_len: usize,
    done: Option<Done>,
    owner: *mut c_void,
) -> c_int {
    wall(-libc::EIO, || {
        let payload = match done {
            Some(done) => ZBytes::from(::bytes::Bytes::from_owner(Lent { data, len, done, owner: Context(owner) })),
            None => ZBytes::from(bytes(data, len)),
        };
        let mut put = (*publisher).publisher.put(payload);
        if attachment_len > 0 {
            put = put.attachment(bytes(attachment, attachment_len));
        }
        put.wait().map_or(-libc::ESHUTDOWN, |()| 0)
    })
}

pub struct Subscriber {
    subscriber: zenoh::pubsub::Subscriber<()>,
    gate: Arc<Gate<(Arrived, Context)>>,
}

#[no_mangle]
pub unsafe extern "C" fn net_subscriber_open(
    subscriber: *mut *mut Subscriber,
    net: *mut Net,
    name: *const c_char,
    arrived: Arrived,
    context: *mut c_void,
    error: *mut Error,
) -> c_int {
    abi::open(subscriber, error, || {
        let gate = Arc::new(Gate::new((arrived, Context(context))));
        let inner = gate.clone();
        let subscriber = (*net)
            .session
            .declare_subscriber(key(name)?)
            .callback(move |sample| {
                // Others may delete what they published; net.h has no word for it.
                if sample.kind() == SampleKind::Put {
                    let mut held = Held::of(sample);
                    inner.pass(|&(arrived, context)| arrived(context.0, held.lend()));
                }
            })
            .wait()
            .map_err(|e| failure(libc::ESHUTDOWN, reason(e)))?;
        Ok(Subscriber { subscriber, gate })
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_subscriber_close(subscriber: *mut Subscriber) {
    abi::close(subscriber, |subscriber| {
        subscriber.gate.shut();
        let _ = subscriber.subscriber.undeclare().wait();
    });
}
