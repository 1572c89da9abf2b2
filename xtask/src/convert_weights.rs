//! `cargo xtask convert-weights`: `gligen convert`, built first.

use std::ffi::OsString;
use std::process::Command;

use crate::Result;
use crate::process::{self, cargo, root};

/// Turn a checkpoint of any layout into another one: IN OUT --to diffusers|adapter|single-file and the flags of `gligen
/// convert`
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// What `gligen convert` takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Builds `gligen` and runs it, in the folder that the user stands in.
pub(crate) fn run(arguments: &Arguments) -> Result {
    process::run(&mut cargo("build --release -p gligen-cli"))?;
    process::run(&mut convert(arguments))
}

fn convert(arguments: &Arguments) -> Command {
    let mut command = Command::new(root().join("target/release/gligen"));
    command.arg("convert").args(&arguments.arguments);
    command
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn all_that_is_given_goes_on_as_it_is() {
        for given in ["fixtures/tiny-gligen out --to diffusers --dtype f16 --shard-size=5MB", "--help", ""] {
            let words = ["convert-weights"].into_iter().chain(given.split_whitespace());
            let Line { arguments } = Line::try_parse_from(words).unwrap();
            let line = process::line(&convert(&arguments));
            assert_eq!(line.rsplit_once("/gligen ").unwrap().1, format!("convert {given}").trim_end());
        }
    }
}
