//! What is computed with the vectors of one processor against those of the others, and against f64.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use proptest::prelude::*;

use crate::matrix::Matrix;
use crate::numbers::Numbers;
use crate::product::multiply;
use crate::vectors::Processor;
use crate::{Placement, attention, conv2d};

/// Numbers in -1..1 without a pattern.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn tensor<const D: usize>(shape: [usize; D], seed: u32) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(shape.iter().product(), seed), shape), &Device::flex())
}

/// What `f` gives on each processor that this machine can be, the best first, the plain one last.
fn on_each<R: Send>(f: impl Fn() -> R + Sync) -> Vec<R> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    pool.install(|| Processor::all().map(|processor| processor.pretend(&f)).collect())
}

/// The largest difference relative to the largest number.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    let largest = b.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_product_is_the_sum_of_products(
        (rows, inner, columns) in (0usize..70, 0usize..900, 0usize..110),
        (a_turned, b_turned) in any::<(bool, bool)>(),
        room in 0usize..5,
    ) {
        let (a, b) = (numbers(rows * inner, 1), numbers(inner * columns, 2));
        let matrix = |numbers, shape: [usize; 2], turned| match turned {
            true => Matrix::whole(Numbers::F32(numbers), [shape[1], shape[0]]).transposed(),
            false => Matrix::whole(Numbers::F32(numbers), shape),
        };
        let place = |i: usize, j: usize, [rows, columns]: [usize; 2], turned| {
            if turned { j * rows + i } else { i * columns + j }
        };
        let stride = columns + room;
        let results = on_each(|| {
            let mut product = vec![f32::NAN; rows * stride];
            multiply(
                &matrix(&a, [rows, inner], a_turned),
                &matrix(&b, [inner, columns], b_turned),
                &mut product,
                stride,
                |row, first, piece| {
                    piece.iter_mut().enumerate().for_each(|(i, x)| *x += (row + 2 * (first + i)) as f32);
                },
            );
            product
        });
        for product in results {
            for (row, numbers) in product.chunks_exact(stride.max(1)).enumerate() {
                for (column, &actual) in numbers.iter().enumerate() {
                    if column >= columns {
                        prop_assert!(actual.is_nan(), "a number beside the product was written");
                        continue;
                    }
                    let terms = (0..inner).map(|k| {
                        let a = a[place(row, k, [rows, inner], a_turned)];
                        f64::from(a) * f64::from(b[place(k, column, [inner, columns], b_turned)])
                    });
                    let exact = terms.sum::<f64>() + (row + 2 * column) as f64;
                    prop_assert!((f64::from(actual) - exact).abs() < 3e-5, "{actual}, exactly {exact}");
                }
            }
        }
    }
}

#[test]
fn give_the_same() {
    let place = Placement { stride: 1, before: 1, after: 1 };
    let floats = |x: Tensor<4>| x.into_data().try_into_vec_as::<f32>().expect("floats");
    let conv = |stride| {
        let place = Placement { stride, ..place };
        floats(conv2d(tensor([1, 37, 21, 83], 1), tensor([29, 37, 3, 3], 2), None, None, place))
    };
    let attend = |causal| {
        let context = |seed| tensor([1, 2, 150, 37], seed);
        floats(attention(tensor([1, 2, 150, 37], 1), context(2), context(3), causal))
    };
    let cases: [(&str, &(dyn Fn() -> Vec<f32> + Sync)); 4] = [
        ("Winograd", &|| conv(1)),
        ("stride 2", &|| conv(2)),
        ("attention", &|| attend(false)),
        ("causal attention", &|| attend(true)),
    ];
    for (name, case) in cases {
        let results = on_each(case);
        let (plain, fused) = results.split_last().expect("the plain one");
        for fused in fused {
            assert!(fused == &results[0], "{name}: processors that fuse differ");
            let difference = difference(fused, plain);
            assert!(difference < 4e-6, "{name}: {difference:e} from the plain one");
        }
    }
}

