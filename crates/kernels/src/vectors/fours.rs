//! Every fourth number into the same vector, and back.

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{eights_of_four, fours_of_eight, fours_of_sixteen, sixteens_of_four};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    #[cfg(miri)]
    use in_miri::_mm512_permutex2var_ps;

    /// The vectors of [`Lanes::load_fours`](crate::vectors::Lanes::load_fours) from the numbers as they lie.
    ///
    /// # Safety
    ///
    /// The processor must have AVX2.
    #[inline(always)]
    pub(in crate::vectors) unsafe fn fours_of_eight(
        a: __m256,
        b: __m256,
        c: __m256,
        d: __m256,
    ) -> [__m256; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            // Half vectors change places so that each half is a square of four by four.
            square(
                _mm256_permute2f128_ps::<0x20>(a, c),
                _mm256_permute2f128_ps::<0x31>(a, c),
                _mm256_permute2f128_ps::<0x20>(b, d),
                _mm256_permute2f128_ps::<0x31>(b, d),
            )
        }
    }

    /// The reverse of [`fours_of_eight`].
    ///
    /// # Safety
    ///
    /// The processor must have AVX2.
    #[inline(always)]
    pub(in crate::vectors) unsafe fn eights_of_four(
        a: __m256,
        b: __m256,
        c: __m256,
        d: __m256,
    ) -> [__m256; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let [a, b, c, d] = square(a, b, c, d);
            [
                _mm256_permute2f128_ps::<0x20>(a, b),
                _mm256_permute2f128_ps::<0x20>(c, d),
                _mm256_permute2f128_ps::<0x31>(a, b),
                _mm256_permute2f128_ps::<0x31>(c, d),
            ]
        }
    }

    /// Rows become columns in each half.
    ///
    /// # Safety
    ///
    /// The processor must have AVX2.
    #[inline(always)]
    unsafe fn square(a: __m256, b: __m256, c: __m256, d: __m256) -> [__m256; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let (lower_ab, upper_ab) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (lower_cd, upper_cd) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            [
                _mm256_shuffle_ps::<0x44>(lower_ab, lower_cd),
                _mm256_shuffle_ps::<0xee>(lower_ab, lower_cd),
                _mm256_shuffle_ps::<0x44>(upper_ab, upper_cd),
                _mm256_shuffle_ps::<0xee>(upper_ab, upper_cd),
            ]
        }
    }

    /// Places in two vectors, those of the second from 16 on.
    type Places = [i32; 16];

    /// The numbers of two vectors at even places, and those at odd ones.
    const EVEN: &Places = &[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30];
    const ODD: &Places = &[1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31];
    /// The numbers of two vectors by turns: those of the lower halves, and of the upper ones.
    const LOWER: &Places = &[0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];
    const UPPER: &Places = &[8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31];

    /// The vectors of [`Lanes::load_fours`](crate::vectors::Lanes::load_fours) from the numbers as they lie.
    ///
    /// # Safety
    ///
    /// The processor must have AVX-512F.
    #[inline(always)]
    pub(in crate::vectors) unsafe fn fours_of_sixteen(
        a: __m512,
        b: __m512,
        c: __m512,
        d: __m512,
    ) -> [__m512; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let [even_ab, odd_ab, even_cd, odd_cd] = paired([a, b, c, d], EVEN, ODD);
            let [a, c, b, d] = paired([even_ab, even_cd, odd_ab, odd_cd], EVEN, ODD);
            [a, b, c, d]
        }
    }

    /// The reverse of [`fours_of_sixteen`].
    ///
    /// # Safety
    ///
    /// The processor must have AVX-512F.
    #[inline(always)]
    pub(in crate::vectors) unsafe fn sixteens_of_four(
        a: __m512,
        b: __m512,
        c: __m512,
        d: __m512,
    ) -> [__m512; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let [lower_ac, upper_ac, lower_bd, upper_bd] = paired([a, c, b, d], LOWER, UPPER);
            paired([lower_ac, lower_bd, upper_ac, upper_bd], LOWER, UPPER)
        }
    }

    /// The numbers of the first two vectors at these places of both, and of the last two.
    ///
    /// # Safety
    ///
    /// The processor must have AVX-512F.
    #[inline(always)]
    unsafe fn paired([a, b, c, d]: [__m512; 4], first: &Places, second: &Places) -> [__m512; 4] {
        // SAFETY: the caller's promise; there are sixteen places.
        unsafe {
            let first = _mm512_loadu_si512(first.as_ptr().cast());
            let second = _mm512_loadu_si512(second.as_ptr().cast());
            [
                _mm512_permutex2var_ps(a, first, b),
                _mm512_permutex2var_ps(a, second, b),
                _mm512_permutex2var_ps(c, first, d),
                _mm512_permutex2var_ps(c, second, d),
            ]
        }
    }

    /// An instruction of AVX-512F that Miri does not know, in the place of the real one.
    #[cfg(miri)]
    mod in_miri {
        use std::arch::x86_64::{__m512, __m512i};

        pub(super) unsafe fn _mm512_permutex2var_ps(a: __m512, places: __m512i, b: __m512) -> __m512 {
            // SAFETY: all are so many numbers of 32 bits, whatever they are.
            unsafe {
                let numbers: [f32; 32] = std::mem::transmute([a, b]);
                let places: [i32; 16] = std::mem::transmute(places);
                std::mem::transmute(places.map(|place| numbers[place as usize % 32]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::processors::numbers;
    use crate::vectors::{Job, Lanes, Processor};

    /// The numbers that are loaded and stored, and their vectors behind each other.
    struct ThereAndBack<'a>(&'a [f32]);

    impl Job for ThereAndBack<'_> {
        type Result = [Vec<f32>; 2];

        #[inline(always)]
        fn run<L: Lanes>(self) -> [Vec<f32>; 2] {
            let (mut vectors, mut back) = (vec![f32::NAN; 4 * L::COUNT], vec![f32::NAN; 4 * L::COUNT]);
            assert!(self.0.len() >= 4 * L::COUNT);
            // SAFETY: all have four vectors.
            unsafe {
                let [a, b, c, d] = L::load_fours(self.0.as_ptr());
                a.store(vectors.as_mut_ptr());
                b.store(vectors.as_mut_ptr().add(L::COUNT));
                c.store(vectors.as_mut_ptr().add(2 * L::COUNT));
                d.store(vectors.as_mut_ptr().add(3 * L::COUNT));
                L::store_fours([a, b, c, d], back.as_mut_ptr());
            }
            [vectors, back]
        }
    }

    #[test]
    fn every_fourth_number_is_in_the_same_vector() {
        let numbers = numbers(64, 1);
        for processor in Processor::all() {
            let count = processor.lanes();
            let [vectors, back] = processor.run(ThereAndBack(&numbers));
            for (at, &x) in vectors.iter().enumerate() {
                assert_eq!(x, numbers[at % count * 4 + at / count], "{processor:?}: {at}");
            }
            assert_eq!(back, numbers[..4 * count], "{processor:?}");
        }
    }
}
