//! One vector of numbers, as wide as the processor has them.

/// Numbers that are computed together.
pub(crate) trait Lanes: Copy {
    /// How many: 4, 8 or 16.
    const COUNT: usize;

    /// The same number in every lane.
    fn splat(x: f32) -> Self;

    /// # Safety
    ///
    /// `from` must be good for [`Lanes::COUNT`] reads; it need not be aligned.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    ///
    /// `to` must be good for [`Lanes::COUNT`] writes; it need not be aligned.
    unsafe fn store(self, to: *mut f32);

    /// Four times as many numbers as there are lanes, every fourth into the same vector: number `4 · i + n` into lane `i`
    /// of vector `n`.
    ///
    /// # Safety
    ///
    /// `from` must be good for as many reads; it need not be aligned.
    unsafe fn load_fours(from: *const f32) -> [Self; 4];

    /// Lane `i` of vector `n` to number `4 · i + n`: the reverse of [`Lanes::load_fours`].
    ///
    /// # Safety
    ///
    /// `to` must be good for as many writes; it need not be aligned.
    unsafe fn store_fours(fours: [Self; 4], to: *mut f32);

    /// `self + other`.
    fn plus(self, other: Self) -> Self;

    /// `self - other`.
    fn minus(self, other: Self) -> Self;

    /// `self · other`.
    fn times(self, other: Self) -> Self;

    /// `self · by + plus`, rounded once where the processor can.
    fn times_plus(self, by: Self, plus: Self) -> Self;

    /// The greater of the two; `other` where either is NaN.
    fn greater(self, other: Self) -> Self;

    /// `self · 2ⁿ`, for integers n from -126 to 127.
    fn times_two_to(self, n: Self) -> Self;
}

/// Four lanes in plain Rust: what NEON has, and SSE2.
#[derive(Clone, Copy)]
pub(crate) struct Four([f32; 4]);

impl Lanes for Four {
    const COUNT: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn load_fours(from: *const f32) -> [Self; 4] {
        // SAFETY: the caller's promise.
        let numbers = unsafe { from.cast::<[[f32; 4]; 4]>().read_unaligned() };
        std::array::from_fn(|n| Self(numbers.map(|four| four[n])))
    }

