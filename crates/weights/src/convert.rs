//! From one layout to another, tensor by tensor and piece by piece.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cast::{self, Cast};
use crate::checkpoint::is_grounding;
use crate::entry::Entry;
use crate::layout::SINGLE_FILE;
use crate::names::is_squeezed;
use crate::temporary::{Temporary, sync_folder};
use crate::weights::TensorInfo;
use crate::writer::Sealed;
use crate::{Checkpoint, Dtype, Layout, Names, Part, SafetensorsWriter, Weights, WeightsError, header};

/// A conversion to be done: which tensors go into which files under which names.
///
/// Whatever the size of the files, a few MiB of them are in memory at a time. A file, or a folder of files, is made under
/// another name, read back, compared, and only then given its own: nothing half-done ever has the final name.
#[derive(Debug)]
pub struct Conversion {
    source: PathBuf,
    /// Weights and their place below the output; the only one of a single file has none.
    outputs: Vec<Output>,
    /// Other files of a folder.
    texts: Vec<(PathBuf, Vec<u8>)>,
    folder: bool,
}

/// A file of weights to be written, of which there may be several parts.
#[derive(Debug)]
struct Output {
    place: PathBuf,
    tensors: Vec<Planned>,
}

/// A tensor to be written.
#[derive(Debug, Clone)]
struct Planned {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    entry: Entry,
}

/// How far a conversion is, in bytes: each is written once and read back once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes written or read back so far.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

/// What a conversion has written, read back and found equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The files of weights.
    pub files: Vec<WrittenFile>,
}

/// A file of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Where it is.
    pub path: PathBuf,
    /// Tensors in it.
    pub tensors: usize,
    /// Numbers in it.
    pub parameters: usize,
    /// Bytes of these numbers.
    pub bytes: u64,
}

impl Conversion {
    /// To a folder in the diffusers layout with all networks of `checkpoint`.
    ///
    /// # Errors
    ///
    /// An adapter, which is no model; tensors that have no place in that layout.
    pub fn to_diffusers(checkpoint: &Checkpoint) -> Result<Self, WeightsError> {
        checkpoint.check()?;
        if checkpoint.layout() == Layout::Adapter {
            let expected = "a whole UNet, for which an adapter needs a base".into();
            return Err(WeightsError::LacksPart { path: checkpoint.path().into(), expected });
        }
        let mut outputs = Vec::new();
        for (part, weights) in checkpoint.parts() {
            names_of(part, weights)?;
            // Before version 5, transformers reads no other name; since then, both.
            let prefix = if part == Part::TextEncoder { "text_model." } else { "" };
            let tensors =
                weights.entries().map(|(key, entry)| planned(format!("{prefix}{key}"), entry)).collect();
            let place = Path::new(part.folder()).join(format!("{}.safetensors", part.stem()));
            outputs.push(Output { place, tensors });
        }
        Ok(Self { source: checkpoint.path().into(), outputs, texts: Vec::new(), folder: true })
    }

    /// To an adapter: fusers and position net, under the original's names, as ComfyUI reads it.
    ///
    /// # Errors
    ///
    /// A checkpoint without them.
    pub fn to_adapter(checkpoint: &Checkpoint) -> Result<Self, WeightsError> {
        let unet = part(checkpoint, Part::UNet)?;
        let names = Names::unet(unet.entries().map(|(key, _)| key));
        let tensors: Vec<_> = unet
            .entries()
            .filter(|(key, _)| is_grounding(key))
            .filter_map(|(key, entry)| Some(planned(names.to_original(key)?, entry)))
            .collect();
        if tensors.is_empty() {
            let expected = "fusers and a position net in the UNet".into();
            return Err(WeightsError::LacksPart { path: checkpoint.path().into(), expected });
        }
        Ok(Self::to_file(checkpoint, tensors))
    }

    /// To one file with UNet, autoencoder and text encoder, under the original's names.
    ///
    /// # Errors
    ///
    /// A checkpoint that lacks one of them; tensors that have no place in that layout.
    pub fn to_single_file(checkpoint: &Checkpoint) -> Result<Self, WeightsError> {
        checkpoint.check()?;
        let mut tensors = Vec::new();
        for section in SINGLE_FILE {
            let weights = part(checkpoint, section.part)?;
            let names = names_of(section.part, weights)?;
            for (key, entry) in weights.entries() {
                let Some(name) = names.to_original(key) else { continue };
                let mut tensor = planned(format!("{}{name}", section.prefix), entry);
                if section.part == Part::Vae && is_squeezed(key) && tensor.shape.len() == 2 {
                    tensor.shape.extend([1, 1]);
                }
                tensors.push(tensor);
            }
        }
        Ok(Self::to_file(checkpoint, tensors))
    }

