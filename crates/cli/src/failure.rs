//! What can go wrong, with the exit status and the short code that programs go by.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;

use gligen_hub::HubError;
use gligen_kernels::device::DeviceError;
use gligen_pipeline::{Error, ImportError, LayoutError, PngError, RequestError, system_hint};
use gligen_schedulers::SchedulerError;
use gligen_weights::WeightsError;

/// The exit status of a run that the user has stopped.
const INTERRUPTED: u8 = 130;

/// Why the program stops.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments were refused while they were read; also the way in which help and version are asked for.
    #[error("{}", first_paragraph(.0))]
    Usage(clap::Error),
    /// The arguments do not go together, or ask for what there is not.
    #[error("{message}")]
    Arguments { message: String, hint: Option<String> },
    /// The layout was refused.
    #[error("{place}: {source}")]
    Layout { place: String, source: LayoutError },
    /// The layout of another program was refused.
    #[error("{place}: {source}")]
    Import { place: String, source: ImportError },
    /// A picture that a layout or a flag names cannot be used; it says its place itself.
    #[error(transparent)]
    Picture(LayoutError),
    /// What went wrong with one of many layouts.
    #[error("{place}: {source}")]
    Line { place: String, source: Box<Failure> },
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Pipeline(#[from] Error),
    /// A checkpoint that cannot be read, or not be converted.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A hub that does not give what was asked for.
    #[error(transparent)]
    Hub(HubError),
    /// The same for a name that might have been meant as that of a folder.
    #[error(transparent)]
    NotFetched { source: HubError },
    /// A picture whose texts cannot be read.
    #[error("{path}: {source}")]
    Png { path: PathBuf, source: PngError },
    /// A picture without our texts.
    #[error("{path}: this picture says nothing about how it was made")]
    NoMetadata { path: PathBuf },
    /// A file of latents that cannot be used.
    #[error("{path}: {reason}")]
    Latents { path: PathBuf, reason: String },
    /// An address that cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Address { address: SocketAddr, source: std::io::Error },
    /// The system refused something that has no path.
    #[error("{what}: {source}")]
    System { what: &'static str, source: std::io::Error },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Whoever read our results has stopped reading: nothing to tell, and nobody to tell it to.
    #[error("nobody reads the results")]
    ClosedPipe,
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Cancelled => Self::Interrupted,
            error => Self::Hub(error),
        }
    }
}

impl Failure {
    /// Arguments that are wrong, and how they would be right.
    pub(crate) fn arguments(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Arguments { message: message.into(), hint: Some(hint.into()) }
    }

    /// A file that the system refuses.
    pub(crate) fn file(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Pipeline(Error::File { path: path.into(), source })
    }

    /// A layout from `place` that was refused.
    pub(crate) fn layout(place: impl Into<String>, source: LayoutError) -> Self {
        match source {
            LayoutError::File { path, source } => Self::file(path, source),
            source => Self::Layout { place: place.into(), source },
        }
    }

