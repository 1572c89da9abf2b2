//! Stored numbers, which are read as f32 whatever they are stored as.

use std::ops::Range;

use burn::tensor::{bf16, f16};

/// Numbers behind each other, of one of the types that weights are stored in.
#[derive(Clone, Copy)]
pub(crate) enum Numbers<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    BF16(&'a [bf16]),
}

impl<'a> From<&'a [f32]> for Numbers<'a> {
    fn from(numbers: &'a [f32]) -> Self {
        Self::F32(numbers)
    }
}

impl<'a> Numbers<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::F32(numbers) => numbers.len(),
            Self::F16(numbers) => numbers.len(),
            Self::BF16(numbers) => numbers.len(),
        }
    }

    /// `count` of them from `first` on.
    pub(crate) fn part(self, first: usize, count: usize) -> Self {
        match self {
            Self::F32(numbers) => Self::F32(&numbers[first..][..count]),
            Self::F16(numbers) => Self::F16(&numbers[first..][..count]),
            Self::BF16(numbers) => Self::BF16(&numbers[first..][..count]),
        }
    }

    pub(crate) fn at(self, index: usize) -> f32 {
        match self {
            Self::F32(numbers) => numbers[index],
            Self::F16(numbers) => from_half(numbers[index]),
            Self::BF16(numbers) => from_brain(numbers[index]),
        }
    }

    /// The numbers in `range`: where they lie, or widened into `room`, which must be long enough for that.
    #[inline(always)]
    pub(crate) fn read<'b>(self, range: Range<usize>, room: &'b mut [f32]) -> &'b [f32]
    where
        'a: 'b,
    {
        let room = match self {
            Self::F32(numbers) => return &numbers[range],
            Self::F16(_) | Self::BF16(_) => &mut room[..range.len()],
        };
        match self {
            Self::F32(_) => {}
            Self::F16(numbers) => {
                room.iter_mut().zip(&numbers[range]).for_each(|(to, x)| *to = from_half(*x))
            }
            Self::BF16(numbers) => {
                room.iter_mut().zip(&numbers[range]).for_each(|(to, x)| *to = from_brain(*x))
            }
        }
        room
    }
}

/// Exact; written so that a loop of it is compiled for vectors.
#[inline(always)]
fn from_half(x: f16) -> f32 {
    /// From the exponent's bias of a half to that of a single.
    const REBIAS: u32 = (127 - 15) << 23;
    /// One in the exponent.
    const ONE: u32 = 1 << 23;
    let bits = u32::from(x.to_bits());
    let (sign, rest) = ((bits & 0x8000) << 16, (bits & 0x7fff) << 13);
    let subnormal = f32::from_bits(rest + REBIAS + ONE) - f32::from_bits(REBIAS + ONE);
    let magnitude = match rest {
        0..ONE => subnormal.to_bits(),
        ONE..0x0f80_0000 => rest + REBIAS,
        _ => rest + 2 * REBIAS, // infinite, or not a number
    };
    f32::from_bits(magnitude | sign)
}

#[inline(always)]
fn from_brain(x: bf16) -> f32 {
    f32::from_bits(u32::from(x.to_bits()) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "nothing in it is unsafe, and it takes long")]
    fn every_half_is_what_it_stands_for() {
        let same = |found: f32, expected: f32| {
            found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan())
        };
        for bits in 0..=u16::MAX {
            let (half, brain) = (f16::from_bits(bits), bf16::from_bits(bits));
            assert!(same(from_half(half), half.to_f32()), "{bits:#06x} as a half");
            assert!(same(from_brain(brain), brain.to_f32()), "{bits:#06x} as a brain float");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "the crate `half` uses instructions that Miri does not know")]
    fn are_read_in_place_or_into_the_room() {
        let wide = [1.0f32, -2.5, 0.125];
        let halves = wide.map(f16::from_f32);
        let mut room = [7.0; 3];
        assert_eq!(Numbers::F16(&halves).read(1..3, &mut room), &wide[1..]);
        assert_eq!(room, [-2.5, 0.125, 7.0]);
        assert!(std::ptr::eq(Numbers::F32(&wide).read(1..3, &mut []), &wide[1..]));
    }
}
