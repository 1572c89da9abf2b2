//! What AUTOMATIC1111's web UI calls the schedulers: its clients, and readers of pictures, know these names.

use crate::SchedulerKind;

/// Our name and theirs. Source: `modules/sd_samplers_kdiffusion.py`, `sd_samplers_timesteps.py` and `sd_samplers_lcm.py`
/// there; a schedule of noise levels is told behind the sampler, as before version 1.9, which later ones read too.
const NAMES: &[(&str, &str)] = &[
    ("ddim", "DDIM"),
    ("pndm", "PLMS"),
    ("euler", "Euler"),
    ("euler-a", "Euler a"),
    ("dpmpp-2m", "DPM++ 2M"),
    ("dpmpp-2m-karras", "DPM++ 2M Karras"),
    ("dpmpp-2m-sde", "DPM++ 2M SDE"),
    ("dpmpp-2m-sde-karras", "DPM++ 2M SDE Karras"),
    ("dpmpp-sde", "DPM++ SDE"),
    ("dpmpp-sde-karras", "DPM++ SDE Karras"),
    ("unipc", "UniPC"),
    ("heun", "Heun"),
    ("dpm2", "DPM2"),
    ("dpm2-karras", "DPM2 Karras"),
    ("dpm2-a", "DPM2 a"),
    ("dpm2-a-karras", "DPM2 a Karras"),
    ("lms", "LMS"),
    ("lms-karras", "LMS Karras"),
    ("lcm", "LCM"),
];

impl SchedulerKind {
    /// What that program calls it; none if it has no such sampler.
    ///
    /// ```
    /// use gligen_schedulers::SchedulerKind;
    ///
    /// let kind: SchedulerKind = "dpmpp-2m-karras".parse()?;
    /// assert_eq!(kind.a1111_name(), Some("DPM++ 2M Karras"));
    /// assert_eq!(SchedulerKind::from_a1111_name("dpm++ 2m karras"), Some(kind));
    /// # Ok::<(), gligen_schedulers::SchedulerError>(())
    /// ```
    pub fn a1111_name(&self) -> Option<&'static str> {
        NAMES.iter().find(|(ours, _)| *ours == self.name()).map(|&(_, theirs)| theirs)
    }

    /// The scheduler that it calls `name`, in small or large letters.
    pub fn from_a1111_name(name: &str) -> Option<Self> {
        let (ours, _) = NAMES.iter().find(|(_, theirs)| theirs.eq_ignore_ascii_case(name))?;
        ours.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for &(ours, theirs) in NAMES {
            let kind: SchedulerKind = ours.parse().unwrap();
            assert_eq!(kind.a1111_name(), Some(theirs));
            assert_eq!(SchedulerKind::from_a1111_name(&theirs.to_lowercase()), Some(kind));
        }
        let without = SchedulerKind::ALL.iter().filter(|kind| kind.a1111_name().is_none());
        assert_eq!(without.map(SchedulerKind::name).collect::<Vec<_>>(), ["dpmpp-2s", "deis", "ddpm"]);
        assert_eq!(SchedulerKind::from_a1111_name("magic"), None);
    }
}
