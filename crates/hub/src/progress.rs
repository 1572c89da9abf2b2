//! What is told while files are fetched, and the way to stop it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::HubError;

/// How often somebody who waits is asked whether to go on.
const BEAT: Duration = Duration::from_millis(100);

/// News of a download.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// What is to be fetched is known.
    Start {
        /// Files that are not in the cache yet.
        files: usize,
        /// Bytes of them, those included that an earlier run has fetched.
        bytes: u64,
    },
    /// Bytes have come. A broken file is fetched anew: then there are fewer of them than before.
    Bytes {
        /// Path in the repository.
        file: &'a str,
        /// Bytes of all files that are here.
        done: u64,
    },
    /// A file is whole, checked, and in the cache.
    File {
        /// Path in the repository.
        file: &'a str,
    },
    /// A request failed, and is sent again after a pause.
    Retry {
        /// Why it failed.
        error: &'a HubError,
        /// The pause.
        after: Duration,
    },
    /// Nothing new; there is a chance to stop.
    Waiting,
}

/// Tells of progress, and turns the wish to stop into an error.
pub(crate) struct Teller<'a>(pub(crate) &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>);

impl Teller<'_> {
    pub(crate) fn tell(&mut self, progress: Progress<'_>) -> Result<(), HubError> {
        if (self.0)(progress).is_break() { Err(HubError::Cancelled) } else { Ok(()) }
    }

    /// Does nothing for `pause`.
    pub(crate) fn wait(&mut self, pause: Duration) -> Result<(), HubError> {
        let end = Instant::now() + pause;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.tell(Progress::Waiting)?;
            std::thread::sleep(left.min(BEAT));
        }
        Ok(())
    }
}