    fn to_file(checkpoint: &Checkpoint, tensors: Vec<Planned>) -> Self {
        let outputs = vec![Output { place: PathBuf::new(), tensors }];
        Self { source: checkpoint.path().into(), outputs, texts: Vec::new(), folder: false }
    }

    /// With other files, as configs, by their places in the folder; a single file has none.
    pub fn with_texts(mut self, texts: Vec<(PathBuf, Vec<u8>)>) -> Self {
        if self.folder {
            self.texts.extend(texts);
        }
        self
    }

    /// With all floating-point numbers as `dtype`: f16, bf16 or f32.
    pub fn with_dtype(mut self, dtype: Dtype) -> Self {
        for tensor in self.outputs.iter_mut().flat_map(|output| &mut output.tensors) {
            tensor.dtype = cast::result(tensor.dtype, dtype);
        }
        self
    }

    /// With each network in files of at most `bytes` bytes and an index, where it does not fit into one; a single file
    /// stays one.
    pub fn with_shard_size(mut self, bytes: u64) -> Self {
        if self.folder {
            let outputs = std::mem::take(&mut self.outputs);
            self.outputs = outputs
                .into_iter()
                .flat_map(|output| {
                    let shards = shards(output, bytes);
                    self.texts.extend(index(&shards));
                    shards
                })
                .collect();
        }
        self
    }

    /// Does it, and tells `progress` of each piece; `Break` stops it.
    ///
    /// # Errors
    ///
    /// A name that is taken, numbers that are damaged or do not fit the new type, and what disks can do. Nothing is left
    /// then.
    pub fn run(
        self,
        out: &Path,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Converted, WeightsError> {
        if out.symlink_metadata().is_ok() {
            return Err(WeightsError::Exists { path: out.into() });
        }
        let written = |source| WeightsError::Write { path: out.into(), source };
        let of = 2 * self.outputs.iter().map(Output::bytes).sum::<u64>();
        let mut work = Work { source: &self.source, done: 0, of, progress: &mut progress };
        if !self.folder {
            let files = self.outputs.iter().map(|output| {
                work.write(output, out)?.publish()?;
                Ok(output.written(out))
            });
            return Ok(Converted { files: files.collect::<Result<_, WeightsError>>()? });
        }
        let mut folder = Temporary::folder(out).map_err(written)?;
        let mut files = Vec::new();
        for output in &self.outputs {
            let path = folder.path().join(&output.place);
            make_parent(&path)?;
            work.write(output, &path)?.publish()?;
            files.push(output.written(&out.join(&output.place)));
        }
        for (place, text) in &self.texts {
            write_text(&folder.path().join(place), text)?;
        }
        folder.publish().map_err(written)?;
        Ok(Converted { files })
    }
}

/// What goes on while a conversion is done.
struct Work<'a> {
    source: &'a Path,
    done: u64,
    of: u64,
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl Work<'_> {
    /// Writes `output` for the name `path`, which it does not have yet, and reads it back.
    fn write(&mut self, output: &Output, path: &Path) -> Result<Sealed, WeightsError> {
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        let mut announced: Vec<_> = output.tensors.iter().collect();
        // Wide types first, so that each lies at an address that fits it.
        announced.sort_by_key(|tensor| std::cmp::Reverse(tensor.dtype.size()));
        let header: Vec<_> = announced.iter().map(|t| (t.name.as_str(), t.dtype, t.shape.clone())).collect();
        let mut writer = SafetensorsWriter::create(path, &header, &metadata)?;
        for tensor in announced {
            self.pieces(tensor, |piece| writer.write(piece))?;
        }
        let sealed = writer.seal()?;
        let found = header::read(sealed.storage()?)?;
        let found: BTreeMap<_, _> = found.into_iter().collect();
        for tensor in &output.tensors {
            let differs = || WeightsError::ReadBack { path: path.into(), key: tensor.name.clone() };
            let entry = found.get(&tensor.name).ok_or_else(differs)?;
            if entry.info.dtype != tensor.dtype || entry.info.shape != tensor.shape {
                return Err(differs());
            }
            let mut at = 0;
            self.pieces(tensor, |piece| {
                let stored = entry
                    .stored(at, piece.len())
                    .map_err(|source| WeightsError::Read { path: path.into(), source })?;
                at += piece.len();
                if stored == piece { Ok(()) } else { Err(differs()) }
            })?;
        }
        Ok(sealed)
    }

