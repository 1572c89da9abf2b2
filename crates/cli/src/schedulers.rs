//! `gligen schedulers`

use gligen_schedulers::SchedulerKind;
use serde_json::json;

use crate::failure::Failure;
use crate::report;

/// List the schedulers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A line of JSON a scheduler
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    for kind in SchedulerKind::ALL {
        let (name, class, description) = (kind.name(), kind.class_name(), kind.description());
        if args.json {
            report::result(json!({"name": name, "class": class, "description": description}))?;
        } else {
            report::result(format_args!("{name:<16} {description}"))?;
        }
    }
    Ok(())
}
