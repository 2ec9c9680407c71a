//! Where a session is to be found, and connecting to one that was lost.

use crate::abi::{failure, tell, text, wall, Error, Failure};
use crate::session::Net;
use std::ffi::{c_char, c_int};
use std::time::Duration;
use zenoh::config::{Locator, ZenohId};
use zenoh::internal::runtime::{Runtime, ZRuntime};
use zenoh::internal::TaskController;

/// More than a machine has cards.
const LOCATORS_MOST: usize = 32;

/// Attempts, which end with the session.
pub struct Peers {
    runtime: Runtime,
    tasks: TaskController,
}

impl Peers {
    pub fn new(runtime: Runtime) -> Self {
        Peers { runtime, tasks: TaskController::default() }
    }

    pub fn stop(&self) {
        self.tasks.terminate_all(Duration::from_secs(1));
    }

    /// The id, and where this session listens: what its peers are told of it, else what is for this machine alone.
    fn address(&self, most: usize) -> String {
        let mut locators = self.runtime.get_locators_noloopback();
        if locators.is_empty() {
            locators = self.runtime.get_locators();
        }
        let mut address = self.runtime.zid().to_string();
        for locator in locators.iter().take(LOCATORS_MOST) {
            if address.len() + 1 + locator.as_str().len() <= most {
                address.push(' ');
                address.push_str(locator.as_str());
            }
        }
        address
    }

    fn reach(&self, address: &str) -> Result<(), Failure> {
        let (id, locators) =
            parse(address).ok_or_else(|| failure(libc::EINVAL, format!("'{address}' is no address")))?;
        let runtime = self.runtime.clone();
        self.tasks
            .spawn_abortable_with_rt(ZRuntime::Net, async move { runtime.connect_peer(&id.into(), &locators).await });
        Ok(())
    }
}

fn parse(address: &str) -> Option<(ZenohId, Vec<Locator>)> {
    let mut words = address.split(' ');
    let id = words.next()?.parse().ok()?;
    let locators: Vec<Locator> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    (locators.len() <= LOCATORS_MOST).then_some((id, locators))
}

#[no_mangle]
pub unsafe extern "C" fn net_address(net: *mut Net, address: *mut c_char, size: usize) -> c_int {
    wall(-libc::EIO, || {
        let found = (*net).peers.address(size.saturating_sub(1));
        if found.len() >= size {
            return -libc::ENOSPC;
        }
        std::ptr::copy_nonoverlapping(found.as_ptr().cast(), address, found.len());
        *address.add(found.len()) = 0;
        0
    })
}

#[no_mangle]
pub unsafe extern "C" fn net_reach(net: *mut Net, address: *const c_char, error: *mut Error) -> c_int {
    let done = wall(Err(failure(libc::EIO, "the engine failed")), || {
        let net = net.as_ref().ok_or_else(|| failure(libc::ESHUTDOWN, "the session is closed"))?;
        net.peers.reach(text(address, "address")?)
    });
    done.map_or_else(|failure| tell(error, failure), |()| 0)
}
