//! The parts of a model, put together.

use std::ops::ControlFlow;
use std::sync::Arc;

use burn::tensor::Device;
use gligen_components::{Autoencoder, Denoiser, TextEncoder};
use gligen_schedulers::{SchedulerConfig, SchedulerKind};

use crate::{Defaults, Error, Output, Plan, Progress, Request, denoise};

/// A model that is ready to draw. It is immutable and its parts are shared: a clone costs nothing, and any part can
/// serve in another pipeline too.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) text_encoder: Arc<dyn TextEncoder>,
    pub(crate) denoiser: Arc<dyn Denoiser>,
    pub(crate) autoencoder: Arc<dyn Autoencoder>,
    pub(crate) scheduler: SchedulerConfig,
    pub(crate) defaults: Defaults,
    pub(crate) device: Device,
}

impl Pipeline {
    /// Puts parts together; all must live on `device`.
    pub fn new(
        text_encoder: Arc<dyn TextEncoder>,
        denoiser: Arc<dyn Denoiser>,
        autoencoder: Arc<dyn Autoencoder>,
        scheduler: SchedulerConfig,
        defaults: Defaults,
        device: &Device,
    ) -> Result<Self, Error> {
        let width = text_encoder.width();
        let needed = [Some(denoiser.context_width()), denoiser.grounding_width()];
        if let Some(needed) = needed.into_iter().flatten().find(|&needed| needed != width) {
            return Err(Error::Parts(format!(
                "the text encoder's states have {width} channels, the UNet takes {needed}"
            )));
        }
        Ok(Self { text_encoder, denoiser, autoencoder, scheduler, defaults, device: device.clone() })
    }

    /// What the model does where a request says nothing.
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// Settles and checks `request`, computing nothing.
    pub fn plan(&self, request: &Request) -> Result<Plan, Error> {
        let own = || self.scheduler.class_name.as_deref().and_then(SchedulerKind::from_class_name);
        let request = Request { scheduler: request.scheduler.or_else(own), ..request.clone() };
        Ok(Plan::new(&request, &self.defaults, self.denoiser.as_ref(), self.autoencoder.as_ref())?)
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
        denoise::run(self, plan, &mut progress)
    }
}
