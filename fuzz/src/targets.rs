//! Everything that reads a file from outside, with files to begin from.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use gligen_clip_text::{ClipTextConfig, Tokenizer, TokenizerFiles};
use gligen_pipeline::{ForeignFormat, ImportOptions, Layout};
use gligen_schedulers::SchedulerConfig;
use gligen_testkit::fixtures;
use gligen_unet::UNetConfig;
use gligen_vae::AutoencoderKlConfig;
use gligen_weights::{Checkpoint, Weights};

use crate::archive;

/// A reader to throw inputs at.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Inputs to begin from.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces that such inputs are made of.
    pub(crate) words: &'static [&'static [u8]],
    /// Reads an input; says what came of it.
    pub(crate) run: fn(&[u8]) -> Result<String, String>,
}

pub(crate) const TARGETS: [Target; 11] = [
    Target {
        name: "pickle",
        seeds: pickles,
        words: INSTRUCTIONS,
        run: |input| weights(&archive::around(input)),
    },
    Target { name: "legacy", seeds: legacy, words: INSTRUCTIONS, run: weights },
    Target { name: "zip", seeds: zips, words: RECORDS, run: weights },
    Target { name: "safetensors", seeds: safetensors, words: JSON, run: safetensors_file },
    Target { name: "index", seeds: indices, words: JSON, run: index },
    Target { name: "configs", seeds: configs, words: JSON, run: config },
    Target { name: "scheduler", seeds: scheduler_configs, words: JSON, run: scheduler_config },
    Target { name: "layout", seeds: layouts, words: JSON, run: layout },
    Target { name: "foreign-layout", seeds: foreign_layouts, words: JSON, run: foreign_layout },
    Target { name: "vocabulary", seeds: vocabularies, words: JSON, run: vocabulary },
    Target { name: "tokenizer", seeds: tokenizers, words: JSON, run: tokenizer },
];

/// Instructions of pickles, and what torch's are made of.
const INSTRUCTIONS: &[&[u8]] = &[
    b"(",
    b")",
    b"]",
    b"}",
    b"t",
    b"l",
    b"d",
    b"u",
    b"s",
    b"a",
    b"e",
    b"0",
    b"1",
    b"2",
    b"N",
    b".",
    b"R",
    b"b",
    b"o",
    b"Q",
    b"\x81",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x88",
    b"\x89",
    b"\x90",
    b"\x91",
    b"\x93",
    b"\x94",
    b"q\x01",
    b"h\x01",
    b"h\x02",
    b"h\x07",
    b"K\x04",
    b"K\x00",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x0f",
    b"X\x01\x00\x00\x00a",
    b"X\x01\x00\x00\x000",
    b"X\x07\x00\x00\x00storage",
    b"ctorch\nFloatStorage\n",
    b"ctorch\nUntypedStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_tensor_v3\n",
    b"ctorch\nfloat16\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"ctorch._tensor\n_rebuild_from_type_v2\n",
    b"ccollections\nOrderedDict\n",
    b"X\n\x00\x00\x00state_dict",
    b"I01\n",
    b"L12L\n",
    b"p1\n",
    b"g1\n",
    b"ios\nsystem\n",
];

/// Records of archives.
const RECORDS: &[&[u8]] = &[
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"data.pkl",
    b"data/0",
    b"byteorder",
    b"\x01\x00\x08\x00",
    b"\x01\x00\x10\x00",
    b"\xff\xff\xff\xff",
    b"\xff\xff",
];

/// Pieces of JSON, and of what our files say in it.
const JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"null",
    b"true",
    b"false",
    b"-1",
    b"1e999",
    b"0.5",
    b"1e-7",
    b"\"\\u0000\"",
    b"\"\\ud800\"",
    b"{}",
    b"[]",
    b"\"a\"",
    b"\"..\"",
    b"\"weight_map\"",
    b"\"dtype\":\"F32\"",
    b"\"dtype\":\"BF16\"",
    b"\"shape\":[2]",
    b"\"data_offsets\":[0,8]",
    b"\"__metadata__\"",
    b"\"prompt\"",
    b"\"objects\"",
    b"\"box\"",
    b"\"phrase\"",
    b"[0,0,1,1]",
    b"\"special\":true",
    b"\"</w>\"",
    b"\"BPE\"",
    b"\"gated\"",
    b"18446744073709551616",
];

