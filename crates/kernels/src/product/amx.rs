//! The tiles of AMX: the processor multiplies 16 × 32 by 32 × 16 numbers of 8 binary digits in one instruction.
//!
//! A number of 24 digits is cut into three of 8, so that nothing is lost, and six of the nine products of the parts
//! are summed in f32:
//!
//! ```text
//! (a₁ + a₂ + a₃)(b₁ + b₂ + b₃) = a₁b₁ + a₁b₂ + a₁b₃ + a₂b₁ + a₂b₂ + a₃b₁ + about 2⁻²³ of the product
//! ```
//!
//! which is as exact as f32 itself, and faster than its vectors although each number is cut first. Where all second or
//! third parts are 0, as those of weights stored in f16 or bf16 are, their products are left out. Infinities become NaN,
//! for their parts are differences of them, and numbers below 2⁻¹²⁶ count as 0.
//!
//! Source: "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations", arXiv
//! 1904.06376.

use std::arch::asm;
use std::arch::x86_64::*;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::ways::Target;
use crate::vectors::prefetch;

/// Rows, and columns, that are multiplied together: two tiles of 16.
pub(crate) const SIDE: usize = 32;
/// Inner numbers of a tile.
const INNER: usize = 32;
/// Numbers of 32 bits in a tile.
const TILE: usize = 256;
/// Parts of a number.
const PARTS: usize = 3;
/// From the parts of some inner numbers to those of the next.
const STEP: usize = PARTS * 2 * TILE;

/// Numbers of 32 bits before the first parts, of which one says how many parts there are: a line of the caches.
const HEAD: usize = 16;

/// Numbers of 32 bits that [`SIDE`] rows or columns of `inner` numbers take when they are cut.
pub(crate) const fn cut_len(inner: usize) -> usize {
    HEAD + inner.div_ceil(INNER) * STEP
}

/// Whether this machine has the tiles and lets this process use them. Miri, which runs no assembly, has none.
pub(crate) fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| !cfg!(miri) && is_in_processor() && is_allowed())
}

/// AMX-TILE and AMX-BF16, as the processor says; and the vectors that cut numbers for them.
fn is_in_processor() -> bool {
    const BF16: u32 = 1 << 22;
    const TILE: u32 = 1 << 24;
    is_x86_feature_detected!("avx512bw") && __cpuid_count(7, 0).edx & (BF16 | TILE) == BF16 | TILE
}

/// Linux keeps the tiles' room of 8 KiB a thread for those that ask.
fn is_allowed() -> bool {
    #[cfg(target_os = "linux")]
    {
        const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
        const XFEATURE_XTILEDATA: libc::c_long = 18;
        // SAFETY: the call only asks for the permission, and says whether it was given.
        unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// The three parts of sixteen numbers, each in the upper halves.
#[target_feature(enable = "avx512f")]
#[inline]
fn parts(x: __m512i) -> [__m512i; PARTS] {
    let upper = |x| _mm512_and_si512(x, _mm512_set1_epi32(0xffff_0000_u32 as i32));
    let less =
        |x, part| _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(part)));
    let first = upper(x);
    let rest = less(x, first);
    let second = upper(rest);
    [first, second, less(rest, second)]
}

/// What was in the second and in the third parts so far.
struct Seen([__m512i; 2]);

impl Seen {
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn nothing() -> Self {
        Self([_mm512_setzero_si512(); 2])
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn add(&mut self, parts: [__m512i; PARTS]) {
        for (seen, part) in self.0.iter_mut().zip(&parts[1..]) {
            *seen = _mm512_or_si512(*seen, *part);
        }
    }

    /// How many parts are needed: of numbers that were halves or brain floats the last are 0.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn parts(&self) -> usize {
        let needed = self.0.map(|seen| _mm512_test_epi32_mask(seen, seen) != 0);
        needed.iter().rposition(|&needed| needed).map_or(1, |last| last + 2)
    }
}

/// Sixteen numbers.
#[target_feature(enable = "avx512f")]
#[inline]
fn load(numbers: &[f32]) -> __m512i {
    let numbers: &[f32; 16] = numbers.first_chunk().expect("sixteen numbers");
    // SAFETY: there are sixteen.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(x: __m512i, to: &mut [f32]) {
    let to: &mut [f32; 16] = to.first_chunk_mut().expect("room for sixteen numbers");
    // SAFETY: there is.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), x) }
}

