//! Nodes of dora's dataflows in Rust, over libdora.
//!
//! ```no_run
//! use dora_node::{Event, Node};
//!
//! fn main() -> dora_node::Result<()> {
//!     let mut node = Node::from_env()?;
//!     while let Some(event) = node.next()? {
//!         if let Event::Input(input) = event {
//!             let mut loan = node.loan::<f32>(640 * 480)?; // shared memory, filled in place, sent without a copy
//!             loan.fill(input.data().len() as f32);
//!             node.send_loan("image", loan, None)?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A [`Node`] receives on one thread; a [`Sender`] sends from any number. Data is read and written where it lies in shared
//! memory. What isn't here yet: Arrow arrays of nested types, requests and goals, and descriptors to poll.

mod error;
mod event;
mod ffi;
mod node;
mod params;
mod sample;

pub use error::{Error, Result};
pub use event::{Event, Input, StopCause};
pub use node::{LogLevel, Node, Sender};
pub use params::{Params, Value};
pub use sample::{Element, Loan, Sample};
