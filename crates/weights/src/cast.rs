//! Numbers of one type as those of another.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::Dtype;
use crate::floats::{count, float_size, widen};

/// Numbers that are at hand as f32 at a time.
const CHUNK: usize = 1 << 14;

/// Turns floating-point numbers into those of one type, and leaves all others alone.
#[derive(Debug)]
pub(crate) struct Cast {
    from: Dtype,
    to: Dtype,
    wide: Vec<f32>,
    narrow: Vec<f16>,
    bytes: Vec<u8>,
    /// Numbers that were infinite or not a number to begin with.
    pub(crate) non_finite: usize,
    /// Numbers that became infinite, because the range of the new type is smaller.
    pub(crate) overflown: usize,
}

impl Cast {
    /// From `from` to `to`, which is f16, bf16 or f32.
    pub(crate) fn new(from: Dtype, to: Dtype) -> Self {
        let (wide, narrow, bytes) = (Vec::new(), Vec::new(), Vec::new());
        Self { from, to: result(from, to), wide, narrow, bytes, non_finite: 0, overflown: 0 }
    }

    /// The next numbers, `bytes` of the one type, as those of the other.
    pub(crate) fn apply<'a>(&'a mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(size) = float_size(self.from) else { return bytes };
        self.bytes.clear();
        for chunk in bytes.chunks(CHUNK * size) {
            self.wide.resize(chunk.len() / size, 0.0);
            widen(chunk, self.from, &mut self.wide);
            // A double beyond the range of f32 has overflown on the way.
            let before = match self.from {
                Dtype::F64 => {
                    chunk.as_chunks().0.iter().filter(|&&x| !f64::from_le_bytes(x).is_finite()).count()
                }
                _ => count(self.wide.iter().copied()),
            };
            self.non_finite += before;
            let after = if self.from == self.to { before } else { self.narrow() };
            self.overflown += after - before;
        }
        if self.from == self.to { bytes } else { &self.bytes }
    }

    /// Appends what is at hand as f32; returns how many of the new numbers are not finite.
    fn narrow(&mut self) -> usize {
        let Self { wide, narrow, bytes, .. } = self;
        match self.to {
            Dtype::F16 => {
                narrow.resize(wide.len(), f16::ZERO);
                narrow.convert_from_f32_slice(wide);
                append(bytes, narrow.iter().map(|x| x.to_le_bytes()));
                narrow.iter().filter(|x| !x.is_finite()).count()
            }
            Dtype::BF16 => {
                let start = bytes.len();
                append(bytes, wide.iter().map(|&x| brain(x).to_le_bytes()));
                let narrow = bytes[start..].as_chunks().0.iter().map(|&x| bf16::from_le_bytes(x));
                narrow.filter(|x| !x.is_finite()).count()
            }
            _ => {
                append(bytes, wide.iter().map(|x| x.to_le_bytes()));
                count(wide.iter().copied())
            }
        }
    }
}

/// The bits of `number` as bf16, ties to even. What [`bf16::from_f32`] gives, without a branch: so it is done for many
/// numbers at once.
fn brain(number: f32) -> u16 {
    let bits = number.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16;
    let quiet = (bits >> 16) as u16 | 0x40; // rounding could make an infinity of one that is not a number
    if bits & 0x7fff_ffff > 0x7f80_0000 { quiet } else { rounded }
}

fn append<const SIZE: usize>(bytes: &mut Vec<u8>, numbers: impl ExactSizeIterator<Item = [u8; SIZE]>) {
    let start = bytes.len();
    bytes.resize(start + numbers.len() * SIZE, 0);
    for (place, number) in bytes[start..].as_chunks_mut().0.iter_mut().zip(numbers) {
        *place = number;
    }
}

/// The type that numbers of type `from` have after they were cast to `to`.
pub(crate) fn result(from: Dtype, to: Dtype) -> Dtype {
    if float_size(from).is_some() { to } else { from }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cast(from: Dtype, to: Dtype, bytes: &[u8]) -> (Vec<u8>, usize, usize) {
        let mut cast = Cast::new(from, to);
        let bytes = cast.apply(bytes).to_vec();
        (bytes, cast.non_finite, cast.overflown)
    }

    #[test]
    fn ties_go_to_even_and_what_does_not_fit_is_counted() {
        let numbers = [1.0f32, 1.0 + 1.0 / 2048.0, 1.0 + 3.0 / 2048.0, 70000.0, -f32::INFINITY, f32::NAN];
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let (halves, non_finite, overflown) = cast(Dtype::F32, Dtype::F16, &bytes);
        assert_eq!(halves[..10], [0x00, 0x3c, 0x00, 0x3c, 0x02, 0x3c, 0x00, 0x7c, 0x00, 0xfc]);
        assert_eq!((non_finite, overflown), (2, 1));
        let (brains, ..) = cast(Dtype::F32, Dtype::BF16, &bytes[12..16]);
        assert_eq!(brains, bf16::from_f32(70000.0).to_le_bytes());
        assert_eq!(cast(Dtype::F32, Dtype::F32, &bytes), (bytes, 2, 0));
        let large = 1e300f64.to_le_bytes();
        assert_eq!(cast(Dtype::F64, Dtype::F32, &large), (f32::INFINITY.to_le_bytes().to_vec(), 0, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn any_bits_become_the_bf16_that_they_are(high in any::<u16>(), low in low_halves()) {
            let number = f32::from_bits(u32::from(high) << 16 | u32::from(low));
            prop_assert_eq!(brain(number), bf16::from_f32(number).to_bits());
        }
    }

    /// What is rounded away: anything, and what lies at or beside a tie.
    fn low_halves() -> impl Strategy<Value = u16> {
        prop_oneof![any::<u16>(), prop::sample::select(vec![0, 1, 0x7fff, 0x8000, 0x8001, 0xffff])]
    }

    #[test]
    fn integers_stay() {
        assert_eq!(cast(Dtype::I64, Dtype::F16, &[7; 16]), (vec![7; 16], 0, 0));
    }
}
