//! What a user sees while something is done: a bar on a terminal, lines elsewhere, nothing if asked.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::{amounts, report};

/// Tells of notes, warnings and steps on standard error.
pub(crate) struct Reporter {
    unit: Unit,
    manner: Manner,
    verbose: bool,
    started: Instant,
    /// What was done when it was last told of.
    last: u64,
}

/// What progress is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Steps,
    Bytes,
}

enum Manner {
    Bar(ProgressBar),
    Lines,
    Quiet,
}

impl Reporter {
    /// A bar if there is a terminal that can draw one, lines otherwise, nothing but warnings if `quiet`; more of it
    /// if `verbose`.
    pub(crate) fn new(unit: Unit, quiet: bool, verbose: bool) -> Self {
        let manner = if quiet {
            Manner::Quiet
        } else if stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb") {
            let style = ProgressStyle::with_template(match unit {
                Unit::Steps => "{bar:32} step {pos} of {len}, {eta} left",
                Unit::Bytes => "{bar:32} {decimal_bytes} of {decimal_total_bytes}, {eta} left",
            });
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            Manner::Bar(ProgressBar::no_length().with_style(style))
        } else {
            Manner::Lines
        };
        Self { unit, manner, verbose, started: Instant::now(), last: 0 }
    }

    /// A line that is worth knowing.
    pub(crate) fn note(&self, line: impl Display) {
        if !matches!(self.manner, Manner::Quiet) {
            self.beside_the_bar(|| drop(writeln!(stderr(), "{line}")));
        }
    }

    /// A line for those who want more.
    pub(crate) fn detail(&self, line: impl Display) {
        if self.verbose {
            self.note(line);
        }
    }

    /// Something that the user should know, even if nothing else.
    pub(crate) fn warning(&self, message: impl Display) {
        self.beside_the_bar(|| report::warning(message));
    }

    /// The steps begin now.
    pub(crate) fn start(&mut self) {
        self.started = Instant::now();
        if let Manner::Bar(bar) = &self.manner {
            bar.reset_elapsed();
        }
    }

    /// `done` steps or bytes of `of` are done.
    pub(crate) fn step(&mut self, done: u64, of: u64) {
        match &self.manner {
            Manner::Bar(bar) => {
                bar.set_length(of);
                bar.set_position(done);
                if done == of {
                    bar.finish_and_clear();
                }
            }
            Manner::Lines if self.is_told(done, of) => {
                let left = self.started.elapsed().as_secs_f64() / done as f64 * (of - done) as f64;
                match self.unit {
                    Unit::Steps => self.note(format_args!("step {done} of {of}, {left:.1} s left")),
                    Unit::Bytes => {
                        let (done, of) = (amounts::bytes(done), amounts::bytes(of));
                        self.note(format_args!("{done} of {of}, {left:.1} s left"));
                    }
                }
            }
            Manner::Lines | Manner::Quiet => {}
        }
        self.last = done;
    }

    /// Whether there is a line for `done` of `of`: for each tenth, for the first step, and for all if they are wanted.
    fn is_told(&self, done: u64, of: u64) -> bool {
        let tenth = |done: u64| u128::from(done) * 10 / u128::from(of.max(1));
        let first = self.unit == Unit::Steps && self.last == 0;
        self.verbose || first || tenth(done) != tenth(self.last)
    }

    fn beside_the_bar(&self, tell: impl FnOnce()) {
        match &self.manner {
            Manner::Bar(bar) => bar.suspend(tell),
            Manner::Lines | Manner::Quiet => tell(),
        }
    }
}
