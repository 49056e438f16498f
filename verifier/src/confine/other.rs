//! Systems without any sandbox; the pool's own limits on time still hold.

use std::io;
use std::process::Command;

use super::policy::{COMMON_STACK, Ceilings, Policy, Sandbox};

pub(super) fn stack() -> u64 {
    COMMON_STACK
}

pub(super) fn put_on(_ceilings: Ceilings, _pid: Option<u32>, _sandbox: Sandbox) {}

pub(super) fn try_out(_policy: &Policy) -> Sandbox {
    Sandbox::default()
}

pub(super) fn enclose(_command: &mut Command, _policy: &Policy, _sandbox: Sandbox) -> io::Result<()> {
    Ok(())
}

pub(crate) fn limit_cpu(_pid: Option<u32>, _more: std::time::Duration) {}

pub(crate) fn limit_growth(_pid: Option<u32>, _more: u64) {}
