//! Safetensors headers that contradict themselves.

use gligen_weights::Weights;

use crate::tell;

fn file(header: &str, numbers: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; numbers]].concat()
}

/// A tensor of f32 under `name`.
fn tensor(name: &str, shape: &str, start: u64, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{start},{end}]}}"#)
}

#[test]
fn headers() {
    let of = |tensors: &[String], numbers| file(&format!("{{{}}}", tensors.join(",")), numbers);
    let vast = 1 << 60;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let announced = |length: u64| [&length.to_le_bytes(), b"{}".as_slice()].concat();
    let cases = [
        ("as it should be", of(&[tensor("a", "[1]", 0, 4), tensor("b", "[]", 4, 8)], 8)),
        ("a header of 2^60 bytes", announced(1 << 60)),
        ("a header of 15 MB that is not there", announced(15 << 20)),
        ("overlapping", of(&[tensor("a", "[2]", 0, 8), tensor("b", "[2]", 4, 12)], 12)),
        ("a hole", of(&[tensor("a", "[1]", 0, 4), tensor("b", "[1]", 8, 12)], 12)),
        ("not from the beginning", of(&[tensor("a", "[1]", 4, 8)], 8)),
        ("the wrong way round", of(&[tensor("a", "[1]", 4, 0)], 4)),
        ("a shape of 2^120 numbers", of(&[tensor("a", &format!("[{vast},{vast}]"), 0, 4)], 4)),
        ("a shape of more than its bytes", of(&[tensor("a", "[2]", 0, 4)], 4)),
        ("an offset of 2^60", of(&[tensor("a", &format!("[{}]", vast / 4), 0, vast)], 4)),
        ("a name twice, the same", of(&[tensor("a", "[1]", 0, 4), tensor("a", "[1]", 0, 4)], 4)),
        ("a name twice, another", of(&[tensor("a", "[1]", 0, 4), tensor("a", "[1]", 4, 8)], 8)),
        ("a negative length", of(&[tensor("a", "[-1]", 0, 4)], 4)),
        ("a type that nobody knows", file(r#"{"a":{"dtype":"F3","shape":[1],"data_offsets":[0,4]}}"#, 4)),
        ("brackets 100 000 deep", file(&deep, 0)),
        ("not UTF-8", [&2u64.to_le_bytes(), b"{\xff".as_slice()].concat()),
        ("numbers behind the last", of(&[tensor("a", "[1]", 0, 4)], 9)),
        ("NaN", {
            let mut bytes = of(&[tensor("a", "[1]", 0, 4)], 4);
            let at = bytes.len() - 4;
            bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
            bytes
        }),
    ];
    let told = |bytes: &[u8]| tell(Weights::from_bytes("file.safetensors", bytes.to_vec()));
    let text: Vec<_> = cases.iter().map(|(name, bytes)| format!("{name}\n    {}", told(bytes))).collect();
    insta::assert_snapshot!(text.join("\n"));
}

/// Either of the two may be named: the reader sorts by place, and these stand at the same one.
#[test]
fn two_tensors_at_one_place() {
    let header = format!("{{{},{}}}", tensor("a", "[1]", 0, 4), tensor("b", "[1]", 0, 4));
    let told = tell(Weights::from_bytes("file.safetensors", file(&header, 4)));
    let refusals = ["a", "b"]
        .map(|name| format!("file.safetensors: damaged: header: invalid offset for tensor `{name}`"));
    assert!(refusals.contains(&told), "{told}");
}
