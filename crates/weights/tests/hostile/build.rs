//! Pickles and archives, instruction by instruction.

/// A pickle being written: protocol 2, texts and numbers as torch writes them.
#[derive(Clone)]
pub(crate) struct Pickle(pub(crate) Vec<u8>);

impl Pickle {
    pub(crate) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// Instructions as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub(crate) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// A number of any size.
    pub(crate) fn int(self, int: i64) -> Self {
        self.raw(&[0x8a, 8]).raw(&int.to_le_bytes())
    }

    pub(crate) fn tuple(self, ints: &[i64]) -> Self {
        ints.iter().fold(self.raw(b"("), |pickle, &int| pickle.int(int)).raw(b"t")
    }

    /// The storage `key` of `count` numbers.
    pub(crate) fn storage(self, class: &str, key: &str, count: i64) -> Self {
        let pickle = self.raw(b"(").text("storage").global("torch", class).text(key).text("cpu");
        pickle.int(count).raw(b"tQ")
    }

    /// A tensor of f32 in the storage `0`.
    pub(crate) fn tensor(self, count: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Self {
        self.tensor_in(|pickle| pickle.storage("FloatStorage", "0", count), offset, shape, strides)
    }

    /// A tensor in another storage.
    pub(crate) fn tensor_in(
        self,
        storage: impl Fn(Self) -> Self,
        offset: i64,
        shape: &[i64],
        strides: &[i64],
    ) -> Self {
        let pickle = storage(self.global("torch._utils", "_rebuild_tensor_v2").raw(b"("));
        pickle
            .int(offset)
            .tuple(shape)
            .tuple(strides)
            .raw(b"\x89")
            .global("collections", "OrderedDict")
            .raw(b")RtR")
    }

    /// An archive of this pickle, ended, and a storage of four numbers: 0, 1, 2, 3.
    pub(crate) fn zipped(self) -> Vec<u8> {
        archive(&[("a/data.pkl", &self.raw(b".").0), ("a/data/0", &numbers())])
    }
}

/// A dictionary with the tensor `t`.
pub(crate) fn one_tensor(count: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Pickle {
    Pickle::new().raw(b"}").text("t").tensor(count, offset, shape, strides).raw(b"s")
}

pub(crate) fn numbers() -> Vec<u8> {
    [0.0f32, 1.0, 2.0, 3.0].iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// What an archive's directory says of a member; what it does not say is true.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) method: u16,
    pub(crate) packed: u32,
    pub(crate) size: u32,
    pub(crate) header: u32,
    pub(crate) extra: Vec<u8>,
}

/// An archive of stored members.
pub(crate) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    archive_with(members, |_| {})
}

/// The same with a directory that was tampered with.
pub(crate) fn archive_with(members: &[(&str, &[u8])], tamper: impl Fn(&mut Vec<Entry>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut entries = Vec::new();
    for (name, body) in members {
        let (size, header) = (body.len() as u32, bytes.len() as u32);
        entries.push(Entry {
            name: (*name).into(),
            method: 0,
            packed: size,
            size,
            header,
            extra: Vec::new(),
        });
        bytes.extend(b"PK\x03\x04");
        bytes.extend([0; 22]);
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(name.as_bytes());
        bytes.extend(*body);
    }
    tamper(&mut entries);
    let start = bytes.len() as u32;
    for entry in &entries {
        bytes.extend(b"PK\x01\x02");
        bytes.extend([0; 6]);
        bytes.extend(entry.method.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(entry.packed.to_le_bytes());
        bytes.extend(entry.size.to_le_bytes());
        bytes.extend((entry.name.len() as u16).to_le_bytes());
        bytes.extend((entry.extra.len() as u16).to_le_bytes());
        bytes.extend([0; 10]);
        bytes.extend(entry.header.to_le_bytes());
        bytes.extend(entry.name.as_bytes());
        bytes.extend(&entry.extra);
    }
    let len = bytes.len() as u32 - start;
    end(bytes, entries.len() as u16, len, start)
}

/// `bytes` with the record that ends an archive.
pub(crate) fn end(mut bytes: Vec<u8>, entries: u16, len: u32, start: u32) -> Vec<u8> {
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(entries.to_le_bytes());
    bytes.extend(entries.to_le_bytes());
    bytes.extend(len.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}