fn fixture(name: &str) -> Vec<u8> {
    fs::read(fixtures().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn all(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| fixture(name)).collect()
}

/// The pickles of archives, as they are in the fixtures: everything between two members.
fn pickles() -> Vec<Vec<u8>> {
    let names = ["pickle_zip.bin", "nested.ckpt", "opaque.ckpt", "malicious.bin", "layouts/adapter.pth"];
    let of = |name: &str| {
        let archive = fixture(&format!("weights/{name}"));
        let start = find(&archive, b"data.pkl").map_or(0, |at| at + 8);
        // The name is followed by padding, the pickle begins with its protocol.
        let start = start + find(&archive[start..], b"\x80\x02").unwrap_or(0);
        let end = find(&archive[start..], b"PK").map_or(archive.len(), |len| start + len);
        archive[start..end].to_vec()
    };
    names.into_iter().map(of).collect()
}

fn find(bytes: &[u8], piece: &[u8]) -> Option<usize> {
    bytes.windows(piece.len()).position(|window| window == piece)
}

fn legacy() -> Vec<Vec<u8>> {
    all(&["weights/pickle_legacy.bin", "weights/malicious_legacy.bin"])
}

fn zips() -> Vec<Vec<u8>> {
    let mut seeds = all(&["weights/pickle_zip.bin", "weights/nested.ckpt", "weights/opaque.ckpt"]);
    seeds.push(archive::around(b"\x80\x02}."));
    seeds
}

/// Opens the file, looks what it is, and reads some of its numbers.
fn weights(bytes: &[u8]) -> Result<String, String> {
    let weights = Weights::from_bytes("file", bytes.to_vec()).map_err(|error| error.to_string())?;
    look_at(&weights)
}

fn look_at(weights: &Weights) -> Result<String, String> {
    for (key, _) in weights.tensors().take(16) {
        let _ = weights.numbers(key);
    }
    Ok(match Checkpoint::of(weights) {
        Ok(checkpoint) => {
            let _ = (checkpoint.needs(), checkpoint.grounding(), checkpoint.check());
            format!("{:?} {:?}", checkpoint.layout(), checkpoint.naming())
        }
        Err(error) => error.to_string(),
    })
}

fn safetensors() -> Vec<Vec<u8>> {
    let mut seeds = all(&["weights/plain.safetensors", "weights/layouts/adapter.safetensors"]);
    seeds.push([&2u64.to_le_bytes(), b"{}".as_slice()].concat());
    seeds
}

/// The length at the beginning is put right half of the time, so that the header is reached.
fn safetensors_file(input: &[u8]) -> Result<String, String> {
    let mut bytes = input.to_vec();
    if bytes.len() > 8 && bytes.last().is_some_and(|last| last % 2 == 0) {
        let end = bytes[8..].iter().rposition(|&byte| byte == b'}').map_or(0, |at| at + 1);
        bytes[..8].copy_from_slice(&(end as u64).to_le_bytes());
    }
    let weights = Weights::from_bytes("file.safetensors", bytes).map_err(|error| error.to_string())?;
    look_at(&weights)
}

fn indices() -> Vec<Vec<u8>> {
    let shard = fixtures().join("weights/plain.safetensors");
    let keys = Weights::open(&shard).expect("a fixture");
    let rows: Vec<_> = keys.tensors().map(|(key, _)| format!("\"{key}\":\"plain.safetensors\"")).collect();
    let whole = format!("{{\"metadata\":{{\"total_size\":272}},\"weight_map\":{{{}}}}}", rows.join(","));
    vec![
        whole.into_bytes(),
        br#"{"weight_map":{"a":"../plain.safetensors","b":"plain.safetensors"}}"#.to_vec(),
    ]
}

/// The index lies beside the shard that it may name.
fn index(input: &[u8]) -> Result<String, String> {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        // In memory where that can be had: a disk would be the slowest part.
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = parent.join("gligen-fuzz-index");
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        let shard = fixtures().join("weights/plain.safetensors");
        fs::copy(shard, folder.join("plain.safetensors")).expect("room for a small file");
        folder
    });
    let path = FOLDER.join("model.safetensors.index.json");
    fs::write(&path, input).expect("room for a small file");
    let weights = Weights::open(&path).map_err(|error| error.to_string())?;
    Ok(format!("read {}", weights.tensors().count()))
}

fn configs() -> Vec<Vec<u8>> {
    let model = |name: &str, part: &str| fixture(&format!("models/{name}/{part}/config.json"));
    let parts = ["unet", "vae", "text_encoder"];
    ["text-box", "text-box-linear"].iter().flat_map(|name| parts.map(|part| model(name, part))).collect()
}

/// All three read the same text: what the one refuses may get far in another.
fn config(input: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(input);
    let unet = UNetConfig::from_json(&text).map(drop).map_err(|error| error.to_string());
    let vae = AutoencoderKlConfig::from_json(&text).map(drop).map_err(|error| error.to_string());
    let text_encoder = ClipTextConfig::parse(input).map(drop).map_err(|error| error.to_string());
    let results = [("unet", unet), ("vae", vae), ("text_encoder", text_encoder)];
    let read: Vec<_> = results.iter().filter(|(_, result)| result.is_ok()).map(|(name, _)| *name).collect();
    if !read.is_empty() {
        return Ok(read.join(" "));
    }
    let errors: Vec<_> = results.into_iter().filter_map(|(_, result)| result.err()).collect();
    Err(errors.join(" | "))
}

fn scheduler_configs() -> Vec<Vec<u8>> {
    all(&[
        "models/text-box/scheduler/scheduler_config.json",
        "models/text-box-linear/scheduler/scheduler_config.json",
        "tiny-gligen/scheduler/scheduler_config.json",
    ])
}

