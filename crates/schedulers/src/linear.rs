//! Linear methods: the next sample is a weighted sum of this one, of what the network said, and of noise.
//!
//! Most samplers are, from Euler's to UniPC, once the noise levels of a run are known:
//! ```text
//! x' = keep · x + Σₖ outputs[k] · oₖ + Σₖ fresh[k] · zₖ
//! ```
//! oₖ are the last predictions, of the clean sample or of the noise, and zₖ the last draws of N(0, 1), the newest
//! first. A scheduler of this kind is its formula for the weights; what a run does with them is here, once.

use std::collections::VecDeque;

use burn::Tensor;

use crate::clipping::Clipping;
use crate::prediction::Level;
use crate::{NoiseSource, PredictionType, Sampling};

/// Predictions and draws that are kept: no method here looks back further.
const MEMORY: usize = 4;

/// The weights of one step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Combination {
    /// On the sample that the step starts from.
    pub(crate) keep: f64,
    /// On the last predictions, the newest first.
    pub(crate) outputs: Vec<f64>,
    /// On the last draws, the newest first; a step with any makes a new draw, be it of weight 0.
    pub(crate) fresh: Vec<f64>,
}

impl Combination {
    /// A step without noise.
    pub(crate) fn deterministic(keep: f64, outputs: impl Into<Vec<f64>>) -> Self {
        Self { keep, outputs: outputs.into(), fresh: Vec::new() }
    }
}

/// Where a step starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// From the sample as it is.
    Here,
    /// From where the last step began that started from `Here`: this evaluation was only a look ahead.
    Before,
}

/// One evaluation of the network, and the step that follows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// What the network is told.
    pub(crate) timestep: f64,
    /// The level at which the network sees the sample.
    pub(crate) seen: Level,
    /// The level of [`Sampling::add_noise`].
    pub(crate) noised: Level,
    /// Done first, from where the last step began: the sample found again, knowing what the network says of it.
    pub(crate) corrector: Option<Combination>,
    pub(crate) start: Start,
    pub(crate) step: Combination,
}

impl Step {
    /// A step from a sample at `level`.
    pub(crate) fn at(timestep: f64, level: Level, step: Combination) -> Self {
        Self { timestep, seen: level, noised: level, corrector: None, start: Start::Here, step }
    }
}

/// How a sample holds its signal (the names are those of arXiv 2011.13456).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variance {
    /// x = √ᾱ x₀ + √(1 − ᾱ) ε, as the network knows it.
    Preserving,
    /// x = x₀ + σ ε, scaled down for the network.
    Exploding,
}

/// What the weights of `outputs` are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predicted {
    /// x̂₀.
    Clean,
    /// ε̂.
    Noise,
}

/// A whole run, and how to read what the network says.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) init_noise_sigma: f64,
    pub(crate) variance: Variance,
    pub(crate) predicted: Predicted,
    pub(crate) prediction: PredictionType,
    pub(crate) clipping: Clipping,
}

impl Plan {
    /// A run on samples as the network knows them.
    pub(crate) fn preserving(
        steps: Vec<Step>,
        predicted: Predicted,
        prediction: PredictionType,
        clipping: Clipping,
    ) -> Self {
        let variance = Variance::Preserving;
        Self { steps, init_noise_sigma: 1.0, variance, predicted, prediction, clipping }
    }

    pub(crate) fn begin(self) -> Box<dyn Sampling> {
        Box::new(LinearSampling {
            timesteps: self.steps.iter().map(|step| step.timestep).collect(),
            plan: self,
            start: None,
            outputs: VecDeque::new(),
            draws: VecDeque::new(),
        })
    }

    /// The prediction that the weights are for. `seen` is the sample as the network sees it.
    fn predict(&self, model_output: Tensor<4>, seen: Tensor<4>, level: Level) -> Tensor<4> {
        match (self.predicted, self.clipping) {
            (Predicted::Noise, Clipping::None) => self.prediction.noise(model_output, seen, level),
            (Predicted::Noise, clipping) => {
                let clean = clipping.apply(self.prediction.clean(model_output, seen.clone(), level));
                PredictionType::Sample.noise(clean, seen, level)
            }
            (Predicted::Clean, clipping) => clipping.apply(self.prediction.clean(model_output, seen, level)),
        }
    }
}

#[derive(Debug)]
struct LinearSampling {
    timesteps: Vec<f64>,
    plan: Plan,
    /// Where the last step began that did not go on from an earlier start.
    start: Option<Tensor<4>>,
    outputs: VecDeque<Tensor<4>>,
    draws: VecDeque<Tensor<4>>,
}

impl LinearSampling {
    fn combine(&self, from: Tensor<4>, weights: &Combination) -> Tensor<4> {
        let outputs = weights.outputs.iter().zip(&self.outputs);
        let draws = weights.fresh.iter().zip(&self.draws);
        outputs.chain(draws).fold(from * weights.keep, |sum, (&weight, term)| sum + term.clone() * weight)
    }
}

fn remember(memory: &mut VecDeque<Tensor<4>>, newest: Tensor<4>) {
    memory.truncate(MEMORY - 1);
    memory.push_front(newest);
}

impl Sampling for LinearSampling {
    fn timesteps(&self) -> &[f64] {
        &self.timesteps
    }

    fn init_noise_sigma(&self) -> f64 {
        self.plan.init_noise_sigma
    }

    fn scale_model_input(&self, sample: Tensor<4>, index: usize) -> Tensor<4> {
        match self.plan.variance {
            Variance::Preserving => sample,
            Variance::Exploding => sample * self.plan.steps[index].seen.signal,
        }
    }

    fn step(
        &mut self,
        model_output: Tensor<4>,
        index: usize,
        mut sample: Tensor<4>,
        noise: &mut dyn NoiseSource,
    ) -> Tensor<4> {
        let seen = self.scale_model_input(sample.clone(), index);
        let output = self.plan.predict(model_output, seen, self.plan.steps[index].seen);
        remember(&mut self.outputs, output);
        let step = &self.plan.steps[index];
        if !step.step.fresh.is_empty() {
            remember(&mut self.draws, noise.normal(sample.dims(), &sample.device()));
        }
        if let (Some(corrector), Some(start)) = (&step.corrector, &self.start) {
            sample = self.combine(start.clone(), corrector);
        }
        let from = match (step.start, &self.start) {
            (Start::Before, Some(start)) => start.clone(),
            _ => sample,
        };
        let next = self.combine(from.clone(), &step.step);
        self.start = Some(from);
        next
    }

    fn add_noise(&self, clean: Tensor<4>, noise: Tensor<4>, index: usize) -> Tensor<4> {
        let level = self.plan.steps[index].noised;
        match self.plan.variance {
            Variance::Preserving => level.mix(clean, noise),
            Variance::Exploding => clean + noise * level.sigma(),
        }
    }
}
