//! Follows a pickle as data.
//!
//! A pickle is a program for a small stack machine that may call any function. This machine builds the same values,
//! except that a call is written down rather than made. Source: Python's `pickletools`, protocols 0 to 5.

use std::collections::HashMap;

use super::graph::{FALSE, Graph, Id, NONE, OPAQUE, TRUE, Value};
use super::reader::Reader;

/// Instructions that are followed. A checkpoint of Stable Diffusion with the state of its optimizer takes 100 000. Every
/// instruction adds at most one value, one note and one item, so that this also bounds memory, to about 100 MB.
const MAX_STEPS: usize = 1 << 20;

/// Why a pickle cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The messages say it.
#[non_exhaustive]
pub enum PickleError {
    #[error("the pickle ends before it is complete")]
    Cut,
    #[error("the pickle takes from an empty stack at byte {at}")]
    Stack { at: usize },
    #[error("the pickle has something unexpected at byte {at}: {what}")]
    Unexpected { at: usize, what: &'static str },
    #[error("the pickle has an instruction that no version knows at byte {at}: {byte:#04x}")]
    Instruction { at: usize, byte: u8 },
    #[error("the pickle has more than {MAX_STEPS} instructions, which no checkpoint needs")]
    TooLong,
}

/// Follows the pickle at the beginning of `bytes`.
pub(crate) fn run(bytes: &[u8]) -> Result<Graph<'_>, PickleError> {
    let mut machine = Machine {
        reader: Reader::new(bytes),
        graph: Graph::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    for _ in 0..MAX_STEPS {
        if let Some(root) = machine.step()? {
            machine.graph.root = root;
            machine.graph.end = machine.reader.at;
            return Ok(machine.graph);
        }
    }
    Err(PickleError::TooLong)
}

struct Machine<'a> {
    reader: Reader<'a>,
    graph: Graph<'a>,
    stack: Vec<Id>,
    /// Heights of the stack at which marks lie.
    marks: Vec<usize>,
    /// Values that were numbered to be used again.
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Follows one instruction; the last one gives the result.
    fn step(&mut self) -> Result<Option<Id>, PickleError> {
        let at = self.reader.at;
        let byte = self.reader.u8()?;
        match byte {
            b'.' => return self.pop().map(Some),

            // Ends and beginnings.
            0x80 => drop(self.reader.u8()?),    // the protocol's number
            0x95 => drop(self.reader.take(8)?), // length of a frame: only a hint for reading ahead
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.pop_or_unmark()?,
            b'1' => drop(self.take_to_mark()?),
            b'2' => {
                let top = self.pop()?;
                self.stack.extend([top, top]);
            }

            // Single values.
            b'N' => self.stack.push(NONE),
            0x88 => self.stack.push(TRUE),
            0x89 => self.stack.push(FALSE),
            b'I' | b'L' => self.decimal()?,
            b'J' => self.int(4)?,
            b'K' => {
                let int = self.reader.unsigned(1)?;
                self.push(Value::Int(int as i64));
            }
            b'M' => {
                let int = self.reader.unsigned(2)?;
                self.push(Value::Int(int as i64));
            }
            0x8a => {
                let length = self.reader.length(1)?;
                self.int(length)?;
            }
            0x8b => {
                let length = self.reader.length(4)?;
                self.int(length)?;
            }
            b'F' => {
                self.reader.line()?;
                self.stack.push(OPAQUE);
            }
            b'G' => {
                self.reader.take(8)?;
                self.stack.push(OPAQUE);
            }

            // Texts; those of Python 2 are bytes, and hold names as well.
            b'V' | b'S' => {
                let line = self.reader.line()?;
                let quoted = line.strip_prefix(b"'").and_then(|line| line.strip_suffix(b"'"));
                self.text(quoted.filter(|_| byte == b'S').unwrap_or(line));
            }
            b'X' | b'T' => self.counted_text(4)?,
            0x8c | b'U' => self.counted_text(1)?,
            0x8d => self.counted_text(8)?,
            b'B' => self.counted_bytes(4)?,
            b'C' => self.counted_bytes(1)?,
            0x8e | 0x96 => self.counted_bytes(8)?,

            // Containers.
            b')' => self.push(Value::Sequence(Vec::new())),
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' | b'l' => {
                let items = self.take_to_mark()?;
                self.push(Value::Sequence(items));
            }
            b']' => self.push(Value::Sequence(Vec::new())),
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.take_to_mark()?;
                self.append(items)?;
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = self.take_to_mark()?;
                let items = pairs(&items, at)?;
                self.push(Value::Dict(items));
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(vec![(key, value)])?;
            }
            b'u' => {
                let items = self.take_to_mark()?;
                self.set(pairs(&items, at)?)?;
            }
            0x8f => self.stack.push(OPAQUE),    // an empty set
            0x90 => drop(self.take_to_mark()?), // more items for a set
            0x91 => {
                self.take_to_mark()?;
                self.stack.push(OPAQUE);
            }

