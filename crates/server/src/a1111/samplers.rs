//! Samplers and their noise levels, by the names that they have there.

use axum::http::StatusCode;
use axum::response::Response;
use gligen_schedulers::SchedulerKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::json_answer;
use crate::problem::Problem;

/// The noise levels that a sampler has by itself.
const AUTOMATIC: &str = "Automatic";

/// Noise levels that some samplers can have; then their names end with it.
const KARRAS: &str = "Karras";

/// A sampler.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Sampler")]
pub(crate) struct Sampler {
    name: &'static str,
    aliases: [&'static str; 1],
    options: Map<String, Value>,
}

pub(crate) async fn samplers() -> Response {
    let sampler =
        |kind: &SchedulerKind| Sampler { name: label(kind), aliases: [kind.name()], options: Map::new() };
    json_answer(StatusCode::OK, &SchedulerKind::ALL.iter().map(sampler).collect::<Vec<_>>())
}

/// Noise levels.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "A1111Scheduler")]
pub(crate) struct Levels {
    name: String,
    label: &'static str,
    aliases: Option<Vec<String>>,
    /// -1: their own.
    default_rho: f64,
    need_inner_model: bool,
}

pub(crate) async fn schedulers() -> Response {
    let levels = |label: &'static str| Levels {
        name: label.to_lowercase(),
        label,
        aliases: None,
        default_rho: -1.0,
        need_inner_model: false,
    };
    json_answer(StatusCode::OK, &[AUTOMATIC, KARRAS].map(levels))
}

/// Our name of their `sampler` at their noise levels, the `scheduler`.
pub(super) fn our_scheduler(
    sampler: Option<&str>,
    scheduler: Option<&str>,
) -> Result<Option<&'static str>, Problem> {
    let is_given = |name: &&str| !name.is_empty();
    let kind = sampler.filter(is_given).map(named).transpose()?;
    let levels = scheduler.filter(is_given).unwrap_or(AUTOMATIC);
    if levels.eq_ignore_ascii_case(AUTOMATIC) {
        return Ok(kind.map(|kind| kind.name()));
    }
    if !levels.eq_ignore_ascii_case(KARRAS) {
        return Err(Problem::refused(format!("`scheduler`: no noise levels `{levels}`"))
            .hint("GET /sdapi/v1/schedulers lists them"));
    }
    let Some(kind) = kind else {
        return Err(Problem::refused(format!("`scheduler`: `{levels}` without `sampler_name`")));
    };
    if label(&kind).ends_with(KARRAS) {
        return Ok(Some(kind.name()));
    }
    let both = SchedulerKind::ALL.iter().find(|other| without_levels(other) == Some(label(&kind)));
    both.map(|kind| Some(kind.name())).ok_or_else(|| {
        let can: Vec<_> = SchedulerKind::ALL.iter().filter_map(without_levels).collect();
        Problem::refused(format!("`scheduler`: `{}` has no noise levels `{KARRAS}`", label(&kind)))
            .hint(format!("these have: {}", can.join(", ")))
    })
}

/// The sampler that they call `name`, or we do.
fn named(name: &str) -> Result<SchedulerKind, Problem> {
    let ours = || name.to_ascii_lowercase().parse().ok();
    SchedulerKind::from_a1111_name(name).or_else(ours).ok_or_else(|| {
        Problem::refused(format!("`sampler_name`: no sampler `{name}`"))
            .hint("GET /sdapi/v1/samplers lists them")
    })
}

/// What they call a sampler at its own noise levels, of one that is at Karras's.
fn without_levels(kind: &SchedulerKind) -> Option<&'static str> {
    label(kind).strip_suffix(KARRAS).map(str::trim_end)
}

/// What they call a sampler; ours where they have none.
fn label(kind: &SchedulerKind) -> &'static str {
    kind.a1111_name().unwrap_or(kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_kinds() {
        for kind in SchedulerKind::ALL {
            assert_eq!(named(label(kind)).unwrap(), *kind);
        }
        for (sampler, scheduler, ours) in [
            (Some("DPM++ 2M Karras"), None, Some("dpmpp-2m-karras")),
            (Some("DPM++ 2M Karras"), Some("Automatic"), Some("dpmpp-2m-karras")),
            (Some("DPM++ 2M Karras"), Some("Karras"), Some("dpmpp-2m-karras")),
            (Some("DPM++ 2M"), Some("Karras"), Some("dpmpp-2m-karras")),
            (Some("DPM++ 2M"), Some("automatic"), Some("dpmpp-2m")),
            (Some("dpm2-a"), Some("karras"), Some("dpm2-a-karras")),
            (Some("euler a"), Some(""), Some("euler-a")),
            (Some("LCM"), None, Some("lcm")),
            (Some(""), Some("Automatic"), None),
            (None, None, None),
        ] {
            assert_eq!(our_scheduler(sampler, scheduler).unwrap(), ours, "{sampler:?} {scheduler:?}");
        }
    }

    #[test]
    fn names_that_there_are_not() {
        let told = [
            (Some("magic"), None),
            (Some("Euler"), Some("SGM Uniform")),
            (Some("Euler"), Some("karras")),
            (None, Some("karras")),
        ]
        .map(|(sampler, scheduler)| our_scheduler(sampler, scheduler).unwrap_err().message());
        assert_eq!(
            told,
            [
                "`sampler_name`: no sampler `magic`; GET /sdapi/v1/samplers lists them",
                "`scheduler`: no noise levels `SGM Uniform`; GET /sdapi/v1/schedulers lists them",
                "`scheduler`: `Euler` has no noise levels `Karras`; these have: DPM++ 2M, DPM++ 2M SDE, DPM++ SDE, \
                 DPM2, DPM2 a, LMS",
                "`scheduler`: `karras` without `sampler_name`",
            ]
        );
    }
}
