//! A module with the parameters that the stored weight files hold.

#![allow(dead_code)] // Each test binary uses its part.

use burn::Tensor;
use burn::module::{Module, Param, ParamId};
use burn::tensor::Device;
use gligen_weights::KeyMap;

#[derive(Module, Debug)]
pub struct Tiny {
    pub scalar: Param<Tensor<1>>,
    pub half: Param<Tensor<2>>,
    pub brain: Param<Tensor<2>>,
    pub single: Param<Tensor<3>>,
    pub transposed: Param<Tensor<2>>,
    pub first_rows: Param<Tensor<2>>,
    pub last_rows: Param<Tensor<2>>,
}

impl Tiny {
    pub fn new() -> Self {
        Self {
            scalar: waiting([1]),
            half: waiting([3, 4]),
            brain: waiting([2, 3]),
            single: waiting([2, 3, 2]),
            transposed: waiting([4, 3]),
            first_rows: waiting([2, 4]),
            last_rows: waiting([4, 4]),
        }
    }

    /// Every parameter's name and numbers.
    pub fn numbers(&self) -> Vec<(&'static str, Vec<f32>)> {
        vec![
            ("scalar", numbers(&self.scalar)),
            ("half", numbers(&self.half)),
            ("brain", numbers(&self.brain)),
            ("single", numbers(&self.single)),
            ("transposed", numbers(&self.transposed)),
            ("first_rows", numbers(&self.first_rows)),
            ("last_rows", numbers(&self.last_rows)),
        ]
    }
}

/// The files hold integers besides, which no parameter takes.
pub fn keys() -> KeyMap {
    KeyMap::new().ignore("counter")
}

pub fn device() -> Device {
    gligen_testkit::devices().remove(0)
}

/// A parameter that must be loaded before it is read.
pub fn waiting<const D: usize>(shape: [usize; D]) -> Param<Tensor<D>> {
    Param::uninitialized(
        ParamId::new(),
        |_, _| panic!("read before it was loaded"),
        device(),
        false,
        shape.into(),
    )
}

pub fn numbers<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().to_vec().unwrap()
}
