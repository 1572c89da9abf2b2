//! The directory of a zip archive whose members are stored as they are, as torch writes them.
//!
//! Compressed members are not read: torch never writes any, they could not be mapped, and a small one could unfold into
//! more memory than there is. Checksums are not compared, because torch can be told to leave them out.
//! Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3.

use std::collections::HashMap;

use crate::WeightsError;
use crate::storage::Storage;

/// The largest directory read, in bytes; a member takes some 80. The length comes from the file.
const MAX_DIRECTORY: u64 = 16 << 20;

/// Sizes of the fixed parts of a local header, an entry of the directory, and the two records at the end.
const LOCAL: u64 = 30;
const ENTRY: usize = 46;
const END: usize = 22;
const LOCATOR: usize = 20;
const END_64: usize = 56;

/// What stands instead of a number that needs 64 bits.
const ELSEWHERE: u32 = u32::MAX;

/// Whether `start`, the first bytes of a file, are those of a zip archive.
pub(crate) fn is_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04")
}

/// Members of an archive by their names.
#[derive(Debug)]
pub(crate) struct Directory {
    members: HashMap<String, Member>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    /// Where its local header begins.
    header: u64,
    size: u64,
    stored: bool,
}

/// Where the bytes of a member lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u64,
    pub(crate) len: u64,
}

/// Reads the directory of the archive in `storage`.
pub(crate) fn directory(storage: &Storage) -> Result<Directory, WeightsError> {
    let (start, len) = end_record(storage)?;
    if len > MAX_DIRECTORY {
        let problem = format!("expected a directory of at most {MAX_DIRECTORY} bytes, found one of {len}");
        return Err(storage.damaged(problem));
    }
    let bytes = storage.bytes(start, len)?;
    let mut members = HashMap::new();
    let mut rest = bytes.as_ref();
    while !rest.is_empty() {
        let (name, member, after) = entry(rest).map_err(|problem| storage.damaged(problem.into()))?;
        if members.insert(name.clone(), member).is_some() {
            return Err(storage.damaged(format!("the archive has `{name}` twice")));
        }
        rest = after;
    }
    Ok(Directory { members })
}

impl Directory {
    /// Names of all members, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Where the bytes of the member `name` lie; `None` if there is no such member.
    pub(crate) fn find(&self, storage: &Storage, name: &str) -> Result<Option<Extent>, WeightsError> {
        let Some(member) = self.members.get(name) else { return Ok(None) };
        if !member.stored {
            return Err(WeightsError::Compressed { path: storage.path().into(), member: name.into() });
        }
        let header = storage.bytes(member.header, LOCAL)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(storage.damaged(format!("the archive's directory points to no `{name}`")));
        }
        let start = member.header + LOCAL + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        if start.checked_add(member.size).is_none_or(|end| end > storage.len()) {
            return Err(storage.damaged(format!("`{name}` in the archive lies beyond its end")));
        }
        Ok(Some(Extent { start, len: member.size }))
    }
}

/// Start and length of the directory, from the record at the end of the archive.
fn end_record(storage: &Storage) -> Result<(u64, u64), WeightsError> {
    // A comment of up to 64 KiB may follow the record, and two more records come before it.
    let tail_len = storage.len().min((END_64 + LOCATOR + END + usize::from(u16::MAX)) as u64);
    let tail = storage.bytes(storage.len() - tail_len, tail_len)?;
    let found =
        tail.windows(4).rposition(|window| window == b"PK\x05\x06").filter(|at| tail.len() - at >= END);
    let Some(at) = found else {
        // The directory comes last, so that a file cut short has none.
        return Err(WeightsError::CutArchive { path: storage.path().into() });
    };
    let record = &tail[at..];
    let (len, start) = (u32_at(record, 12), u32_at(record, 16));
    if len != ELSEWHERE && start != ELSEWHERE && u16_at(record, 10) != u16::MAX {
        return Ok((start.into(), len.into()));
    }
    let Some(locator) =
        at.checked_sub(LOCATOR).map(|at| &tail[at..]).filter(|l| l.starts_with(b"PK\x06\x07"))
    else {
        return Err(storage.damaged("the archive's last record points to one that is not there".into()));
    };
    let record = storage.bytes(u64_at(locator, 8), END_64 as u64)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(storage.damaged("the archive's last record points to one that is not there".into()));
    }
    Ok((u64_at(&record, 48), u64_at(&record, 40)))
}

/// The first entry of a directory, and what follows it.
fn entry(bytes: &[u8]) -> Result<(String, Member, &[u8]), &'static str> {
    const CUT: &str = "the archive's directory is cut short";
    let fixed = bytes.get(..ENTRY).ok_or(CUT)?;
    if !fixed.starts_with(b"PK\x01\x02") {
        return Err("the archive's directory has something else in it");
    }
    let lengths = [28, 30, 32].map(|at| usize::from(u16_at(fixed, at)));
    let [name, extra, _comment] = lengths;
    let after = bytes.get(ENTRY + lengths.iter().sum::<usize>()..).ok_or(CUT)?;
    let name_bytes = &bytes[ENTRY..ENTRY + name];
    let extra = &bytes[ENTRY + name..ENTRY + name + extra];
    let encrypted = u16_at(fixed, 8) & 1 != 0;
    let method = u16_at(fixed, 10);
    let (packed, size, header) = wide(fixed, extra).ok_or("the archive's directory lacks a size")?;
    let name = std::str::from_utf8(name_bytes).map_err(|_| "the archive has a name that is not UTF-8")?;
    let stored = method == 0 && !encrypted && packed == size;
    Ok((name.to_owned(), Member { header, size, stored }, after))
}

/// Packed size, size and place of an entry, taken from the extra field where they need 64 bits.
fn wide(fixed: &[u8], extra: &[u8]) -> Option<(u64, u64, u64)> {
    let mut zip64 = &[][..];
    let mut rest = extra;
    while rest.len() >= 4 {
        let (kind, len) = (u16_at(rest, 0), usize::from(u16_at(rest, 2)));
        let body = rest.get(4..4 + len)?;
        if kind == 1 {
            zip64 = body;
        }
        rest = &rest[4 + len..];
    }
    // In this order, and only those that do not fit.
    let mut next = |narrow: u32| {
        if narrow != ELSEWHERE {
            return Some(u64::from(narrow));
        }
        let (number, rest) = zip64.split_at_checked(8)?;
        zip64 = rest;
        Some(u64_at(number, 0))
    };
    let size = next(u32_at(fixed, 24))?;
    let packed = next(u32_at(fixed, 20))?;
    let header = next(u32_at(fixed, 42))?;
    Some((packed, size, header))
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    number(bytes, at, 2) as u16
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    number(bytes, at, 4) as u32
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    number(bytes, at, 8)
}
