//! Every step of every scheduler, against stored runs of the reference on the same model outputs.
//!
//! `fixtures/schedulers.safetensors` says in its metadata what each case is; `fixtures/make/schedulers.py` makes it.

use std::collections::BTreeMap;

use burn::Tensor;
use burn::tensor::Device;
use gligen_schedulers::{Sampling, SamplingOptions, SchedulerConfig, SchedulerKind, TorchNoise};
use gligen_testkit::{Fixture, devices, relative_error};
use serde_json::{Map, Value};

/// The reference keeps its coefficients in f32, we ours in f64: each step of it is off by some 1e-7, and these add up
/// over a run.
const TOLERANCE: f64 = 1e-5;

/// From pure noise at σ = 4096 the first step of a sample x₀ + σ ε is a small difference of large numbers.
const TOLERANCE_FROM_PURE_NOISE: f64 = 1e-4;

/// What the reference's generator was seeded with before each run.
const SEED: u64 = 42;

/// The n-th of stacked tensors.
fn nth(stacked: &Tensor<5>, n: usize) -> Tensor<4> {
    stacked.clone().narrow(0, n, 1).squeeze_dim(0)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as().unwrap()
}

struct Case<'a> {
    name: &'a str,
    fixture: &'a Fixture,
    device: &'a Device,
    tolerance: f64,
    worst: &'a mut f64,
}

impl Case<'_> {
    fn stored(&self, key: &str) -> Vec<f32> {
        self.fixture.floats(&format!("{}/{key}", self.name))
    }

    fn close(&mut self, what: &str, actual: &[f32], expected: &[f32]) {
        let error = relative_error(actual, expected);
        // Written so that a NaN fails.
        let allowed = self.tolerance;
        assert!(error <= allowed, "{}: {what}: relative error {error:.2e} > {allowed:.0e}", self.name);
        *self.worst = self.worst.max(error);
    }

    fn run(&mut self, case: &Value) {
        let config = SchedulerConfig::from_json(&case["config"].to_string()).unwrap();
        let kind = SchedulerKind::from_class_name(case["scheduler"].as_str().unwrap());
        let eta = case["eta"].as_f64().unwrap();
        let options = SamplingOptions { steps: case["steps"].as_u64().unwrap() as usize, eta };
        let mut sampling = config.build(kind).unwrap().begin(&options).unwrap();

        let timesteps: Vec<f32> = sampling.timesteps().iter().map(|&t| t as f32).collect();
        let expected = self.stored("timesteps");
        if expected.iter().all(|t| t.fract() == 0.0) {
            assert_eq!(timesteps, expected, "{}: timesteps", self.name);
        } else {
            // Found by interpolating logarithms, of which numpy's in f32 are not the nearest numbers.
            self.close("timesteps", &timesteps, &expected);
        }
        self.close(
            "init_noise_sigma",
            &[sampling.init_noise_sigma() as f32],
            &self.stored("init_noise_sigma"),
        );
        self.add_noise(sampling.as_ref());
        self.steps(sampling.as_mut());
    }

    fn add_noise(&mut self, sampling: &dyn Sampling) {
        let clean = self.fixture.tensor::<4>("clean", self.device);
        let noise = self.fixture.tensor::<4>("noise", self.device);
        let expected = self.fixture.tensor::<5>(&format!("{}/add_noise", self.name), self.device);
        let count = sampling.timesteps().len();
        for (n, index) in [0, count / 2, count - 1].into_iter().enumerate() {
            let noisy = sampling.add_noise(clean.clone(), noise.clone(), index);
            self.close("add_noise", &numbers(noisy), &numbers(nth(&expected, n)));
        }
    }

    /// A whole run, each step from our own sample.
    fn steps(&mut self, sampling: &mut dyn Sampling) {
        let outputs = self.fixture.tensor::<5>("model_outputs", self.device);
        let mut noise = TorchNoise::new(SEED);
        let expected = self.fixture.tensor::<5>(&format!("{}/samples", self.name), self.device);
        let inputs = format!("{}/model_inputs", self.name);
        let inputs = self.fixture.has(&inputs).then(|| self.fixture.tensor::<5>(&inputs, self.device));

        let mut sample = self.fixture.tensor::<4>("sample", self.device) * sampling.init_noise_sigma();
        assert_eq!(expected.dims()[0], sampling.timesteps().len(), "{}", self.name);
        for index in 0..sampling.timesteps().len() {
            let input = sampling.scale_model_input(sample.clone(), index);
            match &inputs {
                Some(inputs) => self.close("model input", &numbers(input), &numbers(nth(inputs, index))),
                None => assert_eq!(input.into_data(), sample.to_data(), "{}", self.name),
            }
            sample = sampling.step(nth(&outputs, index), index, sample, &mut noise);
            self.close("sample", &numbers(sample.clone()), &numbers(nth(&expected, index)));
        }
    }
}

#[test]
fn every_case_of_the_reference() {
    let fixture = Fixture::open("schedulers");
    // Name → `{scheduler, config, steps, eta}`.
    let cases: Map<String, Value> = serde_json::from_str(fixture.note("cases")).unwrap();
    assert!(cases.len() >= 490, "{} cases", cases.len());
    for device in devices() {
        let mut worst: BTreeMap<(&str, bool), f64> = BTreeMap::new();
        for (name, case) in &cases {
            let from_pure_noise = fixture.floats(&format!("{name}/init_noise_sigma"))[0] > 1000.0;
            let tolerance = if from_pure_noise { TOLERANCE_FROM_PURE_NOISE } else { TOLERANCE };
            let worst = worst.entry((case["scheduler"].as_str().unwrap(), from_pure_noise)).or_default();
            Case { name, fixture: &fixture, device: &device, tolerance, worst }.run(case);
        }
        println!("{} cases on {device:?}; relative error at most:", cases.len());
        for ((scheduler, from_pure_noise), worst) in worst {
            println!("  {scheduler:<32} {worst:.1e}{}", if from_pure_noise { " from σ = 4096" } else { "" });
        }
    }
}
