//! What ComfyUI and those who follow it call the samplers.

use gligen_schedulers::SchedulerKind;

const NAMES: [(&str, &str); 15] = [
    ("ddim", "ddim"),
    ("ddpm", "ddpm"),
    ("deis", "deis"),
    ("dpm_2", "dpm2"),
    ("dpm_2_ancestral", "dpm2-a"),
    ("dpmpp_2m", "dpmpp-2m"),
    ("dpmpp_2m_sde", "dpmpp-2m-sde"),
    ("dpmpp_sde", "dpmpp-sde"),
    ("euler", "euler"),
    ("euler_ancestral", "euler-a"),
    ("heun", "heun"),
    ("lcm", "lcm"),
    ("lms", "lms"),
    ("uni_pc", "unipc"),
    ("uni_pc_bh2", "unipc"),
];

/// The scheduler that they call `sampler`, at the noise levels that they call `noise_levels`: Karras's where we have it so,
/// and its own otherwise.
pub(super) fn scheduler(sampler: &str, noise_levels: &str) -> Option<SchedulerKind> {
    let sampler = sampler.trim_end_matches("_gpu"); // the same, with its noise drawn elsewhere
    let name = NAMES.iter().find(|(theirs, _)| *theirs == sampler)?.1;
    let with_levels = format!("{name}-{noise_levels}").parse().ok();
    with_levels.or_else(|| name.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_of_ours() {
        for (theirs, ours) in NAMES {
            assert_eq!(scheduler(theirs, "normal").unwrap().name(), ours);
        }
        assert_eq!(scheduler("dpmpp_2m_sde_gpu", "karras").unwrap().name(), "dpmpp-2m-sde-karras");
        assert_eq!(scheduler("euler", "karras").unwrap().name(), "euler");
        assert!(scheduler("dpmpp_3m_sde", "karras").is_none());
    }
}
