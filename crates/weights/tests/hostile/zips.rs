//! Archives that unfold into more than there is, or whose directory lies.

use crate::build::{Entry, archive, archive_with, end, numbers, one_tensor};
use crate::table;

#[test]
fn archives() {
    let pickle = one_tensor(4, 0, &[4], &[1]).raw(b".").0;
    let members = [("a/data.pkl", pickle.as_slice()), ("a/data/0", &numbers())];
    let with = |tamper: &dyn Fn(&mut Vec<Entry>)| archive_with(&members, tamper);
    let zip64 = |numbers: &[u64]| {
        let body: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        [&[1, 0][..], &(body.len() as u16).to_le_bytes(), &body].concat()
    };
    let cases = [
        ("as it should be", archive(&members)),
        (
            "in the form for large files",
            with(&|e| {
                (e[1].size, e[1].packed) = (u32::MAX, u32::MAX);
                e[1].extra = zip64(&[16, 16]);
            }),
        ),
        ("a bomb: a member that unfolds into 4 GB", with(&|e| (e[1].method, e[1].size) = (8, u32::MAX - 1))),
        ("a pickle that unfolds", with(&|e| (e[0].method, e[0].packed) = (8, 20))),
        ("a stored member of two sizes", with(&|e| e[1].size = 1 << 30)),
        (
            "a member of 2^60 bytes",
            with(&|e| {
                (e[1].size, e[1].packed) = (u32::MAX, u32::MAX);
                e[1].extra = zip64(&[1 << 60, 1 << 60]);
            }),
        ),
        ("a member beyond the end", with(&|e| e[1].header = u32::MAX - 1)),
        (
            "a member at 2^64 - 1",
            with(&|e| {
                e[1].header = u32::MAX;
                e[1].extra = zip64(&[u64::MAX]);
            }),
        ),
        ("a size that is not there", with(&|e| e[1].size = u32::MAX)),
        (
            "an extra field that is cut short",
            with(&|e| {
                e[1].size = u32::MAX;
                e[1].extra = vec![1, 0, 200, 0, 1];
            }),
        ),
        ("a member where there is none", with(&|e| e[1].header += 1)),
        ("a member twice", with(&|e| e.push(e[1].clone()))),
        ("two pickles", archive(&[members[0], members[1], ("b/data.pkl", &pickle)])),
        ("no pickle", archive(&[members[1]])),
        ("numbers the other way round", archive(&[members[0], members[1], ("a/byteorder", b"big")])),
        ("overlapping members", overlapping()),
        ("a directory of 4 GB", end(members_only(), 2, u32::MAX - 1, 0)),
        ("a directory beyond the end", end(members_only(), 2, 100, u32::MAX - 200)),
        ("a directory elsewhere, which is nowhere", end(members_only(), u16::MAX, u32::MAX, u32::MAX)),
        ("a directory of something else", end(members_only(), 2, 60, 0)),
        ("nothing but an end", end(b"PK\x03\x04".to_vec(), 0, 0, 0)),
        ("no end", members_only()),
    ];
    insta::assert_snapshot!(table(&cases));
}

fn members_only() -> Vec<u8> {
    archive(&[("a/data.pkl", b"."), ("a/data/0", &numbers())]).into_iter().take(60).collect()
}

/// Two storages of which one lies within the other.
fn overlapping() -> Vec<u8> {
    // The bytes of the first one are an archive, so that the second one finds its header there.
    let inner = archive(&[("a/data/1", &numbers())]);
    let inner = &inner[..inner.len() / 4 * 4];
    let pickle = one_tensor(inner.len() as i64 / 4, 0, &[1], &[1]).text("u");
    let pickle = pickle.tensor_in(|pickle| pickle.storage("FloatStorage", "1", 4), 0, &[4], &[1]).raw(b"s.");
    archive_with(&[("a/data.pkl", &pickle.0), ("a/data/0", inner)], |entries| {
        let mut inside = entries[1].clone();
        inside.header += 30 + inside.name.len() as u32;
        inside.name = "a/data/1".into();
        (inside.size, inside.packed) = (16, 16);
        entries.push(inside);
    })
}
