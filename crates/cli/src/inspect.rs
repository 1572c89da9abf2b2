//! `gligen inspect`

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use gligen_pipeline::{Error, ModelDir};
use gligen_weights::{KeyMap, Weights};
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::report;

/// Say what a model is, what it is made of and what it can do
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A model folder in the diffusers layout [default: the built-in small model]
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
    kind: Kind,
    repaints: bool,
    width: u64,
    height: u64,
    abilities: Vec<&'static str>,
    parts: Vec<Part>,
    gates: Vec<Gate>,
}

/// What its objects are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Plain Stable Diffusion: no objects.
    Plain,
    /// A phrase in a box.
    TextBox,
    /// A phrase, a picture or both in a box.
    TextImageBox,
}

/// A network, or the scheduler.
#[derive(Debug, Serialize)]
struct Part {
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

/// A fuser's two learned numbers, under the names that files give them.
#[derive(Module, Debug)]
struct Alphas {
    alpha_attn: Param<Tensor<1>>,
    alpha_dense: Param<Tensor<1>>,
}

/// The networks, and what of their configs says how large they are.
const NETWORKS: [(&str, &[&str]); 3] = [
    (
        "unet",
        &["sample_size", "in_channels", "block_out_channels", "cross_attention_dim", "attention_head_dim"],
    ),
    ("vae", &["block_out_channels", "latent_channels", "scaling_factor"]),
    (
        "text_encoder",
        &["num_hidden_layers", "hidden_size", "vocab_size", "max_position_embeddings", "hidden_act"],
    ),
];

const SCHEDULER: &[&str] = &["_class_name", "num_train_timesteps", "beta_schedule", "prediction_type"];

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let inspection = inspect(args)?;
    if args.json {
        return report::json_result(&inspection);
    }
    print(&inspection)
}

fn inspect(args: &Args) -> Result<Inspection, Failure> {
    let model = args.model.as_deref().map_or(Ok(ModelDir::BuiltIn), ModelDir::open)?;
    let name = args.model.as_ref().map_or("tiny-gligen (built in)".into(), |path| path.display().to_string());

    let mut parts = Vec::new();
    let (mut kind, mut gates) = (Kind::Plain, Vec::new());
    for (part, keys) in NETWORKS {
        let weights = model.weights(part)?;
        if part == "unet" {
            kind = kind_of(&weights);
            gates = read_gates(&weights)?;
        }
        parts.push(Part::network(part, config(&model, part, "config.json", keys)?, &weights));
    }
    let scheduler = config(&model, "scheduler", "scheduler_config.json", SCHEDULER)?;
    parts.push(Part {
        name: "scheduler",
        config: scheduler,
        tensors: 0,
        parameters: 0,
        types: BTreeMap::new(),
    });

    let number = |part: usize, key: &str| parts[part].config.get(key).and_then(Value::as_u64);
    let levels = parts[1].config.get("block_out_channels").and_then(Value::as_array).map_or(4, Vec::len);
    let side = number(0, "sample_size").unwrap_or(64) << levels.clamp(1, 16).saturating_sub(1);
    let repaints = number(0, "in_channels").is_some_and(|channels| channels > 4);
    let abilities = abilities(kind, repaints);
    Ok(Inspection { model: name, kind, repaints, width: side, height: side, abilities, parts, gates })
}

/// What `keys` say in a config file; what the file leaves out is left out.
fn config(
    model: &ModelDir,
    part: &str,
    file: &str,
    keys: &[&'static str],
) -> Result<BTreeMap<&'static str, Value>, Failure> {
    let text = model.text(part, file)?;
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        let place = match model {
            ModelDir::Folder(folder) => folder.join(part).join(file),
            ModelDir::BuiltIn => PathBuf::from(part).join(file),
        };
        Failure::file(place, error.into())
    })?;
    Ok(keys.iter().filter_map(|&key| Some((key, value.get(key)?.clone()))).collect())
}

impl Part {
    fn network(name: &'static str, config: BTreeMap<&'static str, Value>, weights: &Weights) -> Self {
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

/// The position net tells the kind; the class that `model_index.json` names is often wrong.
fn kind_of(unet: &Weights) -> Kind {
    let has = |prefix: &str| unet.tensors().any(|(key, _)| key.starts_with(prefix));
    match () {
        () if has("position_net.linears_image.") || has("position_net.linears_text.") => Kind::TextImageBox,
        () if has("position_net.") => Kind::TextBox,
        () => Kind::Plain,
    }
}

fn abilities(kind: Kind, repaints: bool) -> Vec<&'static str> {
    let mut abilities = vec!["draws from captions"];
    match kind {
        Kind::Plain => {}
        Kind::TextBox => abilities.push("places phrases in boxes"),
        Kind::TextImageBox => abilities.push("places phrases and pictures in boxes (not yet supported)"),
    }
    if repaints {
        abilities.push("repaints parts of a picture (not yet supported)");
    }
    abilities
}

fn read_gates(unet: &Weights) -> Result<Vec<Gate>, Failure> {
    let device = &Device::default();
    let blocks: Vec<&str> =
        unet.tensors().filter_map(|(key, _)| key.strip_suffix(".fuser.alpha_attn")).collect();
    let mut gates = Vec::new();
    for block in blocks {
        let mut keys = KeyMap::new().only_prefix(&format!("{block}.fuser."));
        for layer in ["attn", "ff", "linear", "norm1", "norm2"] {
            keys = keys.ignore(layer);
        }
        let zero = || Param::from_tensor(Tensor::zeros([1], device));
        let alphas = Alphas { alpha_attn: zero(), alpha_dense: zero() };
        let alphas = unet
            .load(alphas, &keys)
            .map_err(|source| Error::Component { part: "UNet", source: source.into() })?;
        let gate = |alpha: Param<Tensor<1>>| alpha.val().into_scalar::<f32>().tanh();
        let (attention, feed_forward) = (gate(alphas.alpha_attn), gate(alphas.alpha_dense));
        gates.push(Gate { block: block.into(), attention, feed_forward });
    }
    Ok(gates)
}

fn print(inspection: &Inspection) -> Result<(), Failure> {
    let Inspection { model, kind, repaints, width, height, abilities, parts, gates } = inspection;
    let kind = match kind {
        Kind::Plain => "Stable Diffusion without objects",
        Kind::TextBox => "GLIGEN, text boxes",
        Kind::TextImageBox => "GLIGEN, text and picture boxes",
    };
    report::result(format_args!("{model}: {kind}{}", if *repaints { ", inpainting" } else { "" }))?;
    report::result(format_args!("  {width}×{height}; {}", abilities.join("; ")))?;
    for part in parts {
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
    }
    if !gates.is_empty() {
        let width = gates.iter().map(|gate| gate.block.len()).max().unwrap_or(0);
        report::result("\ngates of the fusers, -1 to 1; 0 is shut")?;
        report::result(format_args!("  {:width$}  attention  feed-forward", ""))?;
        for Gate { block, attention, feed_forward } in gates {
            report::result(format_args!("  {block:width$}  {attention:9.4}  {feed_forward:12.4}"))?;
        }
    }
    Ok(())
}

/// `1.07 billion`, `2.5 million`, `960`.
fn in_words(number: usize) -> String {
    let number = number as f64;
    match number {
        1e9.. => format!("{:.2} billion", number / 1e9),
        1e6.. => format!("{:.1} million", number / 1e6),
        1e3.. => format!("{:.0} thousand", number / 1e3),
        _ => number.to_string(),
    }
}
