//! The nodes of bench/nodes for dora-rs, in one program: the first argument is the role. Parameters and results are
//! those of bench/nodes/node.h and bench/bench.h; what only this project's library has (BENCH_POLL_NS) is not read.

use std::env;
use std::fs;

use dora_node_api::dora_core::config::DataId;
use dora_node_api::{DoraArray, DoraNode, Event, EventStream, MetadataParameters};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn now() -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

fn pace(next: &mut i64, interval: i64) {
    if interval <= 0 {
        return;
    }
    if *next == 0 {
        *next = now();
    }
    let t = libc::timespec { tv_sec: *next / 1_000_000_000, tv_nsec: *next % 1_000_000_000 };
    while unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &t, std::ptr::null_mut()) } != 0 {}
    *next += interval;
}

fn param(name: &str, fallback: i64) -> i64 {
    env::var(name).map_or(fallback, |text| text.parse().expect(name))
}

fn save(values: &[i64]) -> Result<()> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    Ok(fs::write(env::var("BENCH_OUT")?, bytes)?)
}

fn words(data: &DoraArray) -> Result<(i64, Option<i64>, usize)> {
    let bytes: &[u8] = data.try_into()?;
    let word = |i: usize| bytes.get(8 * i..8 * i + 8).map(|b| i64::from_ne_bytes(b.try_into().unwrap()));
    Ok((word(0).ok_or("a message without a stamp")?, word(1), bytes.len()))
}

fn next_input(events: &mut EventStream) -> Option<DoraArray> {
    while let Some(event) = events.recv() {
        if let Event::Input { data, .. } = event {
            return Some(data);
        }
    }
    None
}

struct Outlet {
    out: DataId,
    size: usize,
    copied: Option<Vec<u8>>,
}

impl Outlet {
    fn open() -> Self {
        let size = param("BENCH_SIZE", 8) as usize;
        let copied = (param("BENCH_LOAN", 0) == 0).then(|| vec![1; size]);
        Outlet { out: DataId::from("out".to_owned()), size, copied }
    }

    fn send(&mut self, node: &mut DoraNode, sent: i64, number: i64) -> Result<()> {
        let stamp = |data: &mut [u8]| {
            data[..8].copy_from_slice(&sent.to_ne_bytes());
            if data.len() >= 16 {
                data[8..16].copy_from_slice(&number.to_ne_bytes());
            }
        };
        let parameters = MetadataParameters::default();
        match &mut self.copied {
            Some(data) => {
                stamp(data);
                node.send_output_bytes(self.out.clone(), parameters, self.size, data)?;
            }
            None => node.send_output_raw(self.out.clone(), parameters, self.size, stamp)?,
        }
        Ok(())
    }
}

fn source(mut node: DoraNode) -> Result<()> {
    let (count, interval) = (param("BENCH_COUNT", 1), param("BENCH_PACE_NS", 0));
    let (mut outlet, mut next) = (Outlet::open(), 0);
    for i in 0..count {
        pace(&mut next, interval);
        outlet.send(&mut node, now(), i)?;
    }
    Ok(())
}

fn sink(_node: DoraNode, mut events: EventStream) -> Result<()> {
    let mut late = vec![0; param("BENCH_COUNT", 1) as usize];
    let mut received = 0;
    while let Some(data) = next_input(&mut events) {
        let (sent, number, _) = words(&data)?;
        let time = now() - sent;
        if let Some(place) = late.get_mut(number.unwrap_or(received) as usize) {
            *place = time;
        }
        received += 1;
    }
    save(&late)
}

fn ping(mut node: DoraNode, mut events: EventStream) -> Result<()> {
    let mut half = vec![0; param("BENCH_COUNT", 1) as usize];
    let mut outlet = Outlet::open();
    for (i, time) in half.iter_mut().enumerate() {
        let sent = now();
        outlet.send(&mut node, sent, i as i64)?;
        next_input(&mut events).ok_or("the answers ended")?;
        *time = (now() - sent) / 2;
    }
    save(&half)
}

fn pong(mut node: DoraNode, mut events: EventStream) -> Result<()> {
    let mut outlet = Outlet::open();
    let mut number = 0;
    while next_input(&mut events).is_some() {
        outlet.send(&mut node, 0, number)?;
        number += 1;
    }
    Ok(())
}

fn relay(mut node: DoraNode, mut events: EventStream) -> Result<()> {
    let out = DataId::from("out".to_owned());
    while let Some(data) = next_input(&mut events) {
        let bytes: &[u8] = (&data).try_into()?;
        node.send_output_bytes(out.clone(), MetadataParameters::default(), bytes.len(), bytes)?;
    }
    Ok(())
}

fn flood(mut node: DoraNode) -> Result<()> {
    let out = DataId::from("out".to_owned());
    let count = param("BENCH_COUNT", 1);
    let begin = now();
    for i in 0..count {
        node.send_output_bytes(out.clone(), MetadataParameters::default(), 8, &i.to_ne_bytes())?;
    }
    save(&[count, begin, now()])
}

fn count(_node: DoraNode, mut events: EventStream) -> Result<()> {
    let total = param("BENCH_COUNT", 1);
    let (mut received, mut missing, mut disorder, mut expected, mut last, mut dropped) = (0, 0, 0, 0, 0, 0);
    while let Some(data) = next_input(&mut events) {
        let number = words(&data)?.0;
        if number < expected {
            disorder += 1;
        } else {
            missing += number - expected;
        }
        expected = number + 1;
        received += 1;
        last = now();
        if number % 4096 == 0 {
            dropped += events.drain_drop_counts().values().sum::<u64>();
        }
    }
    dropped += events.drain_drop_counts().values().sum::<u64>();
    save(&[received, dropped as i64, missing + total - expected, disorder, last])
}

fn idle(mut node: DoraNode, mut events: EventStream) -> Result<()> {
    node.send_output_bytes(DataId::from("out".to_owned()), MetadataParameters::default(), 5, b"hello")?;
    while next_input(&mut events).is_some() {
        save(&[std::process::id() as i64])?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let role = env::args().nth(1).ok_or("which role?")?;
    let (node, events) = DoraNode::init_from_env()?;
    match role.as_str() {
        "source" => source(node),
        "sink" => sink(node, events),
        "ping" => ping(node, events),
        "pong" => pong(node, events),
        "relay" => relay(node, events),
        "flood" => flood(node),
        "count" => count(node, events),
        "idle" => idle(node, events),
        _ => Err(format!("no role {role}").into()),
    }
}