/// Cuts at most [`SIDE`] rows of whole [`INNER`]s of numbers into `[inner / INNER, PARTS, 2, 16, INNER]` of half the
/// bits, behind a [`HEAD`]. What is in the place of rows that are missing stays.
///
/// # Panics
///
/// If the processor has no tiles, or `to` is not as long as [`cut_len`] says.
pub(crate) fn cut_rows<'a>(rows: impl Iterator<Item = &'a [f32]>, inner: usize, to: &mut [f32]) {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn cut<'a>(rows: impl Iterator<Item = &'a [f32]>, to: &mut [f32]) -> usize {
        // The upper halves of one vector, then those of another.
        let upper: [u16; 32] = std::array::from_fn(|i| 2 * i as u16 + 1);
        // SAFETY: there are 64 bytes.
        let upper = unsafe { _mm512_loadu_si512(upper.as_ptr().cast()) };
        let mut seen = Seen::nothing();
        for (row, numbers) in rows.take(SIDE).enumerate() {
            for (numbers, to) in numbers.as_chunks::<INNER>().0.iter().zip(to.as_chunks_mut::<STEP>().0) {
                let (left, right) = (parts(load(numbers)), parts(load(&numbers[16..])));
                seen.add(left);
                seen.add(right);
                for part in 0..PARTS {
                    let both = _mm512_permutex2var_epi16(left[part], upper, right[part]);
                    store(both, &mut to[part * 2 * TILE + row * INNER / 2..]);
                }
            }
        }
        seen.parts()
    }
    assert!(is_there() && inner.is_multiple_of(INNER) && to.len() == cut_len(inner));
    let (head, to) = to.split_at_mut(HEAD);
    // SAFETY: a processor with the tiles has these vectors.
    head[0] = unsafe { cut(rows, to) } as f32;
}

/// Cuts whole [`INNER`]s of rows of [`SIDE`] numbers, `[inner, SIDE]`, into `[inner / INNER, PARTS, 2, INNER / 2, 16]`,
/// where the parts of two rows lie in one number of 32 bits, behind a [`HEAD`].
///
/// # Panics
///
/// If the processor has no tiles, or the lengths do not fit.
pub(crate) fn cut_columns(columns: &[f32], to: &mut [f32]) {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn cut(columns: &[f32], to: &mut [f32]) -> usize {
        const LOWER: __mmask32 = 0x5555_5555;
        let mut seen = Seen::nothing();
        let steps = columns.as_chunks::<{ INNER * SIDE }>().0.iter().zip(to.as_chunks_mut::<STEP>().0);
        for (columns, to) in steps {
            for (pair, rows) in columns.as_chunks::<{ 2 * SIDE }>().0.iter().enumerate() {
                for half in 0..2 {
                    let (first, second) =
                        (parts(load(&rows[half * 16..])), parts(load(&rows[SIDE + half * 16..])));
                    seen.add(first);
                    seen.add(second);
                    for part in 0..PARTS {
                        let first = _mm512_srli_epi32::<16>(first[part]);
                        let both = _mm512_mask_mov_epi16(second[part], LOWER, first);
                        store(both, &mut to[(part * 2 + half) * TILE + pair * 16..]);
                    }
                }
            }
        }
        seen.parts()
    }
    let inner = columns.len() / SIDE;
    assert!(
        is_there()
            && inner.is_multiple_of(INNER)
            && columns.len() == SIDE * inner
            && to.len() == cut_len(inner)
    );
    let (head, to) = to.split_at_mut(HEAD);
    // SAFETY: a processor with the tiles has these vectors.
    head[0] = unsafe { cut(columns, to) } as f32;
}

/// The tiles of this thread, ready for use; one at a time, for with it they are given back. It stays in its thread, as
/// they do.
pub(crate) struct Tiles(PhantomData<*const ()>);

impl Tiles {
    /// # Panics
    ///
    /// If there are none.
    pub(crate) fn new() -> Self {
        assert!(is_there(), "a processor with AMX");
        /// All eight tiles with 16 rows of 64 bytes.
        #[repr(align(64))]
        struct Palette([u8; 64]);
        static PALETTE: Palette = {
            let mut bytes = [0; 64];
            bytes[0] = 1;
            let mut tile = 0;
            while tile < 8 {
                bytes[16 + 2 * tile] = 64;
                bytes[48 + tile] = 16;
                tile += 1;
            }
            Palette(bytes)
        };
        // SAFETY: the processor has the instruction, as was asked, and reads 64 bytes.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) PALETTE.0.as_ptr(), options(nostack, preserves_flags, readonly))
        };
        Self(PhantomData)
    }

    /// The product of cut rows and cut columns into `target`, of at most [`SIDE`] rows and columns.
    ///
    /// # Safety
    ///
    /// As for [`Way::multiply`](super::ways::Way::multiply).
    pub(crate) unsafe fn multiply(&self, a: &[f32], b: &[f32], target: Target) {
        assert!(a.len() > HEAD && (a.len() - HEAD).is_multiple_of(STEP) && b.len() == a.len(), "cut");
        let multiply = match [a[0], b[0]] {
            [1.0, _] => products_of_one_part_of_rows,
            [2.0, _] => products_of_two_parts_of_rows,
            [_, 1.0] => products_of_one_part_of_columns,
            [_, 2.0] => products_of_two_parts_of_columns,
            _ => products_of_all_parts,
        };
        let steps = (a.len() - HEAD) / STEP;
        let mut sums = Sums([[0.0; SIDE]; SIDE]);
        // SAFETY: the lengths were checked, and the tiles of this thread are set up for as long as `self` lives; the
        // target is the caller's promise, and who has tiles has these vectors.
        unsafe {
            target.prefetch();
            multiply(a[HEAD..].as_ptr(), b[HEAD..].as_ptr(), steps, &mut sums);
            target.take(&sums);
        }
    }
}

