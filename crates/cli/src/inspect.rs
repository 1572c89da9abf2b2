//! `gligen inspect`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gligen_pipeline::ModelDir;
use gligen_weights::{Checkpoint, Grounding, Layout, Naming, Part, Weights};
use serde::Serialize;
use serde_json::Value;

use crate::amounts::in_words;
use crate::failure::Failure;
use crate::model_source::{Fetching, find};
use crate::{interrupt, report};

/// Say what a model is, what it is made of, what it can do and what it lacks
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A model folder, a file (safetensors, or pickled by torch), the index of several, or a model on the hub as
    /// `OWNER/NAME[@REVISION]`, which is fetched whole if it is not here yet [default: the built-in small model]
    #[arg(env = "GLIGEN_MODEL", hide_env_values = true)]
    model: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What a model is. Only names, types and shapes of the tensors are read, and the gates.
#[derive(Debug, Serialize)]
struct Inspection {
    model: String,
    layout: &'static str,
    names: &'static str,
    kind: &'static str,
    repaints: bool,
    /// Of the pictures that it was trained on, where that can be told.
    width: Option<u64>,
    height: Option<u64>,
    abilities: Vec<&'static str>,
    parts: Vec<Network>,
    gates: Vec<Gate>,
    left_out: BTreeMap<&'static str, usize>,
    unknown: Vec<String>,
    missing: Vec<Missing>,
}

/// A network, or the scheduler.
#[derive(Debug, Serialize)]
struct Network {
    name: &'static str,
    config: BTreeMap<&'static str, Value>,
    tensors: usize,
    parameters: usize,
    /// Numbers of each type.
    types: BTreeMap<String, usize>,
}

/// How much the two halves of a fuser let through: tanh of its two learned numbers.
#[derive(Debug, Serialize)]
struct Gate {
    block: String,
    attention: f32,
    feed_forward: f32,
}

/// What it lacks, to do what, and where that is found.
#[derive(Debug, Serialize)]
struct Missing {
    what: &'static str,
    to: &'static str,
    from: &'static str,
}

const SCHEDULER: &[&str] = &["_class_name", "num_train_timesteps", "beta_schedule", "prediction_type"];

