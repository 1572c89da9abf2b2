//! The parts of a model, put together.

use std::ops::ControlFlow;
use std::sync::Arc;

use burn::tensor::Device;
use gligen_components::{Autoencoder, Denoiser, ImageEncoder, SafetyChecker, TextEncoder};
use gligen_schedulers::{Scheduler, SchedulerConfig, SchedulerKind};

use crate::{Defaults, Error, Output, Plan, Progress, Request, denoise};

/// What a model is made of. The networks are shared: a clone copies no weights, and any part can serve in another
/// pipeline too.
#[derive(Clone)]
pub struct Parts {
    /// Reads captions and phrases.
    pub text_encoder: Arc<dyn TextEncoder>,
    /// Looks at pictures of objects, where the denoiser takes them.
    pub image_encoder: Option<Arc<dyn ImageEncoder>>,
    /// Takes the noise out.
    pub denoiser: Arc<dyn Denoiser>,
    /// Makes pictures of latents, and latents of a picture to repaint.
    pub autoencoder: Arc<dyn Autoencoder>,
    /// Withholds finished pictures.
    pub safety_checker: Option<Arc<dyn SafetyChecker>>,
    /// The model's own scheduler, of which any other can be made.
    pub scheduler: SchedulerConfig,
    /// What the model does where a request says nothing.
    pub defaults: Defaults,
}

/// A model that is ready to draw; immutable, and cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) parts: Parts,
    /// Samples where a request names no scheduler; that of the parts' config, if none was given.
    pub(crate) scheduler: Option<Arc<dyn Scheduler>>,
    pub(crate) device: Device,
}

impl Pipeline {
    /// Puts parts together; all must live on `device`.
    pub fn new(parts: Parts, device: &Device) -> Result<Self, Error> {
        let width = parts.text_encoder.width();
        let needed = [Some(parts.denoiser.context_width()), parts.denoiser.grounding_width()];
        if let Some(needed) = needed.into_iter().flatten().find(|&needed| needed != width) {
            return Err(Error::Parts(format!(
                "the text encoder's states have {width} channels, the UNet takes {needed}"
            )));
        }
        if let Some(found) = parts.image_encoder.as_ref().map(|encoder| encoder.width())
            && found != width
        {
            return Err(Error::Parts(format!(
                "the image encoder's states have {found} channels, the text encoder's {width}"
            )));
        }
        let downscale = parts.autoencoder.downscale();
        if downscale == 0 || 8 % downscale != 0 {
            return Err(Error::Parts(format!(
                "a latent of the autoencoder stands for {downscale} pixels; supported: 1, 2, 4, 8"
            )));
        }
        Ok(Self { parts, scheduler: None, device: device.clone() })
    }

    /// Lets `scheduler`, which need not be one of ours, sample where a request names none. What a picture says about how
    /// it was made does not name it.
    pub fn with_scheduler(mut self, scheduler: Arc<dyn Scheduler>) -> Self {
        self.scheduler = Some(scheduler);
        self
    }

    /// What it is made of, to be shared with another.
    ///
    /// ```
    /// use gligen_pipeline::{Parts, Pipeline};
    ///
    /// # fn main() -> Result<(), gligen_pipeline::Error> {
    /// # let device = gligen_testkit::devices().remove(0);
    /// let pipeline = Pipeline::built_in(&device)?;
    /// let without_checker = Parts { safety_checker: None, ..pipeline.parts().clone() };
    /// let same_networks = Pipeline::new(without_checker, &device)?;
    /// # Ok(()) }
    /// ```
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Which of our schedulers samples where a request names none; `None` for one that is not ours.
    pub fn own_scheduler(&self) -> Option<SchedulerKind> {
        match self.scheduler {
            Some(_) => None,
            None => SchedulerKind::from_class_name(self.parts.scheduler.class_name.as_deref()?),
        }
    }

    /// Settles and checks `request`, computing nothing.
    pub fn plan(&self, request: &Request) -> Result<Plan, Error> {
        let scheduler = request.scheduler.or_else(|| self.own_scheduler());
        Ok(Plan::new(Request { scheduler, ..request.clone() }, &self.parts)?)
    }

    /// Draws what `request` asks for. `progress` is told of warnings and of every evaluation; its `Break` after an
    /// evaluation stops the run with [`Error::Cancelled`].
    pub fn generate(
        &self,
        request: &Request,
        progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Output, Error> {
        self.run(&self.plan(request)?, progress)
    }

    /// [`Pipeline::generate`] of a plan that was made before.
    pub fn run(
        &self,
        plan: &Plan,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Output, Error> {
        let output = denoise::run(self, plan, &mut progress);
        gligen_kernels::release_memory();
        output
    }
}
