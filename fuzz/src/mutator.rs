//! Mangles inputs, the same way for the same seed.

/// Inputs do not grow beyond this.
const MAX_LENGTH: usize = 1 << 16;

/// Numbers at which readers stumble.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 60,
    i64::MAX as u64,
    u64::MAX,
];

/// Where mangled inputs come from.
pub(crate) struct Mutator {
    state: u64,
    /// Pieces that inputs of this kind are made of.
    words: &'static [&'static [u8]],
}

impl Mutator {
    pub(crate) fn new(seed: u64, words: &'static [&'static [u8]]) -> Self {
        Self { state: seed, words }
    }

    /// One of `corpus`, mangled in a few places.
    pub(crate) fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.one_of(corpus).clone();
        for _ in 0..1 << self.below(4) {
            self.mangle(&mut input, corpus);
        }
        input.truncate(MAX_LENGTH);
        input
    }

    fn mangle(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = (at + 1 + self.below(32)).min(input.len());
        match self.below(11) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.next() as u8,
            2 => input.insert(at, self.next() as u8),
            3 => drop(input.drain(at..end)),
            4 => {
                let copy = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            5 => {
                let number = NUMBERS[self.below(NUMBERS.len())].to_le_bytes();
                let width = 1 << self.below(4);
                input.splice(at..(at + width).min(input.len()), number[..width].iter().copied());
            }
            6 | 7 if !self.words.is_empty() => {
                let word = self.words[self.below(self.words.len())];
                let replaced = if self.below(2) == 0 { at } else { (at + word.len()).min(input.len()) };
                input.splice(at..replaced, word.iter().copied());
            }
            8 => {
                let other = self.one_of(corpus);
                let from = self.below(other.len() + 1);
                let to = (from + 1 + self.below(64)).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            // A digit becomes another number.
            9 => {
                if let Some(digit) = input[at..].iter().position(u8::is_ascii_digit) {
                    let number = NUMBERS[self.below(NUMBERS.len())].to_string();
                    input.splice(at + digit..=at + digit, number.into_bytes());
                }
            }
            10 if self.below(8) == 0 => input.truncate(at),
            _ => {}
        }
    }

    fn one_of<'a>(&mut self, corpus: &'a [Vec<u8>]) -> &'a Vec<u8> {
        &corpus[self.below(corpus.len())]
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
