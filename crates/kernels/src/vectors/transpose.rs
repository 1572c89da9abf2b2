//! Rows become columns, a square at a time.

#[cfg(target_arch = "x86_64")]
use super::Kind;
use super::Processor;

/// Rows and columns of a square.
pub(crate) const SQUARE: usize = 16;

impl Processor {
    /// The first numbers of each of `rows` become a column of `to`, whose rows are `stride` numbers apart.
    ///
    /// # Panics
    ///
    /// If a row or `to` is too short.
    #[inline(always)]
    pub(crate) fn transpose(self, rows: [&[f32]; SQUARE], to: &mut [f32], stride: usize) {
        let rows = rows.map(|row| row.first_chunk::<SQUARE>().expect("a whole row of the square"));
        assert!(stride >= SQUARE && to.len() >= (SQUARE - 1) * stride + SQUARE, "room for the square");
        #[cfg(target_arch = "x86_64")]
        if matches!(self.0, Kind::Amx | Kind::Avx512) {
            // SAFETY: the processor has AVX-512F, and the room was checked.
            return unsafe { transpose_avx512(rows, to.as_mut_ptr(), stride) };
        }
        for column in 0..SQUARE {
            let to = &mut to[column * stride..][..SQUARE];
            for (to, row) in to.iter_mut().zip(rows) {
                *to = row[column];
            }
        }
    }
}

/// # Safety
///
/// `to` must be good for writing [`SQUARE`] rows of as many numbers, `stride` apart.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn transpose_avx512(rows: [&[f32; SQUARE]; SQUARE], to: *mut f32, stride: usize) {
    use std::arch::x86_64::*;

    // Loops, for what `map` and `from_fn` are given is compiled for these instructions, but they are not.
    let mut numbers = [_mm512_setzero_ps(); SQUARE];
    for i in 0..SQUARE {
        // SAFETY: a row has sixteen numbers.
        numbers[i] = unsafe { _mm512_loadu_ps(rows[i].as_ptr()) };
    }
    let mut pairs = [_mm512_setzero_pd(); SQUARE];
    for i in (0..SQUARE).step_by(2) {
        pairs[i] = _mm512_castps_pd(_mm512_unpacklo_ps(numbers[i], numbers[i + 1]));
        pairs[i + 1] = _mm512_castps_pd(_mm512_unpackhi_ps(numbers[i], numbers[i + 1]));
    }
    // Of four rows, in each quarter of a vector one column.
    let mut fours = [_mm512_setzero_ps(); SQUARE];
    for i in (0..SQUARE).step_by(4) {
        for half in 0..2 {
            let (upper, lower) = (pairs[i + half], pairs[i + half + 2]);
            fours[i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(upper, lower));
            fours[i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(upper, lower));
        }
    }
    for i in 0..4 {
        let even = _mm512_shuffle_f32x4::<0x88>(fours[i], fours[4 + i]);
        let odd = _mm512_shuffle_f32x4::<0xdd>(fours[i], fours[4 + i]);
        let even_below = _mm512_shuffle_f32x4::<0x88>(fours[8 + i], fours[12 + i]);
        let odd_below = _mm512_shuffle_f32x4::<0xdd>(fours[8 + i], fours[12 + i]);
        // SAFETY: the caller's promise.
        unsafe {
            _mm512_storeu_ps(to.add(i * stride), _mm512_shuffle_f32x4::<0x88>(even, even_below));
            _mm512_storeu_ps(to.add((4 + i) * stride), _mm512_shuffle_f32x4::<0x88>(odd, odd_below));
            _mm512_storeu_ps(to.add((8 + i) * stride), _mm512_shuffle_f32x4::<0xdd>(even, even_below));
            _mm512_storeu_ps(to.add((12 + i) * stride), _mm512_shuffle_f32x4::<0xdd>(odd, odd_below));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processors::numbers;

    #[test]
    fn rows_become_columns_and_nothing_beside_them_is_written() {
        for processor in Processor::all() {
            for stride in [SQUARE, SQUARE + 1, 2 * SQUARE] {
                let from = numbers(SQUARE * (SQUARE + 3), 1);
                let rows = std::array::from_fn(|row| &from[row * (SQUARE + 3)..][..SQUARE + row % 4]);
                let mut to = vec![f32::NAN; (SQUARE - 1) * stride + SQUARE];
                processor.transpose(rows, &mut to, stride);
                for (at, &x) in to.iter().enumerate() {
                    let (row, column) = (at / stride, at % stride);
                    match rows.get(column) {
                        Some(from) => assert_eq!(x, from[row], "{processor:?}: {row}, {column}"),
                        None => assert!(x.is_nan(), "{processor:?}: {row}, {column}"),
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic = "room for the square"]
    fn a_place_that_is_too_short_is_refused() {
        Processor::this().transpose([&[0.0; SQUARE]; SQUARE], &mut [0.0; SQUARE * SQUARE], SQUARE + 1);
    }
}
