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
    use std::array::from_fn;

    // SAFETY: a row has sixteen numbers.
    let rows = rows.map(|row| unsafe { _mm512_loadu_ps(row.as_ptr()) });
    let pairs: [__m512d; SQUARE] = from_fn(|i| {
        let (upper, lower) = (rows[i & !1], rows[i | 1]);
        let pair =
            if i % 2 == 0 { _mm512_unpacklo_ps(upper, lower) } else { _mm512_unpackhi_ps(upper, lower) };
        _mm512_castps_pd(pair)
    });
    // Of four rows, in each quarter of a vector one column.
    let fours: [__m512; SQUARE] = from_fn(|i| {
        let (upper, lower) = (pairs[(i & !3) + i / 2 % 2], pairs[(i & !3) + i / 2 % 2 + 2]);
        let four =
            if i % 2 == 0 { _mm512_unpacklo_pd(upper, lower) } else { _mm512_unpackhi_pd(upper, lower) };
        _mm512_castpd_ps(four)
    });
    for i in 0..4 {
        let even = |a: usize| _mm512_shuffle_f32x4::<0x88>(fours[a + i], fours[a + 4 + i]);
        let odd = |a: usize| _mm512_shuffle_f32x4::<0xdd>(fours[a + i], fours[a + 4 + i]);
        let columns = [
            (i, _mm512_shuffle_f32x4::<0x88>(even(0), even(8))),
            (4 + i, _mm512_shuffle_f32x4::<0x88>(odd(0), odd(8))),
            (8 + i, _mm512_shuffle_f32x4::<0xdd>(even(0), even(8))),
            (12 + i, _mm512_shuffle_f32x4::<0xdd>(odd(0), odd(8))),
        ];
        for (column, numbers) in columns {
            // SAFETY: the caller's promise.
            unsafe { _mm512_storeu_ps(to.add(column * stride), numbers) };
        }
    }
}
