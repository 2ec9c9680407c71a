//! Questions and answers.

use crate::abi::{self, bytes, failure, key, lock, reason, tell, wall, Bytes, Context, Error, Failure, Gate};
use crate::sample::contiguous;
use crate::session::Net;
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zenoh::bytes::ZBytes;
use zenoh::handlers::CallbackDrop;
use zenoh::key_expr::KeyExpr;
use zenoh::qos::Priority;
use zenoh::query::{ConsolidationMode, QueryTarget, Reply};
use zenoh::sample::Locality;
use zenoh::Wait;

type Asked = unsafe extern "C" fn(*mut c_void, *mut Query, Bytes);
type Answer = unsafe extern "C" fn(*mut c_void, *const Bytes, *const c_char);

pub struct Queryable {
    queryable: zenoh::query::Queryable<()>,
    gate: Arc<Gate<(Asked, Context)>>,
}

pub struct Query {
    query: zenoh::query::Query,
    key: KeyExpr<'static>, // of the answer
}

#[no_mangle]
pub unsafe extern "C" fn net_queryable_open(
    queryable: *mut *mut Queryable,
    net: *mut Net,
    name: *const c_char,
    asked: Asked,
    context: *mut c_void,
    error: *mut Error,
) -> c_int {
    abi::open(queryable, error, || {
        let declared = key(name)?;
        let gate = Arc::new(Gate::new((asked, Context(context))));
        let (inner, of) = (gate.clone(), declared.clone());
        let queryable = (*net)
            .session
            .declare_queryable(declared)
            .callback(move |query| {
                let key = if of.is_wild() { query.key_expr().clone() } else { of.clone() };
                let (_payload, view) = contiguous(query.payload().cloned().unwrap_or_default());
                inner.pass(|&(asked, context)| asked(context.0, Box::into_raw(Box::new(Query { query, key })), view));
            })
            .wait()
            .map_err(|e| failure(libc::ESHUTDOWN, reason(e)))?;
        Ok(Queryable { queryable, gate })
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_queryable_close(queryable: *mut Queryable) {
    abi::close(queryable, |queryable| {
        queryable.gate.shut();
        let _ = queryable.queryable.undeclare().wait();
    });
}

#[no_mangle]
pub unsafe extern "C" fn net_reply(query: *mut Query, data: *const c_void, len: usize) -> c_int {
    let query = Box::from_raw(query);
    wall(-libc::EIO, || query.query.reply(&query.key, bytes(data, len)).wait().map_or(-libc::ESHUTDOWN, |()| 0))
}

#[no_mangle]
pub unsafe extern "C" fn net_decline(query: *mut Query, why: *const c_char) {
    let query = Box::from_raw(query);
    wall((), || {
        let why = CStr::from_ptr(why).to_bytes();
        let _ = query.query.reply_err(why).wait();
    });
}

/// What came of a question. The end may come before `get` has returned, which may still fail.
enum Stage {
    Asking { ended: bool },
    Asked,
    Failed,
}

struct Question {
    stage: Mutex<Stage>,
    turn: Mutex<()>, // one answer at a time
    answer: Answer,
    context: Context,
}

impl Question {
    fn tell(&self, reply: Reply) {
        let _turn = lock(&self.turn);
        match reply.into_result() {
            Ok(sample) => {
                let (_payload, view) = contiguous(sample.payload().clone());
                unsafe { (self.answer)(self.context.0, &view, std::ptr::null()) }
            }
            Err(error) => {
                // The engine's own word for it, of this session or of one on the way.
                let said = match error.payload().to_bytes() {
                    said if *said == b"Timeout"[..] => b"no answer in time"[..].into(),
                    said => said,
                };
                let until = said.iter().position(|&c| c == 0).unwrap_or(said.len());
                let said = CString::new(&said[..until]).unwrap_or_default();
                unsafe { (self.answer)(self.context.0, std::ptr::null(), said.as_ptr()) }
            }
        }
    }

    fn end(&self) {
        {
            let mut stage = lock(&self.stage);
            match *stage {
                Stage::Asking { ref mut ended } => {
                    *ended = true;
                    return;
                }
                Stage::Asked => {}
                Stage::Failed => return,
            }
        }
        self.finish();
    }

    fn finish(&self) {
        let _turn = lock(&self.turn);
        unsafe { (self.answer)(self.context.0, std::ptr::null(), std::ptr::null()) }
    }
}

unsafe fn ask(
    net: &Net,
    name: *const c_char,
    payload: ZBytes,
    timeout: Duration,
    question: &Arc<Question>,
) -> Result<(), Failure> {
    let (replies, end) = (question.clone(), question.clone());
    net.session
        .get(key(name)?)
        .payload(payload)
        .target(QueryTarget::All)
        .consolidation(ConsolidationMode::None)
        .allowed_destination(Locality::Remote)
        .priority(Priority::InteractiveHigh)
        .express(true)
        .timeout(timeout)
        .with(CallbackDrop { callback: move |reply| replies.tell(reply), drop: move || end.end() })
        .wait()
        .map_err(|e| failure(libc::ESHUTDOWN, reason(e)))
}

#[no_mangle]
pub unsafe extern "C" fn net_ask(
    net: *mut Net,
    name: *const c_char,
    data: *const c_void,
    len: usize,
    timeout_ns: i64,
    answer: Answer,
    context: *mut c_void,
    error: *mut Error,
) -> c_int {
    let question = Arc::new(Question {
        stage: Mutex::new(Stage::Asking { ended: false }),
        turn: Mutex::new(()),
        answer,
        context: Context(context),
    });
    let timeout = Duration::from_nanos(timeout_ns.max(1) as u64);
    let asked = wall(Err(failure(libc::EIO, "the engine failed")), || {
        let net = net.as_ref().ok_or_else(|| failure(libc::ESHUTDOWN, "the session is closed"))?;
        ask(net, name, ZBytes::from(bytes(data, len)), timeout, &question)
    });
    let next = if asked.is_ok() { Stage::Asked } else { Stage::Failed };
    let before = std::mem::replace(&mut *lock(&question.stage), next);
    match asked {
        Ok(()) => {
            if let Stage::Asking { ended: true } = before {
                question.finish();
            }
            0
        }
        Err(failure) => tell(error, failure),
    }
}
