//! What this crate uses of <dora/dora.h>, by its names; that header says what everything means.
#![allow(non_camel_case_types)]

use std::ffi::{c_char, c_int, c_void};

macro_rules! opaque {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )*};
}
opaque!(dora_node dora_event dora_sample dora_params);

#[repr(C)]
pub struct dora_error {
    pub code: c_int,
    pub message: [c_char; 1024],
}

#[repr(C)]
pub struct dora_node_options {
    pub node_id: *const c_char,
    pub poll_ns: i64,
    pub wait_begin: Option<unsafe extern "C" fn(*mut c_void)>,
    pub wait_end: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    pub wait_context: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union dora_value {
    pub boolean: bool,
    pub integer: i64,
    pub real: f64,
    pub string: *const c_char,
    pub integers: *const i64,
    pub reals: *const f64,
    pub strings: *const *const c_char,
}

#[repr(C)]
pub struct dora_param {
    pub key: *const c_char,
    pub kind: c_int,
    pub len: usize,
    pub value: dora_value,
}

extern "C" {
    pub fn dora_node_open(
        node: *mut *mut dora_node,
        options: *const dora_node_options,
        error: *mut dora_error,
    ) -> c_int;
    pub fn dora_node_close(node: *mut dora_node);
    pub fn dora_node_error(node: *const dora_node) -> *const c_char;
    pub fn dora_node_id(node: *const dora_node) -> *const c_char;
    pub fn dora_dataflow_id(node: *const dora_node) -> *const c_char;
    pub fn dora_dataflow_descriptor(node: *const dora_node) -> *const c_char;

    pub fn dora_next(node: *mut dora_node, event: *mut *mut dora_event, timeout_ns: i64) -> c_int;
    pub fn dora_event_free(event: *mut dora_event);
    pub fn dora_event_type(event: *const dora_event) -> c_int;
    pub fn dora_event_id(event: *const dora_event) -> *const c_char;
    pub fn dora_event_text(event: *const dora_event) -> *const c_char;
    pub fn dora_event_data(event: *const dora_event, size: *mut usize) -> *const c_void;
    pub fn dora_event_format(event: *const dora_event) -> *const c_char;
    pub fn dora_event_sequence(event: *const dora_event) -> u64;
    pub fn dora_event_timestamp(event: *const dora_event) -> u64;
    pub fn dora_event_params(event: *const dora_event) -> *const dora_params;
    pub fn dora_event_keep(event: *const dora_event) -> *mut dora_sample;
    pub fn dora_event_stop_cause(event: *const dora_event) -> c_int;

    pub fn dora_send(
        node: *mut dora_node,
        output: *const c_char,
        data: *const c_void,
        size: usize,
        params: *const dora_params,
    ) -> c_int;
    pub fn dora_loan(node: *mut dora_node, size: usize, sample: *mut *mut dora_sample) -> c_int;
    pub fn dora_send_sample(
        node: *mut dora_node,
        output: *const c_char,
        sample: *mut dora_sample,
        format: *const c_char,
        params: *const dora_params,
    ) -> c_int;
    pub fn dora_close_output(node: *mut dora_node, output: *const c_char) -> c_int;
    pub fn dora_sample_data(sample: *mut dora_sample) -> *mut c_void;
    pub fn dora_sample_size(sample: *const dora_sample) -> usize;
    pub fn dora_sample_release(sample: *mut dora_sample);
    pub fn dora_log_message(node: *mut dora_node, level: c_int, message: *const c_char) -> c_int;

    pub fn dora_params_new() -> *mut dora_params;
    pub fn dora_params_free(params: *mut dora_params);
    pub fn dora_params_set(params: *mut dora_params, param: *const dora_param) -> c_int;
    pub fn dora_params_count(params: *const dora_params) -> usize;
    pub fn dora_params_at(params: *const dora_params, index: usize) -> *const dora_param;
    pub fn dora_params_get(params: *const dora_params, key: *const c_char) -> *const dora_param;
}
