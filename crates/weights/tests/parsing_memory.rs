//! What a pickle makes of its reader is bounded, however large it is and whatever it builds.
#![cfg(target_os = "linux")]

use gligen_weights::Weights;

const MIB: usize = 1 << 20;

/// The most memory that this process has had, in bytes.
fn peak() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// One test, because the whole process is measured.
#[test]
fn of_parsing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let repeated: [(&str, &[u8]); 5] = [
        ("numbers", b"K\x01"),
        ("calls", b"NNR"),
        ("tuples", b")"),
        ("dictionaries in a list", b"}a"),
        ("dictionaries that are numbered", b"}\x94"),
    ];
    for (what, instructions) in repeated {
        let pickle: Vec<u8> =
            b"\x80\x04]".iter().chain(instructions.iter().cycle()).copied().take(4 * MIB).collect();
        std::fs::write(file.path(), pickle).unwrap();
        let before = peak();
        let error = Weights::open(file.path()).unwrap_err();
        let grown = peak() - before;
        println!("{what}: {} MiB more than any before; {error}", grown / MIB);
        assert!(peak() < 200 * MIB, "{what}: {} MiB", peak() / MIB);
    }
}
