//! Configs as they are published, and what is said of those that are wrong.

use gligen_schedulers::{SamplingOptions, SchedulerConfig, SchedulerError, SchedulerKind};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What is said when the scheduler is built and a run of `steps` begins.
fn refusal(json: &str, kind: Option<&str>, steps: usize, eta: f64) -> SchedulerError {
    let attempt = || {
        let config = SchedulerConfig::from_json(json)?;
        let kind = kind.map(str::parse).transpose()?;
        config.build(kind)?.begin(&SamplingOptions { steps, eta }).map(drop)
    };
    attempt().expect_err(json)
}

#[test]
fn the_table_of_schedulers() {
    let rows = SchedulerKind::ALL.iter();
    let table: Vec<_> =
        rows.map(|kind| format!("{kind:<19} {:<31} {}", kind.class_name(), kind.description())).collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn names_lead_back_to_their_schedulers() {
    for kind in SchedulerKind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(*kind));
        let first = SchedulerKind::ALL.iter().find(|other| other.class_name() == kind.class_name());
        assert_eq!(SchedulerKind::from_class_name(kind.class_name()).as_ref(), first);
    }
}

#[test]
fn error_texts() {
    let long = format!(r#"{{"prediction_type": "{}"}}"#, "x".repeat(1000));
    let betas = r#"{"trained_betas": [0.1, 0.2], "num_train_timesteps": 3}"#;
    let named = |class: &str| format!(r#"{{"_class_name": "{class}"}}"#);
    let cases: &[(&str, Option<&str>, usize, f64)] = &[
        ("[1]", None, 5, 0.0),
        ("{", None, 5, 0.0),
        (r#"{"predicton_type": "epsilon"}"#, None, 5, 0.0),
        (r#"{"colour": "red"}"#, None, 5, 0.0),
        (r#"{"prediction_type": "flow"}"#, None, 5, 0.0),
        (r#"{"prediction_type": 3}"#, None, 5, 0.0),
        (&long, None, 5, 0.0),
        (r#"{"beta_schedule": "sigmoid"}"#, None, 5, 0.0),
        (r#"{"timestep_spacing": "random"}"#, None, 5, 0.0),
        (r#"{"num_train_timesteps": -1}"#, None, 5, 0.0),
        (r#"{"num_train_timesteps": 1000000000000}"#, Some("ddim"), 5, 0.0),
        (r#"{"beta_end": 1.5}"#, Some("ddim"), 5, 0.0),
        (r#"{"beta_start": 0}"#, Some("ddim"), 5, 0.0),
        (betas, Some("euler"), 5, 0.0),
        (r#"{"steps_offset": 1000}"#, Some("pndm"), 5, 0.0),
        ("{}", None, 5, 0.0),
        ("{}", Some("dimm"), 5, 0.0),
        (&named("FlowMatchEulerDiscreteScheduler"), None, 5, 0.0),
        ("{}", Some("ddim"), 0, 0.0),
        ("{}", Some("ddim"), 1001, 0.0),
        ("{}", Some("pndm"), 3, 0.0),
        (r#"{"steps_offset": 1}"#, Some("ddim"), 1000, 0.0),
        ("{}", Some("ddim"), 5, 1.5),
        ("{}", Some("ddim"), 5, f64::NAN),
        ("{}", Some("pndm"), 5, 0.5),
        ("{}", Some("euler"), 5, 0.5),
        (r#"{"thresholding": true, "sample_max_value": 0.5}"#, Some("ddim"), 5, 0.0),
        (r#"{"thresholding": true}"#, Some("pndm"), 5, 0.0),
        (r#"{"clip_sample": true}"#, Some("euler"), 5, 0.0),
        (r#"{"prediction_type": "sample"}"#, Some("pndm"), 5, 0.0),
        (r#"{"rescale_betas_zero_snr": true}"#, Some("pndm"), 5, 0.0),
        (r#"{"rescale_betas_zero_snr": true, "timestep_spacing": "trailing"}"#, Some("ddim"), 5, 0.0),
        (r#"{"skip_prk_steps": "yes"}"#, Some("pndm"), 5, 0.0),
        (r#"{"use_karras_sigmas": true, "use_exponential_sigmas": true}"#, Some("euler"), 5, 0.0),
        (r#"{"use_beta_sigmas": true, "use_exponential_sigmas": true}"#, Some("unipc"), 5, 0.0),
        (r#"{"sigma_min": 0.1}"#, Some("euler"), 5, 0.0),
        (r#"{"sigma_min": 900, "use_karras_sigmas": true}"#, Some("euler"), 5, 0.0),
        (r#"{"interpolation_type": "log_linear"}"#, Some("euler"), 5, 0.0),
        (r#"{"timestep_type": "continuous"}"#, Some("euler"), 5, 0.0),
        (r#"{"final_sigmas_type": "one"}"#, Some("euler"), 5, 0.0),
        (r#"{"steps_offset": 1, "timestep_spacing": "leading"}"#, Some("euler"), 1000, 0.0),
        (r#"{"thresholding": true}"#, Some("heun"), 5, 0.0),
        (r#"{"noise_sampler_seed": 7}"#, Some("dpmpp-sde"), 5, 0.0),
        (r#"{"variance_type": "learned_range"}"#, Some("ddpm"), 5, 0.0),
        (r#"{"variance_type": "fixed_large_log"}"#, Some("ddpm"), 5, 0.0),
        (r#"{"original_inference_steps": 2000}"#, Some("lcm"), 5, 0.0),
        ("{}", Some("lcm"), 51, 0.0),
        ("{}", Some("dpmpp-2m"), 1000, 0.0),
        (r#"{"clip_sample": true}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"algorithm_type": "cosine"}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"algorithm_type": "dpmsolver"}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"algorithm_type": "sde-dpmsolver"}"#, Some("dpmpp-2s"), 5, 0.0),
        (
            r#"{"algorithm_type": "sde-dpmsolver", "solver_order": 3, "final_sigmas_type": "sigma_min"}"#,
            Some("dpmpp-2m"),
            5,
            0.0,
        ),
        (r#"{"solver_order": 4}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"solver_type": "rk4"}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"variance_type": "learned"}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"use_lu_lambdas": true, "use_beta_sigmas": true}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"lambda_min_clipped": "low"}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"lambda_min_clipped": 100}"#, Some("dpmpp-2m"), 5, 0.0),
        (r#"{"use_flow_sigmas": true}"#, Some("unipc"), 5, 0.0),
        (r#"{"use_dynamic_shifting": true}"#, Some("deis"), 5, 0.0),
        (r#"{"solver_p": {"_class_name": "DDIMScheduler"}}"#, Some("unipc"), 5, 0.0),
        (r#"{"predict_x0": false}"#, Some("unipc"), 5, 0.0),
        (r#"{"lower_order_final": false}"#, Some("unipc"), 5, 0.0),
        (
            r#"{"predict_x0": false, "final_sigmas_type": "sigma_min", "thresholding": true}"#,
            Some("unipc"),
            5,
            0.0,
        ),
        (r#"{"disable_corrector": [-1]}"#, Some("unipc"), 5, 0.0),
        (r#"{"algorithm_type": "sde-dpmsolver++"}"#, Some("deis"), 5, 0.0),
    ];
    let texts: Vec<_> =
        cases.iter().map(|(json, kind, steps, eta)| refusal(json, *kind, *steps, *eta).to_string()).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

/// The published config of Stable Diffusion 1, and those of schedulers that people switch from.
#[test]
fn a_config_of_one_scheduler_builds_the_others() {
    let published = [
        json!({
            "_class_name": "PNDMScheduler", "_diffusers_version": "0.7.0.dev0", "beta_end": 0.012,
            "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": false,
            "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
            "trained_betas": null
        }),
        json!({
            "_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver++", "beta_end": 0.012,
            "beta_schedule": "scaled_linear", "beta_start": 0.00085, "dynamic_thresholding_ratio": 0.995,
            "euler_at_final": false, "final_sigmas_type": "zero", "lambda_min_clipped": "-Infinity",
            "lower_order_final": true, "num_train_timesteps": 1000, "prediction_type": "epsilon",
            "rescale_betas_zero_snr": false, "sample_max_value": 1.0, "solver_order": 2, "solver_type": "midpoint",
            "steps_offset": 1, "thresholding": false, "timestep_spacing": "leading", "trained_betas": null,
            "use_karras_sigmas": true, "use_lu_lambdas": false, "variance_type": null, "use_flow_sigmas": false,
            "flow_shift": 1.0, "use_dynamic_shifting": false, "time_shift_type": "exponential"
        }),
        json!({
            "_class_name": "UniPCMultistepScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear",
            "beta_start": 0.00085, "disable_corrector": [], "lower_order_final": true, "predict_x0": true,
            "prediction_type": "epsilon", "solver_order": 2, "solver_p": null, "solver_type": "bh2",
            "steps_offset": 1, "thresholding": false, "use_karras_sigmas": false, "sigma_min": null
        }),
    ];
    for config in published {
        let config = SchedulerConfig::from_json(&config.to_string()).unwrap();
        for kind in SchedulerKind::ALL {
            let scheduler = config.build(Some(*kind)).unwrap();
            scheduler.begin(&SamplingOptions { steps: 30, eta: 0.0 }).unwrap();
        }
    }
}

/// What a file leaves out is the built scheduler's to say: PNDM begins with leading timesteps, Euler with linspace.
#[test]
fn defaults_are_those_of_the_built_scheduler() {
    let config =
        SchedulerConfig::from_json(r#"{"_class_name": "PNDMScheduler", "skip_prk_steps": true}"#).unwrap();
    let first = |kind: Option<SchedulerKind>| {
        let sampling = config.build(kind).unwrap().begin(&SamplingOptions { steps: 10, eta: 0.0 }).unwrap();
        sampling.timesteps()[0]
    };
    assert_eq!(first(None), 900.0);
    assert_eq!(first(Some("euler".parse().unwrap())), 999.0);
}

/// Python writes infinities that JSON has not; in a text they are a text.
#[test]
fn infinities_of_python_are_read() {
    let config =
        r#"{"_class_name": "a \"-Infinity\" of \\", "lambda_min_clipped": -Infinity, "sigma_max": Infinity}"#;
    let error = SchedulerConfig::from_json(config).unwrap_err();
    assert_eq!(error.to_string(), r#"scheduler config: `sigma_max` is "Infinity": expected f64"#);

    let config = SchedulerConfig::from_json(&config.replace(r#", "sigma_max": Infinity"#, "")).unwrap();
    assert_eq!(config.class_name.as_deref(), Some(r#"a "-Infinity" of \"#));
    for kind in ["dpmpp-2m", "dpmpp-2s"] {
        assert!(config.build(Some(kind.parse().unwrap())).is_ok());
    }
}

#[test]
fn the_config_is_a_serde_type() {
    let text = r#"{"_class_name": "DDIMScheduler", "steps_offset": 1}"#;
    let config: SchedulerConfig = serde_json::from_str(text).unwrap();
    assert_eq!(Ok(config), SchedulerConfig::from_json(text));
    assert!(serde_json::from_str::<SchedulerConfig>(r#"{"steps_offset": -1}"#).is_err());
}

/// Any JSON value, of any depth up to four.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0.0..2.0f64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z_]{0,12}".prop_map(Value::from),
        prop::sample::select(
            &[
                "epsilon",
                "sample",
                "linear",
                "scaled_linear",
                "leading",
                "zero",
                "sigma_min",
                "discrete",
                "dpmsolver",
                "sde-dpmsolver++",
                "heun",
                "bh1",
                "fixed_large",
                "-Infinity",
            ][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any_key(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A key that means something, or one that does not.
fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(&[
            "_class_name", "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas",
            "prediction_type", "timestep_spacing", "steps_offset", "clip_sample", "clip_sample_range", "thresholding",
            "dynamic_thresholding_ratio", "sample_max_value", "use_karras_sigmas", "sigma_min", "sigma_max",
            "final_sigmas_type", "rescale_betas_zero_snr", "skip_prk_steps", "interpolation_type", "timestep_type",
            "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas", "algorithm_type", "solver_type", "solver_order",
            "lambda_min_clipped", "lower_order_final", "euler_at_final", "disable_corrector", "predict_x0", "variance_type",
            "original_inference_steps", "timestep_scaling",
        ][..]).prop_map(String::from),
        1 => ".*",
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = SchedulerConfig::from_json(&text);
    }

    #[test]
    fn no_config_makes_it_panic(map in prop::collection::hash_map(any_key(), any_json(), 0..8), steps in 0usize..50) {
        let text = Value::Object(map.into_iter().collect()).to_string();
        if let Ok(config) = SchedulerConfig::from_json(&text) {
            for kind in SchedulerKind::ALL {
                if let Ok(scheduler) = config.build(Some(*kind)) {
                    let _ = scheduler.begin(&SamplingOptions { steps, eta: 0.0 });
                }
            }
        }
    }
}
