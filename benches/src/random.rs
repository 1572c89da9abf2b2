//! Random weights of a size that keeps every activation finite.

use burn::Tensor;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, TensorData};

/// The numbers of the parameter `key`, in row-major order; the same for every run.
///
/// Maps get variance 1 / inputs, so that they keep the size of what goes through. Norms stay near the identity. Gates
/// are half open to either side, so that a fuser that is missing or has the wrong sign shows.
pub(crate) fn weights(key: &str, shape: &[usize]) -> Vec<f32> {
    let mut random = Random::new(key);
    let name = key.rsplit('.').next().unwrap_or(key);
    let (mean, deviation) = match (name, shape) {
        ("alpha_attn" | "alpha_dense", _) => (if random.next() < 0.0 { -0.5 } else { 0.5 }, 0.0),
        ("weight", [_]) => (1.0, 0.1),
        ("bias", _) => (0.0, 0.02),
        ("weight", _) if key.contains("_embedding.weight") => (0.0, 0.02),
        (_, [_]) => (0.0, 0.5),
        (_, [_, inputs @ ..]) => (0.0, 1.0 / (inputs.iter().product::<usize>() as f32).sqrt()),
        (_, []) => (0.0, 1.0),
    };
    (0..shape.iter().product()).map(|_| mean + deviation * random.next()).collect()
}

/// A tensor of numbers with variance 1, different for every `name`.
pub(crate) fn tensor<const D: usize>(name: &str, shape: [usize; D], device: &Device) -> Tensor<D> {
    let mut random = Random::new(name);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.next()).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

/// `module` with [`weights`] in place of a checkpoint's.
pub(crate) fn fill<M: Module>(module: M) -> M {
    module.map(&mut Filler::default())
}

#[derive(Default)]
struct Filler {
    path: Vec<String>,
}

impl ModuleMapper for Filler {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape();
        let data = TensorData::new(weights(&self.path.join("."), &shape.to_vec()), shape);
        let tensor = Tensor::from_data(data, (&param.lazy_device(), DType::F32));
        let id = param.id;
        param.transform_for_load(tensor, id)
    }
}

/// Nearly normal numbers, quickly: a full-size model takes 1.2 billion of them.
struct Random(u64);

impl Random {
    /// A sequence of its own for each name (FNV-1a).
    fn new(name: &str) -> Self {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(hash)
    }

    /// The sum of four uniform numbers, scaled to variance 1.
    fn next(&mut self) -> f32 {
        let bits = self.bits();
        let sum = (0..4).map(|i| i64::from((bits >> (16 * i)) as u16)).sum::<i64>();
        // Each has mean 65535 / 2 and variance 65536² / 12.
        (sum - 2 * 65535) as f32 * (3.0_f32.sqrt() / 65536.0)
    }

    /// SplitMix64.
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::{Random, weights};

    #[test]
    fn the_numbers_have_mean_0_and_variance_1() {
        let mut random = Random::new("a name");
        let numbers: Vec<f64> = (0..100_000).map(|_| f64::from(random.next())).collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        // Their own spread over 100,000 draws is 0.003 and 0.004.
        assert!(mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn gates_are_open_and_norms_near_the_identity() {
        assert_eq!(weights("fuser.alpha_attn", &[1])[0].abs(), 0.5);
        assert!(weights("norm1.weight", &[320]).iter().all(|w| (w - 1.0).abs() < 0.4));
    }
}
