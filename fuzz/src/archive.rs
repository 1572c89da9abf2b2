//! An archive as torch writes it, around a pickle that may be anything.

/// The archive of `pickle` and of storages 0 to 3, of 64 bytes each.
pub(crate) fn around(pickle: &[u8]) -> Vec<u8> {
    let numbers: Vec<u8> = (0..64).collect();
    let mut members = vec![("a/data.pkl".to_owned(), pickle)];
    members.extend((0..4).map(|key| (format!("a/data/{key}"), numbers.as_slice())));
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, body) in &members {
        let header = (bytes.len() as u32).to_le_bytes();
        let size = (body.len() as u32).to_le_bytes();
        let name_len = (name.len() as u16).to_le_bytes();
        bytes.extend([&b"PK\x03\x04"[..], &[0; 22], &name_len, &[0; 2], name.as_bytes(), body].concat());
        let fixed =
            [&b"PK\x01\x02"[..], &[0; 16], &size, &size, &name_len, &[0; 12], &header, name.as_bytes()];
        directory.extend(fixed.concat());
    }
    let (start, len) = ((bytes.len() as u32).to_le_bytes(), (directory.len() as u32).to_le_bytes());
    let count = (members.len() as u16).to_le_bytes();
    bytes.extend(directory);
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &len, &start, &[0; 2]].concat());
    bytes
}
