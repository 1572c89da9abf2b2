//! `gligen serve`

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use gligen_pipeline::ModelDir;
use gligen_server::{ModelInfo, Options, Server, interrupted};

use crate::computing::ComputingArgs;
use crate::failure::Failure;
use crate::model_source::{Fetching, Model, ModelArgs};
use crate::{known_things, report};

/// Serve a page to draw boxes on, and an HTTP API
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen: only this machine reaches 127.0.0.1, everybody who can reach this machine 0.0.0.0
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; 0 takes a free one, which is printed
    #[arg(long, value_name = "N", default_value_t = 7788)]
    port: u16,
    /// Jobs that may wait; one more is refused
    #[arg(long, value_name = "N", default_value_t = 16)]
    queue: usize,
    /// Seconds that results are kept
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    keep_results: u64,

    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    computing: ComputingArgs,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let address = SocketAddr::new(args.host, args.port);
    let refused = |source| Failure::Address { address, source };
    let server = Server::bind(address).map_err(refused)?;
    let address = server.local_addr().map_err(refused)?;

    let started = Instant::now();
    let device = args.computing.device()?;
    let adapters = &args.model.adapters;
    let mut options = args.computing.options();
    options.loras.clone_from(&adapters.lora);
    options.embeddings.clone_from(&adapters.embedding);
    let model = args.model.find(&mut Fetching::new(false, false))?;
    let pipeline = args.model.load(&model, options, &device)?;
    report::note(format_args!(
        "loaded {} in {:.2} s; Ctrl-C stops",
        model.name,
        started.elapsed().as_secs_f64()
    ));
    report::result(format_args!("http://{address}"))?;
    let options = Options {
        model: model_info(model),
        loras: adapters.lora.clone(),
        embeddings: adapters.embedding.clone(),
        queue: args.queue,
        keep_results: Duration::from_secs(args.keep_results),
        ..Options::default()
    };
    server
        .run(pipeline, options, interrupted())
        .map_err(|source| Failure::System { what: "cannot serve", source })
}

fn model_info(Model { files, name }: Model) -> ModelInfo {
    let texts = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
    match files {
        ModelDir::BuiltIn => ModelInfo {
            name,
            things: texts(known_things::things()),
            backgrounds: texts(known_things::backgrounds()),
        },
        _ => ModelInfo { name, ..ModelInfo::default() },
    }
}
