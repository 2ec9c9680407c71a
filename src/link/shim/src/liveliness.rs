//! Who is there.

use crate::abi::{self, failure, key, reason, Context, Error, Gate};
use crate::session::Net;
use std::ffi::{c_char, c_int, c_void, CString};
use std::sync::Arc;
use zenoh::liveliness::LivelinessToken;
use zenoh::sample::SampleKind;
use zenoh::Wait;

type Changed = unsafe extern "C" fn(*mut c_void, *const c_char, bool);

#[no_mangle]
pub unsafe extern "C" fn net_token_open(
    token: *mut *mut LivelinessToken,
    net: *mut Net,
    name: *const c_char,
    error: *mut Error,
) -> c_int {
    abi::open(token, error, || {
        let token = (*net).session.liveliness().declare_token(key(name)?).wait();
        token.map_err(|e| failure(libc::ESHUTDOWN, reason(e)))
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_token_close(token: *mut LivelinessToken) {
    abi::close(token, |token| {
        let _ = token.undeclare().wait();
    });
}

pub struct Watch {
    subscriber: zenoh::pubsub::Subscriber<()>,
    gate: Arc<Gate<(Changed, Context)>>,
}

#[no_mangle]
pub unsafe extern "C" fn net_watch_open(
    watch: *mut *mut Watch,
    net: *mut Net,
    name: *const c_char,
    changed: Changed,
    context: *mut c_void,
    error: *mut Error,
) -> c_int {
    abi::open(watch, error, || {
        let gate = Arc::new(Gate::new((changed, Context(context))));
        let inner = gate.clone();
        let subscriber = (*net)
            .session
            .liveliness()
            .declare_subscriber(key(name)?)
            .history(true)
            .callback(move |sample| {
                let key = CString::new(sample.key_expr().as_str()).unwrap_or_default();
                let is_alive = sample.kind() == SampleKind::Put;
                inner.pass(|&(changed, context)| changed(context.0, key.as_ptr(), is_alive));
            })
            .wait()
            .map_err(|e| failure(libc::ESHUTDOWN, reason(e)))?;
        Ok(Watch { subscriber, gate })
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_watch_close(watch: *mut Watch) {
    abi::close(watch, |watch| {
        watch.gate.shut();
        let _ = watch.subscriber.undeclare().wait();
    });
}
