//! What holds for every scheduler in the table, whatever its config.

use burn::Tensor;
use burn::tensor::Device;
use gligen_schedulers::{
    NoiseSource, PredictionType, Sampling, SamplingOptions, Scheduler, SchedulerConfig, SchedulerKind,
    SeededNoise,
};
use gligen_testkit::{devices, relative_error};
use proptest::prelude::*;

const SHAPE: [usize; 4] = [1, 2, 3, 3];

/// Of the sampler that a consistency model is distilled from: the most steps that LCM takes.
const ORIGINAL_STEPS: usize = 500;

fn device() -> Device {
    devices().remove(0)
}

fn numbers(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as().unwrap()
}

/// A config that every scheduler should understand, with all that may change its levels.
#[derive(Debug, Clone)]
struct Setup {
    kind: SchedulerKind,
    spacing: &'static str,
    prediction: &'static str,
    runge_kutta: bool,
    json: String,
}

fn setups(betas: &'static [&'static str]) -> impl Strategy<Value = Setup> {
    (
        prop::sample::select(SchedulerKind::ALL),
        prop::sample::select(betas),
        prop::sample::select(&["leading", "trailing", "linspace"][..]),
        prop::sample::select(&["epsilon", "v_prediction", "sample"][..]),
        prop::sample::select(&["", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"][..]),
        (0usize..3, any::<bool>(), any::<bool>()),
    )
        .prop_map(|(kind, betas, spacing, prediction, sigmas, (offset, to_one, runge_kutta))| Setup {
            kind,
            spacing,
            // The only thing here that a scheduler may refuse: then it is told the other.
            prediction: if kind.name() == "pndm" && prediction == "sample" { "epsilon" } else { prediction },
            runge_kutta,
            json: format!(
                r#""beta_schedule": "{betas}", "timestep_spacing": "{spacing}", "steps_offset": {offset},
                   "clip_sample": false, "set_alpha_to_one": {to_one}, "skip_prk_steps": {}, "{sigmas}": true,
                   "original_inference_steps": {ORIGINAL_STEPS}"#,
                !runge_kutta
            )
            .replace(r#""": true,"#, ""),
        })
}

impl Setup {
    fn build(&self) -> Box<dyn Scheduler> {
        let json = format!(r#"{{{}, "prediction_type": "{}"}}"#, self.json, self.prediction);
        SchedulerConfig::from_json(&json).unwrap().build(Some(self.kind)).unwrap()
    }

    fn begin(&self, steps: usize) -> Box<dyn Sampling> {
        self.build().begin(&SamplingOptions { steps, eta: 0.0 }).unwrap()
    }

    /// Whether each step ends on the very level where the next begins. The reference's DDIM and PNDM move by the stride
    /// of `leading` whatever the spacing, and PNDM averages predictions of v that belong to different levels. Between two
    /// levels, where DPM2 looks, `add_noise` adds the noise of the second.
    fn ends_where_the_next_begins(&self, steps: usize) -> bool {
        match self.kind.name() {
            "ddim" => self.spacing == "leading",
            "pndm" => {
                let whole_half = (1000 / steps).is_multiple_of(2);
                self.spacing == "leading" && self.prediction == "epsilon" && (whole_half || !self.runge_kutta)
            }
            "dpm2" | "dpm2-karras" => false,
            _ => true,
        }
    }

    fn ends_without_noise(&self) -> bool {
        !matches!(self.kind.name(), "ddim" | "pndm" | "deis")
    }
}

/// Silence in place of noise, and whether it was asked for.
#[derive(Default)]
struct Silence {
    asked: bool,
}

impl NoiseSource for Silence {
    fn normal(&mut self, shape: [usize; 4], device: &Device) -> Tensor<4> {
        self.asked = true;
        Tensor::zeros(shape, device)
    }
}

/// Shares of signal and noise at `index`, found by mixing a clean 1 with no noise and the reverse.
fn level(sampling: &dyn Sampling, index: usize) -> (f64, f64) {
    let device = device();
    let (zero, one) = (Tensor::zeros([1, 1, 1, 1], &device), Tensor::ones([1, 1, 1, 1], &device));
    let share = |clean: &Tensor<4>, noise: &Tensor<4>| {
        f64::from(sampling.add_noise(clean.clone(), noise.clone(), index).into_scalar::<f32>())
    };
    (share(&one, &zero), share(&zero, &one))
}

/// What a network would say that knows the truth.
fn true_output(
    prediction: &str,
    clean: &Tensor<4>,
    noise: &Tensor<4>,
    (signal, share): (f64, f64),
) -> Tensor<4> {
    let length = signal.hypot(share);
    match prediction {
        "epsilon" => noise.clone(),
        "v_prediction" => noise.clone() * (signal / length) - clean.clone() * (share / length),
        _ => clean.clone(),
    }
}

fn clean_and_noise(seed: u64) -> (Tensor<4>, Tensor<4>) {
    let mut source = SeededNoise::new(vec![seed]);
    (source.normal(SHAPE, &device()), source.normal(SHAPE, &device()))
}

/// A run on outputs that depend on the sample, so that every error would spread.
fn run(sampling: &mut dyn Sampling, seed: u64) -> Vec<f32> {
    let mut noise = SeededNoise::new(vec![seed]);
    let mut sample = noise.normal(SHAPE, &device()) * sampling.init_noise_sigma();
    for index in 0..sampling.timesteps().len() {
        let output = sampling.scale_model_input(sample.clone(), index).tanh();
        sample = sampling.step(output, index, sample, &mut noise);
    }
    numbers(sample)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn levels_never_rise(
        setup in setups(&["linear", "scaled_linear", "squaredcos_cap_v2"]), steps in prop_oneof![4usize..40, 40usize..330],
    ) {
        let sampling = setup.begin(steps);
        let timesteps = sampling.timesteps();
        prop_assert!(timesteps.len() >= steps);
        // DPM2 tells whole timesteps at Karras's levels, but not between them.
        prop_assert!(timesteps.windows(2).all(|pair| pair[0] + 0.5 >= pair[1]), "{timesteps:?}");
        let levels: Vec<f64> = (0..timesteps.len()).map(|i| level(sampling.as_ref(), i)).map(|(s, n)| n / s).collect();
        prop_assert!(levels.windows(2).all(|pair| pair[0] >= pair[1]), "{levels:?}");
        prop_assert!(levels.iter().all(|level| *level > 0.0 && level.is_finite()), "{levels:?}");
    }

    #[test]
    fn add_noise_is_undone_by_the_true_noise(
        setup in setups(&["linear", "scaled_linear", "squaredcos_cap_v2"]), steps in 4usize..40, seed: u64,
    ) {
        let sampling = setup.begin(steps);
        let (clean, noise) = clean_and_noise(seed);
        for index in 0..sampling.timesteps().len() {
            let (signal, share) = level(sampling.as_ref(), index);
            let noisy = sampling.add_noise(clean.clone(), noise.clone(), index);
            let found = (noisy - noise.clone() * share) / signal;
            // What f32 loses where the noise is much larger than the signal.
            let allowed = 1e-6 * (1.0 + share / signal);
            prop_assert!(relative_error(&numbers(found), &numbers(clean.clone())) <= allowed, "at {index}");
        }
    }

    #[test]
    fn the_true_noise_keeps_a_sample_on_the_true_path(
        setup in setups(&["linear", "scaled_linear"]), steps in 4usize..40, seed: u64,
    ) {
        prop_assume!(setup.ends_where_the_next_begins(steps));
        let mut sampling = setup.begin(steps);
        let (clean, noise) = clean_and_noise(seed);
        let mut silence = Silence::default();
        let count = sampling.timesteps().len();
        let mut sample = sampling.add_noise(clean.clone(), noise.clone(), 0);
        for index in 0..count {
            let output = true_output(setup.prediction, &clean, &noise, level(sampling.as_ref(), index));
            sample = sampling.step(output, index, sample, &mut silence);
            if silence.asked {
                return Ok(()); // Only deterministic methods promise it.
            }
            let on_path = match index + 1 {
                next if next < count => sampling.add_noise(clean.clone(), noise.clone(), next),
                _ if setup.ends_without_noise() => clean.clone(),
                _ => break,
            };
            // The first steps of `linear` divide by a signal of 0.006.
            let error = relative_error(&numbers(sample.clone()), &numbers(on_path));
            prop_assert!(error <= 1e-4, "after {index}: {error:e}");
        }
    }

    /// The one that knows a single picture, and finds the noise in a sample as what is not of the picture.
    #[test]
    fn ddim_inverts_add_noise_on_a_linear_model(steps in 1usize..60, seed: u64) {
        let json = r#"{"beta_schedule": "scaled_linear", "clip_sample": false, "set_alpha_to_one": true}"#;
        let ddim = SchedulerConfig::from_json(json).unwrap().build(Some("ddim".parse().unwrap())).unwrap();
        let mut sampling = ddim.begin(&SamplingOptions { steps, eta: 0.0 }).unwrap();
        let (clean, noise) = clean_and_noise(seed);
        let mut sample = sampling.add_noise(clean.clone(), noise, 0);
        for index in 0..steps {
            let (signal, share) = level(sampling.as_ref(), index);
            let output = (sample.clone() - clean.clone() * signal) / share;
            sample = sampling.step(output, index, sample, &mut Silence::default());
        }
        let error = relative_error(&numbers(sample), &numbers(clean));
        prop_assert!(error <= 1e-4, "{error:e}");
    }

    #[test]
    fn two_runs_from_one_seed_agree(setup in setups(&["scaled_linear"]), steps in 4usize..20, seed: u64) {
        let eta = if setup.kind.name() == "ddim" { 0.7 } else { 0.0 };
        let options = SamplingOptions { steps, eta };
        let scheduler = setup.build();
        let first = run(scheduler.begin(&options).unwrap().as_mut(), seed);
        prop_assert!(first.iter().all(|number| number.is_finite()));
        prop_assert_eq!(&first, &run(scheduler.begin(&options).unwrap().as_mut(), seed));
        prop_assert_ne!(&first, &run(scheduler.begin(&options).unwrap().as_mut(), seed.wrapping_add(1)));
    }

    /// What one generation remembers is its own, although the scheduler is shared.
    #[test]
    fn generations_do_not_disturb_each_other(setup in setups(&["scaled_linear"]), steps in 4usize..12) {
        let scheduler = setup.build();
        let options = SamplingOptions { steps, eta: 0.0 };
        let alone = run(scheduler.begin(&options).unwrap().as_mut(), 1);

        let mut noise = SeededNoise::new(vec![1]);
        let (mut ours, mut other) = (scheduler.begin(&options).unwrap(), scheduler.begin(&options).unwrap());
        let mut sample = noise.normal(SHAPE, &device()) * ours.init_noise_sigma();
        let mut others_noise = SeededNoise::new(vec![2]);
        for index in 0..ours.timesteps().len() {
            let ones = Tensor::ones(SHAPE, &device());
            other.step(ones.clone() * 9.0, index, ones, &mut others_noise);
            let output = ours.scale_model_input(sample.clone(), index).tanh();
            sample = ours.step(output, index, sample, &mut noise);
        }
        prop_assert_eq!(alone, numbers(sample));
    }

    /// Whatever the numbers: a plan that stays within the noise schedule, or an error.
    #[test]
    fn beginning_never_panics(
        setup in setups(&["linear", "scaled_linear", "squaredcos_cap_v2"]),
        train in 1usize..1100, steps in 0usize..1200, offset in 0usize..1200, eta in -0.5..1.5f64,
    ) {
        let mut config = SchedulerConfig::from_json(&format!("{{{}}}", setup.json)).unwrap();
        config.num_train_timesteps = Some(train);
        config.steps_offset = Some(offset);
        let eta = if setup.kind.name() == "ddim" { eta } else { 0.0 };
        let Ok(scheduler) = config.build(Some(setup.kind)) else {
            let too_few = if setup.kind.name() == "lcm" { train < ORIGINAL_STEPS } else { train < 3 };
            prop_assert!(offset >= train || too_few, "refused: {:?}", config.build(Some(setup.kind)));
            return Ok(());
        };
        if let Ok(sampling) = scheduler.begin(&SamplingOptions { steps, eta }) {
            prop_assert!((1..=train).contains(&steps) && (0.0..=1.0).contains(&eta));
            prop_assert!(sampling.timesteps().iter().all(|t| t.is_finite() && *t >= 0.0));
        }
    }
}

#[test]
fn zero_terminal_snr_starts_from_pure_noise() {
    let json = r#"{
        "beta_schedule": "scaled_linear", "rescale_betas_zero_snr": true, "timestep_spacing": "trailing",
        "prediction_type": "v_prediction"
    }"#;
    let mut config = SchedulerConfig::from_json(json).unwrap();
    let options = SamplingOptions { steps: 5, eta: 0.0 };
    // PNDM divides by the signal, which is not there.
    for kind in SchedulerKind::ALL.iter().filter(|kind| kind.name() != "pndm") {
        let mut sampling = config.build(Some(*kind)).unwrap().begin(&options).unwrap();
        let (signal, noise) = level(sampling.as_ref(), 0);
        assert!(signal < 3e-4 * noise, "{kind}: {signal} and {noise}");
        assert!(run(sampling.as_mut(), 3).iter().all(|number| number.is_finite()), "{kind}");
    }

    config.prediction_type = Some(PredictionType::Epsilon);
    for kind in ["ddim", "ddpm", "lcm"] {
        let scheduler = config.build(Some(kind.parse().unwrap())).unwrap();
        assert!(scheduler.begin(&options).is_err(), "{kind}");
    }
}

/// Some names stand for a class with options set, whatever the config says of them.
#[test]
fn names_with_options_are_their_class_with_these_options() {
    let karras = r#""use_karras_sigmas": true"#;
    let sde = r#""algorithm_type": "sde-dpmsolver++""#;
    let both = format!("{karras}, {sde}");
    for (name, class, options) in [
        ("dpmpp-2m-karras", "dpmpp-2m", karras),
        ("dpmpp-2m-sde", "dpmpp-2m", sde),
        ("dpmpp-2m-sde-karras", "dpmpp-2m", &both),
        ("dpmpp-sde-karras", "dpmpp-sde", karras),
        ("dpm2-karras", "dpm2", karras),
        ("dpm2-a-karras", "dpm2-a", karras),
        ("lms-karras", "lms", karras),
    ] {
        let result = |json: &str, kind: &str| {
            let scheduler =
                SchedulerConfig::from_json(json).unwrap().build(Some(kind.parse().unwrap())).unwrap();
            run(scheduler.begin(&SamplingOptions { steps: 6, eta: 0.0 }).unwrap().as_mut(), 1)
        };
        let expected = result(&format!("{{{options}}}"), class);
        assert_eq!(result("{}", name), expected, "{name}");
        if name.ends_with("karras") {
            assert_eq!(result(r#"{"use_exponential_sigmas": true}"#, name), expected, "{name}");
        }
        assert_ne!(result("{}", class), expected, "{name}");
    }
}
