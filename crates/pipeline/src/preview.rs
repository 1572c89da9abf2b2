//! A cheap look at unfinished latents: one pixel a latent, by an affine map instead of the decoder.

use burn::Tensor;
use burn::tensor::{DType, TensorData};
use gligen_components::BoxError;
use image::RgbImage;

use crate::{Error, Pipeline};

/// Side in pixels of the pictures that the map is fitted to.
const SIDE: usize = 128;

/// How many of them.
const PICTURES: usize = 3;

/// Sides, in latents, of the patches of one colour that they are made of: large ones have a middle that no
/// neighbour reaches into.
const PATCHES: [usize; PICTURES] = [2, 4, 4];

/// Added to the diagonal of the normal equations, so that they can be solved whatever the encoder gives.
const RIDGE: f64 = 1e-3;

/// The colour of a latent, by an affine map that was fitted to one autoencoder.
///
/// ```
/// use gligen_pipeline::{LatentPreview, Pipeline, Progress, Request};
/// use std::ops::ControlFlow;
///
/// # fn main() -> Result<(), gligen_pipeline::Error> {
/// # let device = gligen_testkit::devices().remove(0);
/// let pipeline = Pipeline::built_in(&device)?;
/// let preview = LatentPreview::fit(&pipeline)?;
/// pipeline.generate(&Request::new("a cat").steps(2), |progress| {
///     if let Progress::Step { latents, .. } = progress {
///         assert_eq!(preview.pictures(latents)[0].dimensions(), (32, 32));
///     }
///     ControlFlow::Continue(())
/// })?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct LatentPreview {
    /// For each of red, green and blue, in 0..1: the weight of each channel of the latents, and a constant at the end.
    rows: [Vec<f64>; 3],
}

impl LatentPreview {
    /// Fits the map by least squares: patches of many colours go through the encoder of `pipeline`, and the colour of a
    /// patch is explained by its latents.
    ///
    /// # Errors
    /// The encoder's.
    pub fn fit(pipeline: &Pipeline) -> Result<Self, Error> {
        let autoencoder = &pipeline.parts.autoencoder;
        let component = |source: BoxError| Error::Component { part: "autoencoder", source };
        let cell = autoencoder.downscale();
        let cells = SIDE / cell;
        let colours = colours(cells);
        let numbers: Vec<f32> = (0..PICTURES * SIDE * SIDE)
            .flat_map(|pixel| {
                let (picture, y, x) = (pixel / (SIDE * SIDE), pixel / SIDE % SIDE, pixel % SIDE);
                colours[(picture * cells + y / cell) * cells + x / cell].map(|c| (c * 2.0 - 1.0) as f32)
            })
            .collect();
        let pictures = TensorData::new(numbers, [PICTURES, SIDE, SIDE, 3]);
        let pictures = Tensor::<4>::from_data(pictures, (&pipeline.device, DType::F32)).permute([0, 3, 1, 2]);
        let latents = autoencoder.encode(pictures).map_err(component)?.mode() * autoencoder.scaling_factor();
        let latents: Vec<Vec<f64>> = (0..PICTURES).flat_map(|n| columns(&latents, n)).collect();
        Ok(Self { rows: least_squares(&latents, &colours) })
    }

    /// A picture for each of the batch `latents`, `[batch, channels, height, width]`, of width × height pixels.
    ///
    /// Latents that are still noisier than a picture's, as those of `euler` are, are brought down to its range.
    pub fn pictures(&self, latents: &Tensor<4>) -> Vec<RgbImage> {
        let [batch, _, height, width] = latents.dims();
        let picture = |n| {
            let columns = columns(latents, n);
            let squares: f64 = columns.iter().flatten().map(|x| x * x).sum();
            let spread = (squares / (columns.len() * columns[0].len()) as f64).sqrt().max(1.0);
            let bytes = columns.iter().flat_map(|column| self.colour(column, spread)).collect();
            RgbImage::from_raw(width as u32, height as u32, bytes)
        };
        if height * width == 0 { Vec::new() } else { (0..batch).filter_map(picture).collect() }
    }

    fn colour(&self, latent: &[f64], spread: f64) -> [u8; 3] {
        [0, 1, 2].map(|colour| {
            let row = &self.rows[colour];
            let sum: f64 = row.iter().zip(latent).map(|(weight, x)| weight * x / spread).sum();
            ((sum + row[row.len() - 1]).clamp(0.0, 1.0) * 255.0).round() as u8
        })
    }
}

