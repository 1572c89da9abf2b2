//! The schedulers that there are: one table, one row each.

use std::fmt;
use std::str::FromStr;

use crate::{
    Scheduler, SchedulerConfig, SchedulerError, ddim, ddpm, deis, dpm_multistep, dpm_singlestep, dpm2,
    dpm2_ancestral, dpmpp_sde, euler, euler_ancestral, heun, lcm, lms, pndm, unipc,
};

/// A scheduler by name.
///
/// A name stands for a published class, with the options that the config has for it; some stand for a class with some of
/// its options set, as people know it by a name of its own.
///
/// ```
/// use gligen_schedulers::SchedulerKind;
///
/// let kind: SchedulerKind = "dpmpp-2m-karras".parse()?;
/// assert_eq!(kind.class_name(), "DPMSolverMultistepScheduler");
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
    /// All schedulers, in the order in which people should meet them. Of several that share a class, the first is that
    /// class as its config has it.
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
            name: dpm_multistep::NAME,
            class_name: "DPMSolverMultistepScheduler",
            description: "DPM-Solver++ from the last two predictions: good pictures in 20 steps",
            build: dpm_multistep::build,
        },
        Self {
            name: "dpmpp-2m-karras",
            class_name: "DPMSolverMultistepScheduler",
            description: "the same at Karras's noise levels",
            build: |config| dpm_multistep::build(&config.with(SchedulerConfig::place_by_karras)),
        },
        Self {
            name: "dpmpp-2m-sde",
            class_name: "DPMSolverMultistepScheduler",
            description: "the same with fresh noise in each step",
            build: |config| dpm_multistep::build(&config.with(stochastic)),
        },
        Self {
            name: "dpmpp-2m-sde-karras",
            class_name: "DPMSolverMultistepScheduler",
            description: "both",
            build: |config| {
                dpm_multistep::build(&config.with(stochastic).with(SchedulerConfig::place_by_karras))
            },
        },
        Self {
            name: dpm_singlestep::NAME,
            class_name: "DPMSolverSinglestepScheduler",
            description: "DPM-Solver++ in blocks of two levels",
            build: dpm_singlestep::build,
        },
        Self {
            name: dpmpp_sde::NAME,
            class_name: "DPMSolverSDEScheduler",
            description: "DPM-Solver++ in two stages with fresh noise; two evaluations a step",
            build: dpmpp_sde::build,
        },
        Self {
            name: "dpmpp-sde-karras",
            class_name: "DPMSolverSDEScheduler",
            description: "the same at Karras's noise levels",
            build: |config| dpmpp_sde::build(&config.with(SchedulerConfig::place_by_karras)),
        },
        Self {
            name: unipc::NAME,
            class_name: "UniPCMultistepScheduler",
            description: "predictor and corrector from the last predictions: good pictures in 10 steps",
            build: unipc::build,
        },
        Self {
            name: deis::NAME,
            class_name: "DEISMultistepScheduler",
            description: "exponential integrator from the last predictions of the noise",
            build: deis::build,
        },
        Self {
            name: euler::NAME,
            class_name: "EulerDiscreteScheduler",
            description: "Euler's method on the noise level, also with Karras's levels; one evaluation a step",
            build: euler::build,
        },
        Self {
            name: euler_ancestral::NAME,
            class_name: "EulerAncestralDiscreteScheduler",
            description: "the same with fresh noise in each step",
            build: euler_ancestral::build,
        },
        Self {
            name: heun::NAME,
            class_name: "HeunDiscreteScheduler",
            description: "Heun's method on the noise level; two evaluations a step",
            build: heun::build,
        },
        Self {
            name: dpm2::NAME,
            class_name: "KDPM2DiscreteScheduler",
            description: "the midpoint method on the noise level; two evaluations a step",
            build: dpm2::build,
        },
        Self {
            name: "dpm2-karras",
            class_name: "KDPM2DiscreteScheduler",
            description: "the same at Karras's noise levels",
            build: |config| dpm2::build(&config.with(SchedulerConfig::place_by_karras)),
        },
        Self {
            name: dpm2_ancestral::NAME,
            class_name: "KDPM2AncestralDiscreteScheduler",
            description: "the midpoint method with fresh noise in each step; two evaluations a step",
            build: dpm2_ancestral::build,
        },
        Self {
            name: "dpm2-a-karras",
            class_name: "KDPM2AncestralDiscreteScheduler",
            description: "the same at Karras's noise levels",
            build: |config| dpm2_ancestral::build(&config.with(SchedulerConfig::place_by_karras)),
        },
        Self {
            name: lms::NAME,
            class_name: "LMSDiscreteScheduler",
            description: "linear multistep of order four on the noise level",
            build: lms::build,
        },
        Self {
            name: "lms-karras",
            class_name: "LMSDiscreteScheduler",
            description: "the same at Karras's noise levels",
            build: |config| lms::build(&config.with(SchedulerConfig::place_by_karras)),
        },
        Self {
            name: ddpm::NAME,
            class_name: "DDPMScheduler",
            description: "the first sampler of diffusion models, with fresh noise in each of many steps",
            build: ddpm::build,
        },
        Self {
            name: lcm::NAME,
            class_name: "LCMScheduler",
            description: "for latent consistency models, which take 1 to 8 steps",
            build: lcm::build,
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

fn stochastic(config: &mut SchedulerConfig) {
    config.set_own("algorithm_type", "sde-dpmsolver++");
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
