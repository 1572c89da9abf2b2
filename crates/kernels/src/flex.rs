//! How a tensor's numbers are reached on the flex backend, and how loops over them use threads and vectors.

use burn::Tensor;
use burn::backend::Flex;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{DType, bf16, f16};

use crate::device::is_flex;
use crate::matrix::Matrix;
use crate::numbers::Numbers;

/// Numbers that one thread takes at a time: large enough to pay for the hand-over, small enough to stay in L2.
pub(crate) const CHUNK: usize = 1 << 14;

/// Whether the fast paths apply. A device with gradients is not plain flex, so training takes the plain versions.
pub(crate) fn applies<const D: usize>(x: &Tensor<D>) -> bool {
    is_flex(&x.device()) && x.dtype() == DType::F32
}

/// [`applies`] to weights, which may also be stored in half the bytes.
pub(crate) fn reads<const D: usize>(weight: &Tensor<D>) -> bool {
    is_flex(&weight.device()) && matches!(weight.dtype(), DType::F32 | DType::F16 | DType::BF16)
}

/// The tensor as it lies in memory; [`applies`] or [`reads`] must hold.
pub(crate) fn primitive<const D: usize>(x: Tensor<D>) -> FlexTensor {
    match x.try_into_primitive::<Flex>() {
        Ok(tensor) => tensor,
        Err(_) => unreachable!("`applies` was asked before"),
    }
}

/// The tensor's own storage, contiguous; [`applies`] or [`reads`] must hold.
pub(crate) fn contiguous<const D: usize>(x: Tensor<D>) -> FlexTensor {
    primitive(x).to_contiguous()
}

/// All numbers that `x` is a view of.
pub(crate) fn storage(x: &FlexTensor) -> Numbers<'_> {
    match x.dtype() {
        DType::F16 => Numbers::F16(x.storage::<f16>()),
        DType::BF16 => Numbers::BF16(x.storage::<bf16>()),
        _ => Numbers::F32(x.storage()),
    }
}

/// The numbers of `x`, which must be [`contiguous`].
pub(crate) fn numbers(x: &FlexTensor) -> Numbers<'_> {
    storage(x).part(x.layout().start_offset(), x.layout().num_elements())
}

/// The last two axes of `x` as a matrix, at the place `at` of the axes before them.
pub(crate) fn matrix<const N: usize>(x: &FlexTensor, at: [usize; N]) -> Matrix<'_> {
    let (layout, strides) = (x.layout(), x.layout().strides());
    let offset: isize = at.into_iter().zip(strides).map(|(place, stride)| place as isize * stride).sum();
    let start = (layout.start_offset() as isize + offset) as usize;
    Matrix::new(storage(x), start, [layout.shape()[N], layout.shape()[N + 1]], [strides[N], strides[N + 1]])
}

/// The tensor that lies in memory as `x`.
pub(crate) fn tensor_of<const D: usize>(x: FlexTensor) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(x)
}

/// A tensor of `numbers` in row-major order.
pub(crate) fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    let layout = Layout::contiguous(shape.into());
    tensor_of(FlexTensor::new(crate::memory::bytes(numbers), layout, DType::F32))
}

/// Runs `f`, compiled for the widest vectors that this processor has.
///
/// Rust never fuses a multiplication with an addition by itself, so the result is the same for every width.
#[inline]
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn avx512<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        #[target_feature(enable = "avx2")]
        fn avx2<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has just said that it has AVX-512F.
            return unsafe { avx512(f) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just said that it has AVX2.
            return unsafe { avx2(f) };
        }
    }
    f()
}