/// The latents of picture `n`, row by row, each with its channels; nothing if they cannot be read.
fn columns(latents: &Tensor<4>, n: usize) -> Vec<Vec<f64>> {
    let channels = latents.dims()[1];
    let numbers = latents.clone().narrow(0, n, 1).permute([0, 2, 3, 1]).into_data().try_into_vec_as::<f32>();
    let numbers = numbers.unwrap_or_default();
    numbers.chunks_exact(channels).map(|latent| latent.iter().map(|&x| f64::from(x)).collect()).collect()
}

/// The colours of all cells of all pictures: patches of colours that cover the cube evenly.
fn colours(cells: usize) -> Vec<[f64; 3]> {
    // Multiples of three irrational numbers: no colour twice, no corner left out.
    let colour = |k: usize| [0.819_172_5, 0.671_043_6, 0.549_700_5].map(|step| (k as f64 * step).fract());
    let mut colours = Vec::new();
    for (picture, side) in PATCHES.into_iter().enumerate() {
        for cell in 0..cells * cells {
            let (y, x) = (cell / cells / side, cell % cells / side);
            colours.push(colour(1 + picture * 101 + y * 17 + x));
        }
    }
    colours
}

/// The weights and the constant that best explain `colours` by `latents`, for each of red, green and blue.
fn least_squares(latents: &[Vec<f64>], colours: &[[f64; 3]]) -> [Vec<f64>; 3] {
    let unknowns = latents.first().map_or(0, Vec::len) + 1;
    // Normal equations, with the three right-hand sides behind the matrix.
    let mut rows = vec![vec![0.0; unknowns + 3]; unknowns];
    for (latent, colour) in latents.iter().zip(colours) {
        let inputs: Vec<f64> = latent.iter().copied().chain([1.0]).collect();
        for (row, a) in rows.iter_mut().zip(&inputs) {
            for (cell, b) in row.iter_mut().zip(inputs.iter().chain(colour)) {
                *cell += a * b;
            }
        }
    }
    for (pivot, row) in rows.iter_mut().enumerate() {
        row[pivot] += RIDGE;
    }
    // Gauss and Jordan; the matrix is positive definite, so no rows need to change places.
    for pivot in 0..unknowns {
        let scaled: Vec<f64> = rows[pivot].iter().map(|x| x / rows[pivot][pivot]).collect();
        for (index, row) in rows.iter_mut().enumerate() {
            let factor = row[pivot];
            if index == pivot {
                row.clone_from(&scaled);
            } else {
                row.iter_mut().zip(&scaled).for_each(|(x, y)| *x -= factor * y);
            }
        }
    }
    [0, 1, 2].map(|colour| rows.iter().map(|row| row[unknowns + colour]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affine_map_is_found_again() {
        let latents: Vec<Vec<f64>> =
            (0..50).map(|k| vec![(k as f64).sin(), (k as f64 * 1.7).cos(), k as f64 / 25.0 - 1.0]).collect();
        let wanted = [[0.5, -0.25, 0.1, 0.4], [0.0, 0.3, 0.0, 0.5], [1.0, 1.0, -1.0, 0.0]];
        let apply = |row: &[f64], latent: &[f64]| row[3] + (0..3).map(|i| row[i] * latent[i]).sum::<f64>();
        let colours: Vec<[f64; 3]> =
            latents.iter().map(|latent| wanted.map(|row| apply(&row, latent))).collect();
        for (found, wanted) in least_squares(&latents, &colours).iter().zip(wanted) {
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} {wanted:?}");
        }
    }

    /// A finished picture of the built-in model against its preview, both averaged to one pixel a latent.
    #[test]
    #[cfg(feature = "networks")]
    fn the_look_resembles_the_picture() {
        use std::ops::ControlFlow;

        let pipeline = Pipeline::built_in(&gligen_testkit::devices().remove(0)).unwrap();
        let request =
            crate::Request::new("a cat and a red apple on a light blue background").steps(8).seed(3);
        let output = pipeline.generate(&request, |_| ControlFlow::Continue(())).unwrap();
        let look = &LatentPreview::fit(&pipeline).unwrap().pictures(&output.latents)[0];
        let mut error = 0.0;
        for (x, y, pixel) in look.enumerate_pixels() {
            for colour in 0..3 {
                let block = (0..16).map(|i| output.images[0].get_pixel(x * 4 + i % 4, y * 4 + i / 4)[colour]);
                let mean = block.map(f64::from).sum::<f64>() / 16.0;
                error += (mean - f64::from(pixel[colour])).abs() / (3.0 * 1024.0);
            }
        }
        println!("mean difference of {error:.1} of 255");
        assert!(error < 40.0, "mean difference of {error} of 255");
    }
}
