//! Attention against its formula, written out.

use burn::Tensor;
use burn::tensor::TensorData;
use gligen_kernels::{attention, join_heads, split_heads};
use gligen_testkit::{assert_close, devices};

/// `[batch, heads, tokens, d]`, numbers of about unit size.
fn numbers(shape: [usize; 4], seed: usize) -> Vec<f32> {
    (0..shape.iter().product()).map(|i| ((i * 31 + seed * 17) as f32 * 0.731).sin()).collect()
}

/// In f64, one query at a time.
fn formula(shapes: [[usize; 4]; 2], q: &[f32], k: &[f32], v: &[f32], causal: bool) -> Vec<f32> {
    let [[batch, heads, queries, d], [_, _, keys, _]] = shapes;
    let mut result = Vec::new();
    for head in 0..batch * heads {
        for query in 0..queries {
            let row = |x: &[f32], count: usize, i: usize| {
                x[(head * count + i) * d..][..d].iter().map(|&x| f64::from(x)).collect::<Vec<_>>()
            };
            let seen = if causal { query + 1 } else { keys };
            let scores = (0..seen).map(|key| {
                let products = row(q, queries, query).into_iter().zip(row(k, keys, key)).map(|(q, k)| q * k);
                (products.sum::<f64>() / (d as f64).sqrt()).exp()
            });
            let scores: Vec<f64> = scores.collect();
            let total: f64 = scores.iter().sum();
            for channel in 0..d {
                let sum: f64 = scores.iter().enumerate().map(|(key, s)| s * row(v, keys, key)[channel]).sum();
                result.push((sum / total) as f32);
            }
        }
    }
    result
}

#[test]
fn is_the_formula() {
    let cases = [
        ([2, 3, 5, 4], 7, false),
        ([1, 1, 1, 8], 1, false),
        ([1, 2, 9, 5], 9, true),
        // Above 262144 scores a head, flex goes over the keys in tiles and never holds them all.
        ([1, 1, 520, 8], 520, false),
    ];
    for device in devices() {
        for (shape, keys, causal) in cases {
            let context = [shape[0], shape[1], keys, shape[3]];
            let [q, k, v] =
                [(shape, 1), (context, 2), (context, 3)].map(|(shape, seed)| numbers(shape, seed));
            let expected = formula([shape, context], &q, &k, &v, causal);
            let tensor = |x: Vec<f32>, shape| Tensor::<4>::from_data(TensorData::new(x, shape), &device);
            let actual = attention(tensor(q, shape), tensor(k, context), tensor(v, context), causal);
            // Measured: at most 2e-7.
            assert_close(&format!("{shape:?} to {keys} keys"), actual, tensor(expected, shape), 1e-6);
        }
    }
}

#[test]
fn a_nan_spoils_its_own_query_only() {
    for device in devices() {
        let tensor =
            |x: Vec<f32>, tokens| Tensor::<4>::from_data(TensorData::new(x, [1, 1, tokens, 8]), &device);
        let mut queries = numbers([1, 1, 60, 8], 1);
        queries[59 * 8] = f32::NAN;
        let context = || tensor(numbers([1, 1, 9, 8], 2), 9);
        let y: Vec<f32> = attention(tensor(queries, 60), context(), context(), false)
            .into_data()
            .try_into_vec_as()
            .expect("floats");
        assert!(y[..59 * 8].iter().all(|y| y.is_finite()));
        assert!(y[59 * 8..].iter().all(|y| y.is_nan()));
    }
}

#[test]
fn heads_are_runs_of_channels() {
    for device in devices() {
        let x = Tensor::<1>::from_floats([0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.], &device)
            .reshape([1, 2, 6]);
        let split = split_heads(x.clone(), 3);
        assert_eq!(split.dims(), [1, 3, 2, 2]);
        let second: Vec<f32> = split.clone().narrow(1, 1, 1).into_data().try_into_vec_as().expect("floats");
        assert_eq!(second, [2., 3., 8., 9.]);
        assert_eq!(join_heads(split).into_data(), x.into_data());
    }
}
