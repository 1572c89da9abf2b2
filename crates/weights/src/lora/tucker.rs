//! A right factor in two, as LoCon has it for convolutions: a core with the kernel, and a factor without one.
//!
//! Source: "Navigating Text-To-Image Customization: From LyCORIS Fine-Tuning to Model Evaluation", arXiv 2309.14859,
//! section 3.1: a Tucker decomposition, whose third factor is the left one of the product.

use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use crate::derived::Derived;
use crate::entry::{Data, Entry};
use crate::shape::significant;
use crate::{Dtype, TensorInfo};

/// A core and what it is multiplied by.
#[derive(Debug)]
struct Cored {
    /// `[rank, inner, kernel]`
    core: Entry,
    /// `[inner, inputs]`, and axes of length 1.
    down: Entry,
}

/// The product of `core` and `down`, `[rank, inputs, kernel]`; `None` if they do not fit.
pub(super) fn product(core: &Entry, down: &Entry) -> Option<Entry> {
    let (&[rank, inner, ref kernel @ ..], &[rows, inputs, ref ones @ ..]) =
        (core.info.shape.as_slice(), down.info.shape.as_slice())
    else {
        return None;
    };
    if inner != rows || !significant(ones).is_empty() {
        return None;
    }
    let shape = [&[rank, inputs], kernel].concat();
    let cored = Cored { core: core.clone(), down: down.clone() };
    Some(Entry { info: TensorInfo { dtype: Dtype::F32, shape }, data: Data::Derived(Arc::new(cored)) })
}

impl Derived for Cored {
    fn numbers(&self) -> io::Result<Vec<f32>> {
        let (core, down) = (self.core.numbers()?, self.down.numbers()?);
        let &[rank, inner, ref kernel @ ..] = self.core.info.shape.as_slice() else { return Ok(Vec::new()) };
        let inputs = self.down.info.shape.get(1).copied().unwrap_or(0);
        let kernel = kernel.iter().product::<usize>();
        let mut product = vec![0.0; rank * inputs * kernel];
        if product.is_empty() || inner == 0 {
            return Ok(product);
        }
        product.par_chunks_mut(inputs * kernel).zip(core.par_chunks(inner * kernel)).for_each(
            |(product, core)| {
                for (core, down) in core.chunks(kernel).zip(down.chunks(inputs)) {
                    for (sums, &down) in product.chunks_mut(kernel).zip(down) {
                        for (sum, &core) in sums.iter_mut().zip(core) {
                            *sum += core * down;
                        }
                    }
                }
            },
        );
        Ok(product)
    }
}
