//! The tensors that a pickle describes: which numbers of which storage, in which order.

use super::graph::{Graph, Id, Value};
use crate::Dtype;

/// Levels of dictionaries within dictionaries that are followed. A dictionary that contains itself has no end.
const MAX_DEPTH: usize = 8;

/// Dictionary items that are looked at. A dictionary used in many places is looked at in each.
const MAX_ITEMS: usize = 1 << 20;

/// Tensors of a file, and bytes of a name.
const MAX_TENSORS: usize = 1 << 16;
const MAX_NAME: usize = 512;

/// Axes of a tensor.
const MAX_AXES: usize = 16;

/// Dictionaries in which training programs keep all weights under their own names, beside their counters and optimizers.
const WRAPPER: &str = "state_dict";

/// A tensor as its pickle describes it. Nothing has been checked against the file, and everything against the storage.
#[derive(Debug)]
pub(crate) struct Described<'a> {
    pub(crate) name: String,
    pub(crate) storage: StorageName<'a>,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// Place of the first number in the storage, and steps along each axis; in numbers.
    pub(crate) offset: usize,
    pub(crate) strides: Vec<usize>,
}

/// A block of numbers that tensors look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorageName<'a> {
    pub(crate) key: &'a str,
    /// Bytes of one of its numbers, as it was saved.
    pub(crate) width: usize,
    /// Numbers in it.
    pub(crate) count: usize,
}

impl StorageName<'_> {
    /// `None` beyond what any machine has.
    pub(crate) fn bytes(&self) -> Option<usize> {
        self.count.checked_mul(self.width)
    }
}

/// All tensors under text keys in the dictionaries of `graph`, their keys joined by dots; or a sentence on the first that
/// makes no sense.
///
/// Lists and numbered items are left alone: optimizers keep their tensors there.
pub(crate) fn tensors<'a>(graph: &Graph<'a>) -> Result<Vec<Described<'a>>, String> {
    let mut root = graph.root;
    let wrapped =
        graph.items(root).unwrap_or_default().iter().find(|(key, _)| graph.text(*key) == Some(WRAPPER));
    if let Some((_, inner)) = wrapped
        && graph.items(*inner).is_some_and(|items| !items.is_empty())
    {
        root = *inner;
    }
    let mut walk = Walk { graph, found: Vec::new(), items: 0 };
    walk.dict(root, &mut Vec::new())?;
    Ok(walk.found)
}

/// What class the pickled object is of, if it is no dictionary.
pub(crate) fn class_of<'a>(graph: &Graph<'a>) -> Option<(&'a str, &'a str)> {
    graph.call(graph.root).map(|(class, _)| class).filter(|class| class.1 != "OrderedDict")
}

/// All storages that a pickle mentions, those of tensors that are not listed too.
pub(crate) fn storages<'a>(graph: &Graph<'a>) -> impl Iterator<Item = StorageName<'a>> {
    graph.values().filter_map(|value| match value {
        Value::Persistent(about) => storage(graph, *about).ok().map(|(storage, _)| storage),
        _ => None,
    })
}

struct Walk<'a, 'g> {
    graph: &'g Graph<'a>,
    found: Vec<Described<'a>>,
    items: usize,
}

