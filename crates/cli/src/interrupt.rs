//! Ctrl-C: the first ends the run after the evaluation in hand, the second at once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Starts listening.
pub(crate) fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .map_err(|error| Failure::System { what: "cannot listen for Ctrl-C", source: io::Error::other(error) })
}

/// Whether the user wants to stop.
pub(crate) fn wanted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Stops here if the user wants to stop.
pub(crate) fn check() -> Result<(), Failure> {
    if wanted() { Err(Failure::Interrupted) } else { Ok(()) }
}
