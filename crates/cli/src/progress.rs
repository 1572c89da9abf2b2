//! What a user sees while a picture is drawn: a bar on a terminal, lines elsewhere, nothing if asked.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::report;

/// Tells of notes, warnings and steps on standard error.
pub(crate) struct Reporter {
    manner: Manner,
    verbose: bool,
    started: Instant,
}

enum Manner {
    Bar(ProgressBar),
    Lines,
    Quiet,
}

impl Reporter {
    /// A bar if there is a terminal that can draw one, lines otherwise, nothing but warnings if `quiet`; more of it
    /// if `verbose`.
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        let manner = if quiet {
            Manner::Quiet
        } else if stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb") {
            let style = ProgressStyle::with_template("{bar:32} step {pos} of {len}, {eta} left");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            Manner::Bar(ProgressBar::no_length().with_style(style))
        } else {
            Manner::Lines
        };
        Self { manner, verbose, started: Instant::now() }
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

    /// Evaluation `step`, from 1, of `of` is done.
    pub(crate) fn step(&self, step: usize, of: usize) {
        match &self.manner {
            Manner::Bar(bar) => {
                bar.set_length(of as u64);
                bar.set_position(step as u64);
                if step == of {
                    bar.finish_and_clear();
                }
            }
            Manner::Lines if self.verbose || step == 1 || step * 10 / of != (step - 1) * 10 / of => {
                let left = self.started.elapsed().as_secs_f64() / step as f64 * (of - step) as f64;
                self.note(format_args!("step {step} of {of}, {left:.1} s left"));
            }
            Manner::Lines | Manner::Quiet => {}
        }
    }

    fn beside_the_bar(&self, tell: impl FnOnce()) {
        match &self.manner {
            Manner::Bar(bar) => bar.suspend(tell),
            Manner::Lines | Manner::Quiet => tell(),
        }
    }
}
