//! `gligen devices`

use gligen_kernels::device::{NAMES, built_in, parse};
use serde::Serialize;

use crate::failure::Failure;
use crate::report;

/// List the devices that can compute
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A line of JSON a device
    #[arg(long)]
    json: bool,
}

/// A device, as programs read it.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    built_in: bool,
    available: bool,
    reason: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let built_in = built_in();
    for name in NAMES {
        let is_built_in = built_in.contains(&name);
        let refused = parse(name).err().map(|error| error.to_string());
        if args.json {
            let available = refused.is_none();
            report::json_result(&Line { name, built_in: is_built_in, available, reason: refused })?;
            continue;
        }
        let default = if built_in.first() == Some(&name) { ", the default" } else { "" };
        match refused {
            None => report::result(format_args!("{name:<8} available{default}"))?,
            Some(_) if !is_built_in => {
                report::result(format_args!("{name:<8} not built in: build with --features {name}"))?;
            }
            Some(reason) => report::result(format_args!("{name:<8} built in, but {reason}"))?,
        }
    }
    Ok(())
}
