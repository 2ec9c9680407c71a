//! Sessions, and how they are configured.

use crate::abi::{self, failure, reason, text, Error, Failure};
use crate::peers::Peers;
use std::ffi::{c_char, c_int};
use zenoh::internal::runtime::{Runtime, RuntimeBuilder};
use zenoh::internal::ResolveFuture;
use zenoh::key_expr::OwnedKeyExpr;
use zenoh::{Config, Session, Wait};

#[repr(C)]
pub struct Options {
    config: *const c_char,
    listen: *const *const c_char,
    otherwise: *const c_char,
    connect: *const *const c_char,
    client: bool,
    multicast: bool,
}

pub struct Net {
    pub session: Session,
    pub peers: Peers,
    runtime: Runtime,
}

#[no_mangle]
pub unsafe extern "C" fn net_open(net: *mut *mut Net, options: *const Options, error: *mut Error) -> c_int {
    abi::open(net, error, || {
        // Silent unless RUST_LOG asks.
        zenoh::try_init_log_from_env();
        let options = &*options;
        let config = configure(options)?;
        let (session, runtime) = start(config).map_err(|e| failure(errno(options), reason(e)))?;
        Ok(Net { session, peers: Peers::new(runtime.clone()), runtime })
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_close(net: *mut Net) {
    abi::close(net, |net| {
        net.peers.stop();
        let _ = net.session.close().wait();
        let _ = net.runtime.close().wait();
    });
}

/// As `zenoh::open`, which keeps the runtime to itself.
fn start(config: Config) -> zenoh::Result<(Session, Runtime)> {
    let (subscribers, publishers) = (keys(&config, "subscribers"), keys(&config, "publishers"));
    let mut runtime = ResolveFuture::new(RuntimeBuilder::new(config).build()).wait()?;
    let session = zenoh::session::init(runtime.clone().into())
        .aggregated_subscribers(subscribers)
        .aggregated_publishers(publishers)
        .wait()?;
    if let Err(error) = ResolveFuture::new(runtime.start()).wait() {
        let _ = session.close().wait();
        let _ = runtime.close().wait();
        return Err(error);
    }
    Ok((session, runtime))
}

/// What the configuration aggregates: a list of keys as JSON.
fn keys(config: &Config, of: &str) -> Vec<OwnedKeyExpr> {
    let list = config.get_json(&format!("aggregation/{of}")).unwrap_or_default();
    list.split('"').skip(1).step_by(2).filter_map(|key| OwnedKeyExpr::new(key).ok()).collect()
}

/// The engine has no codes. Once the configuration is read, what fails at once is a router, or an endpoint to listen at.
fn errno(options: &Options) -> c_int {
    if options.client {
        libc::EHOSTUNREACH
    } else if options.listen.is_null() && options.otherwise.is_null() {
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
    let file = config.clone();
    let default = Config::default();
    let mut set = |key: &str, value: &str| {
        config.insert_json5(key, value).map_err(|e| failure(libc::EINVAL, format!("{value}: {}", reason(e))))
    };
    let (listen, connect) = (endpoints(options.listen)?, endpoints(options.connect)?);
    set("mode", if options.client { "'client'" } else { "'peer'" })?;
    set("scouting/multicast/enabled", if options.multicast { "true" } else { "false" })?;
    set("scouting/gossip/enabled", "true")?;
    // Who opens a session waits for nobody: matching and liveliness say who is there.
    set("open/return_conditions", "{connect_scouted: false, declares: false}")?;
    set("timestamping/enabled", "false")?;
    for (key, value) in [("listen/endpoints", &listen), ("connect/endpoints", &connect)] {
        if let Some(list) = value {
            set(key, list)?;
        }
    }

    // What the file may say otherwise.
    let mut prefer = |key: &str, value: &str| if same(&file, &default, key) { set(key, value) } else { Ok(()) };
    if listen.is_none() {
        let otherwise = if options.otherwise.is_null() { None } else { Some(text(options.otherwise, "endpoint")?) };
        // Never every interface by itself.
        prefer("listen/endpoints", &otherwise.map_or("[]".into(), |endpoint| format!("[\"{endpoint}\"]")))?;
    }
    // A peer that was gone is back within a second or so.
    prefer("connect/retry", "{period_init_ms: 200, period_max_ms: 1000, period_increase_factor: 1.5}")?;
    // Batches of 64 KiB that may wait for the socket: with zenoh's two, who cuts a large message into them and who writes
    // them wait for each other at every step, at half the throughput.
    prefer("transport/link/tx/queue/size/data", "16")?;
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