    /// Gives `take` the numbers of `tensor` as they are to be written, piece by piece.
    fn pieces(
        &mut self,
        tensor: &Planned,
        mut take: impl FnMut(&[u8]) -> Result<(), WeightsError>,
    ) -> Result<(), WeightsError> {
        let Planned { name, dtype, entry, .. } = tensor;
        let mut cast = Cast::new(entry.info.dtype, *dtype);
        let (path, key) = (|| self.source.to_owned(), || name.clone());
        let failed = |source| WeightsError::Tensor { path: path(), key: key(), source };
        entry.pieces(failed, |piece| {
            let piece = cast.apply(piece);
            self.done += piece.len() as u64;
            take(piece)?;
            match (self.progress)(Progress { done: self.done, of: self.of }) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(WeightsError::Interrupted),
            }
        })?;
        match (cast.non_finite, cast.overflown) {
            (0, 0) => Ok(()),
            (0, count) => Err(WeightsError::Overflow { path: path(), key: key(), count, to: *dtype }),
            (count, _) => Err(WeightsError::NonFinite { path: path(), key: key(), count }),
        }
    }
}

impl Output {
    fn bytes(&self) -> u64 {
        self.tensors.iter().map(Planned::bytes).sum()
    }

    /// What it is once it is at `path`.
    fn written(&self, path: &Path) -> WrittenFile {
        let parameters = self.tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum();
        WrittenFile { path: path.into(), tensors: self.tensors.len(), parameters, bytes: self.bytes() }
    }
}

impl Planned {
    fn bytes(&self) -> u64 {
        let numbers: usize = self.shape.iter().product();
        (numbers * self.dtype.size().unwrap_or(0)) as u64
    }
}

fn planned(name: String, entry: &Entry) -> Planned {
    let TensorInfo { dtype, shape } = entry.info.clone();
    Planned { name, dtype, shape, entry: entry.clone() }
}

fn part(checkpoint: &Checkpoint, part: Part) -> Result<&Weights, WeightsError> {
    checkpoint.part(part).ok_or_else(|| {
        let expected = format!("the weights of the {part}");
        WeightsError::LacksPart { path: checkpoint.path().into(), expected }
    })
}

/// The names of the modules of `part`; tensors of the three main networks that are in none of them are an error.
fn names_of(part: Part, weights: &Weights) -> Result<Names, WeightsError> {
    let keys = weights.entries().map(|(key, _)| key);
    let names = match part {
        Part::UNet => Names::unet(keys),
        Part::Vae => Names::vae(keys),
        Part::TextEncoder => Names::text_encoder(),
        Part::ImageEncoder | Part::ImageProjection | Part::SafetyChecker => return Ok(Names::default()),
    };
    let unknown = weights.entries().map(|(key, _)| key).filter(|key| names.to_original(key).is_none());
    let keys: Vec<_> = unknown.map(str::to_owned).collect();
    if keys.is_empty() {
        Ok(names)
    } else {
        Err(WeightsError::UnknownTensors { path: weights.path().into(), keys })
    }
}

/// `output` in as many files as are needed for none to be larger than `bytes`, but for a tensor that is so by itself.
fn shards(output: Output, bytes: u64) -> Vec<Output> {
    let mut shards: Vec<Output> = Vec::new();
    let mut room = 0;
    let place = output.place;
    for tensor in output.tensors {
        let size = tensor.bytes();
        if size > room || shards.is_empty() {
            shards.push(Output { place: place.clone(), tensors: Vec::new() });
            room = bytes;
        }
        room = room.saturating_sub(size);
        if let Some(shard) = shards.last_mut() {
            shard.tensors.push(tensor);
        }
    }
    let of = shards.len();
    if of > 1 {
        let stem = place.with_extension("");
        for (number, shard) in shards.iter_mut().enumerate() {
            shard.place = format!("{}-{:05}-of-{of:05}.safetensors", stem.display(), number + 1).into();
        }
    }
    shards
}

/// The index of several shards, and its place.
fn index(shards: &[Output]) -> Option<(PathBuf, Vec<u8>)> {
    let [first, _, ..] = shards else { return None };
    let file = |shard: &Output| shard.place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let map: BTreeMap<_, _> = shards
        .iter()
        .flat_map(|shard| shard.tensors.iter().map(move |tensor| (tensor.name.clone(), file(shard))))
        .collect();
    let size: u64 = shards.iter().map(Output::bytes).sum();
    let text = format!("{:#}\n", json!({"metadata": {"total_size": size}, "weight_map": map}));
    // Shards are `STEM-NNNNN-of-NNNNN.safetensors`.
    let stem = file(first).split("-00001-of-").next().unwrap_or_default().to_owned();
    Some((first.place.with_file_name(format!("{stem}.safetensors.index.json")), text.into_bytes()))
}

fn make_parent(path: &Path) -> Result<&Path, WeightsError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|source| WeightsError::Write { path: parent.into(), source })?;
    Ok(parent)
}

fn write_text(path: &Path, text: &[u8]) -> Result<(), WeightsError> {
    let parent = make_parent(path)?;
    let write = || {
        let mut file = fs::File::create(path)?;
        file.write_all(text)?;
        file.sync_all()?;
        sync_folder(parent)
    };
    write().map_err(|source| WeightsError::Write { path: path.into(), source })
}
