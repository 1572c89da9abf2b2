//! PNDM: pseudo numerical methods (arXiv 2202.09778), with or without the Runge-Kutta steps at the start.
//!
//! Equation 9 moves a sample from timestep t to s along the noise ε̂, with ᾱ where the paper writes α:
//! ```text
//! x_s = √(ᾱ_s / ᾱ_t) · x_t − (ᾱ_s − ᾱ_t) / (ᾱ_t √(1 − ᾱ_s) + √(ᾱ_t (1 − ᾱ_t) ᾱ_s)) · ε̂
//! ```
//! What differs is ε̂: a mean of up to four predictions, those of a Runge-Kutta step (equation 13) or the last ones
//! (equation 12, Adams-Bashforth).

use std::collections::VecDeque;

use burn::Tensor;

use crate::clipping::Clipping;
use crate::noise_schedule::{DefaultBetas, NoiseSchedule};
use crate::prediction::Level;
use crate::timesteps::Timesteps;
use crate::{
    NoiseSource, PredictionType, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerError,
    TimestepSpacing,
};

pub(crate) const NAME: &str = "pndm";

/// Weights of the last predictions, the newest first, and what to divide their sum by: for one, two, three and four.
const ADAMS_BASHFORTH: [(&[f64], f64); 4] =
    [(&[1.0], 1.0), (&[3.0, -1.0], 2.0), (&[23.0, -16.0, 5.0], 12.0), (&[55.0, -59.0, 37.0, -9.0], 24.0)];

pub(crate) fn build(config: &SchedulerConfig) -> Result<Box<dyn Scheduler>, SchedulerError> {
    Clipping::refuse(config, NAME, &["clip_sample", "thresholding"])?;
    if config.rescale_betas_zero_snr == Some(true) {
        let supported = "use ddim or euler";
        return Err(SchedulerError::unsupported(NAME, "rescale_betas_zero_snr", "true", supported));
    }
    let prediction = config.prediction_type.unwrap_or(PredictionType::Epsilon);
    if prediction == PredictionType::Sample {
        let supported = "epsilon and v_prediction are; use ddim or euler";
        return Err(SchedulerError::unsupported(NAME, "prediction_type", "sample", supported));
    }
    let schedule = NoiseSchedule::from_config(config, DefaultBetas::DDPM)?;
    Ok(Box::new(Pndm {
        timesteps: Timesteps::from_config(config, TimestepSpacing::Leading, schedule.len())?,
        last_alpha: if config.set_alpha_to_one.unwrap_or(false) { 1.0 } else { schedule.alpha(0) },
        runge_kutta: !config.own("skip_prk_steps")?.unwrap_or(false),
        prediction,
        schedule,
    }))
}

#[derive(Debug)]
struct Pndm {
    schedule: NoiseSchedule,
    timesteps: Timesteps,
    /// ᾱ where the run ends.
    last_alpha: f64,
    runge_kutta: bool,
    prediction: PredictionType,
}

impl Scheduler for Pndm {
    fn begin(&self, options: &SamplingOptions) -> Result<Box<dyn Sampling>, SchedulerError> {
        options.refuse_eta(NAME)?;
        let train = self.schedule.len();
        let least = if self.runge_kutta { 4 } else { 1 };
        let steps = options.steps_within(NAME, least, train)?;
        let timesteps = self.timesteps.whole(steps)?;
        let evaluations = if self.runge_kutta {
            runge_kutta_schedule(&timesteps, train / steps)
        } else {
            multistep_schedule(&timesteps, train / steps)
        };
        let plan = evaluations.iter().map(|evaluation| {
            let from = self.schedule.alpha(evaluation.from);
            let to = evaluation.to.map_or(self.last_alpha, |s| self.schedule.alpha(s));
            Planned {
                role: evaluation.role,
                seen: self.schedule.level(evaluation.timestep),
                step: Step::new(from, to),
            }
        });
        Ok(Box::new(PndmSampling {
            plan: plan.collect(),
            timesteps: evaluations.iter().map(|evaluation| evaluation.timestep as f64).collect(),
            prediction: self.prediction,
            start: None,
            mean: None,
            history: VecDeque::new(),
        }))
    }
}

/// What a prediction is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The first of four of a Runge-Kutta step.
    RungeKuttaFirst,
    /// The second and third.
    RungeKuttaMiddle,
    /// The fourth.
    RungeKuttaLast,
    /// The first of a run without Runge-Kutta steps: a trial step.
    Trial,
    /// After the trial, from where it began: the step again, with the mean of both predictions.
    Again,
    /// From the last predictions.
    Multistep,
}

/// One evaluation of the network.
#[derive(Debug)]
struct Evaluation {
    /// What the network is told.
    timestep: usize,
    role: Role,
    /// The step that follows, `None` to the end of the run.
    from: usize,
    to: Option<usize>,
}

impl Evaluation {
    /// One that is followed by a step of the whole stride.
    fn whole(timestep: usize, role: Role, stride: usize) -> Self {
        Self { timestep, role, from: timestep, to: timestep.checked_sub(stride) }
    }
}

