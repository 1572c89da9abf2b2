//! A server from its start to its end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use gligen_pipeline::{LatentPreview, Pipeline};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::job::now;
use crate::queue::Queue;
use crate::worker::Worker;
use crate::{App, Options, connections, router};

/// Threads that answer; they compute nothing, so a few are enough.
const THREADS: usize = 2;

/// Threads that read requests, and with them pictures to unpack.
const READERS: usize = 2;

/// Large bodies that are received at a time.
const LARGE_BODIES: usize = 4;

/// How often results that are too old are looked for.
const SWEEP: Duration = Duration::from_secs(5);

/// What connections have to end once the last job is over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A server that listens, and answers once it runs: a port that is taken is found before a model is loaded.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Listens at `address`.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop`. Then jobs that wait are given up, and the running one is finished, if it is within
    /// [`Options::grace`].
    ///
    /// # Errors
    /// The system refuses threads or the socket.
    pub fn run(self, pipeline: Pipeline, options: Options, stop: impl Future<Output = ()>) -> io::Result<()> {
        // A model whose autoencoder cannot encode has no previews, and all else.
        let preview = LatentPreview::fit(&pipeline).ok();
        let is_loopback = self.local_addr()?.ip().is_loopback();
        let queue = Arc::new(Queue::new(options.queue, options.keep_results));
        let worker = Worker {
            pipeline: pipeline.clone(),
            preview: preview.clone(),
            model_name: options.model.name.clone(),
            queue: queue.clone(),
        };
        let (done, worker_is_done) = watch::channel(false);
        std::thread::Builder::new().name("drawing".into()).spawn(move || worker.run(&done))?;
        let app = Arc::new(App {
            pipeline,
            has_previews: preview.is_some(),
            options,
            queue,
            is_loopback,
            started: now(),
            large_bodies: Semaphore::new(LARGE_BODIES),
        });
        let runtime = runtime()?;
        let result = runtime.block_on(serve(self.listener, app, worker_is_done, stop));
        runtime.shutdown_background();
        result
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(READERS)
        .thread_name("serving")
        .enable_all()
        .build()
}

async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    mut worker_is_done: watch::Receiver<bool>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let queue = app.queue.clone();
    let (grace, head_timeout) = (app.options.grace, app.options.head_timeout);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            queue.forget();
        }
    });

    let queue = app.queue.clone();
    let open = connections::accept(&listener, router(app), head_timeout, stop).await;
    drop(listener);
    queue.close();
    let ended = async |worker_is_done: &mut watch::Receiver<bool>| {
        let _ = worker_is_done.wait_for(|is_done| *is_done).await;
    };
    if timeout(grace, ended(&mut worker_is_done)).await.is_err() {
        if let Some(job) = queue.running() {
            queue.cancel(&job);
        }
        let _ = timeout(LAST_WORDS, ended(&mut worker_is_done)).await;
    }
    let _ = timeout(LAST_WORDS, open.shutdown()).await;
    Ok(())
}

/// Ends when the user (Ctrl-C) or the system (SIGTERM) wants the program to stop. Asked a second time, the program
/// stops at once.
pub async fn interrupted() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
