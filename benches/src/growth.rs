//! How the cost of an evaluation of the UNet grows, beside what its multiplications would have it.

use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use gligen_components::{BoxError, Denoiser};
use gligen_pipeline::{LoadOptions, ModelDir};
use gligen_unet::UNetConfig;
use serde_json::json;

use crate::full_size::{conditioning, wave};
use crate::operations;

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

/// Prints a row for each case of the model in the folder `model`, as an object a line.
///
/// Sides, objects, samples and threads vary one at a time. Before each of the four the case that all are compared with
/// is timed again: the model's own size with guidance, two objects and all cores.
pub(crate) fn time(model: &Path) -> Result<(), BoxError> {
    let device = Device::flex();
    let model = ModelDir::open(model)?;
    let config = UNetConfig::from_json(&model.text("unet", "config.json")?)?;
    let pipeline = model.load(LoadOptions::default(), &device)?;
    let unet = pipeline.parts().denoiser.as_ref();
    let own = config.sample_size;
    let threads = std::thread::available_parallelism()?.get();
    let base = Case { side: own, objects: 2, samples: 2, threads };
    let pixels = |side: usize| format!("{0}×{0} pixels", 8 * side);

    let sides = [own / 2, own, own * 3 / 2, own * 2].map(|side| (pixels(side), Case { side, ..base }));
    let objects = [0, 1, 30].map(|objects| (format!("objects: {objects}"), Case { objects, ..base }));
    let samples = [1, 2, 4].map(|samples| (format!("samples: {samples}"), Case { samples, ..base }));
    let threads = [1, 2].map(|threads| (format!("threads: {threads}"), Case { threads, ..base }));
    let groups = [sides.to_vec(), objects.to_vec(), samples.to_vec(), threads.to_vec()];

    let work = |case: Case| case.samples as f64 * operations::unet(&config, case.side, true);
    seconds(unet, base, &device)?; // the weights come into memory
    for group in groups {
        let base_seconds = seconds(unet, base, &device)?;
        for (name, case) in group {
            let seconds = seconds(unet, case, &device)?;
            let expected = work(case) / work(base) * (base.threads as f64 / case.threads as f64);
            let base = format!("{}, 2 objects, 2 samples, {} threads", pixels(base.side), base.threads);
            println!(
                "{}",
                json!({
                    "case": name,
                    "seconds": seconds,
                    "of": base,
                    "of_seconds": base_seconds,
                    "expected_ratio": expected,
                })
            );
        }
    }
    Ok(())
}

/// The faster of two evaluations.
fn seconds(unet: &dyn Denoiser, case: Case, device: &Device) -> Result<f64, BoxError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(case.threads).build()?;
    pool.install(|| {
        let conditioning = conditioning(case.samples, case.objects, unet.context_width(), device);
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