/// What of a network's config says how large it is.
fn telling(part: Part) -> &'static [&'static str] {
    match part {
        Part::UNet => {
            &["sample_size", "in_channels", "block_out_channels", "cross_attention_dim", "attention_head_dim"]
        }
        Part::Vae => &["block_out_channels", "latent_channels", "scaling_factor"],
        Part::TextEncoder => {
            &["num_hidden_layers", "hidden_size", "vocab_size", "max_position_embeddings", "hidden_act"]
        }
        Part::ImageEncoder | Part::SafetyChecker => {
            &["num_hidden_layers", "hidden_size", "image_size", "patch_size"]
        }
        Part::ImageProjection => &[],
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let inspection = inspect(args)?;
    if args.json {
        return report::json_result(&inspection);
    }
    print(&inspection)
}

fn inspect(args: &Args) -> Result<Inspection, Failure> {
    interrupt::listen()?;
    let mut fetching = Fetching::new(false, false);
    let path = args.model.as_deref().map(|model| find(model, &mut fetching)).transpose()?;
    interrupt::check()?;
    let path = path.as_deref();
    let checkpoint = match path {
        Some(path) => Checkpoint::open(path)?,
        None => ModelDir::BuiltIn.checkpoint()?,
    };
    let mut parts = Vec::new();
    for (part, weights) in checkpoint.parts() {
        let config = config(path, part.folder(), "config.json", telling(part))?;
        parts.push(Network::new(part.folder(), config, weights));
    }
    let scheduler = config(path, "scheduler", "scheduler_config.json", SCHEDULER)?;
    let side = side(&checkpoint, &parts);
    if !scheduler.is_empty() {
        let (tensors, parameters, types) = (0, 0, BTreeMap::new());
        parts.push(Network { name: "scheduler", config: scheduler, tensors, parameters, types });
    }
    let mut left_out = BTreeMap::new();
    for tensor in checkpoint.left_out() {
        *left_out.entry(tensor.reason).or_default() += 1;
    }
    let needs = if path.is_some() { checkpoint.needs() } else { Vec::new() };
    Ok(Inspection {
        model: args.model.as_ref().map_or("tiny-gligen (built in)".into(), |path| path.display().to_string()),
        layout: match checkpoint.layout() {
            Layout::Folder => "folder",
            Layout::SingleFile => "single-file",
            Layout::Training => "training",
            Layout::Adapter => "adapter",
            Layout::Part(_) => "part",
        },
        names: match checkpoint.naming() {
            Naming::Diffusers => "diffusers",
            Naming::Original => "original",
        },
        kind: match checkpoint.grounding() {
            Grounding::None => "plain",
            Grounding::TextBox => "text-box",
            Grounding::TextImageBox => "text-image-box",
            Grounding::Keypoints => "keypoints",
            Grounding::SpatialMap => "spatial-map",
        },
        repaints: checkpoint.in_channels().is_some_and(|channels| channels == 9),
        width: side,
        height: side,
        abilities: abilities(&checkpoint),
        gates: checkpoint.part(Part::UNet).map_or(Ok(Vec::new()), read_gates)?,
        parts,
        left_out,
        unknown: checkpoint.unknown().to_vec(),
        missing: needs.iter().map(|need| Missing { what: need.what, to: need.to, from: need.from }).collect(),
    })
}

/// What `keys` say in a config file; what there is not is left out.
fn config(
    model: Option<&Path>,
    part: &str,
    file: &str,
    keys: &[&'static str],
) -> Result<BTreeMap<&'static str, Value>, Failure> {
    let (place, text) = match model {
        None => (Path::new(part).join(file), ModelDir::BuiltIn.text(part, file)?),
        Some(folder) => {
            let place = folder.join(part).join(file);
            if !place.is_file() {
                return Ok(BTreeMap::new());
            }
            let text = std::fs::read_to_string(&place).map_err(|source| Failure::file(&place, source))?;
            (place, text)
        }
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| Failure::file(place, error.into()))?;
    Ok(keys.iter().filter_map(|&key| Some((key, value.get(key)?.clone()))).collect())
}

impl Network {
    fn new(name: &'static str, config: BTreeMap<&'static str, Value>, weights: &Weights) -> Self {
        let (mut tensors, mut parameters, mut types) = (0, 0, BTreeMap::new());
        for (_, info) in weights.tensors() {
            let numbers: usize = info.shape.iter().product();
            tensors += 1;
            parameters += numbers;
            *types.entry(info.dtype.name().to_lowercase()).or_default() += numbers;
        }
        Self { name, config, tensors, parameters, types }
    }
}

/// Height and width of the pictures that it was trained on. Without configs, they are those of Stable Diffusion 1.x.
fn side(checkpoint: &Checkpoint, parts: &[Network]) -> Option<u64> {
    checkpoint.in_channels()?;
    let config = |name: &str, key: &str| parts.iter().find(|part| part.name == name)?.config.get(key);
    let latents = config("unet", "sample_size").and_then(Value::as_u64).unwrap_or(64);
    let levels = config("vae", "block_out_channels").and_then(Value::as_array).map_or(4, Vec::len);
    Some(latents << levels.clamp(1, 16).saturating_sub(1))
}

fn abilities(checkpoint: &Checkpoint) -> Vec<&'static str> {
    let mut abilities = Vec::new();
    if checkpoint.in_channels().is_some() {
        abilities.push("draws from captions");
    }
    match checkpoint.grounding() {
        Grounding::None => {}
        Grounding::TextBox => abilities.push("places phrases in boxes"),
        Grounding::TextImageBox => abilities.push("places phrases and pictures in boxes"),
        Grounding::Keypoints => abilities.push("places people by their joints (not supported)"),
        Grounding::SpatialMap => {
            abilities.push("follows a map of edges, depths, normals or classes (not supported)")
        }
    }
    if checkpoint.in_channels() == Some(9) {
        abilities.push("repaints parts of a picture");
    }
    abilities
}