/// What [`Tiles`] leave behind.
#[repr(align(64))]
struct Sums([[f32; SIDE]; SIDE]);

impl Target {
    /// Asks for the memory of all rows, which is far apart and will be here when the sums are complete.
    fn prefetch(self) {
        for row in 0..self.rows {
            let c = self.c.wrapping_add(row * self.c_row);
            // A row lies in three lines of the caches at most.
            for column in [0, self.columns / 2, self.columns - 1] {
                prefetch(c.wrapping_add(column));
            }
        }
    }

    /// # Safety
    ///
    /// As for [`Way::multiply`](super::ways::Way::multiply).
    #[target_feature(enable = "avx512f")]
    unsafe fn take(self, sums: &Sums) {
        for (row, sums) in sums.0.iter().enumerate().take(self.rows) {
            // SAFETY: the caller's promise.
            let c = unsafe { std::slice::from_raw_parts_mut(self.c.add(row * self.c_row), self.columns) };
            // A row of known length saves the loop.
            match (<&mut [f32; SIDE]>::try_from(&mut *c), self.add) {
                (Ok(c), true) => c.iter_mut().zip(sums).for_each(|(c, sum)| *c += sum),
                (Ok(c), false) => *c = *sums,
                (Err(_), true) => c.iter_mut().zip(sums).for_each(|(c, sum)| *c += sum),
                (Err(_), false) => c.copy_from_slice(&sums[..c.len()]),
            }
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: nobody uses the tiles any more, and whoever made them had the instruction.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
    }
}

// Of the eight tiles four hold the sums, two a part of the rows and two a part of the columns. From a part to the next
// are two tiles of 1024 bytes.
macro_rules! rows {
    ($part:literal) => {
        concat!(
            "tileloadd tmm4, [{a} + {line} + 2048 * (",
            $part,
            " - 1)]\n",
            "tileloadd tmm5, [{a} + {line} + 2048 * (",
            $part,
            " - 1) + 1024]",
        )
    };
}
macro_rules! columns {
    ($part:literal) => {
        concat!(
            "tileloadd tmm6, [{b} + {line} + 2048 * (",
            $part,
            " - 1)]\n",
            "tileloadd tmm7, [{b} + {line} + 2048 * (",
            $part,
            " - 1) + 1024]",
        )
    };
}
macro_rules! products {
    () => {
        "tdpbf16ps tmm0, tmm4, tmm6
         tdpbf16ps tmm1, tmm4, tmm7
         tdpbf16ps tmm2, tmm5, tmm6
         tdpbf16ps tmm3, tmm5, tmm7"
    };
}

/// A function that adds up `products` over all steps. Those of parts that are 0 may be left out: nothing would change.
macro_rules! kernel {
    ($name:ident: $($products:tt)+) => {
        /// # Safety
        ///
        /// The tiles must be set up, and `a` and `b` must have `steps` whole steps, at least one.
        unsafe fn $name(a: *const f32, b: *const f32, steps: usize, sums: &mut Sums) {
            // SAFETY: the caller's promise.
            unsafe {
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "2:",
                    $($products)+,
                    "add {a}, 6144",
                    "add {b}, 6144",
                    "dec {steps}",
                    "jnz 2b",
                    "tilestored [{sums} + {row}], tmm0",
                    "tilestored [{sums} + {row} + 64], tmm1",
                    "tilestored [{sums} + {row} + 2048], tmm2",
                    "tilestored [{sums} + {row} + 2048 + 64], tmm3",
                    a = inout(reg) a => _,
                    b = inout(reg) b => _,
                    steps = inout(reg) steps => _,
                    sums = in(reg) sums,
                    row = in(reg) 128usize,
                    line = in(reg) 64usize,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

kernel!(products_of_all_parts:
    rows!(1), columns!(1), products!(), columns!(2), products!(), columns!(3), products!(), // a₁b₁, a₁b₂, a₁b₃
    rows!(2), columns!(1), products!(), columns!(2), products!(),                           // a₂b₁, a₂b₂
    rows!(3), columns!(1), products!()                                                      // a₃b₁
);
kernel!(products_of_two_parts_of_columns:
    rows!(1), columns!(1), products!(), columns!(2), products!(),
    rows!(2), columns!(1), products!(), columns!(2), products!(),
    rows!(3), columns!(1), products!()
);
kernel!(products_of_one_part_of_columns:
    columns!(1), rows!(1), products!(), rows!(2), products!(), rows!(3), products!()
);
kernel!(products_of_two_parts_of_rows:
    rows!(1), columns!(1), products!(), columns!(2), products!(), columns!(3), products!(),
    rows!(2), columns!(1), products!(), columns!(2), products!()
);
kernel!(products_of_one_part_of_rows:
    rows!(1), columns!(1), products!(), columns!(2), products!(), columns!(3), products!()
);
