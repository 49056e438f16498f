//! Ctrl-C and SIGTERM, as a wish to stop.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

use stp_selfplay::context::Cancel;
use tokio::signal::unix::{SignalKind, signal};

/// The exit code of a process that a signal ended, by custom: 128 and the signal's number.
const INTERRUPTED: u8 = 128 + 2;
/// See [`INTERRUPTED`].
const TERMINATED: u8 = 128 + 15;

/// The exit code for the last signal that asked this process to stop.
static CODE: AtomicU8 = AtomicU8::new(INTERRUPTED);

/// The exit code of a command that was asked to stop: 130 after Ctrl-C, 143 after SIGTERM.
pub fn exit_code() -> u8 {
    CODE.load(Ordering::Relaxed)
}

/// Cancelled by the first Ctrl-C or SIGTERM; a second one ends the process at once.
///
/// Must be called inside a tokio runtime.
///
/// # Errors
/// If the system refuses to install a signal handler.
pub fn cancel_on_signals() -> io::Result<Cancel> {
    let cancel = Cancel::new();
    let asked = cancel.clone();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        for _ in 0..2 {
            let code = tokio::select! {
                _ = interrupt.recv() => INTERRUPTED,
                _ = terminate.recv() => TERMINATED,
            };
            CODE.store(code, Ordering::Relaxed);
            if asked.cancel() {
                std::process::exit(code.into());
            }
            eprintln!("Stopping: Lean's processes are being ended (press Ctrl-C again to leave at once).");
        }
    });
    Ok(cancel)
}
