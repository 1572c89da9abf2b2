//! How a tensor's numbers are reached on the flex backend, and how loops over them use threads and vectors.

use burn::Tensor;
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::{Bytes, DType};

/// Numbers that one thread takes at a time: large enough to pay for the hand-over, small enough to stay in L2.
pub(crate) const CHUNK: usize = 1 << 14;

/// Whether the fast paths apply. A device with gradients is not plain flex, so training takes the plain versions.
pub(crate) fn applies<const D: usize>(x: &Tensor<D>) -> bool {
    matches!(x.device().as_dispatch(), DispatchDevice::Flex(_)) && x.dtype() == DType::F32
}

/// The tensor's own storage, contiguous; [`applies`] must hold.
pub(crate) fn contiguous<const D: usize>(x: Tensor<D>) -> FlexTensor {
    match x.try_into_primitive::<Flex>() {
        Ok(tensor) => tensor.to_contiguous(),
        Err(_) => unreachable!("`applies` was asked before"),
    }
}

/// A tensor of `numbers` in row-major order.
pub(crate) fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    let layout = Layout::contiguous(shape.into());
    Tensor::from_primitive::<Flex>(FlexTensor::new(Bytes::from_elems(numbers), layout, DType::F32))
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

/// A matrix somewhere in a tensor's storage. All its places lie inside the storage: that is checked when it is made.
pub(crate) struct Matrix<'a> {
    storage: &'a [f32],
    start: usize,
    /// Rows and columns.
    shape: [usize; 2],
    /// From a row to the next, and from a column to the next.
    strides: [isize; 2],
}

impl<'a> Matrix<'a> {
    /// # Panics
    ///
    /// If a place of the matrix lies outside of `storage`.
    pub(crate) fn new(storage: &'a [f32], start: usize, shape: [usize; 2], strides: [isize; 2]) -> Self {
        let ends =
            shape.into_iter().zip(strides).map(|(count, stride)| count.saturating_sub(1) as isize * stride);
        let (lowest, highest) = ends.fold((0, 0), |(low, high), end| (low + end.min(0), high + end.max(0)));
        let inside = |offset: isize| start.checked_add_signed(offset).is_some_and(|at| at < storage.len());
        assert!(shape.contains(&0) || (inside(lowest) && inside(highest)), "a matrix outside of its storage");
        Self { storage, start, shape, strides }
    }

    /// Rows `first..first + count` of it.
    pub(crate) fn rows(&self, first: usize, count: usize) -> Self {
        let start = self.start as isize + first as isize * self.strides[0];
        Self::new(self.storage, start as usize, [count, self.shape[1]], self.strides)
    }

    /// The same matrix with rows and columns exchanged.
    pub(crate) fn transposed(&self) -> Self {
        let ([rows, columns], [row, column]) = (self.shape, self.strides);
        Self { storage: self.storage, start: self.start, shape: [columns, rows], strides: [column, row] }
    }

    fn pointer(&self) -> *const f32 {
        self.storage[self.start..].as_ptr()
    }
}

/// `scale · a · b` into the rows of `product`, which begin `row_stride` numbers apart; on this thread alone.
///
/// # Panics
///
/// If the shapes do not fit, or `product` is too short.
pub(crate) fn multiply(scale: f32, a: &Matrix, b: &Matrix, product: &mut [f32], row_stride: usize) {
    let ([rows, inner], [inner_b, columns]) = (a.shape, b.shape);
    assert_eq!(inner, inner_b, "columns of the first matrix, rows of the second");
    assert!(
        columns <= row_stride && product.len() + row_stride >= rows * row_stride + columns,
        "room for the product"
    );
    if rows == 0 || columns == 0 {
        return;
    }
    // SAFETY: both matrices lie inside their storages (`Matrix::new`), the product inside `product` (checked above),
    // and that is borrowed mutably, so it overlaps with neither.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            product.as_mut_ptr(),
            1,
            row_stride as isize,
            false,
            a.pointer(),
            a.strides[1],
            a.strides[0],
            b.pointer(),
            b.strides[1],
            b.strides[0],
            0.0,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
