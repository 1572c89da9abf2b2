//! A job's states as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use crate::job::{Job, State};

/// Proxies drop connections on which nothing moves.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What `tell` makes of the state of `job` as it is now, and of every later one to its end. A slow reader misses what
/// was overtaken, never the end.
pub(crate) fn follow(job: &Job, tell: impl FnMut(&State) -> Vec<Event> + Send + 'static) -> Response {
    let mut states = job.watch();
    states.mark_changed();
    let events = stream::unfold(Some((states, tell)), |rest| async {
        let (mut states, mut tell) = rest?;
        states.changed().await.ok()?;
        let state = states.borrow_and_update().clone();
        let events = tell(&state).into_iter().map(Ok::<_, Infallible>);
        Some((stream::iter(events), (!state.is_over()).then_some((states, tell))))
    });
    Sse::new(events.flatten()).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}
