//! How the cost of an evaluation of the UNet grows, beside what its multiplications would have it.

use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use gligen_components::{BoxError, Denoiser};
use gligen_unet::UNet;

use crate::full_size::{conditioning, wave};
use crate::operations::of_a_step;

/// What is evaluated.
#[derive(Clone, Copy)]
struct Case {
    /// Side of the latents.
    side: usize,
    /// Objects that each sample has.
    objects: usize,
    samples: usize,
    threads: usize,
}

/// All else is compared with this: a picture of 512² with guidance and two objects.
const BASE: Case = Case { side: 64, objects: 2, samples: 2, threads: 0 };

/// Prints a table in Markdown for the UNet of the folder `model`.
pub(crate) fn time(model: &Path) -> Result<(), BoxError> {
    let device = Device::flex();
    let unet = UNet::load(&model.join("unet"), &device)?;
    let cores = std::thread::available_parallelism()?.get();
    let base = Case { threads: cores, ..BASE };
    let sides = [32, 64, 96, 128].map(|side| (format!("{0}×{0} pixels", 8 * side), Case { side, ..base }));
    let objects = [0, 1, 30].map(|objects| (format!("objects: {objects}"), Case { objects, ..base }));
    let samples = [1, 2, 4, 8].map(|samples| (format!("samples: {samples}"), Case { samples, ..base }));
    let threads = [1, cores].map(|threads| (format!("threads: {threads}"), Case { threads, ..base }));
    seconds(&unet, base, &device)?; // the weights come into memory
    let reference = seconds(&unet, base, &device)?;
    println!("| | seconds | of the first | expected |\n|---|---:|---:|---:|");
    println!("| 512×512 pixels, 2 objects, 2 samples, {cores} threads | {reference:.2} | 1.00 | 1.00 |");
    for (name, case) in sides.into_iter().chain(objects).chain(samples).chain(threads) {
        let seconds = seconds(&unet, case, &device)?;
        let expected = case.work() / base.work() * (cores as f64 / case.threads as f64);
        println!("| {name} | {seconds:.2} | {:.2} | {expected:.2} |", seconds / reference);
    }
    Ok(())
}

impl Case {
    fn work(self) -> f64 {
        of_a_step(self.side) * self.samples as f64
    }
}

/// The faster of two evaluations.
fn seconds(unet: &UNet, case: Case, device: &Device) -> Result<f64, BoxError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(case.threads).build()?;
    pool.install(|| {
        let conditioning = conditioning(case.samples, case.objects, device);
        let latents = wave([case.samples, unet.in_channels(), case.side, case.side], device);
        let mut run = unet.begin(&conditioning)?;
        let mut fastest = f64::INFINITY;
        for _ in 0..2 {
            let start = Instant::now();
            run.predict(latents.clone(), 981.0, 1.0)?;
            fastest = fastest.min(start.elapsed().as_secs_f64());
        }
        Ok(fastest)
    })
}