fn scheduler_config(input: &[u8]) -> Result<String, String> {
    let config =
        SchedulerConfig::from_json(&String::from_utf8_lossy(input)).map_err(|error| error.to_string())?;
    config.build(None).map(|_| "built".into()).map_err(|error| error.to_string())
}

fn layouts() -> Vec<Vec<u8>> {
    let whole = br#"{"prompt":["a cat","a dog"],"negative_prompt":"blurry","objects":[{"phrase":"a cat","box":[0.05,0.3,0.5,0.9]},
        {"phrase":"an apple","image":"apple.png","box":[0.6,0.4,0.9,0.7],"phrase_mask":1,"image_mask":0}],
        "width":512,"height":512,"steps":50,"guidance_scale":7.5,"scheduled_sampling_beta":0.3,"scheduler":"pndm",
        "seed":7,"num_images":1,"eta":0.0,"clip_skip":1}"#;
    let picture =
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\
        \x00\x00\x00\x1etEXtgligen\x00{\"prompt\":\"a cat\",\"seed\":1}\x00\x00\x00\x00";
    vec![br#"{"prompt":"a cat"}"#.to_vec(), whole.to_vec(), picture.to_vec()]
}

/// What is read must be written as something that can be read again.
fn layout(input: &[u8]) -> Result<String, String> {
    let layout = Layout::from_bytes(input).map_err(|error| format!("{error} {:?}", error.hint()))?;
    assert!(Layout::from_json(&layout.to_json()).is_ok(), "written, and not read again");
    Ok("read".into())
}

/// One of every format, and more of those that have several forms.
fn foreign_layouts() -> Vec<Vec<u8>> {
    let folder = fixtures().join("foreign_layouts");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("a fixture").map(|e| e.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

/// Read as what its keys say, and as every format; what comes of it is a layout of ours.
fn foreign_layout(input: &[u8]) -> Result<String, String> {
    let formats = ForeignFormat::ALL.iter().copied().map(Some);
    let mut read = String::new();
    let mut refused = String::new();
    for format in [None].into_iter().chain(formats) {
        match Layout::import(input, &ImportOptions { format, prompt: Some("a\nb") }) {
            Ok(all) => {
                for one in all {
                    let text = one.layout.to_json();
                    let again = Layout::from_json(&text).map(|again| again.to_json());
                    assert!(again.is_ok_and(|again| again == text), "written, and not read again as it was");
                }
                read += format.map_or("found ", |format| format.name());
            }
            Err(error) if format.is_none() => refused = error.to_string(),
            Err(_) => {}
        }
    }
    if read.is_empty() { Err(refused) } else { Ok(read) }
}

/// As small as a vocabulary can be, with its merges after an empty line.
fn vocabularies() -> Vec<Vec<u8>> {
    let plain =
        r#"{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab":4,"ab</w>":5,"<|startoftext|>":6,"<|endoftext|>":7}"#;
    let merges = "#version: 0.2\na b\na b</w>\n";
    vec![format!("{plain}\n\n{merges}").into_bytes(), format!("{{}}\n\n{merges}").into_bytes()]
}

fn vocabulary(input: &[u8]) -> Result<String, String> {
    let middle = find(input, b"\n\n").unwrap_or(input.len());
    let (vocab, merges) = input.split_at(middle);
    let files = TokenizerFiles {
        vocab: Some(vocab),
        merges: Some(merges.get(2..).unwrap_or_default()),
        tokenizer_config: Some(merges),
        ..TokenizerFiles::default()
    };
    // The config is a mangled one, which is refused most of the time: half of the inputs go without.
    let files = if input.len().is_multiple_of(2) {
        TokenizerFiles { tokenizer_config: None, ..files }
    } else {
        files
    };
    encode(Tokenizer::from_files(&files).map_err(|error| error.to_string())?)
}

fn tokenizers() -> Vec<Vec<u8>> {
    let json = r#"{"version":"1.0","added_tokens":[{"id":6,"content":"<|startoftext|>","special":true,"normalized":false,
        "single_word":false,"lstrip":false,"rstrip":false},{"id":7,"content":"<|endoftext|>","special":true,"normalized":false,
        "single_word":false,"lstrip":false,"rstrip":false}],"model":{"type":"BPE","unk_token":"<|endoftext|>",
        "continuing_subword_prefix":"","end_of_word_suffix":"</w>","fuse_unk":false,
        "vocab":{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab":4,"ab</w>":5,"<|startoftext|>":6,"<|endoftext|>":7},
        "merges":["a b",["a","b</w>"]]}}"#;
    vec![json.as_bytes().to_vec()]
}

fn tokenizer(input: &[u8]) -> Result<String, String> {
    encode(Tokenizer::from_json(input).map_err(|error| error.to_string())?)
}

fn encode(tokenizer: Tokenizer) -> Result<String, String> {
    let encoding = tokenizer.encode("ab a <|endoftext|> B é ab").map_err(|error| error.to_string())?;
    Ok(format!("{} numbers", encoding.ids.len()))
}