impl<'a> Walk<'a, '_> {
    fn dict(&mut self, id: Id, path: &mut Vec<&'a str>) -> Result<(), String> {
        let items = self.graph.items(id).unwrap_or_default();
        self.items += items.len();
        if self.items > MAX_ITEMS {
            return Err(format!(
                "more than {MAX_ITEMS} items in its dictionaries, which no checkpoint needs"
            ));
        }
        for (key, value) in items {
            let Some(key) = self.graph.text(*key) else { continue };
            path.push(key);
            if let Some(rebuilt) = rebuilt(self.graph, *value) {
                self.tensor(path, rebuilt)?;
            } else if path.len() < MAX_DEPTH {
                self.dict(*value, path)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn tensor(&mut self, path: &[&'a str], rebuilt: Rebuilt<'_>) -> Result<(), String> {
        let length = path.iter().map(|key| key.len() + 1).sum::<usize>();
        if length > MAX_NAME {
            return Err(format!("the name of a tensor is {length} bytes long, at most {MAX_NAME} are read"));
        }
        if self.found.len() == MAX_TENSORS {
            return Err(format!("more than {MAX_TENSORS} tensors, which no checkpoint has"));
        }
        let name = path.join(".");
        let described =
            describe(self.graph, name.clone(), rebuilt).map_err(|e| format!("tensor {name}: {e}"))?;
        self.found.push(described);
        Ok(())
    }
}

/// A call that would have made a tensor.
struct Rebuilt<'g> {
    function: &'g str,
    arguments: &'g [Id],
}

/// The call behind `id` that makes a tensor, without what is put around it.
fn rebuilt<'g>(graph: &'g Graph<'_>, id: Id) -> Option<Rebuilt<'g>> {
    let mut id = id;
    // A parameter around a tensor, and a subclass around that: more has no meaning.
    for _ in 0..4 {
        let (function, arguments) = graph.call(id)?;
        match function {
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                id = *arguments.first()?
            }
            ("torch._tensor", "_rebuild_from_type_v2") => {
                let [function, _class, arguments, ..] = arguments else { return None };
                let ("torch._utils", function) = graph.global(*function)? else { return None };
                return Some(Rebuilt { function, arguments: graph.sequence(*arguments)? });
            }
            ("torch._utils", function) if function.starts_with("_rebuild_") => {
                return Some(Rebuilt { function, arguments });
            }
            _ => return None,
        }
    }
    None
}

fn describe<'a>(graph: &Graph<'a>, name: String, rebuilt: Rebuilt<'_>) -> Result<Described<'a>, String> {
    let Rebuilt { function, arguments } = rebuilt;
    let (
        [persistent, offset, shape, strides, rest @ ..],
        "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3",
    ) = (arguments, function)
    else {
        return Err(format!("expected a dense tensor, found what `{function}` makes"));
    };
    let Value::Persistent(about) = graph.get(*persistent) else {
        return Err("expected numbers in a storage, found none".into());
    };
    let (storage, stored_as) = storage(graph, *about)?;
    let dtype = match (stored_as, function, rest) {
        // Its third argument after the strides says how the bytes of the storage are read.
        (None, "_rebuild_tensor_v3", [_, _, dtype, ..]) => match graph.global(*dtype) {
            Some(("torch", name)) => {
                of_name(name).ok_or_else(|| format!("numbers of type {name} are not read"))?
            }
            _ => return Err("expected the type of its numbers, found none".into()),
        },
        (Some(dtype), _, _) => dtype,
        (None, _, _) => return Err("expected the type of its numbers, found none".into()),
    };
    let offset = whole(graph, *offset).ok_or("expected a place in the storage, found none")?;
    let shape = lengths(graph, *shape).ok_or("expected a shape, found none")?;
    let strides = lengths(graph, *strides).ok_or("expected strides, found none")?;
    let described = Described { name, storage, dtype, shape, offset, strides };
    described.check()?;
    Ok(described)
}

impl Described<'_> {
    /// Whether all its numbers lie in its storage, and are not more than that has.
    fn check(&self) -> Result<(), String> {
        let Self { storage, dtype, shape, offset, strides, .. } = self;
        let (Some(bytes), Some(width)) = (storage.bytes(), dtype.size()) else {
            return Err(format!("its storage of {} numbers is larger than any file", storage.count));
        };
        if shape.len() != strides.len() {
            return Err(format!("its shape has {} axes, its strides {}", shape.len(), strides.len()));
        }
        let has = bytes / width;
        let count = shape.iter().try_fold(1usize, |count, &length| count.checked_mul(length));
        if count.is_none_or(|count| count > has) {
            return Err(format!("its shape {shape:?} has more numbers than its storage, {has}"));
        }
        let last = shape.iter().zip(strides).try_fold(*offset, |last, (&length, &stride)| {
            last.checked_add(length.saturating_sub(1).checked_mul(stride)?)
        });
        if count != Some(0) && last.is_none_or(|last| last >= has) {
            return Err(format!(
                "its shape {shape:?} with strides {strides:?} from {offset} on leaves its storage of {has} numbers"
            ));
        }
        Ok(())
    }
}

/// The storage that a persistent id names, and the type of its numbers if it has one.
fn storage<'a>(graph: &Graph<'a>, about: Id) -> Result<(StorageName<'a>, Option<Dtype>), String> {
    let unexpected = || "expected the name of a storage, found something else".to_string();
    let [tag, class, key, _device, count, rest @ ..] = graph.sequence(about).ok_or_else(unexpected)? else {
        return Err(unexpected());
    };
    let (Some("storage"), Some((_, class)), Some(key), Some(count)) =
        (graph.text(*tag), graph.global(*class), graph.text(*key), whole(graph, *count))
    else {
        return Err(unexpected());
    };
    if rest.iter().any(|&view| !matches!(graph.get(view), Value::None)) {
        return Err("views of storages, which torch wrote before 0.4, are not read".into());
    }
    if class == "UntypedStorage" {
        return Ok((StorageName { key, width: 1, count }, None));
    }
    let dtype = class.strip_suffix("Storage").and_then(of_class);
    let dtype = dtype.ok_or_else(|| format!("numbers in a {class} are not read"))?;
    Ok((StorageName { key, width: dtype.size().unwrap_or(1), count }, Some(dtype)))
}

/// A storage's class without its last word, `Storage`.
fn of_class(class: &str) -> Option<Dtype> {
    Some(match class {
        "Double" => Dtype::F64,
        "Float" => Dtype::F32,
        "Half" => Dtype::F16,
        "BFloat16" => Dtype::BF16,
        "Long" => Dtype::I64,
        "Int" => Dtype::I32,
        "Short" => Dtype::I16,
        "Char" => Dtype::I8,
        "Byte" => Dtype::U8,
        "Bool" => Dtype::Bool,
        _ => return None,
    })
}

/// A type by its name in torch.
fn of_name(name: &str) -> Option<Dtype> {
    Some(match name {
        "float64" => Dtype::F64,
        "float32" => Dtype::F32,
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::BF16,
        "int64" => Dtype::I64,
        "int32" => Dtype::I32,
        "int16" => Dtype::I16,
        "int8" => Dtype::I8,
        "uint64" => Dtype::U64,
        "uint32" => Dtype::U32,
        "uint16" => Dtype::U16,
        "uint8" => Dtype::U8,
        "bool" => Dtype::Bool,
        _ => return None,
    })
}

fn whole(graph: &Graph<'_>, id: Id) -> Option<usize> {
    usize::try_from(graph.int(id)?).ok()
}

/// A shape or strides: a sequence, or `torch.Size` of one.
fn lengths(graph: &Graph<'_>, id: Id) -> Option<Vec<usize>> {
    let items = match graph.call(id) {
        Some((("torch", "Size"), [items])) => graph.sequence(*items)?,
        Some(_) => return None,
        None => graph.sequence(id)?,
    };
    if items.len() > MAX_AXES {
        return None;
    }
    items.iter().map(|&item| whole(graph, item)).collect()
}