            // Classes, functions, and calls of them.
            b'c' => {
                let (module, name) = (self.reader.line_text()?, self.reader.line_text()?);
                self.push(Value::Global(module, name));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Some(module), Some(name)) = (self.graph.text(module), self.graph.text(name)) else {
                    return Err(PickleError::Unexpected { at, what: "a class whose name is no text" });
                };
                self.push(Value::Global(module, name));
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.call(function, arguments);
            }
            0x92 => {
                let (_keywords, arguments, function) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(function, arguments);
            }
            b'o' => {
                let mut items = self.take_to_mark()?;
                if items.is_empty() {
                    return Err(PickleError::Stack { at });
                }
                let function = items.remove(0);
                let arguments = self.graph.add(Value::Sequence(items));
                self.call(function, arguments);
            }
            b'i' => {
                let (module, name) = (self.reader.line_text()?, self.reader.line_text()?);
                let items = self.take_to_mark()?;
                let function = self.graph.add(Value::Global(module, name));
                let arguments = self.graph.add(Value::Sequence(items));
                self.call(function, arguments);
            }
            b'b' => drop(self.pop()?), // an object's attributes; the object stays
            0x82 => self.extension(1)?,
            0x83 => self.extension(2)?,
            0x84 => self.extension(4)?,

            // What is stored outside.
            b'P' => {
                let line = self.reader.line()?;
                self.text(line);
                let about = self.pop()?;
                self.push(Value::Persistent(about));
            }
            b'Q' => {
                let about = self.pop()?;
                self.push(Value::Persistent(about));
            }
            0x97 => self.stack.push(OPAQUE),
            0x98 => {}

            // Numbering, to use a value again.
            b'p' => {
                let index = self.reader.index()?;
                self.remember(index)?;
            }
            b'q' => {
                let index = self.reader.u8()?;
                self.remember(index.into())?;
            }
            b'r' => {
                let index = self.reader.u32()?;
                self.remember(index)?;
            }
            // As many as there are so far: the next number.
            0x94 => self.remember(self.memo.len() as u32)?,
            b'g' => {
                let index = self.reader.index()?;
                self.recall(index, at)?;
            }
            b'h' => {
                let index = self.reader.u8()?;
                self.recall(index.into(), at)?;
            }
            b'j' => {
                let index = self.reader.u32()?;
                self.recall(index, at)?;
            }
            _ => return Err(PickleError::Instruction { at, byte }),
        }
        Ok(None)
    }

    fn push(&mut self, value: Value<'a>) {
        let id = self.graph.add(value);
        self.stack.push(id);
    }

    /// The top of the stack, which must lie above the last mark.
    fn pop(&mut self) -> Result<Id, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(PickleError::Stack { at: self.reader.at });
        }
        self.stack.pop().ok_or(PickleError::Stack { at: self.reader.at })
    }

    fn pop_or_unmark(&mut self) -> Result<(), PickleError> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    /// Everything above the last mark, which goes away.
    fn take_to_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        let mark = self.marks.pop().ok_or(PickleError::Stack { at: self.reader.at })?;
        Ok(self.stack.split_off(mark))
    }

    /// The container that the items just popped are for.
    fn top(&self) -> Result<Id, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack
            .get(floor..)
            .and_then(<[_]>::last)
            .copied()
            .ok_or(PickleError::Stack { at: self.reader.at })
    }

    fn tuple(&mut self, length: usize) -> Result<(), PickleError> {
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Value::Sequence(items));
        Ok(())
    }

    /// Puts `items` into the sequence on top; an object that is none keeps nothing.
    fn append(&mut self, items: Vec<Id>) -> Result<(), PickleError> {
        let top = self.top()?;
        if let Some(sequence) = self.graph.sequence_mut(top) {
            sequence.extend(items);
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<(Id, Id)>) -> Result<(), PickleError> {
        let top = self.top()?;
        if let Some(dict) = self.graph.items_mut(top) {
            dict.extend(items);
        }
        Ok(())
    }

    fn call(&mut self, function: Id, arguments: Id) {
        self.push(Value::Call { function, arguments, items: Vec::new() });
    }

    fn extension(&mut self, width: usize) -> Result<(), PickleError> {
        self.reader.take(width)?;
        self.stack.push(OPAQUE);
        Ok(())
    }

    fn remember(&mut self, index: u32) -> Result<(), PickleError> {
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: u32, at: usize) -> Result<(), PickleError> {
        let what = "a value that was never numbered";
        let id = self.memo.get(&index).ok_or(PickleError::Unexpected { at, what })?;
        self.stack.push(*id);
        Ok(())
    }

    /// An integer of protocol 0, or one of its two booleans.
    fn decimal(&mut self) -> Result<(), PickleError> {
        let line = self.reader.line_text()?;
        match line {
            "00" => self.stack.push(FALSE),
            "01" => self.stack.push(TRUE),
            _ => match line.trim_end_matches('L').parse() {
                Ok(int) => self.push(Value::Int(int)),
                Err(_) => self.stack.push(OPAQUE),
            },
        }
        Ok(())
    }

    /// An integer of `length` bytes.
    fn int(&mut self, length: usize) -> Result<(), PickleError> {
        match self.reader.signed(length)? {
            Some(int) => self.push(Value::Int(int)),
            None => self.stack.push(OPAQUE),
        }
        Ok(())
    }

    fn text(&mut self, bytes: &'a [u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Value::Text(text)),
            Err(_) => self.stack.push(OPAQUE),
        }
    }

    fn counted_text(&mut self, width: usize) -> Result<(), PickleError> {
        let length = self.reader.length(width)?;
        let bytes = self.reader.take(length)?;
        self.text(bytes);
        Ok(())
    }

    fn counted_bytes(&mut self, width: usize) -> Result<(), PickleError> {
        let length = self.reader.length(width)?;
        self.reader.take(length)?;
        self.stack.push(OPAQUE);
        Ok(())
    }
}

/// Keys and values that lie one after another.
fn pairs(items: &[Id], at: usize) -> Result<Vec<(Id, Id)>, PickleError> {
    match items.as_chunks() {
        (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
        _ => Err(PickleError::Unexpected { at, what: "a key without a value" }),
    }
}