fn read_gates(unet: &Weights) -> Result<Vec<Gate>, Failure> {
    let blocks = unet.tensors().filter_map(|(key, _)| key.strip_suffix(".fuser.alpha_attn"));
    blocks
        .map(|block| {
            let gate = |alpha| {
                let numbers = unet.numbers(&format!("{block}.fuser.{alpha}"))?;
                Ok::<_, Failure>(numbers.first().map_or(f32::NAN, |alpha| alpha.tanh()))
            };
            Ok(Gate {
                block: block.into(),
                attention: gate("alpha_attn")?,
                feed_forward: gate("alpha_dense")?,
            })
        })
        .collect()
}

fn print(inspection: &Inspection) -> Result<(), Failure> {
    let kind = match inspection.kind {
        "plain" => "Stable Diffusion without objects",
        "text-box" => "GLIGEN, text boxes",
        "text-image-box" => "GLIGEN, text and picture boxes",
        "keypoints" => "GLIGEN, keypoints",
        _ => "GLIGEN, spatial maps",
    };
    let kind = match inspection.layout {
        "part" => inspection.parts.first().map_or("", |part| part.name),
        _ => kind,
    };
    let layout = match inspection.layout {
        "folder" => "a folder in the diffusers layout",
        "single-file" => "a single file",
        "training" => "a training checkpoint of the authors",
        "adapter" => "an adapter",
        _ => "one network",
    };
    let model = &inspection.model;
    report::result(format_args!("{model}: {kind}{}", if inspection.repaints { ", inpainting" } else { "" }))?;
    report::result(format_args!(
        "  {layout}, names of {}",
        match inspection.names {
            "original" => "the original repositories",
            _ => "diffusers",
        }
    ))?;
    let size = inspection.width.zip(inspection.height).map(|(width, height)| format!("{width}×{height}"));
    let can: Vec<_> = size.as_deref().into_iter().chain(inspection.abilities.iter().copied()).collect();
    if !can.is_empty() {
        report::result(format_args!("  {}", can.join("; ")))?;
    }
    for part in &inspection.parts {
        print_network(part)?;
    }
    print_gates(&inspection.gates)?;
    if !inspection.left_out.is_empty() {
        report::result("\nnot needed")?;
        for (reason, count) in &inspection.left_out {
            report::result(format_args!("  {count} tensors: {reason}"))?;
        }
    }
    if !inspection.unknown.is_empty() {
        report::result(format_args!(
            "\nunknown, and refused when it is loaded: {} tensors",
            inspection.unknown.len()
        ))?;
        for key in inspection.unknown.iter().take(10) {
            report::result(format_args!("  {key}"))?;
        }
    }
    if !inspection.missing.is_empty() {
        report::result("\nmissing")?;
        for Missing { what, to, from } in &inspection.missing {
            report::result(format_args!("  {what}, to {to}: from {from}"))?;
        }
    }
    Ok(())
}

fn print_network(part: &Network) -> Result<(), Failure> {
    report::result("")?;
    if part.tensors == 0 {
        report::result(part.name)?;
    } else {
        let types: Vec<_> = part.types.keys().map(String::as_str).collect();
        let (numbers, tensors) = (in_words(part.parameters), part.tensors);
        report::result(format_args!(
            "{}: {numbers} parameters in {tensors} tensors, {}",
            part.name,
            types.join(", ")
        ))?;
    }
    for (key, value) in &part.config {
        report::result(format_args!("  {key}: {value}"))?;
    }
    Ok(())
}

fn print_gates(gates: &[Gate]) -> Result<(), Failure> {
    if gates.is_empty() {
        return Ok(());
    }
    let width = gates.iter().map(|gate| gate.block.len()).max().unwrap_or(0);
    report::result("\ngates of the fusers, -1 to 1; 0 is shut")?;
    report::result(format_args!("  {:width$}  attention  feed-forward", ""))?;
    for Gate { block, attention, feed_forward } in gates {
        report::result(format_args!("  {block:width$}  {attention:9.4}  {feed_forward:12.4}"))?;
    }
    Ok(())
}
