//! Ctrl-C and SIGTERM, as a wish to stop.

use std::io;

use stp_selfplay::context::Cancel;
use tokio::signal::unix::{SignalKind, signal};

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
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked.cancel() {
                std::process::exit(130);
            }
            eprintln!("Stopping: Lean's processes are being ended (press Ctrl-C again to leave at once).");
        }
    });
    Ok(cancel)
}
