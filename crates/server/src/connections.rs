//! Connections: so many at most, none that dawdles, and none cut off in the middle when the server stops.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 512;

/// The most bytes that the head of a request may have.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Answers with `router` until `stop`, then gives up the connections that lie idle; the others end in their own time,
/// which the returned value waits for. A connection may take `head_timeout` for the head of a request, and lie idle as
/// long.
pub(crate) async fn accept(
    listener: &TcpListener,
    router: Router,
    head_timeout: Duration,
    stop: impl Future<Output = ()>,
) -> GracefulShutdown {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let open = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(MAX_HEAD_BYTES);
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            // In this order: it listens for signals from its first turn on, which must come before anybody is answered.
            biased;
            () = &mut stop => return open,
            next = next => next,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file handles, most likely: others will be closed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // What goes wrong here is the client's affair: it went away, or talks something other than HTTP.
            let _ = connection.await;
            drop(place);
        });
    }
}
