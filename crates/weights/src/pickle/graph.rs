//! What a pickle builds, as data: values that refer to one another by number.
//!
//! Numbers instead of references, because a pickle may build what contains itself; dropping or walking it must then
//! not recurse.

/// A value's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u32);

/// A value. Texts are parts of the file, never copies.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    None,
    Bool,
    Int(i64),
    Text(&'a str),
    /// A tuple or a list.
    Sequence(Vec<Id>),
    /// A dictionary, ordered or not.
    Dict(Vec<(Id, Id)>),
    /// A class or function by the names of its module and of itself. It is never looked up.
    Global(&'a str, &'a str),
    /// What calling `function` would make, had it been called; and the items put into it afterwards.
    Call {
        function: Id,
        arguments: Id,
        items: Vec<(Id, Id)>,
    },
    /// What is stored outside the pickle, and what the pickle says about it.
    Persistent(Id),
    /// A float, bytes, a set, a very large number: nothing that tensors are made of.
    Opaque,
}

/// All values of a pickle.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    values: Vec<Value<'a>>,
    /// Where the pickle ends in the bytes that it was read from.
    pub(crate) end: usize,
    pub(crate) root: Id,
}

/// What stands in no pickle twice.
pub(crate) const NONE: Id = Id(0);
pub(crate) const FALSE: Id = Id(1);
pub(crate) const TRUE: Id = Id(2);
pub(crate) const OPAQUE: Id = Id(3);

impl<'a> Graph<'a> {
    pub(crate) fn new() -> Self {
        let values = vec![Value::None, Value::Bool, Value::Bool, Value::Opaque];
        Self { values, end: 0, root: NONE }
    }

    pub(crate) fn add(&mut self, value: Value<'a>) -> Id {
        // The machine stops long before there are so many.
        let id = Id(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(value);
        id
    }

    pub(crate) fn get(&self, id: Id) -> &Value<'a> {
        self.values.get(id.0 as usize).unwrap_or(&Value::Opaque)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Value<'a>> {
        self.values.iter()
    }

    /// The items of a sequence that may still grow.
    pub(crate) fn sequence_mut(&mut self, id: Id) -> Option<&mut Vec<Id>> {
        match self.values.get_mut(id.0 as usize) {
            Some(Value::Sequence(items)) => Some(items),
            _ => None,
        }
    }

    /// The items of a dictionary, or of an object used as one, that may still grow.
    pub(crate) fn items_mut(&mut self, id: Id) -> Option<&mut Vec<(Id, Id)>> {
        match self.values.get_mut(id.0 as usize) {
            Some(Value::Dict(items) | Value::Call { items, .. }) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn text(&self, id: Id) -> Option<&'a str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn int(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    pub(crate) fn global(&self, id: Id) -> Option<(&'a str, &'a str)> {
        match self.get(id) {
            Value::Global(module, name) => Some((module, name)),
            _ => None,
        }
    }

    pub(crate) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a dictionary, or of an object used as one.
    pub(crate) fn items(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(items) | Value::Call { items, .. } => Some(items),
            _ => None,
        }
    }

    /// Name of the function that would have been called, and its arguments.
    pub(crate) fn call(&self, id: Id) -> Option<((&'a str, &'a str), &[Id])> {
        match self.get(id) {
            Value::Call { function, arguments, .. } => {
                Some((self.global(*function)?, self.sequence(*arguments).unwrap_or_default()))
            }
            _ => None,
        }
    }
}
