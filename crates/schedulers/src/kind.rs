//! The schedulers that there are: one table, one row each.

use std::fmt;
use std::str::FromStr;

use crate::{Scheduler, SchedulerConfig, SchedulerError, ddim, euler, pndm};

/// A scheduler by name.
///
/// ```
/// use gligen_schedulers::SchedulerKind;
///
/// let kind: SchedulerKind = "euler".parse()?;
/// assert_eq!(kind.class_name(), "EulerDiscreteScheduler");
/// # Ok::<(), gligen_schedulers::SchedulerError>(())
/// ```
#[derive(Clone, Copy)]
pub struct SchedulerKind {
    name: &'static str,
    class_name: &'static str,
    description: &'static str,
    build: fn(&SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError>,
}

impl SchedulerKind {
    /// All schedulers, in the order in which people should meet them.
    pub const ALL: &[Self] = &[
        Self {
            name: ddim::NAME,
            class_name: "DDIMScheduler",
            description: "deterministic, or with fresh noise by eta; one evaluation a step",
            build: ddim::build,
        },
        Self {
            name: pndm::NAME,
            class_name: "PNDMScheduler",
            description: "linear multistep (PLMS), the default of Stable Diffusion 1; one evaluation more than steps",
            build: pndm::build,
        },
        Self {
            name: euler::NAME,
            class_name: "EulerDiscreteScheduler",
            description: "Euler's method on the noise level, also with Karras's levels; one evaluation a step",
            build: euler::build,
        },
    ];

    /// The name that users type, such as `ddim`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The name in `_class_name` of a published config.
    pub const fn class_name(&self) -> &'static str {
        self.class_name
    }

    /// One line on what it is.
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// The scheduler that a published config calls `class_name`.
    pub fn from_class_name(class_name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.class_name == class_name)
    }

    pub(crate) fn build(&self, config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
        (self.build)(config)
    }

    /// All names, for error texts.
    pub(crate) fn names() -> String {
        Self::ALL.iter().map(Self::name).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for SchedulerKind {
    type Err = SchedulerError;

    fn from_str(name: &str) -> Result<Self, SchedulerError> {
        let kind = Self::ALL.iter().copied().find(|kind| kind.name == name);
        kind.ok_or_else(|| SchedulerError::UnknownScheduler { name: name.into() })
    }
}

impl fmt::Display for SchedulerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl fmt::Debug for SchedulerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SchedulerKind({})", self.name)
    }
}

impl PartialEq for SchedulerKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for SchedulerKind {}
