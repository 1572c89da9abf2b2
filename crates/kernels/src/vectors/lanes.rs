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

    use super::super::fours::{eights_of_four, fours_of_eight, fours_of_sixteen, sixteens_of_four};
    use super::Lanes;
    #[cfg(miri)]
    use in_miri::{_mm512_max_ps, _mm512_scalef_ps};

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

    /// Instructions of AVX-512F that Miri does not know, in the place of the real ones (one more is in `fours.rs`).
    #[cfg(miri)]
    mod in_miri {
        use std::arch::x86_64::{__m256, __m512};

        use super::{Eight, Lanes};

        pub(super) unsafe fn _mm512_max_ps(x: __m512, y: __m512) -> __m512 {
            by_halves(x, y, Eight::greater)
        }

        pub(super) unsafe fn _mm512_scalef_ps(x: __m512, n: __m512) -> __m512 {
            by_halves(x, n, Eight::times_two_to)
        }

        fn by_halves(x: __m512, y: __m512, f: fn(Eight, Eight) -> Eight) -> __m512 {
            // SAFETY: both types are so many numbers of 32 bits, whatever they are.
            unsafe {
                let [x, y] = [x, y].map(|x| std::mem::transmute::<__m512, [__m256; 2]>(x));
                std::mem::transmute([f(Eight(x[0]), Eight(y[0])), f(Eight(x[1]), Eight(y[1]))])
            }
        }
    }
}
