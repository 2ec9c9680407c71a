//! net.h on zenoh, and nothing beyond it. That header says what each function does, whose the bytes are and on which
//! threads callbacks come; here is only how. Pointers are the caller's word, which each function takes as it is given.
#![allow(clippy::missing_safety_doc)]

mod abi;
mod liveliness;
mod peers;
mod pubsub;
mod query;
mod sample;
mod session;
