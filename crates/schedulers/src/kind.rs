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
    build: Build,
}

impl SchedulerKind {
    /// All schedulers, in the order in which people should meet them. Of several that share a class, the first is that
    /// class as its config has it.
    pub const ALL: &[Self] = &[
        row(ddim::NAME, "DDIMScheduler", "deterministic, or with fresh noise by eta", ddim::build),
        row(
            pndm::NAME,
            "PNDMScheduler",
            "linear multistep (PLMS), the default of Stable Diffusion 1; one evaluation more than steps",
            pndm::build,
        ),
        row(euler::NAME, "EulerDiscreteScheduler", "Euler's method on the noise level", euler::build),
        row(
            euler_ancestral::NAME,
            "EulerAncestralDiscreteScheduler",
            "Euler's method with fresh noise in each step",
            euler_ancestral::build,
        ),
        row(
            dpm_multistep::NAME,
            "DPMSolverMultistepScheduler",
            "DPM-Solver++ from the last two predictions; good pictures in 20 steps",
            dpm_multistep::build,
        ),
        row(
            "dpmpp-2m-karras",
            "DPMSolverMultistepScheduler",
            "dpmpp-2m at Karras's noise levels",
            |config| dpm_multistep::build(&config.with(karras)),
        ),
        row(
            "dpmpp-2m-sde",
            "DPMSolverMultistepScheduler",
            "dpmpp-2m with fresh noise in each step",
            |config| dpm_multistep::build(&config.with(stochastic)),
        ),
        row(
            "dpmpp-2m-sde-karras",
            "DPMSolverMultistepScheduler",
            "dpmpp-2m-sde at Karras's noise levels",
            |config| dpm_multistep::build(&config.with(stochastic).with(karras)),
        ),
        row(
            dpm_singlestep::NAME,
            "DPMSolverSinglestepScheduler",
            "DPM-Solver++ in blocks of two steps",
            dpm_singlestep::build,
        ),
        row(
            dpmpp_sde::NAME,
            "DPMSolverSDEScheduler",
            "DPM-Solver++ with fresh noise; two evaluations a step",
            dpmpp_sde::build,
        ),
        row("dpmpp-sde-karras", "DPMSolverSDEScheduler", "dpmpp-sde at Karras's noise levels", |config| {
            dpmpp_sde::build(&config.with(karras))
        }),
        row(
            unipc::NAME,
            "UniPCMultistepScheduler",
            "predictor and corrector from the last two predictions; good pictures in 10 steps",
            unipc::build,
        ),
        row(
            deis::NAME,
            "DEISMultistepScheduler",
            "exponential integrator from the last two predictions of the noise",
            deis::build,
        ),
        row(
            heun::NAME,
            "HeunDiscreteScheduler",
            "Heun's method on the noise level; two evaluations a step",
            heun::build,
        ),
        row(
            dpm2::NAME,
            "KDPM2DiscreteScheduler",
            "the midpoint method on the noise level; two evaluations a step",
            dpm2::build,
        ),
        row("dpm2-karras", "KDPM2DiscreteScheduler", "dpm2 at Karras's noise levels", |config| {
            dpm2::build(&config.with(karras))
        }),
        row(
            dpm2_ancestral::NAME,
            "KDPM2AncestralDiscreteScheduler",
            "dpm2 with fresh noise in each step",
            dpm2_ancestral::build,
        ),
        row(
            "dpm2-a-karras",
            "KDPM2AncestralDiscreteScheduler",
            "dpm2-a at Karras's noise levels",
            |config| dpm2_ancestral::build(&config.with(karras)),
        ),
        row(
            lms::NAME,
            "LMSDiscreteScheduler",
            "linear multistep of order four on the noise level",
            lms::build,
        ),
        row("lms-karras", "LMSDiscreteScheduler", "lms at Karras's noise levels", |config| {
            lms::build(&config.with(karras))
        }),
        row(
            ddpm::NAME,
            "DDPMScheduler",
            "the first sampler of diffusion models, with fresh noise in each of many steps",
            ddpm::build,
        ),
        row(lcm::NAME, "LCMScheduler", "for latent consistency models, which take 1 to 8 steps", lcm::build),
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

type Build = fn(&SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError>;

const fn row(
    name: &'static str,
    class_name: &'static str,
    description: &'static str,
    build: Build,
) -> SchedulerKind {
    SchedulerKind { name, class_name, description, build }
}

fn karras(config: &mut SchedulerConfig) {
    config.use_karras_sigmas = Some(true);
    config.use_exponential_sigmas = None;
    config.use_beta_sigmas = None;
    config.set_own("use_lu_lambdas", false);
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
