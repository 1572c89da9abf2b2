//! Pickles that build what has no end, ask for what is not there, or call what they should not.

use crate::build::{Pickle, archive, numbers, one_tensor};
use crate::table;

/// A pickle with these instructions around nothing.
fn raw(bytes: &[u8]) -> Vec<u8> {
    Pickle::new().raw(bytes).zipped()
}

#[test]
fn programs() {
    let long = vec![b"N0".as_slice(); 1 << 20].concat();
    let cases = [
        ("a dictionary that contains itself", Pickle::new().raw(b"}q\0").text("a").raw(b"h\0s").zipped()),
        ("a list that contains itself", Pickle::new().raw(b"}").text("a").raw(b"]q\0h\0as").zipped()),
        ("a parameter around itself", parameter_around_itself()),
        ("dictionaries within dictionaries, 100 000 deep", nested(100_000)),
        ("a thousand times a thousand times … the same dictionary", laughs()),
        ("a text of 2^60 bytes", raw(&[&[0x8d][..], &(1u64 << 60).to_le_bytes()].concat())),
        ("a text of 2^32 - 1 bytes", raw(b"X\xff\xff\xff\xff")),
        ("bytes of 2^64 - 1", raw(&[&[0x8e][..], &u64::MAX.to_le_bytes()].concat())),
        ("an integer of 2^31 bytes", raw(b"\x8b\0\0\0\x80")),
        ("a frame of 2^63 bytes", raw(&[&[0x95][..], &(1u64 << 63).to_le_bytes(), b"}"].concat())),
        ("a line without an end", raw(b"cos\nsystem")),
        ("two million instructions", raw(&long)),
        ("an empty stack", raw(b"0")),
        ("taking from below a mark", raw(b"N(0R")),
        ("no mark", raw(b"Nt")),
        ("a value never numbered", raw(b"h\x07")),
        ("a number that is none", raw(b"pone\n")),
        ("an instruction of no version", raw(b"\xff")),
        ("a key without a value", raw(b"}(Nu")),
        ("a class whose name is a number", raw(b"K\x01K\x02\x93")),
        ("nothing", Pickle::new().zipped()),
        ("not ended", archive(&[("a/data.pkl", b"\x80\x02}"), ("a/data/0", &numbers())])),
    ];
    insta::assert_snapshot!(table(&cases));
}

/// Whatever is called, nothing happens.
#[test]
fn calls() {
    let trace = "/tmp/gligen-pickle-was-executed";
    let command = format!("touch {trace}");
    let call = |end: &[u8]| Pickle::new().global("os", "system").raw(b"(").text(&command).raw(end).zipped();
    let old = |code: &str| Pickle::new().raw(b"(").text(&command).raw(code.as_bytes()).zipped();
    let cases = [
        ("REDUCE", call(b"tR")),
        ("NEWOBJ", call(b"t\x81")),
        ("NEWOBJ_EX", call(b"t}\x92")),
        ("INST", old("ios\nsystem\n")),
        ("OBJ", Pickle::new().raw(b"(").global("os", "system").text(&command).raw(b"o").zipped()),
        ("BUILD", call(b"tR}b")),
        ("EXT1", raw(b"\x82\x01)R")),
        (
            "STACK_GLOBAL",
            Pickle::new().text("os").text("system").raw(b"\x93(").text(&command).raw(b"tR").zipped(),
        ),
        ("in place of a tensor", {
            let pickle = Pickle::new().raw(b"}").text("t").global("torch._utils", "_rebuild_tensor_v2");
            pickle.raw(b"(").global("os", "system").raw(b"(").text(&command).raw(b"tRK\0))tRs").zipped()
        }),
    ];
    insta::assert_snapshot!(table(&cases));
    assert!(!std::path::Path::new(trace).exists());
}