/// One evaluation a timestep, but two at the second.
fn multistep_schedule(timesteps: &[usize], stride: usize) -> Vec<Evaluation> {
    let mut evaluations = vec![Evaluation::whole(timesteps[0], Role::Trial, stride)];
    if let Some(&t) = timesteps.get(1) {
        evaluations.push(Evaluation { timestep: t, role: Role::Again, from: t + stride, to: Some(t) });
    }
    evaluations.extend(timesteps[1..].iter().map(|&t| Evaluation::whole(t, Role::Multistep, stride)));
    evaluations
}

/// Three Runge-Kutta steps of four evaluations, then one evaluation a timestep. Takes four timesteps or more.
fn runge_kutta_schedule(timesteps: &[usize], stride: usize) -> Vec<Evaluation> {
    let half = stride / 2;
    let mut evaluations = Vec::new();
    for pair in timesteps[..4].windows(2) {
        let (from, next) = (pair[0], pair[1]);
        // The middle is counted from the next timestep for the network, but from this one for the first of the four:
        // as in the reference, where they differ by one for an odd stride.
        let middle = next + half;
        for (timestep, role, to) in [
            (from, Role::RungeKuttaFirst, Some(from - half)),
            (middle, Role::RungeKuttaMiddle, Some(middle)),
            (middle, Role::RungeKuttaMiddle, Some(next)),
            (next, Role::RungeKuttaLast, Some(next)),
        ] {
            evaluations.push(Evaluation { timestep, role, from, to });
        }
    }
    evaluations.extend(timesteps[3..].iter().map(|&t| Evaluation::whole(t, Role::Multistep, stride)));
    evaluations
}

/// An evaluation as its step needs it.
#[derive(Debug)]
struct Planned {
    role: Role,
    /// The level at which the network sees the sample.
    seen: Level,
    step: Step,
}

/// The coefficients of equation 9.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: Level,
    sample: f64,
    epsilon: f64,
}

impl Step {
    fn new(alpha: f64, alpha_next: f64) -> Self {
        let denominator = alpha * (1.0 - alpha_next).sqrt() + (alpha * (1.0 - alpha) * alpha_next).sqrt();
        Self {
            from: Level::from_alpha(alpha),
            sample: (alpha_next / alpha).sqrt(),
            epsilon: (alpha_next - alpha) / denominator,
        }
    }
}

#[derive(Debug)]
struct PndmSampling {
    timesteps: Vec<f64>,
    plan: Vec<Planned>,
    prediction: PredictionType,
    /// Where the step began that takes several evaluations.
    start: Option<Tensor<4>>,
    /// The weighted predictions of the Runge-Kutta step so far.
    mean: Option<Tensor<4>>,
    /// The last predictions, the newest first, at most four.
    history: VecDeque<Tensor<4>>,
}

impl PndmSampling {
    fn remember(&mut self, prediction: Tensor<4>) {
        self.history.truncate(3);
        self.history.push_front(prediction);
    }

    fn add_to_mean(&mut self, prediction: Tensor<4>, weight: f64) -> Tensor<4> {
        let prediction = prediction * weight;
        match self.mean.take() {
            None => prediction,
            Some(mean) => mean + prediction,
        }
    }

    /// The weighted sum of the last predictions; `newest` is the last of them.
    fn adams_bashforth(&self, newest: Tensor<4>) -> Tensor<4> {
        let (weights, divisor) = ADAMS_BASHFORTH[self.history.len().clamp(1, 4) - 1];
        let older = self.history.iter().skip(1).zip(&weights[1..]);
        let sum =
            older.fold(newest * weights[0], |sum, (prediction, &weight)| sum + prediction.clone() * weight);
        sum / divisor
    }
}

impl Sampling for PndmSampling {
    fn timesteps(&self) -> &[f64] {
        &self.timesteps
    }

    fn step(
        &mut self,
        model_output: Tensor<4>,
        index: usize,
        sample: Tensor<4>,
        _noise: &mut dyn NoiseSource,
    ) -> Tensor<4> {
        let (output, sample) = match self.plan[index].role {
            Role::RungeKuttaFirst => {
                self.remember(model_output.clone());
                self.start = Some(sample.clone());
                self.mean = Some(model_output.clone() / 6.0);
                (model_output, sample)
            }
            Role::RungeKuttaMiddle => {
                self.mean = Some(self.add_to_mean(model_output.clone(), 1.0 / 3.0));
                (model_output, self.start.clone().unwrap_or(sample))
            }
            Role::RungeKuttaLast => {
                (self.add_to_mean(model_output, 1.0 / 6.0), self.start.take().unwrap_or(sample))
            }
            Role::Trial => {
                self.remember(model_output.clone());
                self.start = Some(sample.clone());
                (model_output, sample)
            }
            Role::Again => {
                let mean = match self.history.front() {
                    Some(first) => (model_output + first.clone()) / 2.0,
                    None => model_output,
                };
                (mean, self.start.take().unwrap_or(sample))
            }
            Role::Multistep => {
                self.remember(model_output.clone());
                (self.adams_bashforth(model_output), sample)
            }
        };
        let Step { from, sample: keep, epsilon } = self.plan[index].step;
        let noise = self.prediction.noise(output, sample.clone(), from);
        sample * keep - noise * epsilon
    }

    fn add_noise(&self, clean: Tensor<4>, noise: Tensor<4>, index: usize) -> Tensor<4> {
        self.plan[index].seen.mix(clean, noise)
    }
}