    /// The exit status: 1 failed, 2 wrong usage, 130 interrupted.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(error) => error.exit_code() as u8,
            Self::Line { source, .. } => source.exit_status(),
            Self::ClosedPipe => 0,
            Self::Interrupted | Self::Pipeline(Error::Cancelled { .. }) => INTERRUPTED,
            Self::Picture(LayoutError::NoInpaintImage { .. }) => 2,
            Self::Arguments { .. } | Self::Layout { .. } | Self::Pipeline(Error::Request(_)) => 2,
            Self::Pipeline(Error::Scheduler(SchedulerError::Steps { .. } | SchedulerError::Eta { .. })) => 2,
            Self::Import { .. } => 2,
            Self::Device(DeviceError::Unavailable { .. }) => 1,
            Self::Device(_) => 2,
            _ => 1,
        }
    }

    /// A word for programs; it stays the same when the message is put better.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Line { source, .. } => source.code(),
            Self::Usage(_) | Self::Arguments { .. } => "usage",
            Self::Layout { .. } | Self::Import { .. } => "layout",
            Self::Device(_) => "device",
            Self::Picture(_) | Self::Png { .. } | Self::NoMetadata { .. } => "picture",
            Self::Latents { .. } => "latents",
            Self::Address { .. } => "address",
            Self::System { .. } | Self::Pipeline(Error::File { .. }) => "file",
            Self::Interrupted | Self::Pipeline(Error::Cancelled { .. }) => "interrupted",
            Self::Hub(_) | Self::NotFetched { .. } => "hub",
            Self::ClosedPipe => "closed_pipe",
            Self::Pipeline(Error::Request(_)) => "request",
            Self::Pipeline(Error::Scheduler(_)) => "scheduler",
            Self::Pipeline(
                Error::NotAModel { .. } | Error::NoConfigs { .. } | Error::Component { .. } | Error::Parts(_),
            ) => "model",
            Self::Weights(_) => "model",
            Self::Pipeline(_) => "failed",
        }
    }

    /// What to do about it: something in all cases but those that are as they were wanted, and what only the system
    /// knows.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Usage(error) => Some(tip(error).unwrap_or("try --help".into())),
            Self::Layout { source: LayoutError::UnknownKey { nearest: None, .. }, .. } => {
                Some("if it is another program's layout: gligen layout import FILE".into())
            }
            Self::Arguments { hint, .. } => hint.clone(),
            Self::Line { source, .. } if source.exit_status() == INTERRUPTED => {
                Some("what is finished is kept; the same command goes on from here".into())
            }
            Self::Line { source, .. } => source.hint(),
            Self::Layout { source: source @ LayoutError::NoLayoutInPicture, .. } => {
                with_flag(source.hint(), Some("--no-metadata leaves it out"))
            }
            Self::Layout { source, .. } | Self::Picture(source) => source.hint(),
            Self::Device(_) => Some("`gligen devices` lists what there is".into()),
            Self::Pipeline(error @ Error::Request(RequestError::NotAnInpaintingModel { .. })) => {
                with_flag(error.hint(), Some("--inpaint-mode blend"))
            }
            Self::Pipeline(error) => error.hint(),
            Self::Weights(error) => error.hint(),
            Self::Import { source, .. } => with_flag(source.hint(), import_flag(source)),
            Self::Hub(error) => error.hint(),
            Self::NotFetched { source } => {
                let otherwise = "there is no such file or folder here either";
                Some(source.hint().map_or(otherwise.into(), |hint| format!("{hint}; {otherwise}")))
            }
            Self::Png { .. } => Some("is it a PNG file, and whole?".into()),
            Self::NoMetadata { .. } => {
                Some("only pictures written by gligen, without --no-metadata, can be read back".into())
            }
            Self::Latents { .. } => Some("--save-latents writes such a file".into()),
            Self::Address { source, .. } => Some(match source.kind() {
                ErrorKind::AddrInUse => {
                    "another server may be running there; choose another with --port".into()
                }
                ErrorKind::PermissionDenied => {
                    "ports below 1024 are not for everybody; choose another with --port".into()
                }
                _ => "--host takes an address of this machine; 0.0.0.0 is all of them".into(),
            }),
            Self::System { .. } | Self::Interrupted | Self::ClosedPipe => None,
        };
        hint.or_else(|| system_hint(self))
    }
}

/// A hint of a library, which knows no flags, with the flag that it speaks of.
fn with_flag(hint: Option<String>, flag: Option<&str>) -> Option<String> {
    match (hint, flag) {
        (Some(hint), Some(flag)) => Some(format!("{hint} ({flag})")),
        (hint, _) => hint,
    }
}

/// The flag that helps with another program's layout.
fn import_flag(error: &ImportError) -> Option<&'static str> {
    match error {
        ImportError::Ours => Some("gligen generate --layout FILE"),
        ImportError::NoPrompt => Some("--prompt"),
        ImportError::Unknown
        | ImportError::Ambiguous { .. }
        | ImportError::Value { .. }
        | ImportError::Empty { .. }
        | ImportError::OutsideBox { .. } => Some("--from names it"),
        _ => None,
    }
}

/// What clap takes the arguments to mean.
fn tip(error: &clap::Error) -> Option<String> {
    let text = error.render().to_string();
    text.lines().find_map(|line| line.trim_start().strip_prefix("tip: ")).map(str::to_owned)
}

/// What clap says first, in one line; usage and the way to the help follow it.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraph = text.split("\n\n").next().unwrap_or(&text).trim_start_matches("error: ");
    paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn every_failure_has_a_hint() {
        let system = |kind| io::Error::new(kind, "the system's words");
        let address =
            |kind| Failure::Address { address: SocketAddr::from(([127, 0, 0, 1], 80)), source: system(kind) };
        let path = || PathBuf::from("cat.png");
        let line =
            |source: Failure| Failure::Line { place: "many.jsonl, line 2".into(), source: source.into() };
        let failures = [
            Failure::arguments("what is wrong", "what to do"),
            line(Failure::arguments("what is wrong", "what to do")),
            line(Failure::Interrupted),
            Failure::Device(DeviceError::Unknown("gpu".into())),
            Error::Memory.into(),
            Failure::file(path(), system(ErrorKind::NotFound)),
            WeightsError::Read { path: path(), source: system(ErrorKind::PermissionDenied) }.into(),
            Failure::NoMetadata { path: path() },
            Failure::Latents { path: path(), reason: "no tensor `latents`".into() },
            address(ErrorKind::AddrInUse),
            address(ErrorKind::PermissionDenied),
            address(ErrorKind::AddrNotAvailable),
            Failure::System { what: "standard output", source: system(ErrorKind::StorageFull) },
        ];
        let told = failures.iter().map(|failure| {
            let hint = failure.hint().unwrap_or_else(|| panic!("no hint: {failure}"));
            format!("{failure}\n    {hint}\n")
        });
        insta::assert_snapshot!(told.collect::<String>());
        assert_eq!(Failure::Interrupted.hint(), None);
    }
}
