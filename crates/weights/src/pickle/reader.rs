//! What the instructions of a pickle carry with them, byte by byte.

use super::machine::PickleError;

/// A pickle, read up to some place.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], PickleError> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.get(..length)).ok_or(PickleError::Cut)?;
        self.at += length;
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, PickleError> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, PickleError> {
        self.unsigned(4).map(|number| number as u32)
    }

    /// A length of up to eight bytes. One beyond what fits is beyond the file as well.
    pub(super) fn length(&mut self, width: usize) -> Result<usize, PickleError> {
        usize::try_from(self.unsigned(width)?).map_err(|_| PickleError::Cut)
    }

    /// The bytes up to the end of the line.
    pub(super) fn line(&mut self) -> Result<&'a [u8], PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or(PickleError::Cut)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    pub(super) fn line_text(&mut self) -> Result<&'a str, PickleError> {
        let at = self.at;
        let what = "a name that is not UTF-8";
        std::str::from_utf8(self.line()?).map_err(|_| PickleError::Unexpected { at, what })
    }

    pub(super) fn index(&mut self) -> Result<u32, PickleError> {
        let at = self.at;
        let what = "a number that is none";
        self.line_text()?.parse().map_err(|_| PickleError::Unexpected { at, what })
    }

    /// A number of at most eight bytes, without a sign.
    pub(super) fn unsigned(&mut self, width: usize) -> Result<u64, PickleError> {
        let bytes = self.take(width)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A number of `length` bytes in two's complement, if it fits into eight.
    pub(super) fn signed(&mut self, length: usize) -> Result<Option<i64>, PickleError> {
        let bytes = self.take(length)?;
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let sign = if negative { -1i64 } else { 0 };
        let int = || bytes.iter().rev().fold(sign, |number, &byte| number << 8 | i64::from(byte));
        Ok((length <= 8).then(int))
    }
}
