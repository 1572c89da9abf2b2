//! A module with the parameters that the stored weight files hold.

#![allow(dead_code)] // Each test binary uses its part.

use burn::Tensor;
use burn::module::{Module, Param, ParamId};
use burn::tensor::Device;
use gligen_weights::KeyMap;

#[derive(Module, Debug)]
pub(crate) struct Tiny {
    pub(crate) scalar: Param<Tensor<1>>,
    pub(crate) half: Param<Tensor<2>>,
    pub(crate) brain: Param<Tensor<2>>,
    pub(crate) single: Param<Tensor<3>>,
    pub(crate) transposed: Param<Tensor<2>>,
    pub(crate) first_rows: Param<Tensor<2>>,
    pub(crate) last_rows: Param<Tensor<2>>,
}

impl Tiny {
    pub(crate) fn new() -> Self {
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
    pub(crate) fn numbers(&self) -> Vec<(&'static str, Vec<f32>)> {
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
pub(crate) fn keys() -> KeyMap {
    KeyMap::new().ignore("counter")
}

pub(crate) fn device() -> Device {
    gligen_testkit::devices().remove(0)
}

/// A parameter that must be loaded before it is read.
pub(crate) fn waiting<const D: usize>(shape: [usize; D]) -> Param<Tensor<D>> {
    Param::uninitialized(
        ParamId::new(),
        |_, _| panic!("read before it was loaded"),
        device(),
        false,
        shape.into(),
    )
}

pub(crate) fn numbers<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().try_into_vec_as().unwrap()
}
