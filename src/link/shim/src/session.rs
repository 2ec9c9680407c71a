//! Sessions, and how they are configured.

use crate::abi::{self, failure, reason, text, Error, Failure};
use std::ffi::{c_char, c_int};
use zenoh::{Config, Session, Wait};

#[repr(C)]
pub struct Options {
    config: *const c_char,
    listen: *const *const c_char,
    connect: *const *const c_char,
    client: bool,
    multicast: bool,
}

pub struct Net {
    pub session: Session,
}

#[no_mangle]
pub unsafe extern "C" fn net_open(net: *mut *mut Net, options: *const Options, error: *mut Error) -> c_int {
    abi::open(net, error, || {
        // Silent unless RUST_LOG asks.
        zenoh::try_init_log_from_env();
        let options = &*options;
        let config = configure(options)?;
        let session = zenoh::open(config).wait().map_err(|e| failure(errno(options), reason(e)))?;
        Ok(Net { session })
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_close(net: *mut Net) {
    abi::close(net, |net| {
        let _ = net.session.close().wait();
    });
}

/// The engine has no codes. Once the configuration is read, what fails at once is a router, or an endpoint to listen at.
fn errno(options: &Options) -> c_int {
    if options.client {
        libc::EHOSTUNREACH
    } else if options.listen.is_null() {
        libc::EINVAL
    } else {
        libc::EADDRNOTAVAIL
    }
}

unsafe fn configure(options: &Options) -> Result<Config, Failure> {
    let mut config = if options.config.is_null() {
        Config::default()
    } else {
        let path = text(options.config, "configuration")?;
        Config::from_file(path).map_err(|e| failure(libc::EINVAL, format!("{path}: {}", reason(e))))?
    };
    let mut set = |key: &str, value: &str| {
        config.insert_json5(key, value).map_err(|e| failure(libc::EINVAL, format!("{value}: {}", reason(e))))
    };
    let listen = endpoints(options.listen)?;
    set("mode", if options.client { "'client'" } else { "'peer'" })?;
    set("scouting/multicast/enabled", if options.multicast { "true" } else { "false" })?;
    set("scouting/gossip/enabled", "true")?;
    // Who opens a session waits for nobody: matching and liveliness say who is there.
    set("open/return_conditions", "{connect_scouted: false, declares: false}")?;
    // A peer that was gone is asked for at once a second, and not at ever longer intervals.
    set("connect/retry", "{period_init_ms: 200, period_max_ms: 1000, period_increase_factor: 1.5}")?;
    set("timestamping/enabled", "false")?;
    if let Some(list) = &listen {
        set("listen/endpoints", list)?;
    }
    if let Some(list) = endpoints(options.connect)? {
        set("connect/endpoints", &list)?;
    }
    // The engine's own default is every interface.
    if listen.is_none() && same(&config, &Config::default(), "listen/endpoints") {
        config.insert_json5("listen/endpoints", "[]").map_err(|e| failure(libc::EINVAL, reason(e)))?;
    }
    Ok(config)
}

fn same(a: &Config, b: &Config, key: &str) -> bool {
    matches!((a.get_json(key), b.get_json(key)), (Ok(a), Ok(b)) if a == b)
}

/// A NULL-terminated list as JSON; None for NULL.
unsafe fn endpoints(list: *const *const c_char) -> Result<Option<String>, Failure> {
    if list.is_null() {
        return Ok(None);
    }
    let mut json = Vec::new();
    let mut at = list;
    while !(*at).is_null() {
        let endpoint = text(*at, "endpoint")?;
        endpoint
            .parse::<zenoh::config::EndPoint>()
            .map_err(|e| failure(libc::EINVAL, format!("'{endpoint}' is no endpoint: {}", reason(e))))?;
        json.push(format!("\"{}\"", endpoint.replace('\\', "\\\\").replace('"', "\\\"")));
        at = at.add(1);
    }
    Ok(Some(format!("[{}]", json.join(","))))
}
