//! `gligen schedulers`

use gligen_schedulers::SchedulerKind;
use serde::Serialize;

use crate::failure::Failure;
use crate::report;

/// List the schedulers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A line of JSON a scheduler
    #[arg(long)]
    json: bool,
}

/// A scheduler, as programs read it.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    class: &'static str,
    description: &'static str,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    for kind in SchedulerKind::ALL {
        let (name, class, description) = (kind.name(), kind.class_name(), kind.description());
        if args.json {
            report::json_result(&Line { name, class, description })?;
        } else {
            report::result(format_args!("{name:<19}  {description}"))?;
        }
    }
    Ok(())
}