#[test]
#[ignore]
fn timing() {
    for (rows, inner, columns, turned) in [
        (4096, 320, 320, true), (4096, 320, 2560, true), (4096, 1280, 320, true), (1024, 640, 640, true),
        (1024, 640, 5120, true), (256, 1280, 1280, true), (77, 768, 768, true), (77, 3072, 768, true), (320, 320, 4096, false), (320, 2880, 1024, false), (1024, 1024, 1024, false),
    ] {
        let (a, b) = (numbers(rows * inner, 1), numbers(inner * columns, 2));
        let b = if turned { Matrix::whole(b.as_slice(), [columns, inner]).transposed() } else { Matrix::whole(b.as_slice(), [inner, columns]) };
        let a = Matrix::whole(a.as_slice(), [rows, inner]);
        let mut product = vec![0.0; rows * columns];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            let mut out = String::new();
            for processor in Processor::all().take(2) {
                processor.pretend(|| {
                    let mut best = f64::MAX;
                    for _ in 0..9 {
                        let t = cpu();
                        multiply(&a, &b, &mut product, columns, |_, _, _| {});
                        best = best.min((cpu() - t));
                    }
                    out += &format!(" {:?} {:.0} GF", processor, 2.0 * (rows * inner * columns) as f64 / best / 1e9);
                });
            }
            println!("{rows} {inner} {columns}:{out}");
        });
    }
}

#[test]
#[ignore]
fn timing_parts() {
    use crate::product::amx::*;
    use crate::product::Columns;
    let n = 256 * 128 * 32;
    let x = numbers(n, 1);
    let mut to = vec![0.0; cut_len(128)];
    let mut whole = vec![0.0; 128 * 32];
    let time = |name: &str, count: usize, f: &mut dyn FnMut()| {
        let mut best = f64::MAX;
        for _ in 0..9 { let t = cpu(); f(); best = best.min((cpu() - t)); }
        println!("{name}: {:.3} ns GF", best * 1e9 / count as f64);
    };
    time("cut_rows", n, &mut || for x in x.chunks_exact(128 * 32) { cut_rows(x, 128, &mut to) });
    time("cut_columns", n, &mut || for x in x.chunks_exact(128 * 32) { cut_columns(x, &mut to) });
    let m = Matrix::whole(x.as_slice(), [1024, 1024]);
    time("pack rows", n, &mut || for r in (0..1024).step_by(32) { for c in (0..1024).step_by(128) { m.pack(r..r + 32, c..c + 128, 128, &mut whole) } });
    time("pack columns", n, &mut || for r in (0..1024).step_by(128) { for c in (0..1024).step_by(32) { m.pack(r..r + 128, c..c + 32, 32, &mut whole) } });
    let m = m.transposed();
    time("pack columns turned", n, &mut || for r in (0..1024).step_by(128) { for c in (0..1024).step_by(32) { m.pack(r..r + 128, c..c + 32, 32, &mut whole) } });
    time("pack rows turned", n, &mut || for r in (0..1024).step_by(32) { for c in (0..1024).step_by(128) { m.pack(r..r + 32, c..c + 128, 128, &mut whole) } });
    let a = to.clone();
    let mut c = vec![0.0f32; 32 * 32];
    time("tiles", 10000 * 32 * 32 * 128 / 1000, &mut || for _ in 0..10000 { let t = Tiles::new(); unsafe { t.multiply(&a, &to, c.as_mut_ptr(), 32, 32, 32, true) } });
    time("tiles alone", 10000 * 32 * 32 * 128 / 1000, &mut || { let t = Tiles::new(); for _ in 0..10000 { unsafe { t.multiply(&a, &to, c.as_mut_ptr(), 32, 32, 32, true) } } });
}

fn cpu() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

#[test]
#[ignore]
fn timing_conv() {
    for (i, o, side) in [(320, 320, 64), (640, 320, 64), (640, 640, 32), (1280, 1280, 16), (1280, 1280, 8), (512, 512, 64), (256, 256, 256), (128, 128, 256)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            let (x, w) = (tensor([1, i, side, side], 1), tensor([o, i, 3, 3], 2));
            let mut out = String::new();
            for processor in Processor::all().take(2) {
                processor.pretend(|| {
                    let mut best = f64::MAX;
                    for _ in 0..4 {
                        let t = cpu();
                        conv2d(x.clone(), w.clone(), None, None, Placement { stride: 1, before: 1, after: 1 });
                        best = best.min(cpu() - t);
                    }
                    out += &format!(" {:?} {:.1} ms {:.0} GF", processor, best * 1e3, 18.0 * (i * o * side * side) as f64 / best / 1e9);
                });
            }
            println!("{i} {o} {side}:{out}");
        });
    }
}