    #[inline(always)]
    unsafe fn store_fours(fours: [Self; 4], to: *mut f32) {
        let numbers: [[f32; 4]; 4] = std::array::from_fn(|i| fours.map(|four| four.0[i]));
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[[f32; 4]; 4]>().write_unaligned(numbers) }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }

    #[inline(always)]
    fn times_plus(self, by: Self, plus: Self) -> Self {
        // Where no instruction fuses the two, `mul_add` would be a slow function.
        const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
        Self(std::array::from_fn(|i| {
            if FUSED { self.0[i].mul_add(by.0[i], plus.0[i]) } else { self.0[i] * by.0[i] + plus.0[i] }
        }))
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] > other.0[i] { self.0[i] } else { other.0[i] }))
    }

    #[inline(always)]
    fn times_two_to(self, n: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * f32::from_bits(((n.0[i] as i32 + 127) << 23) as u32)))
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Eight, Sixteen};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Lanes;

    /// The vectors of AVX2 with FMA. Only `Processor::run` names the type, where the processor has both; every method
    /// is inlined there, or it would not become a single instruction.
    #[derive(Clone, Copy)]
    pub(crate) struct Eight(__m256);

    /// The vectors of AVX-512F; see [`Eight`].
    #[derive(Clone, Copy)]
    pub(crate) struct Sixteen(__m512);

    macro_rules! lanes {
        ($name:ident, $count:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident,
         $fmadd:ident, $max:ident, $two_to:expr, $part:expr, $join:expr) => {
            impl Lanes for $name {
                const COUNT: usize = $count;

                #[inline(always)]
                fn splat(x: f32) -> Self {
                    // SAFETY: the type is only used where its instructions exist, as it says.
                    Self(unsafe { $splat(x) })
                }

                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: the same, and the caller's promise.
                    Self(unsafe { $load(from) })
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: the same, and the caller's promise.
                    unsafe { $store(to, self.0) }
                }

                #[inline(always)]
                unsafe fn load_fours(from: *const f32) -> [Self; 4] {
                    // SAFETY: the same, and the caller's promise.
                    unsafe {
                        let [a, b, c, d] = $part(
                            $load(from),
                            $load(from.add($count)),
                            $load(from.add(2 * $count)),
                            $load(from.add(3 * $count)),
                        );
                        [Self(a), Self(b), Self(c), Self(d)]
                    }
                }

                #[inline(always)]
                unsafe fn store_fours([a, b, c, d]: [Self; 4], to: *mut f32) {
                    // SAFETY: the same, and the caller's promise.
                    unsafe {
                        let [a, b, c, d] = $join(a.0, b.0, c.0, d.0);
                        $store(to, a);
                        $store(to.add($count), b);
                        $store(to.add(2 * $count), c);
                        $store(to.add(3 * $count), d);
                    }
                }

                #[inline(always)]
                fn plus(self, other: Self) -> Self {
                    // SAFETY: the type is only used where its instructions exist.
                    Self(unsafe { $add(self.0, other.0) })
                }

                #[inline(always)]
                fn minus(self, other: Self) -> Self {
                    // SAFETY: the type is only used where its instructions exist.
                    Self(unsafe { $sub(self.0, other.0) })
                }

                #[inline(always)]
                fn times(self, other: Self) -> Self {
                    // SAFETY: the type is only used where its instructions exist.
                    Self(unsafe { $mul(self.0, other.0) })
                }

                #[inline(always)]
                fn times_plus(self, by: Self, plus: Self) -> Self {
                    // SAFETY: the type is only used where its instructions exist.
                    Self(unsafe { $fmadd(self.0, by.0, plus.0) })
                }

                #[inline(always)]
                fn greater(self, other: Self) -> Self {
                    // SAFETY: the type is only used where its instructions exist.
                    Self(unsafe { $max(self.0, other.0) })
                }

                #[inline(always)]
                fn times_two_to(self, n: Self) -> Self {
                    // SAFETY: the type is only used where its instructions exist.
                    Self(unsafe { $two_to(self.0, n.0) })
                }
            }
        };
    }

    lanes!(
        Eight,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_fmadd_ps,
        _mm256_max_ps,
        |x, n| {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        },
        fours_of_eight,
        eights_of_four
    );
    lanes!(
        Sixteen,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_fmadd_ps,
        _mm512_max_ps,
        |x, n| _mm512_scalef_ps(x, n),
        fours_of_sixteen,
        sixteens_of_four
    );

    /// The vectors of [`Lanes::load_fours`] from the numbers as they lie.
    ///
    /// # Safety
    ///
    /// The processor must have AVX2.
    #[inline(always)]
    unsafe fn fours_of_eight(a: __m256, b: __m256, c: __m256, d: __m256) -> [__m256; 4] {
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
    unsafe fn eights_of_four(a: __m256, b: __m256, c: __m256, d: __m256) -> [__m256; 4] {
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

    /// The numbers of two vectors at even places, and those at odd ones.
    const EVEN: [i32; 16] = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30];
    const ODD: [i32; 16] = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31];
    /// The numbers of two vectors by turns: those of the lower halves, and of the upper ones.
    const LOWER: [i32; 16] = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];
    const UPPER: [i32; 16] = [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31];

    /// The vectors of [`Lanes::load_fours`] from the numbers as they lie.
    ///
    /// # Safety
    ///
    /// The processor must have AVX-512F.
    #[inline(always)]
    unsafe fn fours_of_sixteen(a: __m512, b: __m512, c: __m512, d: __m512) -> [__m512; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let (even, odd) =
                (_mm512_loadu_si512(EVEN.as_ptr().cast()), _mm512_loadu_si512(ODD.as_ptr().cast()));
            let even_ab = _mm512_permutex2var_ps(a, even, b);
            let even_cd = _mm512_permutex2var_ps(c, even, d);
            let odd_ab = _mm512_permutex2var_ps(a, odd, b);
            let odd_cd = _mm512_permutex2var_ps(c, odd, d);
            [
                _mm512_permutex2var_ps(even_ab, even, even_cd),
                _mm512_permutex2var_ps(odd_ab, even, odd_cd),
                _mm512_permutex2var_ps(even_ab, odd, even_cd),
                _mm512_permutex2var_ps(odd_ab, odd, odd_cd),
            ]
        }
    }

    /// The reverse of [`fours_of_sixteen`].
    ///
    /// # Safety
    ///
    /// The processor must have AVX-512F.
    #[inline(always)]
    unsafe fn sixteens_of_four(a: __m512, b: __m512, c: __m512, d: __m512) -> [__m512; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let (lower, upper) =
                (_mm512_loadu_si512(LOWER.as_ptr().cast()), _mm512_loadu_si512(UPPER.as_ptr().cast()));
            let lower_ac = _mm512_permutex2var_ps(a, lower, c);
            let upper_ac = _mm512_permutex2var_ps(a, upper, c);
            let lower_bd = _mm512_permutex2var_ps(b, lower, d);
            let upper_bd = _mm512_permutex2var_ps(b, upper, d);
            [
                _mm512_permutex2var_ps(lower_ac, lower, lower_bd),
                _mm512_permutex2var_ps(lower_ac, upper, lower_bd),
                _mm512_permutex2var_ps(upper_ac, lower, upper_bd),
                _mm512_permutex2var_ps(upper_ac, upper, upper_bd),
            ]
        }
    }
}
