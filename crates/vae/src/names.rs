//! Names that the parameters have in older files.

use gligen_weights::KeyMap;

/// The maps of the attention: their names before diffusers 0.12, and since.
const ATTENTION: [(&str, &str); 4] = [
    ("attentions.0.query", "attentions.0.to_q"),
    ("attentions.0.key", "attentions.0.to_k"),
    ("attentions.0.value", "attentions.0.to_v"),
    ("attentions.0.proj_attn", "attentions.0.to_out.0"),
];

/// Takes the attention's old names for the new ones, and leaves all others alone.
pub(crate) fn key_map() -> KeyMap {
    ATTENTION.iter().fold(KeyMap::new(), |map, (old, new)| map.rename_segment(old, new))
}
