//! CLIP's text transformer, which the original wraps twice, and some tools once.

use super::Names;

pub(crate) fn text_encoder() -> Names {
    let mut names = Names::default();
    for module in ["embeddings", "encoder", "final_layer_norm"] {
        names.also(format!("transformer.{module}"), module);
        names.add(format!("transformer.text_model.{module}"), module);
    }
    names
}