#[test]
fn tensors() {
    let zipped =
        |count, offset, shape: &[i64], strides: &[i64]| one_tensor(count, offset, shape, strides).zipped();
    let dict = || Pickle::new().raw(b"}");
    let cases = [
        ("as it should be", zipped(4, 1, &[3], &[1])),
        ("backwards by strides", zipped(4, 0, &[2, 2], &[1, 2])),
        ("empty, far away", zipped(4, 1 << 40, &[0], &[1])),
        ("a negative length", zipped(4, 0, &[-1], &[1])),
        ("2^60 numbers", zipped(4, 0, &[1 << 60], &[1])),
        ("2^80 numbers", zipped(4, 0, &[1 << 40, 1 << 40], &[0, 0])),
        ("one number 2^40 times", zipped(4, 0, &[1 << 40], &[0])),
        ("beyond its storage", zipped(4, 2, &[3], &[1])),
        ("beyond its storage by its strides", zipped(4, 0, &[2], &[4])),
        ("strides of 2^62", zipped(4, 0, &[3], &[1 << 62])),
        ("a negative stride", zipped(4, 3, &[3], &[-1])),
        ("more strides than lengths", zipped(4, 0, &[3], &[1, 1])),
        ("seventeen axes", zipped(4, 0, &[1; 17], &[1; 17])),
        ("a storage of more than the archive has", zipped(5, 0, &[5], &[1])),
        ("a storage of 2^62 numbers", zipped(1 << 62, 0, &[5], &[1])),
        ("a storage outside", {
            let storage = |pickle: Pickle| pickle.storage("FloatStorage", "../../../../etc/passwd", 4);
            dict().text("t").tensor_in(storage, 0, &[4], &[1]).raw(b"s").zipped()
        }),
        ("a storage of unknown numbers", {
            let storage = |pickle: Pickle| pickle.storage("ComplexDoubleStorage", "0", 1);
            dict().text("t").tensor_in(storage, 0, &[1], &[1]).raw(b"s").zipped()
        }),
        (
            "a sparse tensor",
            dict().text("t").global("torch._utils", "_rebuild_sparse_tensor").raw(b")Rs").zipped(),
        ),
        (
            "the same name twice",
            dict()
                .text("t")
                .tensor(4, 0, &[1], &[1])
                .raw(b"s")
                .text("t")
                .tensor(4, 1, &[1], &[1])
                .raw(b"s")
                .zipped(),
        ),
        ("the same name by another path", {
            let inner = |p: Pickle| p.raw(b"}").text("b").tensor(4, 0, &[1], &[1]).raw(b"s");
            inner(dict().text("a")).raw(b"s").text("a.b").tensor(4, 1, &[1], &[1]).raw(b"s").zipped()
        }),
        (
            "a name of a megabyte",
            dict().text(&"x".repeat(1 << 20)).tensor(4, 0, &[1], &[1]).raw(b"s").zipped(),
        ),
        ("a storage that is its own name", {
            let storage = |pickle: Pickle| pickle.raw(b"]q\x01h\x01aQ");
            dict().text("t").tensor_in(storage, 0, &[4], &[1]).raw(b"s").zipped()
        }),
        ("an object that is no dictionary", Pickle::new().global("my.models", "Net").raw(b")R").zipped()),
    ];
    insta::assert_snapshot!(table(&cases));
}

fn parameter_around_itself() -> Vec<u8> {
    // The call's arguments are a list that gets the call itself.
    let call = Pickle::new().raw(b"}").text("t").global("torch._utils", "_rebuild_parameter");
    call.raw(b"]q\0Rq\x01h\0h\x01a0s").zipped()
}

fn nested(depth: usize) -> Vec<u8> {
    let deep = (0..depth).fold(Pickle::new().raw(b"}"), |pickle, _| pickle.text("a").raw(b"}"));
    deep.raw(&vec![b's'; depth]).zipped()
}

fn laughs() -> Vec<u8> {
    let mut pickle = Pickle::new().raw(b"}q\0");
    for level in 1..8u8 {
        pickle = pickle.raw(b"}q").raw(&[level]).raw(b"(");
        for key in 0..1000 {
            pickle = pickle.text(&key.to_string()).raw(&[b'h', level - 1]);
        }
        pickle = pickle.raw(b"u");
    }
    pickle.zipped()
}
