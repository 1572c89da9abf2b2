//! Which of the training timesteps a run visits.

use serde::{Deserialize, Serialize};

use crate::{SchedulerConfig, SchedulerError};

/// How the timesteps of a run are placed among those of training (arXiv 2305.08891, table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSpacing {
    /// Whole strides up from `steps_offset`; the last timesteps of training are left out.
    Leading,
    /// Equal strides down from the last timestep; the first ones are left out.
    Trailing,
    /// From the last to the first, both included.
    Linspace,
}

/// The timesteps of training, and how a run picks from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timesteps {
    pub(crate) spacing: TimestepSpacing,
    offset: usize,
    train: usize,
    /// The first of training that a run may visit: those after it are left out.
    usable: usize,
}

impl Timesteps {
    /// What `config` says, for a class with the default `spacing` and a noise schedule of `train` timesteps.
    pub(crate) fn from_config(
        config: &SchedulerConfig,
        spacing: TimestepSpacing,
        train: usize,
    ) -> Result<Self, SchedulerError> {
        let offset = config.steps_offset.unwrap_or(0);
        if offset >= train {
            let expected = format!("expected less than num_train_timesteps, {train}");
            return Err(SchedulerError::wrong_value("steps_offset", offset, expected));
        }
        Ok(Self { spacing: config.timestep_spacing.unwrap_or(spacing), offset, train, usable: train })
    }

    /// Leaves out the last `count` of training, which has more of them.
    pub(crate) fn without_last(self, count: usize) -> Self {
        Self { usable: self.train - count, ..self }
    }

    /// Number of timesteps that a run may visit.
    pub(crate) fn len(&self) -> usize {
        self.usable
    }

    /// `steps` timesteps, falling, for `steps` in 1..=len. Those of `Linspace` are fractions.
    ///
    /// # Errors
    /// Those of `Leading` would lie past the last one trained, by the offset.
    pub(crate) fn fractional(&self, steps: usize) -> Result<Vec<f64>, SchedulerError> {
        let timesteps: Vec<f64> = match self.spacing {
            TimestepSpacing::Leading => {
                let stride = self.usable / steps;
                (0..steps).rev().map(|i| (i * stride + self.offset) as f64).collect()
            }
            TimestepSpacing::Trailing => {
                // The stride as numpy's `arange` uses it: the difference of its first two values. For some numbers
                // of steps (61, 103, …) `arange` then makes one value too many, a timestep of -1, which is not
                // repeated here. It does not know of timesteps left out: then the run is shorter.
                let (train, usable) = (self.train as f64, self.usable as f64);
                let stride = usable - (usable - train / steps as f64);
                let down = (0..steps).map(|i| usable - i as f64 * stride);
                down.take_while(|&t| t > 0.0).map(|t| t.round_ties_even() - 1.0).collect()
            }
            TimestepSpacing::Linspace => {
                linspace(0.0, (self.usable - 1) as f64, steps).into_iter().rev().collect()
            }
        };
        match timesteps.first() {
            Some(&timestep) if timestep >= self.train as f64 => Err(SchedulerError::PastLastTimestep {
                steps,
                steps_offset: self.offset,
                timestep: timestep as usize,
                last: self.train - 1,
            }),
            _ => Ok(timesteps),
        }
    }

    /// The same in whole numbers.
    pub(crate) fn whole(&self, steps: usize) -> Result<Vec<usize>, SchedulerError> {
        Ok(self.fractional(steps)?.into_iter().map(|t| t.round_ties_even() as usize).collect())
    }

    /// The same for a method that counts the end of the run among its timesteps: one more is placed and the last left
    /// out, for `steps` less than len. (After those of `Trailing` there is room for an end as they are.)
    pub(crate) fn whole_before_end(&self, steps: usize) -> Result<Vec<usize>, SchedulerError> {
        if self.spacing == TimestepSpacing::Trailing {
            return self.whole(steps);
        }
        let mut timesteps = self.whole(steps + 1)?;
        timesteps.pop();
        Ok(timesteps)
    }
}

/// `count` numbers from `start` to `end`, rounded as numpy rounds them; of one number, `start`.
pub(crate) fn linspace(start: f64, end: f64, count: usize) -> Vec<f64> {
    let stride = (end - start) / count.saturating_sub(1).max(1) as f64;
    let mut numbers: Vec<_> = (0..count).map(|i| i as f64 * stride + start).collect();
    if count > 1 {
        numbers[count - 1] = end;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::TimestepSpacing::{Leading, Linspace, Trailing};
    use super::Timesteps;

    fn of(spacing: super::TimestepSpacing, offset: usize) -> Timesteps {
        Timesteps { spacing, offset, train: 1000, usable: 1000 }
    }

    /// Counts for which numpy's `arange(1000, 0, -1000 / steps)` is one too long.
    #[test]
    fn trailing_never_visits_a_negative_timestep() {
        for steps in [61, 103, 121, 998] {
            let timesteps = of(Trailing, 0).fractional(steps).unwrap();
            assert_eq!(timesteps.len(), steps);
            assert!(timesteps.iter().all(|&t| t >= 0.0), "{steps}");
        }
    }

    #[test]
    fn one_step() {
        assert_eq!(of(Leading, 1).fractional(1).unwrap(), [1.0]);
        assert_eq!(of(Trailing, 1).fractional(1).unwrap(), [999.0]);
        assert_eq!(of(Linspace, 1).fractional(1).unwrap(), [0.0]);
    }

    /// Halves round to even: 1000 - 31.25 * 2 = 937.5 becomes 938, less one.
    #[test]
    fn halves_round_to_even() {
        assert_eq!(of(Trailing, 0).fractional(32).unwrap()[..6], [999.0, 968.0, 937.0, 905.0, 874.0, 843.0]);
    }

    #[test]
    fn an_offset_may_lead_past_the_end() {
        assert!(of(Leading, 1).whole(999).is_ok());
        assert!(of(Leading, 1).whole(1000).is_err());
    }
}
