//! Workflows of ComfyUI in the API format: nodes by their names, linked by `[name of a node, output]`.
//!
//! The sampler's `positive` leads through one `GLIGENTextBoxApply` a box to the caption. Boxes are the top left corner,
//! width and height in pixels of the picture, whose size is that of the latents that the sampler starts from.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::draft::Draft;
use super::source::check_length;
use super::{ImportError, Source, corners, sampler};

/// A node with a box.
const BOX_NODE: &str = "GLIGENTextBoxApply";

/// The most links that are followed one after the other; a workflow that has more turns in a circle.
const MAX_LINKS: usize = 1000;

/// The names under which nodes hand a plain value on.
const PLAIN_INPUTS: [&str; 6] = ["text", "value", "string", "seed", "int", "float"];

/// The names under which nodes that change a conditioning take it.
const CONDITIONING_INPUTS: [&str; 4] = ["conditioning_to", "conditioning", "conditioning_1", "positive"];

#[derive(Deserialize)]
struct Node {
    class_type: String,
    #[serde(default)]
    inputs: Map<String, Value>,
}

/// A request to its server has the workflow under `prompt`, a picture and a file have it bare.
#[derive(Deserialize)]
struct Request {
    prompt: Workflow,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Workflow(BTreeMap<String, Node>);

pub(super) fn read(source: &Source) -> Result<Vec<Draft>, ImportError> {
    let keys: BTreeMap<String, serde::de::IgnoredAny> = source.json()?;
    if keys.contains_key("last_node_id") {
        let reason = "this is the form in which its page keeps a workflow; save it in the API format";
        return Err(ImportError::value("nodes", reason));
    }
    let workflow = match keys.contains_key("prompt") {
        true => source.json::<Request>()?.prompt,
        false => source.json()?,
    };
    workflow.draft().map(|draft| vec![draft])
}

impl Workflow {
    fn draft(&self) -> Result<Draft, ImportError> {
        let samplers = self.0.iter().filter(|(_, node)| node.inputs.contains_key("positive"));
        let mut samplers = samplers.filter(|(_, node)| node.inputs.contains_key("latent_image"));
        // A second sampler refines the picture of the first; what starts from a size is the first.
        let (name, sampler, size) =
            samplers.find_map(|(name, node)| Some((name, node, self.size(node)?))).ok_or_else(|| {
                ImportError::value("file", "no sampler that starts from empty latents of a given size")
            })?;
        let [width, height] = size;
        let size = corners::size("width", width, height)?;

        let (caption, boxes) = self.conditioning(sampler, "positive");
        let mut draft = Draft::of(None, caption.unwrap_or_default());
        for (name, node) in boxes.into_iter().rev() {
            // A workflow that turns in a circle has a box a thousand times.
            check_length(name)
                .map_err(|reason| ImportError::value(BOX_NODE, format!("its name: {reason}")))?;
            let sides = ["x", "y", "width", "height"].map(|side| self.number(node, side));
            let [Some(x), Some(y), Some(width), Some(height)] = sides else {
                let reason = format!("expected numbers x, y, width and height of a {BOX_NODE}");
                return Err(ImportError::value(format!("{name}.inputs"), reason));
            };
            let rect = corners::fractions(corners::of_sides([x, y, width, height]), size);
            draft.add(format!("{name}.inputs"), self.text(node, "text").unwrap_or_default(), rect)?;
        }
        draft.set_negative_prompt(self.conditioning(sampler, "negative").0);
        draft.set_size("width", size);
        let whole = |input| self.plain(sampler, input).and_then(Value::as_u64);
        draft.layout.seed = whole("seed").or(whole("noise_seed"));
        draft.layout.steps = whole("steps").map(|steps| steps as usize);
        draft.layout.guidance_scale = self.number(sampler, "cfg");
        if let Some(theirs) = self.text(sampler, "sampler_name") {
            let ours = sampler::scheduler(theirs, self.text(sampler, "scheduler").unwrap_or_default());
            draft.set_scheduler(&format!("{name}.inputs.sampler_name"), theirs, ours);
        }
        Ok(draft)
    }

    /// The node that `input` of `node` is linked to.
    fn linked(&self, node: &Node, input: &str) -> Option<(&str, &Node)> {
        let name = node.inputs.get(input)?.as_array()?.first()?.as_str()?;
        self.0.get_key_value(name).map(|(name, node)| (name.as_str(), node))
    }

    /// Width and height of the empty latents that a sampler starts from, if it does.
    fn size(&self, sampler: &Node) -> Option<[f64; 2]> {
        let (_, latents) = self.linked(sampler, "latent_image")?;
        if latents.inputs.contains_key("samples") {
            return None; // they are another sampler's, enlarged
        }
        Some([self.number(latents, "width")?, self.number(latents, "height")?])
    }

    /// The text that `input` of a sampler leads to, and the nodes with boxes on the way there.
    fn conditioning(&self, sampler: &Node, input: &str) -> (Option<String>, Vec<(&str, &Node)>) {
        let mut boxes = Vec::new();
        let mut next = self.linked(sampler, input);
        for _ in 0..MAX_LINKS {
            let Some((name, node)) = next else { break };
            if node.class_type == BOX_NODE {
                boxes.push((name, node));
            } else if let Some(text) = self.text(node, "text") {
                return (Some(text.into()), boxes);
            }
            next = CONDITIONING_INPUTS.iter().find_map(|input| self.linked(node, input));
        }
        (None, boxes)
    }

    /// The value of `input`, which may come over links from a node that holds nothing else.
    fn plain<'a>(&'a self, node: &'a Node, input: &str) -> Option<&'a Value> {
        let (mut node, mut input) = (node, input);
        for _ in 0..MAX_LINKS {
            match self.linked(node, input) {
                None => return node.inputs.get(input),
                Some((_, other)) => {
                    node = other;
                    input = PLAIN_INPUTS.into_iter().find(|input| other.inputs.contains_key(*input))?;
                }
            }
        }
        None
    }

    fn number(&self, node: &Node, input: &str) -> Option<f64> {
        self.plain(node, input)?.as_f64()
    }

    fn text<'a>(&'a self, node: &'a Node, input: &str) -> Option<&'a str> {
        self.plain(node, input)?.as_str()
    }
}
