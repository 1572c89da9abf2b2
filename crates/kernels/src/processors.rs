//! What is computed with the vectors of one processor against those of the others, and against f64.
//!
//! Miri runs these tests but the last, and those that use [`on_each`], with smaller sizes and fewer cases: nothing in
//! them goes through Burn, so that it sees the kernels alone.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use proptest::prelude::*;

use crate::matrix::Matrix;
use crate::numbers::Numbers;
use crate::product::multiply;
use crate::vectors::Processor;
use crate::{IN_MIRI, Placement, attention, conv2d};

/// So many cases, or one in Miri: a case has a shape of each kind.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let cases = if cfg!(miri) { 1 } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Numbers in -1..1 without a pattern.
pub(crate) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Of each number the first `parts` of the three, of eight digits each, that the tiles cut it into.
fn cut(numbers: Vec<f32>, parts: u32) -> Vec<f32> {
    let digits = u32::MAX << (24 - 8 * parts);
    numbers.into_iter().map(|x| f32::from_bits(x.to_bits() & digits)).collect()
}

fn tensor<const D: usize>(shape: [usize; D], seed: u32) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(shape.iter().product(), seed), shape), &Device::flex())
}

/// What `f` gives on each processor that this machine can be, the best first, the plain one last; by three threads.
pub(crate) fn on_each<R: Send>(f: impl Fn() -> R + Sync) -> Vec<R> {
    let on = |processor: Processor| {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(3);
        let result =
            threads.build_scoped(|thread| processor.pretend(|| thread.run()), |pool| pool.install(&f));
        result.expect("a pool")
    };
    Processor::all().map(on).collect()
}

/// Rows, inner numbers and columns of products: more of one than are packed together and few of the others, and many of
/// all, or in Miri so many that threads share them.
fn product_shapes() -> impl Strategy<Value = [[usize; 3]; 4]> {
    let [rows, inner, columns] = [140, 900, 500].map(|most| most / IN_MIRI);
    let many = if cfg!(miri) { [20usize..30, 4..9, 50..60] } else { [0..140, 0..900, 0..110] };
    (
        [0..rows, 0usize..9, 0usize..9],
        [0usize..9, 0..inner, 0usize..9],
        [0usize..9, 0usize..9, 0..columns],
        many,
    )
        .prop_map(|(rows, inner, columns, many)| [rows, inner, columns, many])
}

/// Checks `a · b` of these [rows, inner numbers, columns], in rows with `room` behind them. Either matrix may be turned
/// as it lies, and its numbers have so many parts.
fn check_product(
    [rows, inner, columns]: [usize; 3],
    [a_turned, b_turned]: [bool; 2],
    [a_parts, b_parts]: [u32; 2],
    room: usize,
) -> Result<(), TestCaseError> {
    let (a, b) = (cut(numbers(rows * inner, 1), a_parts), cut(numbers(inner * columns, 2), b_parts));
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
    for (row, column) in (0..rows).flat_map(|row| (0..stride).map(move |column| (row, column))) {
        let actual = results.iter().map(|product| product[row * stride + column]);
        if column >= columns {
            prop_assert!(actual.clone().all(f32::is_nan), "a number beside the product was written");
            continue;
        }
        let terms = (0..inner).map(|k| {
            let a = a[place(row, k, [rows, inner], a_turned)];
            f64::from(a) * f64::from(b[place(k, column, [inner, columns], b_turned)])
        });
        let exact = terms.sum::<f64>() + (row + 2 * column) as f64;
        for actual in actual {
            prop_assert!((f64::from(actual) - exact).abs() < 1e-4, "{actual}, exactly {exact}");
        }
    }
    Ok(())
}

/// The largest difference relative to the largest number.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    let largest = b.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_product_is_the_sum_of_products(
        shapes in product_shapes(),
        turned: [bool; 2],
        parts in [1u32..4, 1u32..4],
        room in 0usize..5,
    ) {
        for shape in shapes {
            check_product(shape, turned, parts, room)?;
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "goes through Burn")]
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
        // The tiles sum other products.
        let vectors = &fused[usize::from(Processor::this().has_tiles()).min(fused.len())..];
        assert!(vectors.iter().all(|numbers| numbers == &vectors[0]), "{name}: processors that fuse differ");
        for fused in fused {
            let difference = difference(fused, plain);
            assert!(difference < 4e-6, "{name}: {difference:e} from the plain one");
        }
    }
}
