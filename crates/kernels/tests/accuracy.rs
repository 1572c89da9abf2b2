//! The errors that the fast activations state, measured against f64 over the whole range of f32.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use gligen_kernels::{gelu, quick_gelu, silu};
use gligen_testkit::{Fixture, assert_close, devices};

/// Every 4099th bit pattern that is a finite number: a million, of both signs and of every magnitude.
fn inputs() -> Vec<f32> {
    (0..=u32::MAX).step_by(4099).map(f32::from_bits).filter(|x| x.is_finite()).collect()
}

/// The largest share that an error has of what is allowed at `(x, exact value)`.
fn share_of_allowance(
    f: fn(Tensor<1>) -> Tensor<1>,
    exact: impl Fn(f64) -> f64,
    allowed: impl Fn(f64, f64) -> f64,
) -> f64 {
    let inputs = inputs();
    let x = Tensor::from_data(TensorData::new(inputs.clone(), [inputs.len()]), &Device::flex());
    let outputs: Vec<f32> = f(x).into_data().try_into_vec_as().expect("floats");
    let shares = inputs.iter().zip(&outputs).map(|(&x, &y)| {
        let x = f64::from(x);
        let share = (f64::from(y) - exact(x)).abs() / allowed(x, exact(x));
        assert!(share <= 1.0, "{y} at {x}: exactly {}", exact(x));
        share
    });
    shares.fold(0.0, f64::max)
}

/// Half the distance of two numbers that f32 cannot represent normally: the least error of a very small result.
const SUBNORMAL: f64 = 7.1e-46;

#[test]
fn silu_is_as_exact_as_stated() {
    let allowed = |x: f64, exact: f64| if x > -88.0 { 3e-7 * exact.abs() + SUBNORMAL } else { 4e-37 };
    let share = share_of_allowance(silu, |x| x / (1.0 + (-x).exp()), allowed);
    println!("silu: {:.0}% of the stated error", 100.0 * share);
}

#[test]
fn quick_gelu_is_as_exact_as_stated() {
    let allowed =
        |x: f64, exact: f64| if x > -51.0 { 3e-7 * (1.0 + x.abs()) * exact.abs() + SUBNORMAL } else { 4e-37 };
    let share = share_of_allowance(quick_gelu, |x| x / (1.0 + (-1.702 * x).exp()), allowed);
    println!("quick-gelu: {:.0}% of the stated error", 100.0 * share);
}

#[test]
fn gelu_is_as_exact_as_stated() {
    // By the complement, for 1 + erf(x) has no digits left far below zero.
    let exact = |x: f64| 0.5 * x * libm::erfc(-x / std::f64::consts::SQRT_2);
    let share = share_of_allowance(gelu, exact, |x, _| 1.5e-7 * (1.0 + x.abs()));
    println!("gelu: {:.0}% of the stated error", 100.0 * share);
}

#[test]
fn activations_agree_with_the_reference() {
    let fixture = Fixture::open("activations");
    for device in devices() {
        let x = || fixture.tensor::<1>("input", &device);
        // Measured: at most 3e-8.
        assert_close("silu", silu(x()), fixture.tensor("silu", &device), 2e-7);
        assert_close("gelu", gelu(x()), fixture.tensor("gelu", &device), 2e-7);
        assert_close("quick_gelu", quick_gelu(x()), fixture.tensor("quick_gelu", &device), 2e-7);
    }
}

#[test]
fn limits_and_nan() {
    let x = [f32::NAN, f32::MAX, f32::MIN, f32::INFINITY, 0.0, -0.0];
    for (name, f) in
        [("silu", silu as fn(Tensor<1>) -> Tensor<1>), ("gelu", gelu), ("quick_gelu", quick_gelu)]
    {
        let y: Vec<f32> =
            f(Tensor::from_floats(x, &Device::flex())).into_data().try_into_vec_as().expect("floats");
        assert!(y[0].is_nan(), "{name} of NaN is {}", y[0]);
        assert_eq!(y[1..], [f32::MAX, 0.0, f32::INFINITY, 0.0, 0.0], "{name}");
    }
}
